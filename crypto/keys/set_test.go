package keys_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"crosscode/crypto/keys"
)

// members is a JWK that a case changes.
type members map[string]any

func (m members) with(name string, value any) members {
	changed := maps.Clone(m)
	changed[name] = value
	return changed
}

func (m members) without(name string) members {
	changed := maps.Clone(m)
	delete(changed, name)
	return changed
}

func set(t *testing.T, list ...members) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// others makes the keys of another side, written by hand: not by the code under test.
func others(t *testing.T) (ec, okp, rsaKey, agreement members) {
	t.Helper()
	signing, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := signing.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec = members{"kty": "EC", "use": "sig", "alg": "ES256", "kid": "ec-1", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
	okp = members{"kty": "OKP", "use": "sig", "alg": "EdDSA", "kid": "ed-1", "crv": "Ed25519", "x": b64(edwards)}
	rsaKey = members{"kty": "RSA", "use": "enc", "alg": "RSA-OAEP-256", "kid": "rsa-1", "n": b64(modulus(t, 2048).Bytes()), "e": "AQAB"}
	return ec, okp, rsaKey, ec.with("use", "enc").with("alg", "ECDH-ES").with("kid", "enc-1")
}

// modulus is an odd number of exactly this many bits, which is all that a parser can see.
func modulus(t *testing.T, bits int) *big.Int {
	t.Helper()
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
	if err != nil {
		t.Fatal(err)
	}
	return number.SetBit(number.SetBit(number, bits-1, 1), 0, 1)
}

func TestParseSetAcceptsWhatOthersPublish(t *testing.T) {
	ec, okp, rsaKey, agreement := others(t)
	for name, list := range map[string][]members{
		"no keys yet":                  {},
		"one of each":                  {ec, okp, rsaKey, agreement},
		"ECDH-ES+A256KW":               {agreement.with("alg", "ECDH-ES+A256KW")},
		"key_ops that agree with use":  {ec.with("key_ops", []string{"verify"}), rsaKey.with("key_ops", []string{"wrapKey"})},
		"what others say of their key": {ec.with("x5t#S256", "abc").with("iat", 1).with("x5u", "https://canary.invalid/")},
		"RSA of 4096 bits":             {rsaKey.with("n", b64(modulus(t, 4096).Bytes()))},
		"32 keys":                      many(ec, 32),
	} {
		parsed, err := keys.ParseSet(set(t, list...))
		if err != nil || len(parsed) != len(list) {
			t.Errorf("%s: %d keys, %v, want %d", name, len(parsed), err, len(list))
		}
	}
	parsed, err := keys.ParseSet(set(t, ec, agreement))
	if err != nil || parsed[0].Use != "sig" || parsed[1].Use != "enc" || parsed[1].Algorithm != keys.ECDHES {
		t.Errorf("ParseSet() = %+v, %v", parsed, err)
	}
}

func many(of members, count int) []members {
	list := []members{}
	for i := range count {
		list = append(list, of.with("kid", fmt.Sprintf("k%d", i)))
	}
	return list
}

func TestParseSetRefusesTheWholeSet(t *testing.T) {
	ec, okp, rsaKey, agreement := others(t)
	x := ec["x"].(string)
	tests := map[string]members{
		"a private EC key":               ec.with("d", x),
		"a private member that is null":  ec.with("d", nil),
		"a private RSA prime":            rsaKey.with("p", "AQAB"),
		"other primes":                   rsaKey.with("oth", []string{}),
		"a symmetric key":                {"kty": "oct", "use": "sig", "alg": "HS256", "kid": "s", "k": "c2VjcmV0"},
		"no kid":                         ec.without("kid"),
		"a kid with a path":              ec.with("kid", "../ec"),
		"a kid with a percent":           ec.with("kid", "%2f"),
		"a kid with a line break":        ec.with("kid", "ec-1\n"),
		"a kid of 65 characters":         ec.with("kid", strings.Repeat("k", 65)),
		"no alg":                         ec.without("alg"),
		"an alg of another curve":        ec.with("alg", "ES384"),
		"an alg in another case":         ec.with("alg", "es256"),
		"RSA for signatures":             rsaKey.with("use", "sig").with("alg", "PS256"),
		"RSA1_5":                         rsaKey.with("alg", "RSA1_5"),
		"RSA-OAEP with SHA-1":            rsaKey.with("alg", "RSA-OAEP"),
		"no use":                         ec.without("use"),
		"use that does not fit alg":      ec.with("use", "enc"),
		"alg of another kty":             okp.with("alg", "ES256"),
		"key_ops that can sign":          ec.with("key_ops", []string{"sign", "verify"}),
		"key_ops of the other use":       agreement.with("key_ops", []string{"verify"}),
		"another curve":                  ec.with("crv", "P-384"),
		"X25519":                         okp.with("crv", "X25519").with("use", "enc").with("alg", "ECDH-ES"),
		"x of 31 bytes":                  ec.with("x", b64(make([]byte, 31))),
		"x of 33 bytes":                  ec.with("x", b64(make([]byte, 33))),
		"a point off the curve":          ec.with("y", x),
		"infinity":                       ec.with("x", b64(make([]byte, 32))).with("y", b64(make([]byte, 32))),
		"x with padding":                 ec.with("x", x+"="),
		"x with a line break":            ec.with("x", x[:8]+"\n"+x[8:]),
		"x of Ed25519 too short":         okp.with("x", b64(make([]byte, 31))),
		"members of another kty":         okp.with("n", "AQAB"),
		"RSA of 1024 bits":               rsaKey.with("n", b64(modulus(t, 1024).Bytes())),
		"RSA of 2047 bits":               rsaKey.with("n", b64(modulus(t, 2047).Bytes())),
		"RSA of 4104 bits":               rsaKey.with("n", b64(modulus(t, 4104).Bytes())),
		"an even modulus":                rsaKey.with("n", b64(new(big.Int).Sub(modulus(t, 2048), big.NewInt(1)).Bytes())),
		"a modulus with a leading zero":  rsaKey.with("n", b64(append([]byte{0}, modulus(t, 2048).Bytes()...))),
		"a modulus as in CVE-2017-15361": rsaKey.with("n", b64(roca(t).Bytes())),
		"an exponent of 3":               rsaKey.with("e", "Aw"),
		"an exponent of 2^32+1":          rsaKey.with("e", "AQAAAAE"),
		"a number where text belongs":    ec.with("kid", 1),
	}
	for name, key := range tests {
		list, err := keys.ParseSet(set(t, ec.with("kid", "fine"), key))
		if !errors.Is(err, keys.ErrBadSet) || list != nil {
			t.Errorf("%s: ParseSet() = %d keys, %v, want ErrBadSet", name, len(list), err)
		}
	}
}

func TestParseSetRefusesTheForm(t *testing.T) {
	ec, _, _, _ := others(t)
	good := string(set(t, ec))
	for name, data := range map[string]string{
		"empty":                     "",
		"a list":                    "[]",
		"null":                      "null",
		"no keys member":            "{}",
		"keys in another case":      strings.Replace(good, "keys", "Keys", 1),
		"keys twice":                good[:len(good)-1] + `,"keys":[]}`,
		"a member of a key twice":   strings.Replace(good, `"crv"`, `"kid":"other","crv"`, 1),
		"something behind":          good + "{}",
		"not UTF-8":                 strings.Replace(good, "ec-1", "\xff", 1),
		"33 keys":                   string(set(t, many(ec, 33)...)),
		"two keys of one kid":       string(set(t, ec, ec)),
		"one byte more than 64 KiB": good + strings.Repeat(" ", keys.MaxSetBytes+1-len(good)),
		"nested without end":        strings.Repeat("[", 60000),
	} {
		if list, err := keys.ParseSet([]byte(data)); !errors.Is(err, keys.ErrBadSet) {
			t.Errorf("%s: ParseSet() = %d keys, %v, want ErrBadSet", name, len(list), err)
		}
	}
	if _, err := keys.ParseSet([]byte(good + strings.Repeat(" ", keys.MaxSetBytes-len(good)))); err != nil {
		t.Errorf("64 KiB exactly: %v", err)
	}
}

// roca is a number that is a power of 65537 modulo every small prime, as the moduli of CVE-2017-15361 are.
func roca(t *testing.T) *big.Int {
	t.Helper()
	product := big.NewInt(1)
	for _, prime := range []int64{2, 3, 5, 7, 11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		product.Mul(product, big.NewInt(prime))
	}
	number := new(big.Int).Exp(big.NewInt(65537), big.NewInt(12345), product)
	multiple := new(big.Int).Div(modulus(t, 2048), product)
	number.Add(number, multiple.Mul(multiple, product))
	if number.BitLen() != 2048 || number.Bit(0) == 0 {
		return roca(t)
	}
	return number
}

func TestErrorsHoldNoKey(t *testing.T) {
	ec, _, _, _ := others(t)
	_, err := keys.ParseSet(set(t, ec.with("d", "c2VjcmV0LXByaXZhdGU")))
	if err == nil || strings.Contains(err.Error(), "c2VjcmV0") {
		t.Errorf("error = %v, want one without the private key", err)
	}
}

// TestWhatWeWriteOthersRead holds MarshalSet and Thumbprint to an independent library, and to our own strict reader.
func TestWhatWeWriteOthersRead(t *testing.T) {
	_, ring, _ := initSmall(t)
	data, err := keys.MarshalSet(ring.Public())
	if err != nil {
		t.Fatal(err)
	}
	var theirs gojose.JSONWebKeySet
	if err := json.Unmarshal(data, &theirs); err != nil {
		t.Fatal(err)
	}
	for i, public := range ring.Public() {
		key := theirs.Keys[i]
		if key.KeyID != public.KeyID || !key.IsPublic() || !key.Valid() {
			t.Errorf("go-jose reads %s as kid %s, public %v, valid %v", public.KeyID, key.KeyID, key.IsPublic(), key.Valid())
		}
		compareThumbprint(t, key, public.Key)
		written, err := keys.JWK(public)
		if err != nil {
			t.Fatal(err)
		}
		read, err := keys.ParsePublic(written)
		if err != nil || read.KeyID != public.KeyID || read.Name != public.Name || read.Version != public.Version {
			t.Errorf("ParsePublic(JWK(%s)) = %+v, %v", public.KeyID, read, err)
		}
	}
	if parsed, err := keys.ParseSet(data); err != nil || len(parsed) != len(ring.Public()) {
		t.Errorf("our own set is refused: %v", err)
	}
}

func compareThumbprint(t *testing.T, theirs gojose.JSONWebKey, ours crypto.PublicKey) {
	t.Helper()
	sum, err := theirs.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	thumbprint, err := keys.Thumbprint(ours)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b64(sum), thumbprint); diff != "" {
		t.Errorf("%T: %s", ours, diff)
	}
}

