package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/exchange/clock"
)

// closedVersion is what an operator writes into a rulebook: closed from an instant on.
const closedVersion = `  - from: %s
    until: %s
    source: https://example.org/emergency
    confidence: official
    note: closed at run time
    closed: true
    advice:
      title: {zh-Hans: 一, zh-Hant: 一, en: a, pt: a}
      remedy: {zh-Hans: 一, zh-Hant: 一, en: a, pt: a}
      contact: {zh-Hans: 一, zh-Hant: 一, en: a, pt: a}

`

// closes puts a rulebook of Guangdong into a folder that is closed between two minutes, and as ever before and after.
func closes(t *testing.T, folder string, since, until time.Time) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "jurisdictions", "guangdong", "rulebook.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const begin = "  - from: 2026-01-01T00:00+08:00\n"
	past, standing, found := strings.Cut(string(data), begin)
	if !found {
		t.Fatal("there is no standing version")
	}
	from, to := minute(since), minute(until)
	text := past + begin + "    until: " + from + "\n" + standing + "\n" + fmt.Sprintf(closedVersion, from, to) + "  - from: " + to + "\n" + standing
	whole := filepath.Join(t.TempDir(), "guangdong.yaml")
	if err := os.WriteFile(whole, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(whole, filepath.Join(folder, "guangdong.yaml")); err != nil {
		t.Fatal(err)
	}
}

func minute(instant time.Time) string {
	return instant.In(exchange.Zone).Format("2006-01-02T15:04-07:00")
}

// shownTime is how the page writes an instant.
func shownTime(instant time.Time) string {
	return instant.In(exchange.Zone).Format("2006-01-02 15:04") + " UTC+8"
}

// sentence is one of the officers' page's own.
func sentence(t *testing.T, language, key string, since, reopened time.Time) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "api", "web", "officer", "texts."+language+".json"))
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]string{}
	if err := json.Unmarshal(data, &words); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("{since}", shownTime(since), "{reopened}", shownTime(reopened)).Replace(words[key])
}

// TestOfficerSeesSinceWhenARouteIsClosed closes Guangdong's border at run time, for half an hour, and shows codes from before:
// while it is closed, and on a device whose clock has it open again.
func TestOfficerSeesSinceWhenARouteIsClosed(t *testing.T) {
	browser := commonBrowser(t)
	folder := t.TempDir()
	w := ownWorld(t, `overrides: ""`, "overrides: "+folder, "reload: 10s", "reload: 1s")
	void, green := w.issue(t, "macau", "guangdong"), w.issue(t, "hongkong", "macau")
	since := clock.Now().Truncate(time.Minute)
	until := since.Add(30 * time.Minute)
	closes(t, folder, since, until)
	t.Parallel() // the minute that a bundle may take passes while other tests run
	w.awaitBundle(t, "the closed route", func(bundle told) bool { return len(bundle.Closings) > 0 })

	b := newTab(t, w, browser)
	b.installed()
	b.paste(green.QR.Code)
	b.verdict("valid")
	b.next()
	b.paste(void.QR.Code)
	b.verdict("route-closed")
	for _, language := range exchange.Languages() {
		b.speak(language, "#verdict-why")
		if got, want := b.text("#verdict-why"), sentence(t, language, "why.route-closed-since", since, until); got != want {
			t.Errorf("%s: %q, want %q", language, got, want)
		}
	}
	if b.sees("#tail-form") {
		t.Error("the page asks for the document of a code that lets nobody pass")
	}
	b.paste(void.QR.Receipt)
	b.verdict("route-closed")

	later := newTab(t, w, browser)
	later.skewed(until.Sub(clock.Now()) + time.Second)
	later.installed()
	later.paste(void.QR.Code)
	later.verdict("route-closed")
	if got, want := later.text("#verdict-why"), sentence(t, "en", "why.route-closed-between", since, until); got != want {
		t.Errorf("open again: %q, want %q", got, want)
	}
}
