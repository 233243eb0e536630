package exchange_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"crosscode/exchange"
)

func TestAPacketBecomesACode(t *testing.T) {
	p := gateway(t)
	answer, err := p.bring(t, "jti-1", "")
	if err != nil {
		t.Fatal(err)
	}
	key := exchange.NewReplayKey("macau", "jti-1")
	if answer.Refusal != nil || answer.CodeID != key.CodeID() || answer.ReceiptID != key.ReceiptID() || answer.Route != eastward ||
		!answer.IssuedAt.Equal(now) || !answer.ValidUntil.Equal(now.Add(24*time.Hour)) || answer.Withdraw == "" {
		t.Errorf("%+v", answer)
	}
	if destination, _, _ := strings.Cut(string(answer.Handoff), " "); destination != "guangdong" || answer.HandoffMissing {
		t.Errorf("handoff %s", answer.Handoff)
	}
	if got, want := p.events(t), []string{"intent  0", "issued  2"}; !slices.Equal(got, want) {
		t.Errorf("journal %q, want %q", got, want)
	}
}

func TestAWarningIsShownAndRefusesNobody(t *testing.T) {
	p := gateway(t)
	warning := fail("macau.green.lag", exchange.SourceConflict)
	warning.Warn = true
	p.macau.green = func(exchange.Record, time.Time) exchange.Findings { return leaves(warning) }
	answer, err := p.bring(t, "jti", "")
	if err != nil || len(answer.Warnings) != 1 || answer.Warnings[0].Rule != "macau.green.lag" {
		t.Errorf("%+v, %v, want one warning", answer.Warnings, err)
	}
}

// The destination announces that it closes in a minute: the code ends before, its receipt says by what, and its holder is warned.
func TestACodeEndsBeforeAnAnnouncedClosing(t *testing.T) {
	p := gateway(t)
	open, closes := p.entry.admit, now.Add(time.Minute)
	p.entry.changes = []time.Time{closes}
	p.entry.admit = func(record exchange.Record, route exchange.Route, at time.Time) exchange.Findings {
		if at.Before(closes) {
			return open(record, route, at)
		}
		findings := enters(fail("guangdong.entry.closed", exchange.RouteClosed))
		findings.Rulebook.Version = "guangdong/2026-11-22T10:01+08:00"
		return findings
	}
	answer, err := p.bring(t, "jti", "")
	if err != nil || !answer.ValidUntil.Equal(closes.Add(-time.Second)) {
		t.Fatalf("until %s, %v", answer.ValidUntil, err)
	}
	if len(answer.Warnings) != 1 || answer.Warnings[0].Rule != exchange.RuleShortLife {
		t.Errorf("warnings %+v", answer.Warnings)
	}
	full, err := exchange.ParseFullReceipt(answer.FullReceipt)
	want := exchange.EndsBy{Rule: "guangdong.entry.closed", Version: "guangdong/2026-11-22T10:01+08:00"}
	if err != nil || full.EndsBy == nil || *full.EndsBy != want || !full.ValidUntil.Equal(answer.ValidUntil) {
		t.Errorf("full receipt %s, %v", answer.FullReceipt, err)
	}
}

