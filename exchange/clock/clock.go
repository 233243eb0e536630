// Package clock is the one place where the programs read the time of day.
//
// Rules, codes, packets and bundles all have dates. A test of them that mixes a fixed date with the machine's clock passes today
// and fails some day later. So the tests are also run with a clock that is some hundred days off:
//
//	go test  -ldflags "-X crosscode/exchange/clock.shift=9600h" …
//	go build -ldflags "-X crosscode/exchange/clock.shift=9600h" …
//
// Only the linker can shift the clock. There is no flag, no environment variable and no call for it, because a clock that an
// operator or an attacker can move would make an expired code valid again. A shifted program says so when it starts (Notice).
//
// All other code gets its clock by injection (a Clock field) or calls Now. The measuring of a duration (time.Now at its
// beginning, time.Since at its end) needs no date and uses package time. A test in this package holds both for every Go file.
//
// A page's script runs on the device of a traveller or an officer, and the only clock there is the device's own. The same test
// lists the scripts that read it, with the reason why a wrong clock makes no code valid.
//
// The package imports nothing but the standard library and has no state, so the simulated sides may use it as well.
package clock

import (
	"fmt"
	"time"
)

// shift is set by the linker alone: a duration such as "9600h" or "-9600h"; empty for every program that is shipped.
var shift string

// offset is shift as a duration. A shift that is none stops the program: it must not run with a clock that nobody asked for.
var offset = parse(shift)

func parse(shift string) time.Duration {
	if shift == "" {
		return 0
	}
	offset, err := time.ParseDuration(shift)
	if err != nil {
		panic("exchange/clock: the program was linked with shift=" + shift + ", which is not a duration")
	}
	return offset
}

// Now is the time of day: the machine's clock, with the shift of a test build. It keeps the monotonic reading, so two
// results may be subtracted like those of time.Now.
func Now() time.Time { return time.Now().Add(offset) }

// Until is how long it is from Now to the instant; negative once it is past.
func Until(instant time.Time) time.Duration { return instant.Sub(Now()) }

// Notice is what a shifted program says when it starts; empty for a program with the machine's own clock.
func Notice() string {
	if offset == 0 {
		return ""
	}
	return fmt.Sprintf("TEST BUILD: this program's clock is shifted by %s; never use it for real", offset)
}

// Offset is the shift: how much later than the machine's clock Now is. Zero for every program that is shipped. Tests shift with it what
// cannot be linked, such as a browser's clock.
func Offset() time.Duration { return offset }

// LinkerFlags are the arguments with which `go build` gives another program the clock of this one; none for a clock that is
// not shifted. Tests build the real programs with them.
func LinkerFlags() []string {
	if offset == 0 {
		return nil
	}
	return []string{"-ldflags", "-X crosscode/exchange/clock.shift=" + shift}
}
