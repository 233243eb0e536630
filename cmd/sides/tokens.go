package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// The typ of every token that a side makes or takes (RFC 8725 §3.11: one for each kind).
const (
	typePacketOuter = "consent-packet+jwe"
	typePacketInner = "consent-packet+jwt"
	typeHandoff     = "handoff+jwe"
	typeRecall      = "code-recall+jwt"
	typeReceipt     = "transcode-receipt+jwt"
	typeBundle      = "trust-bundle+jwt"
)

// maxToken is the most characters of any token but a bundle that is looked at; maxHeader the most bytes of its header.
const (
	maxToken  = 32 << 10
	maxHeader = 2 << 10
)

// Everything else is refused at parse; go-jose asks for such lists with every token.
var (
	gatewayAlgorithms = []jose.SignatureAlgorithm{jose.ES256}
	handoffAlgorithms = []jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A256KW}
	contentAlgorithms = []jose.ContentEncryption{jose.A256GCM}
)

var (
	errToken     = errors.New("not a token of the kind that is meant here")
	errSignature = errors.New("the signature does not hold")
	errUnknown   = errors.New("no key for this token")
)

// sign makes a compact JWS with the header {alg, kid, typ} and nothing else.
func sign(payload []byte, key jose.JSONWebKey, typ string) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key},
		new(jose.SignerOptions).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", fmt.Errorf("signing key: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return signed.CompactSerialize()
}

// seal makes a compact JWE with the header {alg, enc, kid, typ, cty}, and epk with an ECDH algorithm. Nothing is compressed
// (RFC 8725 §3.6).
func seal(content string, key jose.JSONWebKey, algorithm jose.KeyAlgorithm, typ, contentType string) (string, error) {
	options := new(jose.EncrypterOptions).WithType(jose.ContentType(typ)).WithContentType(jose.ContentType(contentType))
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: algorithm, Key: key.Key, KeyID: key.KeyID}, options)
	if err != nil {
		return "", fmt.Errorf("the key %s cannot be sealed to with %s: %w", key.KeyID, algorithm, err)
	}
	sealed, err := encrypter.Encrypt([]byte(content))
	if err != nil {
		return "", fmt.Errorf("sealing: %w", err)
	}
	return sealed.CompactSerialize()
}

// sealAlgorithm is the JWE alg for a gateway's packet key: as asked, or what the key is for.
func sealAlgorithm(key jose.JSONWebKey, asked string) (jose.KeyAlgorithm, error) {
	var able []jose.KeyAlgorithm
	switch key.Key.(type) {
	case *rsa.PublicKey:
		able = []jose.KeyAlgorithm{jose.RSA_OAEP_256}
	case *ecdsa.PublicKey:
		able = []jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A256KW}
	default:
		return "", fmt.Errorf("the key %s is not for sealing", key.KeyID)
	}
	if asked == "" {
		asked = string(able[0])
	}
	if !slices.Contains(able, jose.KeyAlgorithm(asked)) {
		return "", fmt.Errorf("the key %s cannot be sealed to with %s: %v", key.KeyID, asked, able)
	}
	return jose.KeyAlgorithm(asked), nil
}

// header reads the header of a compact token of so many segments, strictly: canonical base64url without padding or white
// space (RFC 7515 §2), unique member names, no member outside the list (so no crit, zip, jku, jwk …), and the right typ.
// go-jose alone is more tolerant.
func header(token, typ string, segments int, members ...string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != segments {
		return nil, errToken
	}
	for i, part := range parts {
		// Only the encrypted key of an ECDH-ES token is empty.
		if part == "" && i != 1 || !canonical(part) {
			return nil, errToken
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || len(raw) > maxHeader {
		return nil, errToken
	}
	var found map[string]any
	if err := json.Unmarshal(raw, &found); err != nil {
		return nil, errToken
	}
	for name := range found {
		if !slices.Contains(members, name) {
			return nil, fmt.Errorf("%w: header member outside the list", errToken)
		}
	}
	if found["typ"] != typ {
		return nil, fmt.Errorf("%w: typ", errToken)
	}
	return found, nil
}

func canonical(segment string) bool {
	// The charset first: Go's decoder skips CR and LF even in Strict mode.
	if strings.ContainsFunc(segment, func(r rune) bool { return !strings.ContainsRune(base64url, r) }) {
		return false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	return err == nil
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// verify opens a JWS of the gateway's: {alg: ES256, kid, typ}, by a key of the set that has this name.
func verify(token, typ, keyName string, keys []jose.JSONWebKey) ([]byte, error) {
	found, err := header(token, typ, 3, "alg", "kid", "typ")
	if err != nil {
		return nil, err
	}
	kid, _ := found["kid"].(string)
	key, err := keyNamed(kid, keyName, keys)
	if err != nil {
		return nil, err
	}
	signed, err := jose.ParseSignedCompact(token, gatewayAlgorithms)
	if err != nil {
		return nil, errToken
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, errSignature
	}
	return payload, nil
}

// keyNamed finds the one signing key with this kid, if the kid's name is the one meant: a receipt key signs no code.
func keyNamed(kid, name string, keys []jose.JSONWebKey) (jose.JSONWebKey, error) {
	parsed, err := parseKeyID(kid)
	if err != nil || parsed.name != name {
		return jose.JSONWebKey{}, errUnknown
	}
	for _, key := range keys {
		_, curve := key.Key.(*ecdsa.PublicKey)
		if key.KeyID == kid && key.Use == "sig" && curve {
			return key, nil
		}
	}
	return jose.JSONWebKey{}, errUnknown
}

// algorithmOf is the one JWS alg that a private key signs with.
func algorithmOf(key any) jose.SignatureAlgorithm {
	if _, edwards := key.(ed25519.PrivateKey); edwards {
		return jose.EdDSA
	}
	return jose.ES256
}
