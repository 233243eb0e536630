package keys

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Notice is what whoever starts a gateway with an embedded ring should be shown, loudly. It stands in the key file too.
const Notice = "EMBEDDED KEYS: private keys lie unencrypted in one file. For development or a single machine only; " +
	"use the Vault ring for anything else."

// Embedded is a Ring that keeps its keys in one file and does its work in this process.
type Embedded struct {
	path  string
	clock func() time.Time
	state atomic.Pointer[chest]
}

var (
	_ Ring      = (*Embedded)(nil)
	_ Decrypter = (*held)(nil)
	_ Local     = (*held)(nil)
)

// chest is the keys as they were last read. It is never changed, only replaced.
type chest struct {
	names  []string // in the file's order
	held   map[string][]held
	public map[string][]Public // the public halves of held
}

func (c *chest) index() *chest {
	c.public = make(map[string][]Public, len(c.held))
	for name, versions := range c.held {
		c.public[name] = publics(versions)
	}
	return c
}

// held is one version of one key. Exactly one of the three private keys is set, by the public half's algorithm.
type held struct {
	public  Public
	signing *ecdsa.PrivateKey
	rsa     *rsa.PrivateKey
	ecdh    *ecdh.PrivateKey
}

// OpenEmbedded reads a key file. It refuses one that anybody but its owner can read. The clock is read at each use, and
// tells which version signs and which have retired.
func OpenEmbedded(path string, clock func() time.Time) (*Embedded, error) {
	ring := &Embedded{path: path, clock: clock}
	if err := ring.Reload(); err != nil {
		return nil, err
	}
	return ring, nil
}

// InitEmbedded makes a key file with version 1 of each key. It never overwrites a file.
func InitEmbedded(path string, specs []Spec, clock func() time.Time) (*Embedded, error) {
	made, err := generateAll(specs, clock())
	if err != nil {
		return nil, err
	}
	if err := create(path, made); err != nil {
		return nil, err
	}
	return OpenEmbedded(path, clock)
}

func generateAll(specs []Spec, now time.Time) (*chest, error) {
	made := &chest{held: map[string][]held{}}
	for _, spec := range specs {
		if err := spec.check(); err != nil {
			return nil, err
		}
		if made.held[spec.Name] != nil {
			return nil, fmt.Errorf("key %q: named twice: %w", spec.Name, errSpec)
		}
		first, err := newHeld(spec, 1, now, now)
		if err != nil {
			return nil, err
		}
		made.names = append(made.names, spec.Name)
		made.held[spec.Name] = []held{first}
	}
	return made, nil
}

func newHeld(spec Spec, version int, created, signs time.Time) (held, error) {
	private, err := spec.generate()
	if err != nil {
		return held{}, fmt.Errorf("key %q: %w", spec.Name, err)
	}
	public := Public{
		Name: spec.Name, Version: version, Algorithm: spec.Algorithm,
		CreatedAt: created.UTC().Truncate(time.Second), SignsFrom: signs.UTC().Truncate(time.Second),
	}
	return assemble(public, private)
}

// Reload reads the file again, after another process rotated a key. A file that cannot be read changes nothing.
func (e *Embedded) Reload() error {
	read, err := load(e.path)
	if err != nil {
		return err
	}
	e.state.Store(read)
	return nil
}

// Notice is the warning that an operator must see.
func (e *Embedded) Notice() string { return Notice + " File: " + e.path }

// Rotate makes a new version of a key, writes it, and erases the versions that have retired. The new version is published
// at once and signs after Overlap; with now it signs at once, which officers who are offline will not follow: only for
// a key that may be known to others.
func (e *Embedded) Rotate(name string, now bool) (Public, error) {
	var fresh held
	at := e.clock()
	err := replace(e.path, func(read *chest) error {
		versions := read.held[name]
		if len(versions) == 0 {
			return fmt.Errorf("key %q: %w", name, ErrUnknownKey)
		}
		last := versions[len(versions)-1]
		signs := at.Add(Overlap)
		if now {
			signs = at
		}
		var err error
		if fresh, err = newHeld(last.spec(), last.public.Version+1, at, signs); err != nil {
			return err
		}
		read.held[name] = append(read.held[name], fresh)
		read.retire(at)
		return nil
	})
	if err != nil {
		return Public{}, err
	}
	return fresh.public, e.Reload()
}

