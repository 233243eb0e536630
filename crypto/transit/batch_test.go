package transit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crosscode/crypto/keys"
)

// floor is a desk with a Vault that results when the test says so. Time is synctest's: it stands still while anything runs.
type floor struct {
	t    *testing.T
	desk *desk

	mu    sync.Mutex
	calls []*call
	seen  []Observation
}

// call is one call that Vault got.
type call struct {
	key    string
	inputs []string
	at     time.Duration // since the test began
	answer chan outcome
}

// outcome is how the test results: with an error for all, or bad items by their inputs.
type outcome struct {
	err   error
	bad   []string
	panic any
}

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of synctest's clock

func newFloor(t *testing.T, limits Batching) *floor {
	f := &floor{t: t}
	f.desk = &desk{
		operation: Decrypting, limits: limits, patience: 2 * time.Second, call: f.serve,
		breaker: newBreaker(Decrypting, func(string) {}),
		observe: func(seen Observation) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.seen = append(f.seen, seen)
		},
	}
	return f
}

func (f *floor) serve(ctx context.Context, key keys.Public, items []*item) ([]result, error) {
	got := &call{key: key.KeyID, at: time.Since(start), answer: make(chan outcome, 1)}
	for _, one := range items {
		got.inputs = append(got.inputs, string(one.input))
	}
	f.mu.Lock()
	f.calls = append(f.calls, got)
	f.mu.Unlock()
	select {
	case how := <-got.answer:
		return f.results(how, got.inputs)
	case <-ctx.Done():
		return nil, newOutage(ctx.Err(), 0)
	}
}

func (f *floor) results(how outcome, inputs []string) ([]result, error) {
	if how.panic != nil {
		panic(how.panic)
	}
	results := make([]result, len(inputs))
	for i, input := range inputs {
		if slices.Contains(how.bad, input) {
			results[i].err = keys.ErrDecrypt
		}
		results[i].output = []byte("opened " + input)
	}
	return results, how.err
}

// ask brings an operation in the background.
func (f *floor) ask(ctx context.Context, key, peer, input string) <-chan result {
	done := make(chan result, 1)
	go func() {
		output, err := f.desk.do(ctx, keys.Public{KeyID: key}, peer, []byte(input))
		done <- result{output, err}
	}()
	synctest.Wait()
	return done
}

// release results the oldest call that is not answered yet.
func (f *floor) release(how outcome) {
	f.t.Helper()
	synctest.Wait()
	f.mu.Lock()
	if len(f.calls) == 0 {
		f.t.Fatal("there is no call to answer")
	}
	next := f.calls[0]
	f.calls = f.calls[1:]
	f.mu.Unlock()
	next.answer <- how
	synctest.Wait()
}

// underWay lists the inputs of the calls that are not answered yet.
func (f *floor) underWay() [][]string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	list := [][]string{}
	for _, one := range f.calls {
		list = append(list, one.inputs)
	}
	return list
}

func (f *floor) wants(what string, expected ...[]string) {
	f.t.Helper()
	if diff := cmp.Diff(expected, f.underWay()); diff != "" {
		f.t.Errorf("%s: %s", what, diff)
	}
}

func (f *floor) releaseAll() {
	for len(f.underWay()) > 0 {
		f.release(outcome{})
	}
}

func opened(t *testing.T, input string, done <-chan result) {
	t.Helper()
	if got := <-done; got.err != nil || string(got.output) != "opened "+input {
		t.Errorf("%s: got %q, %v", input, got.output, got.err)
	}
}

func away(t *testing.T, input string, done <-chan result) {
	t.Helper()
	got := <-done
	var outage *Outage
	if !errors.As(got.err, &outage) || !errors.Is(got.err, keys.ErrUnavailable) || errors.Is(got.err, keys.ErrDecrypt) || outage.RetryAfter() <= 0 {
		t.Errorf("%s: got %q, %v, want an outage that says when to try again", input, got.output, got.err)
	}
}

func some(size, flights, queue int) Batching {
	return Batching{Size: size, Wait: 5 * time.Millisecond, Flights: flights, Queue: queue}
}

func TestALoneOperationGoesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(4, 2, 8))
		done := f.ask(t.Context(), "k", "", "a")
		f.wants("without any waiting", []string{"a"})
		if time.Since(start) != 0 {
			t.Errorf("it took %v", time.Since(start))
		}
		f.release(outcome{})
		opened(t, "a", done)
	})
}

