package transit

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker"
)

var errDown = newOutage(errors.New("down"), 0)

// trip makes calls fail until the breaker opens, one after another.
func trip(t *testing.T, f *floor) {
	t.Helper()
	for i := range breakerFailures {
		done := f.ask(t.Context(), "k", "", fmt.Sprint("failing ", i))
		f.release(outcome{err: errDown})
		away(t, "failing", done)
	}
	if f.desk.breaker.State() != gobreaker.StateOpen {
		t.Fatalf("after %d failures the breaker is %s", breakerFailures, f.desk.breaker.State())
	}
}

func TestCallsThatFailMakeCallsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(4, 1, 64))
		trip(t, f)
		done := f.ask(t.Context(), "k", "", "resting")
		f.wants("nobody is asked", [][]string{}...)
		got := <-done
		var outage *Outage
		if !errors.As(got.err, &outage) || !errors.Is(got.err, errResting) || outage.After < time.Second || outage.After > 3*time.Second {
			t.Errorf("error = %v, want an outage that ends with the pause", got.err)
		}
	})
}

func TestWhoWaitedWhenTheBreakerOpenedIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(1, breakerFailures, 64))
		var waiting []<-chan result
		for i := range 20 {
			waiting = append(waiting, f.ask(t.Context(), "k", "", fmt.Sprint(i)))
		}
		time.Sleep(5 * time.Millisecond)
		for range breakerFailures {
			f.release(outcome{err: errDown})
		}
		started := breakerFailures + breakerFailures - 1 // one for each failure but the last
		for _, done := range waiting[started:] {
			away(t, "waiting", done)
		}
		f.releaseAll()
		for _, done := range waiting[:started] {
			<-done
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

// TestAfterARestAFewProbe: the others wait for their outcome instead of being turned away or storming after them.
func TestAfterARestAFewProbe(t *testing.T) {
	for name, test := range map[string]struct {
		probes outcome
		check  func(*testing.T, string, <-chan result)
		state  gobreaker.State
	}{
		"and everyone follows when they succeed":   {outcome{}, opened, gobreaker.StateClosed},
		"and everyone is told off when they don't": {outcome{err: errDown}, away, gobreaker.StateOpen},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFloor(t, some(1, 8, 64))
				trip(t, f)
				time.Sleep(breakerPause * 5 / 4)
				waiting := map[string]<-chan result{}
				for i := range 20 {
					input := fmt.Sprint(i)
					waiting[input] = f.ask(t.Context(), "k", fmt.Sprint(i), input)
				}
				time.Sleep(50 * time.Millisecond)
				if count := len(f.underWay()); count != breakerProbes {
					t.Fatalf("%d calls under way, want %d", count, breakerProbes)
				}
				for range breakerProbes {
					f.release(test.probes)
				}
				f.releaseAll()
				for input, done := range waiting {
					test.check(t, input, done)
				}
				if state := f.desk.breaker.State(); state != test.state {
					t.Errorf("the breaker is %s, want %s", state, test.state)
				}
			})
		})
	}
}

// TestGarbageNeverOpensTheBreaker: threats §0.4 and T31. Half of it, or nothing else, makes no difference.
func TestGarbageNeverOpensTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(4, 2, 64))
		for i := range 200 {
			input := fmt.Sprint(i)
			done := f.ask(t.Context(), "k", "attacker", input)
			f.release(outcome{bad: []string{input}})
			<-done
		}
		if counts := f.desk.breaker.Counts(); counts.TotalFailures != 0 || f.desk.breaker.State() != gobreaker.StateClosed {
			t.Errorf("the breaker is %s with %+v", f.desk.breaker.State(), counts)
		}
	})
}

func TestWhatIsHarmless(t *testing.T) {
	for err, expected := range map[error]bool{
		nil: true, context.Canceled: true, newOutage(context.Canceled, 0): true,
		errDown: false, context.DeadlineExceeded: false, newOutage(context.DeadlineExceeded, 0): false, errResults: false,
	} {
		if harmless(err) != expected {
			t.Errorf("harmless(%v) = %v, want %v", err, !expected, expected)
		}
	}
}
