package transit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoIsASuspect(t *testing.T) {
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	many := func(peer string, good, bad int) func(*suspects) {
		return func(s *suspects) {
			for range bad {
				s.note(peer, true, at(0))
			}
			for range good {
				s.note(peer, false, at(0))
			}
		}
	}
	for name, test := range map[string]struct {
		before  func(*suspects)
		asked   time.Time
		suspect bool
	}{
		"somebody unknown":                          {func(*suspects) {}, at(0), false},
		"who sent three bad ones":                   {many("p", 0, 3), at(0), false},
		"who sent four":                             {many("p", 0, 4), at(0), true},
		"who sent as many good as bad":              {many("p", 4, 4), at(0), false},
		"an address with one attacker among many":   {many("p", 50, 20), at(0), false},
		"an address with one honest man among many": {many("p", 20, 50), at(0), true},
		"another address":                           {many("q", 0, 50), at(0), false},
		"who has no name":                           {many("", 0, 50), at(0), false},
		"who stopped a moment ago":                  {many("p", 0, 4), at(14), true},
		"who stopped a quarter of a minute ago":     {many("p", 0, 4), at(15), false},
		"who sent a lot and stopped":                {many("p", 0, 64), at(59), true},
		"who sent a lot and stopped longer ago":     {many("p", 0, 64), at(75), false},
		"who was good to Vault and doubted by the next": {func(s *suspects) {
			for range 6 {
				s.note("p", false, at(0))
				s.regret("p", at(0))
			}
		}, at(0), true},
	} {
		var s suspects
		test.before(&s)
		if got := s.include("p", test.asked); got != test.suspect {
			t.Errorf("%s: suspect %v, want %v", name, got, test.suspect)
		}
	}
}

func TestSuspectsAreBounded(t *testing.T) {
	var s suspects
	for i := range 3 * maxSuspects {
		s.note(fmt.Sprint(i), true, start)
		s.note(fmt.Sprint("good ", i), false, start)
	}
	if len(s.records) != maxSuspects {
		t.Errorf("%d remembered, want %d", len(s.records), maxSuspects)
	}
}

// TestSuspectsWaitAmongTheirLike: however many they send, they have one call at a time, of a quarter of a batch, and only when
// there is nobody else or they have waited long enough.
func TestSuspectsWaitAmongTheirLike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, some(8, 3, 64))
		for i := range suspectBad {
			input := fmt.Sprint("early ", i)
			f.ask(t.Context(), "k", "attacker", input)
			f.release(outcome{bad: []string{input}})
		}
		busy := f.ask(t.Context(), "k", "honest", "first")
		for i := range 30 {
			f.ask(t.Context(), "k", "attacker", fmt.Sprint("garbage ", i))
		}
		f.desk.mu.Lock()
		waiting := f.desk.waiting(true)
		f.desk.mu.Unlock()
		if shed := f.seen[len(f.seen)-1].Shed; shed != 1 || waiting != 64/doubtedShare {
			t.Errorf("%d garbage waits, want %d", waiting, 64/doubtedShare)
		}
		f.wants("they wait while others are served", []string{"first"})
		time.Sleep(doubtedWait)
		f.wants("but not for ever, a quarter of a batch at a time", []string{"first"}, []string{"garbage 0", "garbage 1"})
		honest := f.ask(t.Context(), "k", "honest", "second")
		time.Sleep(5 * time.Millisecond)
		f.wants("nobody waits for them", []string{"first"}, []string{"garbage 0", "garbage 1"}, []string{"second"})
		time.Sleep(doubtedWait)
		f.wants("one call of theirs at a time", []string{"first"}, []string{"garbage 0", "garbage 1"}, []string{"second"})
		f.release(outcome{})
		f.release(outcome{bad: []string{"garbage 0", "garbage 1"}})
		f.wants("the next when theirs is back", []string{"second"}, []string{"garbage 2", "garbage 3"})
		f.release(outcome{})
		f.release(outcome{bad: []string{"garbage 2", "garbage 3"}})
		f.wants("and at once when nobody else is there", []string{"garbage 4", "garbage 5"})
		opened(t, "first", busy)
		opened(t, "second", honest)
		f.releaseAll()
	})
}

// TestWhomTheGatewayDoubts: garbage that was encrypted properly looks good to Vault, and is told by whoever reads it.
func TestWhomTheGatewayDoubts(t *testing.T) {
	ring := newScripted(t, nil)
	for range suspectBad {
		ring.Doubt(WithPeer(t.Context(), "p"))
		ring.Doubt(t.Context())
	}
	now := time.Now()
	if s := &ring.decrypts.suspects; !s.include("p", now) || s.include("q", now) || s.include("", now) {
		t.Error("it is not p alone who is doubted")
	}
}
