package store

import (
	"context"
	"math"
	"sync"
	"time"

	"crosscode/exchange"
)

// The store's limits.
const (
	// MaxEntries is the most packets that are remembered at once, about 1450 genuine packets a second over the thirteen
	// minutes for which one can live: 128 MiB at most.
	MaxEntries = 1 << 20
	// LeaseLife is how long a reservation lasts that is neither committed nor released, by the store's clock.
	LeaseLife = 10 * time.Second
	// Wait is how long Reserve waits for another request's answer, in real time.
	Wait = 2 * time.Second
	// sweepStep is how many entries one call looks at, at most, to see whether they are over.
	sweepStep = 512
)

// Memory is both stores in one process's memory. It is safe for concurrent use.
type Memory struct {
	clock   func() time.Time
	started time.Time
	limit   int

	mu      sync.Mutex // guards all below
	entries table
	flights map[uint32]flight // by slot: who is at work on a reserved entry
	token   uint64

	recalls recalls
}

// flight is one reservation that is neither committed nor released.
type flight struct {
	token uint64
	ends  time.Time
	over  chan struct{} // closed when the reservation ends, whichever way
}

var (
	_ exchange.Replays = (*Memory)(nil)
	_ exchange.Recalls = (*Memory)(nil)
)

// New gives an empty store whose time begins at clock's present reading. The clock is read at each call; it must be the
// gateway's own.
func New(clock func() time.Time) *Memory { return newMemory(clock, MaxEntries) }

func newMemory(clock func() time.Time, limit int) *Memory {
	now := clock()
	return &Memory{
		clock: clock, limit: limit,
		// A packet's iat has whole seconds, so the second in which the store began counts as known: a packet of that second
		// could only have been answered by a process that had ended within it.
		started: now.Truncate(time.Second),
		entries: newTable(now.Unix()),
		flights: make(map[uint32]flight),
		recalls: newRecalls(),
	}
}

// Len is how many packets are remembered, for a metric.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries.count
}

// Reserve implements exchange.Replays.
func (m *Memory) Reserve(ctx context.Context, reservation exchange.Reservation) (exchange.Lease, error) {
	if reservation.IssuedAt.Before(m.started) {
		return exchange.Lease{}, exchange.Fail(exchange.PacketExpired, "replay-start", nil)
	}
	var patience <-chan time.Time
	for {
		if ctx.Err() != nil {
			return exchange.Lease{}, exchange.Fail(exchange.Unavailable, "replay-cancelled", ctx.Err())
		}
		lease, busy, err := m.take(reservation)
		if err != nil || busy == nil {
			return lease, err
		}
		if patience == nil {
			timer := time.NewTimer(Wait)
			defer timer.Stop()
			patience = timer.C
		}
		if err := busy.wait(ctx, patience); err != nil {
			return exchange.Lease{}, err
		}
	}
}

// take reserves the packet, or gives the answer that it has, or says who is busy with it.
func (m *Memory) take(reservation exchange.Reservation) (exchange.Lease, *busy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	// The gateway has checked this already, but its clock reading may be older than the entry that has gone by now.
	if now.After(reservation.Expires.Add(exchange.Leeway)) {
		return exchange.Lease{}, nil, exchange.Fail(exchange.PacketExpired, "replay-expired", nil)
	}
	m.sweep(now)
	slot, found := m.entries.find(reservation.Key)
	if !found {
		if m.entries.count >= m.limit {
			return exchange.Lease{}, nil, exchange.Fail(exchange.Unavailable, "replay-full", nil)
		}
		slot = m.entries.insert(reservation.Key, lastSecond(reservation.Expires))
	}
	entry := m.entries.at(slot)
	// A source that gives one jti twice must not outlive its own entry with the second packet.
	entry.expires = max(entry.expires, lastSecond(reservation.Expires))
	if entry.committed {
		lease, err := repeat(entry, reservation)
		return lease, nil, err
	}
	if flight, flying := m.flights[slot]; flying {
		if now.Before(flight.ends) {
			return exchange.Lease{}, &busy{over: flight.over, left: flight.ends.Sub(now)}, nil
		}
		m.land(slot)
	}
	return m.reserve(slot, reservation, now), nil, nil
}

