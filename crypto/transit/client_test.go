package transit

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"crosscode/crypto/keys"
	"crosscode/crypto/transit/transittest"
)

func TestAddressesThatAreRefused(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]ClientConfig{
		"nothing":                           {},
		"a name without a scheme":           {Address: "vault:8200"},
		"http to another machine":           {Address: "http://vault.example:8200"},
		"http with a CA file":               {Address: "http://127.0.0.1:8200", CAFile: ca},
		"https without a CA file":           {Address: "https://vault.example:8200"},
		"https with a CA file that is none": {Address: "https://vault.example:8200", CAFile: ca},
		"https with a CA file that is gone": {Address: "https://vault.example:8200", CAFile: ca + ".gone"},
		"a path":                            {Address: "http://127.0.0.1:8200/vault"},
		"a user":                            {Address: "http://u:p@127.0.0.1:8200"},
		"a query":                           {Address: "http://127.0.0.1:8200?x=1"},
		"another scheme":                    {Address: "ftp://127.0.0.1"},
		"a socket without a path":           {Address: "unix://"},
		"a socket on a host":                {Address: "unix://host/socket"},
		"a socket with a server name":       {Address: "unix:///socket", ServerName: "vault"},
		"a role without an id":              {Address: "http://127.0.0.1:8200", Login: AppRole{}},
		"Kubernetes without a role":         {Address: "http://127.0.0.1:8200", Login: Kubernetes{}},
		"a token file without a path":       {Address: "http://127.0.0.1:8200", Login: TokenFile{}},
		"a token of two lines":              {Address: "http://127.0.0.1:8200", Login: Token("a\nb")},
		"a login mount that climbs":         {Address: "http://127.0.0.1:8200", Login: AppRole{RoleID: "r", Mount: "../sys"}},
	} {
		t.Run(name, func(t *testing.T) {
			if client, err := NewClient(config); err == nil {
				client.Close()
				t.Error("accepted")
			}
		})
	}
}

func TestNothingComesFromTheEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"VAULT_TOKEN": "hvs.environment", "VAULT_NAMESPACE": "environment", "VAULT_HEADERS": `{"X-Environment": "1"}`,
		"VAULT_WRAP_TTL": "60s", "VAULT_MAX_RETRIES": "9", "VAULT_ADDR": "http://127.0.0.1:1",
	} {
		t.Setenv(name, value)
	}
	var got []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	client := open(t, ClientConfig{Address: server.URL, Namespace: "border/macau", Login: Agent{}})
	if reply, err := client.Call(t.Context(), http.MethodPost, "transit/sign/mo", []byte(`{}`)); err != nil || reply.Status != 500 {
		t.Errorf("Call = %v, %v", reply, err)
	}
	if _, err := client.Health(t.Context()); !isKind(err, Broken) {
		t.Errorf("Health: %v", err)
	}
	if len(got) != 2 {
		t.Fatalf("%d requests for two calls: the client retries", len(got))
	}
	for _, header := range []string{"X-Vault-Token", "X-Environment", "X-Vault-Wrap-Ttl"} {
		if value := got[0].Get(header); value != "" {
			t.Errorf("%s: %s", header, value)
		}
	}
	if got[0].Get("X-Vault-Namespace") != "border/macau" || got[0].Get("X-Vault-Request") != "true" {
		t.Errorf("namespace or request header missing: %v", got[0])
	}
	if got[1].Get("X-Vault-Namespace") != "" {
		t.Error("sys/health, which only the root namespace has, is asked in another one")
	}
}

func TestWhatStatusesMean(t *testing.T) {
	for status, want := range map[int]Kind{
		301: Redirected, 307: Redirected, 400: Refused, 401: Denied, 403: Denied, 404: Missing, 405: Refused, 412: Refused,
		429: Busy, 472: Redirected, 473: Redirected, 500: Broken, 501: Sealed, 502: Broken, 503: Sealed, 504: Broken,
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.Header().Set("Location", "http://127.0.0.1:1/")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(`{"errors":["a canary\n\u001b[31m"]}`))
			}))
			defer server.Close()
			client := open(t, ClientConfig{Address: server.URL, Login: Agent{}})
			err := client.ask(t.Context(), http.MethodGet, "transit/keys/mo", nil, nil)
			var fault *Fault
			if !errors.As(err, &fault) || fault.Kind != want || fault.Status != status || fault.After != 7*time.Second {
				t.Fatalf("got %#v, want %s", err, want)
			}
			if !errors.Is(err, keys.ErrUnavailable) {
				t.Error("is not keys.ErrUnavailable")
			}
			if strings.Contains(err.Error(), "canary") {
				t.Error("the error quotes Vault")
			}
			if full := InFull(err); !strings.HasSuffix(full, "a canary [31m") {
				t.Errorf("InFull = %q", full)
			}
		})
	}
}

func TestAnswersAreBounded(t *testing.T) {
	for length, want := range map[int]bool{maxAnswer: true, maxAnswer + 1: false, 8 * maxAnswer: false} {
		for _, status := range []int{200, 500} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write(make([]byte, length))
			}))
			client := open(t, ClientConfig{Address: server.URL, Login: Agent{}})
			reply, err := client.Call(t.Context(), http.MethodGet, "transit/keys/mo", nil)
			if want && (err != nil || len(reply.Body) != length) || !want && !isKind(err, Broken) {
				t.Errorf("%d bytes with status %d: %v", length, status, err)
			}
			server.Close()
		}
	}
}

