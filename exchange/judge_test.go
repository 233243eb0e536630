package exchange_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosscode/exchange"
)

// era is what a rulebook says from an instant on.
type era struct {
	from time.Time
	// age is the youngest holder that passes; under, if it is not zero, is below which age one passes.
	age, under int
	// until is when its only rule passes last; zero: it sets no end.
	until  time.Time
	closed bool
	cap    time.Duration // after the asking; zero: none
	// fresh is how long after its colour a packet may be brought; zero: any time. It is asked once.
	fresh time.Duration
}

// eras is a rulebook of made-up versions, of which the first has no beginning. An era ends where the next one begins.
type eras []era

func (e eras) at(now time.Time) (era, string) {
	found := 0
	for i := range e {
		if !e[i].from.After(now) {
			found = i
		}
	}
	return e[found], "version " + string(rune('a'+found))
}

func (e eras) judge(record exchange.Record, now time.Time) exchange.Findings {
	in, version := e.at(now)
	findings := exchange.Findings{Rulebook: exchange.RulebookRef{Version: version}, Shows: exchange.Shows{Document: record.Holder.Documents[0]}}
	add := func(rule string, holds bool, reason exchange.Reason, until time.Time) {
		outcome := exchange.Outcome{Rule: rule, Status: exchange.Fails, Reason: reason, Advice: advice(rule)}
		if holds {
			outcome.Status, outcome.Until = exchange.Pass, until
		}
		findings.Outcomes = append(findings.Outcomes, outcome)
	}
	if add("open", !in.closed, exchange.RouteClosed, time.Time{}); in.closed {
		return findings
	}
	age, brought := record.Holder.Age(now), record.Brought
	if brought.IsZero() {
		brought = now
	}
	add("age", age >= in.age && (in.under == 0 || age < in.under), exchange.NotEligible, time.Time{})
	add("until", in.until.IsZero() || !now.Truncate(time.Second).After(in.until), exchange.NotEligible, in.until)
	add("fresh", in.fresh == 0 || !brought.After(record.Health.AsOf.Add(in.fresh)), exchange.NotGreen, time.Time{})
	if in.cap > 0 {
		add("cap", true, exchange.NotEligible, now.Add(in.cap))
	}
	return findings
}

func advice(rule string) exchange.Advice {
	title := "advice of " + rule
	return exchange.Advice{Title: exchange.Text{ZhHans: title, ZhHant: title, En: title, Pt: title}}
}

func (e eras) Green(record exchange.Record, now time.Time) exchange.Findings {
	return e.judge(record, now)
}

func (e eras) Admit(record exchange.Record, _ exchange.Route, now time.Time) exchange.Findings {
	return e.judge(record, now)
}

func (e eras) Changes(after, until time.Time) []time.Time {
	var within []time.Time
	for _, in := range e[1:] {
		if in.from.After(after) && !in.from.After(until) {
			within = append(within, in.from)
		}
	}
	return within
}

var day = era{cap: 24 * time.Hour}

