package exchangetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"crosscode/exchange"
)

type recalls struct {
	*testing.T
	clock *Clock
	store exchange.Recalls
}

// until is the end of everything that a case recalls.
var until = Start.Add(time.Hour)

func (s recalls) recall(recall exchange.Recall) {
	s.Helper()
	wantReason(s.T, "Recall", s.store.Recall(s.Context(), recall), "")
}

func (s recalls) want(recalled bool, code string, source exchange.Side, issuedAt time.Time) {
	s.Helper()
	got, err := s.store.Recalled(s.Context(), code, source, issuedAt)
	if err != nil || got != recalled {
		s.Errorf("Recalled(%s, %s, %s) = %t, %v, want %t", code, source, issuedAt.Format(time.TimeOnly), got, err, recalled)
	}
}

func (s recalls) live() []exchange.Recall {
	s.Helper()
	live, err := s.store.Live(s.Context())
	if err != nil {
		s.Fatalf("Live: %v", err)
	}
	return live
}

// Recalls runs the suite for exchange.Recalls. Each case gets a store of its own, which must be empty.
func Recalls(t *testing.T, newStore func(clock func() time.Time) exchange.Recalls) {
	cases := map[string]func(recalls){
		"a code is recalled by its id":                           recallsCode,
		"an instant recalls what its side had issued by then":    recallsInstant,
		"recalling again changes nothing":                        recallsOnce,
		"of two recalls of one code the longer one counts":       recallsLonger,
		"a recall goes when what it voids has expired":           forgetsRecalls,
		"a recall that is over changes nothing":                  ignoresOver,
		"a recall that names nothing, or two things, is refused": refusesNameless,
		"the list is in a stable order":                          listsInOrder,
		"the store holds 50,000 and then says unavailable":       holdsFifty,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := NewClock()
			run(recalls{T: t, clock: clock, store: newStore(clock.Now)})
		})
	}
}

func recallsCode(s recalls) {
	s.want(false, "a", "macau", Start)
	s.recall(exchange.Recall{Code: "a", Until: until})
	s.want(true, "a", "macau", Start)
	s.want(false, "b", "macau", Start)
}

func recallsInstant(s recalls) {
	s.recall(exchange.Recall{Side: "macau", Before: Start, Until: until})
	s.want(true, "a", "macau", Start.Add(-time.Second))
	s.want(true, "a", "macau", Start)
	s.want(false, "a", "macau", Start.Add(time.Second))
	s.want(false, "a", "hongkong", Start)
}

func recallsOnce(s recalls) {
	for range 3 {
		s.recall(exchange.Recall{Code: "a", Until: until})
		s.recall(exchange.Recall{Side: "macau", Before: Start, Until: until})
	}
	if live := s.live(); len(live) != 2 {
		s.Errorf("Live = %v, want two recalls", live)
	}
}

func recallsLonger(s recalls) {
	s.recall(exchange.Recall{Code: "a", Until: until.Add(time.Hour)})
	s.recall(exchange.Recall{Code: "a", Until: until})
	s.recall(exchange.Recall{Side: "macau", Before: Start, Until: until.Add(time.Hour)})
	s.recall(exchange.Recall{Side: "macau", Before: Start.Add(time.Minute), Until: until})
	s.clock.Advance(90 * time.Minute)
	s.want(true, "a", "guangdong", Start)
	s.want(true, "b", "macau", Start)
	s.want(false, "b", "macau", Start.Add(time.Minute))
}

// A code passes for Leeway after its end, so its recall must hold for as long.
func forgetsRecalls(s recalls) {
	s.recall(exchange.Recall{Code: "a", Until: until})
	s.recall(exchange.Recall{Side: "macau", Before: Start, Until: until})
	s.clock.Advance(time.Hour + exchange.Leeway)
	s.want(true, "a", "guangdong", Start)
	s.want(true, "b", "macau", Start)
	if live := s.live(); len(live) != 2 {
		s.Errorf("Live = %v within the leeway, want two", live)
	}
	s.clock.Advance(time.Second)
	s.want(false, "a", "guangdong", Start)
	s.want(false, "b", "macau", Start)
	if live := s.live(); len(live) != 0 {
		s.Errorf("Live = %v after the leeway, want none", live)
	}
}

func ignoresOver(s recalls) {
	s.recall(exchange.Recall{Code: "a", Until: Start.Add(-exchange.Leeway - time.Second)})
	s.want(false, "a", "macau", Start)
	if live := s.live(); len(live) != 0 {
		s.Errorf("Live = %v, want none", live)
	}
}

func refusesNameless(s recalls) {
	for _, recall := range []exchange.Recall{
		{Until: until},
		{Side: "macau", Until: until},
		{Before: Start, Until: until},
		{Code: "a", Side: "macau", Before: Start, Until: until},
	} {
		wantReason(s.T, fmt.Sprintf("Recall(%+v)", recall), s.store.Recall(s.Context(), recall), exchange.ClaimsInvalid)
	}
}

func listsInOrder(s recalls) {
	for i := range 50 {
		s.recall(exchange.Recall{Code: fmt.Sprint(i * 7 % 50), Until: until})
	}
	s.recall(exchange.Recall{Side: "macau", Before: Start, Until: until})
	s.recall(exchange.Recall{Side: "guangdong", Before: Start, Until: until})
	first, second := s.live(), s.live()
	if len(first) != 52 || !slices.Equal(first, second) {
		s.Errorf("two lists of %d and %d recalls differ", len(first), len(second))
	}
}

func holdsFifty(s recalls) {
	for i := range exchange.MaxRecalls {
		s.recall(exchange.Recall{Code: fmt.Sprint(i), Until: until})
	}
	s.recall(exchange.Recall{Code: "0", Until: until})
	one := exchange.Recall{Code: "one more", Until: until}
	wantReason(s.T, "one more code", s.store.Recall(s.Context(), one), exchange.Unavailable)
	side := exchange.Recall{Side: "macau", Before: Start, Until: until}
	wantReason(s.T, "a side", s.store.Recall(s.Context(), side), exchange.Unavailable)
	s.want(true, "0", "macau", Start)
	s.clock.Advance(time.Hour + exchange.Leeway + time.Second)
	one.Until = until.Add(time.Hour)
	s.recall(one)
}
