package keys

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// What a JWK's use says.
const (
	UseSignature  = "sig"
	UseEncryption = "enc"
)

var errKeyType = errors.New("not a P-256, Ed25519 or RSA public key")

// material is a JWK without what is said about it. The order of the members is that of RFC 7638 §3.3: lexicographic, so
// that its JSON is what the thumbprint hashes.
type material struct {
	Curve    string `json:"crv,omitempty"`
	Exponent string `json:"e,omitempty"`
	Kind     string `json:"kty"`
	Modulus  string `json:"n,omitempty"`
	X        string `json:"x,omitempty"`
	Y        string `json:"y,omitempty"`
}

type jwk struct {
	Kind      string    `json:"kty"`
	Use       string    `json:"use"`
	Algorithm Algorithm `json:"alg"`
	KeyID     string    `json:"kid"`
	Curve     string    `json:"crv,omitempty"`
	X         string    `json:"x,omitempty"`
	Y         string    `json:"y,omitempty"`
	Modulus   string    `json:"n,omitempty"`
	Exponent  string    `json:"e,omitempty"`
}

// JWK writes one public key of ours as a JSON Web Key with kty, use, alg, kid and the key itself.
func JWK(key Public) (json.RawMessage, error) {
	m, err := newMaterial(key.Key)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", key.KeyID, err)
	}
	use := UseEncryption
	if key.Algorithm == ES256 || key.Algorithm == EdDSA {
		use = UseSignature
	}
	return json.Marshal(jwk{
		Kind: m.Kind, Use: use, Algorithm: key.Algorithm, KeyID: key.KeyID,
		Curve: m.Curve, X: m.X, Y: m.Y, Modulus: m.Modulus, Exponent: m.Exponent,
	})
}

// MarshalSet writes public keys of ours as a JWK Set (RFC 7517 §5), in the order given.
func MarshalSet(keys []Public) ([]byte, error) {
	set := struct {
		Keys []json.RawMessage `json:"keys"`
	}{Keys: []json.RawMessage{}}
	for _, key := range keys {
		written, err := JWK(key)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, written)
	}
	return json.Marshal(set)
}

// Thumbprint is the RFC 7638 thumbprint: SHA-256 in base64url, 43 characters.
func Thumbprint(key crypto.PublicKey) (string, error) {
	m, err := newMaterial(key)
	if err != nil {
		return "", err
	}
	canonical, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(canonical)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

func newMaterial(key crypto.PublicKey) (material, error) {
	encode := base64.RawURLEncoding.EncodeToString
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return material{}, errKeyType
		}
		point, err := key.Bytes() // 4, x, y: refuses a point off its curve
		if err != nil {
			return material{}, errKeyType
		}
		return material{Kind: "EC", Curve: "P-256", X: encode(point[1:33]), Y: encode(point[33:])}, nil
	case *ecdh.PublicKey:
		if key.Curve() != ecdh.P256() {
			return material{}, errKeyType
		}
		point := key.Bytes()
		return material{Kind: "EC", Curve: "P-256", X: encode(point[1:33]), Y: encode(point[33:])}, nil
	case ed25519.PublicKey:
		return material{Kind: "OKP", Curve: "Ed25519", X: encode(key)}, nil
	case *rsa.PublicKey:
		exponent := big.NewInt(int64(key.E)).Bytes()
		return material{Kind: "RSA", Modulus: encode(key.N.Bytes()), Exponent: encode(exponent)}, nil
	default:
		return material{}, errKeyType
	}
}
