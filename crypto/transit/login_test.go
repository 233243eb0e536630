package transit

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"crosscode/crypto/keys"
	"crosscode/crypto/transit/transittest"
)

// prepared is a Vault with the gateway's keys and an AppRole role that has the gateway's policy.
type prepared struct {
	*transittest.Vault
	plan Plan
	role AppRole
}

// prepare sets everything up. The role's tokens live for the given times.
func prepare(t *testing.T, life, most string, options ...transittest.Option) prepared {
	t.Helper()
	v := transittest.Start(t, append(options, transittest.Controlled())...)
	p := prepared{Vault: v, plan: plan(t, v.Mount)}
	p.plan.Keys = []keys.Spec{{Name: "packet-gd", Algorithm: "RSA-OAEP-256", Bits: 2048}, {Name: "mo", Algorithm: "ES256"}}
	if _, err := Init(t.Context(), openRoot(t, v), p.plan); err != nil {
		t.Fatal(InFull(err))
	}
	v.Write(t, "sys/auth/approle", map[string]any{"type": "approle"})
	v.Write(t, "auth/approle/role/gateway", map[string]any{"token_policies": GatewayPolicy, "token_ttl": life, "token_max_ttl": most})
	id, err := v.Admin(t).Logical().Read("auth/approle/role/gateway/role-id")
	if err != nil {
		t.Fatal(err)
	}
	p.role = AppRole{RoleID: id.Data["role_id"].(string), SecretIDFile: filepath.Join(t.TempDir(), "secret-id")}
	p.newSecret(t)
	return p
}

// newSecret puts a new secret id into the file, as whoever rotates it does.
func (p prepared) newSecret(t *testing.T) {
	t.Helper()
	made := p.Write(t, "auth/approle/role/gateway/secret-id", nil)
	write(t, p.role.SecretIDFile, made.Data["secret_id"].(string)+"\n")
}

func (p prepared) config(recorder *recorder, login Login) ClientConfig {
	return ClientConfig{Address: p.Address, CAFile: p.CAFile, Login: login, Wrap: recorder.wrap}
}

func (p prepared) reads(t *testing.T, client *Client) error {
	t.Helper()
	return client.ask(t.Context(), http.MethodGet, p.Mount+"/keys/mo", nil, nil)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAppRole(t *testing.T) {
	p, recorder := prepare(t, "1h", "2h"), &recorder{}
	client := open(t, p.config(recorder, p.role))
	for range 3 {
		if err := p.reads(t, client); err != nil {
			t.Fatal(InFull(err))
		}
	}
	if count := recorder.count("/login"); count != 1 {
		t.Errorf("%d logins for three calls", count)
	}
	if !Sound(Check(t.Context(), client, p.plan)) {
		t.Errorf("Check = %v", Check(t.Context(), client, p.plan))
	}
	wrong := p.role
	wrong.SecretIDFile = filepath.Join(t.TempDir(), "secret-id")
	if err := p.reads(t, open(t, p.config(recorder, wrong))); !isKind(err, Denied) {
		t.Errorf("without a secret id: %v", err)
	}
	write(t, wrong.SecretIDFile, "00000000-0000-0000-0000-000000000000")
	if err := p.reads(t, open(t, p.config(recorder, wrong))); !isKind(err, Refused) {
		t.Errorf("with a wrong secret id: %v", err)
	}
}

func TestARevokedTokenIsReplacedOnceForAll(t *testing.T) {
	p, recorder := prepare(t, "1h", "2h"), &recorder{}
	client := open(t, p.config(recorder, p.role))
	if err := p.reads(t, client); err != nil {
		t.Fatal(InFull(err))
	}
	time.Sleep(loginSpacing) // as if the token had been in use for a while
	p.newSecret(t)
	p.Revoke(t, client.session.held.token)
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			if err := p.reads(t, client); err != nil {
				t.Error(InFull(err))
			}
		})
	}
	calls.Wait()
	// One whose refusal arrives only now finds the token renewed.
	if late, err := client.session.acquire(t.Context(), 1); err != nil || late.generation != 2 {
		t.Errorf("the token after the first: generation %d, %v", late.generation, err)
	}
	if count := recorder.count("/login"); count != 2 {
		t.Errorf("%d logins, want the first and one more", count)
	}
}

