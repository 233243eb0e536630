package jurisdictiontest_test

import (
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

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func routeOf(t *testing.T, id string) exchange.Route {
	t.Helper()
	route, err := exchange.ParseRoute(id)
	if err != nil {
		t.Fatal(err)
	}
	return route
}

// ending is a packet, and when its code ends and by what: a rule, and the version that has it.
type ending struct {
	at, route     string
	age           time.Duration // of the test
	ends          string
	rule, version string
	short         bool // it is issued with the warning
}

var endings = []ending{
	// "48 hours" begins at 10:00: a test of six days is worth nothing from then on, one of yesterday goes on.
	{"2021-06-08T09:59:00+08:00", "guangdong-macau", 6 * days, "2021-06-08T09:59:59+08:00", "macau.entry.negative-test", "macau/2021-06-08T10:00+08:00", true},
	{"2021-06-08T09:59:00+08:00", "macau-guangdong", 6 * days, "2021-06-08T09:59:59+08:00", "guangdong.entry.negative-test", "guangdong/2021-06-08T10:00+08:00", true},
	{"2021-06-08T09:59:59+08:00", "macau-guangdong", 6 * days, "2021-06-08T09:59:59+08:00", "guangdong.entry.negative-test", "guangdong/2021-06-08T10:00+08:00", true},
	{"2021-06-08T09:49:00+08:00", "macau-guangdong", 6 * days, "2021-06-08T09:59:59+08:00", "guangdong.entry.negative-test", "guangdong/2021-06-08T10:00+08:00", false},
	{"2021-06-08T09:59:00+08:00", "macau-guangdong", 1 * days, "2021-06-09T09:59:00+08:00", "guangdong.entry.cap", "guangdong/2020-05-10T10:00+08:00", false},
	// A test that the new version counts, but for less: sampled on 6 June, good for two days more.
	{"2021-06-08T09:59:00+08:00", "macau-guangdong", 2 * days, "2021-06-08T23:59:59+08:00", "guangdong.entry.negative-test", "guangdong/2021-06-08T10:00+08:00", false},
	// The last evening of the codes.
	{"2023-03-26T23:58:00+08:00", "macau-guangdong", 1 * days, "2023-03-26T23:59:59+08:00", "macau.green.closed", "macau/2023-03-27T00:00+08:00", true},
	{"2023-03-26T23:58:00+08:00", "guangdong-macau", 1 * days, "2023-03-26T23:59:59+08:00", "guangdong.green.closed", "guangdong/2023-03-27T00:00+08:00", true},
	{"2023-03-26T10:00:00+08:00", "macau-guangdong", 1 * days, "2023-03-26T23:59:59+08:00", "macau.green.closed", "macau/2023-03-27T00:00+08:00", false},
	// What comes is not known: a gap ends a code like a closing.
	{"2022-12-21T20:00:00+08:00", "guangdong-macau", 2 * hours, "2022-12-21T23:59:59+08:00", "macau.entry.unknown", "macau/2022-12-22T00:00+08:00", false},
	// The last second of a test belongs to it: of one that counts days, and of one that counts hours.
	{"2021-06-08T23:59:59+08:00", "macau-guangdong", 2 * days, "2021-06-08T23:59:59+08:00", "guangdong.entry.negative-test", "guangdong/2021-06-08T10:00+08:00", true},
}

func (e ending) want(t *testing.T, verdict exchange.Verdict) {
	t.Helper()
	if decided, refused := verdict.Refused(); refused {
		t.Errorf("%s, %s: refused by %s", e.at, e.route, decided.Rule)
		return
	}
	end := verdict.End()
	short := slices.ContainsFunc(verdict.Warnings(), func(o exchange.Outcome) bool { return o.Rule == exchange.RuleShortLife })
	if !end.At.Equal(instant(t, e.ends)) || end.By.Rule != e.rule || end.Version != e.version || short != e.short {
		t.Errorf("%s, %s, sampled %s before: until %s by %s of %s (short %t), want %s by %s of %s (%t)", e.at, e.route, e.age,
			end.At.In(exchange.Zone).Format(time.RFC3339), end.By.Rule, end.Version, short, e.ends, e.rule, e.version, e.short)
	}
}

func TestCodesEndWithTheVersionsOfThePast(t *testing.T) {
	all := sides(t)
	for _, test := range endings {
		now := instant(t, test.at)
		test.want(t, judged(t, all, routeOf(t, test.route), now, sampledBefore(now, test.age, "gongbei")))
	}
}

func TestTheLastSecondCountsToItsEnd(t *testing.T) {
	all := sides(t)
	for _, test := range []struct{ at, port, sampled string }{
		{"2021-06-08T23:59:59+08:00", "gongbei", "2021-06-06T07:59:00+08:00"}, // two days after the sampling day
		{"2021-08-05T12:00:00+08:00", "hengqin", "2021-08-05T00:00:00+08:00"}, // twelve hours after sampling
	} {
		last := instant(t, test.at)
		change := jurisdictiontest.All(sampledBefore(last, 0, test.port), jurisdictiontest.Set("evidence[0].sampled_at", test.sampled))
		for after, granted := range map[time.Duration]bool{0: true, 900 * time.Millisecond: true, time.Second: false} {
			verdict := judged(t, all, routeOf(t, "macau-guangdong"), last.Add(after), change)
			if decided, refused := verdict.Refused(); refused == granted || granted && !verdict.Until().Equal(last) {
				t.Errorf("%s after %s: refused %t by %s, until %s", after, test.at, refused, decided.Rule, verdict.Until())
			}
		}
	}
}

// changed is the three sides, Guangdong's with the standing version of its rulebook written anew.
func changed(t *testing.T, standing func(string) string) map[exchange.Side]jurisdictiontest.Subject {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "guangdong", "rulebook.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const begins = "  - from: 2026-01-01T00:00+08:00\n"
	before, last, found := strings.Cut(string(data), begins)
	if !found {
		t.Fatal("no standing version")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "guangdong.yaml"), []byte(before+begins+standing(last)), 0o600); err != nil {
		t.Fatal(err)
	}
	all := sides(t)
	if all[guangdong.ID], err = guangdong.New(jurisdictions.Options{Overrides: dir}); err != nil {
		t.Fatal(err)
	}
	return all
}

