package api

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crosscode/exchange"
)

// officerText is the officers' page's sentences in one language.
func officerText(t *testing.T, language string) map[string]string {
	t.Helper()
	data, err := os.ReadFile("web/officer/texts." + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]string{}
	if err := json.Unmarshal(data, &words); err != nil {
		t.Fatal(err)
	}
	return words
}

func TestTheOfficersPageIsServedUnderItsPolicy(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/officer/", "/officer/officer.js", "/officer/sw.js"} {
		got := w.want(get(path), http.StatusOK)
		policy := got.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'",
			"require-trusted-types-for 'script'", "trusted-types crosscode-officer"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: no %q in %q", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", path, got.header)
		}
		if !strings.HasPrefix(got.header.Get("Permissions-Policy"), "camera=(self)") {
			t.Errorf("%s: permissions %q", path, got.header.Get("Permissions-Policy"))
		}
	}
	w.want(get("/officer/index.htm"), http.StatusNotFound)
	w.want(get("/officer/..%2fstyle.css"), http.StatusNotFound)
}

// TestEveryFileOfTheShellIsServed: one file that is missing, and the service worker is not installed at all.
func TestEveryFileOfTheShellIsServed(t *testing.T) {
	w := newWorld(t)
	script := string(w.want(get("/officer/sw.js"), http.StatusOK).body)
	line, _, _ := strings.Cut(script, "\n")
	var list struct {
		Version string   `json:"version"`
		Files   []string `json:"files"`
	}
	if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(line, "const SHELL = "), ";")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Version) != 16 || len(list.Files) < 15 {
		t.Errorf("version %q, %d files", list.Version, len(list.Files))
	}
	for _, file := range list.Files {
		w.want(get(file), http.StatusOK)
	}
	index := string(officerAssets["index.html"].body)
	for _, used := range regexp.MustCompile(`(?:href|src)="(/[^"#]+)"`).FindAllStringSubmatch(index, -1) {
		if !slices.Contains(list.Files, used[1]) {
			t.Errorf("the page uses %s, which its shell does not keep", used[1])
		}
	}
	for name, each := range officerAssets {
		for _, used := range regexp.MustCompile(`(?:from|import\() ?'(/[^']+)'`).FindAllSubmatch(each.body, -1) {
			if !slices.Contains(list.Files, string(used[1])) {
				t.Errorf("%s imports %s, which its shell does not keep", name, used[1])
			}
		}
	}
}

func TestAChangedFileIsANewServiceWorker(t *testing.T) {
	changed := maps.Clone(officerAssets)
	changed[workerName] = asset{body: []byte("self.x")}
	before := withWorker(maps.Clone(changed))[workerName].body
	changed["officer.js"] = asset{body: []byte("another release")}
	if bytes.Equal(before, withWorker(changed)[workerName].body) {
		t.Error("a browser would go on with the old files")
	}
}

func TestTheOfficersPageHasNoInlineScriptOrStyle(t *testing.T) {
	for name, each := range officerAssets {
		if filepath.Ext(name) == ".html" {
			for _, inline := range []string{`<style`, ` style="`, `javascript:`, ` onclick=`, ` onload=`, `<script>`} {
				if bytes.Contains(each.body, []byte(inline)) {
					t.Errorf("%s holds %s", name, inline)
				}
			}
		}
		for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "document.cookie"} {
			if filepath.Ext(name) == ".js" && bytes.Contains(each.body, []byte(sink)) {
				t.Errorf("%s uses %s", name, sink)
			}
		}
	}
}

// usedText finds the keys of sentences that the page names whole.
var usedText = regexp.MustCompile(`data-t="([a-z.-]+)"|\bt\('([a-z.-]+)'`)

func TestTheOfficersPageSpeaksFourLanguages(t *testing.T) {
	english := officerText(t, "en")
	for _, language := range exchange.Languages() {
		words := officerText(t, language)
		if !slices.Equal(slices.Sorted(maps.Keys(words)), slices.Sorted(maps.Keys(english))) {
			t.Errorf("%s has other sentences than English", language)
		}
		for key, sentence := range words {
			if strings.TrimSpace(sentence) == "" {
				t.Errorf("%s.%s is empty", language, key)
			}
			if !slices.Equal(places(sentence), places(english[key])) {
				t.Errorf("%s.%s: places %v, English has %v", language, key, places(sentence), places(english[key]))
			}
		}
	}
	for _, name := range []string{"index.html", "officer.js"} {
		for _, used := range usedText.FindAllSubmatch(officerAssets[name].body, -1) {
			key := string(used[1]) + string(used[2])
			if _, there := english[key]; !there && !strings.HasSuffix(key, ".") {
				t.Errorf("%s uses the sentence %q, which is not there", name, key)
			}
		}
	}
}

func places(sentence string) []string {
	found := regexp.MustCompile(`\{\w+\}`).FindAllString(sentence, -1)
	slices.Sort(found)
	return found
}

// TestEveryCategoryHasAWordAndAReason: the sentences for a verdict are found by its name.
func TestEveryCategoryHasAWordAndAReason(t *testing.T) {
	texts, err := loadTable(issuer)
	if err != nil {
		t.Fatal(err)
	}
	english, device := officerText(t, "en"), string(officerAssets["device.js"].body)
	for category := range texts.Categories {
		for _, key := range []string{"word." + string(category), "why." + string(category)} {
			if english[key] == "" {
				t.Errorf("no sentence %s", key)
			}
		}
		if !strings.Contains(device, "'"+string(category)+"'") {
			t.Errorf("%s is not counted", category)
		}
	}
	for _, reason := range []string{"stale", "future", "unreadable", "rolled-back", "missing"} {
		if english["bundle."+reason+".head"] == "" || english["bundle."+reason+".body"] == "" {
			t.Errorf("no sentences for a bundle that is %s", reason)
		}
	}
}

func TestTheManifestNamesFilesThatAreThere(t *testing.T) {
	var manifest struct {
		StartURL string `json:"start_url"`
		Scope    string `json:"scope"`
		Icons    []struct{ Src, Sizes string }
	}
	if err := json.Unmarshal(officerAssets["manifest.webmanifest"].body, &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.StartURL != officerPath || manifest.Scope != officerPath || len(manifest.Icons) < 3 {
		t.Errorf("%+v", manifest)
	}
	for _, icon := range manifest.Icons {
		if _, there := officerAssets[icon.Src]; !there {
			t.Errorf("no icon %s", icon.Src)
		}
	}
}

// Ports are data: every port of every route has its name on the officers' page, in each language, whoever adds it.
func TestTheOfficersPageNamesEveryPort(t *testing.T) {
	w := newWorld(t)
	named := 0
	for _, language := range exchange.Languages() {
		var words map[string]string
		if err := json.Unmarshal(w.want(get("/officer/texts."+language+".json"), http.StatusOK).body, &words); err != nil {
			t.Fatal(err)
		}
		for _, route := range w.server.routes {
			for _, port := range w.server.portsOn(route) {
				named++
				if words["port."+string(port.ID)] != port.Name.In(language) || port.Name.In(language) == "" {
					t.Errorf("%s: %s is called %q", language, port.ID, words["port."+string(port.ID)])
				}
			}
		}
	}
	if named == 0 {
		t.Error("no route has a port")
	}
}
