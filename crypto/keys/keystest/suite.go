// Package keystest holds the suite that every key ring passes. The test of a new ring is a few lines:
//
//	func TestRing(t *testing.T) { keystest.Run(t, newRing) }
package keystest

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosscode/crypto/keys"
)

// Subject is a ring under test, and the levers that a test pulls.
type Subject struct {
	Ring keys.Ring
	// Rotate makes a new version of a key, as the ring's operator would. With now it signs at once.
	Rotate func(name string, now bool) error
	// Break makes the ring's keys unusable until the end of the test; nil for a ring that cannot break.
	Break func()
	// Agrees is set for a ring that has ECDH-ES keys.
	Agrees bool
}

// Specs are the keys that a Subject's ring is made with. An ECDH-ES key is among them; a ring that has none leaves it out.
func Specs() []keys.Spec {
	return []keys.Spec{
		{Name: "packet-gd", Algorithm: keys.RSAOAEP256, Bits: keys.MinBits},
		{Name: "packet-mo", Algorithm: keys.ECDHES},
		{Name: "mo", Algorithm: keys.ES256},
		{Name: "receipt", Algorithm: keys.ES256},
	}
}

// Clock is a clock that tests move.
type Clock struct {
	mutex sync.Mutex
	now   time.Time
}

// NewClock begins at 22 November 2026, 08:00 UTC+8.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)} }

// Now reads the clock.
func (c *Clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

// Advance moves the clock on.
func (c *Clock) Advance(by time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(by)
}

// Run runs the suite. Each test gets a ring of its own, made by newRing with Specs and the given clock.
func Run(t *testing.T, newRing func(t *testing.T, specs []keys.Spec, clock func() time.Time) Subject) {
	tests := []struct {
		name string
		test func(*testing.T, Subject, *Clock)
	}{
		{"public halves are complete, stable and named by their thumbprints", publicHalves},
		{"a signature holds over the digest under the signer's own public half", signs},
		{"an RSA key opens what was sealed to it", decrypts},
		{"a bad RSA ciphertext is the sender's affair, not an outage", badCiphertext},
		{"an ECDH key agrees with an ephemeral key", agrees},
		{"a key does only what it is for", wrongUse},
		{"an unknown name or kid is an unknown key", unknown},
		{"a new version is published at once and signs after the overlap", rotates},
		{"a new version can be made to sign at once", rotatesNow},
		{"an old packet key opens until the last packet sealed to it has expired", packetKeyRetires},
		{"an old signing key is published until the last thing it signed has expired", signingKeyRetires},
		{"a cancelled context is an outage", cancelled},
		{"a broken ring is an outage", broken},
		{"many at once", concurrent},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clock := NewClock()
			test.test(t, newRing(t, Specs(), clock.Now), clock)
		})
	}
}

func publicHalves(t *testing.T, subject Subject, clock *Clock) {
	list := subject.Ring.Public()
	if len(list) < 3 {
		t.Fatalf("%d public keys, want one for each spec", len(list))
	}
	for _, public := range list {
		expected, err := keys.KeyID(public.Name, 1, public.Key)
		if err != nil {
			t.Fatalf("%s: %v", public.Name, err)
		}
		if public.KeyID != expected || public.Version != 1 {
			t.Errorf("%s has kid %s version %d, want %s version 1", public.Name, public.KeyID, public.Version, expected)
		}
		if public.SignsFrom.After(clock.Now()) || public.CreatedAt.IsZero() {
			t.Errorf("%s: a first version signs at once; created %v, signs from %v", public.Name, public.CreatedAt, public.SignsFrom)
		}
	}
	if diff := cmp.Diff(kids(list), kids(subject.Ring.Public())); diff != "" {
		t.Errorf("the order changes from call to call: %s", diff)
	}
}

