package transittest

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"crosscode/exchange/exchangetest/skipped"
)

// Vault is a running Vault, seen from one test.
type Vault struct {
	Address   string // "http://127.0.0.1:41487"; a Restart keeps it
	Token     string // may do everything
	Mount     string // a transit engine of this test's own
	Namespace string // from VAULT_NAMESPACE, where an outside Vault is used
	CAFile    string // set with TLS
	Standby   string // the standby's address, set with Standby
	own       *server
}

// Start gives a Vault with a transit engine for this test alone, at Mount.
func Start(t testing.TB, options ...Option) *Vault {
	t.Helper()
	if os.Getenv("SKIP_VAULT") == "1" {
		skipped.Test(t, "Vault (SKIP_VAULT=1)", "make test, without SKIP_VAULT")
	}
	var chosen settings
	for _, option := range options {
		option(&chosen)
	}
	v, err := start(t, chosen)
	if err != nil {
		t.Fatal(err)
	}
	v.Mount = "t-" + random()
	if !chosen.unmounted {
		v.Write(t, "sys/mounts/"+v.Mount, map[string]any{"type": "transit"})
	}
	if v.own == nil {
		t.Cleanup(func() { _, _ = v.Admin(t).Logical().Delete("sys/mounts/" + v.Mount) })
	}
	return v
}

func start(t testing.TB, chosen settings) (*Vault, error) {
	if !chosen.own && !inMain.Load() {
		return nil, errors.New("a package whose tests share a Vault needs: func TestMain(m *testing.M) { transittest.Main(m) }")
	}
	if !chosen.own {
		return sharedVault()
	}
	own, err := devvault(t.TempDir(), chosen)
	if err != nil {
		return nil, err
	}
	t.Cleanup(own.kill)
	v := own.vault()
	v.own = own
	if chosen.tls {
		v.CAFile = filepath.Join(own.folder, "data", "ca.pem")
	}
	return v, nil
}

func (s *server) vault() *Vault {
	v := &Vault{Address: s.addresses[0], Token: s.token}
	if len(s.addresses) > 1 {
		v.Standby = s.addresses[1]
	}
	return v
}

func random() string {
	bytes := make([]byte, 6)
	_, _ = rand.Read(bytes) // never fails
	return hex.EncodeToString(bytes)
}

// Admin gives HashiCorp's client with the root token, for what a test arranges behind the back of what it tests.
func (v *Vault) Admin(t testing.TB) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	config.Address = v.Address
	if v.CAFile != "" {
		if err := config.ConfigureTLS(&api.TLSConfig{CACert: v.CAFile}); err != nil {
			t.Fatal(err)
		}
	}
	config.MaxRetries = 0
	config.HttpClient.Transport.(*http.Transport).DisableKeepAlives = true // leaves no goroutine for goleak to find
	client, err := api.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	client.SetToken(v.Token)
	client.SetNamespace(v.Namespace)
	return client
}

// Write writes with the root token and fails the test if Vault refuses.
func (v *Vault) Write(t testing.TB, path string, data map[string]any) *api.Secret {
	t.Helper()
	secret, err := v.Admin(t).Logical().Write(path, data)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// NewToken makes a renewable token with these policies, which lives for the given time.
func (v *Vault) NewToken(t testing.TB, life time.Duration, policies ...string) string {
	t.Helper()
	made := v.Write(t, "auth/token/create", map[string]any{"policies": policies, "ttl": life.String()})
	return made.Auth.ClientToken
}

// Revoke makes a token worthless at once.
func (v *Vault) Revoke(t testing.TB, token string) {
	t.Helper()
	v.Write(t, "auth/token/revoke", map[string]any{"token": token})
}

// Seal seals the server over its API.
func (v *Vault) Seal(t testing.TB) {
	t.Helper()
	v.controlled(t)
	if err := v.Admin(t).Sys().Seal(); err != nil {
		t.Fatal(err)
	}
}

// Unseal unseals the server over its API, with the key from its data folder.
func (v *Vault) Unseal(t testing.TB) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(v.controlled(t).folder, "data", "unseal-key"))
	if err != nil {
		t.Fatal(err)
	}
	status, err := v.Admin(t).Sys().Unseal(string(key))
	if err != nil || status.Sealed {
		t.Fatalf("still sealed: %v", err)
	}
}

// Kill ends the server as kill -9 does.
func (v *Vault) Kill(t testing.TB) {
	t.Helper()
	v.controlled(t).kill()
}

// Restart starts a killed server again, on the same data and address, and waits until it answers. With sealed it waits
// for an operator's Unseal, as a Vault without auto-unseal does.
func (v *Vault) Restart(t testing.TB, sealed bool) {
	t.Helper()
	var more []string
	if sealed {
		more = append(more, "--sealed")
	}
	if err := v.controlled(t).relaunch(more...); err != nil {
		t.Fatal(err)
	}
}

// Pause stops the process without closing its connections (SIGSTOP): the peer is there and says nothing. Resume goes on.
func (v *Vault) Pause(t testing.TB) {
	t.Helper()
	v.signal(t, syscall.SIGSTOP)
	// The signal is sent at once, but a busy machine may let the server's threads run on for a moment.
	stat := fmt.Sprintf("/proc/%d/stat", v.PID(t))
	for range 100 {
		if state, err := os.ReadFile(stat); err != nil || bytes.Contains(state, []byte(") T ")) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
}

// Resume lets a paused server go on.
func (v *Vault) Resume(t testing.TB) {
	t.Helper()
	v.signal(t, syscall.SIGCONT)
}

func (v *Vault) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := v.controlled(t).signal(signal); err != nil {
		t.Fatal(err)
	}
}

// AuditLog gives everything that the server has seen and answered, in the clear, one JSON object on a line.
func (v *Vault) AuditLog(t testing.TB) []byte {
	t.Helper()
	log, err := os.ReadFile(v.controlled(t).auditFile())
	if err != nil {
		t.Fatalf("needs transittest.Audit(): %v", err)
	}
	return log
}

// PID is the server's process id.
func (v *Vault) PID(t testing.TB) int {
	t.Helper()
	return v.controlled(t).command.Process.Pid
}

// CPU is the processor time that the server has used (Linux).
func (v *Vault) CPU(t testing.TB) time.Duration {
	t.Helper()
	line, err := os.ReadFile("/proc/" + strconv.Itoa(v.PID(t)) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	used, err := cpuTime(string(line))
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// tick is Linux's USER_HZ, in which /proc/<pid>/stat counts: 100 a second on every architecture.
const tick = 10 * time.Millisecond

// cpuTime reads fields 14 and 15 (utime, stime) of /proc/<pid>/stat. Field 2, the name, may hold anything up to the last ")".
func cpuTime(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("an unknown form of /proc/<pid>/stat: %d fields", len(fields))
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, err
}

func (v *Vault) controlled(t testing.TB) *server {
	t.Helper()
	if v.own == nil {
		t.Fatal("the test acts on the server itself: it needs transittest.Start(t, transittest.Controlled())")
	}
	return v.own
}
