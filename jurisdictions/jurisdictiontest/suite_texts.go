package jurisdictiontest

import (
	"slices"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/jurisdictions"
)

func (s *suite) lint(t *testing.T) {
	if faults := s.Rules().Current().Lint(); len(faults) > 0 {
		t.Error(faults)
	}
}

// languages looks at everything that a holder can be shown, in all versions.
func (s *suite) languages(t *testing.T) {
	shown := 0
	for _, route := range append(s.leaving(), s.coming()...) {
		for _, edition := range s.Editions(route, time.Time{}) {
			for _, rule := range edition.Rules {
				shown++
				if missing := adviceMissing(rule.Advice); len(missing) > 0 {
					t.Errorf("%s of %s lacks %v", rule.ID, edition.Version, missing)
				}
			}
		}
	}
	if shown == 0 {
		t.Error("no rule is published")
	}
	for _, form := range s.Forms() {
		for _, question := range form.Questions {
			if missing := question.Missing(); len(missing) > 0 {
				t.Errorf("%s of %s lacks %v", question.ID, form.ID, missing)
			}
		}
	}
}

// answers wants a way for holders to ask: the side has a help line in every language, which is the one that its own rules' advice names.
func (s *suite) answers(t *testing.T) {
	if missing := s.Contact().Missing(); len(missing) > 0 {
		t.Fatalf("the help line lacks %v", missing)
	}
	for _, route := range s.leaving() {
		for _, edition := range s.Editions(route, Now) {
			for _, rule := range edition.Rules {
				if rule.Contact != s.Contact() {
					t.Errorf("%s of %s sends the side's own holders to %q, and the side has %q", rule.ID, edition.Version, rule.Contact.En, s.Contact().En)
				}
			}
		}
	}
}

// consented wants a wording in force now, in every language, for each route that begins here, and none for any other.
func (s *suite) consented(t *testing.T) {
	for _, route := range s.leaving() {
		hashes := map[string]string{}
		var languages []string
		for _, text := range s.Consents(route, Now) {
			if text.Route != route || text.Text == "" || hashes[text.Hash] != "" {
				t.Errorf("%s in %s is for %s, empty, or the same as in %s", text.ID, text.Language, text.Route, hashes[text.Hash])
			}
			hashes[text.Hash] = text.Language
			if !Now.Before(text.From) {
				languages = append(languages, text.Language)
			}
		}
		if !slices.Equal(languages, exchange.Languages()) {
			t.Errorf("%s has consents in force in %v, want each of %v once", route, languages, exchange.Languages())
		}
	}
	for _, route := range s.coming() {
		if texts := s.Consents(route, Now); len(texts) > 0 {
			t.Errorf("%d consents for %s, which does not begin here", len(texts), route)
		}
	}
}

// identity wants one name everywhere, and no word in the rulebook that its own documents do not have.
func (s *suite) identity(t *testing.T) {
	profile, book := s.Profile(), s.Rules().Current()
	if profile.Side != s.id || s.Vocabulary().Side != s.id || book.Side() != s.id {
		t.Errorf("profile %s, vocabulary %s and rulebook %s are of several sides", profile.Side, s.Vocabulary().Side, book.Side())
	}
	if profile.Key == "" || profile.Tag == "" || profile.Type != profile.Tag+"-code+jwt" {
		t.Errorf("profile %+v: want a key, a tag, and a type that begins with the tag", profile)
	}
	if strangers := jurisdictions.Unknown(book.Mentions(), s.allWords(t)...); len(strangers) > 0 {
		t.Errorf("the rulebook has words that nobody signs: %v", strangers)
	}
}

// allWords is the side's own vocabulary and one that has every channel, for the sides next door.
func (s *suite) allWords(t *testing.T) []jurisdictions.Vocabulary {
	t.Helper()
	others, err := anyWords()
	if err != nil {
		t.Fatal(err)
	}
	return []jurisdictions.Vocabulary{s.Vocabulary(), others}
}
