package trust

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

func TestKeysAreKnownByIssuerAndKidOnly(t *testing.T) {
	sides := []exchange.Side{guangdong, hongkong, macau}
	signing, sources := map[exchange.Side]jwk{}, map[exchange.Side]Source{}
	own := map[exchange.Side]jwk{}
	for _, side := range sides {
		signing[side] = newKey(t, "same-kid", keys.ES256) // legal: each issuer has its own kids
		own[side] = newKey(t, "of-"+string(side), keys.EdDSA)
		b := newBack(t, nil)
		b.publish(signing[side], own[side])
		sources[side] = Source{URL: b.URL}
	}
	set := open(t, Config{Sides: sources, Clock: newClock().read})
	renew(t, set)
	for _, issuer := range sides {
		knows(t, set, issuer, "same-kid", signing[issuer])
		for _, signer := range sides {
			if issuer == signer {
				knows(t, set, issuer, "of-"+string(signer), own[signer])
			} else {
				refuses(t, set, issuer, "of-"+string(signer))
			}
		}
	}
	refuses(t, set, "atlantis", "same-kid")
}

func TestAlgorithmAndUseArePinned(t *testing.T) {
	b := newBack(t, nil)
	es, ed, enc := newKey(t, "es", keys.ES256), newKey(t, "ed", keys.EdDSA), newKey(t, "enc", keys.ECDHES)
	b.publish(es, ed, enc)
	set := one(t, b, newClock())
	renew(t, set)
	for keyID, want := range map[string]keys.Algorithm{"es": keys.ES256, "ed": keys.EdDSA} {
		got, err := set.SigningKey(context.Background(), macau, keyID)
		if err != nil || got.Algorithm != want {
			t.Errorf("SigningKey(%s) = %s, %v, want %s", keyID, got.Algorithm, err, want)
		}
	}
	refuses(t, set, macau, "enc")
}

func TestEncryptionKey(t *testing.T) {
	older, newer, rsa := newKey(t, "e1", keys.ECDHES), newKey(t, "e2", keys.ECDHES), newKey(t, "e3", keys.RSAOAEP256)
	sig := newKey(t, "s1", keys.ES256)
	for _, test := range []struct {
		name      string
		published []jwk
		want      string // kid; empty: no handoff key
	}{
		{"the only one", []jwk{sig, older}, "e1"},
		{"the first of several, which is the newest", []jwk{newer, sig, older}, "e2"},
		{"an RSA key that comes first", []jwk{rsa, newer}, "e3"},
		{"signing keys alone", []jwk{sig}, ""},
		{"no keys at all", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBack(t, nil)
			b.publish(test.published...)
			set := one(t, b, newClock())
			got, err := set.EncryptionKey(context.Background(), macau)
			if errors.Is(err, exchange.ErrNoHandoffKey) != (test.want == "") || got.KeyID != test.want {
				t.Errorf("EncryptionKey = %q, %v, want %q", got.KeyID, err, test.want)
			}
		})
	}
	t.Run("a side that cannot be asked", func(t *testing.T) {
		b := newBack(t, nil)
		b.stop()
		_, err := one(t, b, newClock()).EncryptionKey(context.Background(), macau)
		if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable {
			t.Errorf("EncryptionKey = %v, want unavailable", err)
		}
	})
	t.Run("a side without a source", func(t *testing.T) {
		_, err := open(t, Config{}).EncryptionKey(context.Background(), macau)
		if !errors.Is(err, exchange.ErrNoHandoffKey) {
			t.Errorf("EncryptionKey = %v, want ErrNoHandoffKey", err)
		}
	})
}

func TestFirstPacketFetchesTheSet(t *testing.T) {
	b := newBack(t, nil)
	key := newKey(t, "k1", keys.ES256)
	b.publish(key)
	knows(t, one(t, b, newClock()), macau, "k1", key)
}

