package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"crosscode/exchange"
	"crosscode/exchange/clock"
	"crosscode/exchange/exchangetest/skipped"
)

// TestTheClientInNode runs web/client/*.test.mjs: the client against the table of vectors, as it is kept and as it is signed
// at this moment, and, in a context that has only what a mini-program has, against a real server. Without Node nothing would
// hold the client to the gateway.
func TestTheClientInNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		skipped.Test(t, "Node.js", "apt-get install nodejs (20 or later)")
	}
	folder := t.TempDir()
	fresh, module := filepath.Join(folder, "vectors.json"), filepath.Join(folder, "crosscode.cjs")
	w := newWorldAt(t, clock.Now(), func(c *Config) { c.Clock = clock.Now })
	for _, packet := range []string{"green", "withdrawn"} {
		w.arrive(packet)
	}
	w.arrive("refused", func(arrived *traveller) {
		arrived.entry = rule("guangdong.entry.negative-test", exchange.Fails, exchange.NotEligible)
	})
	server := httptest.NewServer(w.server.Handler())
	defer server.Close()
	for name, data := range map[string][]byte{fresh: signVectors(t).written(t), module: clientAssets["crosscode.cjs"].body} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob("web/client/*.test.mjs")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d test files, %v: want 3", len(files), err)
	}
	command := exec.CommandContext(t.Context(), node, append([]string{"--test", "--test-reporter=tap"}, files...)...)
	command.Env = append(os.Environ(), "CROSSCODE_VECTORS="+fresh, "CROSSCODE_CJS="+module, "CROSSCODE_GATEWAY="+server.URL)
	output, err := command.CombinedOutput()
	if err != nil || !bytes.Contains(output, []byte("\n# fail 0\n")) || bytes.Contains(output, []byte("\n# tests 0\n")) {
		t.Errorf("node --test: %v\n%s", err, failed(output))
	}
}

// failed leaves the tests that passed out of Node's report.
func failed(output []byte) string {
	var kept []string
	for _, line := range strings.Split(string(output), "\n") {
		passed := regexp.MustCompile(`^\s*(ok |# Subtest|---|\.\.\.|duration_ms|type:|1\.\.)`).MatchString(line)
		if !passed && strings.TrimSpace(line) != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept[:min(len(kept), 120)], "\n")
}

func TestTheClientIsServedToAnyPage(t *testing.T) {
	w := newWorld(t)
	request := get("/client/crosscode.js")
	request.Header.Set("Origin", "https://anywhere.example")
	got := w.want(request, http.StatusOK)
	if got.header.Get("Access-Control-Allow-Origin") != "*" || got.header.Get("ETag") == "" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/javascript") {
		t.Errorf("headers %v", got.header)
	}
	again := get("/client/crosscode.js")
	again.Header.Set("If-None-Match", got.header.Get("ETag"))
	w.want(again, http.StatusNotModified)
	w.want(get("/client/crosscode.test.mjs"), http.StatusNotFound)
	w.want(get("/client/..%2fofficer%2findex.html"), http.StatusNotFound)

	sum := sha256.Sum256(got.body)
	about := w.want(get("/.well-known/code-exchange"), http.StatusOK)
	if about.member("client", "sha256") != hex.EncodeToString(sum[:]) || about.member("client", "url") != issuer+"/client/crosscode.js" {
		t.Errorf("the metadata tells %s %s", about.member("client", "url"), about.member("client", "sha256"))
	}
}

// TestTheClientDependsOnNothing: a mini-program copies one file.
func TestTheClientDependsOnNothing(t *testing.T) {
	for _, foreign := range []string{"import ", "import(", "require(", "document.", "window.", "new URL", "TextEncoder(", "atob(", "eval(", "innerHTML"} {
		if bytes.Contains(clientModule, []byte(foreign)) {
			t.Errorf("crosscode.js holds %q", foreign)
		}
	}
	if n := bytes.Count(clientModule, []byte("\nexport ")); n != 1 {
		t.Errorf("crosscode.js has %d export lines, want one, the last", n)
	}
}

// TestTheTypesNameEveryExport holds crosscode.d.ts to the module.
func TestTheTypesNameEveryExport(t *testing.T) {
	_, exported, _ := strings.Cut(string(clientModule), "\nexport {")
	exported, _, _ = strings.Cut(exported, "}")
	for _, name := range strings.Split(exported, ",") {
		declared := regexp.MustCompile(`export (function|class) ` + strings.TrimSpace(name) + `\b`)
		if !declared.Match(clientTypes) {
			t.Errorf("crosscode.d.ts does not declare %s", strings.TrimSpace(name))
		}
	}
}
