package store

import (
	"hash/maphash"

	"crosscode/exchange"
)

// entry is one packet: 88 bytes. A map of the same would take up to 200 bytes an entry while it grows, so the entries lie
// in fixed chunks that never move, found through an index of four bytes a place.
type entry struct {
	key       exchange.ReplayKey
	requester exchange.Requester
	first     int64  // Unix nanoseconds of the first request's clock reading
	until     uint32 // Unix seconds of the code's end; 0 for a refusal
	expires   uint32 // the first Unix second in which the entry is over
	next      uint32 // the next slot in the same second of the wheel, or of the free list
	committed bool
}

const (
	// chunkSize entries are 90 KiB.
	chunkSize = 1 << 10
	// wheelSize is how many seconds ahead an entry's end is sorted: more than the longest packet's life with both leeways,
	// which is 12 minutes. An entry further ahead is looked at again when its place comes round.
	wheelSize = 1 << 10
	// minIndex is the index's first size. It doubles when it is three quarters full.
	minIndex = 1 << 10
	// nowhere ends a list. Slots are numbered from 1.
	nowhere = 0
)

// table finds entries by key and drops them when they are over. It is not safe for concurrent use.
type table struct {
	chunks []*[chunkSize]entry
	used   uint32 // slots ever handed out
	free   uint32 // first slot of the free list
	count  int

	seed  maphash.Seed // unknown to a source, which therefore cannot choose ids that collide
	index []uint32     // open addressing, linear probing: slots, or nowhere

	wheel [wheelSize]uint32 // by second of the end, modulo wheelSize: the first slot of a list
	swept int64             // every second before this one has been swept
}

func newTable(now int64) table {
	return table{seed: maphash.MakeSeed(), index: make([]uint32, minIndex), swept: now}
}

func (t *table) at(slot uint32) *entry {
	return &t.chunks[(slot-1)/chunkSize][(slot-1)%chunkSize]
}

func (t *table) home(key exchange.ReplayKey) int {
	return int(maphash.Bytes(t.seed, key[:]) & uint64(len(t.index)-1)) //nolint:gosec // less than the length of the index
}

// place is where key stands in the index, or where it would stand.
func (t *table) place(key exchange.ReplayKey) int {
	for place := t.home(key); ; place = (place + 1) & (len(t.index) - 1) {
		if slot := t.index[place]; slot == nowhere || t.at(slot).key == key {
			return place
		}
	}
}

func (t *table) find(key exchange.ReplayKey) (slot uint32, found bool) {
	slot = t.index[t.place(key)]
	return slot, slot != nowhere
}

// insert adds a key that is not there yet.
func (t *table) insert(key exchange.ReplayKey, expires uint32) uint32 {
	if 4*(t.count+1) > 3*len(t.index) {
		t.grow()
	}
	slot := t.slot()
	*t.at(slot) = entry{key: key, expires: expires}
	t.index[t.place(key)] = slot
	t.count++
	t.hang(slot)
	return slot
}

func (t *table) grow() {
	old := t.index
	t.index = make([]uint32, 2*len(old))
	for _, slot := range old {
		if slot != nowhere {
			t.index[t.place(t.at(slot).key)] = slot
		}
	}
}

func (t *table) slot() uint32 {
	if slot := t.free; slot != nowhere {
		t.free = t.at(slot).next
		return slot
	}
	if int(t.used) == len(t.chunks)*chunkSize {
		t.chunks = append(t.chunks, new([chunkSize]entry))
	}
	t.used++
	return t.used
}

// hang puts an entry where the wheel will come by when it is over, or as near as the wheel reaches.
func (t *table) hang(slot uint32) {
	entry := t.at(slot)
	second := min(max(int64(entry.expires), t.swept), t.swept+wheelSize-1)
	entry.next = t.wheel[second%wheelSize]
	t.wheel[second%wheelSize] = slot
}

// sweep drops entries that are over at now, after a call of over for each, and looks at no more than most of them.
func (t *table) sweep(now int64, most int, over func(slot uint32)) {
	// One turn of the wheel passes every entry there is.
	t.swept = max(t.swept, now-wheelSize+1)
	for ; t.swept <= now; t.swept++ {
		for most > 0 && t.wheel[t.swept%wheelSize] != nowhere {
			most--
			t.turn(now, over)
		}
		if t.wheel[t.swept%wheelSize] != nowhere {
			return
		}
	}
}

// turn takes one entry from the second that is being swept and drops it, or hangs it up again if it has longer to live.
func (t *table) turn(now int64, over func(slot uint32)) {
	slot := t.wheel[t.swept%wheelSize]
	entry := t.at(slot)
	t.wheel[t.swept%wheelSize] = entry.next
	if int64(entry.expires) > now {
		t.hang(slot)
		return
	}
	over(slot)
	t.remove(entry.key)
	*entry = zero
	entry.next = t.free
	t.free = slot
	t.count--
}

var zero entry

// remove closes the gap in the index, so that no search stops at it: each follower that may stand in the gap moves there.
func (t *table) remove(key exchange.ReplayKey) {
	mask := len(t.index) - 1
	gap := t.place(key)
	for place := (gap + 1) & mask; t.index[place] != nowhere; place = (place + 1) & mask {
		home := t.home(t.at(t.index[place]).key)
		if (place-home)&mask >= (place-gap)&mask {
			t.index[gap] = t.index[place]
			gap = place
		}
	}
	t.index[gap] = nowhere
}