// Each reason, at the step of the path that gives it. Nothing is signed and nothing is in the journal for those that come
// before the verdict.
func TestEachReasonAtItsStep(t *testing.T) {
	edit := func(edit func(*exchange.Record)) func(*parts) {
		return func(p *parts) {
			read := p.macau.read
			p.macau.read = func(claims exchange.Claims) (exchange.Record, error) {
				record, err := read(claims)
				edit(&record)
				return record, err
			}
		}
	}
	cases := map[string]struct {
		prepare func(*parts)
		want    exchange.Reason
		stage   string
	}{
		"the packet does not open": {func(p *parts) {
			p.open = func(exchange.Packet) error { return exchange.Fail(exchange.PacketRefused, "gcm", nil) }
		}, exchange.PacketRefused, "gcm"},
		"the opener has another reason": {func(p *parts) {
			p.open = func(exchange.Packet) error { return exchange.Fail(exchange.TooLarge, "header", nil) }
		}, exchange.PacketRefused, "uniform"},
		"the packet key is out of reach": {func(p *parts) {
			p.open = func(exchange.Packet) error { return exchange.Fail(exchange.Unavailable, "ring", nil) }
		}, exchange.Unavailable, "ring"},
		"the signature does not hold":         {verifies(exchange.Fail(exchange.PacketRefused, "signature", nil)), exchange.PacketRefused, "signature"},
		"the verifier has another reason":     {verifies(exchange.Fail(exchange.ClaimsInvalid, "aud", nil)), exchange.PacketRefused, "uniform"},
		"the issuer's keys are out of reach":  {verifies(exchange.Fail(exchange.Unavailable, "trust", nil)), exchange.Unavailable, "trust"},
		"an issuer whom we do not know":       {func(p *parts) { delete(p.Sides, "macau") }, exchange.PacketRefused, "issuer"},
		"sealed to another side's packet key": {func(p *parts) { p.packetKey = "packet-gd" }, exchange.PacketRefused, "packet-key"},
		"a claim is malformed": {func(p *parts) {
			p.macau.read = func(exchange.Claims) (exchange.Record, error) {
				return exchange.Record{}, exchange.Invalid("health.colour", "unknown")
			}
		}, exchange.ClaimsInvalid, "read"},
		"a record of another issuer":           {edit(func(r *exchange.Record) { r.Issuer = "guangdong" }), exchange.ClaimsInvalid, "read"},
		"the packet is not valid yet":          {edit(func(r *exchange.Record) { r.NotBefore = now.Add(61 * time.Second) }), exchange.NotYetValid, "live"},
		"the packet has expired":               {edit(func(r *exchange.Record) { r.IssuedAt, r.Expires = now.Add(-6*time.Minute), now.Add(-61*time.Second) }), exchange.PacketExpired, "live"},
		"a destination that we do not know":    {edit(func(r *exchange.Record) { r.Route.To = "hongkong" }), exchange.WrongRoute, "route"},
		"a route from another side":            {edit(func(r *exchange.Record) { r.Route.From = "hongkong" }), exchange.WrongRoute, "route"},
		"a route to the issuer itself":         {edit(func(r *exchange.Record) { r.Route.To = "macau" }), exchange.WrongRoute, "route"},
		"no consent":                           {edit(func(r *exchange.Record) { r.Consent = exchange.Consent{} }), exchange.ConsentMissing, "consent-text"},
		"an old consent":                       {edit(func(r *exchange.Record) { r.Consent.GivenAt = now.Add(-time.Hour) }), exchange.ConsentExpired, "consent-age"},
		"a packet from before the store began": {edit(func(r *exchange.Record) { r.IssuedAt = now.Add(-time.Second) }), exchange.PacketExpired, "replay-start"},
		"the replay store is out of reach":     {func(p *parts) { p.breakable().broken = "reserve" }, exchange.Unavailable, "test"},
		"the recalls are out of reach":         {func(p *parts) { p.breakable().broken = "recalled" }, exchange.Unavailable, "test"},
		"the packet was recalled":              {recalls(exchange.Recall{Code: exchange.NewReplayKey("macau", "jti").CodeID(), Until: now.Add(time.Hour)}), exchange.PacketExpired, "recalled"},
		"its side recalled all of that time":   {recalls(exchange.Recall{Side: "macau", Before: now, Until: now.Add(time.Hour)}), exchange.PacketExpired, "recalled"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			p := gateway(t)
			test.prepare(p)
			answer, err := p.bring(t, "jti", "key")
			var failure *exchange.Failure
			if !errors.As(err, &failure) || failure.Reason != test.want || failure.Stage != test.stage {
				t.Errorf("%v, want %s at %s", err, test.want, test.stage)
			}
			if answer.Receipt != "" || answer.Code != "" || p.signed.Load() != 0 || len(p.events(t)) != 0 {
				t.Errorf("answer %+v, %d signed, journal %q, want nothing", answer, p.signed.Load(), p.events(t))
			}
		})
	}
}

