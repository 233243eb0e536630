package jurisdictiontest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosscode/exchange"
)

func (s *suite) leaves(t *testing.T) {
	for _, route := range s.leaving() {
		verdict, err := s.asSource(s.green(route.To), Now)
		wantGrant(t, route.String(), verdict, err)
		if err != nil {
			continue
		}
		record, _, _ := verdict.Basis()
		if err := record.Consent.Covers(route, record.IssuedAt, Now); err != nil {
			t.Errorf("%s: the specimen's consent: %v", route, err)
		}
	}
}

// colours asks for every colour of the vocabulary, and for every reason beside it.
func (s *suite) colours(t *testing.T) {
	for word, colour := range s.Vocabulary().Colours {
		want := map[string]exchange.Reason{"none": exchange.ColourUnavailable, "yellow": exchange.NotGreen, "red": exchange.NotGreen}
		claims := With(s.green(s.others[0]), "health.colour", word)
		verdict, err := s.asSource(claims, Now)
		if colour == "green" {
			wantGrant(t, word, verdict, err)
			continue
		}
		wantRefusal(t, word, verdict, err, want[colour])
	}
	for _, reason := range s.Vocabulary().Reasons {
		s.reason(t, reason)
	}
}

// reason wants a colour's reason to be told where the colour is red, and green beside a reason to be a conflict, unless
// the rulebook says that this reason may lag behind: then a warning.
func (s *suite) reason(t *testing.T, reason string) {
	claims := With(s.green(s.others[0]), "health.reasons", []any{reason})
	verdict, err := s.asSource(With(claims, "health.colour", "red"), Now)
	wantRefusal(t, "red, "+reason, verdict, err, exchange.NotGreen)
	verdict, err = s.asSource(claims, Now)
	if err == nil && warns(verdict) {
		wantGrant(t, "green, "+reason, verdict, err)
		return
	}
	wantRefusal(t, "green, "+reason, verdict, err, exchange.SourceConflict)
}

func warns(verdict exchange.Verdict) bool {
	_, green, _ := verdict.Basis()
	return slices.ContainsFunc(green.Outcomes, func(o exchange.Outcome) bool { return o.Warn && o.Status == exchange.Fails })
}

// stale asks at the last second of the colour's age, and at the next.
func (s *suite) stale(t *testing.T) {
	route := s.leaving()[0]
	minutes := s.parameter(t, route, ".green.fresh", "minutes")
	for _, test := range []struct {
		name string
		age  time.Duration
		good bool
	}{
		{"of this moment", 0, true},
		{"of the last second", time.Duration(minutes)*time.Minute + 59*time.Second, true},
		{"of one second more", time.Duration(minutes+1) * time.Minute, false},
		{"of a day ago", 24 * time.Hour, false},
	} {
		verdict, err := s.asSource(With(s.green(route.To), "health.as_of", Instant(Now.Add(-test.age))), Now)
		if test.good {
			wantGrant(t, "a colour "+test.name, verdict, err)
		} else {
			wantRefusal(t, "a colour "+test.name, verdict, err, exchange.NotGreen)
		}
	}
}

// parameter is a number that the standing version gives to a rule of the side.
func (s *suite) parameter(t *testing.T, route exchange.Route, rule, name string) int {
	t.Helper()
	for _, text := range s.Editions(route, Now)[0].Rules {
		if text.ID == string(s.id)+rule {
			if number, is := text.Parameters[name].(int); is {
				return number
			}
		}
	}
	t.Fatalf("%s has no %s with %s for %s", s.id, rule, name, route)
	return 0
}

// spare is what a green specimen has more than once: one of two documents, one of two scripts of a name. All other
// members are facts that somebody needs.
func spare(path string) bool {
	return slices.Contains([]string{
		"holder.documents[0]", "holder.documents[1]", "holder.name.han", "holder.name.latin",
	}, path)
}

// factsOfSource takes facts away, one and several at a time: none of the packets that are left may be green, unless what
// was taken was spare or is the destination's affair.
func (s *suite) factsOfSource(t *testing.T) {
	affair := []string{"evidence", "declarations"}
	needless := func(path string) bool {
		return spare(path) || slices.Contains(affair, path) || isEntry(path)
	}
	s.lacking(t, s.green(s.others[0]), s.asSource, needless)
}

// isEntry tells the entries of evidence and declarations, of which the source itself needs none.
func isEntry(path string) bool {
	return slices.Contains([]string{"evidence[0]", "evidence[1]", "evidence[2]", "declarations[0]"}, path)
}

type judge func(claims map[string]any, now time.Time) (exchange.Verdict, error)

// lacking takes every member away alone, and then random ones together.
func (s *suite) lacking(t *testing.T, claims map[string]any, judge judge, needless func(string) bool) {
	t.Helper()
	var needed []string
	for _, path := range Paths(claims) {
		if needless(path) {
			continue
		}
		needed = append(needed, path)
		if granted(judge, Without(claims, path)) {
			t.Errorf("granted without %s", path)
		}
	}
	if len(needed) < 20 {
		t.Fatalf("only %d facts were taken away", len(needed))
	}
	rapid.Check(t, func(t *rapid.T) {
		taken := rapid.SliceOfNDistinct(rapid.SampledFrom(Paths(claims)), 1, 6, rapid.ID[string]).Draw(t, "taken")
		if matters(taken, needless) && granted(judge, withoutAll(claims, taken)) {
			t.Fatalf("granted without %v", taken)
		}
	})
}

// matters tells whether a needed fact is among those taken. What stands inside something needless that is taken as well
// does not count.
func matters(taken []string, needless func(string) bool) bool {
	inside := func(path string) bool {
		return slices.ContainsFunc(taken, func(outer string) bool {
			return needless(outer) && (strings.HasPrefix(path, outer+".") || strings.HasPrefix(path, outer+"["))
		})
	}
	return slices.ContainsFunc(taken, func(path string) bool { return !needless(path) && !inside(path) })
}

// withoutAll takes away from behind, so that no list moves under a path that is still to come.
func withoutAll(claims map[string]any, taken []string) map[string]any {
	order := Paths(claims)
	for _, path := range slices.Backward(order) {
		if slices.Contains(taken, path) {
			claims = Without(claims, path)
		}
	}
	return claims
}

func granted(judge judge, claims map[string]any) bool {
	verdict, err := judge(claims, Now)
	if err != nil {
		return false
	}
	_, refused := verdict.Refused()
	return !refused
}