func TestNewKidIsFetchedAtMostOnceAMinute(t *testing.T) {
	b, clock := newBack(t, nil), newClock()
	k1, k2, k3 := newKey(t, "k1", keys.ES256), newKey(t, "k2", keys.ES256), newKey(t, "k3", keys.ES256)
	b.publish(k1)
	set := one(t, b, clock)
	renew(t, set)

	b.publish(k2, k1)
	knows(t, set, macau, "k2", k2) // the first unknown kid causes a fetch
	b.publish(k3, k2, k1)
	for _, step := range []struct {
		at    time.Duration
		known bool
	}{{0, false}, {59 * time.Second, false}, {60*time.Second - 1, false}, {60 * time.Second, true}} {
		clock.set(start.Add(step.at))
		if step.known {
			knows(t, set, macau, "k3", k3)
		} else {
			refuses(t, set, macau, "k3")
		}
	}
	if hits := b.hits.Load(); hits != 3 {
		t.Errorf("%d fetches, want 3", hits)
	}
}

// A clock that was ahead and is put right must not shut the gate until it has caught up.
func TestGateOpensAfterTheClockWasSetBack(t *testing.T) {
	b, clock := newBack(t, nil), newClock()
	key := newKey(t, "k1", keys.ES256)
	b.publish()
	set := one(t, b, clock)
	refuses(t, set, macau, "k1")
	b.publish(key)
	clock.advance(-time.Hour)
	knows(t, set, macau, "k1", key)
}

func TestFloodOfUnknownKidsCausesOneFetch(t *testing.T) {
	b, clock := newBack(t, nil), newClock()
	key := newKey(t, "k1", keys.ES256)
	b.publish(key)
	set := one(t, b, clock)
	renew(t, set)
	before := b.hits.Load()
	var group sync.WaitGroup
	for i := range 1000 {
		group.Go(func() { refuses(t, set, macau, fmt.Sprintf("random-%d", i)) })
	}
	group.Wait()
	for _, hostile := range []string{"", "../../etc/passwd", "k1\n", "k1\x00", "%2e%2e", strings.Repeat("k", 1<<20)} {
		refuses(t, set, macau, hostile)
	}
	if fetches := b.hits.Load() - before; fetches > 1 {
		t.Errorf("%d fetches, want at most 1", fetches)
	}
	knows(t, set, macau, "k1", key)
}

// While one fetch is under way a bounded number of requests waits for it; the rest has its answer at once.
func TestOnlySoManyWaitForOneFetch(t *testing.T) {
	b, clock := newBack(t, nil), newClock()
	old, fresh := newKey(t, "old", keys.ES256), newKey(t, "new", keys.ES256)
	b.publish(old)
	both := set(fresh, old)
	set := one(t, b, clock)
	renew(t, set)
	release := make(chan struct{})
	b.handle(func(w http.ResponseWriter, _ *http.Request) { <-release; _, _ = w.Write(both) })

	const all = 200
	var found, refused atomic.Int64
	var group sync.WaitGroup
	for range all {
		group.Go(func() {
			if _, err := set.SigningKey(context.Background(), macau, "new"); err == nil {
				found.Add(1)
			} else {
				refused.Add(1)
			}
		})
	}
	waitFor(t, func() bool { return refused.Load() == all-1-maxWaiting })
	knows(t, set, macau, "old", old) // nobody waits for a key that is known
	close(release)
	group.Wait()
	if found.Load() != 1+maxWaiting {
		t.Errorf("%d found the new key, want %d", found.Load(), 1+maxWaiting)
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never came to pass")
		}
	}
}

