package exchange_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosscode/exchange"
)

func with(findings exchange.Findings, edit func(*exchange.Findings)) exchange.Findings {
	edit(&findings)
	return findings
}

func TestConclude(t *testing.T) {
	warning := fail("guangdong.entry.high-risk", exchange.SourceConflict)
	warning.Warn = true
	warningUntil := pass("guangdong.entry.soft", now.Add(time.Minute))
	warningUntil.Warn = true
	asleep := exchange.Outcome{Rule: "guangdong.entry.asleep", Status: exchange.NotInForce, Until: now.Add(time.Minute)}
	errored := exchange.Outcome{Rule: "guangdong.entry.test", Status: exchange.Errored, Reason: exchange.NotEligible}
	unknown := exchange.Outcome{Rule: "guangdong.entry.test", Status: "maybe", Reason: exchange.NotEligible}
	unset := exchange.Outcome{Rule: "guangdong.entry.test", Reason: exchange.NotEligible}
	red, closed := fail("macau.green.colour", exchange.NotGreen), fail("guangdong.entry.closed", exchange.RouteClosed)
	ends := func(in time.Duration) exchange.Outcome { return pass("guangdong.entry.test", now.Add(in)) }

	cases := map[string]struct {
		green, entry exchange.Findings
		rule         string // the rule that refused
		reason       exchange.Reason
		lives        time.Duration // of a grant
	}{
		"both sides pass":                      {leaves(), enters(), "", "", 24 * time.Hour},
		"the source fails":                     {leaves(red), enters(), "macau.green.colour", exchange.NotGreen, 0},
		"the destination fails":                {leaves(), enters(closed), "guangdong.entry.closed", exchange.RouteClosed, 0},
		"both fail: the source decides":        {leaves(red), enters(closed), "macau.green.colour", exchange.NotGreen, 0},
		"two fail: the first decides":          {leaves(), enters(closed, errored), "guangdong.entry.closed", exchange.RouteClosed, 0},
		"a rule could not be computed":         {leaves(), enters(errored), "guangdong.entry.test", exchange.NotEligible, 0},
		"a status that does not exist":         {leaves(), enters(unknown), "guangdong.entry.test", exchange.NotEligible, 0},
		"an outcome without a status":          {leaves(), enters(unset), "guangdong.entry.test", exchange.NotEligible, 0},
		"a failure that only warns":            {leaves(), enters(warning), "", "", 24 * time.Hour},
		"a rule that is not in force":          {leaves(), enters(asleep), "", "", 24 * time.Hour},
		"no source rulebook":                   {exchange.Findings{}, enters(), exchange.RuleRoute, exchange.RouteNotConfigured, 0},
		"no destination rulebook":              {leaves(), exchange.Findings{}, exchange.RuleRoute, exchange.RouteNotConfigured, 0},
		"every source rule is not in force":    {exchange.Findings{Outcomes: []exchange.Outcome{asleep}}, enters(), exchange.RuleRoute, exchange.RouteNotConfigured, 0},
		"the source only warns":                {exchange.Findings{Outcomes: []exchange.Outcome{warning, warningUntil}}, enters(), exchange.RuleRoute, exchange.RouteNotConfigured, 0},
		"a rule ends earlier":                  {leaves(), enters(ends(time.Hour)), "", "", time.Hour},
		"the source's rule ends earlier":       {leaves(pass("macau.green.test", now.Add(time.Minute))), enters(), "", "", time.Minute},
		"a rule ends a second from now":        {leaves(), enters(ends(time.Second)), "", "", time.Second},
		"a rule ends with this second":         {leaves(), enters(ends(0)), "", "", 0},
		"a rule ends within this second":       {leaves(), enters(ends(999 * time.Millisecond)), "", "", 0},
		"a rule ended a second ago":            {leaves(), enters(ends(-time.Second)), "guangdong.entry.test", exchange.NotEligible, 0},
		"a rule ended long ago":                {leaves(), enters(ends(-time.Hour)), "guangdong.entry.test", exchange.NotEligible, 0},
		"a rule ends later than a code may":    {leaves(), with(enters(), func(f *exchange.Findings) { f.Outcomes[0].Until = now.Add(1000 * time.Hour) }), "", "", exchange.MaxCodeLife},
		"a warning's end ends nothing":         {leaves(), enters(warningUntil), "", "", 24 * time.Hour},
		"the destination sets no end":          {leaves(ends(time.Hour)), with(enters(), func(f *exchange.Findings) { f.Outcomes[0].Until = time.Time{} }), exchange.RuleValidity, exchange.NotEligible, 0},
		"only a warning of it sets an end":     {leaves(), with(enters(warningUntil), func(f *exchange.Findings) { f.Outcomes[0].Until = time.Time{} }), exchange.RuleValidity, exchange.NotEligible, 0},
		"no document to show":                  {leaves(), with(enters(), func(f *exchange.Findings) { f.Shows = exchange.Shows{} }), exchange.RuleDocument, exchange.DocumentNotAccepted, 0},
		"a document that is not the holder's":  {leaves(), with(enters(), func(f *exchange.Findings) { f.Shows.Document.Number = "M87654321" }), exchange.RuleDocument, exchange.DocumentNotAccepted, 0},
		"a failure counts before the document": {leaves(), with(enters(closed), func(f *exchange.Findings) { f.Shows = exchange.Shows{} }), "guangdong.entry.closed", exchange.RouteClosed, 0},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			wantVerdict(t, exchange.Conclude(green(), test.green, test.entry, now), test.rule, test.reason, test.lives)
		})
	}
}

