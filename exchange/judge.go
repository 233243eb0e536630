package exchange

import (
	"slices"
	"time"
)

// Rulebook is what one side says of a record, by the version that is in force at an instant. It does no I/O.
type Rulebook interface {
	// Green asks the side's own rules in force at now.
	Green(record Record, now time.Time) Findings
	// Admit asks the side's entry rules for the route in force at now. No rulebook for the route is one failed outcome.
	Admit(record Record, route Route, now time.Time) Findings
	// Changes lists, in order, the instants after the one and up to the other at which another version is in force, or none.
	Changes(after, until time.Time) []time.Time
}

// Judge asks both sides about a record that is brought at now, and sees to it that no code outlives what allowed it.
//
// A grant is asked about again at every instant in its life at which the answer can change: where either side's announced
// version begins or ends, and on the holder's birthday, since rules look at age. It lives on only if it would be granted
// there as well, and no longer than what is granted there; else it ends a second before. Between those instants each rule's
// own Until holds: it is the last second at which the rule passes.
//
// What is asked is the same record, brought at the same instant (Record.Brought). A rule about the asking itself, such as
// how old the source's colour may be, is judged there: hours later every colour is old, and nothing would have changed.
func Judge(record Record, source, destination Rulebook, now time.Time) Verdict {
	record.Brought = now
	ask := func(at time.Time) Verdict {
		return Conclude(record, source.Green(record, at), destination.Admit(record, record.Route, at), at)
	}
	first := ask(now)
	granted, ok := first.(grant)
	if !ok {
		return first
	}
	for _, at := range turns(record.Holder, source, destination, now, granted.end.At) {
		if at.After(granted.end.At) {
			break
		}
		granted.end = granted.end.under(ask(at), at)
	}
	return granted
}

// turns lists, in order, when another answer is possible.
func turns(holder Holder, source, destination Rulebook, after, until time.Time) []time.Time {
	all := append(source.Changes(after, until), destination.Changes(after, until)...)
	all = append(all, holder.birthdays(after, until)...)
	slices.SortFunc(all, time.Time.Compare)
	return slices.CompactFunc(all, time.Time.Equal)
}

// under is the code's end once it is known what would be said at an instant of its life.
func (e End) under(later Verdict, at time.Time) End {
	if refused, ok := later.(refusal); ok {
		return End{At: at.Add(-time.Nanosecond).Truncate(time.Second), By: refused.decided, Version: refused.version}
	}
	if later.Until().Before(e.At) {
		return later.End()
	}
	return e
}
