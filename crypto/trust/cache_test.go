package trust

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// restarted is a new process with the same configuration, whose side is gone.
func restarted(t *testing.T, folder string, url string, clock *movable) *Set {
	t.Helper()
	return open(t, Config{
		Sides: map[exchange.Side]Source{macau: {URL: url}}, CacheDir: folder, Clock: clock.read, Timeout: time.Second,
	})
}

func TestLastKnownGoodOutlivesARestart(t *testing.T) {
	folder, clock := filepath.Join(t.TempDir(), "deep", "trust"), newClock()
	b, key, enc := newBack(t, nil), newKey(t, "k1", keys.ES256), newKey(t, "e1", keys.ECDHES)
	b.publish(key, enc)
	renew(t, restarted(t, folder, b.URL, clock))
	b.stop()

	for _, step := range []struct {
		age    time.Duration
		usable bool
	}{
		{-exchange.Leeway - 1, false}, // the file is from the future
		{-exchange.Leeway, true},
		{0, true},
		{DefaultMaxAge, true},
		{DefaultMaxAge + 1, false},
	} {
		clock.set(start.Add(step.age))
		set := restarted(t, folder, b.URL, clock)
		if got := set.Status()[0]; !got.FetchedAt.Equal(start) || got.Keys != 2 || got.Usable != step.usable {
			t.Errorf("%s later: Status() = %+v", step.age, got)
		}
		if !step.usable {
			unavailable(t, set, macau, "k1")
			continue
		}
		knows(t, set, macau, "k1", key)
		if got, err := set.EncryptionKey(context.Background(), macau); err != nil || got.KeyID != "e1" {
			t.Errorf("EncryptionKey = %q, %v", got.KeyID, err)
		}
	}
}

func TestSetTakenFromDiskAgesFromItsFetch(t *testing.T) {
	folder, clock := t.TempDir(), newClock()
	b, key := newBack(t, nil), newKey(t, "k1", keys.ES256)
	b.publish(key)
	renew(t, restarted(t, folder, b.URL, clock))
	b.stop()
	clock.advance(DefaultMaxAge)
	set := restarted(t, folder, b.URL, clock)
	knows(t, set, macau, "k1", key)
	clock.advance(1)
	unavailable(t, set, macau, "k1")
}

func TestRemovedKeyIsGoneFromDisk(t *testing.T) {
	folder, clock := t.TempDir(), newClock()
	b, stays, goes := newBack(t, nil), newKey(t, "stays", keys.ES256), newKey(t, "goes", keys.ES256)
	b.publish(stays, goes)
	set := restarted(t, folder, b.URL, clock)
	renew(t, set)
	b.publish(stays)
	renew(t, set)
	b.stop()
	again := restarted(t, folder, b.URL, clock)
	knows(t, again, macau, "stays", stays)
	refuses(t, again, macau, "goes")
}

func TestBadSetNeverReachesTheDisk(t *testing.T) {
	folder := t.TempDir()
	b, key := newBack(t, nil), newKey(t, "k1", keys.ES256)
	b.publish(key)
	set := restarted(t, folder, b.URL, newClock())
	renew(t, set)
	before := content(t, folder)
	b.raw("{}")
	failing(t, set, Malformed)
	if !bytes.Equal(content(t, folder), before) {
		t.Error("the file changed")
	}
}

func content(t *testing.T, folder string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, "macau.json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCacheFileIsPrivateAndAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "trust")
	b := newBack(t, nil)
	b.publish(newKey(t, "k1", keys.ES256))
	set := restarted(t, folder, b.URL, newClock())
	renew(t, set)
	renew(t, set)
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 || entries[0].Name() != "macau.json" {
		t.Fatalf("%v, %v, want macau.json alone", entries, err)
	}
	file, err := entries[0].Info()
	if err != nil || file.Mode() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", file.Mode(), err)
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder's mode %v, %v, want 0700", info.Mode(), err)
	}
	var document map[string]any
	if err := json.Unmarshal(content(t, folder), &document); err != nil {
		t.Fatal(err)
	}
	if document["side"] != "macau" || document["source"] != b.URL || document["fetched_at"] != "2026-11-22T10:00:00Z" {
		t.Errorf("the file says %v", document)
	}
}