func TestARefusalByPolicyIsNoLoginStorm(t *testing.T) {
	p, recorder := prepare(t, "1h", "2h"), &recorder{}
	client := open(t, p.config(recorder, p.role))
	for range 100 {
		if err := client.ask(t.Context(), http.MethodGet, p.Mount+"/export/signing-key/mo", nil, nil); !isKind(err, Denied) {
			t.Fatalf("err = %v", err)
		}
	}
	if count := recorder.count("/login"); count > 2 {
		t.Errorf("%d logins for 100 refusals", count)
	}
	if err := p.reads(t, client); err != nil {
		t.Errorf("what is allowed does not work meanwhile: %s", InFull(err))
	}
}

func TestAnOutageIsNoLoginStorm(t *testing.T) {
	p, recorder := prepare(t, "1h", "2h"), &recorder{}
	client := open(t, p.config(recorder, p.role))
	p.Seal(t)
	begun := time.Now()
	for time.Since(begun) < time.Second {
		if err := p.reads(t, client); !isKind(err, Sealed) {
			t.Fatalf("err = %v", err)
		}
	}
	if count := recorder.count("/login"); count < 1 || count > 3 {
		t.Errorf("%d logins in a second, want at most 3", count)
	}
	p.Unseal(t)
	for err := p.reads(t, client); err != nil; err = p.reads(t, client) {
		if time.Sleep(20 * time.Millisecond); time.Since(begun) > 10*time.Second {
			t.Fatalf("not back: %v", err)
		}
	}
}

func TestATokenIsRenewedAndAtItsEndReplaced(t *testing.T) {
	p, recorder := prepare(t, "2s", "5s"), &recorder{}
	client := open(t, p.config(recorder, p.role))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { client.Run(ctx) })
	begun := time.Now()
	for time.Since(begun) < 8*time.Second {
		if err := p.reads(t, client); err != nil {
			t.Fatalf("after %s: %s", time.Since(begun), InFull(err))
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	running.Wait()
	if renewals, logins := recorder.count("/renew-self"), recorder.count("/login"); renewals < 2 || logins < 2 || logins > 4 {
		t.Errorf("%d renewals and %d logins in 8 s, of tokens that live 2 s and at most 5 s", renewals, logins)
	}
	for _, one := range recorder.all() {
		if strings.HasSuffix(one.path, "/keys/mo") && one.header.Get("X-Vault-Token") == "" {
			t.Error("a call without a token")
		}
	}
}

func TestRunLogsInAgainAfterAnOutage(t *testing.T) {
	p, recorder := prepare(t, "1h", "2h"), &recorder{}
	p.Kill(t)
	client := open(t, p.config(recorder, p.role))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { client.Run(ctx) })
	time.Sleep(2 * time.Second)
	before := len(recorder.all())
	if before < 2 || before > 6 {
		t.Errorf("%d attempts in two seconds", before)
	}
	p.Restart(t, false)
	for begun := time.Now(); recorder.count("/login") == before || p.reads(t, client) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("not logged in ten seconds after Vault's return")
		}
	}
	stop()
	running.Wait()
}

func TestTokenFileIsReadAgain(t *testing.T) {
	p, recorder := prepare(t, "1h", "2h"), &recorder{}
	path := filepath.Join(t.TempDir(), "token")
	first := p.NewToken(t, time.Hour, "default", GatewayPolicy)
	write(t, path, first+"\n")
	client := open(t, p.config(recorder, TokenFile{path}))
	if err := p.reads(t, client); err != nil {
		t.Fatal(InFull(err))
	}
	write(t, path, p.NewToken(t, time.Hour, "default", GatewayPolicy))
	p.Revoke(t, first)
	begun := time.Now()
	for err := p.reads(t, client); err != nil; err = p.reads(t, client) {
		if time.Sleep(20 * time.Millisecond); time.Since(begun) > 10*time.Second {
			t.Fatalf("the new token is not used: %v", err)
		}
	}
}

func TestSecretFilesThatAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "blank": " \n", "of two lines": "a\nb", "with a control character": "a\x00b", "beyond ASCII": "é",
		"too long": strings.Repeat("a", maxSecret+1),
	} {
		path := filepath.Join(t.TempDir(), "secret")
		write(t, path, text)
		if _, err := readSecret(path); err == nil || strings.Contains(err.Error(), "a\x00") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readSecret(t.TempDir()); err == nil {
		t.Error("a folder is accepted")
	}
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, strings.Repeat("a", maxSecret-1)+"\n")
	if secret, err := readSecret(path); err != nil || len(secret) != maxSecret-1 {
		t.Errorf("the longest secret: %d, %v", len(secret), err)
	}
}

// TestKubernetes logs in with Vault's own Kubernetes method. Only the cluster's TokenReview endpoint is played.
func TestKubernetes(t *testing.T) {
	p, recorder := prepare(t, "1h", "2h"), &recorder{}
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct {
			Spec struct {
				Token string `json:"token"`
			} `json:"spec"`
		}
		_ = json.NewDecoder(r.Body).Decode(&review)
		known := review.Spec.Token == serviceAccountToken(t)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
			"status": map[string]any{"authenticated": known, "user": map[string]any{
				"username": "system:serviceaccount:border:gateway", "uid": "d77f89bc-9055-11e7-a068-0800276d99bf",
			}},
		})
	}))
	defer cluster.Close()
	p.Write(t, "sys/auth/cluster", map[string]any{"type": "kubernetes"})
	p.Write(t, "auth/cluster/config", map[string]any{"kubernetes_host": cluster.URL, "disable_local_ca_jwt": true})
	p.Write(t, "auth/cluster/role/gateway", map[string]any{
		"bound_service_account_names": "gateway", "bound_service_account_namespaces": "border", "token_policies": GatewayPolicy,
	})
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, serviceAccountToken(t))
	client := open(t, p.config(recorder, Kubernetes{Mount: "cluster", Role: "gateway", TokenFile: path}))
	if err := p.reads(t, client); err != nil {
		t.Fatal(InFull(err))
	}
	if err := p.reads(t, open(t, p.config(recorder, Kubernetes{Mount: "cluster", Role: "other", TokenFile: path}))); err == nil {
		t.Error("a role that is not there is accepted")
	}
}

// serviceAccountToken is like a pod's token. Vault reads its claims and leaves the signature to the cluster.
var serviceAccountToken = func() func(t *testing.T) string {
	made := sync.OnceValues(func() (string, error) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", err
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
		if err != nil {
			return "", err
		}
		return jwt.Signed(signer).Claims(map[string]any{
			"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:border:gateway", "exp": time.Now().Add(time.Hour).Unix(),
			"iat": time.Now().Unix(), "kubernetes.io": map[string]any{
				"namespace":      "border",
				"serviceaccount": map[string]any{"name": "gateway", "uid": "d77f89bc-9055-11e7-a068-0800276d99bf"},
			},
		}).Serialize()
	})
	return func(t *testing.T) string {
		token, err := made()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
}()

