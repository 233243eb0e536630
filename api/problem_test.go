package api

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"crosscode/exchange"
)

func TestEveryProblemHasItsTextsInFourLanguages(t *testing.T) {
	texts, err := loadTable(issuer)
	if err != nil {
		t.Fatal(err) // the check is part of loading
	}
	for _, reason := range exchange.Reasons() {
		if _, listed := texts.Problems[string(reason)]; !listed {
			t.Errorf("%s has no text", reason)
		}
	}
	for id, entry := range texts.Problems {
		for _, sentence := range []exchange.Text{entry.Title, entry.Detail, entry.Remedy} {
			if sentence.ZhHans == sentence.En || sentence.En == sentence.Pt {
				t.Errorf("%s: a text is not translated", id)
			}
		}
	}
}

// The check of the table must be able to fail.
func TestAnIncompleteTableIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*table){
		"a language is missing": func(t *table) {
			entry := t.Problems["replayed"]
			entry.Remedy.Pt = ""
			t.Problems["replayed"] = entry
		},
		"a reason is missing":            func(t *table) { delete(t.Problems, "replayed") },
		"an id that nothing answers":     func(t *table) { t.Problems["gone"] = t.Problems["replayed"] },
		"a contact that is not there":    func(t *table) { delete(t.Contacts, "source") },
		"a category without a sentence":  func(t *table) { t.Categories["valid"] = exchange.Text{} },
		"an obstacle is missing":         func(t *table) { delete(t.Obstacles, exchange.ChildNeedsGuardian) },
		"an obstacle that nothing meets": func(t *table) { t.Obstacles["gone"] = t.Obstacles[exchange.ChildNeedsGuardian] },
		"an obstacle without a language": func(t *table) {
			its := t.Obstacles[exchange.AgentUnnamed]
			its.Remedy.ZhHant = ""
			t.Obstacles[exchange.AgentUnnamed] = its
		},
		"an outcome that is not there": func(t *table) {
			entry := t.Problems["replayed"]
			entry.Outcome = "perhaps"
			t.Problems["replayed"] = entry
		},
	} {
		texts, err := loadTable(issuer)
		if err != nil {
			t.Fatal(err)
		}
		if spoil(texts); texts.check() == nil {
			t.Errorf("%s: the table passes", name)
		}
	}
}

func TestLanguagesAreMatched(t *testing.T) {
	for _, each := range []struct{ accept, want string }{
		{"", "en"},
		{"zh-HK", "zh-Hant"},
		{"zh-MO", "zh-Hant"},
		{"zh-TW,zh;q=0.9", "zh-Hant"},
		{"zh-Hant-HK", "zh-Hant"},
		{"zh-CN", "zh-Hans"},
		{"zh-SG", "zh-Hans"},
		{"zh", "zh-Hans"},
		{"zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"},
		{"pt", "pt"},
		{"pt-PT", "pt"},
		{"pt-BR,pt;q=0.9,en;q=0.1", "pt"},
		{"en-HK", "en"},
		{"fr,zh-HK;q=0.5", "zh-Hant"},
		{"ja", "en"},
		{"*", "en"},
		{"not a language;;;", "en"},
		{"zh-CN," + strings.Repeat("x", maxAcceptLanguage), "en"},
	} {
		request := get("/")
		request.Header.Set("Accept-Language", each.accept)
		if got := languageOf(request); got != each.want {
			t.Errorf("Accept-Language %q gives %s, want %s", each.accept, got, each.want)
		}
	}
}

func TestAProblemIsToldInTheCallersLanguage(t *testing.T) {
	w := newWorld(t)
	for accept, want := range map[string]string{
		"zh-CN": "数据包已过期", "zh-MO": "資料包已過期", "en": "The packet has expired", "pt-PT": "O pacote expirou",
	} {
		request := jose(exchangePath, w.arrive(accept, func(v *traveller) { v.read = exchange.Fail(exchange.PacketExpired, "live", nil) }))
		request.Header.Set("Accept-Language", accept)
		got := w.want(request, http.StatusGone)
		if got.member("title") != want || got.header.Get("Content-Language") == "" || !strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Accept-Language") {
			t.Errorf("%s: %s %v", accept, got.body, got.header)
		}
		if got.member("request_id") != got.header.Get("X-Request-Id") {
			t.Errorf("request id %q in the body, %q in the header", got.member("request_id"), got.header.Get("X-Request-Id"))
		}
	}
}

// A consent by somebody who may not give it is no matter of ticking a text: each obstacle has a remedy of its own, in every
// language.
func TestEachObstacleHasItsOwnRemedy(t *testing.T) {
	w := newWorld(t)
	said := map[string]exchange.Obstacle{w.server.table.Problems["consent-missing"].Remedy.In("en"): "none"}
	for _, obstacle := range exchange.Obstacles() {
		for _, language := range exchange.Languages() {
			packet := w.arrive(string(obstacle)+language, func(v *traveller) {
				v.read = &exchange.Failure{Reason: exchange.ConsentMissing, Stage: "read", Obstacle: obstacle, Cause: errPlanted}
			})
			request := jose(exchangePath, packet)
			request.Header.Set("Accept-Language", language)
			got := w.want(request, http.StatusUnprocessableEntity)
			remedy := got.member("remedy")
			if other, taken := said[remedy]; taken || got.member("obstacle") != string(obstacle) {
				t.Errorf("%s in %s has the remedy of %s: %s", obstacle, language, other, got.body)
			}
			said[remedy] = obstacle
		}
	}
	for name, err := range map[string]error{
		"an obstacle of another reason": &exchange.Failure{Reason: exchange.ConsentExpired, Obstacle: exchange.ChildNeedsGuardian},
		"an obstacle that is not ours":  &exchange.Failure{Reason: exchange.ConsentMissing, Obstacle: plantedHan},
	} {
		got := w.want(jose(exchangePath, w.arrive(name, func(v *traveller) { v.read = err })), http.StatusUnprocessableEntity)
		if got.member("obstacle") != "" || got.member("remedy") != w.server.table.Problems[got.member("reason")].Remedy.In("en") {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}

func TestAnUnlistedFaultSaysNothing(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*traveller){
		"a plain error":      func(v *traveller) { v.read = errPlanted },
		"an unlisted reason": func(v *traveller) { v.read = exchange.Fail("made-up", "read", errPlanted) },
		"a panic":            func(v *traveller) { v.panicAt = "read" },
	} {
		got := w.want(jose(exchangePath, w.arrive(name, change)), http.StatusInternalServerError)
		if got.member("outcome") != outcomeFailed || got.member("reason") != "" || bytes.Contains(got.body, []byte(plantedHan)) {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}

func TestAProblemsTypeLeadsToItsDescription(t *testing.T) {
	w := newWorld(t)
	for _, id := range problemIDs() {
		got := w.want(get("/problems/"+id), http.StatusOK)
		if got.member("id") != id || got.member("title", "pt") == "" {
			t.Errorf("%s: %s", id, got.body)
		}
	}
	w.want(get("/problems/none"), http.StatusNotFound)
	replayed := w.want(jose(exchangePath, "nonsense"), http.StatusBadRequest)
	w.want(get(strings.TrimPrefix(replayed.member("type"), issuer)), http.StatusOK)
}

func TestAnAnswersCharactersAreNotEscaped(t *testing.T) {
	if got := string(encode("<&>")); got != "\"<&>\"\n" {
		t.Errorf("encode = %s", got)
	}
}
