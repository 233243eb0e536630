package store

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"crosscode/exchange"
)

// kept is a recall as its file has it, one JSON object a line: nothing in it is personal.
type kept struct {
	Code   string        `json:"code,omitempty"`
	Side   exchange.Side `json:"side,omitempty"`
	Before *time.Time    `json:"before,omitempty"`
	Until  time.Time     `json:"until"`
}

// maxKept bounds one line of the file.
const maxKept = 1 << 10

// Keep makes the recalls outlive a restart, so that a withdrawn code does not come back to life: it takes over those that
// the file at path (mode 0600, made if missing) still holds, writes the file anew without those that are over, and from then
// on adds each new recall to it, on the disk, before Recall succeeds. A file that cannot be read as a whole is an error: a
// gateway must not start with some recalls forgotten. Call it once, before the store is used.
func (m *Memory) Keep(path string) error {
	if err := m.takeOver(path); err != nil {
		return err
	}
	fresh, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	live, err := m.Live(context.Background())
	for i := 0; err == nil && i < len(live); i++ {
		err = write(fresh, live[i])
	}
	if err = errors.Join(err, fresh.Sync()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return errors.Join(err, fresh.Close())
	}
	m.recalls.file = fresh
	return nil
}

func (m *Memory) takeOver(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxKept)
	for lines.Scan() {
		var line kept
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return errors.New(path + ": a line is no recall; put the file right, or move it away and make the recalls again")
		}
		recall := exchange.Recall{Code: line.Code, Side: line.Side, Until: line.Until}
		if line.Before != nil {
			recall.Before = *line.Before
		}
		if err := m.Recall(context.Background(), recall); err != nil {
			return err
		}
	}
	return lines.Err()
}

func write(file *os.File, recall exchange.Recall) error {
	line := kept{Code: recall.Code, Side: recall.Side, Until: recall.Until}
	if recall.Code == "" {
		line.Before = &recall.Before
	}
	data, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = file.Write(append(data, '\n'))
	return err
}

// keep adds a recall to the file, if there is one.
func (r *recalls) keep(recall exchange.Recall) error {
	if r.file == nil {
		return nil
	}
	if err := errors.Join(write(r.file, recall), r.file.Sync()); err != nil {
		return exchange.Fail(exchange.Unavailable, "recall-file", err)
	}
	return nil
}
