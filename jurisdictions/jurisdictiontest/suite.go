package jurisdictiontest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/jurisdictions"
)

// Subject is a side as its tests see it.
type Subject interface {
	exchange.Jurisdiction
	Rules() *jurisdictions.Shelf
	Forms() jurisdictions.Forms
	Vocabulary() jurisdictions.Vocabulary
}

// Now is the instant of the standing version at which the suite asks: 10:00 in UTC+8 on 22 November 2026.
var Now = time.Date(2026, 11, 22, 10, 0, 0, 0, exchange.Zone)

// Run holds a side to everything that every side must do. A side's own test is
//
//	func TestSide(t *testing.T) { jurisdictiontest.Run(t, macau.New) }
func Run[S Subject](t *testing.T, newSide func(jurisdictions.Options) (S, error)) {
	s := open(t, newSide)
	for name, test := range map[string]func(*testing.T){
		"the rulebook has no fault":                       s.lint,
		"every sentence is there in four languages":       s.languages,
		"holders have a help line":                        s.answers,
		"every route has a consent":                       s.consented,
		"profile, vocabulary and rules say whose":         s.identity,
		"a green holder leaves":                           s.leaves,
		"any other colour stays":                          s.colours,
		"a stale colour stays":                            s.stale,
		"without a fact nobody leaves":                    s.factsOfSource,
		"a holder who meets the rules comes in":           s.comes,
		"without a fact nobody comes in":                  s.factsOfDestination,
		"a test lasts to the second":                      s.testLasts,
		"a test of the future is none":                    s.testOfFuture,
		"documents by channel":                            s.documents,
		"families":                                        s.families,
		"a rule on families can decide":                   s.reachable,
		"no other code counts":                            s.otherCodes,
		"closed, not begun, not configured, no such port": s.nowhere,
		"each version begins to the minute":               s.versions,
		"the calendar is shut where nobody gets a code":   s.calendar,
		"nothing says who":                                s.silent,
	} {
		t.Run(name, test)
	}
}

// suite is one side under test.
type suite struct {
	Subject
	id     exchange.Side
	others []exchange.Side
}

func open[S Subject](t *testing.T, newSide func(jurisdictions.Options) (S, error)) *suite {
	t.Helper()
	side, err := newSide(jurisdictions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{Subject: side, id: side.Profile().Side}
	for _, other := range Sides() {
		if other != s.id {
			s.others = append(s.others, other)
		}
	}
	return s
}

// leaving gives the routes from the side, coming those to it.
func (s *suite) leaving() []exchange.Route {
	return []exchange.Route{{From: s.id, To: s.others[0]}, {From: s.id, To: s.others[1]}}
}

func (s *suite) coming() []exchange.Route {
	return []exchange.Route{{From: s.others[0], To: s.id}, {From: s.others[1], To: s.id}}
}

// green is a green specimen that leaves the side at Now.
func (s *suite) green(destination exchange.Side) map[string]any {
	return GreenClaims(s, destination, Now)
}

// asSource is what becomes of a packet as far as the source's rules go: the destination takes anybody.
func (s *suite) asSource(claims map[string]any, now time.Time) (exchange.Verdict, error) {
	record, err := s.Read(Claims(claims))
	if err != nil {
		return nil, err
	}
	return exchange.Conclude(record, s.Green(record, now), anybody(record, now), now), nil
}

// asDestination is what becomes of a packet as far as the destination's rules go: the source calls everybody green.
func (s *suite) asDestination(claims map[string]any, now time.Time) (exchange.Verdict, error) {
	record, err := ReadAny(claims)
	if err != nil {
		return nil, err
	}
	return exchange.Conclude(record, everybodyGreen(), s.Admit(record, record.Route, now), now), nil
}

func everybodyGreen() exchange.Findings {
	return exchange.Findings{Outcomes: []exchange.Outcome{{Rule: "specimen.green", Status: exchange.Pass}}}
}

func anybody(record exchange.Record, now time.Time) exchange.Findings {
	return exchange.Findings{
		Outcomes: []exchange.Outcome{{Rule: "specimen.entry", Status: exchange.Pass, Until: now.Add(24 * time.Hour)}},
		Shows:    exchange.Shows{Document: record.Holder.Documents[0]},
	}
}

// anyWords has words for everything any side signs, so that a destination can be tried without its neighbours.
var anyWords = sync.OnceValues(func() (jurisdictions.Vocabulary, error) {
	same := map[string]string{}
	for _, colour := range []string{"green", "yellow", "red", "none"} {
		same[colour] = colour
	}
	return jurisdictions.Vocabulary{
		Channels: []string{"web", "app", "h5"}, Colours: same, Reasons: []string{"close-contact"},
		Relations: map[string][]string{"guardian": {"parent", "guardian"}, "agent": {"child", "spouse", "agent"}},
	}.Complete(jurisdictions.Options{})
})

// ReadAny reads claims whichever side they say made them, with the words that all sides share and without their consents.
func ReadAny(claims map[string]any) (exchange.Record, error) {
	given := Claims(claims)
	vocabulary, err := anyWords()
	if err != nil {
		return exchange.Record{}, err
	}
	vocabulary.Side = given.Issuer
	return jurisdictions.Read(given, vocabulary, nil)
}

// arriving is a green specimen that comes to the side over the route.
func arriving(route exchange.Route, at time.Time) map[string]any {
	text := exchange.ConsentText{ID: route.String() + "/1", Language: "en", Hash: strings.Repeat("0", 64)}
	return SpecimenClaims(route, text, at)
}

// wantGrant and wantRefusal hold a verdict to what it must be.
func wantGrant(t *testing.T, what string, verdict exchange.Verdict, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v, want a grant", what, err)
		return
	}
	if decided, refused := verdict.Refused(); refused {
		t.Errorf("%s: refused by %s (%s, %s), want a grant", what, decided.Rule, decided.Status, decided.Reason)
	}
}

func wantRefusal(t *testing.T, what string, verdict exchange.Verdict, err error, reason exchange.Reason) exchange.Outcome {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v, want %s", what, err, reason)
		return exchange.Outcome{}
	}
	decided, refused := verdict.Refused()
	if !refused || decided.Reason != reason {
		t.Errorf("%s: refused %t by %q with %q, want %s", what, refused, decided.Rule, decided.Reason, reason)
		return decided
	}
	if missing := adviceMissing(decided.Advice); len(missing) > 0 {
		t.Errorf("%s: %s tells the holder nothing in %v", what, decided.Rule, missing)
	}
	return decided
}

func adviceMissing(advice exchange.Advice) []string {
	return append(append(advice.Title.Missing(), advice.Remedy.Missing()...), advice.Contact.Missing()...)
}
