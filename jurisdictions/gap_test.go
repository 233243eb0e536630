package jurisdictions

import (
	"slices"
	"strings"
	"testing"

	"crosscode/exchange"
)

// gapBook has a version that is known, one that is not, one of which a route is not known, and one of which some ports are not.
const gapBook = `
side: macau
rules:
  green.colour:
    reason: not-green
    category: colour
    require: 'health.colour == "green"'
    advice: &advice
      title: {zh-Hans: 一, zh-Hant: 一, en: title, pt: título}
      remedy: {zh-Hans: 二。, zh-Hant: 二。, en: Do something., pt: Faça algo.}
      contact: {zh-Hans: 三, zh-Hant: 三, en: call, pt: ligue}
    examples:
      - {name: a, at: 2026-11-22T10:00:00+08:00, given: {health: {colour: green}}, then: pass}
      - {name: b, at: 2026-11-22T10:00:00+08:00, given: {health: {colour: red}}, then: fail}
  entry.cap:
    reason: not-eligible
    category: validity
    require: 'true'
    until: 'now + duration("24h")'
    advice: *advice
    examples: [{name: a, at: 2026-11-22T10:00:00+08:00, then: pass}]
versions:
  - from: 2021-01-01T00:00+08:00
    until: 2022-01-01T00:00+08:00
    source: a notice
    confidence: press
    green: &green [{rule: green.colour}]
    entry:
      guangdong-macau: &known
        documents: {accept: {"*": [home-return-permit]}, advice: *advice}
        rules: [[{rule: entry.cap}]]
      hongkong-macau: *known
  - from: 2022-01-01T00:00+08:00
    until: 2023-01-01T00:00+08:00
    source: none found
    confidence: assumed
    unknown: true
    note: nothing was found
  - from: 2023-01-01T00:00+08:00
    until: 2024-01-01T00:00+08:00
    source: a notice
    confidence: press
    green: *green
    entry:
      guangdong-macau: {unknown: {note: what ferries asked is not known, ports: {outside: zhuhai}}, <<: *known}
      hongkong-macau: {unknown: {note: the terms are not known}}
  - from: 2024-01-01T00:00+08:00
    source: a notice
    confidence: press
    green: *green
    entry: {guangdong-macau: *known, hongkong-macau: *known}
`

