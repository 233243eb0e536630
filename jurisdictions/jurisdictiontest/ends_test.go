package jurisdictiontest_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/guangdong"
	"crosscode/jurisdictions/jurisdictiontest"
)

// specimen is the record of a green specimen who brings a packet at now.
func specimen(t testing.TB, route exchange.Route, now time.Time, change jurisdictiontest.Change) exchange.Record {
	t.Helper()
	text := exchange.ConsentText{ID: route.String() + "/1", Language: "en", Hash: strings.Repeat("0", 64)}
	record, err := jurisdictiontest.ReadAny(change(jurisdictiontest.SpecimenClaims(route, text, now)))
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func routeOf(t testing.TB, id string) exchange.Route {
	t.Helper()
	route, err := exchange.ParseRoute(id)
	if err != nil {
		t.Fatal(err)
	}
	return route
}

func instantOf(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func wantEnd(t *testing.T, what string, end exchange.End, until, rule, version string) {
	t.Helper()
	if !end.At.Equal(instantOf(t, until)) || end.By.Rule != rule || end.Version != version {
		t.Errorf("%s: until %s by %s of %s, want %s by %s of %s", what, end.At, end.By.Rule, end.Version, until, rule, version)
	}
}

// The codes of the past's last minutes end where the notices say, and say which version ended them.
func TestCodesOfThePastEndWhereTheNoticesSay(t *testing.T) {
	all := sides(t)
	for _, test := range []struct {
		at, route     string
		age           time.Duration // of the test
		until         string
		rule, version string
	}{
		// "48 h" begins at 10:00 of 8 June 2021: a test of five days is good until then, one of that morning as long as it was.
		{"2021-06-08T09:59:00+08:00", "guangdong-macau", 5 * days, "2021-06-08T09:59:59+08:00", "macau.entry.negative-test", "macau/2021-06-08T10:00+08:00"},
		{"2021-06-08T09:59:59+08:00", "guangdong-macau", 5 * days, "2021-06-08T09:59:59+08:00", "macau.entry.negative-test", "macau/2021-06-08T10:00+08:00"},
		{"2021-06-08T09:59:00+08:00", "macau-guangdong", 5 * days, "2021-06-08T09:59:59+08:00", "guangdong.entry.negative-test", "guangdong/2021-06-08T10:00+08:00"},
		// Macau's code ended on 27 March 2023 at 00:00.
		{"2023-03-26T23:58:00+08:00", "macau-guangdong", 2 * hours, "2023-03-26T23:59:59+08:00", "macau.green.closed", "macau/2023-03-27T00:00+08:00"},
	} {
		route, now := routeOf(t, test.route), instantOf(t, test.at)
		record := specimen(t, route, now.Truncate(time.Minute), sampledBefore(now, test.age, "gongbei"))
		verdict := exchange.Judge(record, all[route.From], all[route.To], now)
		wantEnd(t, test.at+", "+test.route, verdict.End(), test.until, test.rule, test.version)
		wantShortLife(t, verdict)
	}
}

// wantShortLife: a code of under ten minutes says so, in words that a rulebook wrote for the reason.
func wantShortLife(t *testing.T, verdict exchange.Verdict) {
	t.Helper()
	warnings := verdict.Warnings()
	if len(warnings) == 0 || warnings[len(warnings)-1].Rule != exchange.RuleShortLife {
		t.Fatalf("warnings %+v", warnings)
	}
	for _, language := range exchange.Languages() {
		why := verdict.End().By.Advice.Title.In(language)
		if why == "" || !strings.Contains(warnings[len(warnings)-1].Advice.Remedy.In(language), why) {
			t.Errorf("%s: %q does not say %q", language, warnings[len(warnings)-1].Advice.Remedy.In(language), why)
		}
	}
}

// A test that still counts under the new version takes its code over the change.
func TestACodeOutlivesAChangeUnderWhichItWouldBeGranted(t *testing.T) {
	all := sides(t)
	now := instantOf(t, "2021-06-08T09:59:00+08:00")
	route := exchange.Route{From: "guangdong", To: "macau"}
	end := exchange.Judge(specimen(t, route, now, sampledBefore(now, 2*hours, "gongbei")), all[route.From], all[route.To], now).End()
	// The specimen declared two minutes before, and a declaration counts for a day.
	if !end.At.Equal(now.Add(24*time.Hour-2*time.Minute)) || end.By.Rule != "macau.entry.declaration-made" || end.Version != "macau/2020-05-10T10:00+08:00" {
		t.Errorf("until %s by %s of %s", end.At, end.By.Rule, end.Version)
	}
}

// closing is Guangdong with an override that closes it at one instant and opens it again at another.
func closing(t *testing.T, from, again string) jurisdictiontest.Subject {
	t.Helper()
	data, err := os.ReadFile("../guangdong/rulebook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const standing = "  - from: 2026-01-01T00:00+08:00\n"
	before, after, found := strings.Cut(string(data), standing)
	if !found {
		t.Fatal("the standing version is not where it was")
	}
	text := before + standing + "    until: " + from + "\n" + after + `
  - from: ` + from + `
    until: ` + again + `
    source: https://example.org/closing
    confidence: official
    closed: true
    advice: {title: {zh-Hans: 关闭, zh-Hant: 關閉, en: Closed, pt: Fechada}, remedy: {zh-Hans: 等, zh-Hant: 等, en: Wait, pt: Espere}, contact: {zh-Hans: 问, zh-Hant: 問, en: Ask, pt: Pergunte}}
` + strings.Replace(standing, "2026-01-01T00:00+08:00", again, 1) + after
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "guangdong.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	side, err := guangdong.New(jurisdictions.Options{Overrides: folder})
	if err != nil {
		t.Fatal(err)
	}
	return side
}

func TestNoCodeOutlivesAnAnnouncedClosing(t *testing.T) {
	all := sides(t)
	all["guangdong"] = closing(t, "2026-11-22T07:24+08:00", "2026-11-22T09:00+08:00")
	for _, text := range []string{"macau-guangdong", "guangdong-macau", "hongkong-guangdong", "guangdong-hongkong"} {
		route, now := routeOf(t, text), instantOf(t, "2026-11-22T07:23:00+08:00")
		verdict := exchange.Judge(specimen(t, route, now, jurisdictiontest.All()), all[route.From], all[route.To], now)
		end := verdict.End()
		if !end.At.Equal(instantOf(t, "2026-11-22T07:23:59+08:00")) || !strings.HasSuffix(end.By.Rule, ".closed") ||
			end.Version != "guangdong/2026-11-22T07:24+08:00" {
			decided, _ := verdict.Refused()
			t.Errorf("%s: until %s by %s of %s (%s)", route, end.At, end.By.Rule, end.Version, decided.Rule)
		}
		if len(verdict.Warnings()) != 1 {
			t.Errorf("%s: warnings %+v", route, verdict.Warnings())
		}
	}
}

// At every instant of a code's life the record would get a code by the versions then in force, with how old things were at the
// bringing asked once; and a second after its end it would not, unless the destination's cap ended it, or a test that an older
// version takes for too old ends in the very second before a milder one begins. This holds the rulebooks to
// until: a rule that stops to hold before the instant that it names would be found here.
func TestEveryShippedCodeLivesAsLongAsItWouldBeGranted(t *testing.T) {
	all := sides(t)
	var changes []time.Time
	for _, side := range all {
		changes = append(changes, side.Changes(time.Time{}, jurisdictiontest.Now)...)
	}
	slices.SortFunc(changes, time.Time.Compare)
	ids := slices.Sorted(maps.Keys(all))
	grants, cut := 0, 0
	holds := func(r *rapid.T) {
		from := rapid.IntRange(0, 2).Draw(r, "from")
		route := exchange.Route{From: ids[from], To: ids[(from+rapid.IntRange(1, 2).Draw(r, "to"))%3]}
		ahead := time.Duration(rapid.IntRange(1, 26*60).Draw(r, "minutes ahead")) * time.Minute
		now := rapid.SampledFrom(changes).Draw(r, "change").Add(-ahead)
		age := time.Duration(rapid.IntRange(1, 7*24*60).Draw(r, "sampled minutes ago")) * time.Minute
		record := specimen(t, route, now, jurisdictiontest.Set("evidence[0].sampled_at", jurisdictiontest.Instant(now.Add(-age))))
		verdict := exchange.Judge(record, all[route.From], all[route.To], now)
		if _, refused := verdict.Refused(); refused {
			return
		}
		grants++
		if record.Brought = now; lives(r, all, record, verdict.End()) {
			cut++
		}
	}
	for range 10 {
		rapid.Check(t, holds)
	}
	if grants < 100 || cut < 10 {
		t.Errorf("%d grants, %d of them ended by a change: the property was hardly tried", grants, cut)
	}
}

func lives(t *rapid.T, all map[exchange.Side]jurisdictiontest.Subject, record exchange.Record, end exchange.End) (cut bool) {
	granted := func(at time.Time) bool {
		source, destination := all[record.Route.From], all[record.Route.To]
		_, refused := exchange.Conclude(record, source.Green(record, at), destination.Admit(record, record.Route, at), at).Refused()
		return !refused
	}
	instants := []time.Time{record.Brought, end.At, end.At.Add(time.Second - time.Nanosecond)}
	for at := record.Brought; at.Before(end.At); at = at.Add(23 * time.Minute) {
		instants = append(instants, at)
	}
	for _, at := range instants {
		if !granted(at) {
			t.Fatalf("%s, a code until %s by %s would not be granted at %s", record.Route, end.At, end.By.Rule, at)
		}
	}
	after := end.At.Add(time.Second)
	turn := len(all[record.Route.From].Changes(end.At, after))+len(all[record.Route.To].Changes(end.At, after)) > 0
	if granted(after) && !turn && !strings.HasSuffix(end.By.Rule, ".entry.cap") {
		t.Fatalf("%s, a code ends at %s by %s of %s, and would be granted a second later", record.Route, end.At, end.By.Rule, end.Version)
	}
	return end.By.Status != exchange.Pass
}
