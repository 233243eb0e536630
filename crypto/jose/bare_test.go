package jose

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// What follows makes and opens tokens with the bare standard library. It can make tokens that no JOSE library would, each
// genuine but for the one thing that a vector is about, and it is what the benchmarks compare with.

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// bareSeal seals to a key with A256GCM whatever the header says. In the header's text {epk} stands for the ephemeral key.
func bareSeal(t testing.TB, alg string, key any, header string, plaintext []byte) string {
	t.Helper()
	var cek, wrapped []byte
	switch alg {
	case "ECDH-ES":
		var epk string
		cek, epk = bareAgree(t, key.(*ecdsa.PublicKey), "A256GCM")
		header = strings.ReplaceAll(header, "{epk}", epk)
	case "ECDH-ES+A256KW":
		kek, epk := bareAgree(t, key.(*ecdsa.PublicKey), alg)
		header = strings.ReplaceAll(header, "{epk}", epk)
		cek = bareRandom(t, 32)
		wrapped = bareWrap(t, kek, cek)
	default:
		var err error
		cek = bareRandom(t, 32)
		if wrapped, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, key.(*rsa.PublicKey), cek, nil); err != nil {
			t.Fatal(err)
		}
	}
	protected, iv := b64([]byte(header)), bareRandom(t, 12)
	combined := bareGCM(t, cek).Seal(nil, iv, plaintext, []byte(protected))
	content, tag := combined[:len(plaintext)], combined[len(plaintext):]
	return strings.Join([]string{protected, b64(wrapped), b64(iv), b64(content), b64(tag)}, ".")
}

func bareRandom(t testing.TB, size int) []byte {
	t.Helper()
	data := make([]byte, size)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	return data
}

func bareGCM(t testing.TB, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm
}

func bareAgree(t testing.TB, key *ecdsa.PublicKey, algorithm string) (derived []byte, epk string) {
	t.Helper()
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	static, err := key.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	shared, err := ephemeral.ECDH(static)
	if err != nil {
		t.Fatal(err)
	}
	point := ephemeral.PublicKey().Bytes()
	epk = `{"kty":"EC","crv":"P-256","x":"` + b64(point[1:33]) + `","y":"` + b64(point[33:]) + `"}`
	return bareKDF(shared, algorithm), epk
}

func bareKDF(shared []byte, algorithm string) []byte {
	input := slices.Concat([]byte{0, 0, 0, 1}, shared, binary.BigEndian.AppendUint32(nil, uint32(len(algorithm))), []byte(algorithm),
		make([]byte, 8), []byte{0, 0, 1, 0})
	sum := sha256.Sum256(input)
	return sum[:]
}

// bareWrap is RFC 3394 §2.2.1.
func bareWrap(t testing.TB, kek, key []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(kek)
	if err != nil {
		t.Fatal(err)
	}
	check, rest := slices.Repeat([]byte{0xa6}, 8), slices.Clone(key)
	for j := range uint64(6) {
		for i := range uint64(4) {
			buffer := slices.Concat(check, rest[i*8:i*8+8])
			block.Encrypt(buffer, buffer)
			copy(check, buffer[:8])
			check[7] ^= byte(4*j + i + 1)
			copy(rest[i*8:], buffer[8:])
		}
	}
	return append(check, rest...)
}

// bareSign signs a payload under any header text: with ES256, EdDSA or, given bytes, HS256.
func bareSign(t testing.TB, key any, header string, payload []byte) string {
	t.Helper()
	input := b64([]byte(header)) + "." + b64(payload)
	digest := sha256.Sum256([]byte(input))
	var signature []byte
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		signature = raw(r, s)
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(input))
	case []byte:
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(input))
		signature = mac.Sum(nil)
	}
	return input + "." + b64(signature)
}

func raw(r, s *big.Int) []byte {
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature
}

// twin gives the other signature (r, n-s) of the same message, which anyone can make.
func twin(t testing.TB, token string, key *ecdsa.PrivateKey) string {
	t.Helper()
	last := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[last+1:])
	if err != nil {
		t.Fatal(err)
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	return token[:last+1] + b64(raw(r, s.Sub(key.Params().N, s)))
}
