package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crosscode/api/guide"
	"crosscode/exchange"
	"crosscode/exchange/clock"
	"crosscode/exchange/exchangetest/skipped"
)

// examplesFolder is where the guide's examples are. `make example-tools` puts npm's jose beside them.
const examplesFolder = "../../api/guide/examples"

// python is Debian's own, for which python3-jwcrypto is.
const python = "/usr/bin/python3"

// sealers run each example; the arguments of an example follow.
var sealers = []struct {
	name, get string
	there     func() bool
	command   []string
}{
	{"npm jose", "apt-get install nodejs npm, then make example-tools",
		func() bool { return runs("node", "--version") && isThere("node_modules/jose/package.json") },
		[]string{"node", "seal.mjs"}},
	{"jwcrypto", "apt-get install python3-jwcrypto",
		func() bool { return runs(python, "-c", "import jwcrypto") }, []string{python, "seal.py"}},
	{"go-jose", "", func() bool { return true }, []string{"go", "run", "seal.go"}},
}

func runs(name string, args ...string) bool { return exec.Command(name, args...).Run() == nil }

func isThere(name string) bool {
	_, err := os.Stat(filepath.Join(examplesFolder, name))
	return err == nil
}

// TestTheGuidesExamplesGetACode runs each program of the packet guide, as it stands on the page, with a side's own key against a real
// gateway: for every alg that a side signs with and every alg that the gateway's keys are for.
func TestTheGuidesExamplesGetACode(t *testing.T) {
	if clock.Offset() != 0 {
		skipped.Test(t, "shifted clock for Node and Python", "make test runs it with the machine's own clock")
	}
	for _, flags := range [][]string{{"--agreement"}, nil} {
		s, _ := openStageWith(t, flags)
		checkServedExamples(t, s)
		for _, alg := range []string{"ES256", "EdDSA"} {
			key, claims := exampleKey(t, s, alg), exampleClaims(t, s)
			for _, sealer := range sealers {
				t.Run(strings.Join(append(flags, sealer.name, alg), " "), func(t *testing.T) {
					if !sealer.there() {
						skipped.Test(t, sealer.name, sealer.get)
					}
					packet := runExample(t, sealer.command, s.gateway, key, claims)
					if outcome, body := bring(t, s, exchange.Packet(packet)); outcome != exchange.Issued {
						t.Errorf("%s: %s", outcome, body)
					}
				})
			}
		}
	}
}

// checkServedExamples holds what the gateway serves to the files that are run here.
func checkServedExamples(t *testing.T, s *stage) {
	t.Helper()
	for _, name := range guide.Examples() {
		served, err := s.client.get(t.Context(), s.gateway+"/guide/"+name)
		if err != nil || !bytes.Equal(served, readBytes(t, filepath.Join(examplesFolder, name))) {
			t.Errorf("%s is not served as it is: %v", name, err)
		}
	}
}

func runExample(t *testing.T, command []string, args ...string) string {
	t.Helper()
	program := exec.Command(command[0], append(command[1:len(command):len(command)], args...)...)
	program.Dir = examplesFolder
	var complaint bytes.Buffer
	program.Stderr = &complaint
	packet, err := program.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaint.String())
	}
	return string(packet)
}

// exampleKey is Macau's private key for this alg, in a file of its own.
func exampleKey(t *testing.T, s *stage, alg string) string {
	t.Helper()
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(readBytes(t, filepath.Join(s.folder, "macau", "macau.keys.json")), &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		if key["alg"] == alg {
			return keepJSON(t, key)
		}
	}
	t.Fatalf("Macau has no key for %s", alg)
	return ""
}

// exampleClaims are the guide's, with the times of now and the hash of the published text: what the page tells a reader to put in.
func exampleClaims(t *testing.T, s *stage) string {
	t.Helper()
	var claims struct {
		Iss          string           `json:"iss"`
		Dst          string           `json:"dst"`
		Port         string           `json:"port"`
		Channel      string           `json:"channel"`
		Holder       json.RawMessage  `json:"holder"`
		Consent      map[string]any   `json:"consent"`
		Health       map[string]any   `json:"health"`
		Evidence     []map[string]any `json:"evidence"`
		Declarations []any            `json:"declarations"`
	}
	decoder := json.NewDecoder(bytes.NewReader(readBytes(t, filepath.Join(examplesFolder, "claims.json"))))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&claims); err != nil {
		t.Fatal(err)
	}
	now := clock.Now().In(exchange.Zone)
	claims.Consent["given_at"], claims.Health["as_of"] = now.Format(time.RFC3339), now.Format(time.RFC3339)
	claims.Evidence[0]["sampled_at"] = now.AddDate(0, 0, -1).Format(time.RFC3339)
	claims.Consent["sha256"] = publishedHash(t, s, claims.Consent["text"].(string), claims.Consent["lang"].(string))
	return keepJSON(t, claims)
}

func publishedHash(t *testing.T, s *stage, id, language string) string {
	t.Helper()
	route, _, _ := strings.Cut(id, "/")
	body, err := s.client.get(t.Context(), s.gateway+"/v1/consents/"+route)
	var published struct {
		Consents []struct {
			ID    string `json:"id"`
			Texts map[string]struct {
				SHA256 string `json:"sha256"`
			} `json:"texts"`
		} `json:"consents"`
	}
	if err != nil || json.Unmarshal(body, &published) != nil {
		t.Fatalf("%v %s", err, body)
	}
	for _, text := range published.Consents {
		if text.ID == id {
			return text.Texts[language].SHA256
		}
	}
	t.Fatalf("%s is not published", id)
	return ""
}

func keepJSON(t *testing.T, value any) string {
	t.Helper()
	written, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "kept.json")
	if err := os.WriteFile(name, written, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
