package exchange_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosscode/exchange"
)

func between(instants []time.Time, after, until time.Time) []time.Time {
	var found []time.Time
	for _, at := range instants {
		if at.After(after) && !at.After(until) {
			found = append(found, at)
		}
	}
	return found
}

// book is a rulebook whose versions are known to the second. Seconds count from now.
type book struct {
	side     string
	versions []edition // in order; the first begins before every test
}

// edition is one version: from a second on, a rule that holds up to its own second, for those who brought their packet up to
// another, and who are old enough.
type edition struct {
	from    int
	closed  bool
	lasts   int // the last second at which its rule passes
	brought int // the last second at which a packet must have been brought; 0: any
	adults  bool
}

func (b book) at(at time.Time) edition {
	found := edition{closed: true}
	for _, e := range b.versions {
		if !at.Before(now.Add(time.Duration(e.from) * time.Second)) {
			found = e
		}
	}
	return found
}

func (b book) ask(record exchange.Record, at time.Time) exchange.Findings {
	e := b.at(at)
	brought := at
	if !record.Brought.IsZero() {
		brought = record.Brought
	}
	rule := pass(b.side+".test", now.Add(time.Duration(e.lasts)*time.Second))
	rule.Reason = exchange.NotEligible
	switch {
	case e.closed:
		rule = fail(b.side+".closed", exchange.RouteClosed)
	case at.Truncate(time.Second).After(rule.Until):
		rule = fail(b.side+".test", exchange.NotEligible)
	case e.brought != 0 && brought.After(now.Add(time.Duration(e.brought)*time.Second)):
		rule = fail(b.side+".fresh", exchange.NotGreen)
	case e.adults && record.Holder.Age(at) < 18:
		rule = fail(b.side+".adults", exchange.NotEligible)
	}
	findings := enters()
	findings.Book.Version = fmt.Sprintf("%s/%d", b.side, e.from)
	findings.Outcomes = []exchange.Outcome{rule}
	return findings
}

func (b book) Green(record exchange.Record, at time.Time) exchange.Findings {
	return b.ask(record, at)
}

func (b book) Admit(record exchange.Record, _ exchange.Route, at time.Time) exchange.Findings {
	return b.ask(record, at)
}

func (b book) Changes(after, until time.Time) []time.Time {
	var changes []time.Time
	for _, e := range b.versions {
		changes = append(changes, now.Add(time.Duration(e.from)*time.Second))
	}
	return between(changes, after, until)
}

func open(side string, later ...edition) book {
	return book{side: side, versions: append([]edition{{from: -1000000, lasts: 86400}}, later...)}
}

func TestNoCodeOutlivesWhatAllowedIt(t *testing.T) {
	const day = 86400
	for name, test := range map[string]struct {
		source, destination book
		lives               int
		rule, version       string
	}{
		"nothing changes":                              {open("macau"), open("guangdong"), day, "guangdong.test", "guangdong/-1000000"},
		"the destination closes":                       {open("macau"), open("guangdong", edition{from: 60, closed: true}), 59, "guangdong.closed", "guangdong/60"},
		"the source closes":                            {open("macau", edition{from: 60, closed: true}), open("guangdong"), 59, "macau.closed", "macau/60"},
		"it closes in the next second":                 {open("macau"), open("guangdong", edition{from: 1, closed: true}), 0, "guangdong.closed", "guangdong/1"},
		"it closes as the code ends":                   {open("macau"), open("guangdong", edition{from: day, closed: true}), day - 1, "guangdong.closed", "guangdong/86400"},
		"it closes after the code has ended":           {open("macau"), open("guangdong", edition{from: day + 1, closed: true}), day, "guangdong.test", "guangdong/-1000000"},
		"a later version asks nothing more":            {open("macau", edition{from: 60, lasts: day}), open("guangdong", edition{from: 90, lasts: day}), day, "guangdong.test", "guangdong/-1000000"},
		"a later version counts the test for less":     {open("macau"), open("guangdong", edition{from: 60, lasts: 600}), 600, "guangdong.test", "guangdong/60"},
		"a later version does not count the test":      {open("macau"), open("guangdong", edition{from: 60, lasts: 30}), 59, "guangdong.test", "guangdong/60"},
		"the third version refuses":                    {open("macau", edition{from: 60, lasts: day}), open("guangdong", edition{from: 90, closed: true}), 89, "guangdong.closed", "guangdong/90"},
		"it opens again, and the code is not reborn":   {open("macau"), open("guangdong", edition{from: 60, closed: true}, edition{from: 90, lasts: day}), 59, "guangdong.closed", "guangdong/60"},
		"how the packet was brought is asked once":     {open("macau", edition{from: 60, lasts: day, brought: 10}), open("guangdong"), day, "guangdong.test", "guangdong/-1000000"},
		"but it is asked by the later version as well": {open("macau", edition{from: 60, lasts: day, brought: -1}), open("guangdong"), 59, "macau.fresh", "macau/60"},
	} {
		record := green()
		verdict := exchange.Judge(record, test.source, test.destination, now)
		end := verdict.End()
		if want := now.Add(time.Duration(test.lives) * time.Second); !end.At.Equal(want) || !verdict.Until().Equal(want) ||
			end.By.Rule != test.rule || end.Version != test.version {
			t.Errorf("%s: ends after %s by %s of %s, want %ds by %s of %s",
				name, end.At.Sub(now), end.By.Rule, end.Version, test.lives, test.rule, test.version)
		}
	}
}

