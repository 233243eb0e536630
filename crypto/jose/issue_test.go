package jose

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

func (w *world) reader() *Reader { return NewReader(w.ring.Public(), bundleProfiles()) }

func mustSign(t testing.TB, w *world, drafts *exchange.Drafts) exchange.Signatures {
	t.Helper()
	signatures, err := NewSigner(w.ring).Sign(t.Context(), drafts)
	if err != nil {
		t.Fatal(err)
	}
	return signatures
}

// TestCodeAndReceipt signs for every route and reads back with our own reader.
func TestCodeAndReceipt(t *testing.T) {
	w := theWorld()
	for _, from := range sides {
		for _, to := range sides {
			if from == to {
				continue
			}
			signatures := mustSign(t, w, grantDrafts(t, from, to, 1))
			exhibit, err := w.reader().Exhibit(signatures.Code, signatures.Receipt, signatures.FullReceipt)
			if err != nil {
				t.Fatal(err)
			}
			found := exchange.Examine(exhibit, exchange.Bundle{}, noon, false)
			if found.Category != exchange.CategoryValid || found.Route != profileOf(from).Tag+"-"+profileOf(to).Tag {
				t.Errorf("%s → %s: %+v", from, to, found)
			}
			if len(signatures.Code) > exchange.MaxQRToken || len(signatures.Receipt) > exchange.MaxQRToken {
				t.Errorf("%s → %s: %d and %d characters do not fit the QR code", from, to, len(signatures.Code), len(signatures.Receipt))
			}
			expected := []string{w.packetKey(t, profileOf(to).Key).KeyID, w.packetKey(t, "receipt").KeyID}
			if diff := cmp.Diff(expected, signatures.KeyIDs); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestARefusalHasAReceiptAlone(t *testing.T) {
	w := theWorld()
	signatures := mustSign(t, w, refusalDrafts(t, "macau", "guangdong", 1))
	claims, err := w.reader().Receipt(signatures.Receipt)
	if err != nil || signatures.Code != "" || len(signatures.KeyIDs) != 1 || claims.Outcome != exchange.Refused {
		t.Errorf("Sign(refusal) = code %q, kids %v; the receipt says %+v, %v", signatures.Code, signatures.KeyIDs, claims, err)
	}
}

// TestOthersReadWhatWeSign holds header and signature to go-jose.
func TestOthersReadWhatWeSign(t *testing.T) {
	w := theWorld()
	signatures := mustSign(t, w, grantDrafts(t, "macau", "guangdong", 1))
	for name, token := range map[string]exchange.Token{"gd": signatures.Code, "receipt": signatures.Receipt} {
		key := w.packetKey(t, name)
		parsed, err := gojose.ParseSignedCompact(string(token), []gojose.SignatureAlgorithm{gojose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Verify(key.Key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var header map[string]string
		protected, _, _ := strings.Cut(string(token), ".")
		if err := json.Unmarshal(decoded(t, protected), &header); err != nil {
			t.Fatal(err)
		}
		typ := map[string]string{"gd": "gd-code+jwt", "receipt": exchange.ReceiptType}[name]
		if diff := cmp.Diff(map[string]string{"alg": "ES256", "kid": key.KeyID, "typ": typ}, header); diff != "" {
			t.Errorf("%s: header: %s", name, diff)
		}
	}
}

// TestOthersOpenWhatWeSeal holds the handoff to go-jose, for each algorithm that a destination's key can have.
func TestOthersOpenWhatWeSeal(t *testing.T) {
	w := theWorld()
	handoff := exchange.Handoff{Code: "a.b.c", Receipt: "d.e.f", FullReceipt: `{"jti":"陳 <&>"}`, Fields: `{"salt":"x"}`}
	for _, side := range sides {
		token, err := NewSealer(w.trusted).Seal(t.Context(), side, handoff)
		if err != nil {
			t.Fatal(err)
		}
		algorithm := gojose.KeyAlgorithm(w.trusted[pin{side, "enc"}].Algorithm)
		parsed, err := gojose.ParseEncryptedCompact(string(token), []gojose.KeyAlgorithm{algorithm}, []gojose.ContentEncryption{gojose.A256GCM})
		if err != nil {
			t.Fatal(err)
		}
		opened, err := parsed.Decrypt(w.landing[side])
		if err != nil {
			t.Fatalf("%s: %v", algorithm, err)
		}
		var got exchange.Handoff
		if err := json.Unmarshal(opened, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(handoff, got); diff != "" {
			t.Errorf("%s: %s", algorithm, diff)
		}
		if parsed.Header.KeyID != "enc-1" || parsed.Header.ExtraHeaders["typ"] != "handoff+jwe" {
			t.Errorf("%s: header %+v", algorithm, parsed.Header)
		}
	}
}

func TestSealErrors(t *testing.T) {
	w := theWorld()
	if _, err := NewSealer(w.trusted).Seal(t.Context(), "elsewhere", exchange.Handoff{}); !errors.Is(err, exchange.ErrNoHandoffKey) {
		t.Errorf("no key: error = %v, want ErrNoHandoffKey", err)
	}
	genuine := w.trusted[pin{"macau", "enc"}]
	for name, sealer := range map[string]*Sealer{
		"the set cannot be known now": NewSealer(failingKeys{errors.New("timeout")}),
		"an algorithm of signatures":  NewSealer(trustedKeys{pin{"macau", "enc"}: {KeyID: "k", Algorithm: keys.ES256, Key: genuine.Key}}),
		"a key of another kind":       NewSealer(trustedKeys{pin{"macau", "enc"}: {KeyID: "k", Algorithm: keys.RSAOAEP256, Key: genuine.Key}}),
		"a kid that would need escaping": NewSealer(trustedKeys{
			pin{"macau", "enc"}: {KeyID: `k","zip":"DEF`, Algorithm: keys.ECDHES, Key: genuine.Key},
		}),
	} {
		_, err := sealer.Seal(t.Context(), "macau", exchange.Handoff{})
		if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable {
			t.Errorf("%s: error = %v, want unavailable", name, err)
		}
	}
}

// TestARemoteRingSignsBothAtTheSameTime lets no signature finish before both have begun.
func TestARemoteRingSignsBothAtTheSameTime(t *testing.T) {
	w := theWorld()
	begun := make(chan struct{}, 2)
	both := make(chan struct{})
	ring := slippingRing{w.ring, func(key keys.Signer) keys.Signer {
		return slippedSigner{key, func(ctx context.Context, digest [32]byte) ([]byte, error) {
			if begun <- struct{}{}; len(begun) == 2 {
				close(both)
			}
			select {
			case <-both:
				return key.Sign(ctx, digest)
			case <-time.After(10 * time.Second):
				return nil, errors.New("the other signature was not asked for")
			}
		}}
	}}
	if _, err := NewSigner(ring).Sign(t.Context(), grantDrafts(t, "macau", "guangdong", 1)); err != nil {
		t.Error(err)
	}
}

// slippingRing gives signatures of another digest, as a batch with an index slip would (threat T22), or those of another
// key.
type slippingRing struct {
	keys.Ring
	slip func(keys.Signer) keys.Signer
}

func (r slippingRing) Signer(name string) (keys.Signer, error) {
	key, err := r.Ring.Signer(name)
	if err != nil {
		return nil, err
	}
	return r.slip(key), nil
}

type slippedSigner struct {
	keys.Signer
	sign func(context.Context, [32]byte) ([]byte, error)
}

func (s slippedSigner) Sign(ctx context.Context, digest [32]byte) ([]byte, error) {
	return s.sign(ctx, digest)
}

func TestNoSignatureLeavesUnchecked(t *testing.T) {
	w := theWorld()
	other, err := w.ring.Signer("hk")
	if err != nil {
		t.Fatal(err)
	}
	for name, slip := range map[string]func(keys.Signer) keys.Signer{
		"a signature of another digest": func(key keys.Signer) keys.Signer {
			return slippedSigner{key, func(ctx context.Context, digest [32]byte) ([]byte, error) {
				digest[0] ^= 1
				return key.Sign(ctx, digest)
			}}
		},
		"a signature by another key": func(key keys.Signer) keys.Signer { return slippedSigner{key, other.Sign} },
		"another key altogether":     func(keys.Signer) keys.Signer { return other },
		"DER": func(key keys.Signer) keys.Signer {
			return slippedSigner{key, func(context.Context, [32]byte) ([]byte, error) { return make([]byte, 71), nil }}
		},
		"nothing": func(key keys.Signer) keys.Signer {
			return slippedSigner{key, func(context.Context, [32]byte) ([]byte, error) { return nil, nil }}
		},
		"zeros": func(key keys.Signer) keys.Signer {
			return slippedSigner{key, func(context.Context, [32]byte) ([]byte, error) { return make([]byte, 64), nil }}
		},
		"an outage": func(key keys.Signer) keys.Signer {
			return slippedSigner{key, func(context.Context, [32]byte) ([]byte, error) { return nil, keys.ErrUnavailable }}
		},
		"a panic": func(key keys.Signer) keys.Signer {
			return slippedSigner{key, func(context.Context, [32]byte) ([]byte, error) { panic("x") }}
		},
	} {
		signatures, err := NewSigner(slippingRing{w.ring, slip}).Sign(t.Context(), grantDrafts(t, "macau", "guangdong", 1))
		if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable {
			t.Errorf("%s: error = %v, want unavailable", name, err)
		}
		if signatures.Code != "" || signatures.Receipt != "" || signatures.FullReceipt != nil {
			t.Errorf("%s: something left all the same", name)
		}
	}
}

// TestSwappedReceipts swaps codes and receipts among many holders signed at the same time: every pair but the right one is
// a mismatch (threats T21, T22).
func TestSwappedReceipts(t *testing.T) {
	const holders = 200
	w := theWorld()
	signed := make([]exchange.Signatures, holders)
	var group sync.WaitGroup
	for i := range holders {
		made := grantDrafts(t, "macau", "guangdong", i)
		group.Go(func() {
			var err error
			if signed[i], err = NewSigner(w.ring).Sign(t.Context(), made); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	reader := w.reader()
	for i := range holders {
		for _, j := range []int{i, (i + 1) % holders, (i + 77) % holders} {
			exhibit, err := reader.Exhibit(signed[i].Code, signed[j].Receipt, signed[j].FullReceipt)
			if err != nil {
				t.Fatal(err)
			}
			found := exchange.Examine(exhibit, exchange.Bundle{}, noon, false)
			if valid := found.Category == exchange.CategoryValid; valid != (i == j) {
				t.Errorf("code %d with receipt %d: %s", i, j, found.Category)
			}
		}
	}
}

// TestTheHeaderNamesTheVersionThatSigned rotates a key under a running signer (threat T25).
func TestTheHeaderNamesTheVersionThatSigned(t *testing.T) {
	now := noon
	ring, err := keys.InitEmbedded(filepath.Join(t.TempDir(), "keys.json"), []keys.Spec{
		{Name: "gd", Algorithm: keys.ES256}, {Name: "receipt", Algorithm: keys.ES256},
	}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	w := &world{ring: ring}
	fresh, err := ring.Rotate("gd", false)
	if err != nil {
		t.Fatal(err)
	}
	if before := mustSign(t, w, grantDrafts(t, "macau", "guangdong", 1)); slices.Contains(before.KeyIDs, fresh.KeyID) {
		t.Error("the new version signs before its time")
	}
	now = now.Add(keys.Overlap)
	after := mustSign(t, w, grantDrafts(t, "macau", "guangdong", 1))
	if after.KeyIDs[0] != fresh.KeyID {
		t.Errorf("signed by %s, want %s", after.KeyIDs[0], fresh.KeyID)
	}
	if _, _, err := w.reader().Code(after.Code); err != nil {
		t.Error(err)
	}
}

// TestTheOverlapIsTheBundlesHardLife: package keys cannot know package exchange.
func TestTheOverlapIsTheBundlesHardLife(t *testing.T) {
	if keys.Overlap != exchange.BundleHardLife {
		t.Errorf("Overlap is %v, a bundle is good for %v", keys.Overlap, exchange.BundleHardLife)
	}
}

// forge signs any claims with a key of the ring.
func forge(t testing.TB, w *world, name, typ, claims string) string {
	t.Helper()
	key, err := w.ring.Signer(name)
	if err != nil {
		t.Fatal(err)
	}
	return forgeWith(t, key, typ, claims)
}

func forgeWith(t testing.TB, key keys.Signer, typ, claims string) string {
	t.Helper()
	header := `{"alg":"ES256","kid":"` + key.Public().KeyID + `","typ":"` + typ + `"}`
	input := b64([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	hash := crypto.SHA256.New()
	hash.Write([]byte(input))
	signature, err := key.Sign(t.Context(), [32]byte(hash.Sum(nil)))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(signature)
}

// TestTheReaderWantsTheRightKeyForTheKind signs good claims with every key of the gateway: only the profile's own will do.
func TestTheReaderWantsTheRightKeyForTheKind(t *testing.T) {
	w := theWorld()
	code := `{"iss":"guangdong","jti":"x","iat":1,"exp":2,"n":"n","d":"d","r":"mo-gd"}`
	receipt := `{"jti":"x","iat":1,"exp":2,"o":"issued","r":"mo-gd","n":"n","d":"d","h":"h"}`
	for _, name := range []string{"gd", "mo", "hk", "receipt", "bundle"} {
		_, _, err := w.reader().Code(exchange.Token(forge(t, w, name, "gd-code+jwt", code)))
		if (err == nil) != (name == "gd") {
			t.Errorf("a code of guangdong signed by %s: %v", name, err)
		}
		_, err = w.reader().Receipt(exchange.Token(forge(t, w, name, exchange.ReceiptType, receipt)))
		if (err == nil) != (name == "receipt") {
			t.Errorf("a receipt signed by %s: %v", name, err)
		}
	}
	for name, token := range map[string]string{
		"another side's iss":    forge(t, w, "gd", "gd-code+jwt", strings.Replace(code, "guangdong", "macau", 1)),
		"an unknown claim":      forge(t, w, "gd", "gd-code+jwt", strings.Replace(code, `"n"`, `"x":1,"n"`, 1)),
		"a claim twice":         forge(t, w, "gd", "gd-code+jwt", strings.Replace(code, `"n"`, `"n":"","n"`, 1)),
		"a typ without profile": forge(t, w, "gd", "xx-code+jwt", code),
		"nothing":               "", "dots": "..",
	} {
		if _, _, err := w.reader().Code(exchange.Token(token)); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: error = %v, want ErrUnreadable", name, err)
		}
	}
	if _, err := w.reader().Exhibit("", "", nil); !errors.Is(err, ErrUnreadable) {
		t.Errorf("Exhibit(nothing) error = %v, want ErrUnreadable", err)
	}
}

// TestKindsAreNotConfused feeds each kind of token to each reader of another kind (threat T16).
func TestKindsAreNotConfused(t *testing.T) {
	w := theWorld()
	signatures := mustSign(t, w, grantDrafts(t, "macau", "guangdong", 1))
	bundle, _, err := newPublisher(w, &fakeRecalls{}, func() time.Time { return noon }).Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	handoff, err := NewSealer(w.trusted).Seal(t.Context(), "macau", exchange.Handoff{})
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{
		"packet": vector{}.make(t, w), "signed": signES(t, w.es256["macau"], "sign-es", []byte(claimsOf("macau"))),
		"recall": recall(t, w, "macau", `"packet":"x"`), "code": string(signatures.Code), "receipt": string(signatures.Receipt),
		"bundle": string(bundle), "handoff": string(handoff),
	}
	pins := bundlePins(t, w)
	readers := map[string]func(token string) error{
		"packet": func(token string) error {
			_, err := NewOpener(w.ring).Open(t.Context(), exchange.Packet(token))
			return err
		},
		"signed": func(token string) error {
			_, err := w.verifier().Verify(t.Context(), exchange.Signed{Compact: token})
			return err
		},
		"recall": func(token string) error {
			_, _, err := ReadRecall(t.Context(), exchange.Token(token), w.trusted, gateway, noon)
			return err
		},
		"code": func(token string) error {
			_, _, err := w.reader().Code(exchange.Token(token))
			return err
		},
		"receipt": func(token string) error {
			_, err := w.reader().Receipt(exchange.Token(token))
			return err
		},
		"bundle": func(token string) error {
			_, _, err := ReadBundle(exchange.Token(token), pins)
			return err
		},
	}
	for reader, read := range readers {
		for kind, token := range tokens {
			if err := read(token); (err == nil) != (kind == reader) {
				t.Errorf("%s read as %s: %v", kind, reader, err)
			}
		}
	}
}

// TestASidesOwnKeyCannotMakeOurTokens trusts, by mistake, a code's public key as a side's: the typ still tells them apart.
func TestASidesOwnKeyCannotMakeOurTokens(t *testing.T) {
	w := theWorld()
	key := w.packetKey(t, "gd")
	trusted := trustedKeys{pin{"guangdong", key.KeyID}: {KeyID: key.KeyID, Algorithm: keys.ES256, Key: key.Key.(*ecdsa.PublicKey)}}
	code := mustSign(t, w, grantDrafts(t, "macau", "guangdong", 1)).Code
	_, err := NewVerifier(trusted, gateway).Verify(t.Context(), exchange.Signed{Compact: string(code)})
	if stageOf(err) != "signed.kind" {
		t.Errorf("error = %v, want a refusal at signed.kind", err)
	}
}
