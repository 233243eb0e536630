package trust

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

const (
	// demandEvery is how often an unknown kid may cause a fetch (threat T26).
	demandEvery = time.Minute
	// maxWaiting is how many requests one fetch may keep waiting. More would let a slow side and a flood of kids tie up the
	// gateway between them.
	maxWaiting = 64
	// The breaker: so many failures in a row stop all fetches for so long, by the machine's own clock.
	breakerFailures = 5
	breakerPause    = 10 * time.Second
)

// source is one side's set and how it is kept.
type source struct {
	set    *Set
	side   exchange.Side
	config Config
	log    *slog.Logger
	// fetch gives the bytes of the set as the side publishes it now.
	fetch   func(ctx context.Context) ([]byte, error)
	cache   cache
	breaker *gobreaker.CircuitBreaker

	// current is the last good set, nil if there never was one. Lookups of known kids touch nothing else.
	current atomic.Pointer[keySet]

	mu       sync.Mutex // guards what follows
	flight   *flight    // the fetch under way, or nil
	demanded time.Time  // when an unknown kid last caused a fetch
	failures int        // fetches that failed since the last good one
	last     Class
}

// flight is one fetch under way.
type flight struct {
	done    chan struct{} // closed when err is set
	err     error
	waiting int // guarded by source.mu
}

// keySet is one good set. It never changes.
type keySet struct {
	fetched time.Time
	signing map[string]keys.Trusted
	sealing []keys.Trusted // in the order of the set
}

func newSource(set *Set, side exchange.Side, config Config) (*source, error) {
	if _, err := exchange.ParseSide(string(side)); err != nil {
		return nil, err // the id becomes a file name
	}
	fetch, err := newFetch(config.Sides[side], config.Timeout)
	if err != nil {
		return nil, err
	}
	s := &source{
		set: set, side: side, config: config, fetch: fetch,
		log:   config.Log.With("side", string(side)),
		cache: newCache(config.CacheDir, side, config.Sides[side]),
	}
	s.breaker = newBreaker(side, breakerPause)
	s.takeOver()
	return s, nil
}

// newBreaker does not hold it against a side that this process stopped, or that our own disk is full.
func newBreaker(side exchange.Side, pause time.Duration) *gobreaker.CircuitBreaker {
	return gobreaker.NewCircuitBreaker(gobreaker.Settings{
		Name:         string(side),
		Timeout:      pause,
		ReadyToTrip:  func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= breakerFailures },
		IsSuccessful: func(err error) bool { return good(err) || errors.Is(err, context.Canceled) },
	})
}

// takeOver begins with the set that an earlier process left behind. One that is too old is kept in sight for the status;
// known is what keeps it from being used.
func (s *source) takeOver() {
	set, err := s.cache.load()
	if err != nil {
		s.last = classOf(err)
		s.log.Warn("the cached key set is not used", "error", clip(err.Error()))
		return
	}
	s.current.Store(set)
}

func newKeySet(data []byte, fetched time.Time) (*keySet, error) {
	parsed, err := keys.ParseSet(data)
	if err != nil {
		return nil, &fault{Malformed, err}
	}
	set := &keySet{fetched: fetched.UTC(), signing: make(map[string]keys.Trusted)}
	for _, key := range parsed {
		if key.Use == keys.UseSignature {
			set.signing[key.KeyID] = key.Trusted
		} else {
			set.sealing = append(set.sealing, key.Trusted)
		}
	}
	return set, nil
}

func (k *keySet) has(keyID string) bool {
	_, found := k.signing[keyID]
	return found
}

// fresh is true while a set may be used. One from the future is not: a clock that was wrong once would make it last for as
// long as the clock was ahead.
func (s *source) fresh(set *keySet) bool {
	age := s.config.Clock().Sub(set.fetched)
	return age <= s.config.MaxAge && age >= -exchange.Leeway
}

// known is the set that may be used now, or nil.
func (s *source) known() *keySet {
	if set := s.current.Load(); set != nil && s.fresh(set) {
		return set
	}
	return nil
}

