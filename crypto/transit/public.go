package transit

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"crosscode/crypto/keys"
)

// maxAhead is how far a kid's version may be ahead of ours for us to look it up: more than that was never made.
const maxAhead = 4

// catchUpEvery is how often kids that we do not know may cause a read of their key.
const catchUpEvery = 200 * time.Millisecond

// holding is one key as it was last read. It never changes.
type holding struct {
	versions []keys.Public // ascending, without a gap, never empty
	latest   int
	floor    int // min_encryption_version: the version from which on Vault signs, and which signs at once (see Rotate)
	oldest   int // min_decryption_version
}

// keyReply is what Vault answers to a read of keys/<name>, as far as we look. Pointers tell "no" from nothing: what is not
// said is not believed.
type keyReply struct {
	Data struct {
		Name       string                  `json:"name"`
		Type       string                  `json:"type"`
		Versions   map[string]versionReply `json:"keys"`
		Latest     int                     `json:"latest_version"`
		Oldest     int                     `json:"min_decryption_version"`
		Floor      int                     `json:"min_encryption_version"`
		Exportable *bool                   `json:"exportable"`
		Backup     *bool                   `json:"allow_plaintext_backup"`
		Derived    *bool                   `json:"derived"`
	} `json:"data"`
}

type versionReply struct {
	PublicKey string    `json:"public_key"`
	CreatedAt time.Time `json:"creation_time"`
}

var (
	errUnsafe     = errors.New("the key can leave vault: it is exportable, or allows a plaintext backup")
	errKind       = errors.New("the key is of another type than it is configured for")
	errKeyReply   = errors.New("vault's description of the key is not one")
	errRolledBack = errors.New("vault knows fewer versions than before: a restored backup, or a node that lags behind")
	errUnread     = errors.New("the key has not been read yet")
)

// types are the types of Vault's that do what a key of ours is for.
var types = map[keys.Algorithm][]string{
	keys.ES256:      {"ecdsa-p256"},
	keys.RSAOAEP256: {"rsa-2048", "rsa-3072", "rsa-4096"},
}

func (r *Ring) holding(name string) (*holding, error) {
	if held, found := r.known.Load(name); found {
		return held.(*holding), nil
	}
	return nil, newOutage(fmt.Errorf("key %q: %w", name, errUnread), 0)
}

// lastRead is how the last read of a key went.
type lastRead struct {
	begun time.Time
	err   error
}

// read reads one key and takes it over. A key that is no longer safe to use is dropped; an outage drops nothing.
func (r *Ring) read(ctx context.Context, name string) (*holding, error) {
	defer r.reading(name)()
	return r.readLocked(ctx, name)
}

// reading lets one read of a key at a time, and gives what ends it.
func (r *Ring) reading(name string) (done func()) {
	stored, _ := r.turns.LoadOrStore(name, make(chan struct{}, 1))
	turn := stored.(chan struct{})
	turn <- struct{}{}
	return func() { <-turn }
}

func (r *Ring) readLocked(ctx context.Context, name string) (*holding, error) {
	begun := time.Now()
	held, err := r.fetch(ctx, name)
	if err != nil {
		err = newOutage(fmt.Errorf("key %q: %w", name, err), 0)
	}
	r.lastRead.Store(name, lastRead{begun, err})
	return held, err
}

// catchUp gives what Vault says of a key now: what a read has found that began after we were asked. However many ask for kids
// that they made up, there is one such read at a time and a pause between two; meanwhile they wait. Where Vault does not
// answer, nobody knows whether there is such a kid.
func (r *Ring) catchUp(name string) (*holding, error) {
	asked := time.Now()
	defer r.reading(name)()
	stored, _ := r.lastRead.Load(name)
	last, _ := stored.(lastRead)
	switch {
	case !last.begun.After(asked):
		time.Sleep(time.Until(last.begun.Add(catchUpEvery)))
		return r.readLocked(context.Background(), name)
	case last.err != nil:
		return nil, last.err
	default:
		return r.holding(name)
	}
}

func (r *Ring) fetch(ctx context.Context, name string) (*holding, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	reply, err := r.twice(ctx, http.MethodGet, "keys/"+name, nil, func(reply Reply) bool { return reply.Status == http.StatusOK })
	if err != nil {
		return nil, err
	}
	held, err := parseKey(reply.Body, r.specs[name])
	if err == nil {
		err = r.follows(name, held)
	}
	if errors.Is(err, errUnsafe) || errors.Is(err, errKind) {
		r.known.Delete(name)
	}
	if err != nil {
		return nil, err
	}
	r.takeOver(name, held)
	return held, nil
}

