package store

import (
	"cmp"
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"crosscode/exchange"
)

// recalls has a lock of its own: listing fifty thousand recalls must not hold up packets.
type recalls struct {
	mu     sync.RWMutex
	codes  map[string]time.Time // code id → until
	sides  map[exchange.Side][]exchange.Recall
	nearby time.Time // no recall is over before this; zero: there is none
	file   *os.File  // see Memory.Keep; nil: recalls end with the process
}

func newRecalls() recalls {
	return recalls{codes: make(map[string]time.Time), sides: make(map[exchange.Side][]exchange.Recall)}
}

// Recall implements exchange.Recalls. A recall that names nothing, or two things, is claims-invalid.
func (m *Memory) Recall(_ context.Context, recall exchange.Recall) error {
	if !recall.Names() {
		return exchange.Invalid("recall", "must name a code, or a side and an instant")
	}
	now := m.clock()
	if over(recall.Until, now) {
		return nil
	}
	r := &m.recalls
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	if recall.Code != "" {
		return r.recallCode(recall)
	}
	return r.recallSide(recall)
}

func (r *recalls) recallCode(recall exchange.Recall) error {
	until, known := r.codes[recall.Code]
	if !known && r.count() >= exchange.MaxRecalls {
		return exchange.Fail(exchange.Unavailable, "recall-full", nil)
	}
	if !known || recall.Until.After(until) {
		if err := r.keep(recall); err != nil {
			return err
		}
		r.codes[recall.Code] = recall.Until
		r.expect(recall.Until)
	}
	return nil
}

// recallSide keeps only what says more than the others: a recall that reaches less far, and ends no later, is covered.
func (r *recalls) recallSide(recall exchange.Recall) error {
	known := r.sides[recall.Side]
	if slices.ContainsFunc(known, func(other exchange.Recall) bool { return covers(other, recall) }) {
		return nil
	}
	kept := slices.DeleteFunc(slices.Clone(known), func(other exchange.Recall) bool { return covers(recall, other) })
	if r.count()-len(known)+len(kept) >= exchange.MaxRecalls {
		return exchange.Fail(exchange.Unavailable, "recall-full", nil)
	}
	if err := r.keep(recall); err != nil {
		return err
	}
	r.sides[recall.Side] = append(kept, recall)
	r.expect(recall.Until)
	return nil
}

func covers(wide, narrow exchange.Recall) bool {
	return !wide.Before.Before(narrow.Before) && !wide.Until.Before(narrow.Until)
}

// Recalled implements exchange.Recalls.
func (m *Memory) Recalled(_ context.Context, codeID string, source exchange.Side, issuedAt time.Time) (bool, error) {
	now := m.clock()
	r := &m.recalls
	r.mu.RLock()
	defer r.mu.RUnlock()
	if until, known := r.codes[codeID]; known && !over(until, now) {
		return true, nil
	}
	return slices.ContainsFunc(r.sides[source], func(recall exchange.Recall) bool {
		return recall.Voids(codeID, source, issuedAt) && !over(recall.Until, now)
	}), nil
}

// Live implements exchange.Recalls: whole sides first, then codes, each in the order of their ids.
func (m *Memory) Live(context.Context) ([]exchange.Recall, error) {
	live := m.recalls.list(m.clock())
	slices.SortFunc(live, func(one, other exchange.Recall) int {
		return cmp.Or(cmp.Compare(one.Code, other.Code), cmp.Compare(one.Side, other.Side), one.Before.Compare(other.Before))
	})
	return live, nil
}

func (r *recalls) list(now time.Time) []exchange.Recall {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	live := make([]exchange.Recall, 0, r.count())
	for code, until := range r.codes {
		live = append(live, exchange.Recall{Code: code, Until: until})
	}
	for _, ofSide := range r.sides {
		live = append(live, ofSide...)
	}
	return live
}

func (r *recalls) count() int {
	count := len(r.codes)
	for _, ofSide := range r.sides {
		count += len(ofSide)
	}
	return count
}

// sweep drops what is over. It looks at everything there is, so it does so only when something is over.
func (r *recalls) sweep(now time.Time) {
	if r.nearby.IsZero() || !over(r.nearby, now) {
		return
	}
	r.nearby = time.Time{}
	for code, until := range r.codes {
		if over(until, now) {
			delete(r.codes, code)
			continue
		}
		r.expect(until)
	}
	for side, ofSide := range r.sides {
		r.sides[side] = slices.DeleteFunc(ofSide, func(recall exchange.Recall) bool { return over(recall.Until, now) })
		for _, recall := range r.sides[side] {
			r.expect(recall.Until)
		}
	}
}

func (r *recalls) expect(until time.Time) {
	if r.nearby.IsZero() || until.Before(r.nearby) {
		r.nearby = until
	}
}

// over gives a recall the leeway that the code it voids has: an expired code still passes for Leeway.
func over(until, now time.Time) bool { return now.Add(-exchange.Leeway).After(until) }
