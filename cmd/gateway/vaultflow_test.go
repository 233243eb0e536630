package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crosscode/crypto/transit"
	"crosscode/crypto/transit/transittest"
	"crosscode/exchange"
)

// TestAGatewayOverVault runs the whole path with its private keys in a real Vault: issued and refused packets, an outage in
// which no packet is burnt, a rotation, and an audit log that knows nobody.
func TestAGatewayOverVault(t *testing.T) {
	v := transittest.Start(t, transittest.Audit(), transittest.Unmounted())
	t.Setenv("VAULT_ADDR", v.Address)
	t.Setenv("VAULT_TOKEN", v.Token)
	if out, err := runVault(t, "init", "--bits", "2048"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := &stage{
		demoCommand: &demoCommand{Sides: filepath.Join(programs, "sides")}, out: new(printed), log: new(printed),
		folder: t.TempDir(), program: filepath.Join(programs, "gateway"), sides: map[string]string{},
	}
	useVault(t, s, v)
	if err := s.startAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})

	for name, want := range map[string]string{"green": exchange.Issued, "stale-test": string(exchange.NotEligible), "bad-document": string(exchange.ClaimsInvalid)} {
		sealed, _ := askForCase(t, s, "macau", packetWish{To: "guangdong", Case: name})
		if outcome, body := bring(t, s, sealed.Packet); outcome != want {
			t.Errorf("%s: %s, want %s\n%s", name, outcome, want, body)
		}
	}
	if outcome, _ := bring(t, s, "eyJhbGciOiJub25lIn0.e30."); outcome != string(exchange.PacketRefused) {
		t.Errorf("nonsense: %s", outcome)
	}

	t.Run("a sealed Vault burns no packet", func(t *testing.T) { outage(t, s, v) })
	t.Run("a rotation loses no packet", func(t *testing.T) { rotation(t, s) })
	t.Run("a bundle signed by Vault is read like any other", func(t *testing.T) { offline(t, s) })
	t.Run("the audit log knows nobody", func(t *testing.T) {
		audited := v.AuditLog(t)
		if !bytes.Contains(audited, []byte("sign/gd")) {
			t.Fatal("the audit log does not even show the signatures")
		}
		for _, secret := range personal(t, s) {
			if bytes.Contains(audited, []byte(secret)) {
				t.Errorf("the audit log holds %q", secret)
			}
		}
	})
}

// useVault writes a configuration whose keys are in Vault, with a token that may do what the gateway must and nothing else.
func useVault(t *testing.T, s *stage, v *transittest.Vault) {
	t.Helper()
	if err := s.configure(t.Context()); err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(s.folder, "token")
	if err := os.WriteFile(token, []byte(v.NewToken(t, time.Hour, transit.GatewayPolicy)), 0o600); err != nil {
		t.Fatal(err)
	}
	text := string(readBytes(t, s.configFile()))
	keys := fmt.Sprintf("keys: {kind: vault, vault: {address: %q, login: {method: token-file, token_file: token}}}", v.Address)
	replaced := strings.Replace(text, "keys: {kind: embedded, file: keys.json}", keys, 1)
	if replaced == text {
		t.Fatal("the demo's configuration no longer has the keys that this test replaces")
	}
	if err := os.WriteFile(s.configFile(), []byte(replaced), 0o600); err != nil {
		t.Fatal(err)
	}
}

func outage(t *testing.T, s *stage, v *transittest.Vault) {
	sealed, _ := askForCase(t, s, "macau", packetWish{To: "guangdong", Case: "green"})
	v.Seal(t)
	header := http.Header{"Content-Type": {"application/jose"}}
	status, body, err := s.client.send(t.Context(), http.MethodPost, s.gateway+"/v1/exchange", header, []byte(sealed.Packet))
	if err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("%d %s %v, want 503", status, body, err)
	}
	if !answers(t.Context(), s.gateway+"/livez") {
		t.Error("not live while Vault is sealed")
	}
	waitUntil(t, "not ready", func() bool { return !answers(t.Context(), s.gateway+"/readyz") })
	v.Unseal(t)
	waitUntil(t, "ready again", func() bool { return answers(t.Context(), s.gateway+"/readyz") })
	if outcome, body := bring(t, s, sealed.Packet); outcome != exchange.Issued {
		t.Errorf("the same packet after the outage: %s\n%s", outcome, body)
	}
}

// waitUntil allows ten seconds, within which the gateway must notice.
func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 100 {
		if done() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("not %s within 10 s", what)
}

func rotation(t *testing.T, s *stage) {
	old, _ := askForCase(t, s, "macau", packetWish{To: "guangdong", Case: "green"})
	for _, name := range []string{"packet-mo", "gd"} {
		if out, err := run1(t.Context(), s.program, "keys", "rotate", name, "--config", s.configFile()); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if outcome, body := bring(t, s, old.Packet); outcome != exchange.Issued {
		t.Errorf("a packet sealed to the old version: %s\n%s", outcome, body)
	}
	waitUntil(t, "published", func() bool {
		set, err := s.client.get(t.Context(), s.gateway+"/.well-known/jwks.json")
		return err == nil && bytes.Contains(set, []byte(`"packet-mo.2.`)) && bytes.Contains(set, []byte(`"gd.2.`))
	})
	fresh, _ := askForCase(t, s, "macau", packetWish{To: "guangdong", Case: "green"})
	if outcome, body := bring(t, s, fresh.Packet); outcome != exchange.Issued {
		t.Errorf("a packet after the rotation: %s\n%s", outcome, body)
	}
}

// offline takes a code that Vault signed to both verifiers, which know nothing of where a key lives.
func offline(t *testing.T, s *stage) {
	for _, act := range []error{s.fetchBundle(t.Context()), s.route(t.Context(), "macau", "guangdong", "gongbei")} {
		if act != nil {
			t.Error(act)
		}
	}
}