func TestACodeEndsWhereAVersionBeginsThatWouldNotGrantIt(t *testing.T) {
	in := func(d time.Duration) time.Time { return now.Add(d) }
	asOf := green()
	asOf.Health.AsOf = in(-10 * time.Minute)
	born := green()
	born.Holder.BirthDate = exchange.Date{Year: 2008, Month: 11, Day: 23}
	midnight := exchange.DateOf(now).Start().AddDate(0, 0, 1)
	ends := exchange.End{}
	for name, test := range map[string]struct {
		record        exchange.Record
		source, enter eras
		until         time.Time
		rule, version string
	}{
		"nothing changes":              {green(), eras{{}}, eras{day}, in(24 * time.Hour), "cap", "version a"},
		"the destination closes":       {green(), eras{{}}, eras{day, {from: in(time.Hour), closed: true}}, in(time.Hour - time.Second), "open", "version b"},
		"the source closes":            {green(), eras{{}, {from: in(time.Hour), closed: true}}, eras{day}, in(time.Hour - time.Second), "open", "version b"},
		"it closes and opens again":    {green(), eras{{}}, eras{day, {from: in(time.Hour), closed: true}, {from: in(2 * time.Hour), cap: time.Hour}}, in(time.Hour - time.Second), "open", "version b"},
		"the new version grants":       {green(), eras{{}}, eras{day, {from: in(time.Hour), cap: 24 * time.Hour}}, in(24 * time.Hour), "cap", "version a"},
		"the new version ends earlier": {green(), eras{{}}, eras{day, {from: in(time.Hour), cap: time.Hour}}, in(2 * time.Hour), "cap", "version b"},
		"it closes after the end":      {green(), eras{{}}, eras{{cap: time.Hour}, {from: in(time.Hour + time.Second), closed: true}}, in(time.Hour), "cap", "version a"},
		"it closes at the last second": {green(), eras{{}}, eras{{cap: time.Hour}, {from: in(time.Hour), closed: true}}, in(time.Hour - time.Second), "open", "version b"},
		"it closes in a second":        {green(), eras{{}}, eras{day, {from: in(time.Second), closed: true}}, now, "open", "version b"},
		"an older colour is asked of at the bringing": {asOf, eras{{fresh: 15 * time.Minute}, {from: in(time.Hour), fresh: 15 * time.Minute}}, eras{day},
			in(24 * time.Hour), "cap", "version a"},
		"a colour that the new version takes for old": {asOf, eras{{fresh: 15 * time.Minute}, {from: in(time.Hour), fresh: 5 * time.Minute}}, eras{day},
			in(time.Hour - time.Second), "fresh", "version b"},
		"a birthday": {born, eras{{under: 18}}, eras{day}, midnight.Add(-time.Second), "age", "version a"},
	} {
		t.Run(name, func(t *testing.T) {
			verdict := exchange.Judge(test.record, test.source, test.enter, now)
			if decided, refused := verdict.Refused(); refused {
				t.Fatalf("refused by %s", decided.Rule)
			}
			ends = verdict.End()
			if !ends.At.Equal(test.until) || ends.By.Rule != test.rule || ends.Version != test.version || !verdict.Until().Equal(ends.At) {
				t.Errorf("until %s by %s of %s, want %s by %s of %s", ends.At, ends.By.Rule, ends.Version, test.until, test.rule, test.version)
			}
		})
	}
}

func drawEra(t *rapid.T, from time.Time) era {
	in := era{from: from, cap: time.Duration(rapid.IntRange(1, 50).Draw(t, "cap")) * time.Hour}
	in.closed = rapid.IntRange(0, 7).Draw(t, "closed") == 0
	if rapid.IntRange(0, 3).Draw(t, "aged") == 0 {
		in.under = rapid.SampledFrom([]int{0, 18, 36, 37}).Draw(t, "under")
	}
	if rapid.Bool().Draw(t, "ends") {
		in.until = now.Add(time.Duration(rapid.IntRange(0, 60*60).Draw(t, "until")) * time.Minute)
	}
	if rapid.Bool().Draw(t, "dated") {
		in.fresh = time.Duration(rapid.IntRange(9, 40).Draw(t, "fresh")) * time.Minute
	}
	return in
}

func drawEras(t *rapid.T, name string) eras {
	book, from := eras{}, time.Time{}
	for i := range rapid.IntRange(1, 5).Draw(t, name) {
		if i > 0 {
			from = max1(from, now.Add(-time.Hour)).Add(time.Duration(rapid.IntRange(1, 15*60).Draw(t, "later")) * time.Minute)
		}
		book = append(book, drawEra(t, from))
	}
	return book
}

func max1(one, other time.Time) time.Time {
	if one.After(other) {
		return one
	}
	return other
}

