package transit

import (
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"crosscode/crypto/keys"
	"crosscode/exchange/clock"
)

// Vault is how a Ring asks Vault. Client implements it.
type Vault interface {
	// Call sends one request to a path below /v1/, mount included, and gives Vault's answer, whatever its status. The error
	// says that there was none. It keeps to ctx and does not try again, but for a token that Vault no longer takes.
	Call(ctx context.Context, method, path string, body []byte) (Reply, error)
}

// Config is what a Ring works with.
type Config struct {
	// Vault is how Vault is asked: a Client, whose Run keeps the token alive. Required.
	Vault Vault
	// Mount is where the transit engine is; empty: DefaultMount.
	Mount string
	// Keys are the keys to use, by their names in the engine: ES256 or RSAOAEP256. Vault has no key agreement, so no ECDHES.
	// Bits is not looked at: every RSA modulus of 2048 to 4096 bits is taken. Required.
	Keys []keys.Spec
	// Timeout bounds one operation, from the moment it is asked for until the error; zero: 2 s.
	Timeout time.Duration
	// Refresh is how often each key's versions are read; zero: 10 s. The reads are spread over it, and are also how an outage
	// without traffic is seen.
	Refresh time.Duration
	// Decrypt and Sign say how operations are gathered; zero values: DefaultDecrypt and DefaultSign.
	Decrypt, Sign Batching
	// Peer tells on whose behalf a request is made: the client's address, or any other name that an attacker cannot have many
	// of. Peers share Vault fairly. Nil: what WithPeer put into the context.
	Peer func(ctx context.Context) string
	// Observe is told of every call and of whoever is turned away, for metrics. It must return at once and may not use the
	// ring. Nil: nobody is told.
	Observe func(Observation)
	// Clock tells which versions sign and which have retired; nil: clock.Now.
	Clock func() time.Time
	// Log gets changes of state and faults of keys, never a name or a text of Vault's; nil: nothing is logged.
	Log *slog.Logger
}

// Operation is what a call does.
type Operation string

// The two operations.
const (
	Decrypting Operation = "decrypt"
	Signing    Operation = "sign"
)

// Observation is one call to Vault, or operations that were turned away.
type Observation struct {
	Operation Operation
	Items     int // operations in the call
	Bad       int // of those, how many failed by themselves
	Shed      int // operations turned away because too many wait, or because calls rest: no call was made for them
	Took      time.Duration
	Err       error // what kept the whole call from succeeding
}

// DefaultMount is where Vault itself puts the engine unless told otherwise.
const DefaultMount = "transit"

const defaultRefresh = 10 * time.Second

// Ring is a key ring over Vault's transit engine: it implements keys.Ring. It is safe for concurrent use.
type Ring struct {
	config    Config
	specs     map[string]keys.Spec
	reference atomic.Uint64
	decrypts  *desk
	signs     *desk
	nudged    chan struct{} // holds one: somebody has reason to think that what we know is out of date

	known    sync.Map // name → *holding
	turns    sync.Map // name → chan struct{}, which holds one while the key is read
	lastRead sync.Map // name → lastRead
	health   atomic.Pointer[string]
}

var _ keys.Ring = (*Ring)(nil)

var errConfig = errors.New("transit: not a configuration that a ring can work with")

// New makes a ring. It does not ask Vault for anything: until Run or Refresh has read the keys, they are unavailable.
func New(config Config) (*Ring, error) {
	config = config.complete()
	r := &Ring{config: config, specs: map[string]keys.Spec{}, nudged: make(chan struct{}, 1)}
	if config.Vault == nil || len(config.Keys) == 0 {
		return nil, fmt.Errorf("%w: no Vault or no keys", errConfig)
	}
	for _, spec := range config.Keys {
		if _, twice := r.specs[spec.Name]; twice || (spec.Algorithm != keys.ES256 && spec.Algorithm != keys.RSAOAEP256) {
			return nil, fmt.Errorf("%w: key %q: algorithm %q, or named twice", errConfig, spec.Name, spec.Algorithm)
		}
		if _, _, err := keys.ParseKeyID(spec.Name + ".1.AAAAAA"); err != nil {
			return nil, fmt.Errorf("%w: key %q: name", errConfig, spec.Name)
		}
		r.specs[spec.Name] = spec
	}
	r.decrypts = r.newDesk(Decrypting, config.Decrypt.or(DefaultDecrypt), r.decrypt)
	r.signs = r.newDesk(Signing, config.Sign.or(DefaultSign), r.sign)
	r.ail("the keys have not been read yet")
	return r, nil
}

