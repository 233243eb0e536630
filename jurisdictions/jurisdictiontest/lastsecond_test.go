package jurisdictiontest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/guangdong"
	"crosscode/jurisdictions/jurisdictiontest"
)

// brought is what the gateway says of a specimen who brings at now a packet that was made in the same second.
func brought(t *testing.T, all map[exchange.Side]jurisdictiontest.Subject, route string, now time.Time, change jurisdictiontest.Change) exchange.Verdict {
	t.Helper()
	along := routeOf(t, route)
	return exchange.Judge(specimen(t, along, now.Truncate(time.Second), change), all[along.From], all[along.To], now)
}

// What an announced version does to a test that it counts for less, and to one where nobody knows what it asks.
func TestALaterVersionShortensACode(t *testing.T) {
	all := sides(t)
	for _, test := range []struct {
		at, route     string
		age           time.Duration // of the test
		until         string
		rule, version string
	}{
		// Sampled on 6 June: "48 h" begins the next minute, and counts it to the end of 8 June.
		{"2021-06-08T09:59:00+08:00", "macau-guangdong", 2 * days, "2021-06-08T23:59:59+08:00", "guangdong.entry.negative-test", "guangdong/2021-06-08T10:00+08:00"},
		// Of 22 December 2022 it is not known what was asked: a gap ends a code like a closing.
		{"2022-12-21T20:00:00+08:00", "guangdong-macau", 2 * hours, "2022-12-21T23:59:59+08:00", "macau.entry.unknown", "macau/2022-12-22T00:00+08:00"},
	} {
		now := instantOf(t, test.at)
		verdict := brought(t, all, test.route, now, sampledBefore(now, test.age, "gongbei"))
		wantEnd(t, test.at+", "+test.route, verdict.End(), test.until, test.rule, test.version)
	}
}

func TestTheLastSecondCountsToItsEnd(t *testing.T) {
	all := sides(t)
	for _, test := range []struct{ at, port, sampled string }{
		{"2021-06-08T23:59:59+08:00", "gongbei", "2021-06-06T07:59:00+08:00"}, // two days after the sampling day
		{"2021-08-05T12:00:00+08:00", "hengqin", "2021-08-05T00:00:00+08:00"}, // twelve hours after sampling
	} {
		last := instantOf(t, test.at)
		change := jurisdictiontest.All(sampledBefore(last, 0, test.port), jurisdictiontest.Set("evidence[0].sampled_at", test.sampled))
		for after, granted := range map[time.Duration]bool{0: true, 900 * time.Millisecond: true, time.Second: false} {
			verdict := brought(t, all, "macau-guangdong", last.Add(after), change)
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

func TestATestOfExactly48HoursCounts(t *testing.T) {
	all := changed(t, func(standing string) string {
		return strings.Replace(standing, "with: *2-days", "with: {unit: hours_since_sampling, length: 48, paper: true}", 1)
	})
	now := instantOf(t, "2026-11-22T10:00:00+08:00")
	for age, granted := range map[time.Duration]bool{48 * hours: true, 48*hours + time.Second: false} {
		verdict := brought(t, all, "macau-guangdong", now, sampledBefore(now, age, "gongbei"))
		if decided, refused := verdict.Refused(); refused == granted || granted && !verdict.Until().Equal(now) {
			t.Errorf("%s after sampling: refused %t by %s, until %s", age, refused, decided.Rule, verdict.Until())
		}
	}
}
