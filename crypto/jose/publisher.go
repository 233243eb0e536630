package jose

import (
	"context"
	"encoding/json"
	"time"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// PublishEvery is how often a bundle is signed at most. A recall, or a route that a replaced rulebook closes, is in the
// bundle after PublishEvery at the latest, half of the minute that is promised.
const PublishEvery = 30 * time.Second

// retryEvery is how often a bundle that cannot be made is tried again, so that an outage is not met with a storm.
const retryEvery = time.Second

// PublisherConfig is what a Publisher works with. All fields but Specimen are required.
type PublisherConfig struct {
	Ring    keys.Ring // its public signing keys are published, and its bundle key signs
	Recalls exchange.Recalls
	// Closings gives those of a bundle of this date, by the rulebooks in use: exchange.Closings.
	Closings func(at time.Time) []exchange.Closing
	Issuer   string // the gateway's own URL
	Profiles []exchange.Profile
	Specimen bool
	Clock    func() time.Time
}

// Publisher makes the officers' offline bundle.
type Publisher struct {
	config PublisherConfig
	signer *Signer
	turn   chan struct{} // holds one token: whoever has it may read and write what is below

	token   exchange.Token
	bundle  exchange.Bundle
	window  time.Time // of the last good bundle
	failed  time.Time // when making one last failed
	failure error
}

// NewPublisher makes no bundle before it is asked for one.
func NewPublisher(config PublisherConfig) *Publisher {
	p := &Publisher{config: config, signer: NewSigner(config.Ring), turn: make(chan struct{}, 1)}
	p.turn <- struct{}{}
	return p
}

// Bundle gives the present bundle, signed and as it was signed. However many ask, one of them makes it. It is dated at the
// beginning of its 30-second window, so that replicas behind one address give the same date and none of them looks rolled
// back. When a new one cannot be made, the last good one is given for as long as it is fresh (its soft end), then a Failure
// with unavailable.
func (p *Publisher) Bundle(ctx context.Context) (exchange.Token, exchange.Bundle, error) {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return "", exchange.Bundle{}, unavailable(stageSign, ctx.Err())
	}
	defer func() { p.turn <- struct{}{} }()
	now := p.config.Clock()
	if err := p.renew(ctx, now); err != nil && !p.fresh(now) {
		return "", exchange.Bundle{}, unavailable(stageSign, err)
	}
	return p.token, p.bundle, nil
}

func (p *Publisher) fresh(now time.Time) bool {
	return p.token != "" && now.Before(time.Unix(p.bundle.Soft, 0))
}

func (p *Publisher) renew(ctx context.Context, now time.Time) error {
	window := now.Truncate(PublishEvery)
	if p.token != "" && !window.After(p.window) {
		return nil // still this window, or the clock went back: an earlier date would look rolled back
	}
	if since := now.Sub(p.failed); p.failure != nil && since >= 0 && since < retryEvery {
		return p.failure
	}
	token, bundle, err := p.make(ctx, window)
	if p.failure = err; err != nil {
		p.failed = now
		return err
	}
	p.token, p.bundle, p.window = token, bundle, window
	return nil
}

func (p *Publisher) make(ctx context.Context, window time.Time) (token exchange.Token, bundle exchange.Bundle, err error) {
	defer containOutage(stageSign, &err)
	recalls, err := p.config.Recalls.Live(ctx)
	if err != nil {
		return "", exchange.Bundle{}, err
	}
	public, err := p.published()
	if err != nil {
		return "", exchange.Bundle{}, err
	}
	bundle = exchange.NewBundle(exchange.BundleContents{
		Issuer: p.config.Issuer, Profiles: p.config.Profiles, Keys: public, Recalls: recalls, Closings: p.config.Closings(window),
		Specimen: p.config.Specimen,
	}, window)
	draft, err := bundle.Draft()
	if err != nil {
		return "", exchange.Bundle{}, err
	}
	token, _, err = p.signer.SignDraft(ctx, draft)
	return token, bundle, err
}

// published lists the signing keys: a packet key is of no use to an officer.
func (p *Publisher) published() ([]json.RawMessage, error) {
	list := []json.RawMessage{}
	for _, key := range p.config.Ring.Public() {
		if key.Algorithm != keys.ES256 {
			continue
		}
		written, err := keys.JWK(key)
		if err != nil {
			return nil, err
		}
		list = append(list, written)
	}
	return list, nil
}