// Whatever stands in the file, only a good, fresh set of this side from this source is used, and New never fails for it.
func TestNothingIsBelievedAboutTheCacheFile(t *testing.T) {
	b, key := newBack(t, nil), newKey(t, "k1", keys.ES256)
	b.stop()
	good := map[string]any{
		"side": "macau", "source": b.URL, "fetched_at": start, "set": json.RawMessage(set(key)),
	}
	with := func(name string, value any) string {
		changed := map[string]any{}
		for member, original := range good {
			changed[member] = original
		}
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
		data, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, test := range []struct {
		name string
		file string
		mode os.FileMode
		used bool
	}{
		{"as it was written", with("side", "macau"), 0o600, true},
		{"readable for others", with("side", "macau"), 0o644, true},
		{"writable for the group", with("side", "macau"), 0o620, false},
		{"writable for all", with("side", "macau"), 0o602, false},
		{"of another side", with("side", "guangdong"), 0o600, false},
		{"from another source", with("source", "https://old.example/"), 0o600, false},
		{"without a date", with("fetched_at", nil), 0o600, false},
		{"with a date that is none", with("fetched_at", "yesterday"), 0o600, false},
		{"too old", with("fetched_at", start.Add(-DefaultMaxAge-1)), 0o600, false},
		{"from the future", with("fetched_at", start.Add(exchange.Leeway+1)), 0o600, false},
		{"without a set", with("set", nil), 0o600, false},
		{"with a private key", with("set", json.RawMessage(set(key.with(t, "d", "AAAA")))), 0o600, false},
		{"with the same kid twice", with("set", json.RawMessage(set(key, key))), 0o600, false},
		{"with a member of its own", with("also", 1), 0o600, false},
		{"cut", with("side", "macau")[:50], 0o600, false},
		{"empty", "", 0o600, false},
		{"with something behind", with("side", "macau") + "{}", 0o600, false},
		{"huge", with("side", "macau") + strings.Repeat(" ", maxCached), 0o600, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "macau.json")
			if err := os.WriteFile(path, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			set := restarted(t, folder, b.URL, newClock())
			if test.used {
				knows(t, set, macau, "k1", key)
			} else {
				unavailable(t, set, macau, "k1")
			}
		})
	}
}

// A disk that is full or gone is reported, and costs nothing else: the set is in use.
func TestSetIsUsedThoughItCannotBeKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "trust")
	b, key := newBack(t, nil), newKey(t, "k1", keys.ES256)
	b.publish(key)
	set := restarted(t, folder, b.URL, newClock())
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	for range breakerFailures + 2 { // nor does the breaker hold our disk against the side
		failing(t, set, Cache)
	}
	knows(t, set, macau, "k1", key)
	if failures := set.sources[macau].failures; failures != 0 {
		t.Errorf("%d failures are counted against the side", failures)
	}
}

func TestLogTellsNewsOnlyAndNoHostileText(t *testing.T) {
	var lines bytes.Buffer
	b := newBack(t, nil)
	b.publish(newKey(t, "k1", keys.ES256))
	set := open(t, Config{
		Sides: map[exchange.Side]Source{macau: {URL: b.URL}}, Clock: newClock().read, Log: slog.New(slog.NewJSONHandler(&lines, nil)),
	})
	renew(t, set)
	refuses(t, set, macau, "CANARY-KID")
	b.raw(`{"keys":[{"kid":"CANARY-SET"}]}`)
	for range 3 {
		failing(t, set, Malformed)
	}
	b.publish()
	renew(t, set)
	renew(t, set)
	if got := strings.Count(lines.String(), "\n"); got != 2 {
		t.Errorf("%d lines, want one for the failure and one for its end:\n%s", got, lines.String())
	}
	if strings.Contains(lines.String(), "CANARY") {
		t.Errorf("the log repeats what it was sent:\n%s", lines.String())
	}
}
