package jurisdictions

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crosscode/exchange/clock"
)

// bench is a shelf with its directory of overrides and its log.
type bench struct {
	*Shelf
	t    *testing.T
	file string
	log  *bytes.Buffer
}

// overridden puts a text into the override; "" leaves it out.
func overridden(t *testing.T, text string) (*bench, error) {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, file: filepath.Join(dir, "macau.yaml"), log: &bytes.Buffer{}}
	if text != "" {
		b.write(text)
	}
	shelf, err := NewShelf("macau", bookFile(t, "demonstration.yaml"), Options{
		Overrides: dir, Log: slog.New(slog.NewTextHandler(b.log, nil)),
	})
	b.Shelf = shelf
	return b, err
}

func (b *bench) write(text string) {
	b.t.Helper()
	if err := os.WriteFile(b.file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) said(word string) int { return strings.Count(b.log.String(), word) }

// edited is the demonstration with another note, so that it is another file.
func edited(t *testing.T, note string) string {
	return strings.Replace(string(bookFile(t, "demonstration.yaml")), "seven days became two", note, 1)
}

func TestWithoutAnOverrideTheEmbeddedBookIsInUse(t *testing.T) {
	for name, options := range map[string]Options{"no directory": {}, "an empty directory": {Overrides: t.TempDir()}} {
		shelf, err := NewShelf("macau", bookFile(t, "demonstration.yaml"), options)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		status := shelf.Status(instant(t, "2026-11-22T10:00:00+08:00"))
		if status.Source != Embedded || status.Err != nil || status.Version != "macau/2026-01-01T00:00+08:00" || status.SHA256 != demonstration(t).SHA256() {
			t.Errorf("%s: %+v", name, status)
		}
		if err := shelf.Reload(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFaultyEmbeddedBookIsRefused(t *testing.T) {
	_, err := NewShelf("macau", []byte("side: macau"), Options{})
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 2 || faults[0].File != "jurisdictions/macau/rulebook.yaml" {
		t.Errorf("got %v", err)
	}
}

// TestAtStartAFaultyOverrideStopsEverything, with all that is wrong with it: the embedded book in its place would not be
// what the operator wanted.
func TestAtStartAFaultyOverrideStopsEverything(t *testing.T) {
	shelf, err := overridden(t, "side: macau\nrules: {}\nversion: []\n")
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 2 || faults[0].File != shelf.file {
		t.Errorf("got %v", err)
	}
	if shelf.Shelf != nil {
		t.Error("there is a shelf all the same")
	}
}

func TestAtStartAnOverrideThatCannotBeReadStopsEverything(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "macau.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := NewShelf("macau", bookFile(t, "demonstration.yaml"), Options{Overrides: dir}); err == nil {
		t.Error("a directory is taken for a rulebook")
	}
}

func TestAnOverrideIsTakenWithoutARestart(t *testing.T) {
	b, err := overridden(t, "")
	if err != nil {
		t.Fatal(err)
	}
	before := b.Current()
	b.write(edited(t, "changed once"))
	if err := b.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := b.Current().Versions()[0].Note; got != "changed once" || b.Status(clock.Now()).Source != Override {
		t.Errorf("note %q, source %s", got, b.Status(clock.Now()).Source)
	}
	if before.Versions()[0].Note != "seven days became two" {
		t.Error("who had taken the old book sees the new one")
	}
	if b.said("source=override") != 1 {
		t.Errorf("log: %s", b.log)
	}
}

func TestABadFileKeepsTheLastGoodBookAndSaysSoOncePerChange(t *testing.T) {
	b, err := overridden(t, edited(t, "good"))
	if err != nil {
		t.Fatal(err)
	}
	silent := strings.NewReplacer("{rule: green.colour}", "{rule: green.colour, off: true}", "{minutes: 15}}", "{minutes: 15}, off: true}")
	for i, step := range []struct {
		name, text string
		refusals   int // so far
	}{
		{"a typo", strings.Replace(edited(t, "bad"), "versions:", "verions:", 1), 1},
		{"the same typo again", strings.Replace(edited(t, "bad"), "versions:", "verions:", 1), 1},
		{"an example that does not hold", strings.Replace(edited(t, "bad"), "then: pass", "then: fail", 1), 2},
		{"what only lint finds", silent.Replace(edited(t, "bad")), 3},
		{"another side's book", strings.Replace(edited(t, "bad"), "side: macau", "side: hongkong", 1), 4},
		{"an empty file", "", 5},
	} {
		b.write(step.text)
		if err := b.Reload(); err == nil || b.Status(clock.Now()).Err == nil {
			t.Fatalf("%d %s: taken", i, step.name)
		}
		if got := b.Current().Versions()[0].Note; got != "good" {
			t.Fatalf("%s: the book in use is %q", step.name, got)
		}
		if got := b.said("rulebook refused"); got != step.refusals {
			t.Fatalf("%s: said %d times, want %d:\n%s", step.name, got, step.refusals, b.log)
		}
	}
	b.write(edited(t, "mended"))
	if err := b.Reload(); err != nil || b.Status(clock.Now()).Err != nil || b.Current().Versions()[0].Note != "mended" {
		t.Errorf("a mended file is not taken: %v", err)
	}
}

func TestAnOverrideThatVanishesStaysInUse(t *testing.T) {
	b, err := overridden(t, edited(t, "good"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(b.file); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Reload(); !errors.Is(err, ErrOverrideGone) {
			t.Fatalf("got %v", err)
		}
	}
	if b.Current().Versions()[0].Note != "good" || b.said("rulebook refused") != 1 {
		t.Errorf("note %q, log %s", b.Current().Versions()[0].Note, b.log)
	}
	b.write(edited(t, "good"))
	if err := b.Reload(); err != nil {
		t.Errorf("the same file, back again: %v", err)
	}
}

func TestWatchTakesWhatChangesAndEndsWithItsContext(t *testing.T) {
	b, err := overridden(t, "")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); b.Watch(ctx, 5*time.Second) }()
		b.write(edited(t, "watched"))
		time.Sleep(4999 * time.Millisecond)
		synctest.Wait()
		if b.Status(clock.Now()).Source != Embedded {
			t.Error("looked before its time")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if b.Status(clock.Now()).Source != Override {
			t.Error("has not looked")
		}
		cancel()
		<-done
	})
}

func TestAPanicKeepsTheLastGoodBook(t *testing.T) {
	b, err := overridden(t, edited(t, "good"))
	if err != nil {
		t.Fatal(err)
	}
	good := b.current.Swap(nil) // what should never be: the next look at a missing file panics
	if err := os.Remove(b.file); err != nil {
		t.Fatal(err)
	}
	b.look()
	b.current.Store(good)
	if err := b.Status(clock.Now()).Err; err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("status %v", err)
	}
	b.write(edited(t, "after the panic"))
	b.look()
	if got := b.Current().Versions()[0].Note; got != "after the panic" {
		t.Errorf("note %q", got)
	}
}

func TestAHugeOverrideIsRefusedUnread(t *testing.T) {
	b, err := overridden(t, "")
	if err != nil {
		t.Fatal(err)
	}
	b.write("")
	if err := os.Truncate(b.file, 1<<33); err != nil { // sparse: takes no room
		t.Fatal(err)
	}
	if err := b.Reload(); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
}
