package jurisdictions

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"crosscode/exchange"
)

// Version is one dated version of a rulebook, with what it changed.
type Version struct {
	ID         string     `json:"id"`              // "macau/2021-06-08T10:00+08:00"
	From       time.Time  `json:"from"`            // in UTC+8
	Until      *time.Time `json:"until,omitempty"` // half-open; absent: no end
	Closed     bool       `json:"closed,omitempty"`
	Unknown    bool       `json:"unknown,omitempty"` // a gap in the record, as a whole
	Gaps       []Gap      `json:"gaps,omitempty"`    // of single routes
	Source     string     `json:"source"`
	Confidence string     `json:"confidence"` // official, press or assumed
	Note       string     `json:"note,omitempty"`
	// Changes is what differs from the version before it; the first version adds everything it has.
	Changes []Change `json:"changes"`
}

// Gap is what the record does not know of one route in a version.
type Gap struct {
	Route string          `json:"route"`
	Ports []exchange.Port `json:"ports,omitempty"` // where it is not known; empty: at every port
	Note  string          `json:"note"`
}

// Change is one difference between two versions.
type Change struct {
	Kind string `json:"kind"`
	// Part is "green", or the id of the route whose entry rules changed; empty for the version as a whole.
	Part string `json:"part,omitempty"`
	// Rule is the full id of the rule that changed; empty for a part as a whole.
	Rule   string         `json:"rule,omitempty"`
	Before map[string]any `json:"before,omitempty"`
	After  map[string]any `json:"after,omitempty"`
}

// The kinds of Change.
const (
	RuleAdded         = "rule-added"
	RuleRemoved       = "rule-removed" // also: switched off
	ParametersChanged = "parameters-changed"
	RouteOpened       = "route-opened"
	RouteRemoved      = "route-removed"
	DocumentsChanged  = "documents-changed"   // before and after: document types by channel
	NotGrantedChanged = "not-granted-changed" // before and after: {"not_granted": …}
	RouteUnknown      = "route-unknown"       // what is asked over the route, or at some of its ports, is not known
	Closed            = "closed"
	NotKnown          = "unknown"
	Reopened          = "reopened" // after a closed version, or one that is not known
)

// Versions lists the book's versions in order, each with what it changed.
func (b *Book) Versions() []Version {
	versions := make([]Version, len(b.versions))
	before := &version{}
	for i, v := range b.versions {
		versions[i] = Version{
			ID: v.id, From: v.from, Until: endOf(v.until), Closed: v.closed, Unknown: v.unknown, Gaps: v.gaps(), Source: v.source,
			Confidence: v.confidence, Note: v.note, Changes: changes(before, v),
		}
		before = v
	}
	return versions
}

// gaps lists the routes of which something is not known, by id.
func (v *version) gaps() []Gap {
	var gaps []Gap
	for _, id := range slices.Sorted(maps.Keys(v.entry)) {
		if unknown := v.entry[id].gap; unknown != nil {
			route, _ := exchange.ParseRoute(id) // Parse has read it
			gaps = append(gaps, Gap{Route: id, Ports: unknown.bound.published(route), Note: unknown.note})
		}
	}
	return gaps
}

func changes(before, after *version) []Change {
	list := []Change{}
	shut := func(v *version) bool { return v.closed || v.unknown }
	switch {
	case after.closed && !before.closed:
		return append(list, Change{Kind: Closed})
	case after.unknown && !before.unknown:
		return append(list, Change{Kind: NotKnown})
	case shut(after):
		return list
	case shut(before):
		list = append(list, Change{Kind: Reopened})
	}
	list = append(list, ruleChanges(partGreen, before.green, after.green)...)
	for _, route := range slices.Sorted(maps.Keys(merge(before.entry, after.entry))) {
		list = append(list, entryChanges(route, before.entry[route], after.entry[route])...)
	}
	return list
}

func merge(a, b map[string]*entry) map[string]*entry {
	all := make(map[string]*entry, len(a)+len(b))
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

func entryChanges(route string, before, after *entry) []Change {
	if after == nil {
		return []Change{{Kind: RouteRemoved, Part: route}}
	}
	var list []Change
	if before == nil || before.blank() && !after.blank() {
		before = &entry{}
		list = append(list, Change{Kind: RouteOpened, Part: route})
	}
	if after.gap != nil && (before.gap == nil || before.gap.note != after.gap.note) {
		list = append(list, Change{Kind: RouteUnknown, Part: route, After: map[string]any{"note": after.gap.note}})
	}
	if after.blank() {
		return list
	}
	if !maps.EqualFunc(before.accept, after.accept, slices.Equal) {
		list = append(list, Change{Kind: DocumentsChanged, Part: route, Before: table(before.accept), After: table(after.accept)})
	}
	if !slices.Equal(before.notGranted, after.notGranted) {
		list = append(list, Change{
			Kind: NotGrantedChanged, Part: route,
			Before: map[string]any{"not_granted": before.notGranted}, After: map[string]any{"not_granted": after.notGranted},
		})
	}
	return append(list, ruleChanges(route, before.rules, after.rules)...)
}

func table(accept map[string][]string) map[string]any {
	shown := make(map[string]any, len(accept))
	for channel, kinds := range accept {
		shown[channel] = kinds
	}
	return shown
}

// ruleChanges compares what is in force: a rule that is switched off counts as absent.
func ruleChanges(part string, before, after []use) []Change {
	var list []Change
	for _, u := range after {
		old, had := inForce(before, u.id)
		switch {
		case u.off:
		case !had:
			list = append(list, Change{Kind: RuleAdded, Part: part, Rule: u.id, After: maps.Clone(u.shown)})
		case !reflect.DeepEqual(old.shown, u.shown):
			list = append(list, Change{
				Kind: ParametersChanged, Part: part, Rule: u.id, Before: maps.Clone(old.shown), After: maps.Clone(u.shown),
			})
		}
	}
	for _, u := range before {
		if _, has := inForce(after, u.id); !u.off && !has {
			list = append(list, Change{Kind: RuleRemoved, Part: part, Rule: u.id, Before: maps.Clone(u.shown)})
		}
	}
	return list
}

func inForce(uses []use, id string) (use, bool) {
	for _, u := range uses {
		if u.id == id && !u.off {
			return u, true
		}
	}
	return use{}, false
}