// find gives a usable set. If the one at hand does not do, it waits for one fetch, where one is due or under way, and then
// gives what is there.
func (s *source) find(ctx context.Context, does func(*keySet) bool) (*keySet, error) {
	if set := s.known(); set != nil && does(set) {
		return set, nil
	}
	if flight := s.demand(); flight != nil {
		select {
		case <-flight.done:
		case <-ctx.Done():
			return nil, exchange.Fail(exchange.Unavailable, stage, ctx.Err())
		}
	}
	if set := s.known(); set != nil {
		return set, nil
	}
	return nil, exchange.Fail(exchange.Unavailable, stage, errUnknownSet)
}

// demand gives the fetch to wait for: the one under way, a new one if the last demand is a minute ago, or none.
func (s *source) demand() *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight != nil {
		if s.flight.waiting >= maxWaiting {
			return nil
		}
		s.flight.waiting++
		return s.flight
	}
	// A clock that was set back must not keep the gate shut until it has caught up, hence both comparisons.
	now := s.config.Clock()
	if since := now.Sub(s.demanded); !s.demanded.IsZero() && since >= 0 && since < demandEvery {
		return nil
	}
	s.demanded = now
	return s.launch()
}

// refresh waits for the fetch under way, or for a new one.
func (s *source) refresh(ctx context.Context) error {
	s.mu.Lock()
	flight := s.flight
	if flight == nil {
		flight = s.launch()
	}
	s.mu.Unlock()
	if flight == nil {
		return context.Canceled
	}
	select {
	case <-flight.done:
		return flight.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// launch starts a fetch, with mu held; nil if the Set has stopped.
func (s *source) launch() *flight {
	flight := &flight{done: make(chan struct{}), err: &fault{Internal, errPanicked}}
	if !s.set.launch(func(ctx context.Context) { s.fly(ctx, flight) }) {
		return nil
	}
	s.flight = flight
	return flight
}

// fly is one fetch from first to last. Whatever happens in it, those who wait are let go.
func (s *source) fly(ctx context.Context, flight *flight) {
	defer func() {
		s.land(flight)
		close(flight.done)
	}()
	defer s.recovered()
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	_, flight.err = s.breaker.Execute(func() (any, error) { return nil, s.update(ctx) })
}

// update fetches, parses, takes over and keeps the set. It is dated by when the fetch began: what the side removed while
// it was under way may still be in it.
func (s *source) update(ctx context.Context) error {
	began := s.config.Clock()
	data, err := s.fetch(ctx)
	if err != nil {
		return err
	}
	set, err := newKeySet(data, began)
	if err != nil {
		return err
	}
	s.current.Store(set)
	if err := s.cache.save(data, set.fetched); err != nil {
		return &kept{&fault{Cache, err}}
	}
	return nil
}

// land notes how the fetch went, and says so when that is news.
func (s *source) land(flight *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	if resting(flight.err) || errors.Is(flight.err, context.Canceled) {
		return // nothing was tried, or not to the end: nothing new is known
	}
	before := s.last
	s.last = classOf(flight.err)
	s.failures++
	if good(flight.err) {
		s.failures = 0
	}
	switch s.last {
	case before:
	case "":
		s.log.Info("the side's key set is well again")
	default:
		s.log.Warn("the side's key set could not be renewed", "class", string(s.last), "error", clip(flight.err.Error()))
	}
}

func (s *source) status() SideStatus {
	s.mu.Lock()
	status := SideStatus{Side: s.side, LastError: s.last}
	s.mu.Unlock()
	if set := s.current.Load(); set != nil {
		status.FetchedAt = set.fetched
		status.Age = s.config.Clock().Sub(set.fetched)
		status.Keys = len(set.signing) + len(set.sealing)
		status.Usable = s.fresh(set)
	}
	return status
}

// recovered keeps a panic from ending the process. The panic's value stays out of the log: it could hold anything.
func (s *source) recovered() {
	if recover() != nil {
		s.log.Error("a fetch panicked", "class", string(Internal))
	}
}