func (h held) spec() Spec {
	spec := Spec{Name: h.public.Name, Algorithm: h.public.Algorithm}
	if h.rsa != nil {
		spec.Bits = h.rsa.N.BitLen()
	}
	return spec
}

func (c *chest) retire(now time.Time) {
	for name, versions := range c.held {
		c.held[name] = versions[len(versions)-len(Live(publics(versions), now)):]
	}
}

func publics(versions []held) []Public {
	list := make([]Public, len(versions))
	for i, version := range versions {
		list[i] = version.public
	}
	return list
}

// Public lists the live versions in the file's order, each key's in ascending order.
func (e *Embedded) Public() []Public {
	state, now := e.state.Load(), e.clock()
	list := []Public{}
	for _, name := range state.names {
		list = append(list, Live(state.public[name], now)...)
	}
	return list
}

// Signer gives the version that signs at the clock's time.
func (e *Embedded) Signer(name string) (Signer, error) {
	state := e.state.Load()
	public, found := Signing(state.public[name], e.clock())
	if !found || public.Algorithm != ES256 {
		return nil, ErrUnknownKey
	}
	versions := state.held[name] // contiguous, in ascending order
	return &versions[public.Version-versions[0].public.Version], nil
}

// Decrypter gives a live version of a packet key.
func (e *Embedded) Decrypter(keyID string) (Decrypter, error) {
	name, number, err := ParseKeyID(keyID)
	if err != nil {
		return nil, ErrUnknownKey
	}
	state := e.state.Load()
	versions := state.held[name]
	for i := len(versions) - len(Live(state.public[name], e.clock())); i < len(versions); i++ {
		version := &versions[i]
		if version.public.Version == number && version.public.KeyID == keyID && version.signing == nil {
			return version, nil
		}
	}
	return nil, ErrUnknownKey
}

// Public is the public half.
func (h *held) Public() Public { return h.public }

// Local says that signing takes microseconds.
func (h *held) Local() {}

// Sign signs a digest with ECDSA on P-256.
func (h *held) Sign(ctx context.Context, digest [32]byte) ([]byte, error) {
	switch {
	case ctx.Err() != nil:
		return nil, errors.Join(ErrUnavailable, ctx.Err())
	case h.signing == nil:
		return nil, ErrWrongUse
	}
	r, s, err := ecdsa.Sign(rand.Reader, h.signing, digest[:])
	if err != nil {
		return nil, errors.Join(ErrUnavailable, err)
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return raw, nil
}

// Decrypt opens RSA-OAEP with SHA-256 and MGF1-SHA-256. The standard library takes the same time for good and bad padding.
func (h *held) Decrypt(ctx context.Context, encryptedKey []byte) ([]byte, error) {
	switch {
	case ctx.Err() != nil:
		return nil, errors.Join(ErrUnavailable, ctx.Err())
	case h.rsa == nil:
		return nil, ErrWrongUse
	}
	opened, err := rsa.DecryptOAEP(sha256.New(), nil, h.rsa, encryptedKey, nil)
	if err != nil {
		return nil, ErrDecrypt
	}
	return opened, nil
}

// Agree does one P-256 agreement.
func (h *held) Agree(ctx context.Context, ephemeral *ecdh.PublicKey) ([]byte, error) {
	switch {
	case ctx.Err() != nil:
		return nil, errors.Join(ErrUnavailable, ctx.Err())
	case h.ecdh == nil:
		return nil, ErrWrongUse
	}
	shared, err := h.ecdh.ECDH(ephemeral)
	if err != nil {
		return nil, ErrDecrypt
	}
	return shared, nil
}
