package jurisdictiontest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/jurisdictions"
)

func (s *suite) comes(t *testing.T) {
	for _, route := range s.coming() {
		verdict, err := s.asDestination(arriving(route, Now), Now)
		wantGrant(t, route.String(), verdict, err)
		if err != nil {
			continue
		}
		record, _, entry := verdict.Basis()
		if !slices.Contains(record.Holder.Documents, entry.Shows.Document) || entry.Shows.SampledOn != exchange.DateOf(MorningBefore(Now)) {
			t.Errorf("%s shows a document that the holder does not have, or another day than the sampling day in UTC+8", route)
		}
		if until := verdict.Until(); until.After(Now.Add(24 * time.Hour)) {
			t.Errorf("%s: a code until %s, more than 24 hours", route, until)
		}
		if !slices.Contains(entry.NotGranted, "quarantine-waiver") {
			t.Errorf("%s does not say that it grants no quarantine waiver", route)
		}
	}
}

// factsOfDestination: see factsOfSource. The destination needs the evidence and the declarations; what is left of two
// documents is another matter for each route.
func (s *suite) factsOfDestination(t *testing.T) {
	for _, route := range s.coming() {
		s.lacking(t, arriving(route, Now), s.asDestination, func(path string) bool {
			return spare(path) || path == "declarations" && len(s.Forms()) == 0 || path == "evidence[1]" && !s.asks(route, ".entry.vaccination") ||
				path == "evidence[2]" && !s.asks(route, ".entry.visit-check")
		})
	}
}

func (s *suite) asks(route exchange.Route, rule string) bool {
	return slices.ContainsFunc(s.Editions(route, Now)[0].Rules, func(text exchange.RuleText) bool { return text.ID == string(s.id)+rule })
}

// testLasts asks at the last second at which a test can make a code, and at the next. The last second belongs to the window,
// to its end: at 23:59:59.9 of a test that counts until 23:59:59 there is a code, which lives for that second.
func (s *suite) testLasts(t *testing.T) {
	for _, route := range s.coming() {
		length := s.parameter(t, route, ".entry.negative-test", "length")
		for _, sampled := range []time.Time{
			exchange.DateOf(Now).Start(),                                   // 00:00 of the day
			exchange.DateOf(Now).Start().Add(7*time.Hour + 59*time.Minute), // still the day before in UTC
			exchange.DateOf(Now).Start().Add(24*time.Hour - time.Second),
		} {
			s.lasts(t, route, sampled, s.lastSecond(route, sampled, length))
		}
	}
}

// lastSecond is when a test sampled at an instant ends, by the unit that the standing version names.
func (s *suite) lastSecond(route exchange.Route, sampled time.Time, length int) time.Time {
	for _, text := range s.Editions(route, Now)[0].Rules {
		if text.ID == string(s.id)+".entry.negative-test" && text.Parameters["unit"] == "hours_since_sampling" {
			return sampled.Add(time.Duration(length) * time.Hour)
		}
	}
	return exchange.DateOf(sampled).Start().AddDate(0, 0, length+1).Add(-time.Second)
}

func (s *suite) lasts(t *testing.T, route exchange.Route, sampled, last time.Time) {
	t.Helper()
	at := func(now time.Time) (exchange.Verdict, error) {
		claims := With(arriving(route, now.Truncate(time.Second)), "evidence[0].sampled_at", Instant(sampled))
		return s.asDestination(claims, now)
	}
	what := route.String() + ", sampled at " + Instant(sampled)
	for _, now := range []time.Time{last.Add(-time.Second), last, last.Add(time.Second - time.Nanosecond)} {
		if s.endsBefore(now) {
			t.Logf("%s: the side's codes end before the test does", what)
			continue
		}
		verdict, err := at(now)
		wantGrant(t, what+", asked at "+now.Format(time.RFC3339Nano), verdict, err)
		if err == nil && verdict.Until().After(last) {
			t.Errorf("%s, asked at %s: a code until %s", what, now, verdict.Until())
		}
	}
	verdict, err := at(last.Add(time.Second))
	wantRefusal(t, what+", a second after its end", verdict, err, exchange.NotEligible)
}

// endsBefore tells the last seconds of the day, at which a side whose codes end at 23:59 gives none.
func (s *suite) endsBefore(now time.Time) bool {
	for _, text := range s.Editions(s.coming()[0], Now)[0].Rules {
		if text.ID == string(s.id)+".entry.cap" && text.Condition != "true" {
			now := now.In(exchange.Zone)
			return now.Hour() == 23 && now.Minute() == 59 && now.Second() > 0
		}
	}
	return false
}