func (m *Memory) reserve(slot uint32, reservation exchange.Reservation, now time.Time) exchange.Lease {
	entry := m.entries.at(slot)
	entry.requester, entry.first = reservation.Requester, reservation.At.UnixNano()
	m.token++
	m.flights[slot] = flight{token: m.token, ends: now.Add(LeaseLife), over: make(chan struct{})}
	return exchange.Lease{Reservation: reservation, Fence: m.token, First: reservation.At}
}

// repeat gives the committed answer's times to the requester who had them; to anybody else, and to whoever brought no
// Idempotency-Key, it says replayed.
func repeat(entry *entry, reservation exchange.Reservation) (exchange.Lease, error) {
	if reservation.Requester == (exchange.Requester{}) || entry.requester != reservation.Requester {
		return exchange.Lease{}, exchange.Fail(exchange.Replayed, "replay", nil)
	}
	lease := exchange.Lease{
		Reservation: reservation, Repeat: true, First: time.Unix(0, entry.first).In(reservation.At.Location()),
	}
	if entry.until != 0 {
		lease.Until = time.Unix(int64(entry.until), 0)
	}
	return lease, nil
}

// Commit implements exchange.Replays: a compare-and-set on the reservation's token.
func (m *Memory) Commit(ctx context.Context, lease exchange.Lease, until time.Time) error {
	if lease.Repeat {
		return nil
	}
	if ctx.Err() != nil {
		return exchange.Fail(exchange.Unavailable, "replay-cancelled", ctx.Err())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	slot, held := m.held(lease)
	if !held || !m.clock().Before(m.flights[slot].ends) {
		return exchange.Fail(exchange.Unavailable, "replay-lost", nil)
	}
	entry := m.entries.at(slot)
	entry.committed = true
	if !until.IsZero() {
		entry.until = second(until)
	}
	m.land(slot)
	return nil
}

// Release implements exchange.Replays. It works for a caller that has gone away, too: the packet is not to blame.
func (m *Memory) Release(_ context.Context, lease exchange.Lease) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slot, held := m.held(lease); held {
		m.land(slot)
	}
	return nil
}

// held finds the entry that this very lease has reserved.
func (m *Memory) held(lease exchange.Lease) (uint32, bool) {
	slot, found := m.entries.find(lease.Key)
	if !found || lease.Repeat {
		return 0, false
	}
	flight, flying := m.flights[slot]
	return slot, flying && flight.token == lease.Fence
}

// land ends a reservation and wakes everybody who waits for it.
func (m *Memory) land(slot uint32) {
	close(m.flights[slot].over)
	delete(m.flights, slot)
}

// sweep drops entries that are over, reservations included: their packets can no longer come.
func (m *Memory) sweep(now time.Time) {
	m.entries.sweep(now.Unix(), sweepStep, func(slot uint32) {
		if _, flying := m.flights[slot]; flying {
			m.land(slot)
		}
	})
}

// lastSecond is the first Unix second in which an entry for a packet with this exp is over.
func lastSecond(expires time.Time) uint32 { return second(expires.Add(exchange.Leeway)) + 1 }

// second is t in Unix seconds; a time that four bytes cannot hold (after 2106) is the last that they can, so that an entry
// is kept too long rather than forgotten.
func second(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 0), math.MaxUint32-1))
}

// busy is another request at work on the same packet.
type busy struct {
	over <-chan struct{}
	left time.Duration
}

func (b busy) wait(ctx context.Context, patience <-chan time.Time) error {
	lease := time.NewTimer(b.left)
	defer lease.Stop()
	select {
	case <-b.over:
		return nil
	case <-lease.C:
		return nil
	case <-patience:
		return exchange.Fail(exchange.Unavailable, "replay-busy", nil)
	case <-ctx.Done():
		return exchange.Fail(exchange.Unavailable, "replay-cancelled", ctx.Err())
	}
}
