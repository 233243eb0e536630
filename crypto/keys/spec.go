package keys

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Spec asks for one key.
type Spec struct {
	Name      string    // 1 to 32 characters a–z, 0–9 and hyphen, beginning with a letter
	Algorithm Algorithm // ES256, RSAOAEP256 or ECDHES
	Bits      int       // RSA only: 2048 to 4096; zero: DefaultBits
}

// DefaultBits is the RSA modulus that we make: 3072 bits stand for 128 bits of security (ASVS 5.0 11.2.3).
const DefaultBits = 3072

// MinBits and MaxBits bound every RSA modulus, ours and others' (RFC 7518 §4.3 asks for 2048 or more; beyond 4096 one
// packet costs too much).
const (
	MinBits = 2048
	MaxBits = 4096
)

// Defaults lists the keys of a gateway between three sides.
func Defaults() []Spec {
	specs := []Spec{}
	for _, name := range []string{"packet-gd", "packet-mo", "packet-hk"} {
		specs = append(specs, Spec{Name: name, Algorithm: RSAOAEP256, Bits: DefaultBits})
	}
	for _, name := range []string{"gd", "mo", "hk", "receipt", "bundle"} {
		specs = append(specs, Spec{Name: name, Algorithm: ES256})
	}
	return specs
}

var errSpec = errors.New("not a key that this ring can make")

var (
	namePattern  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	keyIDPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

// ValidKeyID tells whether a kid is 1 to 64 characters of A–Z, a–z, 0–9, dot, underscore and hyphen. Nothing else is ever
// looked up (threat T27).
func ValidKeyID(keyID string) bool { return keyIDPattern.MatchString(keyID) }

func (s Spec) check() error {
	switch {
	case !namePattern.MatchString(s.Name):
		return fmt.Errorf("key %q: name: %w", s.Name, errSpec)
	case s.Algorithm == RSAOAEP256 && (s.bits() < MinBits || s.bits() > MaxBits || s.bits()%8 != 0):
		return fmt.Errorf("key %q: %d bits: %w", s.Name, s.bits(), errSpec)
	case s.Algorithm != RSAOAEP256 && s.Algorithm != ECDHES && s.Algorithm != ES256:
		return fmt.Errorf("key %q: algorithm %q: %w", s.Name, s.Algorithm, errSpec)
	}
	return nil
}

func (s Spec) bits() int {
	if s.Bits == 0 {
		return DefaultBits
	}
	return s.Bits
}

// generate gives *rsa.PrivateKey, *ecdh.PrivateKey or *ecdsa.PrivateKey.
func (s Spec) generate() (crypto.PrivateKey, error) {
	switch s.Algorithm {
	case RSAOAEP256:
		return rsa.GenerateKey(rand.Reader, s.bits())
	case ECDHES:
		return ecdh.P256().GenerateKey(rand.Reader)
	default:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
}

// KeyID makes the kid of one version of a named key of ours.
func KeyID(name string, version int, key crypto.PublicKey) (string, error) {
	thumbprint, err := Thumbprint(key)
	if err != nil {
		return "", err
	}
	return name + "." + strconv.Itoa(version) + "." + thumbprint[:6], nil
}

// ParseKeyID takes a kid of ours apart.
func ParseKeyID(keyID string) (name string, version int, err error) {
	parts := strings.Split(keyID, ".")
	if len(parts) != 3 || !ValidKeyID(keyID) || !namePattern.MatchString(parts[0]) || len(parts[2]) != 6 {
		return "", 0, ErrUnknownKey
	}
	version, err = strconv.Atoi(parts[1])
	if err != nil || version < 1 || strconv.Itoa(version) != parts[1] {
		return "", 0, ErrUnknownKey
	}
	return parts[0], version, nil
}