// A rule on age is one more thing that can change while a code lives.
func TestACodeEndsWithTheDayBeforeABirthday(t *testing.T) {
	record := green()
	record.Holder.BirthDate = exchange.DateOf(now.AddDate(-18, 0, 0))
	minors := open("guangdong")
	minors.versions[0].adults = true
	yesterday := now.AddDate(0, 0, -1)
	if _, refused := exchange.Judge(record, open("macau"), minors, yesterday).Refused(); !refused {
		t.Error("somebody of 17 passes a rule for those of 18")
	}
	until := exchange.Judge(record, open("macau"), ageless{minors}, yesterday).Until()
	if want := exchange.DateOf(now).Start().Add(-time.Second); !until.Equal(want) {
		t.Errorf("a code for those under 18 ends at %s, want %s", until, want)
	}
}

// ageless is a book for those under 18: the other way round.
type ageless struct{ book }

func (b ageless) Admit(record exchange.Record, _ exchange.Route, at time.Time) exchange.Findings {
	findings := b.ask(record, at)
	if outcome := &findings.Outcomes[0]; outcome.Status == exchange.Pass {
		*outcome = fail("guangdong.minors", exchange.NotEligible)
	} else {
		*outcome = pass("guangdong.minors", at.Add(24*time.Hour))
	}
	return findings
}

// history draws a book with some versions in the first minutes: its seconds can all be tried.
func history(side string) *rapid.Generator[book] {
	return rapid.Custom(func(t *rapid.T) book {
		drawn := book{side: side, versions: []edition{{from: -1000, lasts: rapid.IntRange(0, 90).Draw(t, "lasts")}}}
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			drawn.versions = append(drawn.versions, edition{
				from: rapid.IntRange(1, 80).Draw(t, "from"), closed: rapid.IntRange(0, 3).Draw(t, "closed") == 0,
				lasts: rapid.IntRange(0, 90).Draw(t, "lasts"), brought: rapid.SampledFrom([]int{0, 0, 5, -5}).Draw(t, "brought"),
			})
		}
		slices.SortStableFunc(drawn.versions, func(one, other edition) int { return cmp.Compare(one.from, other.from) })
		return drawn
	})
}

// Each second of a code's life is asked about under the versions of that second, and so is the second after its end: then the
// packet, brought when it was, gets no code, or the end is a rule's own.
func TestEverySecondOfACodesLifeWouldBeGranted(t *testing.T) {
	ended := map[string]int{}
	for range 20 {
		rapid.Check(t, func(t *rapid.T) { livesAsGranted(t, ended) })
	}
	for _, rule := range []string{"macau.test", "guangdong.test", "macau.closed", "guangdong.closed", "macau.fresh", exchange.RuleSourceCodeEnd} {
		if ended[rule] == 0 {
			t.Errorf("no case ended by %s: the property was hardly tried (%v)", rule, ended)
		}
	}
}

func livesAsGranted(t *rapid.T, ended map[string]int) {
	source, destination := history("macau").Draw(t, "source"), history("guangdong").Draw(t, "destination")
	record := green()
	if rapid.IntRange(0, 3).Draw(t, "source code ends") == 0 {
		record.Health.Until = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "source until")) * time.Second)
	}
	verdict := exchange.Judge(record, source, destination, now)
	record.Brought = now
	granted := func(at time.Time) bool {
		asked := exchange.Conclude(record, source.Green(record, at), destination.Admit(record, record.Route, at), at)
		_, refused := asked.Refused()
		return !refused
	}
	if _, refused := verdict.Refused(); refused {
		if granted(now) {
			t.Fatal("refused what is granted now")
		}
		return
	}
	ended[verdict.End().By.Rule]++
	for at := now; !at.After(verdict.Until()); at = at.Add(time.Second) {
		if !granted(at) {
			t.Fatalf("a code until %s that nobody would get at %s", verdict.Until(), at)
		}
	}
	if next := verdict.Until().Add(time.Second); granted(next) && !ruledEnd(record, source, destination, verdict, next) {
		t.Fatalf("it ends at %s by %s, and the next second would be granted", verdict.Until(), verdict.End().By.Rule)
	}
}

// ruledEnd tells whether the end is what a version of the life had promised: a later version that lasts longer does not make a code
// longer.
func ruledEnd(record exchange.Record, source, destination book, verdict exchange.Verdict, next time.Time) bool {
	for at := now; at.Before(next); at = at.Add(time.Second) {
		promised := exchange.Conclude(record, source.Green(record, at), destination.Admit(record, record.Route, at), at)
		if promised.Until().Equal(verdict.Until()) {
			return true
		}
	}
	return false
}
