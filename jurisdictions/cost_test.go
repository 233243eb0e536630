package jurisdictions

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"crosscode/exchange"
)

// shippedBooks are the rulebooks in the folders of the sides, whichever there are.
func shippedBooks(t *testing.T) []*Book {
	t.Helper()
	files, err := filepath.Glob("*/rulebook.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v: want a rulebook of each side", files, err)
	}
	var books []*Book
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		book, err := Parse(file, data, exchange.Side(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		books = append(books, book)
	}
	return books
}

// pieces are so many of each of the types in turn, an hour apart, the newest first, with every fact that any type has.
func pieces(n int, now time.Time, kinds ...string) []exchange.Evidence {
	list := make([]exchange.Evidence, n)
	for i := range list {
		list[i] = exchange.Evidence{
			Type: kinds[i%len(kinds)], At: now.Add(-time.Duration(i+1) * time.Hour), Result: "negative", Source: "electronic",
			Institution: "x", Days: 21, Doses: 3, Colour: "green", Province: "hubei", Route: "macau-guangdong",
		}
	}
	return list
}

// A source never has to drop a piece of evidence for the sake of a rule. Each expression of each rule of each version and route that
// is shipped runs within maxCost over 64 pieces, of one type or of all, and fails for none for which it does not fail with one piece
// of each.
func TestNoRuleFailsForTheNumberOfPieces(t *testing.T) {
	asked := 0
	for _, book := range shippedBooks(t) {
		for _, version := range book.versions {
			now := version.from.Add(24 * time.Hour)
			asked += tryUses(t, version.green, exchange.Route{From: book.side, To: "macau"}, now)
			for id, entry := range version.entry {
				route, err := exchange.ParseRoute(id)
				if err != nil {
					t.Fatal(err)
				}
				asked += tryUses(t, entry.rules, route, now)
			}
		}
	}
	if asked < 10_000 {
		t.Errorf("only %d expressions were run", asked)
	}
}

// tryUses gives how many expressions it ran.
func tryUses(t *testing.T, uses []use, route exchange.Route, now time.Time) (asked int) {
	t.Helper()
	for _, kinds := range append(eachAlone(evidenceNames), evidenceNames) {
		few, most := viewWith(route, now, pieces(len(kinds), now, kinds...)), viewWith(route, now, pieces(MaxEvidence, now, kinds...))
		for _, used := range uses {
			few.with, most.with = used.with, used.with
			for _, p := range []*program{used.when, used.require, used.until, used.sampledAt} {
				if p == nil {
					continue
				}
				asked++
				_, _, alone := p.counted.Eval(few)
				_, _, counted := p.counted.Eval(most)
				_, uncounted := p.eval(most)
				if (counted == nil) != (alone == nil) || (uncounted == nil) != (alone == nil) {
					t.Errorf("%s, %s with %d of %v: %v, counted %v; with one of each %v", used.id, route, MaxEvidence, kinds, uncounted, counted, alone)
				}
			}
		}
	}
	return asked
}

func eachAlone(words []string) [][]string {
	var alone [][]string
	for _, word := range words {
		alone = append(alone, []string{word})
	}
	return alone
}

func viewWith(route exchange.Route, now time.Time, evidence []exchange.Evidence) *view {
	record := recordAt(now)
	record.Issuer, record.Route, record.Evidence = route.From, route, evidence
	return newView(&record, route, now)
}

// What the comment on maxCost says of the dearest shipped rule.
func TestTheDearestRuleIsFarFromTheLimit(t *testing.T) {
	var dearest uint64
	for _, book := range shippedBooks(t) {
		for _, r := range book.rules {
			for _, p := range []*program{r.when, r.require, r.until, r.sampledAt} {
				if p == nil {
					continue
				}
				estimate, err := expressions().EstimateCost(p.checked, sizes{})
				if err != nil {
					t.Fatal(err)
				}
				if estimate.Max > dearest {
					dearest = estimate.Max
					t.Logf("%s: %d\n%s", r.id, estimate.Max, p.source)
				}
			}
		}
	}
	if dearest > maxCost/2 {
		t.Errorf("the dearest expression of ours may cost %d, more than half of %d", dearest, maxCost)
	}
}
