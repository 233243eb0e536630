package jurisdictions

import (
	"slices"
	"strings"
	"testing"

	"crosscode/exchange"
)

// bindingBook is a book whose one entry rule is bound to ports.
func bindingBook(t *testing.T, ports string) (*Book, error) {
	t.Helper()
	return Parse("macau.yaml", []byte(strings.Replace(`
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
  entry.bound:
    reason: not-eligible
    category: test
    ports: PORTS
    require: 'holder.age >= 18'
    advice: *advice
    examples:
      - {name: a, at: 2026-11-22T10:00:00+08:00, given: {holder: {age: 30}}, then: pass}
      - {name: b, at: 2026-11-22T10:00:00+08:00, given: {holder: {age: 3}}, then: fail}
versions:
  - from: 2020-01-01T00:00+08:00
    source: a notice
    confidence: assumed
    green: [{rule: green.colour}]
    entry:
      guangdong-macau: &entry
        documents: {accept: {"*": [home-return-permit]}, advice: *advice}
        rules: [{rule: entry.bound}, {rule: entry.cap}]
      hongkong-macau: *entry
      taiwan-macau: *entry
`, "PORTS", ports, 1)), "macau")
}

// bound asks the one bound rule about a child on a route at a port: it fails where the rule holds.
func bound(t *testing.T, book *Book, route, port, now string) exchange.Outcome {
	t.Helper()
	parsed, err := exchange.ParseRoute(route)
	if err != nil {
		t.Fatal(err)
	}
	at := instant(t, now)
	record := exchange.Record{Route: parsed, Port: exchange.Port(port)}
	record.Holder.BirthDate = exchange.DateOf(at.AddDate(-3, 0, 0))
	for _, outcome := range book.Admit(record, parsed, at).Outcomes {
		if outcome.Rule == "macau.entry.bound" {
			return outcome
		}
	}
	t.Fatal("the rule was not asked")
	return exchange.Outcome{}
}

// A rule holds at the ports that it is bound to, at every one of them and at none besides; without a port it always holds.
func TestARuleHoldsAtThePortsThatItIsBoundTo(t *testing.T) {
	all, err := AllPorts()
	if err != nil {
		t.Fatal(err)
	}
	for ports, inside := range map[string]func(exchange.PortText) bool{
		"{group: zhuhai}":   func(p exchange.PortText) bool { return p.Cities["guangdong"] == "zhuhai" },
		"{outside: zhuhai}": func(p exchange.PortText) bool { return p.Cities["guangdong"] != "zhuhai" },
		"{group: ferry}":    func(p exchange.PortText) bool { return p.Kind == "ferry" },
		"{outside: ferry}":  func(p exchange.PortText) bool { return p.Kind != "ferry" },
		"[gongbei, hzmb]":   func(p exchange.PortText) bool { return p.ID == "gongbei" || p.ID == "hzmb" },
	} {
		book, err := bindingBook(t, ports)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"guangdong-macau", "hongkong-macau"} {
			route, _ := exchange.ParseRoute(id)
			for _, port := range all.On(route) {
				want := exchange.NotInForce
				if inside(port) {
					want = exchange.Fails
				}
				if got := bound(t, book, id, string(port.ID), "2022-10-01T10:00:00+08:00").Status; got != want {
					t.Errorf("%s, %s at %s: %s, want %s", ports, id, port.ID, got, want)
				}
			}
			if got := bound(t, book, id, "", "2022-10-01T10:00:00+08:00").Status; got != exchange.Fails {
				t.Errorf("%s, %s without a port: %s, want fail: every port's rules hold", ports, id, got)
			}
		}
	}
}

// A port of which nothing is known is not known to be outside of the group: the rule holds.
func TestAPortThatNobodyKnowsIsNotLetPast(t *testing.T) {
	for ports, want := range map[string]exchange.Status{
		"{group: zhuhai}": exchange.Fails, "{outside: zhuhai}": exchange.Fails, "[gongbei]": exchange.NotInForce,
	} {
		book, err := bindingBook(t, ports)
		if err != nil {
			t.Fatal(err)
		}
		if got := bound(t, book, "taiwan-macau", "kinmen", "2022-10-01T10:00:00+08:00").Status; got != want {
			t.Errorf("%s at a port of a route that has no list: %s, want %s", ports, got, want)
		}
	}
}

// Who fails a port's rule is told of the ports without it, in four languages, and of none that did not serve that day.
func TestTheAdviceNamesOtherCheckpointsWhereThereAreSome(t *testing.T) {
	zhuhai, err := bindingBook(t, "{group: zhuhai}")
	if err != nil {
		t.Fatal(err)
	}
	said := bound(t, zhuhai, "guangdong-macau", "gongbei", "2022-10-01T10:00:00+08:00").Advice.Remedy
	for _, text := range []string{said.ZhHans, said.ZhHant, said.En, said.Pt} {
		if !strings.Contains(text, "Shekou") && !strings.Contains(text, "蛇口") {
			t.Errorf("%q does not name Shekou", text)
		}
		for _, wrong := range []string{"Gongbei", "拱北", "Zhongshan", "中山"} {
			if strings.Contains(text, wrong) {
				t.Errorf("%q sends people to %s", text, wrong)
			}
		}
	}
	if today := bound(t, zhuhai, "guangdong-macau", "gongbei", "2026-10-01T10:00:00+08:00").Advice.Remedy.En; !strings.Contains(today, "Zhongshan") {
		t.Errorf("%q does not name Zhongshan, which opened in 2025", today)
	}
	for _, ports := range []string{"{group: macau}", "[hzmb, outer-harbour, taipa, skypier, tuen-mun, heliport]"} {
		book, err := bindingBook(t, ports)
		if err != nil {
			t.Fatal(err)
		}
		if got := bound(t, book, "hongkong-macau", "hzmb", "2026-10-01T10:00:00+08:00").Advice.Remedy.En; got != "Do something." {
			t.Errorf("%s holds at every port of the route, yet the advice is %q", ports, got)
		}
	}
}

// What is published of a bound rule is its ports on that route.
func TestABoundRuleIsPublishedWithItsPortsOnTheRoute(t *testing.T) {
	book, err := bindingBook(t, "{group: zhuhai}")
	if err != nil {
		t.Fatal(err)
	}
	published := func(route exchange.Route) []exchange.Port {
		rules := book.Editions(route, instant(t, "2026-10-01T10:00:00+08:00"))[0].Rules
		return rules[0].Ports
	}
	want := []exchange.Port{"gongbei", "guishan", "hengqin", "hzmb", "industrial-zone", "jiuzhou", "qingmao", "wanzai"}
	if got := published(exchange.Route{From: "guangdong", To: "macau"}); !slices.Equal(got, want) {
		t.Errorf("from Guangdong: %v, want %v", got, want)
	}
}

func TestAFaultyBindingIsRefused(t *testing.T) {
	for ports, want := range map[string]string{
		"{}":                               "want one of group and outside",
		"{group: zhuhai, outside: zhuhai}": "want one of group and outside",
		"{group: atlantis}":                `no port is in the group "atlantis"`,
		"{outside: atlantis}":              `no port is in the group "atlantis"`,
		"{city: zhuhai}":                   `unknown key "city"`,
		"[]":                               "none: leave it out for every port",
		"[Gongbei]":                        `"Gongbei" is not a port`,
		"zhuhai":                           "want a list",
	} {
		if _, err := bindingBook(t, ports); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", ports, err, want)
		}
	}
}