func TestThumbprintOfEachKind(t *testing.T) {
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.PublicKey{edwards, &rsa.PublicKey{N: modulus(t, 2048), E: 65537}} {
		compareThumbprint(t, gojose.JSONWebKey{Key: key}, key)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.PublicKey{nil, "text", &p384.PublicKey, x25519.PublicKey(), &ecdsa.PublicKey{}} {
		if thumbprint, err := keys.Thumbprint(key); err == nil {
			t.Errorf("Thumbprint(%T) = %s, want an error", key, thumbprint)
		}
	}
}

// TestThumbprintOfRFC7638 is the example of RFC 7638 §3.1.
func TestThumbprintOfRFC7638(t *testing.T) {
	n, err := base64.RawURLEncoding.DecodeString("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAt" +
		"VT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65" +
		"YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f" +
		"M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
	if err != nil {
		t.Fatal(err)
	}
	thumbprint, err := keys.Thumbprint(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537})
	if expected := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; err != nil || thumbprint != expected {
		t.Errorf("Thumbprint() = %s, %v, want %s", thumbprint, err, expected)
	}
}

func TestParsePublicWantsTheKidToNameTheKey(t *testing.T) {
	_, ring, _ := initSmall(t)
	written, err := keys.JWK(ring.Public()[0])
	if err != nil {
		t.Fatal(err)
	}
	keyID := ring.Public()[0].KeyID
	for name, other := range map[string]string{
		"no version":         "mo." + keyID[len(keyID)-6:],
		"another version":    "mo.x." + keyID[len(keyID)-6:],
		"version nought":     "mo.0." + keyID[len(keyID)-6:],
		"a leading zero":     "mo.01." + keyID[len(keyID)-6:],
		"another thumbprint": "mo.1.AAAAAA",
		"a fourth part":      keyID + ".x",
	} {
		changed := strings.Replace(string(written), keyID, other, 1)
		if _, err := keys.ParsePublic([]byte(changed)); !errors.Is(err, keys.ErrBadSet) {
			t.Errorf("%s: error = %v, want ErrBadSet", name, err)
		}
	}
}

func FuzzParseSet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","use":"sig","alg":"ES256","kid":"a","crv":"P-256","x":"AA","y":"AA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","use":"enc","alg":"RSA-OAEP-256","kid":"a","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := keys.ParseSet(data)
		if (err == nil) == (list == nil) || err != nil && !errors.Is(err, keys.ErrBadSet) {
			t.Errorf("%d keys with error %v", len(list), err)
		}
	})
}
