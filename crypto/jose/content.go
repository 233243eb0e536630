package jose

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"slices"

	"crosscode/crypto/keys"
)

// content is the encrypted part of a JWE with A256GCM.
type content struct {
	protected []byte // the header's text: what is authenticated beside the plaintext (RFC 7516 §5.1 step 14)
	iv        []byte
	encrypted []byte // ciphertext and tag
}

func (c content) open(cek []byte) ([]byte, error) {
	gcm, err := newGCM(cek)
	if err != nil {
		return nil, err
	}
	plaintext, err := gcm.Open(nil, c.iv, c.encrypted, c.protected)
	if err != nil {
		return nil, errDecrypt
	}
	return plaintext, nil
}

// sealContent encrypts with a fresh iv. The key is used for this one message, so the iv cannot repeat under it.
func sealContent(cek, protected, plaintext []byte) (content, error) {
	gcm, err := newGCM(cek)
	if err != nil {
		return content{}, err
	}
	iv := random(ivLength)
	return content{protected: protected, iv: iv, encrypted: gcm.Seal(nil, iv, plaintext, protected)}, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// random cannot fail: crypto/rand ends the process instead (Go 1.24 and later).
func random(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.Read(data)
	return data
}

// concatKDF is NIST SP 800-56A's one-step KDF with SHA-256 for a key of 256 bits, with the inputs of RFC 7518 §4.6.2. One
// round gives all 256 bits.
func concatKDF(shared []byte, algorithm string, apu, apv []byte) []byte {
	input := make([]byte, 0, 128)
	input = append(input, 0, 0, 0, 1)
	input = append(input, shared...)
	for _, field := range [][]byte{[]byte(algorithm), apu, apv} {
		input = binary.BigEndian.AppendUint32(input, uint32(len(field))) //nolint:gosec // apu and apv have 64 bytes at most
		input = append(input, field...)
	}
	input = append(input, 0, 0, 1, 0) // SuppPubInfo: 256 bits
	sum := sha256.Sum256(input)
	return sum[:]
}

// RFC 3394 for a key of 32 bytes: four registers, six rounds, and the check value of §2.2.3.1.
const (
	registers = contentKey / 8
	rounds    = 6
	check     = 0xa6a6a6a6a6a6a6a6
)

// wrapAES is RFC 3394 §2.2.1.
func wrapAES(kek, cek []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(cek) != contentKey {
		return nil, keys.ErrWrongUse
	}
	var buffer [16]byte
	binary.BigEndian.PutUint64(buffer[:8], check)
	wrapped := slices.Concat(make([]byte, 8), cek)
	for step := range uint64(rounds * registers) {
		register := wrapped[8+step%registers*8:][:8]
		copy(buffer[8:], register)
		block.Encrypt(buffer[:], buffer[:])
		copy(register, buffer[8:])
		binary.BigEndian.PutUint64(buffer[:8], binary.BigEndian.Uint64(buffer[:8])^(step+1))
	}
	copy(wrapped, buffer[:8])
	return wrapped, nil
}

// unwrapAES is RFC 3394 §2.2.2.
func unwrapAES(kek, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(wrapped) != wrappedLength {
		return nil, keys.ErrDecrypt
	}
	var buffer [16]byte
	copy(buffer[:8], wrapped[:8])
	cek := slices.Clone(wrapped[8:])
	for step := uint64(rounds * registers); step > 0; step-- {
		register := cek[(step-1)%registers*8:][:8]
		binary.BigEndian.PutUint64(buffer[:8], binary.BigEndian.Uint64(buffer[:8])^step)
		copy(buffer[8:], register)
		block.Decrypt(buffer[:], buffer[:])
		copy(register, buffer[8:])
	}
	var want [8]byte
	binary.BigEndian.PutUint64(want[:], check)
	if subtle.ConstantTimeCompare(buffer[:8], want[:]) != 1 {
		return nil, keys.ErrDecrypt
	}
	return cek, nil
}
