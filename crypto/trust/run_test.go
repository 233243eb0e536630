package trust

import (
	"context"
	"net/http"
	"testing"
	"time"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// running runs a Set and gives the function that ends it and waits.
func running(t *testing.T, set *Set) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); set.Run(ctx) }()
	return func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Error("Run does not return")
		}
	}
}

func TestRunFetchesAtOnceAndAgain(t *testing.T) {
	b, file := newBack(t, nil), Source{File: "/none.json"}
	key := newKey(t, "k1", keys.ES256)
	b.publish()
	set := open(t, Config{
		Sides:   map[exchange.Side]Source{macau: {URL: b.URL}, guangdong: file},
		Refresh: 20 * time.Millisecond, MaxAge: time.Hour,
	})
	end := running(t, set)
	waitFor(t, func() bool { return b.hits.Load() >= 3 })
	b.publish(key)
	waitFor(t, func() bool { return set.Status()[1].Keys == 1 })
	end()
	after := b.hits.Load()
	knows(t, set, macau, "k1", key) // what is known still holds while the last requests are finished
	refuses(t, set, macau, "k2")
	if err := set.Refresh(context.Background()); err == nil {
		t.Error("a Set that has stopped still fetches")
	}
	if hits := b.hits.Load(); hits != after {
		t.Errorf("%d fetches after the end", hits-after)
	}
}

func TestRunOfNoSidesWaitsForItsEnd(t *testing.T) {
	end := running(t, open(t, Config{}))
	end()
}

// A side that is just starting is found soon, not after a whole Refresh.
func TestRunTriesAgainSoonAfterAFailure(t *testing.T) {
	b := newBack(t, nil)
	key := newKey(t, "k1", keys.ES256)
	b.handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	set := open(t, Config{Sides: map[exchange.Side]Source{macau: {URL: b.URL}}})
	end := running(t, set)
	defer end()
	waitFor(t, func() bool { return set.Status()[0].LastError == Answer })
	b.publish(key)
	waitFor(t, func() bool { return set.Status()[0].Usable })
	knows(t, set, macau, "k1", key)
}

func TestPauses(t *testing.T) {
	set := open(t, Config{Sides: map[exchange.Side]Source{macau: {File: "x"}}})
	quick := open(t, Config{Sides: map[exchange.Side]Source{macau: {File: "x"}}, Refresh: 3 * time.Second})
	for _, test := range []struct {
		set      *Set
		failures int
		want     time.Duration
	}{
		{set, 0, 5 * time.Minute}, {set, 1, time.Second}, {set, 2, 2 * time.Second}, {set, 5, 16 * time.Second},
		{set, 6, 30 * time.Second}, {set, 1_000_000, 30 * time.Second}, {quick, 0, 3 * time.Second}, {quick, 6, 3 * time.Second},
	} {
		source := test.set.sources[macau]
		source.failures = test.failures
		for range 100 {
			if got := source.pause(); got > test.want || got < test.want*4/5 {
				t.Errorf("after %d failures: %s, want %s or up to a fifth less", test.failures, got, test.want)
			}
		}
	}
}

// A fetch that hangs is cut off when the process stops, and that is no fault of the side's.
func TestStopCutsOffAFetchUnderWay(t *testing.T) {
	b := newBack(t, nil)
	b.handle(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	set := open(t, Config{Sides: map[exchange.Side]Source{macau: {URL: b.URL}}, Timeout: time.Hour})
	end := running(t, set)
	waitFor(t, func() bool { return b.hits.Load() == 1 })
	end()
	source := set.sources[macau]
	if status := set.Status()[0]; status.LastError != "" || source.failures != 0 || source.breaker.Counts().TotalFailures != 0 {
		t.Errorf("Status() = %+v, %d failures, breaker %+v", status, source.failures, source.breaker.Counts())
	}
}

func TestBreakerRestsAndTriesAgain(t *testing.T) {
	b := newBack(t, nil)
	key := newKey(t, "k1", keys.ES256)
	b.handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	set := one(t, b, newClock())
	const rest = 50 * time.Millisecond
	set.sources[macau].breaker = newBreaker(macau, rest)
	for range breakerFailures {
		failing(t, set, Answer)
	}
	if err := set.Refresh(context.Background()); !resting(err) || b.hits.Load() != breakerFailures {
		t.Errorf("Refresh = %v after %d requests, want the breaker's refusal after %d", err, b.hits.Load(), breakerFailures)
	}
	if got := set.Status()[0].LastError; got != Answer {
		t.Errorf("LastError = %q, want what tripped the breaker", got)
	}
	b.publish(key)
	time.Sleep(2 * rest)
	renew(t, set)
	knows(t, set, macau, "k1", key)
}

func TestPanicIsContained(t *testing.T) {
	b := newBack(t, nil)
	key := newKey(t, "k1", keys.ES256)
	b.publish(key)
	set := one(t, b, newClock())
	source := set.sources[macau]
	fetch := source.fetch
	source.fetch = func(context.Context) ([]byte, error) { panic("CANARY") }
	failing(t, set, Internal)
	unavailable(t, set, macau, "k1")
	source.fetch = fetch
	renew(t, set)
	knows(t, set, macau, "k1", key)
}
