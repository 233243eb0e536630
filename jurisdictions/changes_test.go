package jurisdictions

import (
	"slices"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

func TestChangesAreTheInstantsAtWhichAnotherVersionIsInForce(t *testing.T) {
	book := demonstration(t)
	versions := book.Versions()
	var begins []time.Time
	for _, v := range versions {
		begins = append(begins, v.From)
	}
	if got := book.Changes(begins[0].Add(-time.Second), begins[len(begins)-1]); !slices.EqualFunc(got, begins, time.Time.Equal) {
		t.Errorf("changes %v, want %v", got, begins)
	}
	for i, at := range begins {
		if got := book.Changes(at.Add(-time.Second), at); len(got) != 1 || !got[0].Equal(at) {
			t.Errorf("version %d: until its first instant, changes %v", i, got)
		}
		if got := book.Changes(at, at.Add(time.Second)); len(got) != 0 {
			t.Errorf("version %d: after its first instant, changes %v", i, got)
		}
	}
}

// A last version that ends is followed by none, and that is a change too.
func TestTheEndOfTheLastVersionIsAChange(t *testing.T) {
	book := demonstration(t)
	last := book.versions[len(book.versions)-1]
	last.until = last.from.AddDate(1, 0, 0)
	if got := book.Changes(last.from, last.until); len(got) != 1 || !got[0].Equal(last.until) {
		t.Errorf("changes %v, want %s", got, last.until)
	}
}

// twoVersions is the demonstration's book, whose standing version begins again on 22 November 2026 at 18:00 with how old the
// colour may be in minutes.
func twoVersions(t *testing.T, minutes string) *Book {
	t.Helper()
	text := string(bookFile(t, "demonstration.yaml"))
	begins := strings.LastIndex(text, "  - from: ")
	if begins < 0 {
		t.Fatal("no version")
	}
	standing := text[begins:]
	head, rest, _ := strings.Cut(standing, "\n")
	later := "  - from: 2026-11-22T18:00+08:00\n" + strings.NewReplacer(
		"green: *green", "green: [{rule: green.colour}, {rule: green.as-of, with: {minutes: "+minutes+"}}]", "&", "&later-").Replace(rest)
	book, err := Parse("book.yaml", []byte(text[:begins]+head+"\n    until: 2026-11-22T18:00+08:00\n"+rest+later), "macau")
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// Eight hours after it was brought every colour is eight hours old: a rule that is asked once looks at the bringing, under the
// later version's own number.
func TestARuleThatIsAskedOnceLooksAtTheBringing(t *testing.T) {
	record := passingRecord()
	record.Health.AsOf = record.IssuedAt.Add(-10 * time.Minute)
	for minutes, want := range map[string]exchange.Status{"15": exchange.Pass, "5": exchange.Fails} {
		book := twoVersions(t, minutes)
		later := record.IssuedAt.Add(8 * time.Hour)
		record.Brought = record.IssuedAt
		if got := statusOf(t, book.Green(record, later), "macau.green.as-of").Status; got != want {
			t.Errorf("at most %s minutes: %s as of the bringing, want %s", minutes, got, want)
		}
		record.Brought = time.Time{}
		if got := statusOf(t, book.Green(record, later), "macau.green.as-of").Status; got != exchange.Fails {
			t.Errorf("at most %s minutes: %s for a packet that is brought then, want fail", minutes, got)
		}
	}
}
