package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxKeys is the most keys, and maxSet the most bytes, of a key set that is looked at.
const (
	maxKeys = 32
	maxSet  = 64 << 10
)

var errKeySet = errors.New("not an acceptable key set")

// keyID is a kid of the form <name>.<version>.<first 6 characters of the RFC 7638 thumbprint>.
type keyID struct {
	name    string
	version int
	tail    string
}

var keyIDPattern = regexp.MustCompile(`^([a-z0-9-]{1,40})\.([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{6})$`)

func parseKeyID(kid string) (keyID, error) {
	parts := keyIDPattern.FindStringSubmatch(kid)
	if parts == nil {
		return keyID{}, errUnknown
	}
	version, err := strconv.Atoi(parts[2])
	return keyID{name: parts[1], version: version, tail: parts[3]}, err
}

// String is the kid.
func (k keyID) String() string { return fmt.Sprintf("%s.%d.%s", k.name, k.version, k.tail) }

// thumbprint is the RFC 7638 SHA-256 thumbprint in base64url.
func thumbprint(key jose.JSONWebKey) (string, error) {
	sum, err := key.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// parseKeySet reads the gateway's key set. One bad key refuses the set: private, twice the same kid, weak, of no known
// use, or under a kid that is not its own thumbprint's.
func parseKeySet(data []byte) ([]jose.JSONWebKey, error) {
	if len(data) > maxSet {
		return nil, fmt.Errorf("%w: more than %d bytes", errKeySet, maxSet)
	}
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, errKeySet
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%w: more than %d keys", errKeySet, maxKeys)
	}
	return parseKeys(set.Keys)
}

func parseKeys(raws []jsontext.Value) ([]jose.JSONWebKey, error) {
	var keys []jose.JSONWebKey
	for i, raw := range raws {
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(raw); err != nil {
			return nil, fmt.Errorf("%w: key %d", errKeySet, i)
		}
		if err := checkKey(key); err != nil {
			return nil, fmt.Errorf("%w: key %d: %w", errKeySet, i, err)
		}
		if slices.ContainsFunc(keys, func(other jose.JSONWebKey) bool { return other.KeyID == key.KeyID }) {
			return nil, fmt.Errorf("%w: key %d: its kid is there twice", errKeySet, i)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func checkKey(key jose.JSONWebKey) error {
	if !key.IsPublic() || !key.Valid() {
		return errors.New("not a valid public key")
	}
	parsed, err := parseKeyID(key.KeyID)
	if err != nil {
		return errors.New("kid")
	}
	if sum, err := thumbprint(key); err != nil || !strings.HasPrefix(sum, parsed.tail) {
		return errors.New("the kid is not of this key's thumbprint")
	}
	if key.Use != "sig" && key.Use != "enc" {
		return errors.New("use")
	}
	return strongEnough(key.Key)
}

// strongEnough refuses RSA under 2048 bits and every curve but P-256 and Ed25519.
func strongEnough(key any) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return errors.New("RSA under 2048 bits")
		}
		return nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return errors.New("not on P-256")
		}
		return nil
	case ed25519.PublicKey:
		return nil
	default:
		return errors.New("key type")
	}
}

// packetKey finds the gateway's newest key for packets of a side: the kid begins with packet-<tag>.
func packetKey(keys []jose.JSONWebKey, from side) (jose.JSONWebKey, error) {
	var newest jose.JSONWebKey
	highest := 0
	for _, key := range keys {
		parsed, err := parseKeyID(key.KeyID)
		if err == nil && parsed.name == "packet-"+from.tag && key.Use == "enc" && parsed.version > highest {
			newest, highest = key, parsed.version
		}
	}
	if highest == 0 {
		return jose.JSONWebKey{}, fmt.Errorf("the gateway publishes no key packet-%s to seal to", from.tag)
	}
	return newest, nil
}
