package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"crosscode/exchange"
)

// openStage starts the four real processes and stops them when the test ends.
func openStage(t *testing.T) (*stage, *printed) {
	t.Helper()
	return openStageWith(t, []string{"--agreement"}) // quicker than RSA, which the demo and the scripts have
}

// openStageWith gives `keys init` these flags.
func openStageWith(t *testing.T, keyFlags []string) (*stage, *printed) {
	t.Helper()
	log := new(printed)
	s := &stage{
		demoCommand: &demoCommand{Sides: filepath.Join(programs, "sides")}, out: io.Discard, log: log,
		folder: t.TempDir(), program: filepath.Join(programs, "gateway"), sides: map[string]string{},
		keyFlags: keyFlags,
	}
	if err := s.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s, log
}

// printed is everything that the processes wrote.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(data)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// TestEveryCaseOverEveryRoute takes each case that the sides know over each route that it is for, and holds the gateway to
// what the sides' own table says should come of it. Afterwards no log line, journal line or problem answer may hold
// anything of the holders.
func TestEveryCaseOverEveryRoute(t *testing.T) {
	t.Setenv("CROSSCODE_LIMITS_PER_ADDRESS_RATE", "1000")
	t.Setenv("CROSSCODE_LIMITS_PER_ADDRESS_BURST", "1000")
	s, log := openStage(t)
	var answers bytes.Buffer
	longest := 0
	taken := map[string]int{}
	for _, name := range caseNames(t) {
		for _, route := range demoRoutes {
			sealed, applies := askForCase(t, s, route.from, packetWish{To: route.to, Case: name})
			if !applies {
				continue
			}
			outcome, body := bring(t, s, sealed.Packet)
			if outcome != sealed.Expected {
				t.Errorf("%s, %s → %s: %s, want %s\n%s", name, route.from, route.to, outcome, sealed.Expected, body)
			}
			wantFamily(t, name+", "+route.from+" → "+route.to, sealed, body)
			if len(body) > 16<<10 || outcome == exchange.Issued && bytes.Contains(body, []byte(`"qr":{"receipt":""}`)) {
				t.Errorf("%s, %s → %s: an answer of %d bytes, want at most 16 KiB and nothing left out", name, route.from, route.to, len(body))
			}
			longest = max(longest, len(body))
			if outcome != exchange.Issued {
				answers.WriteString(problemWithoutReceipt(t, body))
			}
			taken[outcome]++
		}
	}
	t.Logf("outcomes: %v; the longest answer has %d bytes", taken, longest)
	for _, reason := range []exchange.Reason{exchange.ClaimsInvalid, exchange.NotGreen, exchange.NotEligible, exchange.ConvertFirst,
		exchange.DocumentNotAccepted, exchange.SourceConflict, exchange.ColourUnavailable, exchange.ConsentMissing,
		exchange.ConsentExpired, exchange.PacketExpired, exchange.NotYetValid, exchange.WrongRoute} {
		if taken[string(reason)] == 0 {
			t.Errorf("no case leads to %s", reason)
		}
	}
	journal := readBytes(t, filepath.Join(s.folder, "journal.jsonl"))
	for _, secret := range personal(t, s) {
		for where, text := range map[string]string{"log": log.String(), "journal": string(journal), "problem answers": answers.String()} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s hold %q", where, secret)
			}
		}
	}
}

// wantFamily holds an answer to who may consent, by the obstacle's id, and to the mark of an unverified holder, which the
// answer and the code itself must agree on.
func wantFamily(t *testing.T, what string, sealed sealedCase, body []byte) {
	t.Helper()
	var told struct {
		Obstacle   string `json:"obstacle"`
		Unverified bool   `json:"unverified"`
		Code       string `json:"code"`
	}
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatal(err)
	}
	if told.Obstacle != sealed.Obstacle || told.Unverified != sealed.Marked {
		t.Errorf("%s: obstacle %q, unverified %v, want %q and %v", what, told.Obstacle, told.Unverified, sealed.Obstacle, sealed.Marked)
	}
	if told.Code == "" {
		return
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(told.Code, ".")[1])
	if err != nil || bytes.Contains(claims, []byte(`"u":true`)) != sealed.Marked {
		t.Errorf("%s: the code's claims are %s, %v, want the mark %v", what, claims, err, sealed.Marked)
	}
}

// sealedCase is what a simulated side says of a packet that it made.
type sealedCase struct {
	Packet   exchange.Packet `json:"packet"`
	Expected string          `json:"expected"`
	Obstacle string          `json:"expected_obstacle"`
	Marked   bool            `json:"expected_unverified"`
}

func askForCase(t *testing.T, s *stage, from string, wish packetWish) (sealedCase, bool) {
	t.Helper()
	body, err := json.Marshal(wish)
	if err != nil {
		t.Fatal(err)
	}
	status, reply, err := s.client.send(t.Context(), http.MethodPost, s.sides[from]+"/packets", http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		t.Fatal(err)
	}
	if status == http.StatusBadRequest && strings.Contains(string(reply), "not over") {
		return sealedCase{}, false
	}
	var sealed sealedCase
	if err := json.Unmarshal(reply, &sealed); status != http.StatusOK || err != nil || sealed.Packet == "" {
		t.Fatalf("%s %+v: %d %s", from, wish, status, reply)
	}
	return sealed, true
}

