package transit

import (
	"slices"
	"time"

	"crosscode/crypto/keys"
)

// lane is what waits for one version of one key. Its callers take turns: each has a line of his own, and a batch takes one
// item of each line before it takes a second of any. It is guarded by desk.mu.
type lane struct {
	key     keys.Public
	doubted bool
	size    int // of a batch

	lines   map[string]*line // by peer, only those that are not empty
	turn    []*line          // the same lines, the next one first
	count   int              // items in all lines
	flights int              // calls under way
	due     bool             // what waits has waited long enough
	timer   *time.Timer
}

// line is what one caller has waiting, the oldest first.
type line struct {
	peer  string
	items []*item
}

// ready tells whether a call may start: at once when the lane is idle, else when a batch is full or its wait is over.
func (l *lane) ready() bool {
	return l.count > 0 && (l.flights == 0 || l.due || l.count >= l.size)
}

func (l *lane) push(one *item) {
	own := l.lines[one.peer]
	if own == nil {
		own = &line{peer: one.peer}
		l.lines[one.peer] = own
		l.turn = append(l.turn, own)
	}
	own.items = append(own.items, one)
	one.lane = l
	l.count++
}

func (l *lane) length(peer string) int {
	if own := l.lines[peer]; own != nil {
		return len(own.items)
	}
	return 0
}

// take gives the next batch.
func (l *lane) take() []*item {
	batch := make([]*item, 0, min(l.size, l.count))
	for len(batch) < l.size && l.count > 0 {
		next := l.turn[0]
		l.turn = l.turn[1:]
		first := next.items[0]
		next.items = next.items[1:]
		if len(next.items) > 0 {
			l.turn = append(l.turn, next)
		} else {
			delete(l.lines, next.peer)
		}
		first.lane = nil
		l.count--
		batch = append(batch, first)
	}
	l.due = false
	l.disarm()
	return batch
}

func (l *lane) remove(one *item) {
	own := l.lines[one.peer]
	own.items = slices.DeleteFunc(own.items, func(other *item) bool { return other == one })
	if len(own.items) == 0 {
		delete(l.lines, one.peer)
		l.turn = slices.DeleteFunc(l.turn, func(other *line) bool { return other == own })
	}
	one.lane = nil
	l.count--
}

// arm sees to it that what waits does not wait for longer than wait from now. A timer that fires for nothing is harmless: it
// starts a call a little early.
func (l *lane) arm(wait time.Duration, fire func()) {
	switch {
	case l.due:
	case wait < 0:
		l.due = true
	case l.timer == nil:
		l.timer = time.AfterFunc(wait, fire)
	}
}

func (l *lane) disarm() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}