// The fetch belongs to nobody: whoever gives up waiting for it does not spoil it for the others.
func TestCallerWhoGivesUpDoesNotStopTheFetch(t *testing.T) {
	b := newBack(t, nil)
	key := newKey(t, "k1", keys.ES256)
	release := make(chan struct{})
	b.handle(func(w http.ResponseWriter, _ *http.Request) { <-release; _, _ = w.Write(set(key)) })
	trusted := one(t, b, newClock())
	ctx, cancel := context.WithCancel(context.Background())
	answered := make(chan error)
	go func() { _, err := trusted.SigningKey(ctx, macau, "k1"); answered <- err }()
	waitFor(t, func() bool { return b.hits.Load() == 1 })
	cancel()
	if reason, _ := exchange.ReasonOf(<-answered); reason != exchange.Unavailable {
		t.Errorf("reason %s, want unavailable", reason)
	}
	close(release)
	knows(t, trusted, macau, "k1", key)
	if hits := b.hits.Load(); hits != 1 {
		t.Errorf("%d fetches, want 1", hits)
	}
}

func TestRemovedKeyStopsAtTheNextRefresh(t *testing.T) {
	b, clock := newBack(t, nil), newClock()
	stays, goes := newKey(t, "stays", keys.ES256), newKey(t, "goes", keys.ES256)
	b.publish(stays, goes)
	set := one(t, b, clock)
	renew(t, set)
	knows(t, set, macau, "goes", goes)
	b.publish(stays)
	knows(t, set, macau, "goes", goes) // not yet looked
	renew(t, set)
	refuses(t, set, macau, "goes")
	knows(t, set, macau, "stays", stays)
	b.publish() // withdraws everything
	renew(t, set)
	refuses(t, set, macau, "stays")
}

func TestKidThatChangesItsKeyIsTheNewKey(t *testing.T) {
	b := newBack(t, nil)
	before, after := newKey(t, "k1", keys.ES256), newKey(t, "k1", keys.ES256)
	b.publish(before)
	set := one(t, b, newClock())
	renew(t, set)
	b.publish(after)
	renew(t, set)
	knows(t, set, macau, "k1", after)
}

func TestOutageNeverStopsKnownKeysWithinMaxAge(t *testing.T) {
	b, clock := newBack(t, nil), newClock()
	key := newKey(t, "k1", keys.ES256)
	b.publish(key)
	set := one(t, b, clock)
	renew(t, set)
	b.stop()
	failing(t, set, Unreachable)
	for _, step := range []struct {
		age    time.Duration
		usable bool
	}{{DefaultRefresh, true}, {DefaultMaxAge, true}, {DefaultMaxAge + 1, false}} {
		clock.set(start.Add(step.age))
		if step.usable {
			knows(t, set, macau, "k1", key)
			refuses(t, set, macau, "k2")
		} else {
			unavailable(t, set, macau, "k1")
			unavailable(t, set, macau, "k2")
		}
		if got := set.Status()[0]; got.Usable != step.usable || got.Age != step.age {
			t.Errorf("at %s: Status() = %+v", step.age, got)
		}
	}
}

func TestSetFromTheFutureIsNotUsed(t *testing.T) {
	b, clock := newBack(t, nil), newClock()
	key := newKey(t, "k1", keys.ES256)
	b.publish(key)
	set := one(t, b, clock)
	renew(t, set)
	b.stop()
	clock.set(start.Add(-exchange.Leeway))
	knows(t, set, macau, "k1", key)
	clock.set(start.Add(-exchange.Leeway - 1))
	unavailable(t, set, macau, "k1")
}

func TestSideThatComesBackIsUsedAgain(t *testing.T) {
	b, clock := newBack(t, nil), newClock()
	key := newKey(t, "k1", keys.ES256)
	b.handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	set := one(t, b, clock)
	failing(t, set, Answer)
	unavailable(t, set, macau, "k1")
	b.publish(key)
	renew(t, set)
	knows(t, set, macau, "k1", key)
	want := SideStatus{Side: macau, FetchedAt: start, Keys: 1, Usable: true}
	if got := set.Status()[0]; got != want {
		t.Errorf("Status() = %+v, want %+v", got, want)
	}
}

