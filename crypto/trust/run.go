package trust

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// How soon a side is asked again after a failure: doubling, and never later than Refresh.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// Run fetches every side's set at once and then every Refresh, until ctx ends; it returns when all that the Set started has
// stopped. Afterwards keys that are known are still given out, and nothing is fetched any more. Run may be called once.
func (s *Set) Run(ctx context.Context) {
	var loops sync.WaitGroup
	for _, source := range s.sources {
		loops.Go(func() { source.keep(ctx) })
	}
	loops.Wait()
	<-ctx.Done()
	s.stop()
}

// Refresh fetches every side's set once, now, and waits for the answers or for ctx. The error joins those of the sides that
// failed; their last good sets stay in use.
func (s *Set) Refresh(ctx context.Context) error {
	failed := make([]error, len(s.sources))
	var rounds sync.WaitGroup
	for i, side := range slices.Sorted(maps.Keys(s.sources)) {
		rounds.Go(func() {
			defer s.sources[side].recovered()
			failed[i] = errPanicked
			if failed[i] = s.sources[side].refresh(ctx); failed[i] != nil {
				failed[i] = fmt.Errorf("%s: %w", side, failed[i])
			}
		})
	}
	rounds.Wait()
	return errors.Join(failed...)
}

func (s *Set) stop() {
	s.mu.Lock()
	s.stopped = true
	s.cancel()
	s.mu.Unlock()
	s.fetches.Wait()
}

// launch runs a fetch in a goroutine of its own, unless the Set has stopped.
func (s *Set) launch(fetch func(context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.fetches.Go(func() { fetch(s.ctx) })
	return true
}

// keep refreshes one side until ctx ends. A panic costs one round, not the side's refreshes for ever after.
func (s *source) keep(ctx context.Context) {
	for ctx.Err() == nil {
		s.round(ctx)
		timer := time.NewTimer(s.pause())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

func (s *source) round(ctx context.Context) {
	defer s.recovered()
	_ = s.refresh(ctx) // kept in the status and logged where it happens
}

// pause is how long until the next look. Jitter only shortens it, so that Refresh stays the promise it is: by then a
// removed key has stopped working.
func (s *source) pause() time.Duration {
	s.mu.Lock()
	failures := s.failures
	s.mu.Unlock()
	pause := s.config.Refresh
	if failures > 0 {
		retry := firstRetry << min(failures-1, 10)
		pause = min(pause, retry, lastRetry)
	}
	return pause - rand.N(pause/5+1) //nolint:gosec // spreads load; nothing secret depends on it
}
