package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// How large a key set may be (threat T26).
const (
	MaxSetBytes = 64 << 10
	MaxSetKeys  = 32
)

// SetKey is one key of another side's set.
type SetKey struct {
	Trusted
	Use string // "sig" or "enc"
}

// ErrBadSet is wrapped by every error of ParseSet. The text around it says which rule which key breaks, and holds no key.
var ErrBadSet = errors.New("key set refused")

// ParseSet reads another side's JWK Set. One key that breaks a rule refuses the whole set, so that a mistake is seen where
// it was made and never becomes a key that is silently missing:
//   - at most 64 KiB and 32 keys, strict JSON (unique member names, valid UTF-8, nothing behind the object);
//   - each key has kty, kid, use and alg; use agrees with alg, and key_ops, if any, with use;
//   - no two keys share a kid, and none holds a private member;
//   - sig: ES256 on P-256, or EdDSA on Ed25519. enc: ECDH-ES or ECDH-ES+A256KW on P-256, or RSA-OAEP-256 with 2048 to 4096
//     bits.
//
// Members that say other things (x5c, iat, …) are ignored, as RFC 7517 §4 demands; nothing they name is ever fetched.
func ParseSet(data []byte) ([]SetKey, error) {
	if len(data) > MaxSetBytes {
		return nil, refuse("set", "larger than 64 KiB")
	}
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, refuse("set", "not a strict JSON object with a list of keys")
	}
	if set.Keys == nil || len(set.Keys) > MaxSetKeys {
		return nil, refuse("set", "no list of keys, or more than 32 of them")
	}
	parsed := make([]SetKey, 0, len(set.Keys))
	for i, raw := range set.Keys {
		key, err := parseJWK(raw)
		if err != nil {
			return nil, fmt.Errorf("keys[%d]: %w", i, err)
		}
		if slices.ContainsFunc(parsed, func(other SetKey) bool { return other.KeyID == key.KeyID }) {
			return nil, refuse(fmt.Sprintf("keys[%d].kid", i), "already used in this set")
		}
		parsed = append(parsed, key)
	}
	return parsed, nil
}

// ParsePublic reads a JWK that JWK wrote: a key of ours, whose kid names it and begins its thumbprint. When it was made
// and signs from is not part of it.
func ParsePublic(data stdjson.RawMessage) (Public, error) {
	key, err := parseJWK(jsontext.Value(data))
	if err != nil {
		return Public{}, err
	}
	name, version, err := ParseKeyID(key.KeyID)
	if err != nil {
		return Public{}, refuse("kid", "not <name>.<version>.<thumbprint>")
	}
	if expected, err := KeyID(name, version, key.Key); err != nil || expected != key.KeyID {
		return Public{}, refuse("kid", "does not begin the key's thumbprint")
	}
	return Public{Name: name, Version: version, KeyID: key.KeyID, Algorithm: key.Algorithm, Key: key.Key}, nil
}

// received has a place for every member that matters, private ones so that they can be refused.
type received struct {
	Kind       string    `json:"kty"`
	Use        string    `json:"use"`
	Algorithm  Algorithm `json:"alg"`
	KeyID      string    `json:"kid"`
	Operations []string  `json:"key_ops"`
	Curve      string    `json:"crv"`
	X          string    `json:"x"`
	Y          string    `json:"y"`
	Modulus    string    `json:"n"`
	Exponent   string    `json:"e"`

	D   jsontext.Value `json:"d"`
	P   jsontext.Value `json:"p"`
	Q   jsontext.Value `json:"q"`
	DP  jsontext.Value `json:"dp"`
	DQ  jsontext.Value `json:"dq"`
	QI  jsontext.Value `json:"qi"`
	Oth jsontext.Value `json:"oth"`
	K   jsontext.Value `json:"k"`
}

func (r received) private() bool {
	for _, member := range []jsontext.Value{r.D, r.P, r.Q, r.DP, r.DQ, r.QI, r.Oth, r.K} {
		if member != nil {
			return true
		}
	}
	return false
}

// accepts is the closed table of what a key may be for, and what it must then be.
var accepts = map[Algorithm]struct {
	use, kind, curve string
	operations       []string
}{
	ES256:        {UseSignature, "EC", "P-256", []string{"verify"}},
	EdDSA:        {UseSignature, "OKP", "Ed25519", []string{"verify"}},
	ECDHES:       {UseEncryption, "EC", "P-256", []string{"deriveKey", "deriveBits"}},
	ECDHESA256KW: {UseEncryption, "EC", "P-256", []string{"deriveKey", "deriveBits"}},
	RSAOAEP256:   {UseEncryption, "RSA", "", []string{"encrypt", "wrapKey"}},
}

