package jurisdictions

import (
	"slices"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

// newYear is the first instant of a year in UTC+8; the zero time of year 0.
func newYear(year int) time.Time {
	if year == 0 {
		return time.Time{}
	}
	return time.Date(year, 1, 1, 0, 0, 0, 0, exchange.Zone)
}

func years(windows []exchange.Window) [][2]int {
	listed := [][2]int{}
	for _, window := range windows {
		both := [2]int{}
		for i, instant := range []time.Time{window.From, window.Until} {
			if !instant.IsZero() {
				both[i] = instant.In(exchange.Zone).Year()
			}
			if !instant.Equal(newYear(both[i])) {
				both[i] = -1
			}
		}
		listed = append(listed, both)
	}
	return listed
}

// What closes a route: no version yet or no longer, a closed one, a gap, no entry rules; and not a gap at some ports.
func TestShutListsWhenNobodyGetsACode(t *testing.T) {
	ended := strings.Replace(gapBook, "  - from: 2024-01-01T00:00+08:00\n", "  - from: 2024-01-01T00:00+08:00\n    until: 2026-01-01T00:00+08:00\n", 1)
	closed := strings.Replace(gapBook, `    unknown: true
    note: nothing was found
`, `    closed: true
    advice: *advice
`, 1)
	for _, test := range []struct {
		name, book, route string
		want              [][2]int
	}{
		{"a gap at some ports closes nothing", gapBook, "guangdong-macau", [][2]int{{0, 2021}, {2022, 2023}}},
		{"a gap in the version, then one of the route", gapBook, "hongkong-macau", [][2]int{{0, 2021}, {2022, 2024}}},
		{"entry rules are nothing to those who leave", gapBook, "macau-hongkong", [][2]int{{0, 2021}, {2022, 2023}}},
		{"a closed version, then a gap of the route", closed, "hongkong-macau", [][2]int{{0, 2021}, {2022, 2024}}},
		{"a closed version", closed, "macau-guangdong", [][2]int{{0, 2021}, {2022, 2023}}},
		{"a book that ends", ended, "guangdong-macau", [][2]int{{0, 2021}, {2022, 2023}, {2026, 0}}},
		{"a route that is in no version", gapBook, "taiwan-macau", [][2]int{{0, 0}}},
		{"a route of others", gapBook, "guangdong-hongkong", [][2]int{}},
	} {
		book, err := Parse("macau.yaml", []byte(test.book), "macau")
		if err != nil {
			t.Fatal(test.name, err)
		}
		route, err := exchange.ParseRoute(test.route)
		if err != nil {
			t.Fatal(err)
		}
		if got := years(book.Shut(route, newYear(1), newYear(9999))); !slices.Equal(got, test.want) {
			t.Errorf("%s: %s is shut %v, want %v", test.name, test.route, got, test.want)
		}
	}
}

func TestShutGivesTheWindowsThatOverlapAndTheirWholeLength(t *testing.T) {
	book, route := gaps(t), exchange.Route{From: "hongkong", To: "macau"}
	for _, test := range []struct {
		from, until time.Time
		want        [][2]int
	}{
		{newYear(2021), newYear(2022).Add(-time.Second), [][2]int{}},
		{newYear(2021), newYear(2022), [][2]int{{2022, 2024}}},
		{newYear(2023), newYear(2023), [][2]int{{2022, 2024}}},
		{newYear(2024).Add(-time.Second), newYear(2026), [][2]int{{2022, 2024}}},
		{newYear(2024), newYear(2026), [][2]int{}},
		{newYear(2020), newYear(2023), [][2]int{{0, 2021}, {2022, 2024}}},
	} {
		if got := years(book.Shut(route, test.from, test.until)); !slices.Equal(got, test.want) {
			t.Errorf("from %s to %s: %v, want %v", test.from, test.until, got, test.want)
		}
	}
}