// follows holds a key against what was known of it: versions become fewer by trimming alone. A node that lags behind must
// not make a packet that is sealed to the newest version look like one with an unknown kid.
func (r *Ring) follows(name string, held *holding) error {
	before, err := r.holding(name)
	if err != nil {
		return nil // there is nothing to follow
	}
	if held.latest < before.latest || held.oldest < before.oldest {
		return errRolledBack
	}
	return nil
}

func (r *Ring) takeOver(name string, held *holding) {
	before, _ := r.known.Swap(name, held)
	if before == nil || before.(*holding).latest != held.latest {
		r.config.Log.Info("key read", "key", name, "versions", len(held.versions), "latest", held.latest)
	}
}

// parseKey takes over what Vault says of a key, if it is one that may be used.
func parseKey(body []byte, spec keys.Spec) (*holding, error) {
	var reply keyReply
	if err := json.Unmarshal(body, &reply); err != nil {
		return nil, errKeyReply
	}
	data := reply.Data
	switch {
	case data.Exportable == nil, data.Backup == nil, data.Derived == nil, data.Name != spec.Name, data.Latest < 1:
		return nil, errKeyReply
	case *data.Exportable, *data.Backup:
		return nil, errUnsafe
	case *data.Derived, !slices.Contains(types[spec.Algorithm], data.Type):
		return nil, errKind
	}
	held := &holding{latest: data.Latest, floor: data.Floor, oldest: data.Oldest}
	for number, described := range data.Versions {
		public, err := described.public(spec, number, data.Floor)
		if err != nil {
			return nil, fmt.Errorf("version %.8q: %w", number, err)
		}
		if public.Version >= held.oldest {
			held.versions = append(held.versions, public)
		}
	}
	slices.SortFunc(held.versions, func(a, b keys.Public) int { return a.Version - b.Version })
	if !held.whole() {
		return nil, errKeyReply
	}
	return held, nil
}

// whole wants every version from the oldest to the latest: with one missing the schedule would be another one.
func (h *holding) whole() bool {
	if len(h.versions) == 0 || h.versions[0].Version != max(1, h.oldest) || h.floor > h.latest {
		return false
	}
	for i, public := range h.versions {
		if public.Version != h.versions[0].Version+i {
			return false
		}
	}
	return h.versions[len(h.versions)-1].Version == h.latest
}

// signing leaves out the versions with which Vault no longer signs. What is left is never empty.
func (h *holding) signing() []keys.Public {
	return h.versions[max(0, h.floor-h.versions[0].Version):]
}

func (v versionReply) public(spec keys.Spec, number string, floor int) (keys.Public, error) {
	version, err := strconv.Atoi(number)
	if err != nil || version < 1 || v.CreatedAt.IsZero() {
		return keys.Public{}, errKeyReply
	}
	key, err := parsePublic(v.PublicKey, spec.Algorithm)
	if err != nil {
		return keys.Public{}, err
	}
	keyID, err := keys.KeyID(spec.Name, version, key)
	if err != nil {
		return keys.Public{}, errKind
	}
	created := v.CreatedAt.UTC().Truncate(time.Second)
	return keys.Public{
		Name: spec.Name, Version: version, KeyID: keyID, Algorithm: spec.Algorithm, Key: key,
		CreatedAt: created, SignsFrom: signsFrom(version, floor, created),
	}, nil
}

// signsFrom is computed from what Vault says alone, so that all replicas agree. A first version signs at once, and so does
// one that Rotate was told to use now, which it marks by raising min_encryption_version to it. Any other one waits.
func signsFrom(version, floor int, created time.Time) time.Time {
	if version == 1 || version == floor {
		return created
	}
	return created.Add(keys.Overlap)
}

// parsePublic wants P-256, or RSA of 2048 to 4096 bits with the exponent that everybody uses, whatever Vault calls its type.
func parsePublic(text string, algorithm keys.Algorithm) (crypto.PublicKey, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errKeyReply
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errKeyReply
	}
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if algorithm == keys.ES256 && key.Curve == elliptic.P256() {
			return key, nil
		}
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); algorithm == keys.RSAOAEP256 && bits >= keys.MinBits && bits <= keys.MaxBits && key.E == 65537 {
			return key, nil
		}
	}
	return nil, errKind
}
