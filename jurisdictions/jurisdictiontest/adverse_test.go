package jurisdictiontest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/jurisdictiontest"
)

// pieces is one harmless piece of evidence of each type. The suite varies every member that has a closed list of words, or is
// a flag; a type that is not here fails it.
func pieces() map[string]map[string]any {
	at := jurisdictiontest.Instant(jurisdictiontest.Now.Add(-30 * time.Minute))
	return map[string]map[string]any{
		"nucleic-acid":   {"result": "negative", "sampled_at": at, "institution": "鏡湖醫院", "source": "electronic"},
		"antibody-igg":   {"result": "negative", "sampled_at": at, "institution": "鏡湖醫院", "source": "electronic"},
		"rapid-antigen":  {"result": "negative", "sampled_at": at, "source": "electronic"},
		"vaccination":    {"doses": 1, "given_at": at, "institution": "鏡湖醫院", "source": "electronic"},
		"release-notice": {"issued_at": at, "institution": "鏡湖醫院", "source": "electronic"},
		"health-proof":   {"issued_at": at, "institution": "鏡湖醫院", "source": "electronic"},
		"travel-card":    {"risk_area_14d": false, "as_of": at},
		"visit-check":    {"at_risk": false, "days": 21, "checked_at": at},
		"province-code":  {"colour": "green", "province": "hunan", "as_of": at},
		"city-code":      {"colour": "green", "as_of": at},
		"conversion":     {"route": "macau-guangdong", "converted_at": at},
	}
}

// spoken are the words and flags that a piece can hold, by member, and whether each speaks against the holder. This is the
// suite's own list, so that the reader's cannot be wrong alone.
var spoken = map[string]map[any]bool{
	"result":        {"negative": false, "pending": false, "positive": true},
	"colour":        {"green": false, "yellow": true, "red": true, "none": true},
	"risk_area_14d": {false: false, true: true},
	"at_risk":       {false: false, true: true},
}

// neverAdverse has the type of which no value speaks against the holder: an IgG antibody is left by a vaccination as well.
const neverAdverse = "antibody-igg"

// said is one value of one piece of evidence.
type said struct {
	name    string
	piece   map[string]any
	adverse bool
}

// everything is each type of the reader's table with each word that it can hold.
func everything(t *testing.T) []said {
	var all []said
	known := pieces()
	for _, kind := range jurisdictions.EvidenceTypes() {
		if known[kind] == nil {
			t.Fatalf("the suite has no piece of the type %s", kind)
		}
		piece := maps.Clone(known[kind])
		piece["type"] = kind
		all = append(all, said{name: kind, piece: piece})
		for member, words := range spoken {
			if piece[member] == nil {
				continue
			}
			for word, adverse := range words {
				piece := maps.Clone(piece)
				piece[member] = word
				all = append(all, said{fmt.Sprintf("%s, %s %v", kind, member, word), piece, adverse && kind != neverAdverse})
			}
		}
	}
	return all
}

// journey is one route with its two ends.
type journey struct {
	exchange.Route
	source, destination jurisdictiontest.Subject
}

func journeys(t *testing.T) []journey {
	var all []journey
	for from, source := range sides(t) {
		for to, destination := range sides(t) {
			if from != to {
				all = append(all, journey{exchange.Route{From: from, To: to}, source, destination})
			}
		}
	}
	return all
}

// judged is what becomes of the route's green specimen after a change.
func (j journey) judged(t *testing.T, change jurisdictiontest.Change) (exchange.Outcome, bool) {
	t.Helper()
	now := jurisdictiontest.Now
	record, err := j.source.Read(jurisdictiontest.Claims(change(jurisdictiontest.GreenClaims(j.source, j.To, now))))
	if err != nil {
		t.Fatalf("%s: %v", j, err)
	}
	return exchange.Conclude(record, j.source.Green(record, now), j.destination.Admit(record, j.Route, now), now).Refused()
}

// wantAdverse wants a refusal by a rule of a rulebook: one that is left to Conclude tells the holder less.
func (j journey) wantAdverse(t *testing.T, what string, change jurisdictiontest.Change) {
	t.Helper()
	decided, refused := j.judged(t, change)
	if !refused || decided.Rule == exchange.RuleAdverse || decided.Status != exchange.Fails {
		t.Errorf("%s, %s: refused %t by %q (%s), want a rule that judges it", j, what, refused, decided.Rule, decided.Status)
	}
}

func adding(pieces ...map[string]any) jurisdictiontest.Change {
	return func(claims map[string]any) map[string]any {
		evidence := slices.Clone(claims["evidence"].([]any))
		for _, piece := range pieces {
			evidence = append(evidence, piece)
		}
		return jurisdictiontest.With(claims, "evidence", evidence)
	}
}

// TestNoRouteIgnoresAdverseEvidence holds every route to every value of every type: what speaks against the holder is refused
// by a named rule, and its good twin is granted. A city code is refused whatever its colour where a rule says so.
func TestNoRouteIgnoresAdverseEvidence(t *testing.T) {
	for _, j := range journeys(t) {
		for _, value := range everything(t) {
			if value.adverse {
				j.wantAdverse(t, value.name, adding(value.piece))
				continue
			}
			decided, refused := j.judged(t, adding(value.piece))
			if refused && !strings.HasSuffix(decided.Rule, ".entry.city-code") {
				t.Errorf("%s, %s: refused by %s, want a grant", j, value.name, decided.Rule)
			}
		}
	}
}

