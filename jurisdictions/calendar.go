package jurisdictions

import (
	"slices"
	"time"

	"crosscode/exchange"
)

// Shut lists the windows that overlap from to until in which this rulebook gives nobody a code over the route; see
// exchange.Calendar. A gap at some ports alone shuts none: the others are open.
func (b *Book) Shut(route exchange.Route, from, until time.Time) []exchange.Window {
	part := b.part(route)
	var windows []exchange.Window
	if part == "" {
		return windows
	}
	for _, v := range b.whole() {
		last := len(windows) - 1
		switch {
		case !v.grantsNothing(part, route):
		case last >= 0 && windows[last].Until.Equal(v.from):
			windows[last].Until = v.until
		default:
			windows = append(windows, exchange.Window{From: v.from, Until: v.until})
		}
	}
	return slices.DeleteFunc(windows, func(w exchange.Window) bool { return !w.Overlaps(from, until) })
}

// whole is the versions with what lies before the first and after the last, where nothing is known.
func (b *Book) whole() []*version {
	first, last := b.versions[0], b.versions[len(b.versions)-1]
	all := append([]*version{{unknown: true, until: first.from}}, b.versions...)
	if !last.until.IsZero() {
		all = append(all, &version{unknown: true, from: last.until})
	}
	return all
}
