package jurisdictiontest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/jurisdictiontest"
)

// members are those of each type of evidence, with their values: all of them where the reader has a closed list or a flag.
// A type that is added and not named here fails the test below.
var members = map[string][]string{
	"nucleic-acid":   {"result", "sampled_at", "institution", "source"},
	"antibody-igg":   {"result", "sampled_at", "institution", "source"},
	"rapid-antigen":  {"result", "sampled_at", "source"},
	"vaccination":    {"doses", "given_at", "institution", "source"},
	"release-notice": {"issued_at", "institution", "source"},
	"health-proof":   {"issued_at", "institution", "source"},
	"travel-card":    {"risk_area_14d", "as_of"},
	"visit-check":    {"at_risk", "days", "checked_at"},
	"province-code":  {"colour", "province", "as_of"},
	"city-code":      {"colour", "as_of"},
	"conversion":     {"route", "converted_at"},
}

// values gives every value of a closed member, and one of any other. Of the provinces two stand for all.
func values(member string, at time.Time) []any {
	var all []any
	switch words := jurisdictions.EvidenceWords(member); {
	case member == "province":
		return []any{words[0], words[1]}
	case words != nil:
		for _, word := range words {
			all = append(all, word)
		}
		return all
	case strings.HasSuffix(member, "_at") || member == "as_of":
		return []any{jurisdictiontest.Instant(at.Add(-30 * time.Minute))}
	}
	return map[string][]any{
		"institution": {"鏡湖醫院"}, "doses": {1, 3}, "days": {21, 31}, "route": {"macau-guangdong"}, "risk_area_14d": {false, true},
		"at_risk": {false, true},
	}[member]
}

// everyEvidence is the claims of evidence of a type, one for each combination of values.
func everyEvidence(t *testing.T, kind string, at time.Time) []map[string]any {
	t.Helper()
	all := []map[string]any{{"type": kind}}
	if len(members[kind]) == 0 {
		t.Fatalf("%s: the test does not know its members", kind)
	}
	for _, member := range members[kind] {
		var longer []map[string]any
		for _, each := range all {
			for _, value := range values(member, at) {
				with := map[string]any{member: value}
				for key, known := range each {
					with[key] = known
				}
				longer = append(longer, with)
			}
		}
		all = longer
	}
	return all
}

// instants are soon after the beginnings of all versions of both sides, and in the standing one.
func instants(all map[exchange.Side]jurisdictiontest.Subject, route exchange.Route) []time.Time {
	found := []time.Time{jurisdictiontest.Now}
	for _, side := range []exchange.Side{route.From, route.To} {
		for _, version := range all[side].Rules().Current().Versions() {
			found = append(found, version.From.Add(time.Hour))
		}
	}
	return found
}

// also adds evidence to what a packet has.
func also(evidence ...map[string]any) jurisdictiontest.Change {
	return func(claims map[string]any) map[string]any {
		list, _ := jurisdictiontest.Value(claims, "evidence").([]any)
		for _, each := range evidence {
			list = append(slices.Clone(list), each)
		}
		return jurisdictiontest.With(claims, "evidence", list)
	}
}

// good makes a packet that is granted at the instant, whichever port that takes; nil where nobody is granted a code then.
func good(t *testing.T, all map[exchange.Side]jurisdictiontest.Subject, route exchange.Route, at time.Time) jurisdictiontest.Change {
	t.Helper()
	rapid := map[string]any{
		"type": "rapid-antigen", "result": "negative", "sampled_at": jurisdictiontest.Instant(at.Add(-time.Hour)), "source": "electronic",
	}
	for _, port := range append([]exchange.PortText{{}}, all[route.To].Ports(route)...) {
		twin := jurisdictiontest.All(sampledBefore(at, 2*time.Hour, string(port.ID)), also(rapid))
		if _, refused := judged(t, all, route, at, twin).Refused(); !refused {
			return twin
		}
	}
	return nil
}

// waived tells whether a rule in force says, with a source, that the kind refuses nobody.
func waived(verdict exchange.Verdict, all map[exchange.Side]jurisdictiontest.Subject, route exchange.Route, at time.Time, kind string) bool {
	_, _, entry := verdict.Basis()
	return slices.Contains(entry.Judged, kind) && slices.ContainsFunc(all[route.To].Editions(route, at)[0].Rules, func(rule exchange.RuleText) bool {
		return slices.Contains(rule.Judges, kind) && strings.HasPrefix(rule.WaivedBy, "https://")
	})
}

