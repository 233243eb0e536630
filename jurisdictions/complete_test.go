package jurisdictions

import (
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

// halfMade is a source whose texts, ports and words a test chooses.
type halfMade struct {
	consents Consents
	ports    Ports
	words    Vocabulary
}

func (h halfMade) Profile() exchange.Profile { return exchange.Profile{Side: "guangdong"} }

func (h halfMade) Vocabulary() Vocabulary { return h.words }

func (h halfMade) Ports(exchange.Route) []exchange.PortText { return h.ports }

func (h halfMade) Contact() exchange.Text { return exchange.Text{} }

func (h halfMade) Editions(exchange.Route, time.Time) []exchange.Edition { return nil }

func (h halfMade) Consents(route exchange.Route, now time.Time) []exchange.ConsentText {
	return h.consents.For(route, now)
}

// Each thing that an open route can lack is told alone, with the file and what to write there.
func TestWhatAnOpenRouteLacksIsNamedWithItsFile(t *testing.T) {
	route, now := exchange.Route{From: "guangdong", To: "macau"}, instant(t, "2026-11-22T10:00:00+08:00")
	text := strings.NewReplacer(
		"  entry.cap:\n", `  entry.form:
    reason: not-eligible
    category: declaration
    require: 'declarations.exists(d, d.form == "macau-entry/1")'
    advice: *advice
    examples:
      - {name: a, at: 2026-11-22T10:00:00+08:00, given: {declarations: [{form: macau-entry/1, declared_at: 2026-11-22T09:00:00+08:00, answers: {}}]}, then: pass}
      - {name: b, at: 2026-11-22T10:00:00+08:00, given: {declarations: []}, then: fail}
  entry.cap:
`, "rules: [[{rule: entry.cap}]]", "rules: [[{rule: entry.cap}, {rule: entry.form}]]",
		`{"*": [home-return-permit]}`, "{app: [home-return-permit]}",
	).Replace(gapBook)
	book, err := Parse("macau.yaml", []byte(text), "macau")
	if err != nil {
		t.Fatal(err)
	}
	words, err := Vocabulary{Side: "guangdong", Channels: []string{"app"}}.Complete(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var consents Consents
	for _, language := range exchange.Languages() {
		consents = append(consents, exchange.ConsentText{ID: "guangdong-macau/1", Route: route, Language: language, Text: "text", From: now.Add(-time.Hour)})
	}
	for _, test := range []struct {
		name   string
		change func(*halfMade)
		want   string
	}{
		{"nothing", func(*halfMade) {}, ""},
		{"a language", func(h *halfMade) { h.consents = h.consents[:3] }, `jurisdictions/guangdong/consents.yaml: add a text "guangdong-macau/1" with route: guangdong-macau, in force now, in pt: `},
		{"a text in force", func(h *halfMade) {
			h.consents = append(Consents{}, h.consents...)
			h.consents[0].Until = now
		}, "in force now, in zh-Hans: "},
		{"ports", func(h *halfMade) { h.ports = nil }, "jurisdictions/guangdong/ports.yaml: add a port with cities: {guangdong: …, macau: …}"},
		{"a channel", func(h *halfMade) { h.words.Channels = []string{"app", "h5"} }, "jurisdictions/macau/rulebook.yaml: add the channel h5 of guangdong to entry.guangdong-macau.documents.accept"},
		{"a document", func(h *halfMade) { h.words.Documents = Documents{} }, "jurisdictions/documents.yaml: add a document with type: home-return-permit"},
		{"a form", func(h *halfMade) { h.words.Forms = nil }, "jurisdictions/macau/forms.yaml: add a form with id: macau-entry/1"},
	} {
		source := halfMade{consents: consents, ports: words.Ports.On(route), words: words}
		test.change(&source)
		faults := Unfinished(route, source, book, now)
		if test.want == "" && len(faults) > 0 || test.want != "" && (len(faults) != 1 || !strings.Contains(faults.Error(), test.want)) {
			t.Errorf("without %s: %v, want %q", test.name, faults, test.want)
		}
	}
	if faults := Unfinished(exchange.Route{From: "taiwan", To: "macau"}, halfMade{}, book, now); len(faults) > 0 {
		t.Errorf("a route that is not open lacks %v", faults)
	}
}
