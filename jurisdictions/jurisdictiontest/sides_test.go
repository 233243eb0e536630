package jurisdictiontest_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/guangdong"
	"crosscode/jurisdictions/hongkong"
	"crosscode/jurisdictions/jurisdictiontest"
	"crosscode/jurisdictions/macau"
)

// sides are the three, side by side, which only this test and the wiring may do.
func sides(t *testing.T) map[exchange.Side]jurisdictiontest.Subject {
	t.Helper()
	gd, gdErr := guangdong.New(jurisdictions.Options{})
	mo, moErr := macau.New(jurisdictions.Options{})
	hk, hkErr := hongkong.New(jurisdictions.Options{})
	if gdErr != nil || moErr != nil || hkErr != nil {
		t.Fatal(gdErr, moErr, hkErr)
	}
	return map[exchange.Side]jurisdictiontest.Subject{guangdong.ID: gd, macau.ID: mo, hongkong.ID: hk}
}

func TestProfilesDifferPairwise(t *testing.T) {
	seen := map[string]exchange.Side{}
	for id, side := range sides(t) {
		profile := side.Profile()
		for kind, word := range map[string]string{"key": profile.Key, "typ": profile.Type, "tag": profile.Tag} {
			if other, taken := seen[kind+" "+word]; taken {
				t.Errorf("%s and %s both have the %s %q", id, other, kind, word)
			}
			seen[kind+" "+word] = id
		}
	}
}

// The folders must be readable side by side: the same files in each, and no others.
func TestFoldersHoldTheSameFiles(t *testing.T) {
	want := []string{
		"consents.yaml", "doc.go", "forms.yaml", "ports.yaml", "rulebook.yaml", "side.go", "side_test.go", "vocabulary.go",
	}
	for id := range sides(t) {
		entries, err := os.ReadDir(filepath.Join("..", string(id)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, entry := range entries {
			got = append(got, entry.Name())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s holds %v, want %v", id, got, want)
		}
	}
}

// On each of the six routes the green specimen passes both sides' rules at any time of a day: every code of Hong Kong ends at
// 23:59, so there is a minute without one.
func TestSixRoutes(t *testing.T) {
	all := sides(t)
	midnight := exchange.DateOf(jurisdictiontest.Now).Start()
	times := []time.Time{midnight.Add(time.Second), midnight.Add(time.Minute), midnight.Add(5*time.Minute - time.Second), midnight.Add(23*time.Hour + 58*time.Minute)}
	for now := midnight; now.Before(midnight.Add(23*time.Hour + 59*time.Minute)); now = now.Add(17 * time.Minute) {
		times = append(times, now)
	}
	for _, now := range times {
		sixRoutes(t, all, now)
	}
}

func sixRoutes(t *testing.T, all map[exchange.Side]jurisdictiontest.Subject, now time.Time) {
	t.Helper()
	for from, source := range all {
		for to, destination := range all {
			if from == to {
				continue
			}
			route := exchange.Route{From: from, To: to}
			record, err := source.Read(jurisdictiontest.Claims(jurisdictiontest.GreenClaims(source, to, now)))
			if err != nil {
				t.Errorf("%s at %s: %v", route, now, err)
				continue
			}
			verdict := exchange.Conclude(record, source.Green(record, now), destination.Admit(record, route, now), now)
			if decided, refused := verdict.Refused(); refused {
				t.Errorf("%s at %s: refused by %s with %s", route, now, decided.Rule, decided.Reason)
			}
		}
	}
}

// No side reads another one's packet, even if it says that it is its own.
func TestSidesReadTheirOwnPacketsOnly(t *testing.T) {
	all := sides(t)
	for from, source := range all {
		for other, reader := range all {
			for to := range all {
				if to == from || other == from {
					continue
				}
				_, err := reader.Read(jurisdictiontest.Claims(jurisdictiontest.GreenClaims(source, to, jurisdictiontest.Now)))
				if reason, _ := exchange.ReasonOf(err); reason != exchange.ClaimsInvalid {
					t.Errorf("%s read a packet of %s: %v", other, from, err)
				}
			}
		}
	}
}

// A rulebook may only have words that some side signs.
func TestRulebooksUseWordsThatSidesHave(t *testing.T) {
	all := sides(t)
	var words []jurisdictions.Vocabulary
	for _, side := range all {
		words = append(words, side.Vocabulary())
	}
	for id, side := range all {
		if unknown := jurisdictions.Unknown(side.Rules().Current().Mentions(), words...); len(unknown) > 0 {
			t.Errorf("the rulebook of %s has words that nobody signs: %v", id, unknown)
		}
	}
}

// Both ends of a route know the same ports, in both directions, and the ports that the pages and the demonstration use are
// among them.
func TestBothEndsOfARouteKnowItsPorts(t *testing.T) {
	all := sides(t)
	used := map[string]exchange.Port{
		"guangdong-macau": "nansha", "guangdong-hongkong": "shenzhen-bay", "hongkong-macau": "outer-harbour",
	}
	for from, source := range all {
		for to, destination := range all {
			route, back := exchange.Route{From: from, To: to}, exchange.Route{From: to, To: from}
			if from == to {
				continue
			}
			there := jurisdictions.Ports(source.Ports(route))
			for what, other := range map[string][]exchange.PortText{
				"the destination": destination.Ports(route), "the way back": source.Ports(back),
			} {
				if !slices.Equal(there.IDs(), jurisdictions.Ports(other).IDs()) {
					t.Errorf("%s has the ports %v, %s %v", route, there.IDs(), what, jurisdictions.Ports(other).IDs())
				}
			}
			if port, want := used[route.String()]; want && !there.Has(port) || !there.Has("hzmb") {
				t.Errorf("%s lacks a port that served it: %v", route, there.IDs())
			}
		}
	}
}

// The specimens fill in the forms that destinations publish.
func TestFormsAreThoseOfTheSpecimens(t *testing.T) {
	for id, side := range sides(t) {
		for _, form := range side.Forms() {
			for from, source := range sides(t) {
				if from == id {
					continue
				}
				if known, found := source.Vocabulary().Forms.Find(form.ID); !found || len(known.Questions) != len(form.Questions) {
					t.Errorf("%s does not know %s of %s", from, form.ID, id)
				}
			}
		}
	}
	if asked := sides(t)["macau"].Forms(); len(asked) != 1 || len(asked[0].Questions) != 3 {
		t.Errorf("Macau asks %v, want one form with three questions", asked)
	}
}
