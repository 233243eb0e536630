package transit

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker"
)

const (
	// breakerFailures calls in a row that Vault did not answer stop all calls of their kind.
	breakerFailures = 5
	// breakerPause is for how long, before breakerProbes calls may try again. It is spread by a quarter either way, once for
	// each process and kind, so that replicas do not come back in step.
	breakerPause  = 2 * time.Second
	breakerProbes = 2
)

var errResting = errors.New("calls to vault rest after too many that failed")

// breaker keeps one kind of call, decrypting or signing, from a Vault that does not answer. It counts calls, never items, and
// an item that Vault refuses is a call that it answered: nobody can open it by sending garbage (threat T31).
type breaker struct {
	*gobreaker.TwoStepCircuitBreaker
	pause time.Duration
	until atomic.Int64 // when the present pause ends, in Unix nanoseconds
}

func newBreaker(operation Operation, changed func(state string)) *breaker {
	b := &breaker{pause: breakerPause*3/4 + rand.N(breakerPause/2)} //nolint:gosec // jitter
	b.TwoStepCircuitBreaker = gobreaker.NewTwoStepCircuitBreaker(gobreaker.Settings{
		Name: string(operation), Timeout: b.pause, MaxRequests: breakerProbes,
		ReadyToTrip: func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= breakerFailures },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.until.Store(time.Now().Add(b.pause).UnixNano())
			}
			changed(to.String())
		},
	})
	return b
}

// open tells whether all calls rest, and for how much longer.
func (b *breaker) open() (time.Duration, bool) {
	if b.State() != gobreaker.StateOpen {
		return 0, false
	}
	return max(0, time.Until(time.Unix(0, b.until.Load()))), true
}

// harmless tells whether a call's outcome says nothing against Vault: it answered (whatever it says of single items), or we
// took the call back ourselves. It is what gobreaker calls IsSuccessful.
func harmless(err error) bool { return err == nil || errors.Is(err, context.Canceled) }
