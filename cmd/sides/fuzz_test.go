package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzExamine shows the check anything at all as a code and as a receipt: it must say unreadable, and never panic. Nobody
// can write a valid one without the keys, which are made anew in each run.
func FuzzExamine(f *testing.F) {
	trusted := online(nil)
	for _, key := range standInKeys() {
		trusted.keys = append(trusted.keys, key.Public())
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := scanned(text)
		if err != nil {
			token = text
		}
		for _, shown := range []exhibit{{code: token}, {receipt: token}, {code: token, receipt: token, full: []byte(text)}} {
			if found := trusted.examine(shown, noon, true); found.verdict != unreadable {
				t.Errorf("%q is %s", text, found.verdict)
			}
		}
		if _, err := readBundle(token, []pin{"x"}, noon, time.Time{}); err == nil {
			t.Errorf("%q is a bundle", text)
		}
		if _, err := openHandoff(token, emptyStore); err == nil {
			t.Errorf("%q is a handoff", text)
		}
	})
}

// emptyStore has a file that does not exist: no handoff may get as far as opening anything.
var emptyStore = &keyStore{path: filepath.Join("testdata", "no-such-file")}

func TestTheFuzzerHasSeeds(t *testing.T) {
	seeds, err := os.ReadDir("testdata/fuzz/FuzzExamine")
	if err != nil || len(seeds) < 5 {
		t.Errorf("%d seeds, %v", len(seeds), err)
	}
}
