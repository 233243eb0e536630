package transit

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosscode/crypto/keys"
)

type members map[string]any

func (m members) with(name string, value any) members {
	changed := maps.Clone(m)
	changed[name] = value
	return changed
}

func (m members) without(name string) members {
	changed := maps.Clone(m)
	delete(changed, name)
	return changed
}

// described is what Vault says of a key with versions 1 to latest, made a day apart.
func described(t *testing.T, name, kind, public string, latest int) members {
	t.Helper()
	versions := members{}
	for number := 1; number <= latest; number++ {
		versions[strconv.Itoa(number)] = members{"public_key": public, "creation_time": born.AddDate(0, 0, number-1).Format(time.RFC3339Nano)}
	}
	return members{
		"name": name, "type": kind, "keys": versions, "latest_version": latest, "min_decryption_version": 1, "min_encryption_version": 0,
		"exportable": false, "allow_plaintext_backup": false, "derived": false, "deletion_allowed": false, "min_available_version": 0,
	}
}

var born = time.Date(2026, 11, 22, 0, 0, 0, 123456789, time.UTC)

func body(t *testing.T, data members) []byte {
	t.Helper()
	written, err := json.Marshal(members{"data": data, "request_id": "x"})
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// modulus is an odd number of exactly this many bits, which is all that a reader can see.
func modulus(t *testing.T, bits int) *big.Int {
	t.Helper()
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
	if err != nil {
		t.Fatal(err)
	}
	return number.SetBit(number.SetBit(number, bits-1, 1), 0, 1)
}

func TestKeysThatAreRefused(t *testing.T) {
	mo, packet := keys.Spec{Name: "mo", Algorithm: keys.ES256}, keys.Spec{Name: "packet-gd", Algorithm: keys.RSAOAEP256}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, strange := publicPEM(t, &signing().PublicKey), publicPEM(t, &p384.PublicKey)
	big2048 := publicPEM(t, &rsa.PublicKey{N: modulus(t, 2048), E: 65537})
	small, cubic := publicPEM(t, &rsa.PublicKey{N: modulus(t, 1024), E: 65537}), publicPEM(t, &rsa.PublicKey{N: modulus(t, 2048), E: 3})
	good, goodRSA := described(t, "mo", "ecdsa-p256", ec, 2), described(t, "packet-gd", "rsa-2048", big2048, 1)
	gap := described(t, "mo", "ecdsa-p256", ec, 3)
	delete(gap["keys"].(members), "2")
	for name, test := range map[string]struct {
		spec keys.Spec
		data members
		want error
	}{
		"P-256":                                 {mo, good, nil},
		"RSA of 2048 bits":                      {packet, goodRSA, nil},
		"RSA of 4096 bits":                      {packet, described(t, "packet-gd", "rsa-4096", publicPEM(t, &rsa.PublicKey{N: modulus(t, 4096), E: 65537}), 1), nil},
		"exportable":                            {mo, good.with("exportable", true), errUnsafe},
		"with a plaintext backup":               {mo, good.with("allow_plaintext_backup", true), errUnsafe},
		"that does not say whether exportable":  {mo, good.without("exportable"), errKeyReply},
		"that does not say whether backed up":   {mo, good.without("allow_plaintext_backup"), errKeyReply},
		"derived":                               {mo, good.with("derived", true), errKind},
		"P-384":                                 {mo, described(t, "mo", "ecdsa-p384", strange, 1), errKind},
		"P-384 that calls itself P-256":         {mo, described(t, "mo", "ecdsa-p256", strange, 1), errKind},
		"Ed25519":                               {mo, good.with("type", "ed25519"), errKind},
		"AES":                                   {mo, good.with("type", "aes256-gcm96"), errKind},
		"RSA where P-256 belongs":               {mo, described(t, "mo", "rsa-2048", big2048, 1), errKind},
		"P-256 where RSA belongs":               {packet, described(t, "packet-gd", "ecdsa-p256", ec, 1), errKind},
		"RSA of 1024 bits":                      {packet, described(t, "packet-gd", "rsa-2048", small, 1), errKind},
		"RSA with an exponent of 3":             {packet, described(t, "packet-gd", "rsa-2048", cubic, 1), errKind},
		"of another name":                       {mo, good.with("name", "gd"), errKeyReply},
		"without versions":                      {mo, good.with("keys", members{}), errKeyReply},
		"with a gap":                            {mo, gap, errKeyReply},
		"without its latest version":            {mo, good.with("latest_version", 3), errKeyReply},
		"without its oldest version":            {mo, good.with("min_decryption_version", 3), errKeyReply},
		"that signs from a version to come":     {mo, good.with("min_encryption_version", 3), errKeyReply},
		"with a version that is no number":      {mo, good.with("keys", members{"one": good["keys"].(members)["1"]}), errKeyReply},
		"with version nought":                   {mo, good.with("keys", members{"0": good["keys"].(members)["1"]}), errKeyReply},
		"with a certificate for a public key":   {mo, good.with("keys", members{"1": members{"public_key": strings.ReplaceAll(ec, "PUBLIC KEY", "CERTIFICATE"), "creation_time": born}}).with("latest_version", 1), errKeyReply},
		"without a creation time":               {mo, good.with("keys", members{"1": members{"public_key": ec}}).with("latest_version", 1), errKeyReply},
		"symmetric, which has only times there": {mo, good.with("keys", members{"1": 1795305600}), errKeyReply},
	} {
		held, err := parseKey(body(t, test.data), test.spec)
		if !errors.Is(err, test.want) || (err == nil) != (held != nil && len(held.versions) > 0) {
			t.Errorf("a key %s: error = %v, want %v", name, err, test.want)
		}
	}
}

// TestEveryReplicaComputesTheSameSchedule: from what Vault says alone.
func TestEveryReplicaComputesTheSameSchedule(t *testing.T) {
	ec := publicPEM(t, &signing().PublicKey)
	day := func(days int) time.Time { return born.Truncate(time.Second).AddDate(0, 0, days) }
	for name, test := range map[string]struct {
		data  members
		froms []time.Time
		signs map[time.Time]int // at which moment which version
	}{
		"a first version signs at once": {described(t, "mo", "ecdsa-p256", ec, 1), []time.Time{day(0)}, map[time.Time]int{day(0): 1, day(-1): 1}},
		"a later one a day after it was made": {described(t, "mo", "ecdsa-p256", ec, 3), []time.Time{day(0), day(2), day(3)},
			map[time.Time]int{day(1): 1, day(2).Add(-time.Second): 1, day(2): 2, day(3): 3}},
		"one that is marked signs at once, and nothing older any more": {
			described(t, "mo", "ecdsa-p256", ec, 3).with("min_encryption_version", 3), []time.Time{day(0), day(2), day(2)},
			map[time.Time]int{day(2): 3, day(2).Add(-time.Minute): 3, day(4): 3}},
		"one that follows it waits": {described(t, "mo", "ecdsa-p256", ec, 3).with("min_encryption_version", 2), []time.Time{day(0), day(1), day(3)},
			map[time.Time]int{day(1): 2, day(3).Add(-time.Second): 2, day(3): 3}},
		"what was trimmed is gone": {described(t, "mo", "ecdsa-p256", ec, 3).with("min_decryption_version", 2), []time.Time{day(2), day(3)},
			map[time.Time]int{day(0): 2, day(3): 3}},
	} {
		held, err := parseKey(body(t, test.data), keys.Spec{Name: "mo", Algorithm: keys.ES256})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		froms := []time.Time{}
		for _, public := range held.versions {
			froms = append(froms, public.SignsFrom)
		}
		if diff := cmp.Diff(test.froms, froms); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for at, expected := range test.signs {
			if public, _ := keys.Signing(held.signing(), at); public.Version != expected {
				t.Errorf("%s: at %v version %d signs, want %d", name, at, public.Version, expected)
			}
		}
	}
}

// described is a Vault whose keys a test changes.
type describing struct {
	packet, mo atomic.Pointer[members]
	reads      atomic.Int32
	down       atomic.Bool
	t          *testing.T
}

func newDescribing(t *testing.T) *describing {
	d := &describing{t: t}
	d.set(&d.packet, described(t, "packet-gd", "rsa-2048", publicPEM(t, &rsa.PublicKey{N: modulus(t, 2048), E: 65537}), 1))
	d.set(&d.mo, described(t, "mo", "ecdsa-p256", publicPEM(t, &signing().PublicKey), 1))
	return d
}

func (d *describing) set(key *atomic.Pointer[members], data members) { key.Store(&data) }

func (d *describing) Call(_ context.Context, _, path string, _ []byte) (Reply, error) {
	d.reads.Add(1)
	key := map[string]*atomic.Pointer[members]{"transit/keys/packet-gd": &d.packet, "transit/keys/mo": &d.mo}[path]
	if key == nil || d.down.Load() {
		return Reply{Status: http.StatusServiceUnavailable}, nil
	}
	return Reply{Status: http.StatusOK, Body: body(d.t, *key.Load())}, nil
}

func (d *describing) ring(log func(Observation)) *Ring {
	ring, err := New(Config{Vault: d, Observe: log, Clock: func() time.Time { return born.AddDate(0, 0, 1) }, Keys: []keys.Spec{
		{Name: "packet-gd", Algorithm: keys.RSAOAEP256}, {Name: "mo", Algorithm: keys.ES256},
	}})
	if err != nil {
		d.t.Fatal(err)
	}
	return ring
}

func TestKeysThatWereNotReadYetAreUnavailable(t *testing.T) {
	ring := newDescribing(t).ring(nil)
	if _, err := ring.Signer("mo"); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Signer() error = %v", err)
	}
	if _, err := ring.Decrypter("packet-gd.1.AAAAAA"); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Decrypter() error = %v", err)
	}
	if err := ring.Ready(t.Context()); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Ready() = %v", err)
	}
	if list := ring.Public(); len(list) != 0 {
		t.Errorf("Public() = %v", list)
	}
	if _, err := ring.Signer("zz"); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("Signer(unknown) error = %v", err)
	}
}