func TestWhileACallIsUnderWayOthersGather(t *testing.T) {
	for name, test := range map[string]struct {
		then     func(f *floor)
		expected [][]string
	}{
		"until it returns": {func(f *floor) { f.release(outcome{}) }, [][]string{{"b", "c"}}},
		"until the wait is over": {func(*floor) { time.Sleep(5 * time.Millisecond) },
			[][]string{{"a"}, {"b", "c"}}},
		"not beyond the wait of the first of them": {func(f *floor) {
			time.Sleep(4 * time.Millisecond)
			f.ask(f.t.Context(), "k", "", "d")
			time.Sleep(time.Millisecond)
		}, [][]string{{"a"}, {"b", "c", "d"}}},
		"until a batch is full": {func(f *floor) {
			f.ask(f.t.Context(), "k", "", "d")
			f.ask(f.t.Context(), "k", "", "e")
			f.ask(f.t.Context(), "k", "", "f")
		}, [][]string{{"a"}, {"b", "c", "d", "e"}}},
		"but not with those of another key": {func(f *floor) { f.ask(f.t.Context(), "other", "", "d") }, [][]string{{"a"}, {"d"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFloor(t, some(4, 2, 8))
				for _, input := range []string{"a", "b", "c"} {
					f.ask(t.Context(), "k", "", input)
				}
				f.wants("at first", []string{"a"})
				test.then(f)
				f.wants(name, test.expected...)
				f.releaseAll()
			})
		})
	}
}

func TestANegativeWaitIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, Batching{Size: 4, Wait: -1, Flights: 2, Queue: 8})
		for _, input := range []string{"a", "b", "c", "d"} {
			f.ask(t.Context(), "k", "", input)
		}
		f.wants("as many calls as there may be", []string{"a"}, []string{"b"})
		f.release(outcome{})
		f.wants("what gathered meanwhile", []string{"b"}, []string{"c", "d"})
		f.releaseAll()
	})
}

func TestNeverMoreCallsThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(1, 3, 64))
		for i := range 20 {
			f.ask(t.Context(), fmt.Sprint("key ", i%5), "", fmt.Sprint(i))
		}
		for range 20 {
			time.Sleep(10 * time.Millisecond)
			if count := len(f.underWay()); count > 3 {
				t.Fatalf("%d calls under way, want 3 at most", count)
			}
			f.release(outcome{})
		}
	})
}

func TestLanesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(2, 1, 64))
		f.ask(t.Context(), "busy", "", "first")
		for i := range 8 {
			f.ask(t.Context(), "busy", "", fmt.Sprint("busy ", i))
		}
		f.ask(t.Context(), "quiet", "", "quiet")
		time.Sleep(5 * time.Millisecond)
		f.release(outcome{})
		f.wants("the other key has its turn", []string{"quiet"})
		f.releaseAll()
	})
}

func TestACancelledCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(4, 1, 8))
		flying, leaveFlight := context.WithCancel(t.Context())
		waiting, leaveQueue := context.WithCancel(t.Context())
		first := f.ask(flying, "k", "", "first")
		gone, stays := f.ask(waiting, "k", "", "gone"), f.ask(t.Context(), "k", "", "stays")
		leaveQueue()
		away(t, "gone", gone)
		leaveFlight()
		away(t, "first", first)
		f.wants("the call goes on", []string{"first"})
		f.release(outcome{})
		f.wants("who left is not sent", []string{"stays"})
		f.release(outcome{})
		opened(t, "stays", stays)
		for _, seen := range f.seen {
			if seen.Err != nil {
				t.Errorf("a caller who leaves is held against Vault: %+v", seen)
			}
		}
	})
}

func TestACancelledContextAsksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(4, 1, 8))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		away(t, "a", f.ask(ctx, "k", "", "a"))
		f.wants("no call", [][]string{}...)
	})
}

func TestAnAnswerThatDoesNotComeIsAnOutageWhenPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(1, 1, 8))
		flying, waiting := f.ask(t.Context(), "k", "", "flying"), f.ask(t.Context(), "k", "", "waiting")
		away(t, "flying", flying)
		away(t, "waiting", waiting)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("it took %v, want 2 s", took)
		}
		synctest.Wait()
		if f.desk.flights != 0 || f.desk.waiting(false) != 0 {
			t.Errorf("%d flights, %d waiting are left", f.desk.flights, f.desk.waiting(false))
		}
	})
}