func (c Config) complete() Config {
	if c.Mount == "" {
		c.Mount = DefaultMount
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Refresh <= 0 {
		c.Refresh = defaultRefresh
	}
	if c.Peer == nil {
		c.Peer = peerOf
	}
	if c.Observe == nil {
		c.Observe = func(Observation) {}
	}
	if c.Clock == nil {
		c.Clock = clock.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (r *Ring) newDesk(operation Operation, limits Batching, call batchCall) *desk {
	return &desk{
		operation: operation, limits: limits, patience: r.config.Timeout, call: call,
		breaker: newBreaker(operation, func(state string) {
			r.config.Log.Warn("calls to vault", "operation", string(operation), "breaker", state)
		}),
		observe: func(seen Observation) {
			defer func() { _ = recover() }() // what is told to others must not end a flight
			if seen.Err != nil && seen.Items > 0 {
				r.nudge()
			}
			r.config.Observe(seen)
		},
	}
}

type peerKey struct{}

// WithPeer says on whose behalf the operations under this context are done, where Config.Peer is not set.
func WithPeer(ctx context.Context, peer string) context.Context {
	return context.WithValue(ctx, peerKey{}, peer)
}

func peerOf(ctx context.Context) string {
	peer, _ := ctx.Value(peerKey{}).(string)
	return peer
}

// Doubt says that what the ring opened under this context was no packet after all: its content did not authenticate, or its
// inner signature did not hold. Whoever encrypts garbage properly is thus treated like one who sends plain garbage.
func (r *Ring) Doubt(ctx context.Context) { r.decrypts.doubt(r.config.Peer(ctx)) }

// Public lists the live versions of all keys, in the order of Config.Keys. A key that could not be read yet is left out.
func (r *Ring) Public() []keys.Public {
	list, now := []keys.Public{}, r.config.Clock()
	for _, spec := range r.config.Keys {
		if held, err := r.holding(spec.Name); err == nil {
			list = append(list, keys.Live(held.versions, now)...)
		}
	}
	return list
}

// Signer gives the version that signs at the clock's time. The error wraps ErrUnavailable as long as the key cannot be read.
func (r *Ring) Signer(name string) (keys.Signer, error) {
	if r.specs[name].Algorithm != keys.ES256 {
		return nil, keys.ErrUnknownKey
	}
	held, err := r.holding(name)
	if err != nil {
		return nil, err
	}
	public, found := keys.Signing(held.signing(), r.config.Clock())
	if !found {
		return nil, keys.ErrUnknownKey
	}
	return version{ring: r, public: public}, nil
}

// Decrypter gives a live version of a packet key. The error wraps ErrUnavailable as long as the key cannot be read. A kid
// that is newer than what was read last is looked for at Vault: another replica may have published it already.
func (r *Ring) Decrypter(keyID string) (keys.Decrypter, error) {
	name, number, err := keys.ParseKeyID(keyID)
	if err != nil || r.specs[name].Algorithm != keys.RSAOAEP256 {
		return nil, keys.ErrUnknownKey
	}
	held, err := r.holding(name)
	if err != nil {
		return nil, err
	}
	if last := held.latest; number > last && number <= last+maxAhead {
		if held, err = r.catchUp(name); err != nil {
			return nil, err
		}
	}
	for _, public := range keys.Live(held.versions, r.config.Clock()) {
		if public.KeyID == keyID {
			return version{ring: r, public: public}, nil
		}
	}
	return nil, keys.ErrUnknownKey
}

// version is one version of one key. Whatever happens to the key meanwhile, it asks Vault for this one.
type version struct {
	ring   *Ring
	public keys.Public
}

// Public is the public half.
func (v version) Public() keys.Public { return v.public }

// Sign has Vault sign a digest and checks the signature before anybody sees it: a slip in a batch, another version or a
// broken device ends here (threats T22, T25).
func (v version) Sign(ctx context.Context, digest [32]byte) ([]byte, error) {
	if v.public.Algorithm != keys.ES256 {
		return nil, keys.ErrWrongUse
	}
	raw, err := v.ring.signs.do(ctx, v.public, v.ring.config.Peer(ctx), digest[:])
	if errors.Is(err, errItem) { // most likely another version signs now: whoever asks the ring again gets that one
		_, _ = v.ring.catchUp(v.public.Name)
	}
	if err != nil {
		return nil, err
	}
	if !holds(v.public, digest, raw) {
		v.ring.config.Log.Error("a signature of vault's does not hold", "kid", v.public.KeyID)
		return nil, newOutage(errSignature, 0)
	}
	return raw, nil
}

var _ keys.Verified = version{}

// Verified promises what Sign does.
func (version) Verified() {}

// Decrypt has Vault open an encrypted_key.
func (v version) Decrypt(ctx context.Context, encryptedKey []byte) ([]byte, error) {
	if v.public.Algorithm != keys.RSAOAEP256 {
		return nil, keys.ErrWrongUse
	}
	return v.ring.decrypts.do(ctx, v.public, v.ring.config.Peer(ctx), encryptedKey)
}

// Agree is what no key at Vault is for.
func (version) Agree(context.Context, *ecdh.PublicKey) ([]byte, error) { return nil, keys.ErrWrongUse }

// Ready tells why the ring cannot work now, or nil: whether the keys were last read, and whether calls rest. It asks
// nobody. It does not wait for traffic to find out that Vault is back.
func (r *Ring) Ready(context.Context) error {
	if ailing := r.health.Load(); ailing != nil {
		return newOutage(errors.New(*ailing), 0)
	}
	for _, d := range []*desk{r.decrypts, r.signs} {
		if wait, open := d.breaker.open(); open {
			return newOutage(fmt.Errorf("%s: %w", d.operation, errResting), wait)
		}
	}
	return nil
}

// Outage is an error of a ring that cannot be used now. It wraps keys.ErrUnavailable.
type Outage struct {
	Cause error
	After time.Duration // when it may be worth trying again; never zero
}

// retryShed is for who was turned away because there was too much to do.
const retryShed = time.Second

func newOutage(cause error, after time.Duration) *Outage {
	var fault *Fault
	if errors.As(cause, &fault) {
		after = max(after, fault.After)
	}
	return &Outage{Cause: cause, After: max(after, retryShed)}
}

// Error says what is wrong, without a word of what was to be opened or signed, or of what Vault said.
func (o *Outage) Error() string { return keys.ErrUnavailable.Error() + ": " + o.Cause.Error() }

// Unwrap gives keys.ErrUnavailable and the cause.
func (o *Outage) Unwrap() []error { return []error{keys.ErrUnavailable, o.Cause} }

// RetryAfter is when it may be worth trying again.
func (o *Outage) RetryAfter() time.Duration { return o.After }
