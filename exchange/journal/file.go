package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"crosscode/exchange"
	"crosscode/exchange/clock"
)

// File is a journal that is open for writing. It is safe for concurrent use; only one process can have a journal open.
type File struct {
	sync bool

	mu     sync.Mutex // guards next and broken
	next   *batch     // entries that wait for the next write
	broken error      // why nothing can be written any more
	failed error      // of the last write; nil: it succeeded
	when   time.Time  // the last write failed

	turn chan struct{} // holds one token: whoever has it writes, and owns what is below
	data *os.File
	side *os.File // the head file
	head Head     // the last line on the disk
}

// batch is some entries that are written at once, and share one fsync.
type batch struct {
	lines [][]byte
	done  chan struct{} // closed when err is set
	err   error
}

var _ exchange.Journal = (*File)(nil)

// Option is a choice that Open takes.
type Option func(*File)

// Sync with false leaves the moment at which lines reach the disk to the operating system: a power cut may then lose the last
// seconds, and since the head file may survive what the journal lost, Open will say so. The default is true.
func Sync(sync bool) Option { return func(f *File) { f.sync = sync } }

// Intend implements exchange.Journal.
func (f *File) Intend(ctx context.Context, entry exchange.Entry) error { return f.append(ctx, entry) }

// Finish implements exchange.Journal.
func (f *File) Finish(ctx context.Context, entry exchange.Entry) error { return f.append(ctx, entry) }

// append returns when the entry is on the disk. Whoever finds nobody writing writes for all who wait; the others find their
// batch done. A caller who goes away leaves an entry that may or may not be written, which an intent may.
func (f *File) append(ctx context.Context, entry exchange.Entry) error {
	if ctx.Err() != nil {
		return exchange.Fail(exchange.Unavailable, "journal-cancelled", ctx.Err())
	}
	line, err := wire(entry)
	if err != nil {
		return unavailable(err)
	}
	batch, err := f.enrol(line)
	if err != nil {
		return unavailable(err)
	}
	select {
	case <-batch.done:
	case <-f.turn:
		f.flush()
		f.turn <- struct{}{}
		<-batch.done
	case <-ctx.Done():
		return exchange.Fail(exchange.Unavailable, "journal-cancelled", ctx.Err())
	}
	return unavailable(batch.err)
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return exchange.Fail(exchange.Unavailable, "journal", err)
}

func (f *File) enrol(entry []byte) (*batch, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return nil, f.broken
	}
	if f.next == nil {
		f.next = &batch{done: make(chan struct{})}
	}
	f.next.lines = append(f.next.lines, entry)
	return f.next, nil
}

// flush writes the batch that waits, if one does. The caller has the turn.
func (f *File) flush() {
	f.mu.Lock()
	batch := f.next
	f.next = nil
	broken := f.broken
	f.mu.Unlock()
	if batch == nil {
		return
	}
	defer close(batch.done)
	if batch.err = broken; broken == nil {
		batch.err = f.write(batch.lines)
		f.mu.Lock()
		f.failed, f.when = batch.err, clock.Now()
		f.mu.Unlock()
	}
}

// ailingFor is how long a failed write makes the journal unhealthy. After that the next entry finds out whether the disk
// has room again: who waits for a healthy journal before he writes would wait for ever.
const ailingFor = 10 * time.Second

// Healthy tells why an entry would not be written now: the journal is broken, or the last write has just failed.
func (f *File) Healthy() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return unavailable(f.broken)
	}
	if f.failed != nil && clock.Now().Sub(f.when) < ailingFor {
		return unavailable(f.failed)
	}
	return nil
}

// write chains the lines and puts them on the disk. Only then is the chain any longer: after a failed write the file is cut
// back, so that the next batch follows what is really there.
func (f *File) write(lines [][]byte) error {
	head, data := f.head, []byte(nil)
	for _, line := range lines {
		data, head = seal(data, line, head)
	}
	if _, err := f.data.WriteAt(data, f.head.Offset); err != nil {
		return f.retreat(err)
	}
	if f.sync {
		// After a failed fsync the kernel may have dropped the pages and will report success the next time, so nothing that
		// this file holds can be relied on: the gateway has to be started anew.
		if err := f.data.Sync(); err != nil {
			return f.breakDown(fmt.Errorf("the disk does not keep the journal: %w", err))
		}
	}
	if err := head.write(f.side); err != nil {
		return f.retreat(err)
	}
	f.head = head
	return nil
}

// retreat cuts the file back to the last good line, for a full disk gets room again.
func (f *File) retreat(cause error) error {
	if err := f.data.Truncate(f.head.Offset); err != nil {
		return f.breakDown(errors.Join(cause, err))
	}
	return cause
}

func (f *File) breakDown(cause error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = cause
	return cause
}

// errClosed is what an entry after Close is told.
var errClosed = errors.New("the journal is closed")

// Close writes what still waits, syncs both files and closes them. Later entries are unavailable.
func (f *File) Close() error {
	<-f.turn
	defer func() { f.turn <- struct{}{} }()
	f.flush()
	f.mu.Lock()
	closed := errors.Is(f.broken, errClosed)
	f.broken = errClosed
	f.mu.Unlock()
	if closed {
		return nil
	}
	f.flush()
	return errors.Join(f.data.Sync(), f.side.Sync(), f.data.Close(), f.side.Close())
}
