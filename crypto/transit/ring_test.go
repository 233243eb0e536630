package transit_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"crosscode/crypto/keys"
	"crosscode/crypto/keys/keystest"
	"crosscode/crypto/transit"
	"crosscode/crypto/transit/transittest"
)

// noLeaks fails a test that leaves a goroutine behind.
func noLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// makeKeys makes keys at Vault as `gateway vault init` does.
func makeKeys(t testing.TB, vault *transittest.Vault, specs []keys.Spec) {
	t.Helper()
	for _, spec := range specs {
		kind := "ecdsa-p256"
		if spec.Algorithm == keys.RSAOAEP256 {
			kind = fmt.Sprint("rsa-", max(spec.Bits, keys.MinBits))
		}
		vault.Write(t, vault.Mount+"/keys/"+spec.Name, map[string]any{"type": kind})
	}
}

// gatewayPolicy is what a gateway's token may do, and nothing else.
func gatewayPolicy(t testing.TB, vault *transittest.Vault, specs []keys.Spec) string {
	t.Helper()
	var rules strings.Builder
	for _, spec := range specs {
		fmt.Fprintf(&rules, "path %q { capabilities = [\"read\"] }\n", vault.Mount+"/keys/"+spec.Name)
		work := vault.Mount + "/sign/" + spec.Name + "/sha2-256"
		if spec.Algorithm == keys.RSAOAEP256 {
			work = vault.Mount + "/decrypt/" + spec.Name
		}
		fmt.Fprintf(&rules, "path %q { capabilities = [\"update\"] }\n", work)
	}
	name := "gateway-" + vault.Mount
	vault.Write(t, "sys/policies/acl/"+name, map[string]any{"policy": rules.String()})
	return name
}