func verifies(err error) func(*parts) {
	return func(p *parts) {
		p.verify = func(exchange.Signed) (exchange.Claims, error) { return exchange.Claims{}, err }
	}
}

func recalls(recall exchange.Recall) func(*parts) {
	return func(p *parts) {
		if err := p.Recalls.Recall(context.Background(), recall); err != nil {
			panic(err)
		}
	}
}

func TestAPacketOfMoreThan32KiBIsTooLarge(t *testing.T) {
	for size, want := range map[int]exchange.Reason{exchange.MaxPacket: "", exchange.MaxPacket + 1: exchange.TooLarge} {
		_, err := gateway(t).bring(t, strings.Repeat("j", size), "")
		wantReason(t, err, want)
	}
	// A line end behind the packet is not counted.
	for _, end := range []string{"\n", "\r\n"} {
		_, err := gateway(t).bring(t, strings.Repeat("j", exchange.MaxPacket)+end, "")
		wantReason(t, err, "")
		_, err = gateway(t).bring(t, strings.Repeat("j", exchange.MaxPacket+1)+end, "")
		wantReason(t, err, exchange.TooLarge)
	}
}

func TestAPageTakesPacketsOfItsRouteOnly(t *testing.T) {
	for route, want := range map[exchange.Route]exchange.Reason{
		{}: "", eastward: "", {From: "macau", To: "hongkong"}: exchange.WrongRoute, {From: "guangdong", To: "macau"}: exchange.WrongRoute,
	} {
		_, err := gateway(t).Exchange(t.Context(), exchange.Request{Packet: "jti", Route: route})
		wantReason(t, err, want)
	}
}

func TestEachRefusalHasAReceipt(t *testing.T) {
	for _, reason := range exchange.Refusals() {
		p := gateway(t)
		p.macau.green = func(exchange.Record, time.Time) exchange.Findings { return leaves(fail("macau.green.colour", reason)) }
		answer, err := p.bring(t, "jti", "key")
		if err != nil {
			t.Fatal(err)
		}
		if answer.Refusal == nil || answer.Refusal.Reason != reason || answer.Code != "" || answer.Receipt == "" ||
			answer.CodeID != "" || answer.Handoff != "" || answer.Withdraw != "" || !answer.ValidUntil.IsZero() {
			t.Errorf("%s: %+v", reason, answer)
		}
		if got, want := p.events(t), []string{"intent " + string(reason) + " 0", "refused " + string(reason) + " 1"}; !slices.Equal(got, want) {
			t.Errorf("journal %q, want %q", got, want)
		}
		_, err = p.bring(t, "jti", "another")
		wantReason(t, err, exchange.Replayed)
	}
}

func TestADestinationWithoutAKeyGetsNoHandoff(t *testing.T) {
	for _, reason := range []error{exchange.ErrNoHandoffKey, exchange.Fail(exchange.Unavailable, "trust", errOutage)} {
		p := gateway(t)
		p.seal = func() error { return reason }
		if answer, err := p.bring(t, "jti", ""); err != nil || answer.Code == "" || answer.Handoff != "" || !answer.HandoffMissing {
			t.Errorf("%v: %+v, %v, want a code without handoff, and said so", reason, answer, err)
		}
	}
	p := gateway(t)
	p.seal = func() error { return errors.New("a bug") }
	if answer, err := p.bring(t, "jti", ""); err == nil || answer.Code != "" {
		t.Errorf("a fault of the sealer: %+v, %v, want neither", answer, err)
	}
	p = gateway(t)
	p.Landings, p.Sealer = nil, nil
	if answer, err := p.bring(t, "jti", ""); err != nil || answer.Code == "" || answer.Handoff != "" || answer.HandoffMissing {
		t.Errorf("%+v, %v, want a code, and no word of a handoff", answer, err)
	}
}

