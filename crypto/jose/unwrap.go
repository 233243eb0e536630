package jose

import (
	"context"
	"crypto/aes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"crosscode/crypto/keys"
)

// unwrapper gives jwx the content encryption key of one packet. It remembers the ring's own error, since jwx flattens
// errors to text, and what went wrong, for Explain.
type unwrapper struct {
	ctx    context.Context
	key    keys.Decrypter
	packet sealed
	outage error
	bad    bool
}

var _ jwe.KeyDecrypter = (*unwrapper)(nil)

// decrypt lets jwx open the content. A key that does not unwrap goes on with a random one to the same GCM step
// (RFC 7516 §11.5), so that no one learns from the time or the answer which of the two it was.
func (s sealed) decrypt(ctx context.Context, key keys.Decrypter) ([]byte, *fault) {
	u := &unwrapper{ctx: ctx, key: key, packet: s}
	plaintext, err := jwe.Decrypt([]byte(s.token), jwe.WithKey(jwa.KeyEncryptionAlgorithm(s.alg.name), u))
	switch {
	case u.outage != nil:
		return nil, outage(stageDecrypt, u.outage)
	case err != nil:
		fault := refused(stageDecrypt, errDecrypt)
		fault.hint = u.hint()
		return nil, fault
	}
	return plaintext, nil
}

func (u *unwrapper) hint() string {
	if u.bad {
		return "the encrypted_key does not unwrap with the key of this kid: it was sealed to another key, or with another hash, label or KDF input"
	}
	return "the encrypted_key unwraps, but the content does not authenticate: header, iv, ciphertext or tag were changed after sealing"
}

// DecryptKey implements jwe.KeyDecrypter. It works from the packet as our parser read it.
func (u *unwrapper) DecryptKey(jwa.KeyEncryptionAlgorithm, []byte, jwe.Recipient, *jwe.Message) ([]byte, error) {
	unwrapped, err := u.unwrap()
	if err != nil && !errors.Is(err, keys.ErrDecrypt) {
		u.outage = err
		return nil, err
	}
	// Both are prepared and one is taken, whichever it is.
	chosen := make([]byte, contentKey)
	_, _ = rand.Read(chosen) // crypto/rand does not fail (Go 1.24 and later)
	if err == nil && len(unwrapped) == contentKey {
		copy(chosen, unwrapped)
	} else {
		u.bad = true
	}
	return chosen, nil
}

func (u *unwrapper) unwrap() ([]byte, error) {
	if !u.packet.alg.agrees {
		return u.key.Decrypt(u.ctx, u.packet.encryptedKey)
	}
	shared, err := u.key.Agree(u.ctx, u.packet.ephemeral)
	if err != nil {
		return nil, err
	}
	if u.packet.alg.wrapped == 0 {
		return concatKDF(shared, "A256GCM", u.packet.apu, u.packet.apv), nil
	}
	return unwrapAES(concatKDF(shared, u.packet.alg.name, u.packet.apu, u.packet.apv), u.packet.encryptedKey)
}

// concatKDF is NIST SP 800-56A's one-step KDF with SHA-256 for a key of 256 bits, with the inputs of RFC 7518 §4.6.2. One
// round gives all 256 bits.
func concatKDF(shared []byte, algorithm string, apu, apv []byte) []byte {
	hash := sha256.New()
	field := func(data []byte) {
		_ = binary.Write(hash, binary.BigEndian, uint32(len(data)))
		hash.Write(data)
	}
	hash.Write([]byte{0, 0, 0, 1})
	hash.Write(shared)
	field([]byte(algorithm))
	field(apu)
	field(apv)
	hash.Write([]byte{0, 0, 1, 0}) // SuppPubInfo: 256 bits
	return hash.Sum(nil)
}

// unwrapAES is RFC 3394 §2.2.2 for a key of 32 bytes; the caller has checked that wrapped has 40.
func unwrapAES(kek, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(wrapped) != wrappedLength {
		return nil, keys.ErrDecrypt
	}
	const blocks = contentKey / 8
	var buffer [16]byte
	copy(buffer[:8], wrapped[:8])
	registers := append([]byte{}, wrapped[8:]...)
	for step := 6 * blocks; step > 0; step-- {
		register := registers[(step-1)%blocks*8:][:8]
		check := binary.BigEndian.Uint64(buffer[:8]) ^ uint64(step)
		binary.BigEndian.PutUint64(buffer[:8], check)
		copy(buffer[8:], register)
		block.Decrypt(buffer[:], buffer[:])
		copy(register, buffer[8:])
	}
	initial := []byte{0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6}
	if subtle.ConstantTimeCompare(buffer[:8], initial) != 1 {
		return nil, keys.ErrDecrypt
	}
	return registers, nil
}
