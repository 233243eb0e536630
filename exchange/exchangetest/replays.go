package exchangetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"crosscode/exchange"
)

// replays is one store under test, with its clock and three requesters.
type replays struct {
	*testing.T
	clock *Clock
	store exchange.Replays
}

var (
	alice  = exchange.NewRequester("alice")
	bob    = exchange.NewRequester("bob")
	nobody = exchange.Requester{}
)

// packet is a reservation for the packet with this jti, made now and living five minutes.
func (s replays) packet(jti string, requester exchange.Requester) exchange.Reservation {
	now := s.clock.Now()
	return exchange.Reservation{
		Key: exchange.NewReplayKey("macau", jti), Requester: requester, At: now,
		IssuedAt: now, Expires: now.Add(5 * time.Minute),
	}
}

func (s replays) reserve(reservation exchange.Reservation) exchange.Lease {
	s.Helper()
	lease, err := s.store.Reserve(s.Context(), reservation)
	wantReason(s.T, "Reserve", err, "")
	return lease
}

func (s replays) refuse(what string, reservation exchange.Reservation, want exchange.Reason) {
	s.Helper()
	_, err := s.store.Reserve(s.Context(), reservation)
	wantReason(s.T, what, err, want)
}

func (s replays) commit(lease exchange.Lease, until time.Time) {
	s.Helper()
	wantReason(s.T, "Commit", s.store.Commit(s.Context(), lease, until), "")
}

func (s replays) lose(lease exchange.Lease) {
	s.Helper()
	wantReason(s.T, "Commit of a lost reservation", s.store.Commit(s.Context(), lease, s.clock.Now()), exchange.Unavailable)
}

func (s replays) release(lease exchange.Lease) {
	s.Helper()
	wantReason(s.T, "Release", s.store.Release(s.Context(), lease), "")
}

// Replays runs the suite for exchange.Replays. Each case gets a store of its own, which must be empty.
func Replays(t *testing.T, newStore func(clock func() time.Time) exchange.Replays) {
	cases := map[string]func(replays){
		"a new packet is claimed at its request's clock reading":     claimsNew,
		"the same requester gets the same times again":               repeatsSame,
		"a refusal is an answer too":                                 repeatsRefusal,
		"another requester is told replayed":                         refusesOthers,
		"without a requester every repeat is replayed":               refusesNobody,
		"an outage gives the packet back to anybody":                 releases,
		"releasing an answered packet changes nothing":               keepsAnswered,
		"a reservation ends by itself":                               leases,
		"a lost reservation cannot commit":                           comparesAndSets,
		"a lost reservation cannot release its successor's":          releasesOwnOnly,
		"one jti of two issuers is two packets":                      keepsIssuersApart,
		"a packet made before the store began is refused":            refusesOlder,
		"an answer is kept until exp and leeway are over":            remembers,
		"a second packet with the same jti cannot outlive the first": outlives,
		"a repeat waits for the answer":                              waitsForAnswer,
		"a repeat waits for the release":                             waitsForRelease,
		"a repeat does not wait for ever":                            waitsTwoSeconds,
		"a repeat stops waiting when its caller has gone":            waitsForCaller,
		"a caller who has gone reserves nothing":                     refusesGone,
		"200 requesters at once have one winner":                     racesStrangers,
		"200 copies of one request have one winner and one answer":   racesCopies,
		"200 requests without a key have one winner":                 racesNobodies,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := NewClock()
			run(replays{T: t, clock: clock, store: newStore(clock.Now)})
		})
	}
}

func claimsNew(s replays) {
	reservation := s.packet("p", alice)
	reservation.At = reservation.At.Add(123 * time.Millisecond)
	lease := s.reserve(reservation)
	if lease.Repeat || !lease.First.Equal(reservation.At) || lease.Reservation != reservation || !lease.Until.IsZero() {
		s.Fatalf("Reserve = %+v, want a first lease at %s", lease, reservation.At)
	}
}

func repeatsSame(s replays) {
	reservation := s.packet("p", alice)
	reservation.At = reservation.At.Add(123456789)
	until := s.clock.Now().Add(24 * time.Hour)
	s.commit(s.reserve(reservation), until)
	s.clock.Advance(time.Minute)
	for range 3 {
		again := s.packet("p", alice)
		lease := s.reserve(again)
		if !lease.Repeat || !lease.First.Equal(reservation.At) || !lease.Until.Equal(until) || !lease.At.Equal(again.At) {
			s.Fatalf("Reserve = %+v, want a repeat of %s until %s", lease, reservation.At, until)
		}
		s.commit(lease, until.Add(time.Hour))
	}
}

