package main

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"crosscode/config"
	"crosscode/crypto/keys"
	"crosscode/exchange"
	"crosscode/exchange/clock"
	"crosscode/jurisdictions/jurisdictiontest"
)

// BenchmarkTranscode measures one transcode from Macau to Guangdong, handoff included: by the gateway alone, through the HTTP
// handler, over a socket on loopback (the client's own work on the same cores included), and as the bare standard-library cryptography that any such
// gateway must do. Each figure's share of the bare one is in the column "of-bare"; all are of one run.
func BenchmarkTranscode(b *testing.B) {
	for _, algorithm := range []keys.Algorithm{keys.ECDHES, keys.RSAOAEP256} {
		w := newWorld(b, algorithm)
		var bare float64
		b.Run(string(algorithm)+"/bare", func(b *testing.B) {
			w.bare(b)
			bare = perOperation(b)
		})
		b.Run(string(algorithm)+"/gateway", func(b *testing.B) {
			w.each(b, func(packet exchange.Packet) error {
				answer, err := w.gateway.Exchange(context.Background(), exchange.Request{Packet: packet})
				if err == nil && (answer.Refusal != nil || answer.Handoff == "") {
					return fmt.Errorf("not a grant with a handoff: %+v", answer.Refusal)
				}
				return err
			})
			b.ReportMetric(bare/perOperation(b), "of-bare")
		})
		b.Run(string(algorithm)+"/handler", func(b *testing.B) {
			w.each(b, w.serve)
			b.ReportMetric(bare/perOperation(b), "of-bare")
		})
		b.Run(string(algorithm)+"/http", func(b *testing.B) {
			w.each(b, w.post)
			b.ReportMetric(bare/perOperation(b), "of-bare")
		})
	}
}

func perOperation(b *testing.B) float64 { return float64(b.Elapsed()) / float64(b.N) }

// world is a gateway with all its real parts, and one source side that seals with another JOSE library.
type world struct {
	parts   *parts
	gateway *exchange.Gateway
	server  *httptest.Server
	signing *ecdsa.PrivateKey
	sealing keys.Public
}

const benchIssuer = "http://127.0.0.1:1"

func newWorld(b *testing.B, algorithm keys.Algorithm) *world {
	b.Helper()
	folder := b.TempDir()
	w := &world{signing: newKey(b)}
	landing := newKey(b)
	writeSet(b, filepath.Join(folder, "macau.json"), jose.JSONWebKey{Key: w.signing.Public(), KeyID: "m", Algorithm: "ES256", Use: "sig"})
	writeSet(b, filepath.Join(folder, "guangdong.json"), jose.JSONWebKey{Key: landing.Public(), KeyID: "g", Algorithm: "ECDH-ES", Use: "enc"})
	settings := config.Defaults()
	settings.Issuer, settings.Keys.File = benchIssuer, filepath.Join(folder, "keys.json")
	settings.Journal = config.Journal{Path: filepath.Join(folder, "journal.jsonl")}
	settings.Rules.Overrides = todaysRules
	settings.Limits = config.Limits{PerAddress: config.PerAddress{Rate: 1e6, Burst: 1e6}, InFlight: 512}
	settings.Trust.Sides = map[string]config.Side{
		"macau":     {File: filepath.Join(folder, "macau.json")},
		"guangdong": {File: filepath.Join(folder, "guangdong.json"), Landing: config.Landing{Audience: "http://127.0.0.1:2"}},
	}
	specs := keys.Defaults()
	if algorithm == keys.ECDHES {
		specs = agreementKeys()
	}
	if _, err := keys.InitEmbedded(settings.Keys.File, specs, clock.Now); err != nil {
		b.Fatal(err)
	}
	var err error
	if w.parts, err = assemble(settings, quiet()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(w.parts.close)
	if err := w.parts.trust.Refresh(context.Background()); err != nil {
		b.Fatal(err)
	}
	w.gateway = w.parts.gateway()
	w.server = httptest.NewServer(w.parts.api.Handler())
	b.Cleanup(w.server.Close)
	for _, key := range w.parts.ring.Public() {
		if key.Name == "packet-mo" {
			w.sealing = key
		}
	}
	return w
}

func newKey(b testing.TB) *ecdsa.PrivateKey {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	return key
}

func writeSet(b testing.TB, name string, key jose.JSONWebKey) {
	b.Helper()
	data, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		b.Fatal(err)
	}
}

