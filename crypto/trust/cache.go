package trust

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// maxCached bounds the file: a set and what is said about it.
const maxCached = keys.MaxSetBytes + 4<<10

// writableByOthers are the permissions that a cached set must not have: whoever can write it can sign packets.
const writableByOthers fs.FileMode = 0o022

// cache keeps one side's last good set on disk. The zero cache keeps nothing.
type cache struct {
	path   string
	side   exchange.Side
	source string
}

// cached is the file. Source ties the set to where it came from: a side that moved begins anew.
type cached struct {
	Side      exchange.Side  `json:"side"`
	Source    string         `json:"source"`
	FetchedAt time.Time      `json:"fetched_at"`
	Set       jsontext.Value `json:"set"`
}

func newCache(folder string, side exchange.Side, source Source) cache {
	if folder == "" {
		return cache{}
	}
	// One of the two is empty.
	return cache{path: filepath.Join(folder, string(side)+".json"), side: side, source: source.URL + source.File}
}

// load gives the set that was kept, however old; nil if there is none.
func (c cache) load() (*keySet, error) {
	if c.path == "" {
		return nil, nil
	}
	data, err := c.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &fault{Cache, err}
	}
	var file cached
	if err := json.Unmarshal(data, &file, json.RejectUnknownMembers(true)); err != nil {
		return nil, &fault{Cache, errors.New("not a cached key set")}
	}
	if file.Side != c.side || file.Source != c.source {
		return nil, &fault{Cache, errors.New("of another side or source")}
	}
	set, err := newKeySet(file.Set, file.FetchedAt)
	if err != nil {
		return nil, &fault{Cache, err}
	}
	return set, nil
}

func (c cache) read() ([]byte, error) {
	file, err := os.Open(c.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read-only: nothing is lost
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Mode()&writableByOthers != 0:
		return nil, errors.New("not a regular file, or others can write it")
	case info.Size() > maxCached:
		return nil, fmt.Errorf("more than %d bytes", maxCached)
	}
	return io.ReadAll(io.LimitReader(file, maxCached))
}

// save replaces the file in one step: after a crash there is the old one or the new one, whole.
func (c cache) save(set []byte, fetched time.Time) error {
	if c.path == "" {
		return nil
	}
	data, err := json.Marshal(cached{Side: c.side, Source: c.source, FetchedAt: fetched, Set: set})
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(c.path), "."+string(c.side)+"-*.tmp") // mode 0600
	if err != nil {
		return err
	}
	err = errors.Join(writeAll(temporary, data), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), c.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

func writeAll(file *os.File, data []byte) error {
	if _, err := file.Write(data); err != nil {
		return err
	}
	return file.Sync()
}
