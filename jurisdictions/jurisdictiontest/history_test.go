package jurisdictiontest_test

import (
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/jurisdictions/jurisdictiontest"
)

// judged is what both sides' rulebooks say of a green specimen of a day of the past, with the given change.
func judged(t *testing.T, all map[exchange.Side]jurisdictiontest.Subject, route exchange.Route, now time.Time, change jurisdictiontest.Change) exchange.Verdict {
	t.Helper()
	source, destination := all[route.From], all[route.To]
	record := specimen(t, route, now, change)
	return exchange.Conclude(record, source.Green(record, now), destination.Admit(record, route, now), now)
}

// sampledBefore makes the only test one that was sampled so long before at the asked instant, at a port.
func sampledBefore(now time.Time, age time.Duration, port string) jurisdictiontest.Change {
	return jurisdictiontest.All(
		jurisdictiontest.Set("holder.documents", []any{map[string]any{"type": "home-return-permit", "number": "M1234567801"}}),
		jurisdictiontest.Set("evidence[0].sampled_at", jurisdictiontest.Instant(now.Add(-age))), jurisdictiontest.Set("port", port),
	)
}

const (
	hours = time.Hour
	days  = 24 * time.Hour
)

// dated is a day of the past: what a test of an age was worth at a port. "" is a grant; else the rule that decides, without the
// side. The facts are those of the notices that the rulebooks name as the sources of their versions.
var dated = []struct {
	at, route, port string
	age             time.Duration
	rule            string
}{
	// The route opens at 10:00 of 10 May 2020, not before.
	{"2020-05-10T00:00:00+08:00", "guangdong-macau", "gongbei", 1 * days, "green.route"},
	{"2020-05-10T09:59:59+08:00", "guangdong-macau", "gongbei", 1 * days, "green.route"},
	{"2020-05-10T09:59:59+08:00", "macau-guangdong", "gongbei", 1 * days, "green.route"},
	{"2020-05-10T10:00:00+08:00", "guangdong-macau", "gongbei", 1 * days, ""},
	{"2020-05-10T10:00:00+08:00", "macau-guangdong", "gongbei", 1 * days, ""},
	{"2020-06-01T12:00:00+08:00", "guangdong-macau", "gongbei", 6 * days, ""},
	{"2021-06-08T09:59:00+08:00", "macau-guangdong", "gongbei", 6 * days, ""},
	{"2021-06-08T10:00:00+08:00", "macau-guangdong", "gongbei", 6 * days, "entry.negative-test"},
	// August 2021: 24 hours, 12, 48, and 7 days, in both directions; of the ferries nothing is known at first.
	{"2021-08-03T19:59:00+08:00", "guangdong-macau", "gongbei", 6 * days, ""},
	{"2021-08-03T20:00:00+08:00", "guangdong-macau", "gongbei", 2 * days, "entry.negative-test"},
	{"2021-08-03T20:00:00+08:00", "macau-guangdong", "gongbei", 2 * days, "entry.negative-test"},
	{"2021-08-03T20:00:00+08:00", "macau-guangdong", "gongbei", 30 * hours, ""},
	{"2021-08-03T20:00:00+08:00", "macau-guangdong", "shekou", 2 * hours, "entry.unknown"},
	{"2021-08-05T12:00:00+08:00", "guangdong-macau", "hengqin", 11 * hours, ""},
	{"2021-08-05T12:00:00+08:00", "guangdong-macau", "hengqin", 13 * hours, "entry.negative-test"},
	{"2021-08-12T12:00:00+08:00", "macau-guangdong", "gongbei", 2 * days, ""},
	{"2021-08-12T12:00:00+08:00", "macau-guangdong", "gongbei", 3 * days, "entry.negative-test"},
	{"2021-08-25T00:00:00+08:00", "macau-guangdong", "shekou", 6 * days, ""},
	// Autumn 2021: isolation for those who come from Macau, and nothing new for those who go there.
	{"2021-10-01T12:00:00+08:00", "macau-guangdong", "gongbei", 2 * hours, "entry.unknown"},
	{"2021-10-01T12:00:00+08:00", "guangdong-macau", "gongbei", 6 * days, ""},
	// 2022, to Macau: 48 hours, 24 through Zhuhai alone, 48, 72, 7 days, 48.
	{"2022-01-14T00:00:00+08:00", "guangdong-macau", "gongbei", 3 * days, "entry.negative-test"},
	{"2022-03-20T12:00:00+08:00", "guangdong-macau", "gongbei", 2 * days, "entry.negative-test-zhuhai"},
	{"2022-03-20T12:00:00+08:00", "guangdong-macau", "shekou", 2 * days, ""},
	{"2022-03-20T12:00:00+08:00", "guangdong-macau", "", 2 * days, "entry.negative-test-zhuhai"},
	{"2022-05-20T12:00:00+08:00", "guangdong-macau", "gongbei", 6 * days, "entry.negative-test"},
	{"2022-05-20T12:00:00+08:00", "guangdong-macau", "gongbei", 3 * days, ""},
	{"2022-06-01T23:59:59+08:00", "guangdong-macau", "gongbei", 6 * days, "entry.negative-test"},
	{"2022-06-02T00:00:00+08:00", "guangdong-macau", "gongbei", 6 * days, ""},
	{"2022-08-10T12:00:00+08:00", "guangdong-macau", "gongbei", 6 * days, "entry.negative-test"},
	{"2022-08-10T12:00:00+08:00", "guangdong-macau", "shekou", 2 * hours, "entry.unknown"},
	// 2022, from Macau: 7 days, 24 hours, and 48 through Zhuhai alone.
	{"2022-05-20T12:00:00+08:00", "macau-guangdong", "gongbei", 6 * days, ""},
	{"2022-06-19T06:00:00+08:00", "macau-guangdong", "gongbei", 2 * days, "entry.negative-test"},
	{"2022-08-10T12:00:00+08:00", "macau-guangdong", "gongbei", 6 * days, "entry.negative-test"},
	{"2022-08-10T12:00:00+08:00", "macau-guangdong", "gongbei", 1 * days, ""},
	{"2022-09-19T05:59:00+08:00", "macau-guangdong", "gongbei", 2 * days, "entry.negative-test"},
	{"2022-09-19T06:00:00+08:00", "macau-guangdong", "gongbei", 2 * days, ""},
	{"2022-09-20T12:00:00+08:00", "macau-guangdong", "shekou", 2 * days, "entry.negative-test-elsewhere"},
	{"2022-09-20T12:00:00+08:00", "macau-guangdong", "shekou", 1 * days, ""},
	// The end of 2022: a gap, 24 hours, a rapid test outside of Zhuhai, and a gap; then no test to Macau.
	{"2022-11-01T12:00:00+08:00", "guangdong-macau", "gongbei", 2 * hours, "entry.unknown"},
	{"2022-11-01T12:00:00+08:00", "macau-guangdong", "gongbei", 2 * hours, "entry.unknown"},
	{"2022-11-20T12:00:00+08:00", "guangdong-macau", "gongbei", 1 * days, ""},
	{"2022-12-20T12:00:00+08:00", "guangdong-macau", "gongbei", 6 * days, "entry.negative-test"},
	{"2022-12-20T12:00:00+08:00", "guangdong-macau", "gongbei", 2 * days, "entry.negative-test-zhuhai"},
	{"2022-12-20T12:00:00+08:00", "guangdong-macau", "gongbei", 1 * days, ""},
	{"2022-12-20T12:00:00+08:00", "guangdong-macau", "shekou", 2 * days, "entry.rapid-antigen"},
	{"2022-12-20T12:00:00+08:00", "macau-guangdong", "gongbei", 6 * days, "entry.negative-test"},
	{"2022-12-20T12:00:00+08:00", "macau-guangdong", "gongbei", 1 * days, ""},
	{"2022-12-25T12:00:00+08:00", "guangdong-macau", "gongbei", 2 * hours, "entry.unknown"},
	{"2022-12-25T12:00:00+08:00", "macau-guangdong", "gongbei", 2 * hours, "entry.unknown"},
	{"2023-01-08T00:00:00+08:00", "guangdong-macau", "gongbei", 60 * days, ""},
	{"2023-01-08T00:00:00+08:00", "macau-guangdong", "gongbei", 6 * days, "entry.negative-test"},
	{"2023-03-26T23:00:00+08:00", "macau-guangdong", "gongbei", 1 * days, ""},
	{"2023-03-27T00:00:00+08:00", "macau-guangdong", "gongbei", 1 * days, "green.closed"},
}

