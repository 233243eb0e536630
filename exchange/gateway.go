package exchange

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Gateway takes one packet to one answer. All its parts are injected; the zero value of an optional part is said beside it.
type Gateway struct {
	Opener   Opener
	Verifier Verifier
	Sides    map[Side]Jurisdiction
	Replays  Replays
	Recalls  Recalls
	Journal  Journal
	Signer   Signer
	Sealer   Sealer
	// Landings names the audience of each destination's landing page; a destination without one gets no handoff. Where there
	// is none at all, Sealer may be nil.
	Landings map[Side]string
	// Specimen marks everything that is signed as not for real use.
	Specimen bool
	// Clock is read once for each packet.
	Clock func() time.Time
}

// Signer signs drafts with the destination's key and the receipt key, current version each, and has checked its own
// signatures before it gives them out. Its error is a Failure with unavailable.
type Signer interface {
	Sign(ctx context.Context, drafts *Drafts) (Signatures, error)
}

// Signatures is what the Signer gives: the signed tokens, and the full receipt that the lean one vouches for.
type Signatures struct {
	Code        Token // empty for a refusal
	Receipt     Token
	FullReceipt []byte
	KeyIDs      []string // kids of the tokens above, in their order
}

// Handoff is what travels in the traveller's browser to the destination's landing page: JSON, sealed to the
// destination's own key.
type Handoff struct {
	Code        Token  `json:"code"`
	Receipt     Token  `json:"receipt"`
	FullReceipt string `json:"full_receipt"` // the exact bytes whose hash is in the receipt
	Fields      string `json:"fields"`       // the exact bytes whose hash is in the full receipt
}

var errSignatures = errors.New("the signer gave other tokens than were drafted")

// ErrNoHandoffKey says that the destination publishes no key to seal to; the code is given without a handoff.
var ErrNoHandoffKey = errors.New("the destination publishes no key for a handoff")

// Sealer encrypts a handoff to the destination's published `use: enc` key. Its error is ErrNoHandoffKey or a Failure with
// unavailable; either way the code is given without a handoff.
type Sealer interface {
	Seal(ctx context.Context, destination Side, handoff Handoff) (Token, error)
}

// Request is one packet, brought by someone.
type Request struct {
	Packet Packet
	// Route is what the caller's page is for; the zero Route accepts whatever the packet says.
	Route     Route
	Requester Requester
}

// Answer is what the holder gets: a code and its receipt, or a refusal and its receipt.
type Answer struct {
	Route Route
	// Refusal is the outcome that decided; nil when a code was issued.
	Refusal *Outcome
	Signatures
	ReceiptID      string
	CodeID         string
	IssuedAt       time.Time
	ValidUntil     time.Time // zero for a refusal
	NotGranted     []string
	Warnings       []Outcome
	Handoff        Token // empty: no landing page, a refusal, or HandoffMissing
	HandoffMissing bool  // the destination has a landing page, but no key that could be had now
	Withdraw       string
}

// Exchange takes a packet along its path. Its error is a Failure, except for a fault of the gateway itself.
func (g *Gateway) Exchange(ctx context.Context, request Request) (Answer, error) {
	now := g.Clock()
	record, err := g.Authenticate(ctx, request, now)
	if err != nil {
		return Answer{}, err
	}
	lease, err := g.Replays.Reserve(ctx, Reservation{
		Key: NewReplayKey(record.Issuer, record.ID), Requester: request.Requester, At: now,
		IssuedAt: record.IssuedAt, Expires: record.Expires,
	})
	if err != nil {
		return Answer{}, sourced(record.Issuer, err)
	}
	answer, err := g.answer(ctx, record, lease)
	if err != nil {
		return Answer{}, errors.Join(sourced(record.Issuer, err), g.Replays.Release(context.WithoutCancel(ctx), lease))
	}
	return answer, nil
}

// Authenticate turns hostile bytes into a live record with consent, as of now. It needs Opener, Verifier and Sides alone, and
// leaves no trace. Its error is a Failure.
func (g *Gateway) Authenticate(ctx context.Context, request Request, now time.Time) (Record, error) {
	if len(request.Packet.Compact()) > MaxPacket {
		return Record{}, Fail(TooLarge, "size", nil)
	}
	signed, err := g.Opener.Open(ctx, request.Packet)
	if err != nil {
		return Record{}, uniform(err)
	}
	claims, err := g.Verifier.Verify(ctx, signed)
	if err != nil {
		return Record{}, uniform(err)
	}
	source, known := g.Sides[claims.Issuer]
	if !known {
		return Record{}, Fail(PacketRefused, "issuer", nil)
	}
	// Each side seals to a key of its own, so that one side's packets can be stopped by retiring one key.
	if signed.PacketKey != source.Profile().PacketKey() {
		return Record{}, Fail(PacketRefused, "packet-key", nil)
	}
	record, err := g.read(source, claims, request.Route, now)
	if err != nil {
		return Record{}, sourced(claims.Issuer, err)
	}
	return record, nil
}

// read takes a genuine packet's claims to a live record with consent.
func (g *Gateway) read(source Source, claims Claims, wanted Route, now time.Time) (Record, error) {
	record, err := source.Read(claims)
	if err != nil {
		return Record{}, err
	}
	// The signature was checked with a key of claims.Issuer; a record that speaks for another side would be a confused
	// deputy (RFC 8725 §3.8).
	if record.Issuer != claims.Issuer {
		return Record{}, Invalid("iss", "is not the side whose key signed the packet")
	}
	if err := record.Live(now); err != nil {
		return Record{}, err
	}
	if err := g.covers(record, wanted, now); err != nil {
		return Record{}, err
	}
	return record, nil
}

