package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"crosscode/exchange"
	"crosscode/exchange/clock"
)

// Open opens the journal at path for writing, with its head in <path>.head, and goes on with the chain that it finds; it
// makes both files (0600) if neither is there. Only what lies behind the head is read, so opening a large journal is as
// quick as a small one; Verify reads it all.
//
// Half a line at the end, as a crash leaves it, is cut off and recorded. Every other break is refused with what to do.
func Open(path string, options ...Option) (*File, error) {
	f := &File{sync: true, turn: make(chan struct{}, 1)}
	f.turn <- struct{}{}
	for _, option := range options {
		option(f)
	}
	if err := f.open(path); err != nil {
		return nil, errors.Join(err, f.abandon())
	}
	return f, nil
}

func (f *File) open(path string) error {
	var err error
	if f.data, err = openPrivate(path); err != nil {
		return err
	}
	if err := lock(f.data); err != nil {
		return fmt.Errorf("journal %s is in use by another process: %w", path, err)
	}
	torn, err := f.resume(path)
	if err != nil {
		return err
	}
	if f.side, err = openPrivate(path + headSuffix); err != nil {
		return err
	}
	if err := f.recover(torn); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func (f *File) abandon() error {
	var faults []error
	for _, file := range []*os.File{f.data, f.side} {
		if file != nil {
			faults = append(faults, file.Close())
		}
	}
	return errors.Join(faults...)
}

// openPrivate makes files for the owner only, and refuses one that somebody else could write.
func openPrivate(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("journal %s is not a regular file", path)
	case info.Mode().Perm()&0o022 != 0:
		err = fmt.Errorf("journal %s can be written by others: chmod 600 %s", path, path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// resume finds the last line, which the chain goes on from, and how many bytes of half a line follow it.
func (f *File) resume(path string) (torn int64, err error) {
	info, err := f.data.Stat()
	if err != nil {
		return 0, err
	}
	head, err := ReadHead(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && info.Size() == 0:
		f.head = Head{Hash: genesis}
		return 0, nil
	case err != nil:
		return 0, refuse(path, fmt.Errorf("its head cannot be read: %w", err))
	case info.Size() < head.Offset:
		return 0, refuse(path, fmt.Errorf("it was cut: it should have %d lines and %d bytes, and has %d bytes", head.Seq, head.Offset, info.Size()))
	}
	if err := f.meets(head); err != nil {
		return 0, refuse(path, err)
	}
	if torn, err = f.follow(head, info.Size()); err != nil {
		return 0, refuse(path, err)
	}
	return torn, nil
}

// refuse says what to do with a broken journal. It is evidence, so nothing is repaired.
func refuse(path string, cause error) error {
	return fmt.Errorf("journal %s is broken: %w. Run `gateway journal verify %s`, keep %s and %s%s as evidence under other "+
		"names, then start again: that begins a new journal", path, cause, path, path, path, headSuffix)
}

// meets checks that the line which ends at the head's offset is the one that the head names.
func (f *File) meets(head Head) error {
	if head.Seq == 0 {
		if head != (Head{Hash: genesis}) {
			return errHead
		}
		return nil
	}
	start := max(0, head.Offset-MaxLine)
	window := make([]byte, head.Offset-start)
	if _, err := f.data.ReadAt(window, start); err != nil {
		return err
	}
	line, hash, err := open(lastLine(window))
	if err != nil || line.Seq != head.Seq || hash != head.Hash {
		return fmt.Errorf("line %d is not the one that the head names", head.Seq)
	}
	return nil
}

// lastLine is what follows the last newline but one.
func lastLine(window []byte) []byte {
	for i := len(window) - 2; i >= 0; i-- {
		if window[i] == '\n' {
			return window[i+1:]
		}
	}
	return window
}

// follow checks the whole lines behind the head: a crash came between the journal and its head file. What is left behind
// the last newline is half a line.
func (f *File) follow(head Head, size int64) (torn int64, err error) {
	whole, err := f.lastNewline(head.Offset, size)
	if err != nil {
		return 0, err
	}
	lines := io.NewSectionReader(f.data, head.Offset, whole-head.Offset)
	summary, err := verify(bufio.NewReaderSize(lines, MaxLine), head, nil)
	if err != nil {
		return 0, err
	}
	f.head = summary.Head
	return size - whole, nil
}

// lastNewline is the offset behind the last newline between from and size; from, if there is none. More than MaxLine bytes
// without one are no line that was being written.
func (f *File) lastNewline(from, size int64) (int64, error) {
	start := max(from, size-MaxLine)
	window := make([]byte, size-start)
	if _, err := f.data.ReadAt(window, start); err != nil && err != io.EOF {
		return 0, err
	}
	for i := len(window) - 1; i >= 0; i-- {
		if window[i] == '\n' {
			return start + int64(i) + 1, nil
		}
	}
	if start > from {
		return 0, fmt.Errorf("its last %d bytes are no line", MaxLine)
	}
	return from, nil
}

// recover cuts half a line off and says so in the chain. It leaves a head on the disk, so that one of its slots is good
// from here on, whatever a power cut does to the other.
func (f *File) recover(torn int64) error {
	if torn > 0 {
		if err := f.data.Truncate(f.head.Offset); err != nil {
			return err
		}
		note, err := body{At: clock.Now().In(exchange.Zone).Format(time.RFC3339), Event: eventRecovered, Bytes: torn}.encode()
		if err != nil {
			return err
		}
		if err := f.write([][]byte{note}); err != nil {
			return err
		}
	}
	return errors.Join(f.head.write(f.side), f.side.Sync())
}
