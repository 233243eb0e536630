package transit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sony/gobreaker"

	"crosscode/crypto/keys"
)

// Batching says how operations of one kind, decrypting or signing, are gathered into calls. What is zero takes the value of
// DefaultDecrypt or DefaultSign.
type Batching struct {
	// Size is the most that one call carries. Vault decrypts the items of a call one after another, so this is also how many
	// decrypts a packet may have to wait for besides its own.
	Size int
	// Wait is how long an operation waits for company while another call on its key is under way. It never waits when there
	// is none, nor longer than until that one returns or Size is reached. Negative: it does not wait at all.
	Wait time.Duration
	// Flights is how many calls are under way at once, over all keys.
	Flights int
	// Queue is how many operations wait at most, over all keys. Beyond it whoever has most waiting is shed.
	Queue int
}

// What is good against a Vault of 2 to 4 cores: about as many calls as keep its cores busy, since more of them only make each
// smaller; and in each so few RSA operations (2.6 ms at 3072 bits) that nobody waits long for his neighbours. For a larger
// Vault, Flights of Decrypt should be the number of its cores.
var (
	DefaultDecrypt = Batching{Size: 16, Wait: 2 * time.Millisecond, Flights: 3, Queue: 512}
	DefaultSign    = Batching{Size: 64, Wait: 2 * time.Millisecond, Flights: 2, Queue: 2048}
)

func (b Batching) or(standard Batching) Batching {
	for _, field := range []struct{ value, standard *int }{
		{&b.Size, &standard.Size}, {&b.Flights, &standard.Flights}, {&b.Queue, &standard.Queue},
	} {
		if *field.value < 1 {
			*field.value = *field.standard
		}
	}
	if b.Wait == 0 {
		b.Wait = standard.Wait
	}
	return b
}

// Those whose packets mostly do not open get a lane of their own (see suspects): one call at a time, when no other is under way
// or after doubtedWait; a quarter of a batch; a quarter of the queue. So they neither hold anybody up nor starve.
const (
	doubtedFlights = 1
	doubtedShare   = 4
	doubtedWait    = 100 * time.Millisecond
)

var (
	errFull    = errors.New("too many operations wait for vault")
	errWaiting = errors.New("vault did not answer in time")
)

// item is one operation of one caller.
type item struct {
	peer     string
	input    []byte // an encrypted_key or a digest
	deadline time.Time
	done     chan result // holds one, so that delivery never waits for a caller who has left
	lane     *lane       // where it waits; nil once it does not, guarded by desk.mu
}

// result is what one item came to.
type result struct {
	output []byte
	err    error
}

// batchCall does one batch. Its error concerns all items; otherwise there is one result for each, in the items' order.
type batchCall func(ctx context.Context, key keys.Public, items []*item) ([]result, error)

// desk gathers the operations of one kind. It has no goroutine of its own: whoever brings an operation, and every call that
// returns, starts the calls that are then due. A call ends with the patience of its last item, so nothing outlives that.
type desk struct {
	operation Operation
	limits    Batching
	patience  time.Duration
	call      batchCall
	breaker   *breaker
	observe   func(Observation)

	mu       sync.Mutex // guards what follows
	lanes    []*lane
	turn     int // of the lanes
	flights  int
	doubted  int // flights of doubted lanes
	suspects suspects
}

// do brings one operation and waits for its answer, for ctx, or for the desk's patience. A caller who leaves takes his item
// along if it still waits; the items beside it in a call under way are not touched.
func (d *desk) do(ctx context.Context, key keys.Public, peer string, input []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	if ctx.Err() != nil {
		return nil, newOutage(ctx.Err(), 0)
	}
	deadline, _ := ctx.Deadline()
	one := &item{peer: peer, input: input, deadline: deadline, done: make(chan result, 1)}
	if err := d.join(key, one); err != nil {
		return nil, err
	}
	select {
	case got := <-one.done:
		return got.output, got.err
	case <-ctx.Done():
		d.leave(one)
		return nil, newOutage(errors.Join(errWaiting, ctx.Err()), retryShed)
	}
}