func gaps(t *testing.T) *Book {
	t.Helper()
	book, err := Parse("macau.yaml", []byte(gapBook), "macau")
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// What is not known never grants: not to those who leave in a version that is a gap, and not to those who come over a route, or
// through a port, of which nothing is known. What is known beside it stays known.
func TestAGapInTheRecordNeverGrants(t *testing.T) {
	for _, test := range []struct{ at, route, port, green, entry string }{
		{"2021-06-01T10:00:00+08:00", "guangdong-macau", "shekou", "", ""},
		{"2021-12-31T23:59:59+08:00", "hongkong-macau", "", "", ""},
		{"2022-01-01T00:00:00+08:00", "hongkong-macau", "", "macau.green.unknown", "macau.entry.unknown"},
		{"2022-12-31T23:59:59+08:00", "guangdong-macau", "gongbei", "macau.green.unknown", "macau.entry.unknown"},
		{"2023-01-01T00:00:00+08:00", "guangdong-macau", "gongbei", "", ""},
		{"2023-06-01T10:00:00+08:00", "guangdong-macau", "shekou", "", "macau.entry.unknown"},
		{"2023-06-01T10:00:00+08:00", "guangdong-macau", "", "", "macau.entry.unknown"},
		{"2023-06-01T10:00:00+08:00", "hongkong-macau", "hzmb", "", "macau.entry.unknown"},
		{"2023-06-01T10:00:00+08:00", "taiwan-macau", "", "", "macau.entry.route"},
		{"2024-01-01T00:00:00+08:00", "hongkong-macau", "", "", ""},
	} {
		route, err := exchange.ParseRoute(test.route)
		if err != nil {
			t.Fatal(err)
		}
		record := exchange.Record{Route: route, Port: exchange.Port(test.port), Health: exchange.Health{Colour: "green"}}
		record.Holder.Documents = []exchange.Document{{Type: "home-return-permit", Number: "M12345678"}}
		now := instant(t, test.at)
		for what, found := range map[string]struct {
			exchange.Findings
			rule string
		}{"leaving": {gaps(t).Green(record, now), test.green}, "coming": {gaps(t).Admit(record, route, now), test.entry}} {
			if got := blocking(found.Findings); got.Rule != found.rule {
				t.Errorf("%s, %s over %s at %q: blocked by %q, want %q", test.at, what, test.route, test.port, got.Rule, found.rule)
			} else if strings.HasSuffix(got.Rule, ".unknown") && (got.Reason != exchange.RouteNotConfigured || !strings.Contains(got.Advice.Title.En, "gap")) {
				t.Errorf("%s, %s: reason %s, advice %q", test.at, what, got.Reason, got.Advice.Title.En)
			}
		}
	}
}

// blocking is the first outcome that blocks; the zero value if none does.
func blocking(findings exchange.Findings) exchange.Outcome {
	for _, outcome := range findings.Outcomes {
		if outcome.Blocks() {
			return outcome
		}
	}
	return exchange.Outcome{}
}

// Who comes through a port of which nothing is known is told of those of which something is.
func TestAGapAtSomePortsNamesTheOthers(t *testing.T) {
	route := exchange.Route{From: "guangdong", To: "macau"}
	found := gaps(t).Admit(exchange.Record{Route: route, Port: "shekou"}, route, instant(t, "2023-06-01T10:00:00+08:00"))
	if said := blocking(found).Advice.Remedy.En; !strings.Contains(said, "Gongbei") || strings.Contains(said, "Shekou") {
		t.Errorf("the advice is %q", said)
	}
}

// Gaps are shown: in the history with their notes, and in what is published.
func TestTheHistoryShowsGaps(t *testing.T) {
	versions := gaps(t).Versions()
	if !versions[1].Unknown || versions[1].Changes[0].Kind != NotKnown || versions[1].Note == "" {
		t.Errorf("the version that is a gap is %+v", versions[1])
	}
	third := versions[2]
	if third.Unknown || len(third.Gaps) != 2 || third.Gaps[1].Route != "hongkong-macau" || len(third.Gaps[1].Ports) != 0 ||
		!slices.Contains(third.Gaps[0].Ports, exchange.Port("shekou")) || slices.Contains(third.Gaps[0].Ports, exchange.Port("gongbei")) {
		t.Errorf("the gaps of the third version are %+v", third.Gaps)
	}
	kinds := map[string][]string{}
	for i, version := range versions {
		for _, change := range version.Changes {
			kinds[version.ID] = append(kinds[version.ID], change.Kind+" "+change.Part)
		}
		if i > 0 && !version.From.Equal(*versions[i-1].Until) {
			t.Errorf("%s does not begin where the one before it ends", version.ID)
		}
	}
	for id, want := range map[string]string{
		"macau/2023-01-01T00:00+08:00": "route-unknown hongkong-macau", "macau/2024-01-01T00:00+08:00": "route-opened hongkong-macau",
	} {
		if !slices.Contains(kinds[id], want) {
			t.Errorf("%s changes %v, want %s among them", id, kinds[id], want)
		}
	}
	hongkong := exchange.Route{From: "hongkong", To: "macau"}
	for i, want := range []bool{false, true, true, false} {
		if got := gaps(t).Editions(hongkong, instant(t, "2021-06-01T10:00:00+08:00"))[i].Unknown; got != want {
			t.Errorf("edition %d is published as unknown: %v", i, got)
		}
	}
	partly := gaps(t).Editions(exchange.Route{From: "guangdong", To: "macau"}, instant(t, "2023-06-01T10:00:00+08:00"))[0]
	if partly.Unknown || partly.Rules[0].ID != "macau.entry.unknown" || !slices.Contains(partly.Rules[0].Ports, exchange.Port("shekou")) {
		t.Errorf("a gap at some ports is published as %+v", partly.Rules[0])
	}
}

func TestAFaultyGapIsRefused(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"a gap without a note", "    note: nothing was found\n", "", "macau.yaml:33: version: note is missing: say what is not known"},
		{"a gap with rules", "    note: nothing was found\n", "    note: nothing was found\n    green: *green\n", "version.green: the version is unknown"},
		{"a gap with advice", "    note: nothing was found\n", "    note: nothing was found\n    advice: *advice\n", "only a closed version has advice"},
		{"a gap that is closed", "    unknown: true\n", "    unknown: true\n    closed: true\n    advice: *advice\n", "the version is closed, and that is known"},
		{"a route without a note", "{note: the terms are not known}", "{}", "entry.hongkong-macau.unknown: note is missing"},
		{"an unknown route with rules", "{unknown: {note: the terms are not known}}", "{unknown: {note: the terms are not known}, <<: *known}", "what is asked over the route is unknown"},
		{"a route half unknown without rules", ", <<: *known}", "}", "entry.guangdong-macau: rules is missing"},
		{"a group that is none", "{outside: zhuhai}", "{outside: atlantis}", `no port is in the group "atlantis"`},
	} {
		text := strings.Replace(gapBook, test.old, test.new, 1)
		if text == gapBook {
			t.Fatalf("%s: nothing was changed", test.name)
		}
		if _, err := Parse("macau.yaml", []byte(text), "macau"); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// A route that is not known is not open, and nothing has to be ready for it.
func TestARouteThatIsNotKnownIsNotOpen(t *testing.T) {
	closing := strings.Replace(gapBook, "hongkong-macau: *known}\n", "hongkong-macau: {unknown: {note: not known}}}\n", 1)
	book, err := Parse("macau.yaml", []byte(closing), "macau")
	if err != nil {
		t.Fatal(err)
	}
	now := instant(t, "2026-06-01T10:00:00+08:00")
	if route := (exchange.Route{From: "hongkong", To: "macau"}); book.Opens(route, now) {
		t.Errorf("%s is open", route)
	}
	if route := (exchange.Route{From: "guangdong", To: "macau"}); !book.Opens(route, now) {
		t.Errorf("%s is not open", route)
	}
}
