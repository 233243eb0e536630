package jose

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

var errSealKey = errors.New("the destination's key is for no algorithm that can be sealed to")

// Sealer encrypts handoffs to the destinations' own keys. It implements exchange.Sealer.
type Sealer struct{ trusted TrustedKeys }

var _ exchange.Sealer = (*Sealer)(nil)

// NewSealer seals to these keys.
func NewSealer(trusted TrustedKeys) *Sealer { return &Sealer{trusted: trusted} }

// Seal makes a compact JWE of the handoff's JSON with A256GCM and the alg of the destination's key; its header has alg,
// enc, kid and typ "handoff+jwe", and epk for ECDH. Its error is exchange.ErrNoHandoffKey or a Failure with unavailable.
func (s *Sealer) Seal(ctx context.Context, destination exchange.Side, handoff exchange.Handoff) (token exchange.Token, err error) {
	defer containOutage(stageSeal, &err)
	key, err := s.trusted.EncryptionKey(ctx, destination)
	if errors.Is(err, exchange.ErrNoHandoffKey) {
		return "", err
	}
	if err != nil {
		return "", unavailable(stageSeal, err)
	}
	payload, err := json.Marshal(handoff)
	if err != nil {
		return "", unavailable(stageSeal, err)
	}
	sealed, err := seal(key, payload)
	if err != nil {
		return "", unavailable(stageSeal, fmt.Errorf("handoff to %s: %w", destination, err))
	}
	return exchange.Token(sealed), nil
}

// seal makes the compact JWE (RFC 7516 §5.1).
func seal(key keys.Trusted, payload []byte) (string, error) {
	if !keys.ValidKeyID(key.KeyID) {
		return "", errSealKey
	}
	w, err := wrap(key)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding
	// Nothing here needs escaping: the alg is from a closed list, the kid has been checked, the coordinates are base64url.
	protected := encode.AppendEncode(nil, []byte(`{"alg":"`+string(key.Algorithm)+`","enc":"A256GCM","kid":"`+key.KeyID+
		`","typ":"`+handoffType+`"`+w.ephemeral+`}`))
	c, err := sealContent(w.cek, protected, payload)
	if err != nil {
		return "", err
	}
	end := len(c.encrypted) - tagLength
	token := make([]byte, 0, len(protected)+encode.EncodedLen(len(w.encryptedKey)+len(c.iv)+len(c.encrypted))+8)
	token = append(token, protected...)
	for _, segment := range [][]byte{w.encryptedKey, c.iv, c.encrypted[:end], c.encrypted[end:]} {
		token = encode.AppendEncode(append(token, '.'), segment)
	}
	return string(token), nil
}

// wrapping is a content encryption key and what the recipient needs to find it.
type wrapping struct {
	cek          []byte
	encryptedKey []byte
	ephemeral    string // header member, with the comma before it
}

func wrap(key keys.Trusted) (wrapping, error) {
	switch key.Algorithm {
	case keys.RSAOAEP256:
		public, isRSA := key.Key.(*rsa.PublicKey)
		if !isRSA {
			return wrapping{}, errSealKey
		}
		cek := random(contentKey)
		wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, cek, nil)
		return wrapping{cek: cek, encryptedKey: wrapped}, err
	case keys.ECDHES:
		derived, epk, err := agree(key.Key, "A256GCM")
		return wrapping{cek: derived, ephemeral: epk}, err
	case keys.ECDHESA256KW:
		derived, epk, err := agree(key.Key, string(key.Algorithm))
		if err != nil {
			return wrapping{}, err
		}
		cek := random(contentKey)
		wrapped, err := wrapAES(derived, cek)
		return wrapping{cek: cek, encryptedKey: wrapped, ephemeral: epk}, err
	default:
		return wrapping{}, errSealKey
	}
}

// agree makes an ephemeral key and derives a key from it and the recipient's (RFC 7518 §4.6).
func agree(recipient crypto.PublicKey, kdf string) (derived []byte, epk string, err error) {
	public, isECDSA := recipient.(*ecdsa.PublicKey)
	if !isECDSA {
		return nil, "", errSealKey
	}
	static, err := public.ECDH()
	if err != nil || static.Curve() != ecdh.P256() {
		return nil, "", errSealKey
	}
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", err
	}
	shared, err := ephemeral.ECDH(static)
	if err != nil {
		return nil, "", err
	}
	point, encode := ephemeral.PublicKey().Bytes(), base64.RawURLEncoding
	epk = `,"epk":{"kty":"EC","crv":"P-256","x":"` + encode.EncodeToString(point[1:33]) +
		`","y":"` + encode.EncodeToString(point[33:]) + `"}`
	return concatKDF(shared, kdf, nil, nil), epk, nil
}
