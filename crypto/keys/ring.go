package keys

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"errors"
	"time"
)

// Algorithm is the JOSE "alg" that a key is for. Each key has exactly one (RFC 8725 §3.1).
type Algorithm string

// The algorithms that our own keys can have, and EdDSA, which the other sides may sign packets with.
const (
	ES256      Algorithm = "ES256"
	EdDSA      Algorithm = "EdDSA"
	RSAOAEP256 Algorithm = "RSA-OAEP-256"
	// ECDHES stands for both ECDH-ES and ECDH-ES+A256KW on P-256, which use the same key.
	ECDHES Algorithm = "ECDH-ES"
	// ECDHESA256KW is what another side may say of its own key, so that only this is sealed to it. No key of ours has it.
	ECDHESA256KW Algorithm = "ECDH-ES+A256KW"
)

// Public is the public half of one version of a key.
type Public struct {
	Name      string // "packet-gd", "mo", "receipt", "bundle"
	Version   int    // from 1
	KeyID     string // <name>.<version>.<first 6 characters of the RFC 7638 thumbprint>
	Algorithm Algorithm
	Key       crypto.PublicKey // *ecdsa.PublicKey, *rsa.PublicKey
	CreatedAt time.Time
	// SignsFrom is when this version begins to sign: for a first version its creation, for a later one its creation plus
	// the bundle's hard life, so that an officer offline for a day still knows it. Every replica computes the same.
	SignsFrom time.Time
}

// Trusted is a public key of another side.
type Trusted struct {
	KeyID     string
	Algorithm Algorithm
	Key       crypto.PublicKey // *ecdsa.PublicKey (P-256), ed25519.PublicKey, *rsa.PublicKey
}

// Ring is where the gateway's private keys live. Its implementations are Embedded here and the ring over Vault's transit
// engine. A Ring is safe for concurrent use and never hands out a private key.
type Ring interface {
	// Signer gives the version of the named ES256 key that signs at the ring's present time. ErrUnknownKey if there is none.
	Signer(name string) (Signer, error)
	// Decrypter gives the key with this exact kid. ErrUnknownKey if there is none, or if it is no packet key.
	Decrypter(keyID string) (Decrypter, error)
	// Public lists every live version of every key in a stable order, versions that do not sign yet included.
	Public() []Public
}

// Signer signs with one version of one key.
type Signer interface {
	Public() Public
	// Sign gives the 64 raw bytes r‖s (RFC 7518 §3.4) over a SHA-256 digest. Only the digest leaves the process. The error
	// wraps ErrUnavailable when the key could not be used.
	Sign(ctx context.Context, digest [32]byte) ([]byte, error)
}

// Local is implemented by a Signer that works within this process, in microseconds. All others are taken to be a network
// away, and are asked for several signatures at the same time.
type Local interface{ Local() }

// Decrypter opens with one version of one packet key.
type Decrypter interface {
	Public() Public
	// Decrypt opens an RSA-OAEP-256 encrypted_key. The error wraps ErrDecrypt when the ciphertext is bad, which is the
	// sender's affair and takes as long as a success, or ErrUnavailable when the key could not be used.
	Decrypt(ctx context.Context, encryptedKey []byte) ([]byte, error)
	// Agree gives the 32-byte shared secret Z of an ECDH-ES key with the sender's ephemeral key. A ring over Vault has no
	// such key.
	Agree(ctx context.Context, ephemeral *ecdh.PublicKey) ([]byte, error)
}

// What can go wrong with a key.
var (
	ErrUnknownKey  = errors.New("no such key")
	ErrDecrypt     = errors.New("the ciphertext does not open")
	ErrUnavailable = errors.New("the key ring is unavailable")
	ErrWrongUse    = errors.New("the key is not for this")
)