// TestNoRouteIgnoresAnAdverseAnswer does the same for every question of every form, whichever side asks for it.
func TestNoRouteIgnoresAnAdverseAnswer(t *testing.T) {
	forms, err := jurisdictions.AllForms()
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range journeys(t) {
		for _, form := range forms {
			j.wantAnswer(t, form, "")
			for _, question := range form.Questions {
				j.wantAnswer(t, form, question.ID)
			}
		}
	}
}

// wantAnswer declares a form with one adverse answer, or with none.
func (j journey) wantAnswer(t *testing.T, form jurisdictions.Form, adverse string) {
	t.Helper()
	answers := map[string]any{}
	for _, question := range form.Questions {
		answers[question.ID] = question.Adverse == (question.ID == adverse)
	}
	change := jurisdictiontest.Set("declarations", []any{map[string]any{
		"form": form.ID, "declared_at": jurisdictiontest.Instant(jurisdictiontest.Now.Add(-time.Minute)), "answers": answers,
	}})
	what := form.ID + ", " + adverse
	if adverse != "" {
		j.wantAdverse(t, what, change)
	} else if decided, refused := j.judged(t, change); refused {
		t.Errorf("%s, %s: refused by %s, want a grant", j, what, decided.Rule)
	}
}

// TestEveryVersionJudgesEveryKind asks the entry rules of each version that opens a route, at its first minute.
func TestEveryVersionJudgesEveryKind(t *testing.T) {
	kinds := []string{exchange.KindDeclaration}
	for _, value := range everything(t) {
		if value.adverse {
			kinds = append(kinds, value.piece["type"].(string))
		}
	}
	for _, j := range journeys(t) {
		opened := 0
		for _, version := range j.destination.Rules().Current().Versions() {
			record := exchange.Record{Route: j.Route}
			findings := j.destination.Admit(record, j.Route, version.From)
			if len(findings.Outcomes) < 4 { // closed, a gap, or no such route
				continue
			}
			opened++
			for _, kind := range kinds {
				if !slices.Contains(findings.Judged, kind) {
					t.Errorf("%s: nobody judges %s over %s", version.ID, kind, j)
				}
			}
		}
		if opened == 0 {
			t.Errorf("%s was never open", j)
		}
	}
}

// TestTheNewestOfAProvinceCounts: an older red is lifted by a newer green of the same province, and by no other.
func TestTheNewestOfAProvinceCounts(t *testing.T) {
	code := func(province, colour string, age time.Duration) map[string]any {
		return map[string]any{
			"type": "province-code", "colour": colour, "province": province,
			"as_of": jurisdictiontest.Instant(jurisdictiontest.Now.Add(-age)),
		}
	}
	for _, j := range journeys(t) {
		if decided, refused := j.judged(t, adding(code("hunan", "red", time.Hour), code("hunan", "green", time.Minute))); refused {
			t.Errorf("%s: refused by %s after the province lifted its code", j, decided.Rule)
		}
		j.wantAdverse(t, "green, then red", adding(code("hunan", "green", time.Hour), code("hunan", "red", time.Minute)))
		j.wantAdverse(t, "green elsewhere", adding(code("hunan", "red", time.Hour), code("hubei", "green", time.Minute)))
	}
}

// TestContradictionsAreCalledContradictions: two results of one instant are for their laboratory, not "the newest is positive".
func TestContradictionsAreCalledContradictions(t *testing.T) {
	test := func(kind, result string) map[string]any {
		piece := maps.Clone(pieces()[kind])
		piece["type"], piece["result"] = kind, result
		return piece
	}
	for _, j := range journeys(t) {
		for name, change := range map[string]jurisdictiontest.Change{
			"two of a laboratory": adding(test("nucleic-acid", "negative"), test("nucleic-acid", "positive")),
			"two rapid tests":     adding(test("rapid-antigen", "positive"), test("rapid-antigen", "negative")),
			"one of each":         adding(test("rapid-antigen", "positive"), test("nucleic-acid", "negative")),
		} {
			decided, _ := j.judged(t, change)
			if want := string(j.To) + ".entry.results-agree"; decided.Rule != want {
				t.Errorf("%s, %s: decided by %q, want %s", j, name, decided.Rule, want)
			}
		}
	}
}

// TestTooOldIsNotBad: where a rule asks for the age of a fact, the text speaks of its age alone.
func TestTooOldIsNotBad(t *testing.T) {
	old := jurisdictiontest.Instant(jurisdictiontest.Now.Add(-25 * time.Hour))
	card := map[string]any{"type": "travel-card", "risk_area_14d": false, "as_of": old}
	for _, j := range journeys(t) {
		decided, refused := j.judged(t, adding(card))
		if refused && (decided.Rule != string(j.To)+".entry.travel-card" || strings.Contains(decided.Advice.Title.En, "risk")) {
			t.Errorf("%s, an old travel card: refused by %s: %s", j, decided.Rule, decided.Advice.Title.En)
		}
	}
	for _, j := range journeys(t) {
		if j.From != "hongkong" {
			continue
		}
		decided, _ := j.judged(t, jurisdictiontest.Set("evidence[2].checked_at", old))
		if decided.Rule != string(j.To)+".entry.visit-check" || strings.Contains(decided.Advice.Title.En, "passed") {
			t.Errorf("%s, an old visit check: decided by %q: %s", j, decided.Rule, decided.Advice.Title.En)
		}
	}
}
