package jose

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"crosscode/crypto/keys"
	"crosscode/exchange"
	"crosscode/exchange/clock"
)

const gateway = "https://gateway.example"

var sides = []exchange.Side{"guangdong", "macau", "hongkong"}

// world is three sides and a gateway, with fresh keys.
type world struct {
	ring    *keys.Embedded
	es256   map[exchange.Side]*ecdsa.PrivateKey
	ed25519 map[exchange.Side]ed25519.PrivateKey
	// landing is each side's own key for handoffs: RSA for guangdong, ECDH for the others.
	landing map[exchange.Side]crypto.PrivateKey
	trusted trustedKeys
}

// theWorld is made once: RSA keys take their time.
var theWorld = sync.OnceValue(func() *world {
	folder, err := os.MkdirTemp("", "jose")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	ring, err := keys.InitEmbedded(filepath.Join(folder, "keys.json"), []keys.Spec{
		{Name: "packet-mo", Algorithm: keys.RSAOAEP256, Bits: 2048}, {Name: "packet-gd", Algorithm: keys.ECDHES},
		{Name: "packet-hk", Algorithm: keys.RSAOAEP256, Bits: 3072},
		{Name: "gd", Algorithm: keys.ES256}, {Name: "mo", Algorithm: keys.ES256}, {Name: "hk", Algorithm: keys.ES256},
		{Name: "receipt", Algorithm: keys.ES256}, {Name: "bundle", Algorithm: keys.ES256},
	}, clock.Now)
	if err != nil {
		panic(err)
	}
	w := &world{
		ring: ring, es256: map[exchange.Side]*ecdsa.PrivateKey{}, ed25519: map[exchange.Side]ed25519.PrivateKey{},
		landing: map[exchange.Side]crypto.PrivateKey{}, trusted: trustedKeys{},
	}
	for _, side := range sides {
		w.add(side)
	}
	return w
})

// add gives a side its keys. Every side names its keys in the same way, which is legal (threat T15).
func (w *world) add(side exchange.Side) {
	signing, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	edwards, private, _ := ed25519.GenerateKey(rand.Reader)
	w.es256[side], w.ed25519[side] = signing, private
	w.trusted[pin{side, "sign-es"}] = keys.Trusted{KeyID: "sign-es", Algorithm: keys.ES256, Key: &signing.PublicKey}
	w.trusted[pin{side, "sign-ed"}] = keys.Trusted{KeyID: "sign-ed", Algorithm: keys.EdDSA, Key: edwards}
	if side == "guangdong" {
		key, _ := rsa.GenerateKey(rand.Reader, 2048)
		w.landing[side] = key
		w.trusted[pin{side, "enc"}] = keys.Trusted{KeyID: "enc-1", Algorithm: keys.RSAOAEP256, Key: &key.PublicKey}
		return
	}
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	algorithm := map[exchange.Side]keys.Algorithm{"macau": keys.ECDHES, "hongkong": keys.ECDHESA256KW}[side]
	w.landing[side] = key
	w.trusted[pin{side, "enc"}] = keys.Trusted{KeyID: "enc-1", Algorithm: algorithm, Key: &key.PublicKey}
}

type pin struct {
	side  exchange.Side
	keyID string
}

// trustedKeys is a trust set by hand.
type trustedKeys map[pin]keys.Trusted

func (s trustedKeys) SigningKey(_ context.Context, issuer exchange.Side, keyID string) (keys.Trusted, error) {
	if key, found := s[pin{issuer, keyID}]; found && keyID != "enc" {
		return key, nil
	}
	return keys.Trusted{}, exchange.Fail(exchange.PacketRefused, "trust", errors.New("no such key"))
}

func (s trustedKeys) EncryptionKey(_ context.Context, side exchange.Side) (keys.Trusted, error) {
	if key, found := s[pin{side, "enc"}]; found {
		return key, nil
	}
	return keys.Trusted{}, exchange.ErrNoHandoffKey
}

