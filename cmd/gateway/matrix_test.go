package main

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"crosscode/config"
	"crosscode/crypto/keys"
	"crosscode/exchange"
	"crosscode/exchange/clock"
	"crosscode/jurisdictions/jurisdictiontest"
)

// TestOnlyTheDiagonalPasses crosses every claimed issuer with every signing side, every packet key and every destination.
// A packet passes only when it is signed by the side that it names, sealed to that side's key, and leads to another side.
func TestOnlyTheDiagonalPasses(t *testing.T) {
	time.Sleep(untilNewDay(clock.Now())) // as the demo does: no code of Hong Kong can be made in a day's last minutes
	m := newMatrix(t)
	passed := 0
	for _, issuer := range sideNames() {
		for _, signer := range sideNames() {
			for _, sealedFor := range sideNames() {
				for _, destination := range sideNames() {
					answer, err := m.bring(t, issuer, signer, sealedFor, destination)
					want := issuer == signer && issuer == sealedFor && issuer != destination
					if got := err == nil && answer.Refusal == nil; got != want {
						t.Errorf("issuer %s, signed by %s, sealed to %s's key, to %s: passed is %v, want %v (%v)",
							issuer, signer, sealedFor, destination, got, want, err)
					}
					if err == nil {
						passed++
					} else if reason, _ := exchange.ReasonOf(err); (issuer != signer || issuer != sealedFor) && reason != exchange.PacketRefused {
						t.Errorf("issuer %s, signed by %s, sealed to %s's key: %s, want the uniform refusal", issuer, signer, sealedFor, reason)
					}
				}
			}
		}
	}
	if routes := len(sideNames()) * (len(sideNames()) - 1); passed != routes {
		t.Errorf("%d of the matrix passed, want the %d routes", passed, routes)
	}
}

type matrix struct {
	parts   *parts
	signing map[string]*ecdsa.PrivateKey
}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	folder := t.TempDir()
	m := &matrix{signing: map[string]*ecdsa.PrivateKey{}}
	settings := config.Defaults()
	settings.Issuer, settings.Keys.File = benchIssuer, filepath.Join(folder, "keys.json")
	settings.Journal = config.Journal{Path: filepath.Join(folder, "journal.jsonl")}
	settings.Rules.Overrides = todaysRules
	settings.Trust.Sides = map[string]config.Side{}
	for _, side := range sideNames() {
		m.signing[side] = newKey(t)
		file := filepath.Join(folder, side+".json")
		writeSet(t, file, jose.JSONWebKey{Key: m.signing[side].Public(), KeyID: "same-kid", Algorithm: "ES256", Use: "sig"})
		settings.Trust.Sides[side] = config.Side{File: file}
	}
	if _, err := keys.InitEmbedded(settings.Keys.File, agreementKeys(), clock.Now); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.parts, err = assemble(settings, quiet()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.parts.close)
	if err := m.parts.trust.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

// agreementKeys are the default keys with packet keys for ECDH-ES, which are made and used much faster than RSA ones.
func agreementKeys() []keys.Spec {
	specs := keys.Defaults()
	for i, spec := range specs {
		if spec.Algorithm == keys.RSAOAEP256 {
			specs[i] = keys.Spec{Name: spec.Name, Algorithm: keys.ECDHES}
		}
	}
	return specs
}

func (m *matrix) bring(t *testing.T, issuer, signer, sealedFor, destination string) (exchange.Answer, error) {
	t.Helper()
	over := destination
	if over == issuer {
		over = next(issuer)
	}
	claims := jurisdictiontest.GreenClaims(m.parts.sides.jurisdictions()[exchange.Side(issuer)], exchange.Side(over), clock.Now())
	claims["aud"], claims["dst"], claims["jti"] = benchIssuer, destination, rand.Text()
	packet := sealWith(t, m.signing[signer], "same-kid", m.packetKey(t, sealedFor), claims)
	return m.parts.gateway().Exchange(t.Context(), exchange.Request{Packet: packet})
}

func next(side string) string {
	for _, other := range sideNames() {
		if other != side {
			return other
		}
	}
	return ""
}

func (m *matrix) packetKey(t *testing.T, side string) keys.Public {
	t.Helper()
	name := m.parts.sides.jurisdictions()[exchange.Side(side)].Profile().PacketKey()
	for _, key := range m.parts.ring.Public() {
		if key.Name == name {
			return key
		}
	}
	t.Fatalf("no key %s", name)
	return keys.Public{}
}

// sealWith signs and seals claims with go-jose.
func sealWith(t testing.TB, signing *ecdsa.PrivateKey, keyID string, to keys.Public, claims map[string]any) exchange.Packet {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: signing},
		(&jose.SignerOptions{}).WithType("consent-packet+jwt").WithHeader("kid", keyID))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.KeyAlgorithm(to.Algorithm), Key: to.Key, KeyID: to.KeyID},
		(&jose.EncrypterOptions{}).WithType("consent-packet+jwe").WithContentType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealer.Encrypt([]byte(inner))
	if err != nil {
		t.Fatal(err)
	}
	outer, err := sealed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return exchange.Packet(outer)
}