func signs(t *testing.T, subject Subject, _ *Clock) {
	signer := mustSigner(t, subject.Ring, "mo")
	digest := sha256.Sum256([]byte("a signing input"))
	signature, err := signer.Sign(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	if !holds(signer.Public(), digest, signature) {
		t.Error("the signature does not hold")
	}
	if holds(signer.Public(), sha256.Sum256([]byte("another")), signature) {
		t.Error("the signature holds over another digest")
	}
	if signer.Public().Name != "mo" {
		t.Errorf("asked for mo, got %s", signer.Public().Name)
	}
}

func decrypts(t *testing.T, subject Subject, _ *Clock) {
	public := find(t, subject.Ring, "packet-gd")
	secret := bytes.Repeat([]byte{7}, 32)
	opened, err := mustDecrypter(t, subject.Ring, public.KeyID).Decrypt(t.Context(), encrypt(t, public, secret))
	if err != nil || !bytes.Equal(opened, secret) {
		t.Errorf("Decrypt() = %d bytes, %v, want what was sealed", len(opened), err)
	}
}

func badCiphertext(t *testing.T, subject Subject, _ *Clock) {
	public := find(t, subject.Ring, "packet-gd")
	key := mustDecrypter(t, subject.Ring, public.KeyID)
	flipped := encrypt(t, public, []byte("secret"))
	flipped[17] ^= 1
	modulus := public.Key.(*rsa.PublicKey).Size()
	for name, ciphertext := range map[string][]byte{
		"one bit flipped": flipped, "zeros": make([]byte, modulus), "all ones": bytes.Repeat([]byte{0xff}, modulus),
		"another label": encryptLabelled(t, public, []byte("label")),
	} {
		_, err := key.Decrypt(t.Context(), ciphertext)
		if !errors.Is(err, keys.ErrDecrypt) || errors.Is(err, keys.ErrUnavailable) {
			t.Errorf("%s: Decrypt() error = %v, want ErrDecrypt and not ErrUnavailable", name, err)
		}
	}
}

func agrees(t *testing.T, subject Subject, _ *Clock) {
	if !subject.Agrees {
		t.Log("this ring has no ECDH keys")
		return
	}
	public := find(t, subject.Ring, "packet-mo")
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	static, err := public.Key.(*ecdsa.PublicKey).ECDH()
	if err != nil {
		t.Fatal(err)
	}
	expected, err := ephemeral.ECDH(static)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := mustDecrypter(t, subject.Ring, public.KeyID).Agree(t.Context(), ephemeral.PublicKey())
	if err != nil || !bytes.Equal(shared, expected) {
		t.Errorf("Agree() gives another secret: %v", err)
	}
}

func wrongUse(t *testing.T, subject Subject, _ *Clock) {
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := mustDecrypter(t, subject.Ring, find(t, subject.Ring, "packet-gd").KeyID)
	if _, err := key.Agree(t.Context(), ephemeral.PublicKey()); err == nil {
		t.Error("an RSA key agrees")
	}
	if _, err := subject.Ring.Signer("packet-gd"); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("Signer(packet key) error = %v, want ErrUnknownKey", err)
	}
	if _, err := subject.Ring.Decrypter(find(t, subject.Ring, "mo").KeyID); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("Decrypter(signing key) error = %v, want ErrUnknownKey", err)
	}
}

func unknown(t *testing.T, subject Subject, _ *Clock) {
	genuine := find(t, subject.Ring, "packet-gd").KeyID
	for _, keyID := range []string{
		"", "packet-gd", "packet-gd.1", genuine + "x", genuine[:len(genuine)-1], strings.ToUpper(genuine), "../" + genuine, genuine + "\n",
		"packet-gd.2." + genuine[len(genuine)-6:], "packet-gd.01." + genuine[len(genuine)-6:],
		"packet-gd.1.AAAAAA", "packet-zz.1." + genuine[len(genuine)-6:], strings.Repeat("a", 1<<20),
	} {
		if _, err := subject.Ring.Decrypter(keyID); !errors.Is(err, keys.ErrUnknownKey) {
			t.Errorf("Decrypter(%.40q) error = %v, want ErrUnknownKey", keyID, err)
		}
	}
	for _, name := range []string{"", "zz", "MO", "mo.1", "../mo"} {
		if _, err := subject.Ring.Signer(name); !errors.Is(err, keys.ErrUnknownKey) {
			t.Errorf("Signer(%q) error = %v, want ErrUnknownKey", name, err)
		}
	}
}

