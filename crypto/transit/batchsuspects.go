package transit

import "time"

const (
	// suspectBad packets that did not open make a peer a suspect, if they are more than those that did.
	suspectBad = 4
	// suspectHalf is how long it takes until half of what a peer did is forgotten.
	suspectHalf = 15 * time.Second
	// maxSuspects is how many peers are remembered. One more drops any other one.
	maxSuspects = 4096
)

// suspects remembers whose packets do not open. Well-formed garbage costs an attacker nothing and Vault 4 ms, and nothing but
// Vault can tell it from a packet; so who mostly sends garbage waits among his like, in a lane that has what others leave
// over, and a little more so that it does not starve. Whoever shares his address with honest people stays in theirs as long as they are more:
// a whole network behind one address must not be demoted for one of its members.
//
// The zero value is ready for use. It is not safe for concurrent use: desk.mu guards it.
type suspects struct{ records map[string]record }

type record struct {
	good, bad float64
	at        time.Time
}

func (r record) aged(now time.Time) record {
	for ; now.Sub(r.at) >= suspectHalf && r.bad >= 1; r.at = r.at.Add(suspectHalf) {
		r.good, r.bad = r.good/2, r.bad/2
	}
	return r
}

func (s *suspects) include(peer string, now time.Time) bool {
	known, found := s.records[peer]
	if !found {
		return false
	}
	if known = known.aged(now); known.bad < 1 {
		delete(s.records, peer)
		return false
	}
	return known.bad >= suspectBad && known.bad > known.good
}

// note counts one packet. Peers who never sent a bad one are not remembered, and those without a name cannot be told apart.
func (s *suspects) note(peer string, bad bool, now time.Time) {
	known, found := s.records[peer]
	switch {
	case peer == "", !found && !bad:
		return
	case !found:
		known.at = now
		s.makeRoom()
	}
	known = known.aged(now)
	if bad {
		known.bad++
	} else {
		known.good++
	}
	s.records[peer] = known
}

// regret turns one that was counted as good into a bad one.
func (s *suspects) regret(peer string, now time.Time) {
	s.note(peer, true, now)
	if known, found := s.records[peer]; found && known.good >= 1 {
		known.good--
		s.records[peer] = known
	}
}

func (s *suspects) makeRoom() {
	if s.records == nil {
		s.records = make(map[string]record)
	}
	if len(s.records) < maxSuspects {
		return
	}
	for peer := range s.records {
		delete(s.records, peer)
		return
	}
}
