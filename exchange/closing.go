package exchange

import (
	"maps"
	"slices"
	"time"
)

// Window is a time [From, Until): a zero From has no beginning, a zero Until no end.
type Window struct{ From, Until time.Time }

// Overlaps tells whether some instant of from to until, both included, is in the window.
func (w Window) Overlaps(from, until time.Time) bool {
	return !w.From.After(until) && (w.Until.IsZero() || w.Until.After(from))
}

// over tells whether the window has ended at now.
func (w Window) over(now time.Time) bool { return !w.Until.IsZero() && !w.Until.After(now) }

// Closing is a time in which a route is closed. It voids every code of the route that was issued before its end, from its
// beginning on. A code does not come back when the route opens again: what was true of its holder was not asked anew.
//
// A code from inside a closing is void too: only a rulebook that has been replaced since can have allowed it.
//
// Closings are read from the rulebooks in use. An operator who opens a route again keeps the closed version in the file,
// with its end; a file without it says that the route was never closed, and the codes from before count again.
type Closing struct {
	Route Route
	Window
}

// Calendar is what a side's rulebook says of a route as a whole.
type Calendar interface {
	// Shut lists, in order, the windows that overlap from to until in which nobody gets a code over the route by this side's
	// rulebook in use: a closed version, a gap in the record, no version, or no entry rules for the route. Each window has
	// its whole length, and no two touch. A side at neither end of the route shuts nothing. It does no I/O.
	Shut(route Route, from, until time.Time) []Window
}

// MaxClosings is how many closings of one route count: those that Closings lists lie within three days. A route with more
// is closed from the last of these on, without an end. So a bundle's closings have at most a kilobyte for each route.
const MaxClosings = 16

// Closings lists the closings that somebody needs who examines codes between now and now plus BundleHardLife, for every
// route between two of the sides, ordered by route and beginning. A closing at either end closes the route. The oldest code
// that can still be good was issued MaxCodeLife plus Leeway before now. It asks the rulebooks in use, so a rulebook that
// is replaced at run time is in the next answer.
func Closings(sides map[Side]Jurisdiction, now time.Time) []Closing {
	closings := []Closing{}
	ids := slices.Sorted(maps.Keys(sides))
	for _, source := range ids {
		for _, destination := range ids {
			if source == destination {
				continue
			}
			route := Route{From: source, To: destination}
			for _, window := range closingsOf(route, sides, now) {
				closings = append(closings, Closing{Route: route, Window: window})
			}
		}
	}
	return closings
}

func closingsOf(route Route, sides map[Side]Jurisdiction, now time.Time) []Window {
	from, until := now.Add(-MaxCodeLife-Leeway), now.Add(BundleHardLife)
	return joined(sides[route.From].Shut(route, from, until), sides[route.To].Shut(route, from, until))
}

// ClosedNow gives the latest closing of a route between two of the sides that voids a code of issuedAt at now: what a bundle
// of this instant would say.
func ClosedNow(sides map[Side]Jurisdiction, route Route, issuedAt, now time.Time) (Window, bool) {
	return latest(closingsOf(route, sides, now), issuedAt, now)
}

// joined is the union of two lists of windows: at most MaxClosings, in order, and no two touch.
func joined(one, other []Window) []Window {
	all := slices.Concat(one, other)
	slices.SortFunc(all, func(a, b Window) int { return a.From.Compare(b.From) })
	var union []Window
	for _, next := range all {
		last := len(union) - 1
		switch {
		case last < 0 || !union[last].Until.IsZero() && union[last].Until.Before(next.From):
			union = append(union, next)
		case next.Until.IsZero() || union[last].Until.IsZero():
			union[last].Until = time.Time{}
		case next.Until.After(union[last].Until):
			union[last].Until = next.Until
		}
	}
	if len(union) > MaxClosings {
		union = union[:MaxClosings]
		union[MaxClosings-1].Until = time.Time{}
	}
	return union
}

// latest finds the closing that voids a code, the one that began last if there are more. A closing has no leeway: it is an
// instant that a side announces, and a code that counts for a minute longer is a code that outlives what allowed it.
func latest(closings []Window, issuedAt, now time.Time) (found Window, voids bool) {
	for _, closing := range closings {
		if closing.Overlaps(issuedAt, now) && (!voids || closing.From.After(found.From)) {
			found, voids = closing, true
		}
	}
	return found, voids
}

// Notices are what can speak against genuine papers from outside. Routes and sides are named by tags, as papers name them.
type Notices interface {
	// Recalled answers for a code id, the tag of the side that its route begins at ("mo"), and its iat.
	Recalled(codeID, source string, issuedAt time.Time) bool
	// Closed gives the latest closing of the route ("mo-gd") that voids a code of issuedAt at now.
	Closed(route string, issuedAt, now time.Time) (closing Window, closed bool)
}