// bring carries a packet to the gateway, and gives "issued" or the reason.
func bring(t *testing.T, s *stage, packet exchange.Packet) (outcome string, body []byte) {
	t.Helper()
	header := http.Header{"Content-Type": {"application/jose"}}
	_, body, err := s.client.send(t.Context(), http.MethodPost, s.gateway+"/v1/exchange", header, []byte(packet))
	if err != nil {
		t.Fatal(err)
	}
	var said answer
	if err := json.Unmarshal(body, &said); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	if said.Outcome == exchange.Issued {
		return exchange.Issued, body
	}
	return string(said.Reason), body
}

// problemWithoutReceipt leaves out what is the holder's own and masked: the tokens.
func problemWithoutReceipt(t *testing.T, body []byte) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	for _, own := range []string{"receipt", "full_receipt", "qr"} {
		delete(members, own)
	}
	return fmt.Sprintln(members)
}

func caseNames(t *testing.T) []string {
	t.Helper()
	output, err := exec.Command(filepath.Join(programs, "sides"), "cases").Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, line := range strings.Split(strings.TrimSpace(string(output)), "\n")[1:] {
		names = append(names, strings.Fields(line)[0])
	}
	if len(names) < 30 {
		t.Fatalf("only %d cases: %v", len(names), names)
	}
	return names
}

// personal lists everything that names a holder in the packets of some cases of each side.
func personal(t *testing.T, s *stage) []string {
	t.Helper()
	var secrets []string
	for _, over := range []struct{ from, to string }{{"macau", "guangdong"}, {"guangdong", "macau"}, {"hongkong", "macau"}} {
		for _, name := range []string{"green", "child", "elder", "long-name"} {
			output, err := exec.Command(filepath.Join(programs, "sides"), "seal", "--print-claims", "--from", over.from, "--to", over.to,
				"--case", name, "--gateway", s.gateway, "--data", filepath.Join(s.folder, "printed")).Output()
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, holderOf(t, output)...)
		}
	}
	if len(secrets) < 20 {
		t.Fatalf("only %d personal strings: %v", len(secrets), secrets)
	}
	return secrets
}

func holderOf(t *testing.T, claims []byte) (secrets []string) {
	t.Helper()
	var parsed struct {
		ID     string `json:"jti"`
		Holder struct {
			BirthDate string            `json:"birth_date"`
			Name      map[string]string `json:"name"`
			Documents []struct {
				Number string `json:"number"`
			} `json:"documents"`
		} `json:"holder"`
	}
	if err := json.Unmarshal(claims, &parsed); err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, parsed.Holder.BirthDate)
	for _, name := range parsed.Holder.Name {
		secrets = append(secrets, name)
	}
	for _, document := range parsed.Holder.Documents {
		secrets = append(secrets, document.Number)
	}
	return secrets
}

// TestManyCopiesOfOnePacketGiveOneCode brings 200 copies of one packet at the same time, over HTTP, to the real gateway.
func TestManyCopiesOfOnePacketGiveOneCode(t *testing.T) {
	t.Setenv("CROSSCODE_LIMITS_PER_ADDRESS_RATE", "1000")
	t.Setenv("CROSSCODE_LIMITS_PER_ADDRESS_BURST", "1000")
	s, _ := openStage(t)
	for _, run := range []struct {
		name, key        string
		issued, replayed int
	}{{"by one requester", "one-requester", 200, 0}, {"by strangers", "", 1, 199}} {
		t.Run(run.name, func(t *testing.T) {
			sealed, _ := askForCase(t, s, "macau", packetWish{To: "guangdong", Case: "green"})
			codes, counts := bringCopies(t.Context(), s, sealed.Packet, run.key, 200)
			if len(codes) != 1 {
				t.Errorf("%d different codes, want 1", len(codes))
			}
			if counts[exchange.Issued] != run.issued || counts[string(exchange.Replayed)] != run.replayed {
				t.Errorf("outcomes %v, want %d issued and %d replayed", counts, run.issued, run.replayed)
			}
		})
	}
}

// copyAnswer is what the gateway said to one of many copies.
type copyAnswer struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	CodeID  string `json:"code_id"`
}

func bringCopies(ctx context.Context, s *stage, packet exchange.Packet, key string, copies int) (codes map[string]bool, counts map[string]int) {
	codes, counts = map[string]bool{}, map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range copies {
		all.Go(func() {
			header := http.Header{"Content-Type": {"application/jose"}}
			if key != "" {
				header.Set("Idempotency-Key", key)
			}
			var said copyAnswer
			for range 100 { // who comes while the first copy is in hand waits, and is then asked to come again
				_, body, err := s.client.send(ctx, http.MethodPost, s.gateway+"/v1/exchange", header, []byte(packet))
				if said = (copyAnswer{}); err != nil || json.Unmarshal(body, &said) != nil {
					said.Reason = "no answer"
				}
				if said.Reason != string(exchange.Unavailable) {
					break
				}
				time.Sleep(200 * time.Millisecond)
			}
			mu.Lock()
			defer mu.Unlock()
			if said.Outcome == exchange.Issued {
				codes[said.CodeID] = true
				said.Reason = exchange.Issued
			}
			counts[said.Reason]++
		})
	}
	all.Wait()
	return codes, counts
}

func readBytes(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
