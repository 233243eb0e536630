package jurisdictiontest_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"crosscode/exchange"
	"crosscode/jurisdictions/jurisdictiontest"
)

// People agreed to these very words, and receipts name them by hash. A wording that changes needs a new version number
// beside the old one, which gets an end; only then does a line come to the file.
func TestConsentTextsAreAsTheyWerePublished(t *testing.T) {
	const file = "testdata/consents.txt"
	published, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	all := sides(t)
	for from, side := range all {
		for to := range all {
			for _, text := range side.Consents(exchange.Route{From: from, To: to}, jurisdictiontest.Now) {
				lines = append(lines, fmt.Sprintf("%s %s %s", text.ID, text.Language, text.Hash))
			}
		}
	}
	slices.Sort(lines)
	if want := strings.Split(strings.TrimSpace(string(published)), "\n"); !slices.Equal(lines, want) {
		t.Errorf("the texts in force are\n%s\nwhich is not what %s says", strings.Join(lines, "\n"), file)
	}
}
