package store

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosscode/exchange"
	"crosscode/exchange/exchangetest"
)

func TestReplays(t *testing.T) {
	exchangetest.Replays(t, func(clock func() time.Time) exchange.Replays { return New(clock) })
}

func TestRecalls(t *testing.T) {
	exchangetest.Recalls(t, func(clock func() time.Time) exchange.Recalls { return New(clock) })
}

func packet(i int, now time.Time, life time.Duration) exchange.Reservation {
	var key exchange.ReplayKey
	binary.LittleEndian.PutUint64(key[:], uint64(i))
	return exchange.Reservation{
		Key: key, Requester: exchange.NewRequester("r"), At: now, IssuedAt: now, Expires: now.Add(life),
	}
}

func answer(t testing.TB, store *Memory, reservation exchange.Reservation) {
	t.Helper()
	lease, err := store.Reserve(t.Context(), reservation)
	if err == nil {
		err = store.Commit(t.Context(), lease, reservation.Expires)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// An evicting store would forget a live packet, and a forgotten packet could be answered twice.
func TestAFullStoreIsUnavailableAndForgetsNothing(t *testing.T) {
	clock := exchangetest.NewClock()
	store := newMemory(clock.Now, 3)
	for i := range 3 {
		answer(t, store, packet(i, clock.Now(), time.Duration(i+1)*time.Minute))
	}
	_, err := store.Reserve(t.Context(), packet(3, clock.Now(), time.Minute))
	if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable {
		t.Fatalf("a fourth packet: %v, want %s", err, exchange.Unavailable)
	}
	for i := range 3 {
		if lease, err := store.Reserve(t.Context(), packet(i, clock.Now(), time.Minute)); err != nil || !lease.Repeat {
			t.Fatalf("packet %d was forgotten: %+v, %v", i, lease, err)
		}
	}
	clock.Advance(time.Minute + exchange.Leeway + time.Second)
	answer(t, store, packet(3, clock.Now(), time.Minute))
	if store.Len() != 3 {
		t.Errorf("Len() = %d, want 3: one packet's time was over", store.Len())
	}
}

func TestEveryEntryGoesWhenItsTimeIsOver(t *testing.T) {
	clock := exchangetest.NewClock()
	store := New(clock.Now)
	const packets = 5000
	for i := range packets {
		answer(t, store, packet(i, clock.Now(), time.Duration(1+i%600)*time.Second))
	}
	clock.Advance(exchange.MaxPacketLife + exchange.Leeway + time.Second)
	for i := range packets/sweepStep + 1 {
		answer(t, store, packet(packets+i, clock.Now(), time.Minute))
	}
	if want := packets/sweepStep + 1; store.Len() != want {
		t.Errorf("Len() = %d, want the %d new ones", store.Len(), want)
	}
	if len(store.flights) != 0 {
		t.Errorf("%d reservations are still in flight", len(store.flights))
	}
}

func TestAnAbandonedReservationGoesWithItsPacket(t *testing.T) {
	clock := exchangetest.NewClock()
	store := New(clock.Now)
	lease, err := store.Reserve(t.Context(), packet(1, clock.Now(), time.Second))
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(exchange.Leeway + 2*time.Second)
	answer(t, store, packet(2, clock.Now(), time.Minute))
	if store.Len() != 1 || len(store.flights) != 0 {
		t.Errorf("Len() = %d with %d in flight, want 1 and 0", store.Len(), len(store.flights))
	}
	if err := store.Commit(t.Context(), lease, clock.Now()); err == nil {
		t.Error("a reservation was committed after its packet was over")
	}
}

// The table must say what a plain map says, through any order of arrivals, waits and endings.
func TestTheTableAgreesWithAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := exchangetest.Start.Unix()
		table, model := newTable(now), map[exchange.ReplayKey]uint32{}
		steps := rapid.IntRange(1, 60).Draw(t, "steps")
		for range steps {
			for range rapid.IntRange(0, 120).Draw(t, "arrivals") {
				key := exchange.NewReplayKey("macau", fmt.Sprint(rapid.IntRange(0, 3000).Draw(t, "jti")))
				if _, known := table.find(key); known {
					continue
				}
				// Beyond the wheel's reach as well.
				expires := uint32(now) + uint32(rapid.IntRange(1, 3*wheelSize).Draw(t, "life"))
				table.insert(key, expires)
				model[key] = expires
			}
			now += int64(rapid.IntRange(0, 2*wheelSize).Draw(t, "wait"))
			table.sweep(now, 1<<20, func(uint32) {})
			for key, expires := range model {
				if int64(expires) <= now {
					delete(model, key)
				}
			}
			agree(t, &table, model)
		}
	})
}

func agree(t *rapid.T, table *table, model map[exchange.ReplayKey]uint32) {
	if table.count != len(model) {
		t.Fatalf("the table holds %d entries, the map %d", table.count, len(model))
	}
	for key, expires := range model {
		slot, found := table.find(key)
		if !found || table.at(slot).expires != expires {
			t.Fatalf("key %x: found %t, want it until %d", key[:4], found, expires)
		}
	}
}

// maxEntryBytes is the budget of design.md. The worst moment is just after the index has doubled.
const maxEntryBytes = 128

func TestAnEntryTakesAtMost128Bytes(t *testing.T) {
	for _, entries := range []int{100_000, 3*(1<<17)/4 + 1, 3*(1<<18)/4 - 1} {
		if each := measure(t, entries); each > maxEntryBytes {
			t.Errorf("%d entries take %.1f bytes each, want at most %d", entries, each, maxEntryBytes)
		} else {
			t.Logf("%d entries take %.1f bytes each", entries, each)
		}
	}
}

func measure(t testing.TB, entries int) float64 {
	clock := exchangetest.NewClock()
	before := heap()
	store := New(clock.Now)
	for i := range entries {
		answer(t, store, packet(i, clock.Now(), exchange.MaxPacketLife))
	}
	each := float64(heap()-before) / float64(entries)
	runtime.KeepAlive(store)
	return each
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func BenchmarkReserveAndCommit(b *testing.B) {
	now := exchangetest.Start
	store := New(func() time.Time { return now })
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		// A thousand packets a second, so that sweeping is part of the price.
		if i++; i%1000 == 0 {
			now = now.Add(time.Second)
		}
		answer(b, store, packet(i, now, 5*time.Minute))
	}
}