func wantVerdict(t *testing.T, verdict exchange.Verdict, rule string, reason exchange.Reason, lives time.Duration) {
	t.Helper()
	decided, refused := verdict.Refused()
	if refused != (rule != "") || decided.Rule != rule || decided.Reason != reason {
		t.Errorf("refused %t by %s (%s), want %s (%s)", refused, decided.Rule, decided.Reason, rule, reason)
	}
	if refused && (decided.Status == exchange.Pass || !verdict.Until().IsZero()) {
		t.Errorf("a refusal with status %s until %s", decided.Status, verdict.Until())
	}
	if !refused && !verdict.Until().Equal(now.Add(lives)) {
		t.Errorf("until %s, want %s", verdict.Until(), now.Add(lives))
	}
}

func TestTheSourceCodesOwnEnd(t *testing.T) {
	for in, refused := range map[time.Duration]bool{-time.Second: true, 0: false, time.Second: false, time.Hour: false} {
		record := green()
		record.Health.Until = now.Add(in)
		verdict := exchange.Conclude(record, leaves(), enters(), now)
		if refused {
			wantVerdict(t, verdict, exchange.RuleSourceCodeEnd, exchange.NotGreen, 0)
		} else {
			wantVerdict(t, verdict, "", "", in)
		}
	}
}

// statuses are mostly passes, or no draw would ever be a grant.
var statuses = append(slices.Repeat([]string{"pass"}, 24), "fail", "error", "not-in-force", "not-in-force", "", "PASS", "unknown")

func outcomes() *rapid.Generator[exchange.Outcome] {
	return rapid.Custom(func(t *rapid.T) exchange.Outcome {
		outcome := exchange.Outcome{
			Rule:   rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "rule"),
			Status: exchange.Status(rapid.SampledFrom(statuses).Draw(t, "status")),
			Warn:   rapid.SampledFrom([]bool{false, false, false, true}).Draw(t, "warn"),
			Reason: rapid.SampledFrom(exchange.Refusals()).Draw(t, "reason"),
		}
		if rapid.Bool().Draw(t, "ends") {
			outcome.Until = now.Add(time.Duration(rapid.IntRange(-5, 500000).Draw(t, "until")) * time.Second)
		}
		return outcome
	})
}

// What is absent, unknown or not computed is never green, in whatever company it comes.
func TestNothingUnknownIsEverGreen(t *testing.T) {
	grants := 0
	for range 20 {
		rapid.Check(t, func(t *rapid.T) {
			if concludesGreen(t) {
				grants++
			}
		})
	}
	if grants < 5 {
		t.Errorf("%d grants in 2000 cases: the property was hardly tried", grants)
	}
}

func concludesGreen(t *rapid.T) bool {
	green, entry := leaves(), enters()
	green.Outcomes = rapid.SliceOfN(outcomes(), 0, 4).Draw(t, "green")
	entry.Outcomes = rapid.SliceOfN(outcomes(), 0, 4).Draw(t, "entry")
	verdict := exchange.Conclude(record(t), green, entry, now)
	if decided, refused := verdict.Refused(); refused {
		if decided.Status == exchange.Pass || decided.Rule == "" || !verdict.Until().IsZero() {
			t.Fatalf("refused by %+v until %s", decided, verdict.Until())
		}
		return false
	}
	for _, findings := range []exchange.Findings{green, entry} {
		wantGreen(t, findings, verdict.Until())
	}
	if verdict.Until().Before(now) || verdict.Until().Nanosecond() != 0 {
		t.Fatalf("a grant until %s", verdict.Until())
	}
	return true
}

// record is green's, whose own code may end at any time.
func record(t *rapid.T) exchange.Record {
	record := green()
	if rapid.Bool().Draw(t, "source code ends") {
		record.Health.Until = now.Add(time.Duration(rapid.IntRange(-5, 5000).Draw(t, "source until")) * time.Second)
	}
	return record
}

func wantGreen(t *rapid.T, findings exchange.Findings, until time.Time) {
	passed := false
	for _, outcome := range findings.Outcomes {
		if outcome.Warn {
			continue
		}
		switch outcome.Status {
		case exchange.NotInForce:
		case exchange.Pass:
			passed = true
			if !outcome.Until.IsZero() && until.After(outcome.Until) {
				t.Fatalf("a grant until %s, but %s passes until %s", until, outcome.Rule, outcome.Until)
			}
		default:
			t.Fatalf("a grant in spite of %+v", outcome)
		}
	}
	if !passed {
		t.Fatal("a grant where nothing passed")
	}
}