// TestAgent goes through a socket behind which somebody else adds the token, as a Vault Agent with auto-auth does.
func TestAgent(t *testing.T) {
	p, recorder := prepare(t, "1h", "2h"), &recorder{}
	target, err := url.Parse(p.Address)
	if err != nil {
		t.Fatal(err)
	}
	token := p.NewToken(t, time.Hour, "default", GatewayPolicy)
	socket := filepath.Join(t.TempDir(), "agent.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	agent := &http.Server{ReadHeaderTimeout: time.Second, Handler: &httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true}, Rewrite: func(r *httputil.ProxyRequest) {
			if r.In.Header.Get("X-Vault-Token") != "" || r.In.Header.Get("X-Vault-Request") != "true" {
				t.Error("a token of its own, or no request header")
			}
			r.SetURL(target)
			r.Out.Header.Set("X-Vault-Token", token)
		}}}
	go func() { _ = agent.Serve(listener) }()
	defer agent.Close()
	client := open(t, ClientConfig{Address: "unix://" + socket, Login: Agent{}, Wrap: recorder.wrap})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { client.Run(ctx) })
	if err := p.reads(t, client); err != nil {
		t.Fatal(InFull(err))
	}
	if !Sound(Check(t.Context(), client, p.plan)) {
		t.Errorf("Check = %v", Check(t.Context(), client, p.plan))
	}
	stop()
	running.Wait()
	if recorder.count("/login") != 0 {
		t.Error("an agent's client logs in")
	}
}

func TestCloseGivesBackOnlyItsOwnToken(t *testing.T) {
	p := prepare(t, "1h", "2h")
	given := p.NewToken(t, time.Hour, "default", GatewayPolicy)
	for name, test := range map[string]struct {
		login Login
		lives bool
	}{"a token from a login": {p.role, false}, "a token that it was given": {Token(given), true}} {
		client, err := NewClient(p.config(&recorder{}, test.login))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.reads(t, client); err != nil {
			t.Fatal(InFull(err))
		}
		token := client.session.held.token
		client.Close()
		client.Close()
		if err := p.reads(t, client); err == nil {
			t.Error("a closed client works")
		}
		if err := p.reads(t, open(t, p.config(&recorder{}, Token(token)))); (err == nil) != test.lives {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// faulty is a login that panics, and one that never ends.
type faulty struct{ hangs bool }

func (f faulty) check() error   { return nil }
func (f faulty) String() string { return "faulty" }
func (f faulty) login(ctx context.Context, _ *Client) (lease, error) {
	if f.hangs {
		<-ctx.Done()
		return lease{}, ctx.Err()
	}
	panic("canary")
}

func TestALoginThatPanicsOrHangs(t *testing.T) {
	var log bytes.Buffer
	panics := open(t, ClientConfig{Address: "http://127.0.0.1:1", Login: faulty{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if _, err := panics.Call(t.Context(), http.MethodGet, "sys/mounts", nil); !isKind(err, Denied) {
		t.Errorf("a login that panics: %v", err)
	}
	if strings.Contains(log.String(), "canary") || !strings.Contains(log.String(), "login failed") {
		t.Errorf("log: %s", log.String())
	}
	hangs := open(t, ClientConfig{Address: "http://127.0.0.1:1", Login: faulty{hangs: true}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := hangs.Call(ctx, http.MethodGet, "sys/mounts", nil); !isKind(err, Slow) {
		t.Errorf("a login that hangs: %v", err)
	}
}

// TestTheLogHoldsNoSecret logs in, is refused and fails, and looks for what must not be in the log.
func TestTheLogHoldsNoSecret(t *testing.T) {
	p := prepare(t, "1h", "2h")
	var log bytes.Buffer
	config := p.config(&recorder{}, p.role)
	config.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := open(t, config)
	if err := p.reads(t, client); err != nil {
		t.Fatal(InFull(err))
	}
	secret, err := readSecret(p.role.SecretIDFile)
	if err != nil {
		t.Fatal(err)
	}
	wrong := config
	wrong.Login = AppRole{RoleID: "role-canary"}
	_ = p.reads(t, open(t, wrong))
	for _, secret := range []string{secret, p.role.RoleID, client.session.held.token, "role-canary", "invalid role"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log.String())
		}
	}
	if strings.Count(log.String(), "\n") != 2 {
		t.Errorf("a line for a login that works and one for one that does not:\n%s", log.String())
	}
}