func newClient(t testing.TB, config transit.ClientConfig) *transit.Client {
	t.Helper()
	client, err := transit.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func newRing(t testing.TB, config transit.Config) *transit.Ring {
	t.Helper()
	ring, err := transit.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// rings gives a gateway's ring and an operator's over the same keys, both read.
func rings(t testing.TB, vault *transittest.Vault, specs []keys.Spec, clock func() time.Time, wrap func(http.RoundTripper) http.RoundTripper) (gateway, operator *transit.Ring) {
	t.Helper()
	for _, each := range []struct {
		ring  **transit.Ring
		token string
	}{{&gateway, vault.NewToken(t, time.Hour, gatewayPolicy(t, vault, specs))}, {&operator, vault.Token}} {
		client := newClient(t, transit.ClientConfig{
			Address: vault.Address, CAFile: vault.CAFile, Namespace: vault.Namespace, Login: transit.Token(each.token), Wrap: wrap,
		})
		*each.ring = newRing(t, transit.Config{Vault: client, Mount: vault.Mount, Keys: specs, Clock: clock})
		if err := (*each.ring).Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return gateway, operator
}

// TestTheVaultRingIsARing runs the suite that every ring passes. The operator rotates, the gateway reads.
func TestTheVaultRingIsARing(t *testing.T) {
	keystest.Run(t, func(t *testing.T, specs []keys.Spec, clock func() time.Time) keystest.Subject {
		noLeaks(t)
		vault := transittest.Start(t)
		specs = withoutAgreement(specs)
		makeKeys(t, vault, specs)
		machine := &timeMachine{now: clock, made: map[string]time.Time{}}
		gateway, operator := rings(t, vault, specs, clock, machine.wrap)
		return keystest.Subject{
			Ring: gateway,
			Rotate: func(name string, now bool) error {
				_, err := operator.Rotate(t.Context(), name, now)
				return errors.Join(err, gateway.Refresh(t.Context()))
			},
			Break: func() {
				nothing := `path "nothing" { capabilities = ["deny"] }`
				vault.Write(t, "sys/policies/acl/gateway-"+vault.Mount, map[string]any{"policy": nothing})
			},
		}
	})
}

// withoutAgreement leaves out what Vault cannot do.
func withoutAgreement(specs []keys.Spec) (list []keys.Spec) {
	for _, spec := range specs {
		if spec.Algorithm != keys.ECDHES {
			list = append(list, spec)
		}
	}
	return list
}

// timeMachine makes Vault live by a test's clock: a version was created when it was first seen.
type timeMachine struct {
	now  func() time.Time
	mu   sync.Mutex
	made map[string]time.Time
}

func (m *timeMachine) wrap(network http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := network.RoundTrip(request)
		if err != nil || request.Method != http.MethodGet || !strings.Contains(request.URL.Path, "/keys/") {
			return response, err
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(m.change(request.URL.Path, body)))
		return response, err
	})
}

func (m *timeMachine) change(path string, body []byte) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	var reply map[string]any
	if json.Unmarshal(body, &reply) != nil {
		return body
	}
	data, _ := reply["data"].(map[string]any)
	versions, _ := data["keys"].(map[string]any)
	for number, version := range versions {
		id := path + " " + number
		if _, seen := m.made[id]; !seen {
			m.made[id] = m.now()
		}
		version.(map[string]any)["creation_time"] = m.made[id].Format(time.RFC3339Nano)
	}
	changed, _ := json.Marshal(reply)
	return changed
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func specs() []keys.Spec {
	return []keys.Spec{
		{Name: "packet-gd", Algorithm: keys.RSAOAEP256}, {Name: "mo", Algorithm: keys.ES256}, {Name: "receipt", Algorithm: keys.ES256},
	}
}

func findKey(t testing.TB, ring keys.Ring, name string) keys.Public {
	t.Helper()
	for _, public := range ring.Public() {
		if public.Name == name {
			return public
		}
	}
	t.Fatalf("no key %s", name)
	return keys.Public{}
}

func seal(t testing.TB, public keys.Public, secret []byte) []byte {
	t.Helper()
	sealed, err := sealTo(public, secret)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func sealTo(public keys.Public, secret []byte) ([]byte, error) {
	return rsa.EncryptOAEP(sha256.New(), rand.Reader, public.Key.(*rsa.PublicKey), secret, nil)
}

func open(ctx context.Context, ring keys.Ring, keyID string, sealed []byte) ([]byte, error) {
	key, err := ring.Decrypter(keyID)
	if err != nil {
		return nil, err
	}
	return key.Decrypt(ctx, sealed)
}

// sign signs with whatever signs now, and checks the signature against the public half that was promised.
func sign(ctx context.Context, ring keys.Ring, name string, digest [32]byte) (keys.Public, error) {
	signer, err := ring.Signer(name)
	if err != nil {
		return keys.Public{}, err
	}
	signature, err := signer.Sign(ctx, digest)
	if err != nil {
		return signer.Public(), err
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(signer.Public().Key.(*ecdsa.PublicKey), digest[:], r, s) {
		return signer.Public(), errors.New("the signature does not hold under the promised kid")
	}
	return signer.Public(), nil
}

// TestOneBadPacketAmongGood: threats §0.4, against the real server. Each good one opens, each bad one is its sender's affair,
// nothing is asked twice, and whatever the share of garbage, no breaker opens.
func TestOneBadPacketAmongGood(t *testing.T) {
	noLeaks(t)
	vault := transittest.Start(t)
	makeKeys(t, vault, specs())
	var calls, items, failed atomic.Int64
	client := newClient(t, transit.ClientConfig{Address: vault.Address, CAFile: vault.CAFile, Namespace: vault.Namespace, Login: transit.Token(vault.Token)})
	ring := newRing(t, transit.Config{Vault: client, Mount: vault.Mount, Keys: specs(), Observe: func(seen transit.Observation) {
		calls.Add(1)
		items.Add(int64(seen.Items))
		if seen.Err != nil {
			failed.Add(1)
		}
	}})
	if err := ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	public := findKey(t, ring, "packet-gd")
	for _, garbage := range []int{1, 2, 10} { // every first, second, tenth
		var group sync.WaitGroup
		for i := range 100 {
			secret := fmt.Appendf(nil, "secret %d", i)
			sealed, bad := seal(t, public, secret), i%garbage == 0
			if bad {
				sealed[20] ^= 1
			}
			group.Go(func() {
				opened, err := open(transit.WithPeer(t.Context(), fmt.Sprint(i%10)), ring, public.KeyID, sealed)
				if bad && !errors.Is(err, keys.ErrDecrypt) || !bad && (err != nil || !bytes.Equal(opened, secret)) {
					t.Errorf("one bad in %d: packet %d: %q, %v", garbage, i, opened, err)
				}
			})
		}
		group.Wait()
		if err := ring.Ready(t.Context()); err != nil {
			t.Errorf("one bad in %d: Ready() = %v", garbage, err)
		}
	}
	if items.Load() != 300 || failed.Load() != 0 || calls.Load() > 250 {
		t.Errorf("%d items in %d calls, %d failed: want 300, each asked for once, gathered, none failed", items.Load(), calls.Load(), failed.Load())
	}
}

// TestADecryptNeedsItsOwnKey: one key's ciphertext is garbage to another.
func TestADecryptNeedsItsOwnKey(t *testing.T) {
	vault := transittest.Start(t)
	both := []keys.Spec{{Name: "packet-gd", Algorithm: keys.RSAOAEP256}, {Name: "packet-mo", Algorithm: keys.RSAOAEP256}}
	makeKeys(t, vault, both)
	ring, _ := rings(t, vault, both, nil, nil)
	sealed := seal(t, findKey(t, ring, "packet-gd"), []byte("secret"))
	if _, err := open(t.Context(), ring, findKey(t, ring, "packet-mo").KeyID, sealed); !errors.Is(err, keys.ErrDecrypt) {
		t.Errorf("error = %v, want ErrDecrypt", err)
	}
}

// TestTheGatewaysTokenCannotOperate: rotating and trimming are the operator's.
func TestTheGatewaysTokenCannotOperate(t *testing.T) {
	vault := transittest.Start(t)
	makeKeys(t, vault, specs())
	ring, _ := rings(t, vault, specs(), nil, nil)
	var fault *transit.Fault
	if _, err := ring.Rotate(t.Context(), "mo", false); !errors.As(err, &fault) || fault.Kind != transit.Denied {
		t.Errorf("Rotate() error = %v, want a denial", err)
	}
	if list := ring.Public(); len(list) != 3 {
		t.Errorf("%d public keys, want 3 still", len(list))
	}
}