func repeatsRefusal(s replays) {
	s.commit(s.reserve(s.packet("p", alice)), time.Time{})
	if lease := s.reserve(s.packet("p", alice)); !lease.Repeat || !lease.Until.IsZero() {
		s.Fatalf("Reserve = %+v, want a repeat without an end", lease)
	}
	s.refuse("another requester", s.packet("p", bob), exchange.Replayed)
}

func refusesOthers(s replays) {
	s.commit(s.reserve(s.packet("p", alice)), s.clock.Now())
	s.refuse("bob", s.packet("p", bob), exchange.Replayed)
	s.refuse("nobody", s.packet("p", nobody), exchange.Replayed)
}

func refusesNobody(s replays) {
	s.commit(s.reserve(s.packet("p", nobody)), s.clock.Now())
	s.refuse("nobody", s.packet("p", nobody), exchange.Replayed)
	s.refuse("alice", s.packet("p", alice), exchange.Replayed)
}

func releases(s replays) {
	first := s.reserve(s.packet("p", nobody))
	s.release(first)
	s.clock.Advance(time.Second)
	second := s.reserve(s.packet("p", alice))
	if second.Repeat || !second.First.Equal(s.clock.Now()) || second.Fence == first.Fence {
		s.Fatalf("Reserve after Release = %+v, want a lease of its own", second)
	}
	s.commit(second, s.clock.Now())
}

func keepsAnswered(s replays) {
	lease := s.reserve(s.packet("p", alice))
	s.commit(lease, s.clock.Now().Add(time.Hour))
	s.release(lease)
	s.release(s.reserve(s.packet("p", alice)))
	s.refuse("bob", s.packet("p", bob), exchange.Replayed)
}

func leases(s replays) {
	abandoned := s.reserve(s.packet("p", alice))
	s.clock.Advance(10 * time.Second)
	s.lose(abandoned)
	s.commit(s.reserve(s.packet("p", bob)), s.clock.Now())
	s.refuse("alice", s.packet("p", alice), exchange.Replayed)
}

func comparesAndSets(s replays) {
	slow := s.reserve(s.packet("p", alice))
	s.clock.Advance(10 * time.Second)
	quick := s.reserve(s.packet("p", bob))
	s.lose(slow)
	s.commit(quick, s.clock.Now())
	s.lose(slow)
}

func releasesOwnOnly(s replays) {
	slow := s.reserve(s.packet("p", alice))
	s.clock.Advance(10 * time.Second)
	quick := s.reserve(s.packet("p", bob))
	s.release(slow)
	s.commit(quick, s.clock.Now())
}

func keepsIssuersApart(s replays) {
	s.commit(s.reserve(s.packet("p", nobody)), s.clock.Now())
	other := s.packet("p", nobody)
	other.Key = exchange.NewReplayKey("hongkong", "p")
	s.commit(s.reserve(other), s.clock.Now())
}

func refusesOlder(s replays) {
	for seconds, want := range map[int]exchange.Reason{-1: exchange.PacketExpired, 0: "", 1: ""} {
		reservation := s.packet(fmt.Sprint(seconds), alice)
		reservation.IssuedAt = Start.Add(time.Duration(seconds) * time.Second)
		_, err := s.store.Reserve(s.Context(), reservation)
		wantReason(s.T, fmt.Sprintf("a packet of %+d s", seconds), err, want)
	}
}

func remembers(s replays) {
	reservation := s.packet("p", alice)
	s.commit(s.reserve(reservation), s.clock.Now())
	s.clock.Advance(5*time.Minute + 60*time.Second)
	other := reservation
	other.Requester = bob
	s.refuse("at exp and 60 s, another requester", other, exchange.Replayed)
	if lease := s.reserve(reservation); !lease.Repeat {
		s.Fatal("at exp and 60 s the answer was forgotten")
	}
	s.clock.Advance(time.Second)
	s.refuse("at exp and 61 s", reservation, exchange.PacketExpired)
}

func outlives(s replays) {
	s.commit(s.reserve(s.packet("p", alice)), s.clock.Now())
	s.clock.Advance(4 * time.Minute)
	s.refuse("a second packet of the same jti", s.packet("p", bob), exchange.Replayed)
	later := s.packet("p", bob)
	s.clock.Advance(5 * time.Minute)
	s.reserve(s.packet("q", nobody))
	s.refuse("the second packet, when the first is over", later, exchange.Replayed)
}