func TestPeersShareFairly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(4, 1, 64))
		f.ask(t.Context(), "k", "greedy", "0")
		for i := range 20 {
			f.ask(t.Context(), "k", "greedy", fmt.Sprint("greedy ", i))
		}
		f.ask(t.Context(), "k", "modest", "modest")
		f.ask(t.Context(), "k", "other", "other")
		f.release(outcome{})
		f.wants("one of each before a second of any", []string{"greedy 0", "modest", "other", "greedy 1"})
		f.releaseAll()
	})
}

func TestWhoHasMostWaitingIsShed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(4, 1, 4))
		f.ask(t.Context(), "k", "greedy", "flying")
		greedy := make([]<-chan result, 5)
		for i := range greedy {
			greedy[i] = f.ask(t.Context(), "k", "greedy", fmt.Sprint("greedy ", i))
		}
		away(t, "a fifth", greedy[4])
		modest := f.ask(t.Context(), "k", "modest", "modest")
		away(t, "the newest of the longest line", greedy[3])
		f.release(outcome{})
		f.wants("the others", []string{"greedy 0", "modest", "greedy 1", "greedy 2"})
		f.release(outcome{})
		opened(t, "modest", modest)
		if shed := f.seen[0].Shed + f.seen[1].Shed; shed != 2 {
			t.Errorf("%d seen to be shed, want 2", shed)
		}
	})
}

func TestOneBadItemFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(4, 1, 8))
		first := f.ask(t.Context(), "k", "", "first")
		good, bad := f.ask(t.Context(), "k", "", "good"), f.ask(t.Context(), "k", "", "bad")
		f.release(outcome{})
		f.release(outcome{bad: []string{"bad"}})
		opened(t, "first", first)
		opened(t, "good", good)
		if got := <-bad; !errors.Is(got.err, keys.ErrDecrypt) || errors.Is(got.err, keys.ErrUnavailable) {
			t.Errorf("the bad one: %v, want ErrDecrypt alone", got.err)
		}
		f.wants("nothing is tried again", [][]string{}...)
		if last := f.seen[len(f.seen)-1]; last.Bad != 1 || last.Items != 2 || last.Err != nil {
			t.Errorf("seen as %+v", last)
		}
	})
}

func TestAPanicIsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(4, 1, 8))
		first, second := f.ask(t.Context(), "k", "", "first"), f.ask(t.Context(), "k", "", "second")
		f.release(outcome{panic: "canary"})
		got := <-first
		if !errors.Is(got.err, keys.ErrUnavailable) || got.err.Error() != "the key ring is unavailable: decrypt: panic of type string" {
			t.Errorf("error = %v, want an outage without the panic's value", got.err)
		}
		f.release(outcome{})
		opened(t, "second", second)
	})
}

// TestEveryoneGetsHisOwn throws random callers at a desk: none gets another's answer, none is forgotten, no limit is passed.
func TestEveryoneGetsHisOwn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		size, flights := rapid.IntRange(1, 5).Draw(r, "size"), rapid.IntRange(1, 4).Draw(r, "flights")
		steps := rapid.SliceOfN(rapid.IntRange(0, 7), 1, 60).Draw(r, "steps")
		synctest.Test(t, func(t *testing.T) {
			f := newFloor(t, some(size, flights, 10))
			waiting := map[string]<-chan result{}
			for i, step := range steps {
				input := fmt.Sprint(i)
				switch {
				case step < 5:
					waiting[input] = f.ask(t.Context(), fmt.Sprint(step%2), fmt.Sprint(step), input)
				case step == 5 && len(f.underWay()) > 0:
					f.release(outcome{})
				default:
					time.Sleep(3 * time.Millisecond)
				}
				for _, inputs := range f.underWay() {
					if len(inputs) > size || len(f.underWay()) > flights {
						t.Errorf("%d calls under way, one with %d items", len(f.underWay()), len(inputs))
					}
				}
			}
			f.releaseAll()
			for input, done := range waiting {
				if got := <-done; got.err == nil && string(got.output) != "opened "+input {
					t.Errorf("%s got %q", input, got.output)
				} else if got.err != nil && !errors.Is(got.err, errFull) {
					t.Errorf("%s: %v", input, got.err)
				}
			}
		})
	})
}