// Every kind of bad set of threat T26. What each rule is exactly, package keys tests; here it is that none of them
// replaces a good set, and that each is reported.
func TestBadSetKeepsTheLastGoodOne(t *testing.T) {
	good := newKey(t, "good", keys.ES256)
	evil := newKey(t, "evil", keys.ES256)
	rsa := newKey(t, "rsa", keys.RSAOAEP256)
	many := make([]jwk, 33)
	for i := range many {
		many[i] = evil.with(t, "kid", fmt.Sprintf("evil-%d", i))
	}
	padding := strings.Repeat(" ", keys.MaxSetBytes+1-len(set(evil)))
	for _, test := range []struct {
		name string
		body string
		want Class
	}{
		{"nothing", "", Malformed},
		{"a page", "<html>maintenance</html>", Malformed},
		{"null", "null", Malformed},
		{"a bare list", "[]", Malformed},
		{"no member keys", "{}", Malformed},
		{"something behind the object", string(set(evil)) + "{}", Malformed},
		{"the same member twice", `{"keys":[],` + string(set(evil))[1:], Malformed},
		{"a truncated answer", string(set(evil))[:40], Malformed},
		{"33 keys", string(set(many...)), Malformed},
		{"the same kid twice", string(set(evil, newKey(t, "evil", keys.ES256))), Malformed},
		{"a kid that is a path", string(set(evil.with(t, "kid", "../evil"))), Malformed},
		{"no kid", string(set(evil.with(t, "kid", nil))), Malformed},
		{"a private key", string(set(evil.with(t, "d", "AAAA"))), Malformed},
		{"a symmetric key", string(set(evil.with(t, "k", "AAAA"))), Malformed},
		{"the wrong use", string(set(evil.with(t, "use", "enc"))), Malformed},
		{"no use", string(set(evil.with(t, "use", nil))), Malformed},
		{"key_ops of a private key", string(set(evil.with(t, "key_ops", []string{"sign"}))), Malformed},
		{"no alg", string(set(evil.with(t, "alg", nil))), Malformed},
		{"alg none", string(set(evil.with(t, "alg", "none"))), Malformed},
		{"a symmetric alg", string(set(evil.with(t, "alg", "HS256"))), Malformed},
		{"another curve", string(set(evil.with(t, "crv", "P-384"))), Malformed},
		{"a point off the curve", string(set(evil.with(t, "x", strings.Repeat("A", 43)))), Malformed},
		{"RSA of 1024 bits", string(set(short(t))), Malformed},
		{"an RSA key for signing", string(set(rsa.with(t, "use", "sig").with(t, "alg", "RS256"))), Malformed},
		{"one bad key among good ones", string(set(good, evil.with(t, "d", "AAAA"))), Malformed},
		{"64 KiB and one byte", string(set(evil)) + padding, TooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBack(t, nil)
			b.publish(good)
			set := one(t, b, newClock())
			renew(t, set)
			b.raw(test.body)
			failing(t, set, test.want)
			knows(t, set, macau, "good", good)
			refuses(t, set, macau, "evil")
			if got := set.Status()[0]; !got.Usable || got.Keys != 1 {
				t.Errorf("Status() = %+v", got)
			}
		})
	}
	t.Run("64 KiB exactly are read", func(t *testing.T) {
		b := newBack(t, nil)
		b.raw(string(set(evil)) + padding[1:])
		knows(t, one(t, b, newClock()), macau, "evil", evil)
	})
}