// An operator announces at night that the border is closed from 07:24: a code of 07:23:00 ends before.
func TestNoCodeLivesPastAnAnnouncedClosing(t *testing.T) {
	all := changed(t, func(standing string) string {
		return "    until: 2026-11-22T07:24+08:00\n" + standing + `  - from: 2026-11-22T07:24+08:00
    source: https://example.org/typhoon
    confidence: official
    closed: true
    note: closed for the typhoon
    advice:
      title: {zh-Hans: 口岸因台风关闭, zh-Hant: 口岸因颱風關閉, en: The border is closed for the typhoon, pt: A fronteira está fechada devido ao tufão}
      remedy: {zh-Hans: 请稍后再试。, zh-Hant: 請稍後再試。, en: Try again later., pt: Tente mais tarde.}
      contact: {zh-Hans: "12345", zh-Hant: "12345", en: "12345", pt: "12345"}
`
	})
	now := instant(t, "2026-11-22T07:23:00+08:00")
	for route, rule := range map[string]string{
		"macau-guangdong": "guangdong.entry.closed", "hongkong-guangdong": "guangdong.entry.closed", "guangdong-macau": "guangdong.green.closed",
	} {
		found := routeOf(t, route)
		record, err := all[found.From].Read(jurisdictiontest.Claims(jurisdictiontest.GreenClaims(all[found.From], found.To, now)))
		if err != nil {
			t.Fatal(err)
		}
		verdict := exchange.Judge(record, all[found.From], all[found.To], now)
		ending{now.Format(time.RFC3339), route, 0, "2026-11-22T07:23:59+08:00", rule, "guangdong/2026-11-22T07:24+08:00", true}.want(t, verdict)
		warned := verdict.Warnings()[len(verdict.Warnings())-1].Advice
		if want := "From then on: The border is closed for the typhoon. Try again later."; warned.Remedy.En != want {
			t.Errorf("%s: warned with %q, want %q", route, warned.Remedy.En, want)
		}
	}
}