// testOfFuture gives the laboratory's clock its sixty seconds, and not one more.
func (s *suite) testOfFuture(t *testing.T) {
	for _, route := range s.coming() {
		claims := With(arriving(route, Now), "evidence[0].sampled_at", Instant(Now.Add(exchange.Leeway)))
		verdict, err := s.asDestination(claims, Now)
		wantGrant(t, route.String()+", 60 s ahead", verdict, err)
		verdict, err = s.asDestination(claims, Now.Add(-time.Second))
		wantRefusal(t, route.String()+", 61 s ahead", verdict, err, exchange.NotEligible)
	}
}

// documents: which of them a log-in may use (S0 question 1), and those that no route converts.
func (s *suite) documents(t *testing.T) {
	numbers := map[string]string{
		"home-return-permit": "H8765432101", "resident-id": "110101199001022016", "chinese-passport": "E12345678",
		"foreign-passport": "X1234567", "taiwan-permit": "12345678", "other": "PAPER0001",
	}
	for _, route := range s.coming() {
		for _, test := range []struct {
			channel, document string
			good              bool
		}{
			{people[route.From].channel, "home-return-permit", true},
			{people[route.From].channel, "chinese-passport", true},
			{people[route.From].channel, "foreign-passport", false},
			{people[route.From].channel, "taiwan-permit", false},
			{people[route.From].channel, "other", false},
			{"h5", "resident-id", false},
			{"h5", "chinese-passport", false},
		} {
			if test.channel == "h5" && !slices.Contains(h5Sources, route.From) {
				continue
			}
			what := route.String() + ", " + test.channel + " with " + test.document
			claims := With(arriving(route, Now), "channel", test.channel)
			claims = With(claims, "holder.documents", []any{map[string]any{"type": test.document, "number": numbers[test.document]}})
			verdict, err := s.asDestination(claims, Now)
			if test.good {
				wantGrant(t, what, verdict, err)
				continue
			}
			decided := wantRefusal(t, what, verdict, err, exchange.DocumentNotAccepted)
			if want := string(s.id) + ".entry.unsupported-document"; slices.Contains(neverConverted, test.document) && decided.Rule != want {
				t.Errorf("%s: refused by %s, which does not say where to go instead", what, decided.Rule)
			}
		}
	}
}

// neverConverted are the documents that no route takes; their holders are told where to go instead.
var neverConverted = []string{"foreign-passport", "taiwan-permit", "other"}

// h5Sources have a page for people who arrive, where they log in with a home return permit alone.
var h5Sources = []exchange.Side{"guangdong"}

// aged gives the holder an age in whole years on Now's day, and documents that hold no birth date.
func aged(claims map[string]any, years int) map[string]any {
	claims = With(claims, "holder.birth_date", exchange.DateOf(Now.AddDate(-years, 0, 0)).String())
	return With(claims, "holder.documents", []any{map[string]any{"type": "home-return-permit", "number": "H8765432101"}})
}

func shownBy(claims map[string]any, by, relation string) map[string]any {
	return With(With(claims, "consent.by", by), "presenter", map[string]any{"relation": relation})
}

func (s *suite) families(t *testing.T) {
	for _, route := range s.coming() {
		base := arriving(route, Now)
		for name, claims := range map[string]map[string]any{
			"a child shown by a parent":    shownBy(aged(base, 8), "guardian", "parent"),
			"an elder shown by a daughter": shownBy(aged(base, 70), "agent", "child"),
			"an elder in person":           aged(base, 70),
		} {
			verdict, err := s.asDestination(claims, Now)
			wantGrant(t, route.String()+", "+name, verdict, err)
		}
		for name, test := range map[string]struct {
			claims   map[string]any
			obstacle exchange.Obstacle
		}{
			"a child for whom it consented itself":   {aged(base, 8), exchange.ChildNeedsGuardian},
			"a child of 13 shown by an agent":        {shownBy(aged(base, 13), "agent", "agent"), exchange.ChildNeedsGuardian},
			"a guardian whom the claims do not show": {With(aged(base, 8), "consent.by", "guardian"), exchange.GuardianUnnamed},
		} {
			_, err := s.asDestination(test.claims, Now)
			var failure *exchange.Failure
			if !errors.As(err, &failure) || failure.Reason != exchange.ConsentMissing || failure.Obstacle != test.obstacle {
				t.Errorf("%s, %s: %v, want consent-missing for %s", route, name, err, test.obstacle)
			}
		}
		s.unverified(t, route)
	}
}