func (d *desk) join(key keys.Public, one *item) error {
	if wait, open := d.breaker.open(); open {
		d.observe(Observation{Operation: d.operation, Shed: 1, Err: errResting})
		return newOutage(errResting, wait)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lane(key, d.suspects.include(one.peer, time.Now()))
	if !d.room(l, one) {
		d.observe(Observation{Operation: d.operation, Shed: 1, Err: errFull})
		return newOutage(errFull, retryShed)
	}
	l.push(one)
	d.arm(l)
	d.pump()
	return nil
}

// lane finds or makes a lane. There are two for each version of each key, and they stay: they hold nothing when idle.
func (d *desk) lane(key keys.Public, doubted bool) *lane {
	for _, l := range d.lanes {
		if l.key.KeyID == key.KeyID && l.doubted == doubted {
			return l
		}
	}
	l := &lane{key: key, doubted: doubted, size: d.limits.Size, lines: map[string]*line{}}
	if doubted {
		l.size = max(1, d.limits.Size/doubtedShare)
	}
	d.lanes = append(d.lanes, l)
	return l
}

// room makes room for one more, if need be at the cost of whoever has more waiting than this caller has.
func (d *desk) room(l *lane, one *item) bool {
	if l.doubted {
		return d.waiting(true) < max(1, d.limits.Queue/doubtedShare)
	}
	if d.waiting(false) < d.limits.Queue {
		return true
	}
	longest, of := d.longest()
	if longest == nil || len(longest.items) <= 1+l.length(one.peer) {
		return false
	}
	newest := longest.items[len(longest.items)-1]
	of.remove(newest)
	newest.done <- result{err: newOutage(errFull, retryShed)}
	d.observe(Observation{Operation: d.operation, Shed: 1, Err: errFull})
	return true
}

func (d *desk) waiting(doubted bool) (count int) {
	for _, l := range d.lanes {
		if l.doubted == doubted {
			count += l.count
		}
	}
	return count
}

func (d *desk) longest() (longest *line, of *lane) {
	for _, l := range d.lanes {
		for _, line := range l.turn {
			if !l.doubted && (longest == nil || len(line.items) > len(longest.items)) {
				longest, of = line, l
			}
		}
	}
	return longest, of
}

func (d *desk) leave(one *item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one.lane != nil {
		one.lane.remove(one)
	}
}

func (d *desk) arm(l *lane) {
	wait := d.limits.Wait
	if l.doubted {
		wait = doubtedWait
	}
	l.arm(wait, func() { d.mature(l) })
}

// mature is the end of a lane's wait for company.
func (d *desk) mature(l *lane) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.disarm()
	l.due = l.count > 0
	d.pump()
}

// pump starts the calls that are due, as long as there are flights for them. The lanes take turns.
func (d *desk) pump() {
	for d.flights < d.limits.Flights {
		l := d.next()
		if l == nil || !d.launch(l) {
			return
		}
	}
}

func (d *desk) next() *lane {
	if l := d.nextOf(false, (*lane).ready); l != nil {
		return l
	}
	return d.nextOf(true, d.indulges)
}

func (d *desk) nextOf(doubted bool, ready func(*lane) bool) *lane {
	for i := range d.lanes {
		at := (d.turn + 1 + i) % len(d.lanes)
		if l := d.lanes[at]; l.doubted == doubted && ready(l) {
			d.turn = at
			return l
		}
	}
	return nil
}

// indulges tells whether a doubted lane may have a call.
func (d *desk) indulges(l *lane) bool {
	return l.count > 0 && d.doubted < doubtedFlights && (d.flights == 0 || l.due)
}

// launch starts one call. While the breaker lets only a few through to see whether Vault is back, the others go on waiting:
// those few start the next ones when they return. When it lets none through, nobody waits.
func (d *desk) launch(l *lane) bool {
	report, err := d.breaker.Allow()
	if errors.Is(err, gobreaker.ErrTooManyRequests) {
		return false
	}
	if err != nil {
		d.shed()
		return false
	}
	batch := l.take()
	d.flights++
	l.flights++
	if l.doubted {
		d.doubted++
	}
	if l.count > 0 {
		d.arm(l)
	}
	go d.fly(l, batch, report)
	return true
}

func (d *desk) shed() {
	wait, _ := d.breaker.open()
	count := 0
	for _, l := range d.lanes {
		for l.count > 0 {
			for _, one := range l.take() {
				one.done <- result{err: newOutage(errResting, wait)}
				count++
			}
		}
	}
	if count > 0 {
		d.observe(Observation{Operation: d.operation, Shed: count, Err: errResting})
	}
}

// fly does one call, tells the breaker how Vault did, starts what has gathered in the meantime and delivers.
func (d *desk) fly(l *lane, batch []*item, report func(success bool)) {
	start := time.Now()
	results, err := d.attempt(l.key, batch)
	report(harmless(err))
	seen := Observation{Operation: d.operation, Items: len(batch), Took: time.Since(start), Err: err}
	for i := range results {
		if results[i].err != nil {
			seen.Bad++
		}
	}
	d.land(l, batch, results)
	for i, one := range batch {
		if err != nil {
			one.done <- result{err: err}
		} else {
			one.done <- results[i]
		}
	}
	d.observe(seen)
}

// attempt never panics, whatever call does: nobody else would end this flight.
func (d *desk) attempt(key keys.Public, batch []*item) (results []result, err error) {
	defer func() {
		if value := recover(); value != nil { // its value may hold data, its type does not
			results, err = nil, newOutage(fmt.Errorf("%s: panic of type %T", d.operation, value), retryShed)
		}
	}()
	last := batch[0].deadline
	for _, one := range batch {
		if one.deadline.After(last) {
			last = one.deadline
		}
	}
	ctx, cancel := context.WithDeadline(context.Background(), last) // nobody's own: one caller's leaving must not hurt the others
	defer cancel()
	results, err = d.call(ctx, key, batch)
	if err == nil && len(results) != len(batch) {
		return nil, newOutage(errResults, 0)
	}
	return results, err
}

func (d *desk) land(l *lane, batch []*item, results []result) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flights--
	l.flights--
	if l.doubted {
		d.doubted--
	}
	for i := range results {
		d.suspects.note(batch[i].peer, errors.Is(results[i].err, keys.ErrDecrypt), time.Now())
	}
	l.due = l.due || l.count > 0 && !l.doubted
	d.pump()
}

// doubt counts against a peer what looked good to Vault.
func (d *desk) doubt(peer string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspects.regret(peer, time.Now())
}