// An outage at any step gives nothing out, and gives the packet back: the same packet succeeds when it is over.
func TestAnOutageReleasesThePacket(t *testing.T) {
	outage := exchange.Fail(exchange.Unavailable, "test", errOutage)
	cases := map[string]struct {
		start, end func(*parts)
		journal    []string // before the second try
		signed     int64
	}{
		"opening":           {func(p *parts) { p.open = func(exchange.Packet) error { return outage } }, func(p *parts) { p.open = func(exchange.Packet) error { return nil } }, nil, 0},
		"the replay store":  {broken("reserve"), mended, nil, 0},
		"the recalls":       {broken("recalled"), mended, nil, 0},
		"recording intent":  {broken("intend"), mended, nil, 0},
		"signing":           {func(p *parts) { p.sign = func() error { return outage } }, func(p *parts) { p.sign = func() error { return nil } }, []string{"intent  0", "void  0"}, 0},
		"committing":        {broken("commit"), mended, []string{"intent  0", "void  2"}, 1},
		"recording outcome": {broken("conclude"), mended, []string{"intent  0"}, 1},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			p := gateway(t)
			p.breakable()
			test.start(p)
			answer, err := p.bring(t, "jti", "key")
			wantReason(t, err, exchange.Unavailable)
			if answer.Code != "" || answer.Receipt != "" || answer.Handoff != "" || answer.Withdraw != "" {
				t.Errorf("%+v left the gateway", answer)
			}
			if got := p.events(t); !slices.Equal(got, test.journal) || p.signed.Load() != test.signed {
				t.Errorf("journal %q, %d signed, want %q and %d", got, p.signed.Load(), test.journal, test.signed)
			}
			test.end(p)
			if answer, err = p.bring(t, "jti", "key"); err != nil || answer.CodeID != exchange.NewReplayKey("macau", "jti").CodeID() {
				t.Errorf("the second try: %+v, %v", answer, err)
			}
		})
	}
}

func broken(call string) func(*parts) {
	return func(p *parts) { p.Replays.(*failing).broken = call }
}

func mended(p *parts) { p.Replays.(*failing).broken = "" }

// A fault of the gateway itself is nobody's business: no reason, but the packet is given back.
func TestAnInternalFaultHasNoReason(t *testing.T) {
	p := gateway(t)
	p.sign = func() error { return errors.New("a bug") }
	_, err := p.bring(t, "jti", "key")
	if reason, found := exchange.ReasonOf(err); err == nil || found {
		t.Errorf("%v with reason %q, want none", err, reason)
	}
	p.sign = func() error { return nil }
	if _, err := p.bring(t, "jti", "another"); err != nil {
		t.Errorf("the second try: %v", err)
	}
}

// lying is a signer that gives other tokens than were drafted.
type lying exchange.Signatures

func (l lying) Sign(context.Context, *exchange.Drafts) (exchange.Signatures, error) {
	return exchange.Signatures(l), nil
}

func TestTokensThatWereNotDraftedDoNotLeave(t *testing.T) {
	for name, signatures := range map[string]lying{
		"no receipt": {Code: "code"}, "no code for a grant": {Receipt: "receipt"}, "nothing at all": {},
	} {
		p := gateway(t)
		p.Signer = signatures
		if answer, err := p.bring(t, "jti", ""); err == nil {
			t.Errorf("%s: %+v", name, answer)
		}
	}
	p := gateway(t)
	p.macau.green = func(exchange.Record, time.Time) exchange.Findings {
		return leaves(fail("macau.green.colour", exchange.NotGreen))
	}
	p.Signer = lying{Code: "code", Receipt: "receipt"}
	if answer, err := p.bring(t, "jti", ""); err == nil {
		t.Errorf("a code for a refusal: %+v", answer)
	}
}

