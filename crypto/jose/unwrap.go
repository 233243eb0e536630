package jose

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"crosscode/crypto/keys"
)

// unwrapper gives the content encryption key of one packet. It remembers the ring's own error, since jwx flattens errors to
// text and an outage must never look like a bad packet, and whether the key unwrapped, for Explain.
type unwrapper struct {
	ctx    context.Context
	key    keys.Decrypter
	packet sealed
	outage error
	bad    bool
}

var _ jwe.KeyDecrypter = (*unwrapper)(nil)

// decrypt opens a packet. A key that does not unwrap goes on with a random one to the same GCM step (RFC 7516 §11.5), so
// that no one learns from the time or the answer which of the two it was.
func (s sealed) decrypt(ctx context.Context, key keys.Decrypter) ([]byte, *fault) {
	u := &unwrapper{ctx: ctx, key: key, packet: s}
	plaintext, err := u.open()
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

// open leaves RSA packets to jwx. For ECDH-ES it would parse the header a second time, check the point a second time on the
// deprecated big-number curves, and double the cost of the whole packet (see BenchmarkOpen); what is left to do is GCM.
func (u *unwrapper) open() ([]byte, error) {
	if !u.packet.alg.agrees {
		return jwe.Decrypt([]byte(u.packet.token), jwe.WithKey(jwa.KeyEncryptionAlgorithm(u.packet.alg.name), u))
	}
	cek, err := u.contentKey()
	if err != nil {
		return nil, err
	}
	return u.packet.content.open(cek)
}

func (u *unwrapper) hint() string {
	if u.bad {
		return "the encrypted_key does not unwrap with the key of this kid: it was sealed to another key, or with another hash, label or KDF input"
	}
	return "the content does not authenticate: header, iv, ciphertext or tag were changed after sealing, or (ECDH-ES) the KDF had other inputs"
}

// DecryptKey implements jwe.KeyDecrypter. It works from the packet as our parser read it.
func (u *unwrapper) DecryptKey(jwa.KeyEncryptionAlgorithm, []byte, jwe.Recipient, *jwe.Message) ([]byte, error) {
	return u.contentKey()
}

func (u *unwrapper) contentKey() ([]byte, error) {
	unwrapped, err := u.unwrap()
	if err != nil && !errors.Is(err, keys.ErrDecrypt) {
		u.outage = err
		return nil, err
	}
	// The random key is made either way, so that a key that unwraps takes no less time.
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
	alg := u.packet.alg
	if !alg.agrees {
		return u.key.Decrypt(u.ctx, u.packet.encryptedKey)
	}
	shared, err := u.key.Agree(u.ctx, u.packet.ephemeral)
	if err != nil {
		return nil, err
	}
	derived := concatKDF(shared, alg.kdf, u.packet.apu, u.packet.apv)
	if alg.wrapped == 0 {
		return derived, nil
	}
	return unwrapAES(derived, u.packet.encryptedKey)
}
