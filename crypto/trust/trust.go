package trust

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"crosscode/crypto/keys"
	"crosscode/exchange"
	"crosscode/exchange/clock"
)

// What holds where a Config says nothing.
const (
	DefaultRefresh = 5 * time.Minute
	DefaultMaxAge  = 24 * time.Hour
	DefaultTimeout = 5 * time.Second
)

// stage is where on a packet's path this package stands, for the private log.
const stage = "trust"

// Config is what a Set is made of.
type Config struct {
	// Sides are the sources of keys by side. A side without a source is one whose packets are refused.
	Sides map[exchange.Side]Source
	// CacheDir is where the last good sets are kept; made with mode 0700 if missing. Empty: in memory only.
	CacheDir string
	// Refresh is the longest time between two looks at a side. Zero: DefaultRefresh.
	Refresh time.Duration
	// MaxAge is how old a set may be and still be used. Zero: DefaultMaxAge. Not less than Refresh.
	MaxAge time.Duration
	// Timeout is how long one fetch may take from the look-up of the name to the last byte. Zero: DefaultTimeout.
	Timeout time.Duration
	// Clock tells the time by which sets are dated and age. Nil: clock.Now.
	Clock func() time.Time
	// Log is told when a side's source begins to fail and when it is well again, not of each fetch. Nil: nobody is.
	Log *slog.Logger
}

// Source is where one side publishes its key set: either URL or File.
type Source struct {
	// URL is an https URL, or an http URL with a loopback host. No user, query or fragment.
	URL string
	// File is the path of a key set that somebody else keeps up to date.
	File string
	// CAFile is the path of the PEM certificates of the only authorities that count for URL. Required with https. Read once,
	// by New.
	CAFile string
	// ServerName is the name that the side's certificate must carry. Empty: the host of URL.
	ServerName string
}

// Set is the sides' public keys. It is safe for concurrent use. It satisfies jose.TrustedKeys.
type Set struct {
	sources map[exchange.Side]*source

	// Fetches outlive the request that asked for them, but not the Set: stopping cancels and awaits them.
	mu      sync.Mutex
	stopped bool
	ctx     context.Context
	cancel  context.CancelFunc
	fetches sync.WaitGroup
}

// New checks the configuration, opens what it names, and takes over the last good sets from CacheDir. It sends nothing. Its
// error names every side that is wrongly configured; a side that cannot be reached is no error.
func New(config Config) (*Set, error) {
	config = config.withDefaults()
	if config.Refresh < 0 || config.MaxAge < config.Refresh || config.Timeout < 0 {
		return nil, errors.New("trust: max age below refresh, or a negative duration")
	}
	if config.CacheDir != "" {
		if err := os.MkdirAll(config.CacheDir, 0o700); err != nil {
			return nil, fmt.Errorf("trust: cache directory: %w", err)
		}
	}
	set := &Set{sources: make(map[exchange.Side]*source, len(config.Sides))}
	set.ctx, set.cancel = context.WithCancel(context.Background())
	var faults []error
	for _, side := range slices.Sorted(maps.Keys(config.Sides)) {
		source, err := newSource(set, side, config)
		if err != nil {
			faults = append(faults, fmt.Errorf("trust: %s: %w", side, err))
			continue
		}
		set.sources[side] = source
	}
	if err := errors.Join(faults...); err != nil {
		set.cancel()
		return nil, err
	}
	return set, nil
}

func (c Config) withDefaults() Config {
	if c.Refresh == 0 {
		c.Refresh = DefaultRefresh
	}
	if c.MaxAge == 0 {
		c.MaxAge = DefaultMaxAge
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Clock == nil {
		c.Clock = clock.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// SigningKey gives the key with which this issuer signs under this kid. keyID may be hostile: it is looked up in a map and
// goes nowhere else. The error is a Failure: packet-refused when the issuer has no such signing key, unavailable when its
// keys cannot be known now or ctx ended first.
func (s *Set) SigningKey(ctx context.Context, issuer exchange.Side, keyID string) (keys.Trusted, error) {
	source, known := s.sources[issuer]
	if !known {
		return keys.Trusted{}, exchange.Fail(exchange.PacketRefused, stage, errUnknownSide)
	}
	set, err := source.find(ctx, func(set *keySet) bool { return set.has(keyID) })
	if err != nil {
		return keys.Trusted{}, err
	}
	if !set.has(keyID) {
		return keys.Trusted{}, exchange.Fail(exchange.PacketRefused, stage, errUnknownKid)
	}
	return set.signing[keyID], nil
}

// EncryptionKey gives the key to which a handoff for this side is sealed: the first enc key of its set. The error is
// exchange.ErrNoHandoffKey when the side publishes none, or a Failure with unavailable when that cannot be known now.
func (s *Set) EncryptionKey(ctx context.Context, side exchange.Side) (keys.Trusted, error) {
	source, known := s.sources[side]
	if !known {
		return keys.Trusted{}, exchange.ErrNoHandoffKey
	}
	set, err := source.find(ctx, func(*keySet) bool { return true })
	if err != nil {
		return keys.Trusted{}, err
	}
	if len(set.sealing) == 0 {
		return keys.Trusted{}, exchange.ErrNoHandoffKey
	}
	return set.sealing[0], nil
}

// The causes of this package's Failures, for the private log.
var (
	errUnknownSide = errors.New("no source is configured for this issuer")
	errUnknownKid  = errors.New("the issuer's set has no such signing key")
	errUnknownSet  = errors.New("no set of this side is known, or the last one is too old")
)

// SideStatus is how one side's keys stand, for metrics and the detail behind readiness. Readiness itself does not wait for
// sides.
type SideStatus struct {
	Side exchange.Side `json:"side"`
	// FetchedAt is when the set in memory was fetched, UTC; zero if there never was one.
	FetchedAt time.Time `json:"fetched_at,omitzero"`
	// Age is the time since then; zero if there never was a set.
	Age time.Duration `json:"age_ns"`
	// Keys is how many keys the set has, for signing and for sealing.
	Keys int `json:"keys"`
	// Usable is true while the set is known and not older than MaxAge.
	Usable bool `json:"usable"`
	// LastError is the class of what went wrong at the last attempt; empty: nothing did, or there was none.
	LastError Class `json:"last_error,omitempty"`
}

// Status lists the sides in the order of their ids. It waits for nothing.
func (s *Set) Status() []SideStatus {
	list := make([]SideStatus, 0, len(s.sources))
	for _, side := range slices.Sorted(maps.Keys(s.sources)) {
		list = append(list, s.sources[side].status())
	}
	return list
}
