package exchange_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/exchange/exchangetest"
	"crosscode/exchange/journal"
	"crosscode/exchange/store"
)

// parts is a gateway whose store and journal are the real ones. Packets are plain jtis: opening and verifying is
// crypto/jose's business, so here they do only what a test tells them to.
type parts struct {
	exchange.Gateway
	clock   *exchangetest.Clock
	journal string // path
	signed  atomic.Int64

	packetKey string
	open      func(exchange.Packet) error
	verify    func(exchange.Signed) (exchange.Claims, error)
	sign      func() error
	seal      func() error
	macau     *side
	entry     *side
}

func (p *parts) Open(_ context.Context, packet exchange.Packet) (exchange.Signed, error) {
	return exchange.Signed{Compact: string(packet), PacketKey: p.packetKey}, p.open(packet)
}

func (p *parts) Verify(_ context.Context, signed exchange.Signed) (exchange.Claims, error) {
	return p.verify(signed)
}

// Sign gives tokens of the right shape and counts them.
func (p *parts) Sign(_ context.Context, drafts *exchange.Drafts) (exchange.Signatures, error) {
	if err := p.sign(); err != nil {
		return exchange.Signatures{}, err
	}
	p.signed.Add(1)
	var signatures exchange.Signatures
	if code := drafts.Code(); code != nil {
		signatures.Code = tokenOf(code, "1")
		signatures.KeyIDs = append(signatures.KeyIDs, code.Key()+".1.AbCdEf")
	}
	lean, full, err := drafts.Receipt(strings.TrimSuffix(string(signatures.Code), "."+strings.Repeat("s", 86)))
	if err != nil {
		return exchange.Signatures{}, err
	}
	signatures.Receipt, signatures.FullReceipt = tokenOf(lean, "1"), full
	signatures.KeyIDs = append(signatures.KeyIDs, "receipt.1.AbCdEf")
	return signatures, nil
}

func (p *parts) Seal(_ context.Context, destination exchange.Side, handoff exchange.Handoff) (exchange.Token, error) {
	if err := p.seal(); err != nil {
		return "", err
	}
	data, err := json.Marshal(handoff)
	return exchange.Token(string(destination) + " " + string(data)), err
}

// side is a jurisdiction of function fields.
type side struct {
	profile exchange.Profile
	shut    []exchange.Window
	read    func(exchange.Claims) (exchange.Record, error)
	green   func(exchange.Record, time.Time) exchange.Findings
	admit   func(exchange.Record, exchange.Route, time.Time) exchange.Findings
	changes []time.Time
}

func (s *side) Shut(_ exchange.Route, from, until time.Time) []exchange.Window {
	return slices.DeleteFunc(slices.Clone(s.shut), func(w exchange.Window) bool { return !w.Overlaps(from, until) })
}
func (s *side) Profile() exchange.Profile { return s.profile }
func (s *side) Read(claims exchange.Claims) (exchange.Record, error) {
	return s.read(claims)
}
func (s *side) Green(record exchange.Record, at time.Time) exchange.Findings {
	return s.green(record, at)
}
func (s *side) Admit(record exchange.Record, route exchange.Route, at time.Time) exchange.Findings {
	return s.admit(record, route, at)
}
func (s *side) InUse() exchange.Rulebook { return s }
func (s *side) Changes(after, until time.Time) []time.Time {
	var within []time.Time
	for _, at := range s.changes {
		if at.After(after) && !at.After(until) {
			within = append(within, at)
		}
	}
	return within
}
func (s *side) Editions(exchange.Route, time.Time) []exchange.Edition     { return nil }
func (s *side) Consents(exchange.Route, time.Time) []exchange.ConsentText { return nil }
func (s *side) Ports(exchange.Route) []exchange.PortText                  { return nil }
func (s *side) Contact() exchange.Text                                    { return exchange.Text{} }

var _ exchange.Jurisdiction = (*side)(nil)

