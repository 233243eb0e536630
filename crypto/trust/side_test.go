package trust

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"crosscode/crypto/keys"
	"crosscode/exchange"
	program "crosscode/exchange/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start is the first reading of every test's clock.
var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// movable is a clock that tests move.
type movable struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *movable { return &movable{now: start} }

func (c *movable) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *movable) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func (c *movable) advance(by time.Duration) { c.set(c.read().Add(by)) }

// back is a side's back end: a real HTTP server on loopback that answers with whatever it is told to.
type back struct {
	URL    string
	hits   atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
	server *http.Server
}

// newBack serves plain http, or TLS when secure is given, until the test ends.
func newBack(t *testing.T, secure *tls.Config) *back {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &back{URL: "http://" + listener.Addr().String() + "/jwks.json"}
	b.publish()
	if secure != nil {
		listener, b.URL = tls.NewListener(listener, secure), "https://"+listener.Addr().String()+"/jwks.json"
	}
	b.server = &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.hits.Add(1); (*b.answer.Load())(w, r) }),
		ReadHeaderTimeout: time.Second,
		ErrorLog:          log.New(&sink{}, "", 0),
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = b.server.Serve(listener) }()
	t.Cleanup(func() { b.stop(); <-served })
	return b
}

type sink struct{}

func (*sink) Write(p []byte) (int, error) { return len(p), nil }

func (b *back) stop() { _ = b.server.Close() }

func (b *back) handle(handler http.HandlerFunc) { b.answer.Store(&handler) }

func (b *back) raw(body string) {
	b.handle(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

func (b *back) publish(keys ...jwk) { b.raw(string(set(keys...))) }

// jwk is one key as a side writes it down, and the key itself.
type jwk struct {
	json json.RawMessage
	key  crypto.PublicKey
}

func set(members ...jwk) []byte {
	list := []json.RawMessage{}
	for _, member := range members {
		list = append(list, member.json)
	}
	data, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		panic(err)
	}
	return data
}

// newKey makes a key and its JWK, which keys.JWK writes but for the kid, which other sides choose freely.
func newKey(t *testing.T, keyID string, algorithm keys.Algorithm) jwk {
	t.Helper()
	var public crypto.PublicKey
	switch algorithm {
	case keys.EdDSA:
		made, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		public = made
	case keys.RSAOAEP256:
		public = newRSA(t)
	default:
		made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		public = &made.PublicKey
	}
	written, err := keys.JWK(keys.Public{KeyID: keyID, Algorithm: algorithm, Key: public})
	if err != nil {
		t.Fatal(err)
	}
	return jwk{written, public}
}

func newRSA(t *testing.T) *rsa.PublicKey {
	t.Helper()
	made, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &made.PublicKey
}

// with is the key with one member changed; nil takes it out.
func (k jwk) with(t *testing.T, name string, value any) jwk {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(k.json, &members); err != nil {
		t.Fatal(err)
	}
	members[name] = value
	if value == nil {
		delete(members, name)
	}
	changed, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return jwk{changed, k.key}
}

// authority is a certificate authority that a test makes.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: program.Now().Add(-time.Hour), NotAfter: program.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	data, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(data)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: data}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key, file}
}

// certify gives a server's TLS settings with a certificate for the names, good from and until relative to now.
func (a *authority) certify(t *testing.T, from, until time.Duration, names ...string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: program.Now().Add(from), NotAfter: program.Now().Add(until),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if address := net.ParseIP(name); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	data, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{data}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

const macau, guangdong, hongkong = exchange.Side("macau"), exchange.Side("guangdong"), exchange.Side("hongkong")

// open makes a Set that stops with the test.
func open(t *testing.T, config Config) *Set {
	t.Helper()
	set, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.stop)
	return set
}

// one is a Set with macau alone, at this back end.
func one(t *testing.T, b *back, clock *movable) *Set {
	t.Helper()
	return open(t, Config{Sides: map[exchange.Side]Source{macau: {URL: b.URL}}, Clock: clock.read, Timeout: 2 * time.Second})
}

// knows and refuses and unavailable are what a look-up of a signing key can come to.
func knows(t *testing.T, set *Set, side exchange.Side, keyID string, want jwk) {
	t.Helper()
	got, err := set.SigningKey(context.Background(), side, keyID)
	if err != nil {
		t.Errorf("SigningKey(%s, %s) = %v, want a key", side, keyID, err)
		return
	}
	if key, comparable := got.Key.(interface{ Equal(crypto.PublicKey) bool }); !comparable || !key.Equal(want.key) || got.KeyID != keyID {
		t.Errorf("SigningKey(%s, %s) gave another key", side, keyID)
	}
}

func refuses(t *testing.T, set *Set, side exchange.Side, keyID string) {
	t.Helper()
	fails(t, set, side, keyID, exchange.PacketRefused)
}

func unavailable(t *testing.T, set *Set, side exchange.Side, keyID string) {
	t.Helper()
	fails(t, set, side, keyID, exchange.Unavailable)
}

func fails(t *testing.T, set *Set, side exchange.Side, keyID string, want exchange.Reason) {
	t.Helper()
	_, err := set.SigningKey(context.Background(), side, keyID)
	if reason, _ := exchange.ReasonOf(err); reason != want {
		t.Errorf("SigningKey(%s, %s) = %v, want %s", side, keyID, err, want)
	}
}

// renew fetches all sides and wants no error.
func renew(t *testing.T, set *Set) {
	t.Helper()
	if err := set.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// failing fetches macau and wants this class of failure, in the error and in the status.
func failing(t *testing.T, set *Set, want Class) {
	t.Helper()
	err := set.Refresh(context.Background())
	if got := classOf(err); err == nil || got != want {
		t.Errorf("Refresh = %v (class %q), want class %q", err, got, want)
	}
	for _, status := range set.Status() {
		if status.Side == macau && status.LastError != want {
			t.Errorf("Status().LastError = %q, want %q", status.LastError, want)
		}
	}
}