func TestTheVerdictsOfThePastAreThoseOfTheNotices(t *testing.T) {
	all := sides(t)
	for _, test := range dated {
		route, now := routeOf(t, test.route), instantOf(t, test.at)
		decided, refused := judged(t, all, route, now, sampledBefore(now, test.age, test.port)).Refused()
		end := route.To
		if strings.HasPrefix(test.rule, "green.") {
			end = route.From
		}
		want := string(end) + "." + test.rule
		if test.rule == "" && refused || test.rule != "" && (!refused || decided.Rule != want) {
			t.Errorf("%s, %s at %q, sampled %s before: refused %v by %q, want %q", test.at, test.route, test.port, test.age,
				refused, decided.Rule, test.rule)
		}
	}
}

// The red and yellow codes of other provinces counted from the first guide on, on every day on which Guangdong's code could leave.
func TestAnotherProvincesCodeCountsFromTheOpeningOn(t *testing.T) {
	route := exchange.Route{From: "guangdong", To: "macau"}
	all := sides(t)
	for _, version := range all["guangdong"].Rules().Current().Versions() {
		if version.Closed || version.Unknown {
			continue
		}
		now := version.From.Add(time.Minute)
		for colour, want := range map[string]exchange.Reason{"red": exchange.NotGreen, "yellow": exchange.NotGreen} {
			change := jurisdictiontest.All(sampledBefore(now, 2*hours, "gongbei"), jurisdictiontest.Set("evidence[1]", map[string]any{
				"type": "province-code", "colour": colour, "province": "hubei", "as_of": jurisdictiontest.Instant(now.Add(-hours)),
			}))
			if decided, refused := judged(t, all, route, now, change).Refused(); !refused || decided.Reason != want {
				t.Errorf("%s, green beside a %s code of another province: %q by %q, want %q", version.ID, colour, decided.Reason, decided.Rule, want)
			}
		}
	}
}

// One shipped version has terms that differ between two ports of one route: the reason why ports are data.
func TestAShippedVersionDiffersBetweenTwoPortsOfOneRoute(t *testing.T) {
	all := sides(t)
	now, err := time.Parse(time.RFC3339, "2022-12-20T12:00:00+08:00")
	if err != nil {
		t.Fatal(err)
	}
	route := exchange.Route{From: "guangdong", To: "macau"}
	quick := jurisdictiontest.Set("evidence[1]", map[string]any{"type": "rapid-antigen", "result": "negative", "sampled_at": jurisdictiontest.Instant(now.Add(-hours)), "source": "electronic", "institution": "self"})
	for port, granted := range map[string]bool{"gongbei": false, "qingmao": false, "jiuzhou": false, "shekou": true, "humen": true, "": false} {
		decided, refused := judged(t, all, route, now, jurisdictiontest.All(sampledBefore(now, 2*days, port), quick)).Refused()
		if refused == granted {
			t.Errorf("two days after sampling at %q: refused %v by %q", port, refused, decided.Rule)
		}
	}
}