func TestTheSameRequesterGetsTheSameIDsAndTimes(t *testing.T) {
	p := gateway(t)
	first, err := p.bring(t, "jti", "key")
	if err != nil {
		t.Fatal(err)
	}
	p.clock.Advance(4*time.Minute + 123*time.Millisecond)
	again, err := p.bring(t, "jti", "key")
	if err != nil {
		t.Fatal(err)
	}
	if again.CodeID != first.CodeID || again.ReceiptID != first.ReceiptID || !again.IssuedAt.Equal(first.IssuedAt) ||
		!again.ValidUntil.Equal(first.ValidUntil) || again.Code != first.Code {
		t.Errorf("%+v\nthen %+v", first, again)
	}
	p.macau.green = func(_ exchange.Record, at time.Time) exchange.Findings {
		if !at.Equal(now) {
			t.Errorf("the rules were asked at %s, want the first request's %s", at, now)
		}
		return leaves()
	}
	if _, err := p.bring(t, "jti", "key"); err != nil {
		t.Error(err)
	}
}

// A retry asks for the answer there was, not for a new judgement: a code that has ended meanwhile is given again as it was.
func TestARepeatIsJudgedAtTheFirstRequestsTime(t *testing.T) {
	p := gateway(t)
	p.entry.admit = func(exchange.Record, exchange.Route, time.Time) exchange.Findings {
		return enters(pass("guangdong.entry.test", now.Add(time.Minute)))
	}
	for range 2 {
		answer, err := p.bring(t, "jti", "key")
		if err != nil || answer.Refusal != nil || !answer.ValidUntil.Equal(now.Add(time.Minute)) {
			t.Errorf("%+v, %v, want a code until 10:01", answer.Refusal, err)
		}
		p.clock.Advance(2 * time.Minute)
	}
}

func TestAnybodyElseIsToldReplayedAndNothingMore(t *testing.T) {
	p := gateway(t)
	if _, err := p.bring(t, "jti", "key"); err != nil {
		t.Fatal(err)
	}
	before := p.events(t)
	for _, key := range []string{"another", ""} {
		answer, err := p.bring(t, "jti", key)
		wantReason(t, err, exchange.Replayed)
		if answer.Receipt != "" || answer.Withdraw != "" || len(answer.FullReceipt) != 0 {
			t.Errorf("key %q: %+v", key, answer)
		}
	}
	if got := p.events(t); !slices.Equal(got, before) || p.signed.Load() != 1 {
		t.Errorf("journal %q, %d signed, want no more than the first answer", got, p.signed.Load())
	}
}

// A rulebook that is replaced between an answer and its repeat may not turn the one into another.
func TestAReplacedRulebookMakesNoSecondAnswer(t *testing.T) {
	shorter := func(_ exchange.Record, _ exchange.Route, at time.Time) exchange.Findings {
		return enters(pass("guangdong.entry.test", at.Add(time.Hour)))
	}
	closed := func(exchange.Record, exchange.Route, time.Time) exchange.Findings {
		return enters(fail("guangdong.entry.closed", exchange.RouteClosed))
	}
	open := gateway(t).entry.admit
	for name, rules := range map[string][2]func(exchange.Record, exchange.Route, time.Time) exchange.Findings{
		"from a day to an hour":     {open, shorter},
		"from an hour to a day":     {shorter, open},
		"from a grant to a refusal": {open, closed},
		"from a refusal to a grant": {closed, open},
	} {
		t.Run(name, func(t *testing.T) {
			p := gateway(t)
			p.entry.admit = rules[0]
			if _, err := p.bring(t, "jti", "key"); err != nil {
				t.Fatal(err)
			}
			p.entry.admit = rules[1]
			_, err := p.bring(t, "jti", "key")
			wantReason(t, err, exchange.Replayed)
			p.entry.admit = rules[0]
			if _, err := p.bring(t, "jti", "key"); err != nil {
				t.Errorf("with the first rulebook again: %v", err)
			}
		})
	}
}

func TestARecalledCodeIsNotGivenAgain(t *testing.T) {
	p := gateway(t)
	first, err := p.bring(t, "jti", "key")
	if err != nil {
		t.Fatal(err)
	}
	recalls(exchange.Recall{Code: first.CodeID, Until: first.ValidUntil})(p)
	_, err = p.bring(t, "jti", "key")
	wantReason(t, err, exchange.PacketExpired)
}