func rotates(t *testing.T, subject Subject, clock *Clock) {
	before := mustSigner(t, subject.Ring, "mo").Public()
	clock.Advance(time.Hour)
	rotate(t, subject, "mo", false)
	after := versions(subject.Ring, "mo")
	if len(after) != 2 || after[0].KeyID != before.KeyID || after[1].Version != 2 {
		t.Fatalf("published after rotation: %v, want both versions in order", kids(after))
	}
	if expected := clock.Now().Add(keys.Overlap); !after[1].SignsFrom.Equal(expected) {
		t.Fatalf("signs from %v, want %v", after[1].SignsFrom, expected)
	}
	clock.Advance(keys.Overlap - time.Second)
	if signer := mustSigner(t, subject.Ring, "mo").Public(); signer.Version != 1 {
		t.Errorf("a second before the overlap ends version %d signs, want 1", signer.Version)
	}
	clock.Advance(time.Second)
	if signer := mustSigner(t, subject.Ring, "mo").Public(); signer.Version != 2 {
		t.Errorf("when the overlap ends version %d signs, want 2", signer.Version)
	}
	signs(t, subject, clock)
}

func rotatesNow(t *testing.T, subject Subject, clock *Clock) {
	clock.Advance(time.Hour)
	rotate(t, subject, "mo", false)
	clock.Advance(time.Hour)
	rotate(t, subject, "mo", true)
	if signer := mustSigner(t, subject.Ring, "mo").Public(); signer.Version != 3 {
		t.Errorf("version %d signs, want 3: the newest whose time has come", signer.Version)
	}
}

func packetKeyRetires(t *testing.T, subject Subject, clock *Clock) {
	old := find(t, subject.Ring, "packet-gd")
	rotate(t, subject, "packet-gd", false)
	clock.Advance(keys.Overlap + keys.SealedLife - time.Second)
	opened, err := mustDecrypter(t, subject.Ring, old.KeyID).Decrypt(t.Context(), encrypt(t, old, []byte("last")))
	if err != nil || string(opened) != "last" {
		t.Errorf("a second before it retires: %v", err)
	}
	clock.Advance(time.Second)
	if _, err := subject.Ring.Decrypter(old.KeyID); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("when it has retired: Decrypter() error = %v, want ErrUnknownKey", err)
	}
	if list := versions(subject.Ring, "packet-gd"); len(list) != 1 || list[0].Version != 2 {
		t.Errorf("published: %v, want version 2 alone", kids(list))
	}
}

func signingKeyRetires(t *testing.T, subject Subject, clock *Clock) {
	rotate(t, subject, "mo", false)
	clock.Advance(keys.Overlap + keys.SignedLife - time.Second)
	if list := versions(subject.Ring, "mo"); len(list) != 2 {
		t.Errorf("a second before it retires: %v, want both", kids(list))
	}
	clock.Advance(time.Second)
	if list := versions(subject.Ring, "mo"); len(list) != 1 || list[0].Version != 2 {
		t.Errorf("when it has retired: %v, want version 2 alone", kids(list))
	}
}

func cancelled(t *testing.T, subject Subject, _ *Clock) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outage(t, ctx, subject.Ring)
}

func broken(t *testing.T, subject Subject, _ *Clock) {
	if subject.Break == nil {
		t.Log("this ring cannot break: its keys are in memory")
		return
	}
	subject.Break()
	outage(t, t.Context(), subject.Ring)
}