// eachGood runs a test for every route and every version in which somebody is granted a code over it.
func eachGood(t *testing.T, test func(t *testing.T, all map[exchange.Side]jurisdictiontest.Subject, route exchange.Route, at time.Time, twin jurisdictiontest.Change)) {
	all := sides(t)
	for from := range all {
		for to := range all {
			route, tried := exchange.Route{From: from, To: to}, 0
			if from == to {
				continue
			}
			for _, at := range instants(all, route) {
				if twin := good(t, all, route, at); twin != nil {
					tried++
					t.Run(fmt.Sprintf("%s/%s", route, at.In(exchange.Zone).Format(time.RFC3339)), func(t *testing.T) { test(t, all, route, at, twin) })
				}
			}
			if tried == 0 {
				t.Errorf("%s: no version grants a code", route)
			}
		}
	}
}

// Of every type of evidence, every value that the reader calls adverse is refused by a rule with words of its own, over every
// route and in every version, unless a rule waives it by a source; and the reader calls something adverse wherever a value can be bad.
func TestNoAdverseEvidenceIsPassedOver(t *testing.T) {
	types := jurisdictions.EvidenceTypes()
	adverse := map[string]bool{}
	eachGood(t, func(t *testing.T, all map[exchange.Side]jurisdictiontest.Subject, route exchange.Route, at time.Time, twin jurisdictiontest.Change) {
		for _, kind := range types {
			for _, evidence := range everyEvidence(t, kind, at) {
				verdict := judged(t, all, route, at, jurisdictiontest.All(twin, also(evidence)))
				record, _, _ := verdict.Basis()
				decided, refused := verdict.Refused()
				speaks := slices.Contains(record.Adverse(), kind)
				if speaks != speaksAgainst(evidence) {
					t.Errorf("%v: the reader calls it adverse: %t", evidence, speaks)
				}
				switch {
				case speaks && refused == waivedTypes[kind]:
					t.Errorf("%v speaks against the holder; refused %t by %q", evidence, refused, decided.Rule)
				case !speaks && refused && kind != "city-code": // which is refused whatever its colour
					t.Errorf("%v is harmless, and refused by %s", evidence, decided.Rule)
				case speaks && !refused && !waived(verdict, all, route, at, kind):
					t.Errorf("%v is passed over", evidence)
				case speaks && decided.Rule == exchange.RuleAdverse && kind != "city-code": // only Guangdong's cities have codes
					t.Errorf("%v is refused, and no rule says why", evidence)
				case speaks && refused && decided.Status != exchange.Fails:
					t.Errorf("%v: %s is %s", evidence, decided.Rule, decided.Status)
				case speaks:
					adverse[kind] = true
				}
			}
		}
	})
	for _, kind := range types {
		closed := slices.ContainsFunc(members[kind], func(member string) bool {
			return member == "result" || member == "colour" || len(values(member, jurisdictiontest.Now)) == 2 && strings.Contains(member, "risk")
		})
		if closed != adverse[kind] {
			t.Errorf("%s: some value can be bad: %t; the reader calls one adverse: %t", kind, closed, adverse[kind])
		}
	}
}

// Of every form, every question: the answer that the form calls adverse refuses over every route, also where nobody asks it.
func TestNoAdverseAnswerIsPassedOver(t *testing.T) {
	forms, err := jurisdictions.AllForms()
	if err != nil || len(forms) == 0 {
		t.Fatal(forms, err)
	}
	eachGood(t, func(t *testing.T, all map[exchange.Side]jurisdictiontest.Subject, route exchange.Route, at time.Time, twin jurisdictiontest.Change) {
		for _, form := range forms {
			for _, bad := range append([]jurisdictions.Question{{}}, form.Questions...) {
				answers := map[string]any{}
				for _, question := range form.Questions {
					answers[question.ID] = question.Adverse == (question.ID == bad.ID)
				}
				declared := map[string]any{"form": form.ID, "declared_at": jurisdictiontest.Instant(at.Add(-time.Minute)), "answers": answers}
				change := jurisdictiontest.All(twin, jurisdictiontest.Set("declarations", []any{declared}))
				decided, refused := judged(t, all, route, at, change).Refused()
				if refused != (bad.ID != "") || refused && !strings.HasSuffix(decided.Rule, ".entry.declaration-clear") {
					t.Errorf("%s, %q is adverse: refused %t by %q", form.ID, bad.ID, refused, decided.Rule)
				}
			}
		}
	})
}