func parseJWK(data jsontext.Value) (SetKey, error) {
	var r received
	if err := json.Unmarshal(data, &r); err != nil {
		return SetKey{}, refuse("key", "not a strict JSON object with members of the right types")
	}
	if r.private() {
		return SetKey{}, refuse("key", "holds a private or symmetric key: withdraw that key")
	}
	accepted, known := accepts[r.Algorithm]
	switch {
	case !ValidKeyID(r.KeyID):
		return SetKey{}, refuse("kid", "not 1 to 64 characters of A-Z a-z 0-9 . _ -")
	case !known:
		return SetKey{}, refuse("alg", "missing, or not one of ES256, EdDSA, ECDH-ES, ECDH-ES+A256KW, RSA-OAEP-256")
	case r.Use != accepted.use:
		return SetKey{}, refuse("use", "missing, or not what alg is for")
	case r.Kind != accepted.kind, r.Curve != accepted.curve:
		return SetKey{}, refuse("kty", "or crv is not what alg asks for")
	case slices.ContainsFunc(r.Operations, func(o string) bool { return !slices.Contains(accepted.operations, o) }):
		return SetKey{}, refuse("key_ops", "not what a public key of this use is for")
	}
	key, err := r.public()
	if err != nil {
		return SetKey{}, err
	}
	return SetKey{Trusted: Trusted{KeyID: r.KeyID, Algorithm: r.Algorithm, Key: key}, Use: r.Use}, nil
}

func (r received) public() (crypto.PublicKey, error) {
	switch r.Kind {
	case "EC":
		return r.p256()
	case "OKP":
		x, err := number(r.X)
		if err != nil || len(x) != ed25519.PublicKeySize || r.Y != "" || r.Modulus != "" || r.Exponent != "" {
			return nil, refuse("x", "not 32 bytes of base64url, or members of another kind of key")
		}
		return ed25519.PublicKey(x), nil
	default:
		return r.rsa()
	}
}

// p256 wants both coordinates at full length (RFC 7518 §6.2.1.2), and the point on the curve.
func (r received) p256() (crypto.PublicKey, error) {
	x, errX := number(r.X)
	y, errY := number(r.Y)
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 || r.Modulus != "" || r.Exponent != "" {
		return nil, refuse("x", "and y are not 32 bytes of base64url each, or members of another kind of key")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, refuse("x", "and y are no point of P-256")
	}
	return key, nil
}

func (r received) rsa() (crypto.PublicKey, error) {
	n, errN := number(r.Modulus)
	e, errE := number(r.Exponent)
	if errN != nil || errE != nil || len(n) == 0 || n[0] == 0 || r.X != "" || r.Y != "" {
		return nil, refuse("n", "or e is not base64url without leading zeros, or members of another kind of key")
	}
	modulus := new(big.Int).SetBytes(n)
	// 65537 is what everybody uses; a small exponent has no excuse, and a large one makes us work.
	if exponent := new(big.Int).SetBytes(e); !exponent.IsInt64() || exponent.Int64() != 65537 {
		return nil, refuse("e", "not 65537")
	}
	if bits := modulus.BitLen(); bits < MinBits || bits > MaxBits || bits%8 != 0 {
		return nil, refuse("n", "not a modulus of 2048 to 4096 bits")
	}
	if modulus.Bit(0) == 0 || fingerprinted(modulus) {
		return nil, refuse("n", "a modulus that is known to be weak (even, or as in CVE-2017-15361)")
	}
	return &rsa.PublicKey{N: modulus, E: 65537}, nil
}

// number decodes base64url without padding, whitespace or stray bits.
func number(text string) ([]byte, error) {
	for _, character := range []byte(text) {
		if character == '\r' || character == '\n' { // which encoding/base64 skips, even when strict
			return nil, ErrBadSet
		}
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

func refuse(where, why string) error { return fmt.Errorf("%s: %s: %w", where, why, ErrBadSet) }

// fingerprinted finds the moduli of CVE-2017-15361 (ROCA): modulo each of these primes they are a power of 65537. A good
// modulus passes all of them by chance less than once in 2^27.
func fingerprinted(modulus *big.Int) bool {
	rest := new(big.Int)
	for _, prime := range []int64{
		11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
	} {
		residue := rest.Mod(modulus, big.NewInt(prime)).Int64()
		if !generated(residue, prime) {
			return false
		}
	}
	return true
}

func generated(residue, prime int64) bool {
	power := int64(1)
	for range prime {
		if power == residue {
			return true
		}
		power = power * 65537 % prime
	}
	return false
}