// gateway lets everybody from Macau into Guangdong for a day.
func gateway(t testing.TB) *parts {
	t.Helper()
	p := &parts{
		clock:     exchangetest.NewClock(),
		journal:   filepath.Join(t.TempDir(), "journal.jsonl"),
		packetKey: macau.PacketKey(),
		open:      func(exchange.Packet) error { return nil },
		sign:      func() error { return nil },
		seal:      func() error { return nil },
		verify: func(signed exchange.Signed) (exchange.Claims, error) {
			return exchange.Claims{Issuer: "macau", KeyID: "macau.1", JSON: []byte(signed.Compact)}, nil
		},
	}
	file, err := journal.Open(p.journal, journal.Sync(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	p.macau = &side{
		profile: macau,
		read: func(claims exchange.Claims) (exchange.Record, error) {
			record := green()
			record.ID = string(claims.JSON)
			return record, nil
		},
		green: func(exchange.Record, time.Time) exchange.Findings { return leaves() },
	}
	p.entry = &side{profile: guangdong, admit: func(_ exchange.Record, _ exchange.Route, at time.Time) exchange.Findings {
		entry := enters()
		entry.Outcomes[0].Until = at.Add(24 * time.Hour)
		return entry
	}}
	memory := store.New(p.clock.Now)
	p.Gateway = exchange.Gateway{
		Opener: p, Verifier: p, Signer: p, Sealer: p, Journal: file, Replays: memory, Recalls: memory, Clock: p.clock.Now,
		Sides:    map[exchange.Side]exchange.Jurisdiction{"macau": p.macau, "guangdong": p.entry},
		Landings: map[exchange.Side]string{"guangdong": landing},
	}
	return p
}

func (p *parts) bring(t testing.TB, jti, key string) (exchange.Answer, error) {
	t.Helper()
	return p.Exchange(context.Background(), exchange.Request{Packet: exchange.Packet(jti), Requester: exchange.NewRequester(key)})
}

// events are the journal's lines so far, each "event reason kids".
func (p *parts) events(t testing.TB) []string {
	t.Helper()
	if _, err := journal.VerifyFile(p.journal); err != nil {
		t.Error(err)
	}
	data, err := os.ReadFile(p.journal)
	if err != nil {
		t.Fatal(err)
	}
	var events []string
	for line := range strings.Lines(string(data)) {
		var entry struct {
			Event, Reason string
			Kids          []string
		}
		decode(t, []byte(line), &entry)
		events = append(events, strings.TrimSpace(fmt.Sprintf("%s %s %d", entry.Event, entry.Reason, len(entry.Kids))))
	}
	return events
}

// failing is a store or a journal one of whose calls fails as long as broken is set.
type failing struct {
	exchange.Replays
	exchange.Recalls
	exchange.Journal
	broken string
}

var errOutage = errors.New("connection refused")

func (f *failing) fails(call string) error {
	if f.broken == call {
		return exchange.Fail(exchange.Unavailable, "test", errOutage)
	}
	return nil
}

func (f *failing) Reserve(ctx context.Context, reservation exchange.Reservation) (exchange.Lease, error) {
	if err := f.fails("reserve"); err != nil {
		return exchange.Lease{}, err
	}
	return f.Replays.Reserve(ctx, reservation)
}

func (f *failing) Commit(ctx context.Context, lease exchange.Lease, until time.Time) error {
	if err := f.fails("commit"); err != nil {
		return err
	}
	return f.Replays.Commit(ctx, lease, until)
}

func (f *failing) Recalled(ctx context.Context, codeID string, source exchange.Side, issuedAt time.Time) (bool, error) {
	if err := f.fails("recalled"); err != nil {
		return false, err
	}
	return f.Recalls.Recalled(ctx, codeID, source, issuedAt)
}

func (f *failing) Intend(ctx context.Context, entry exchange.Entry) error {
	if err := f.fails("intend"); err != nil {
		return err
	}
	return f.Journal.Intend(ctx, entry)
}

func (f *failing) Finish(ctx context.Context, entry exchange.Entry) error {
	if err := f.fails("conclude"); err != nil {
		return err
	}
	return f.Journal.Finish(ctx, entry)
}

// breakable lets the calls of the store and the journal fail by name.
func (p *parts) breakable() *failing {
	f := &failing{Replays: p.Replays, Recalls: p.Recalls, Journal: p.Journal}
	p.Replays, p.Recalls, p.Journal = f, f, f
	return f
}
