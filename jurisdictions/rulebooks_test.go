package jurisdictions_test

import (
	"os"
	"path/filepath"
	"testing"

	"crosscode/exchange"
	"crosscode/jurisdictions"
)

// TestRulebooks parses and lints the rulebook of every side, which runs the examples of every rule.
func TestRulebooks(t *testing.T) {
	files, err := filepath.Glob("*/rulebook.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rulebook found (%v): nothing was tested", err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			book, err := jurisdictions.Parse(file, data, exchange.Side(filepath.Dir(file)))
			if err != nil {
				t.Fatalf("faults:\n%v", err)
			}
			if faults := book.Lint(); len(faults) > 0 {
				t.Errorf("lint:\n%v", faults)
			}
		})
	}
}
