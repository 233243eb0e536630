package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"crosscode/exchange"
)

// device is what a checking device remembers from one bundle to the next: when the newest was issued, so that an older one
// is refused, and the bundle keys that it announced, so that a new key is trusted when the old one has vouched for it.
type device struct {
	path     string
	IssuedAt time.Time `json:"issued_at"`
	Pins     []string  `json:"pins"`
}

// openDevice reads the file at path; an empty path, or a file that is not there yet, remembers nothing.
func openDevice(path string) (device, error) {
	d := device{path: path}
	if path == "" {
		return d, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err != nil {
		return d, fmt.Errorf("--last-seen: %s does not hold what this command keeps there (%w): move it away to begin anew with --pin", path, err)
	}
	return d, nil
}

// remember keeps what an accepted bundle says. The file is replaced as a whole, so a cut power line leaves the old one.
func (d device) remember(bundle exchange.Bundle, pins []string) error {
	if d.path == "" {
		return nil
	}
	d.IssuedAt, d.Pins = time.Unix(bundle.IssuedAt, 0).In(exchange.Zone), pins
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path+".new", append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(d.path+".new", d.path)
}