// packet seals one green holder's claims.
func (w *world) packet(b *testing.B) exchange.Packet {
	b.Helper()
	source := w.parts.sides.jurisdictions()["macau"]
	claims := jurisdictiontest.GreenClaims(source, "guangdong", clock.Now())
	claims["aud"], claims["jti"] = benchIssuer, rand.Text()
	return sealWith(b, w.signing, "m", w.sealing, claims)
}

// each takes fresh packets, sealed while the timer rests.
func (w *world) each(b *testing.B, take func(exchange.Packet) error) {
	b.ReportAllocs()
	const batch = 256
	var packets []exchange.Packet
	for range b.N {
		if len(packets) == 0 {
			b.StopTimer()
			for range batch {
				packets = append(packets, w.packet(b))
			}
			b.StartTimer()
		}
		packet := packets[0]
		packets = packets[1:]
		if err := take(packet); err != nil {
			b.Fatal(err)
		}
	}
}

// serve goes through the whole HTTP stack but the socket and the client.
func (w *world) serve(packet exchange.Packet) error {
	request := httptest.NewRequest(http.MethodPost, "/v1/exchange", strings.NewReader(string(packet)))
	request.Header.Set("Content-Type", "application/jose")
	recorder := httptest.NewRecorder()
	w.parts.api.Handler().ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		return fmt.Errorf("%d %s", recorder.Code, recorder.Body)
	}
	return nil
}

func (w *world) post(packet exchange.Packet) error {
	response, err := http.Post(w.server.URL+"/v1/exchange", "application/jose", strings.NewReader(string(packet)))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", response.StatusCode, body)
	}
	return err
}

// bare is what no gateway can leave out: opening (one agreement or one RSA decryption, and GCM), one verify of the packet,
// two signs, two checks of our own signatures, and one seal (an ephemeral key, an agreement, and GCM).
func (w *world) bare(b *testing.B) {
	b.ReportAllocs()
	packet := []byte(w.packet(b))
	digest := sha256.Sum256(packet)
	signature, err := ecdsa.SignASN1(rand.Reader, w.signing, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	open := w.bareOpen(b)
	receiver, err := newKey(b).ECDH()
	if err != nil {
		b.Fatal(err)
	}
	cipher := gcm(b)
	nonce := make([]byte, 12)
	sealed := cipher.Seal(nil, nonce, packet, nil)
	b.ResetTimer()
	for range b.N {
		open()
		if _, err := cipher.Open(nil, nonce, sealed, nil); err != nil {
			b.Fatal(err)
		}
		bareVerify(b, w.signing, packet, signature)
		for range 2 {
			digest := sha256.Sum256(packet[:400])
			own, err := ecdsa.SignASN1(rand.Reader, w.signing, digest[:])
			if err != nil {
				b.Fatal(err)
			}
			bareVerify(b, w.signing, packet[:400], own)
		}
		ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ephemeral.ECDH(receiver.PublicKey()); err != nil {
			b.Fatal(err)
		}
		if out := cipher.Seal(nil, nonce, packet, nil); !bytes.Equal(out, sealed) {
			b.Fatal("sealing differs")
		}
	}
}

// bareOpen is the private-key operation that opens a packet, by the ring's own key: it has no layer of ours to leave out.
func (w *world) bareOpen(b *testing.B) func() {
	b.Helper()
	decrypter, err := w.parts.ring.Decrypter(w.sealing.KeyID)
	if err != nil {
		b.Fatal(err)
	}
	if w.sealing.Algorithm == keys.RSAOAEP256 {
		wrapped := wrap(b, w.sealing)
		return func() { _, _ = decrypter.Decrypt(context.Background(), wrapped) }
	}
	peer, err := newKey(b).ECDH()
	if err != nil {
		b.Fatal(err)
	}
	return func() { _, _ = decrypter.Agree(context.Background(), peer.PublicKey()) }
}

func wrap(b *testing.B, key keys.Public) []byte {
	b.Helper()
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key.Key.(*rsa.PublicKey), make([]byte, 32), nil)
	if err != nil {
		b.Fatal(err)
	}
	return wrapped
}

func bareVerify(b *testing.B, key *ecdsa.PrivateKey, message, signature []byte) {
	digest := sha256.Sum256(message)
	if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
		b.Fatal("the signature does not hold")
	}
}

func gcm(b *testing.B) cipher.AEAD {
	b.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	mode, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	return mode
}