// crowd brings one packet 200 times at once and gives the code ids and the reasons that came of it.
func crowd(t *testing.T, p *parts, key func(i int) string) (codes map[string]int, reasons map[exchange.Reason]int) {
	t.Helper()
	codes, reasons = map[string]int{}, map[exchange.Reason]int{}
	var (
		mu   sync.Mutex
		runs sync.WaitGroup
	)
	for i := range 200 {
		runs.Go(func() {
			answer, err := p.bring(t, "jti", key(i))
			mu.Lock()
			defer mu.Unlock()
			if reason, _ := exchange.ReasonOf(err); err != nil {
				reasons[reason]++
				return
			}
			codes[answer.CodeID+" "+answer.IssuedAt.String()+" "+answer.ValidUntil.String()]++
		})
	}
	runs.Wait()
	return codes, reasons
}

func TestTwoHundredCopiesMakeOneCode(t *testing.T) {
	t.Run("of one requester: 200 times the same answer", func(t *testing.T) {
		codes, reasons := crowd(t, gateway(t), func(int) string { return "key" })
		if len(codes) != 1 || len(reasons) != 0 {
			t.Errorf("codes %v, reasons %v, want one code 200 times", codes, reasons)
		}
	})
	for name, key := range map[string]func(int) string{
		"without a key: one answer, 199 replayed":       func(int) string { return "" },
		"of 200 requesters: one answer, 199 replayed":   func(i int) string { return fmt.Sprint(i) },
		"of two requesters: one of them, and no others": func(i int) string { return fmt.Sprint(i % 2) },
	} {
		t.Run(name, func(t *testing.T) {
			p := gateway(t)
			codes, reasons := crowd(t, p, key)
			want := 199
			if key(0) == key(2) && key(0) != "" {
				want = 100
			}
			if len(codes) != 1 || reasons[exchange.Replayed] != want || len(reasons) != 1 {
				t.Errorf("codes %v, reasons %v, want one code and %d replayed", codes, reasons, want)
			}
		})
	}
}

// Whatever happens, an intent that came to nothing is void, and nothing is signed without one.
func TestTheJournalBalances(t *testing.T) {
	p := gateway(t)
	crowd(t, p, func(int) string { return "key" })
	intents, outcomes := 0, 0
	for _, event := range p.events(t) {
		if strings.HasPrefix(event, "intent") {
			intents++
		} else {
			outcomes++
		}
	}
	if intents != outcomes || int64(intents) != p.signed.Load() {
		t.Errorf("%d intents, %d outcomes, %d signed, want as many of each", intents, outcomes, p.signed.Load())
	}
}

func TestReasonsAreOneVocabulary(t *testing.T) {
	reasons := exchange.Reasons()
	if len(reasons) != 20 {
		t.Errorf("%d reasons, want 20", len(reasons))
	}
	seen := map[exchange.Reason]bool{}
	for _, reason := range reasons {
		if seen[reason] || reason == "" {
			t.Errorf("%q is listed twice, or empty", reason)
		}
		seen[reason] = true
	}
	for _, reason := range exchange.Refusals() {
		if !seen[reason] {
			t.Errorf("%s is no reason", reason)
		}
	}
	if reason, found := exchange.ReasonOf(errors.New("plain")); found {
		t.Errorf("a plain error has reason %s", reason)
	}
	if reason, _ := exchange.ReasonOf(fmt.Errorf("outer: %w", exchange.Fail(exchange.SlowDown, "rate", errOutage))); reason != exchange.SlowDown {
		t.Errorf("a wrapped failure has reason %q", reason)
	}
}

// BenchmarkExchange is the path without cryptography: the domain, the real store and the real journal without fsync.
func BenchmarkExchange(b *testing.B) {
	p := gateway(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, err := p.bring(b, fmt.Sprint(i), ""); err != nil {
			b.Fatal(err)
		}
	}
}
