package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// The three keys that a side has from the start: two that sign packets and recalls, one that opens handoffs.
const (
	keySign    = "sign"    // ES256
	keySignEd  = "sign-ed" // EdDSA
	keyHandoff = "handoff" // ECDH-ES+A256KW on P-256
)

// keyStore is one side's private keys: a JWK set in a file that only its owner can read. The file is read anew for every
// use, so that what one process adds another one publishes.
type keyStore struct {
	path string
	side string
	mu   sync.Mutex
}

var errNoKey = errors.New("this side has no such key; POST /keys/rotate makes one")

// openKeys finds the side's keys in dir, or makes them. Of two processes that make them at once one wins, and both then
// use its keys.
func openKeys(dir string, of side) (*keyStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	k := &keyStore{path: filepath.Join(dir, of.id+".keys.json"), side: of.id}
	if _, err := os.Stat(k.path); !errors.Is(err, fs.ErrNotExist) {
		_, err = k.load()
		return k, err
	}
	var set jose.JSONWebKeySet
	for _, name := range []string{keySign, keySignEd, keyHandoff} {
		key, err := k.newKey(name, set)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, key)
	}
	return k, k.save(set, true)
}

// newKey makes the next version of a key; its kid is <side>-<name>.<version>.<6 characters of the thumbprint>.
func (k *keyStore) newKey(name string, set jose.JSONWebKeySet) (jose.JSONWebKey, error) {
	private, err := generate(name)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	key := jose.JSONWebKey{Key: private, Use: "sig", Algorithm: string(algorithmOf(private))}
	if name == keyHandoff {
		key.Use, key.Algorithm = "enc", string(jose.ECDH_ES_A256KW)
	}
	sum, err := thumbprint(key)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	id := keyID{name: k.side + "-" + name, version: 1, tail: sum[:6]}
	for _, other := range set.Keys {
		if parsed, err := parseKeyID(other.KeyID); err == nil && parsed.name == id.name {
			id.version = max(id.version, parsed.version+1)
		}
	}
	key.KeyID = id.String()
	return key, nil
}

func generate(name string) (crypto.PrivateKey, error) {
	if name == keySignEd {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func (k *keyStore) load() (jose.JSONWebKeySet, error) {
	info, err := os.Stat(k.path)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return jose.JSONWebKeySet{}, fmt.Errorf("%s: others can read these private keys (mode %o, not 600)", k.path, info.Mode().Perm())
	}
	data, err := os.ReadFile(k.path)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil {
		// The error could quote the file.
		return jose.JSONWebKeySet{}, fmt.Errorf("%s: not a key set", k.path)
	}
	return set, nil
}

// save replaces the file in one step. A first set never replaces another process's.
func (k *keyStore) save(set jose.JSONWebKeySet, first bool) error {
	data, err := json.MarshalIndent(set, "", "  ")
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(k.path), ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone already if it was renamed
	_, err = temporary.Write(append(data, '\n'))
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	if !first {
		return os.Rename(temporary.Name(), k.path)
	}
	if err := os.Link(temporary.Name(), k.path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// published is the public half of every key.
func (k *keyStore) published() (jose.JSONWebKeySet, error) {
	set, err := k.load()
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	public := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range set.Keys {
		public.Keys = append(public.Keys, key.Public())
	}
	return public, nil
}

// signer is the newest key that signs with the algorithm, ES256 or EdDSA.
func (k *keyStore) signer(algorithm string) (jose.JSONWebKey, error) {
	set, err := k.load()
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	for _, key := range slices.Backward(set.Keys) {
		if key.Use == "sig" && key.Algorithm == algorithm {
			return key, nil
		}
	}
	return jose.JSONWebKey{}, fmt.Errorf("%s: %w", algorithm, errNoKey)
}

// opener is the handoff key with this kid.
func (k *keyStore) opener(kid string) (jose.JSONWebKey, error) {
	set, err := k.load()
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	for _, key := range set.Key(kid) {
		if key.Use == "enc" {
			return key, nil
		}
	}
	return jose.JSONWebKey{}, errUnknown
}

// rotate adds a new version, which is used from now on; the old ones stay published until they are removed.
func (k *keyStore) rotate(name string) (kid string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	set, err := k.load()
	if err != nil {
		return "", err
	}
	key, err := k.newKey(name, set)
	if err != nil {
		return "", err
	}
	set.Keys = append(set.Keys, key)
	return key.KeyID, k.save(set, false)
}

// remove forgets a key for good. The last one can go too: that is what a drill for a lost key needs.
func (k *keyStore) remove(kid string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	set, err := k.load()
	if err != nil {
		return err
	}
	before := len(set.Keys)
	set.Keys = slices.DeleteFunc(set.Keys, func(key jose.JSONWebKey) bool { return key.KeyID == kid })
	if len(set.Keys) == before {
		return errUnknown
	}
	return k.save(set, false)
}