// At every instant of a code's life the record would get a code by the versions then in force, and a second after its end it would
// not, or a rule's own time or the longest life is over.
func TestACodeLivesExactlyAsLongAsItWouldBeGranted(t *testing.T) {
	grants, cut := 0, 0
	for range 20 {
		rapid.Check(t, func(t *rapid.T) {
			source, destination := drawEras(t, "source"), drawEras(t, "destination")
			record := green()
			record.Health.AsOf = now.Add(-time.Duration(rapid.IntRange(0, 20).Draw(t, "as of")) * time.Minute)
			record.Holder.BirthDate = exchange.Date{Year: rapid.SampledFrom([]int{1990, 2008}).Draw(t, "year"), Month: 11, Day: rapid.IntRange(20, 26).Draw(t, "day")}
			verdict := exchange.Judge(record, source, destination, now)
			if _, refused := verdict.Refused(); refused {
				return
			}
			grants++
			record.Brought = now
			if livesTruly(t, record, source, destination, verdict.End()) {
				cut++
			}
		})
	}
	if grants < 50 || cut < 10 {
		t.Errorf("%d grants, %d of them cut by a change: the property was hardly tried", grants, cut)
	}
}

// livesTruly tells whether a change ended the code, and fails where it lives too long or too short.
func livesTruly(t *rapid.T, record exchange.Record, source, destination eras, end exchange.End) (cut bool) {
	granted := func(at time.Time) bool {
		_, refused := exchange.Conclude(record, source.Green(record, at), destination.Admit(record, record.Route, at), at).Refused()
		return !refused
	}
	for at := now; !at.After(end.At); at = at.Add(5 * time.Minute) {
		if !granted(at) {
			t.Fatalf("a code until %s by %s would not be granted at %s", end.At, end.By.Rule, at)
		}
	}
	if !granted(end.At) {
		t.Fatalf("a code until %s by %s would not be granted then", end.At, end.By.Rule)
	}
	if granted(end.At.Add(time.Second)) && !slices.Contains([]string{"cap", "until", exchange.RuleCodeLife}, end.By.Rule) {
		t.Fatalf("a code ends at %s by %s of %s, and would be granted a second later", end.At, end.By.Rule, end.Version)
	}
	return !strings.HasPrefix(end.By.Rule, "exchange.") && end.By.Status == exchange.Fails
}

func TestACodeThatHardlyLivesIsIssuedWithAWarning(t *testing.T) {
	closing := func(in time.Duration) eras { return eras{day, {from: now.Add(in), closed: true}} }
	for in, warned := range map[time.Duration]bool{time.Second: true, 10 * time.Minute: true, 10*time.Minute + time.Second: false, time.Hour: false} {
		verdict := exchange.Judge(green(), eras{{}}, closing(in), now)
		warnings := verdict.Warnings()
		if len(warnings) > 0 != warned {
			t.Fatalf("a code that ends in %s: warnings %+v", in, warnings)
		}
		drafts, err := verdict.Drafts(terms())
		if err != nil {
			t.Fatal(err)
		}
		_, full, err := drafts.Receipt("code.input")
		if err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(string(full), exchange.RuleShortLife); told != warned {
			t.Errorf("a code that ends in %s: the receipt tells %t", in, told)
		}
		if !strings.Contains(string(full), `"ends_by":{"rule":"open","version":"version b"}`) && in <= 24*time.Hour {
			t.Errorf("the receipt does not say what ends the code: %s", full)
		}
		for _, warning := range warnings {
			wantShortLife(t, warning, verdict.Until())
		}
	}
}

// wantShortLife holds the warning to saying in four languages until when and why, and to refusing nobody.
func wantShortLife(t *testing.T, warning exchange.Outcome, until time.Time) {
	t.Helper()
	if warning.Rule != exchange.RuleShortLife || warning.Blocks() {
		t.Errorf("%+v", warning)
	}
	for _, language := range exchange.Languages() {
		title, remedy := warning.Advice.Title.In(language), warning.Advice.Remedy.In(language)
		if !strings.Contains(title, until.In(exchange.Zone).Format(time.DateTime)) || !strings.Contains(remedy, "advice of open") {
			t.Errorf("%s: %q, %q", language, title, remedy)
		}
	}
}