// packetKey gives the public half of a packet key, and the alg that go-jose and the header call it by default.
func (w *world) packetKey(t testing.TB, name string) keys.Public {
	t.Helper()
	for _, public := range w.ring.Public() {
		if public.Name == name {
			return public
		}
	}
	t.Fatalf("no key %s", name)
	return keys.Public{}
}

func (w *world) verifier() *Verifier { return NewVerifier(w.trusted, gateway) }

// claims is a packet's payload. Nothing in this package looks behind iss and aud.
func claimsOf(issuer exchange.Side) string {
	return `{"iss":"` + string(issuer) + `","aud":"` + gateway + `","dst":"guangdong","jti":"AAAAAAAAAAAAAAAAAAAAAA","iat":1795305600,` +
		`"holder":{"name":{"han":"陳大文"},"documents":[{"type":"macau-bir","number":"1234567(8)"}]}}`
}

// signES and sealTo are what a side's back end does, with an independent library.
func signES(t testing.TB, key *ecdsa.PrivateKey, keyID string, payload []byte) string {
	t.Helper()
	return theirSign(t, gojose.SigningKey{Algorithm: gojose.ES256, Key: gojose.JSONWebKey{Key: key, KeyID: keyID}}, claimsType, payload)
}

func theirSign(t testing.TB, key gojose.SigningKey, typ gojose.ContentType, payload []byte) string {
	t.Helper()
	signer, err := gojose.NewSigner(key, (&gojose.SignerOptions{}).WithType(typ))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signature.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func sealTo(t testing.TB, alg gojose.KeyAlgorithm, public keys.Public, payload []byte) string {
	t.Helper()
	token, err := theirSeal(t, gojose.A256GCM, gojose.NONE, gojose.Recipient{Algorithm: alg, Key: public.Key, KeyID: public.KeyID}, payload).
		CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func theirSeal(
	t testing.TB, enc gojose.ContentEncryption, zip gojose.CompressionAlgorithm, to gojose.Recipient, payload []byte,
) *gojose.JSONWebEncryption {
	t.Helper()
	options := (&gojose.EncrypterOptions{Compression: zip}).WithType(packetType).WithContentType("JWT")
	encrypter, err := gojose.NewEncrypter(enc, to, options)
	if err != nil {
		t.Fatal(err)
	}
	object, err := encrypter.Encrypt(payload)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// countingRing counts what reaches a ring, and can be broken.
type countingRing struct {
	keys.Ring
	calls  *atomic.Int64
	broken error
}

func counting(ring keys.Ring) countingRing { return countingRing{Ring: ring, calls: new(atomic.Int64)} }

func (r countingRing) Decrypter(keyID string) (keys.Decrypter, error) {
	key, err := r.Ring.Decrypter(keyID)
	if err != nil {
		return nil, err
	}
	return countingKey{Decrypter: key, ring: r}, nil
}

func (r countingRing) Signer(name string) (keys.Signer, error) {
	key, err := r.Ring.Signer(name)
	if err != nil {
		return nil, err
	}
	return countingSigner{Signer: key, ring: r}, nil
}

type countingKey struct {
	keys.Decrypter
	ring countingRing
}

func (k countingKey) Decrypt(ctx context.Context, encryptedKey []byte) ([]byte, error) {
	k.ring.calls.Add(1)
	if k.ring.broken != nil {
		return nil, k.ring.broken
	}
	return k.Decrypter.Decrypt(ctx, encryptedKey)
}

func (k countingKey) Agree(ctx context.Context, ephemeral *ecdh.PublicKey) ([]byte, error) {
	k.ring.calls.Add(1)
	if k.ring.broken != nil {
		return nil, k.ring.broken
	}
	return k.Decrypter.Agree(ctx, ephemeral)
}

type countingSigner struct {
	keys.Signer
	ring countingRing
}

func (k countingSigner) Sign(ctx context.Context, digest [32]byte) ([]byte, error) {
	k.ring.calls.Add(1)
	if k.ring.broken != nil {
		return nil, k.ring.broken
	}
	return k.Signer.Sign(ctx, digest)
}
