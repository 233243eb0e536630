package exchangetest

import (
	"sync"
	"testing"
	"time"

	"crosscode/exchange"
)

// Start is the instant at which each of a suite's clocks begins: 22 November 2026, 10:00 UTC+8.
var Start = time.Date(2026, 11, 22, 10, 0, 0, 0, exchange.Zone)

// Clock stands still until it is moved. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock gives a clock that shows Start.
func NewClock() *Clock { return &Clock{now: Start} }

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// wantReason fails unless err carries the reason; an empty reason wants no error.
func wantReason(t *testing.T, what string, err error, want exchange.Reason) {
	t.Helper()
	if got, _ := exchange.ReasonOf(err); got != want || (err == nil) != (want == "") {
		t.Fatalf("%s: error %v, want reason %q", what, err, want)
	}
}