// unverified: whom nobody compared with the document comes in below the age that the rule names, with a guardian, and nobody
// else does. That age is one of verification (S1: 未成年人, under 18), not that of consent.
func (s *suite) unverified(t *testing.T, route exchange.Route) {
	t.Helper()
	below := s.parameter(t, route, ".entry.verified-holder", "unverified_below")
	if below != 0 && below != 18 {
		t.Errorf("%s takes unverified holders below %d, want 18 or nobody", route, below)
	}
	for _, age := range []int{0, 8, 13, 14, 15, 17, 18, 19, 30, 70} {
		alone := With(aged(arriving(route, Now), age), "holder.assurance", "unverified")
		if age < 18 {
			verdict, err := s.asDestination(shownBy(alone, "guardian", "parent"), Now)
			what := fmt.Sprintf("%s, unverified at %d with a parent", route, age)
			if age < below {
				wantGrant(t, what, verdict, err)
			} else {
				s.wantVerifiedHolder(t, what, verdict, err)
			}
		}
		if age >= 14 {
			verdict, err := s.asDestination(alone, Now)
			s.wantVerifiedHolder(t, fmt.Sprintf("%s, unverified at %d alone", route, age), verdict, err)
		}
	}
}

func (s *suite) wantVerifiedHolder(t *testing.T, what string, verdict exchange.Verdict, err error) {
	t.Helper()
	if decided := wantRefusal(t, what, verdict, err, exchange.NotEligible); decided.Rule != string(s.id)+".entry.verified-holder" {
		t.Errorf("%s: decided by %s", what, decided.Rule)
	}
}

// reachable: a rule on families that is in force can decide, in each version and on each route, over a packet that can be
// read. What reading refuses first would leave a rule whose good words nobody ever sees.
func (s *suite) reachable(t *testing.T) {
	for _, version := range s.Rules().Current().Versions() {
		for _, route := range s.coming() {
			decides := s.familyDecisions(route, s.knownPort(version, route), version.From)
			for _, edition := range s.Editions(route, version.From) {
				for _, text := range edition.Rules {
					if edition.Version == version.ID && text.Category == "family" && !decides[text.ID] {
						t.Errorf("%s of %s, %s, can never decide", text.ID, edition.Version, route)
					}
				}
			}
		}
	}
}

// knownPort is a port of the route of which the version knows what is asked; "" where it knows that of every port.
func (s *suite) knownPort(version jurisdictions.Version, route exchange.Route) string {
	for _, gap := range version.Gaps {
		for _, port := range s.Ports(route) {
			if gap.Route == route.String() && !slices.Contains(gap.Ports, port.ID) {
				return string(port.ID)
			}
		}
	}
	return ""
}

// familyDecisions are the rules that decide over some family at an instant.
func (s *suite) familyDecisions(route exchange.Route, port string, at time.Time) map[string]bool {
	decides := map[string]bool{}
	for _, claims := range everyFamily(With(arriving(route, at), "port", port)) {
		verdict, err := s.asDestination(claims, at)
		if err != nil {
			continue // refused when it is read
		}
		if decided, refused := verdict.Refused(); refused {
			decides[decided.Rule] = true
		}
	}
	return decides
}

// everyFamily is the claims for each age at which something changes, each giver of consent, presenter and assurance.
func everyFamily(base map[string]any) []map[string]any {
	var all []map[string]any
	day := exchange.DateOf(time.Unix(Value(base, "iat").(int64), 0)).Start()
	for _, age := range []int{8, 13, 14, 17, 18, 30, 59, 60, 70} {
		claims := With(base, "holder.birth_date", exchange.DateOf(day.AddDate(-age, 0, 0)).String())
		claims = With(claims, "holder.documents", []any{map[string]any{"type": "home-return-permit", "number": "H8765432101"}})
		for _, assurance := range []string{"verified", "unverified"} {
			for _, by := range []string{"self", "guardian", "agent"} {
				for _, relation := range []string{"self", "parent", "guardian", "child", "spouse", "agent"} {
					all = append(all, shownBy(With(claims, "holder.assurance", assurance), by, relation))
				}
			}
		}
	}
	return all
}

// citiesHaveCodes are the sides whose cities gave out codes of their own (穗康码), which holders take for the real one.
var citiesHaveCodes = map[exchange.Side]bool{"guangdong": true}

// otherCodes: a city's code (穗康码) is green for nobody, beside a red code least of all.
func (s *suite) otherCodes(t *testing.T) {
	city := map[string]any{"type": "city-code", "colour": "green", "as_of": Instant(Now.Add(-time.Minute))}
	for _, route := range s.leaving() {
		claims := With(With(s.green(route.To), "health.colour", "red"), "evidence[0]", city)
		verdict, err := s.asSource(claims, Now)
		wantRefusal(t, route.String()+", a red code beside a green city code", verdict, err, exchange.NotGreen)
	}
	for _, route := range s.coming() {
		verdict, err := s.asDestination(With(arriving(route, Now), "evidence[0]", city), Now)
		decided := wantRefusal(t, route.String()+", a city code in place of a test", verdict, err, exchange.NotEligible)
		if citiesHaveCodes[route.From] && decided.Rule != string(s.id)+".entry.city-code" {
			t.Errorf("%s: a city code is refused by %s, which does not say what it is not", route, decided.Rule)
		}
	}
}