// What was measured from outside: each of these was issued once. The rule names what the holder is told.
func TestAdverseFactsOnceIssued(t *testing.T) {
	all := sides(t)
	at := jurisdictiontest.Now
	ago := func(age time.Duration) string { return jurisdictiontest.Instant(at.Add(-age)) }
	card := func(risk bool, age time.Duration) map[string]any {
		return map[string]any{"type": "travel-card", "risk_area_14d": risk, "as_of": ago(age)}
	}
	province := func(colour string, age time.Duration) map[string]any {
		return map[string]any{"type": "province-code", "colour": colour, "province": "hunan", "as_of": ago(age)}
	}
	visits := func(risk bool, age time.Duration) map[string]any {
		return map[string]any{"type": "visit-check", "at_risk": risk, "days": 21, "checked_at": ago(age)}
	}
	test := func(kind, result string, age time.Duration) map[string]any {
		found := map[string]any{"type": kind, "result": result, "sampled_at": ago(age), "source": "electronic"}
		if kind == "nucleic-acid" {
			found["institution"] = "鏡湖醫院"
		}
		return found
	}
	from := func(routes string) []string { return strings.Fields(routes) }
	everywhere := from("guangdong-macau guangdong-hongkong macau-guangdong macau-hongkong hongkong-guangdong hongkong-macau")
	for _, each := range []struct {
		name     string
		routes   []string
		evidence []map[string]any
		rule     string // "" is a grant
	}{
		{"a travel card with a risk area", everywhere, []map[string]any{card(true, time.Hour)}, "entry.travel-card"},
		{"an older card with a risk area", everywhere, []map[string]any{card(true, 2*time.Hour), card(false, time.Hour)}, ""},
		{"two cards of one instant", everywhere, []map[string]any{card(true, time.Hour), card(false, time.Hour)}, "entry.travel-card"},
		{"an old card is old, and not bad", from("guangdong-macau guangdong-hongkong"), []map[string]any{card(false, 25*time.Hour)}, "entry.travel-card-age"},
		{"an old card with a risk area is bad", everywhere, []map[string]any{card(true, 25*time.Hour)}, "entry.travel-card"},
		{"a red province code", from("macau-guangdong hongkong-guangdong macau-hongkong hongkong-macau"), []map[string]any{province("red", time.Hour)}, "entry.province-code"},
		{"a yellow province code", from("macau-guangdong hongkong-guangdong macau-hongkong hongkong-macau"), []map[string]any{province("yellow", time.Hour)}, "entry.province-code"},
		{"a red province code from Guangdong", from("guangdong-macau guangdong-hongkong"), []map[string]any{province("red", time.Hour)}, "green.other-province"},
		{"an older red of the same province", everywhere, []map[string]any{province("red", 2*time.Hour), province("green", time.Hour)}, ""},
		{"an older green of the same province", from("macau-guangdong"), []map[string]any{province("green", 2*time.Hour), province("red", time.Hour)}, "entry.province-code"},
		{"a visit check at risk", everywhere, []map[string]any{visits(true, 30*time.Minute)}, "entry.visit-clear"},
		{"an older visit check at risk", everywhere, []map[string]any{visits(true, 2*time.Hour), visits(false, 30*time.Minute)}, ""},
		{"two results of one instant", everywhere, []map[string]any{test("nucleic-acid", "positive", time.Hour), test("nucleic-acid", "negative", time.Hour)}, "entry.results-agree"},
		{"the same, in another order", everywhere, []map[string]any{test("nucleic-acid", "negative", time.Hour), test("nucleic-acid", "positive", time.Hour)}, "entry.results-agree"},
		{"two kinds of test of one instant", everywhere, []map[string]any{test("nucleic-acid", "negative", time.Hour), test("rapid-antigen", "positive", time.Hour)}, "entry.results-agree"},
		{"a later result says which", everywhere, []map[string]any{test("nucleic-acid", "negative", 2*time.Hour), test("nucleic-acid", "positive", 2*time.Hour), test("nucleic-acid", "negative", time.Hour)}, ""},
		{"a positive rapid test", everywhere, []map[string]any{test("rapid-antigen", "positive", time.Hour)}, "entry.newest-test"},
		{"a city's red code where no rule knows it", from("macau-guangdong"), []map[string]any{{"type": "city-code", "colour": "red", "as_of": ago(time.Hour)}}, exchange.RuleAdverse},
	} {
		for _, name := range each.routes {
			route := routeOf(t, name)
			decided, refused := judged(t, all, route, at, also(each.evidence...)).Refused()
			if refused != (each.rule != "") || !strings.HasSuffix(decided.Rule, each.rule) {
				t.Errorf("%s, %s: refused %t by %q, want %q", name, each.name, refused, decided.Rule, each.rule)
			}
			if missing := decided.Advice.Title.Missing(); refused && len(missing) > 0 {
				t.Errorf("%s, %s: the holder is told nothing in %v", name, each.name, missing)
			}
		}
	}
}