// short is an RSA key of 1024 bits. crypto/rsa no longer makes one, but a modulus is all that a reader sees of it.
func short(t *testing.T) jwk {
	t.Helper()
	long := newRSA(t).N.Bytes()
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(long[:128]), E: 65537}
	key.N.SetBit(key.N, 0, 1)
	written, err := keys.JWK(keys.Public{KeyID: "short", Algorithm: keys.RSAOAEP256, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return jwk{written, key}
}

func TestStatusOfSidesInOrder(t *testing.T) {
	b, clock := newBack(t, nil), newClock()
	b.publish(newKey(t, "k1", keys.ES256), newKey(t, "e1", keys.ECDHES))
	gone := newBack(t, nil)
	gone.stop()
	set := open(t, Config{
		Sides: map[exchange.Side]Source{macau: {URL: b.URL}, guangdong: {URL: gone.URL}, hongkong: {File: "/none.json"}}, Clock: clock.read,
	})
	before := []SideStatus{{Side: guangdong}, {Side: hongkong}, {Side: macau}}
	equal(t, set.Status(), before)
	if err := set.Refresh(context.Background()); err == nil || !strings.Contains(err.Error(), "guangdong: ") || !strings.Contains(err.Error(), "hongkong: ") {
		t.Errorf("Refresh = %v, want both failures by name", err)
	}
	clock.advance(time.Minute)
	equal(t, set.Status(), []SideStatus{
		{Side: guangdong, LastError: Unreachable},
		{Side: hongkong, LastError: File},
		{Side: macau, FetchedAt: start, Age: time.Minute, Keys: 2, Usable: true},
	})
}

func equal(t *testing.T, got, want []SideStatus) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Status() = %+v\nwant       %+v", got, want)
	}
}

func TestNewNamesEverySideThatIsWronglyConfigured(t *testing.T) {
	ca := newAuthority(t).file
	for _, test := range []struct {
		name   string
		source Source
		says   string // empty: accepted
	}{
		{"nothing", Source{}, "either"},
		{"URL and file", Source{URL: "http://127.0.0.1/", File: "x"}, "either"},
		{"plain http to somewhere", Source{URL: "http://keys.example/"}, "https"},
		{"plain http to a private address", Source{URL: "http://10.0.0.1/"}, "https"},
		{"plain http to loopback", Source{URL: "http://127.0.0.1:1/"}, ""},
		{"plain http to IPv6 loopback", Source{URL: "http://[::1]:1/"}, ""},
		{"plain http to localhost", Source{URL: "http://localhost:1/"}, ""},
		{"plain http to what only begins like localhost", Source{URL: "http://localhost.example/"}, "https"},
		{"https with its authority", Source{URL: "https://keys.example/", CAFile: ca}, ""},
		{"https without an authority", Source{URL: "https://keys.example/"}, "CA file"},
		{"https with a CA file that is not there", Source{URL: "https://keys.example/", CAFile: ca + "x"}, "CA file"},
		{"https with a CA file that is something else", Source{URL: "https://keys.example/", CAFile: "trust.go"}, "CA file"},
		{"http with an authority", Source{URL: "http://127.0.0.1/", CAFile: ca}, "https"},
		{"a file with a server name", Source{File: "x", ServerName: "x"}, "https"},
		{"a user in the URL", Source{URL: "https://u@keys.example/", CAFile: ca}, "user"},
		{"a query", Source{URL: "https://keys.example/?a=b", CAFile: ca}, "query"},
		{"a fragment", Source{URL: "https://keys.example/#a", CAFile: ca}, "fragment"},
		{"no host", Source{URL: "https:///x", CAFile: ca}, "absolute"},
		{"another scheme", Source{URL: "gopher://127.0.0.1/"}, "https"},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, err := New(Config{Sides: map[exchange.Side]Source{macau: test.source, guangdong: test.source}})
			if test.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				set.stop()
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "macau") || !strings.Contains(err.Error(), "guangdong") {
				t.Errorf("New = %v, want both sides and …%s…", err, test.says)
			}
		})
	}
	for name, config := range map[string]Config{
		"a side id that is a path":  {Sides: map[exchange.Side]Source{"../x": {File: "x"}}},
		"max age below the refresh": {Refresh: time.Hour, MaxAge: time.Minute},
		"a negative refresh":        {Refresh: -1},
		"a negative timeout":        {Timeout: -1},
		"a cache that is a file":    {CacheDir: "trust.go"},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("New with %s succeeded", name)
		}
	}
}
