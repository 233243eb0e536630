package clock

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for shift, want := range map[string]time.Duration{"": 0, "9600h": 400 * 24 * time.Hour, "-24h": -24 * time.Hour, "1h30m": 90 * time.Minute} {
		if got := parse(shift); got != want {
			t.Errorf("parse(%q) = %s, want %s", shift, got, want)
		}
	}
}

func TestNonsenseStopsTheProgram(t *testing.T) {
	for _, shift := range []string{"tomorrow", "400", "1d", "2026-01-01T00:00:00Z"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a program linked with shift=%q starts", shift)
				}
			}()
			parse(shift)
		}()
	}
}

// The test binary is linked with or without a shift; both must hold.
func TestNowIsShifted(t *testing.T) {
	before, now, after := time.Now(), Now(), time.Now()
	if now.Before(before.Add(offset)) || now.After(after.Add(offset)) {
		t.Errorf("Now() = %s, want the machine's clock and %s", now, offset)
	}
	if shifted := shift != ""; shifted != (Notice() != "") || shifted != (len(LinkerFlags()) > 0) {
		t.Errorf("shift %q: notice %q, linker flags %v", shift, Notice(), LinkerFlags())
	}
}