func TestAKeyThatBecomesUnsafeIsDropped(t *testing.T) {
	vault := newDescribing(t)
	ring := vault.ring(nil)
	if err := ring.Refresh(t.Context()); err != nil || ring.Ready(t.Context()) != nil {
		t.Fatal(err)
	}
	vault.set(&vault.mo, vault.mo.Load().with("exportable", true))
	if err := ring.Refresh(t.Context()); !errors.Is(err, errUnsafe) || ring.Ready(t.Context()) == nil {
		t.Errorf("Refresh() = %v, Ready() = %v", err, ring.Ready(t.Context()))
	}
	if _, err := ring.Signer("mo"); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Signer() error = %v", err)
	}
	if len(ring.Public()) != 1 {
		t.Error("the other key went with it, or this one is still published")
	}
}

func TestWhatDoesNotTakeAKeyAway(t *testing.T) {
	ec := publicPEM(t, &signing().PublicKey)
	for name, change := range map[string]func(*describing){
		"an outage":               func(d *describing) { d.down.Store(true) },
		"a node that lags behind": func(d *describing) { d.set(&d.mo, described(t, "mo", "ecdsa-p256", ec, 1)) },
		"a reply that is not one": func(d *describing) { d.set(&d.mo, members{}) },
		"versions that come back": func(d *describing) { d.set(&d.mo, d.mo.Load().with("min_decryption_version", 0)) },
	} {
		vault := newDescribing(t)
		vault.set(&vault.mo, described(t, "mo", "ecdsa-p256", ec, 2).with("min_decryption_version", 2))
		ring := vault.ring(nil)
		if err := ring.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		change(vault)
		if err := ring.Refresh(t.Context()); !errors.Is(err, keys.ErrUnavailable) || ring.Ready(t.Context()) == nil {
			t.Errorf("%s: Refresh() = %v, Ready() = %v", name, err, ring.Ready(t.Context()))
		}
		if signer, err := ring.Signer("mo"); err != nil || signer.Public().Version != 2 {
			t.Errorf("%s: Signer() error = %v, want version 2 still", name, err)
		}
	}
}

