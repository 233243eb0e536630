package jurisdictions

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"crosscode/exchange"
	"crosscode/exchange/clock"
)

// Options is what an operator can choose about a side's rules.
type Options struct {
	// Overrides is a directory with files that replace the embedded ones: <side>.yaml is a side's rulebook, reloaded by Watch;
	// documents.yaml is the document formats, read at the start only. Empty: none.
	Overrides string
	// Log gets one line for each change of a rulebook, taken or refused. Nil: slog.Default().
	Log *slog.Logger
}

// Shelf holds the rulebook that a side goes by: the embedded one, or the override in its place. It may be used by many
// goroutines; who works on one packet takes Current once and stays with it.
type Shelf struct {
	side    exchange.Side
	file    string // of the override; "" if there is no directory for one
	log     *slog.Logger
	current atomic.Pointer[shelved]

	mu     sync.Mutex // one reload at a time; owns what is below
	last   attempt
	err    error
	accept func(*Book) error // nil: any book that parses and lints
}

// shelved is a book with where it came from.
type shelved struct {
	book   *Book
	source string
	since  time.Time
}

// attempt is what the override looked like when it was last read, so that each change is spoken of once.
type attempt struct {
	sum     [sha256.Size]byte
	problem string
}

// Where a book came from.
const (
	Embedded = "embedded"
	Override = "override"
)

// ErrOverrideGone is reported when an override that was in use has been removed. The book stays: an empty moment while a
// file is replaced must not change who may cross. A restart goes back to the embedded book.
var ErrOverrideGone = errors.New("the override has gone: its last good rulebook stays in use until a restart")

// NewShelf parses the embedded rulebook and the override, if there is one. Either being faulty is an error with all
// faults: an operator who overrides a rulebook must not find the embedded one in force because of a typo.
func NewShelf(side exchange.Side, embedded []byte, options Options) (*Shelf, error) {
	book, err := Parse(filepath.Join("jurisdictions", string(side), "rulebook.yaml"), embedded, side)
	if err != nil {
		return nil, err
	}
	s := &Shelf{side: side, log: options.Log}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.current.Store(&shelved{book: book, source: Embedded, since: clock.Now()})
	if options.Overrides != "" {
		s.file = filepath.Join(options.Overrides, string(side)+".yaml")
		if s.load(); s.err != nil {
			return nil, s.err
		}
	}
	s.say()
	return s, nil
}

// Current is the book to go by. It never changes; ask again for the next packet.
func (s *Shelf) Current() *Book { return s.current.Load().book }

// Status says which book is in use and what was wrong with the last attempt to replace it.
type Status struct {
	Side    exchange.Side
	Version string // in force at the asked instant, "macau/2026-01-01T00:00+08:00"
	SHA256  string
	Source  string    // Embedded or Override
	Since   time.Time // when this process began to use it
	Err     error     // nil: the file on disk is the one in use
}

// Status describes the shelf at now.
func (s *Shelf) Status(now time.Time) Status {
	in := s.current.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{
		Side: s.side, Version: in.book.name(in.book.at(now)).Version, SHA256: in.book.sum, Source: in.source, Since: in.since,
		Err: s.err,
	}
}

// Accept sets one more test that a book must pass, now and at each reload: what only the wiring can know, such as whether
// some side has the ports that a rule is bound to. The error is the test's own about the present book.
func (s *Shelf) Accept(test func(*Book) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accept = test
	return test(s.Current())
}

// Reload reads the override and takes it if it has no fault and none that Lint finds. Otherwise the last good book stays,
// and the error says why: Faults, ErrOverrideGone, or that the file cannot be read.
func (s *Shelf) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != "" && s.load() {
		s.say()
	}
	return s.err
}

// load reads the override if it is not as it was at the last attempt, and tells whether it has changed.
func (s *Shelf) load() (changed bool) {
	data, err := readBounded(s.file)
	now := attempt{sum: sha256.Sum256(data)}
	if err != nil {
		now.problem = err.Error()
	}
	if now == s.last {
		return false
	}
	s.last, s.err = now, s.take(data, err)
	return true
}

// take puts the book on the shelf if it is good. A panic is a fault like any other: the last good book stays.
func (s *Shelf) take(data []byte, unread error) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%s: panic: %v", s.file, problem)
		}
	}()
	switch {
	case errors.Is(unread, fs.ErrNotExist) && s.current.Load().source == Embedded:
		return nil
	case errors.Is(unread, fs.ErrNotExist):
		return ErrOverrideGone
	case unread != nil:
		return unread
	}
	book, err := Parse(s.file, data, s.side)
	if err != nil {
		return err
	}
	if faults := book.Lint(); len(faults) > 0 {
		return faults
	}
	if s.accept != nil {
		if err := s.accept(book); err != nil {
			return err
		}
	}
	s.current.Store(&shelved{book: book, source: Override, since: clock.Now()})
	return nil
}

func (s *Shelf) say() {
	in := s.current.Load()
	log := s.log.With("side", string(s.side), "source", in.source, "sha256", in.book.sum)
	if s.err != nil {
		log.Error("rulebook refused, the last good one stays", "file", s.file, "err", s.err)
		return
	}
	log.Info("rulebook in use", "versions", len(in.book.versions))
}

// Watch reloads the override every so often until the context ends; run it in a goroutine of its own. A panic while
// reading one file is reported and does not end the watch.
func (s *Shelf) Watch(ctx context.Context, every time.Duration) {
	if s.file == "" || every <= 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.look()
		}
	}
}

// look reloads once. Reload itself says what it found, once for each change; what panics here is the saying.
func (s *Shelf) look() {
	defer func() { _ = recover() }()
	_ = s.Reload()
}

// readBounded reads at most one byte more than Parse takes, so that a huge file is refused and not loaded.
func readBounded(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, maxFile+1))
}
