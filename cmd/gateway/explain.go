package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"crosscode/config"
	"crosscode/crypto/jose"
	"crosscode/exchange"
	"crosscode/exchange/clock"
	"crosscode/jurisdictions"
)

// explanation is what packet explain tells: what the gateway answers, and all that the steps on the way found.
type explanation struct {
	At      time.Time   `json:"at"`
	Outcome string      `json:"outcome"`         // "issued", or the reason
	Stage   string      `json:"stage,omitempty"` // where the packet was stopped; none when a verdict was reached
	Steps   []jose.Step `json:"steps"`
}

// explainWith opens what a gateway with these settings would open, and asks it about the packet.
func explainWith(ctx context.Context, settings config.Config, packet exchange.Packet, now time.Time) (explanation, error) {
	p, err := openToExplain(settings)
	if err != nil {
		return explanation{}, err
	}
	defer p.close()
	return p.explain(ctx, packet, now)
}

// openToExplain opens what the explanation of a packet needs: the keys, the sides and the trust, and no journal or store.
func openToExplain(settings config.Config) (*parts, error) {
	p := &parts{settings: settings, log: quiet(), clock: clock.Now}
	for _, open := range []func() error{p.openRing, p.openSides, p.openTrust} {
		if err := open(); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

// explain asks the gateway itself for the answer, and then looks for everything else that is wrong. The answer is so the
// gateway's own, byte for byte; that the steps agree with it is held by a test.
func (p *parts) explain(ctx context.Context, packet exchange.Packet, now time.Time) (explanation, error) {
	told := explanation{At: now.In(exchange.Zone)}
	_, err := p.gateway().Authenticate(ctx, exchange.Request{Packet: packet}, now)
	var failure *exchange.Failure
	if err != nil && !errors.As(err, &failure) {
		return explanation{}, err
	}
	seen := jose.Explain(ctx, packet, p.ring, p.trust, p.settings.Issuer)
	told.Steps = append([]jose.Step{sizeStep(packet)}, seen.Steps...)
	steps, outcome := p.explainClaims(seen, now)
	told.Steps, told.Outcome = append(told.Steps, steps...), outcome
	if failure != nil {
		told.Outcome, told.Stage = string(failure.Reason), failure.Stage
	}
	return told, nil
}

func sizeStep(packet exchange.Packet) jose.Step {
	var faults []jose.Fault
	if size := len(packet.Compact()); size > exchange.MaxPacket {
		faults = []jose.Fault{{Why: "it is longer"}}
	}
	return jose.Step{Name: "size", What: fmt.Sprintf("the packet has %d characters at most", exchange.MaxPacket), Faults: faults}
}

// trail is the steps behind the cryptography, in the order in which exchange.Gateway makes them.
type trail []jose.Step

func newTrail() trail {
	return trail{
		{Name: "issuer", What: "iss is a side of this gateway", Skipped: true},
		{Name: "packet-key", What: "the packet is sealed to its own side's key", Skipped: true},
		{Name: "read", What: "every claim is known and well-formed", Skipped: true},
		{Name: "live", What: "the packet has begun and not ended, give or take 60 s", Skipped: true},
		{Name: "route", What: "dst is a side of this gateway", Skipped: true},
		{Name: "consent", What: "the consent is the published text for this route, given just now, for this purpose alone", Skipped: true},
		{Name: "verdict", What: "both sides' rules grant a code", Skipped: true},
	}
}

// made notes that a step was made, and what it found.
func (t trail) made(name string, faults ...jose.Fault) {
	i := slices.IndexFunc(t, func(s jose.Step) bool { return s.Name == name })
	t[i].Skipped, t[i].Faults = false, faults
}

// explainClaims goes on where the cryptography ends. It looks at claims whose signature does not hold as well, since whoever
// asks has made them.
func (p *parts) explainClaims(seen jose.Explained, now time.Time) (steps []jose.Step, outcome string) {
	left := newTrail()
	if seen.Claims.Issuer == "" {
		return left, ""
	}
	source, err := p.sides.find(seen.Claims.Issuer)
	left.made("issuer", faultOf("/iss", err)...)
	if err != nil {
		return left, ""
	}
	left.made("packet-key", faultOf("", sealedTo(seen.Signed, source.Profile()))...)
	record, faults := readAll(source, seen.Claims)
	left.made("read", faults...)
	if len(faults) > 0 {
		return left, ""
	}
	destination, err := p.sides.find(record.Route.To)
	left.made("live", liveFaults(record, now)...)
	left.made("route", faultOf("/dst", err)...)
	left.made("consent", consentFaults(record, now)...)
	if err != nil {
		return left, ""
	}
	verdict := jurisdictions.Explain(record, record.Route, now, source.Rules().Current(), destination.Rules().Current())
	outcome = exchange.Issued
	if !verdict.Granted {
		outcome = string(verdict.Decided.Reason)
	}
	return append(left[:len(left)-1], ruleSteps(verdict)...), outcome
}

// readAll reads the claims and gives all that is wrong with them.
func readAll(source jurisdiction, claims exchange.Claims) (record exchange.Record, faults []jose.Fault) {
	record, found := jurisdictions.ReadAll(claims, source.Vocabulary(), source.Wordings())
	for _, fault := range found {
		faults = append(faults, jose.Fault{At: fault.Pointer, Why: fault.Why})
	}
	return record, faults
}

func liveFaults(record exchange.Record, now time.Time) []jose.Fault {
	err := record.Live(now)
	if err == nil {
		return nil
	}
	at := "/exp"
	if reason, _ := exchange.ReasonOf(err); reason == exchange.NotYetValid {
		at = "/nbf"
	}
	return []jose.Fault{{At: at, Why: fmt.Sprintf("iat is %s, nbf %s, exp %s, and now is %s", moment(record.IssuedAt),
		moment(record.NotBefore), moment(record.Expires), moment(now))}}
}

// consentWhys says where in the claims each stage of exchange.Consent.Faults looks, and what is wrong there.
var consentWhys = map[string]jose.Fault{
	"consent-text":     {At: "/consent/sha256", Why: "no published text has this id, language and hash; GET /v1/consents/{route} lists them"},
	"consent-route":    {At: "/consent/text", Why: "the text is for another route"},
	"consent-separate": {At: "/consent/separate", Why: "must be true, and purpose must be " + exchange.Purpose},
	"consent-window":   {At: "/consent/text", Why: "the text is not in force at this time"},
	"consent-age":      {At: "/consent/given_at", Why: fmt.Sprintf("must be at most %s before iat, and not after it", exchange.MaxConsentAge)},
}

func consentFaults(record exchange.Record, now time.Time) (faults []jose.Fault) {
	for _, err := range record.Consent.Faults(record.Route, record.IssuedAt, now) {
		var failure *exchange.Failure
		if errors.As(err, &failure) {
			faults = append(faults, consentWhys[failure.Stage])
		}
	}
	return faults
}

func sealedTo(signed exchange.Signed, source exchange.Profile) error {
	if signed.PacketKey != source.PacketKey() {
		return fmt.Errorf("it is sealed to %s; a packet of %s is sealed to %s", signed.PacketKey, source.Side, source.PacketKey())
	}
	return nil
}

// faultOf is the one fault that err stands for, or none.
func faultOf(at string, err error) []jose.Fault {
	if err == nil {
		return nil
	}
	return []jose.Fault{{At: at, Why: err.Error()}}
}

// ruleSteps is every rule of both sides with its outcome, and the verdict as the last step.
func ruleSteps(explained jurisdictions.Explanation) []jose.Step {
	var steps []jose.Step
	for _, rule := range slices.Concat(explained.Green.Rules, explained.Entry.Rules) {
		made := jose.Step{Name: "rule", What: fmt.Sprintf("%s: %s", rule.ID, rule.Status)}
		if rule.Blocks {
			made.Faults = []jose.Fault{{Why: strings.TrimSpace(rule.Title.En + " " + rule.Cause)}}
		}
		steps = append(steps, made)
	}
	if explained.Granted {
		for _, warned := range explained.Warned {
			steps = append(steps, jose.Step{Name: "warning", What: warned.Rule + ": " + warned.Title.En + ". " + warned.Remedy.En})
		}
		return append(steps, jose.Step{Name: "verdict", What: "granted until " + moment(*explained.Until) + "; " + explained.Ending()})
	}
	return append(steps, jose.Step{
		Name: "verdict", What: "refused", Faults: []jose.Fault{{Why: string(explained.Decided.Reason) + " by " + explained.Decided.Rule}},
	})
}