// outage wants ErrUnavailable, and never ErrDecrypt, of every operation, a bad ciphertext's included. A ring may also fail
// to give the key at all, with the same error.
func outage(t *testing.T, ctx context.Context, ring keys.Ring) {
	t.Helper()
	public := find(t, ring, "packet-gd")
	key, err := ring.Decrypter(public.KeyID)
	if err == nil {
		_, err = key.Decrypt(ctx, make([]byte, public.Key.(*rsa.PublicKey).Size()))
	}
	if !errors.Is(err, keys.ErrUnavailable) || errors.Is(err, keys.ErrDecrypt) {
		t.Errorf("Decrypt() error = %v, want ErrUnavailable and not ErrDecrypt", err)
	}
	signer, err := ring.Signer("mo")
	if err == nil {
		_, err = signer.Sign(ctx, [32]byte{})
	}
	if !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Sign() error = %v, want ErrUnavailable", err)
	}
}

// concurrent checks that no caller gets another's answer (threat T22).
func concurrent(t *testing.T, subject Subject, _ *Clock) {
	public := find(t, subject.Ring, "packet-gd")
	var group sync.WaitGroup
	for i := range 64 {
		secret := bytes.Repeat([]byte{byte(i)}, 32)
		ciphertext, digest := encrypt(t, public, secret), sha256.Sum256(secret)
		group.Go(func() {
			opened, err := mustDecrypter(t, subject.Ring, public.KeyID).Decrypt(t.Context(), ciphertext)
			if err != nil || !bytes.Equal(opened, secret) {
				t.Errorf("caller %d got another's answer or %v", i, err)
			}
			signer := mustSigner(t, subject.Ring, "mo")
			signature, err := signer.Sign(t.Context(), digest)
			if err != nil || !holds(signer.Public(), digest, signature) {
				t.Errorf("caller %d got another's signature or %v", i, err)
			}
		})
	}
	group.Wait()
}

func kids(list []keys.Public) []string {
	ids := make([]string, 0, len(list))
	for _, public := range list {
		ids = append(ids, public.KeyID)
	}
	return ids
}

func versions(ring keys.Ring, name string) []keys.Public {
	list := []keys.Public{}
	for _, public := range ring.Public() {
		if public.Name == name {
			list = append(list, public)
		}
	}
	return list
}

func find(t *testing.T, ring keys.Ring, name string) keys.Public {
	t.Helper()
	list := versions(ring, name)
	if len(list) == 0 {
		t.Fatalf("no public key of %s", name)
	}
	return list[0]
}

func rotate(t *testing.T, subject Subject, name string, now bool) {
	t.Helper()
	if err := subject.Rotate(name, now); err != nil {
		t.Fatalf("Rotate(%s): %v", name, err)
	}
}

func mustSigner(t *testing.T, ring keys.Ring, name string) keys.Signer {
	t.Helper()
	signer, err := ring.Signer(name)
	if err != nil {
		t.Fatalf("Signer(%s): %v", name, err)
	}
	return signer
}

func mustDecrypter(t *testing.T, ring keys.Ring, keyID string) keys.Decrypter {
	t.Helper()
	key, err := ring.Decrypter(keyID)
	if err != nil {
		t.Fatalf("Decrypter(%s): %v", keyID, err)
	}
	return key
}

func encrypt(t *testing.T, public keys.Public, secret []byte) []byte {
	t.Helper()
	ciphertext, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.Key.(*rsa.PublicKey), secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ciphertext
}

func encryptLabelled(t *testing.T, public keys.Public, label []byte) []byte {
	t.Helper()
	ciphertext, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.Key.(*rsa.PublicKey), []byte("secret"), label)
	if err != nil {
		t.Fatal(err)
	}
	return ciphertext
}

func holds(public keys.Public, digest [32]byte, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	return ecdsa.Verify(public.Key.(*ecdsa.PublicKey), digest[:], r, s)
}