// TestAKidThatIsAheadIsLookedUp: another replica may have published a version that this one has not read yet. However many ask
// for versions at random, they cause a few reads.
func TestAKidThatIsAheadIsLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vault := newDescribing(t)
		ring := vault.ring(nil)
		if err := ring.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		rsaKey := &rsa.PublicKey{N: modulus(t, 2048), E: 65537}
		vault.set(&vault.packet, described(t, "packet-gd", "rsa-2048", publicPEM(t, rsaKey), 2))
		keyID, err := keys.KeyID("packet-gd", 2, rsaKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ring.Decrypter(keyID); err != nil {
			t.Errorf("Decrypter(ahead) error = %v", err)
		}
		before, began := vault.reads.Load(), time.Now()
		var group sync.WaitGroup
		for i := range 1000 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				if _, err := ring.Decrypter("packet-gd.3.AAAAAA"); !errors.Is(err, keys.ErrUnknownKey) {
					t.Errorf("Decrypter(made up) error = %v", err)
				}
				if _, err := ring.Decrypter("packet-gd.999.AAAAAA"); !errors.Is(err, keys.ErrUnknownKey) {
					t.Errorf("Decrypter(far ahead) error = %v", err)
				}
			})
		}
		group.Wait()
		if reads, took := vault.reads.Load()-before, time.Since(began); reads > 7 || took > 1500*time.Millisecond {
			t.Errorf("%d reads in %v, want one every 200 ms", reads, took)
		}
		vault.down.Store(true)
		for range 2 {
			if _, err := ring.Decrypter("packet-gd.3.AAAAAA"); !errors.Is(err, keys.ErrUnavailable) {
				t.Errorf("while nobody can know: Decrypter() error = %v, want ErrUnavailable", err)
			}
		}
	})
}

func TestRunFindsOutAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vault := newDescribing(t)
		vault.down.Store(true)
		ring := vault.ring(nil)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { ring.Run(ctx); close(done) }()
		wants := func(what string, after time.Duration, ready bool) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if err := ring.Ready(ctx); (err == nil) != ready {
				t.Errorf("%s: Ready() = %v", what, err)
			}
		}
		wants("Vault is down at the start", 5*time.Second, false)
		vault.down.Store(false)
		wants("Vault is back", 2*time.Second, true)
		vault.down.Store(true)
		wants("an outage without any traffic", 7*time.Second, false)
		vault.down.Store(false)
		wants("Vault is back again", 2*time.Second, true)
		before := vault.reads.Load()
		time.Sleep(100 * time.Second)
		if reads := vault.reads.Load() - before; reads < 15 || reads > 30 {
			t.Errorf("%d reads of two keys in 100 s, want one of each in 10 s", reads)
		}
		before = vault.reads.Load()
		for range 1000 {
			ring.nudge()
			time.Sleep(time.Millisecond)
		}
		if reads := vault.reads.Load() - before; reads < 2 || reads > 12 {
			t.Errorf("%d reads in a second of failing calls, want both keys four times at most", reads)
		}
		stop()
		<-done
	})
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	vault := newDescribing(t)
	mo := keys.Spec{Name: "mo", Algorithm: keys.ES256}
	for name, config := range map[string]Config{
		"no Vault":        {Keys: []keys.Spec{mo}},
		"no keys":         {Vault: vault},
		"an ECDH key":     {Vault: vault, Keys: []keys.Spec{{Name: "packet-mo", Algorithm: keys.ECDHES}}},
		"one name twice":  {Vault: vault, Keys: []keys.Spec{mo, mo}},
		"a path for name": {Vault: vault, Keys: []keys.Spec{{Name: "../mo", Algorithm: keys.ES256}}},
		"an empty name":   {Vault: vault, Keys: []keys.Spec{{Algorithm: keys.ES256}}},
	} {
		if _, err := New(config); !errors.Is(err, errConfig) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}
