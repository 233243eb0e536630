package store_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/exchange/clock"
	"crosscode/exchange/exchangetest"
	"crosscode/exchange/store"
)

// TestRecallsOutliveARestart: a code that was withdrawn yesterday is withdrawn today.
func TestRecallsOutliveARestart(t *testing.T) {
	clock := exchangetest.NewClock()
	path := filepath.Join(t.TempDir(), "recalls.jsonl")
	open := func() *store.Memory {
		t.Helper()
		memory := store.New(clock.Now)
		if err := memory.Keep(path); err != nil {
			t.Fatal(err)
		}
		return memory
	}
	now := clock.Now()
	before := open()
	for _, recall := range []exchange.Recall{
		{Code: "withdrawn", Until: now.Add(time.Hour)},
		{Code: "over-soon", Until: now.Add(time.Minute)},
		{Side: "macau", Before: now, Until: now.Add(time.Hour)},
	} {
		if err := before.Recall(t.Context(), recall); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(10 * time.Minute)
	for restart := range 3 {
		after := open()
		for _, test := range []struct {
			code   string
			side   exchange.Side
			issued time.Time
			want   bool
		}{
			{"withdrawn", "guangdong", now, true},
			{"over-soon", "guangdong", now, false},
			{"any", "macau", now, true},
			{"any", "macau", now.Add(time.Second), false},
			{"any", "guangdong", now, false},
		} {
			got, err := after.Recalled(t.Context(), test.code, test.side, test.issued)
			if err != nil || got != test.want {
				t.Errorf("restart %d: %+v is recalled: %t, %v", restart, test, got, err)
			}
		}
		if live, err := after.Live(t.Context()); err != nil || len(live) != 2 {
			t.Errorf("restart %d: %d live recalls, %v", restart, len(live), err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode: %v %v", info.Mode(), err)
	}
}

// A gateway must not start with some recalls forgotten.
func TestABrokenRecallFileIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recalls.jsonl")
	if err := os.WriteFile(path, []byte("{\"code\":\"a\",\"until\":\"2099-01-01T00:00:00Z\"}\n{\"code\":"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.New(clock.Now).Keep(path); err == nil {
		t.Error("a file with half a line is taken")
	}
}