func TestATestOfExactly48HoursCounts(t *testing.T) {
	all := changed(t, func(standing string) string {
		return strings.Replace(standing, "with: *2-days", "with: {unit: hours_since_sampling, length: 48, paper: true}", 1)
	})
	now := instant(t, "2026-11-22T10:00:00+08:00")
	for age, granted := range map[time.Duration]bool{48 * hours: true, 48*hours + time.Second: false} {
		verdict := judged(t, all, routeOf(t, "macau-guangdong"), now, sampledBefore(now, age, "gongbei"))
		if decided, refused := verdict.Refused(); refused == granted || granted && !verdict.Until().Equal(now) {
			t.Errorf("%s after sampling: refused %t by %s, until %s", age, refused, decided.Rule, verdict.Until())
		}
	}
}

// turns are the instants at which one of the shipped rulebooks changes.
func turns(all map[exchange.Side]jurisdictiontest.Subject) []time.Time {
	var found []time.Time
	for _, side := range all {
		for _, version := range side.Rules().Current().Versions() {
			found = append(found, version.From)
		}
	}
	return found
}

// Over the whole of the shipped history: at every instant of a code's life the packet, brought when it was, would get a code under the
// versions of that instant. A second after the end it would not, or the end is one that a rule set when the code was given.
func TestEveryInstantOfACodesLifeWouldBeGrantedByTheShippedBooks(t *testing.T) {
	all, ended := sides(t), map[string]int{}
	changes := turns(all)
	for range 5 {
		rapid.Check(t, func(t *rapid.T) { livesAsShipped(t, all, changes, ended) })
	}
	if ended["test"]+ended["route"] == 0 || ended["validity"] == 0 {
		t.Errorf("hardly tried: ended by %v", ended)
	}
}

func livesAsShipped(t *rapid.T, all map[exchange.Side]jurisdictiontest.Subject, changes []time.Time, ended map[string]int) {
	ids := jurisdictiontest.Sides()
	route := exchange.Route{From: rapid.SampledFrom(ids).Draw(t, "from"), To: rapid.SampledFrom(ids).Draw(t, "to")}
	if route.From == route.To {
		return
	}
	now := rapid.SampledFrom(changes).Draw(t, "near").Add(-time.Duration(rapid.IntRange(-60, 90000).Draw(t, "before")) * time.Second)
	age := time.Duration(rapid.IntRange(0, 200).Draw(t, "age")) * hours
	ports := append(all[route.From].Ports(route), exchange.PortText{})
	port := string(rapid.SampledFrom(ports).Draw(t, "port").ID)
	record := recordOf(t, route, now, sampledBefore(now, age, port))
	verdict := exchange.Judge(record, all[route.From], all[route.To], now)
	if _, refused := verdict.Refused(); refused {
		return
	}
	ended[verdict.End().By.Category]++
	record.Brought = now
	at := func(at time.Time) exchange.Verdict {
		return exchange.Conclude(record, all[route.From].Green(record, at), all[route.To].Admit(record, route, at), at)
	}
	life := int(verdict.Until().Sub(now) / time.Second)
	for _, second := range append([]int{0, life}, rapid.SliceOfN(rapid.IntRange(0, life), 20, 20).Draw(t, "seconds")...) {
		if decided, refused := at(now.Add(time.Duration(second) * time.Second)).Refused(); refused {
			t.Fatalf("%s, %s: a code until %s is refused after %d s by %s", now, route, verdict.Until(), second, decided.Rule)
		}
	}
	_, refused := at(verdict.Until().Add(time.Second)).Refused()
	if first := at(now).Until(); !refused && !first.Equal(verdict.Until()) {
		t.Fatalf("%s, %s: until %s, by itself until %s, and yet granted a second later", now, route, verdict.Until(), first)
	}
}