// behind starts a Reserve that must wait, and gives its outcome later.
func (s replays) behind(ctx context.Context, reservation exchange.Reservation) func() (exchange.Lease, error) {
	var (
		lease exchange.Lease
		err   error
		done  = make(chan struct{})
	)
	go func() {
		defer close(done)
		lease, err = s.store.Reserve(ctx, reservation)
	}()
	select {
	case <-done:
		s.Errorf("Reserve = %+v, %v at once, want it to wait", lease, err)
	case <-time.After(50 * time.Millisecond):
	}
	return func() (exchange.Lease, error) { <-done; return lease, err }
}

func waitsForAnswer(s replays) {
	first := s.reserve(s.packet("p", alice))
	same, stranger := s.behind(s.Context(), s.packet("p", alice)), s.behind(s.Context(), s.packet("p", bob))
	s.commit(first, s.clock.Now().Add(time.Hour))
	if lease, err := same(); err != nil || !lease.Repeat {
		s.Errorf("the same requester, after waiting: %+v, %v, want a repeat", lease, err)
	}
	_, err := stranger()
	wantReason(s.T, "another requester, after waiting", err, exchange.Replayed)
}

func waitsForRelease(s replays) {
	first := s.reserve(s.packet("p", alice))
	second := s.behind(s.Context(), s.packet("p", bob))
	s.release(first)
	if lease, err := second(); err != nil || lease.Repeat {
		s.Errorf("after waiting: %+v, %v, want a first lease", lease, err)
	}
}

func waitsTwoSeconds(s replays) {
	s.reserve(s.packet("p", alice))
	began := time.Now()
	_, err := s.behind(s.Context(), s.packet("p", alice))()
	wantReason(s.T, "after waiting", err, exchange.Unavailable)
	if waited := time.Since(began); waited < time.Second || waited > 8*time.Second {
		s.Errorf("waited %s, want about two seconds", waited)
	}
}

func waitsForCaller(s replays) {
	s.reserve(s.packet("p", alice))
	ctx, leave := context.WithCancel(s.Context())
	second := s.behind(ctx, s.packet("p", alice))
	leave()
	_, err := second()
	wantReason(s.T, "after the caller left", err, exchange.Unavailable)
}

func refusesGone(s replays) {
	ctx, leave := context.WithCancel(s.Context())
	leave()
	_, err := s.store.Reserve(ctx, s.packet("p", alice))
	wantReason(s.T, "Reserve for a caller who has gone", err, exchange.Unavailable)
	lease := s.reserve(s.packet("p", bob))
	wantReason(s.T, "Commit for a caller who has gone", s.store.Commit(ctx, lease, s.clock.Now()), exchange.Unavailable)
	s.release(lease)
}

// race lets 200 requests for one packet loose at once; each winner commits. It counts first answers, repeats and reasons.
func (s replays) race(requester func(i int) exchange.Requester) map[string]int {
	const runners = 200
	var (
		mu      sync.Mutex
		tally   = map[string]int{}
		runs    sync.WaitGroup
		start   = make(chan struct{})
		arrival = s.packet("p", nobody)
	)
	for i := range runners {
		runs.Go(func() {
			<-start
			reservation := arrival
			reservation.Requester = requester(i)
			reservation.At = arrival.At.Add(time.Duration(i))
			outcome := s.run(reservation)
			mu.Lock()
			defer mu.Unlock()
			tally[outcome]++
		})
	}
	close(start)
	runs.Wait()
	return tally
}

func (s replays) run(reservation exchange.Reservation) string {
	lease, err := s.store.Reserve(s.Context(), reservation)
	if err == nil {
		err = s.store.Commit(s.Context(), lease, Start.Add(time.Hour))
	}
	reason, _ := exchange.ReasonOf(err)
	switch {
	case err != nil:
		return string(reason)
	case lease.Repeat:
		return fmt.Sprintf("repeat until %s", lease.Until.UTC().Format(time.TimeOnly))
	default:
		return "first"
	}
}

func (s replays) wantTally(got map[string]int, other string) {
	s.Helper()
	if got["first"] != 1 || got[other] != 199 {
		s.Errorf("200 at once: %v, want one first and 199 %q", got, other)
	}
}

func racesStrangers(s replays) {
	got := s.race(func(i int) exchange.Requester { return exchange.NewRequester(fmt.Sprint(i)) })
	s.wantTally(got, string(exchange.Replayed))
}

func racesCopies(s replays) {
	s.wantTally(s.race(func(int) exchange.Requester { return alice }), "repeat until 03:00:00")
}

func racesNobodies(s replays) {
	s.wantTally(s.race(func(int) exchange.Requester { return nobody }), string(exchange.Replayed))
}