func TestStandbyIsNotFollowed(t *testing.T) {
	v := transittest.Start(t, transittest.Standby())
	client := open(t, ClientConfig{Address: v.Standby, Login: Agent{}})
	reply, err := client.Call(t.Context(), http.MethodGet, v.Mount+"/keys/mo", nil)
	if err != nil || reply.Status != http.StatusTemporaryRedirect || reply.Header.Get("Location") == "" {
		t.Fatalf("Call = %d, %v", reply.Status, err)
	}
	if health, err := client.Health(t.Context()); err != nil || !health.Standby || health.Sealed {
		t.Errorf("Health = %+v, %v", health, err)
	}
	if _, err := openRoot(t, &transittest.Vault{Address: v.Standby, Token: v.Token}).Call(t.Context(), http.MethodGet, "sys/mounts", nil); !isKind(err, Redirected) {
		t.Errorf("a login at a standby: %v", err)
	}
}

func TestOnlyThePinnedAuthorityIsTrusted(t *testing.T) {
	v, other := transittest.Start(t, transittest.TLS()), transittest.Start(t, transittest.TLS())
	_, port, _ := strings.Cut(strings.TrimPrefix(v.Address, "https://"), ":")
	for name, test := range map[string]struct {
		config ClientConfig
		trust  bool
	}{
		"its own authority":                    {ClientConfig{Address: v.Address, CAFile: v.CAFile}, true},
		"another authority":                    {ClientConfig{Address: v.Address, CAFile: other.CAFile}, false},
		"another name than in the certificate": {ClientConfig{Address: v.Address, CAFile: v.CAFile, ServerName: "vault.example"}, false},
		"the name in the certificate":          {ClientConfig{Address: v.Address, CAFile: v.CAFile, ServerName: "localhost"}, true},
		"TLS spoken in the clear":              {ClientConfig{Address: "http://127.0.0.1:" + port}, false},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := &recorder{}
			test.config.Login, test.config.Wrap = Token(v.Token), recorder.wrap
			_, err := open(t, test.config).Call(t.Context(), http.MethodGet, "sys/mounts", nil)
			if test.trust != (err == nil) {
				t.Fatalf("err = %v", err)
			}
			if !test.trust && !isKind(err, Unreachable) && !isKind(err, Refused) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func TestOutagesAndBack(t *testing.T) {
	v := transittest.Start(t, transittest.Controlled())
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(v.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	client := open(t, ClientConfig{Address: v.Address, Login: TokenFile{token}, Timeout: 500 * time.Millisecond})
	ask := func() error { return client.ask(t.Context(), http.MethodGet, "sys/mounts", nil, nil) }
	works := func() {
		t.Helper()
		begun := time.Now()
		for err := ask(); err != nil; err = ask() {
			if time.Since(begun) > 10*time.Second {
				t.Fatalf("not back after ten seconds: %v", err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	works()
	v.Seal(t)
	if err := ask(); !isKind(err, Sealed) {
		t.Errorf("sealed: %v", err)
	}
	if health, err := client.Health(t.Context()); err != nil || !health.Sealed || !health.Initialised {
		t.Errorf("Health of a sealed Vault = %+v, %v", health, err)
	}
	v.Unseal(t)
	works()
	v.Pause(t)
	if err := ask(); !isKind(err, Slow) {
		t.Errorf("paused: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := client.Call(ctx, http.MethodGet, "sys/mounts", nil); !errors.Is(err, context.Canceled) || errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("a caller who has gone: %v", err)
	}
	v.Resume(t)
	works()
	v.Kill(t)
	if err := ask(); !isKind(err, Unreachable) {
		t.Errorf("killed: %v", err)
	}
	v.Restart(t, false)
	works()
}

// TestNoRequestCarriesAPaddingScheme runs a whole ring against a real Vault. Vault takes padding_scheme inside a batch item,
// where no policy can forbid it: pkcs1v15 there would make it a Bleichenbacher oracle.
func TestNoRequestCarriesAPaddingScheme(t *testing.T) {
	v := transittest.Start(t)
	recorder := &recorder{}
	client := open(t, ClientConfig{
		Address: v.Address, CAFile: v.CAFile, Namespace: v.Namespace, Login: Token(v.Token), Timeout: 20 * time.Second, Wrap: recorder.wrap,
	})
	plan := plan(t, v.Mount)
	if _, err := Init(t.Context(), client, plan); err != nil {
		t.Fatal(InFull(err))
	}
	useEverything(t, client, plan)
	Check(t.Context(), client, plan)
	operations := map[string]int{"/decrypt/packet-gd": 0, "/sign/mo/sha2-256": 0, "/keys/mo/rotate": 0, "/keys/mo": 0}
	for _, one := range recorder.all() {
		if strings.Contains(one.path, "/sys/policies/") {
			continue // a policy says why not
		}
		if text := strings.ToLower(one.path + one.body); strings.Contains(text, "padding") || strings.Contains(text, "pkcs1") {
			t.Errorf("%s %s names a padding scheme", one.method, one.path)
		}
		for operation := range operations {
			if strings.HasSuffix(one.path, operation) {
				operations[operation]++
			}
		}
		if strings.Contains(one.path, "/sign/") {
			var body map[string]any
			if err := json.Unmarshal([]byte(one.body), &body); err != nil || body["prehashed"] != true || body["key_version"] == nil {
				t.Errorf("%s is not of a digest by a named version", one.path)
			}
		}
	}
	for operation, count := range operations {
		if count == 0 {
			t.Errorf("the test has not seen %s", operation)
		}
	}
}