// uniform sees to it that, until the inner signature holds, every failure but an outage is packet-refused: any other reason
// would tell a forger which step he has passed (RFC 7516 §11.5). An error without a reason stays the internal fault it is.
func uniform(err error) error {
	switch reason, found := ReasonOf(err); {
	case !found, reason == Unavailable, reason == PacketRefused:
		return err
	default:
		return Fail(PacketRefused, "uniform", err)
	}
}

// covers tells whether the packet is for this route: it begins where the packet was made, ends at another side that we
// know, and is what the caller's page is for, and what the holder consented to.
func (g *Gateway) covers(record Record, wanted Route, now time.Time) error {
	route := record.Route
	if _, known := g.Sides[route.To]; !known || route.From != record.Issuer || route.To == route.From {
		return Fail(WrongRoute, "route", nil)
	}
	if wanted != (Route{}) && wanted != route {
		return Fail(WrongRoute, "page", nil)
	}
	return record.Consent.Covers(route, record.IssuedAt, now)
}

// answer gives a reserved packet its one answer. The clock reading is the first request's, so that a repeat gets the
// same verdict; a rulebook that was replaced in between may not turn one answer into another. A recalled packet is answered
// like an expired one, since the remedy is the same: make a new one.
func (g *Gateway) answer(ctx context.Context, record Record, lease Lease) (Answer, error) {
	recalled, err := g.Recalls.Recalled(ctx, lease.Key.CodeID(), record.Route.From, record.IssuedAt)
	if err != nil {
		return Answer{}, err
	}
	if recalled {
		return Answer{}, Fail(PacketExpired, "recalled", nil)
	}
	verdict := Judge(record, g.Sides[record.Route.From].InUse(), g.Sides[record.Route.To].InUse(), lease.First)
	if lease.Repeat && !verdict.Until().Equal(lease.Until) {
		return Answer{}, Fail(Replayed, "verdict-changed", nil)
	}
	return g.issue(ctx, verdict, lease)
}

// issue records, signs, seals and commits. Nothing leaves before the commit, and nothing is signed before the intent is
// recorded. An outcome that cannot be recorded is withheld as well; the same requester may ask for it again.
func (g *Gateway) issue(ctx context.Context, verdict Verdict, lease Lease) (Answer, error) {
	line := intent(verdict, lease)
	if err := g.Journal.Intend(ctx, line); err != nil {
		return Answer{}, err
	}
	answer, err := g.sign(ctx, verdict, lease)
	if err == nil {
		err = g.Replays.Commit(ctx, lease, verdict.Until())
	}
	line.Event, line.KeyIDs = event(verdict, err), answer.KeyIDs
	if journal := g.Journal.Finish(context.WithoutCancel(ctx), line); err == nil && journal != nil {
		return Answer{}, journal
	}
	if err != nil {
		return Answer{}, err
	}
	return answer, nil
}

func event(verdict Verdict, err error) Event {
	_, refused := verdict.Refused()
	switch {
	case err != nil:
		return EventVoid
	case refused:
		return EventRefused
	default:
		return EventIssued
	}
}

func (g *Gateway) sign(ctx context.Context, verdict Verdict, lease Lease) (Answer, error) {
	record, _, entry := verdict.Basis()
	drafts, err := verdict.Drafts(Terms{
		Key: lease.Key, IssuedAt: lease.First, At: lease.At, Specimen: g.Specimen, Landing: g.Landings[record.Route.To],
		Source: g.Sides[record.Route.From].Profile(), Destination: g.Sides[record.Route.To].Profile(),
	})
	if err != nil {
		return Answer{}, fmt.Errorf("drafting: %w", err)
	}
	signatures, err := g.Signer.Sign(ctx, drafts)
	if err != nil {
		return Answer{}, err
	}
	if signatures.Receipt == "" || (signatures.Code != "") != (drafts.Code() != nil) {
		return Answer{}, errSignatures
	}
	answer := Answer{
		Route: record.Route, Signatures: signatures, ReceiptID: lease.Key.ReceiptID(), IssuedAt: lease.First.Truncate(time.Second),
		ValidUntil: verdict.Until(), NotGranted: entry.NotGranted, Warnings: verdict.Warnings(), Withdraw: drafts.Withdraw(),
	}
	if decided, refused := verdict.Refused(); refused {
		answer.Refusal = &decided
		return answer, nil
	}
	answer.CodeID = lease.Key.CodeID()
	return g.seal(ctx, record.Route.To, drafts, answer)
}

func (g *Gateway) seal(ctx context.Context, destination Side, drafts *Drafts, answer Answer) (Answer, error) {
	if drafts.Fields() == nil {
		return answer, nil
	}
	handoff, err := g.Sealer.Seal(ctx, destination, Handoff{
		Code: answer.Code, Receipt: answer.Receipt, FullReceipt: string(answer.FullReceipt), Fields: string(drafts.Fields()),
	})
	// The handoff only saves the traveller some typing on the destination's page. That page's outage must not hold up
	// a code that an officer can check without it.
	if reason, _ := ReasonOf(err); errors.Is(err, ErrNoHandoffKey) || reason == Unavailable {
		answer.HandoffMissing = true
		return answer, nil
	}
	answer.Handoff = handoff
	return answer, err
}
