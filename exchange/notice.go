package exchange

import "time"

// Publisher is what a side lets everybody read: its rules, current and announced, and the consent texts of the routes
// that begin at it.
type Publisher interface {
	// Editions lists the rulebook versions that apply to the route, as this side's green or entry rules: the one in force
	// at now and all later ones, in order.
	Editions(route Route, now time.Time) []Edition
	// Consents lists the texts for a route from this side that are in force at now or announced, in every language.
	Consents(route Route, now time.Time) []ConsentText
	// Ports lists the border crossings of a route that begins or ends at this side, in the order of the side's data.
	Ports(route Route) []PortText
	// Contact is whom this side's holders call: a name and a number, in every language.
	Contact() Text
}

// PortText is one border crossing as it is published: its names, and facts about it. A fact decides no verdict: a packet
// for a port that is shut today is judged like any other.
type PortText struct {
	ID     Port            `json:"id"`
	Kind   string          `json:"kind"`   // "land", "bridge", "rail", "ferry", "airport" or "heliport"
	Cities map[Side]string `json:"cities"` // where it is on each of its two sides
	Name   Text            `json:"name"`
	// Opened and Closed are the first day of service and the first day without it, in UTC+8: "2021-09-08". Empty: not known,
	// or not yet.
	Opened     string        `json:"opened,omitempty"`
	Closed     string        `json:"closed,omitempty"`
	Service    []PortService `json:"service"`
	Source     string        `json:"source"`
	Confidence string        `json:"confidence"` // "official", "press" or "assumed"
	Note       string        `json:"note,omitempty"`
}

// PortService is when a port let people through in a period of days in UTC+8. What no period covers is not known.
type PortService struct {
	From       string `json:"from"`
	Until      string `json:"until,omitempty"` // the first day that is not in the period; empty: no end is known
	Open       string `json:"open"`            // "06:00-01:00" in UTC+8, past midnight if it ends before it begins; or "shut"
	Source     string `json:"source"`
	Confidence string `json:"confidence"`
}

// Shut is what PortService.Open says of a port that lets nobody through.
const Shut = "shut"

// Serves tells whether nothing is known that speaks against the port on a day: it has opened, is not closed, and no period
// says that it is shut. Days in ISO form compare as text.
func (p PortText) Serves(day Date) bool {
	on := day.String()
	if p.Opened != "" && on < p.Opened || p.Closed != "" && on >= p.Closed {
		return false
	}
	for _, period := range p.Service {
		if period.Open == Shut && on >= period.From && (period.Until == "" || on < period.Until) {
			return false
		}
	}
	return true
}

// Edition is one dated rulebook version as it is published.
type Edition struct {
	RulebookRef
	Side   Side       `json:"side"`
	Part   string     `json:"part"` // "green" or "entry"
	From   time.Time  `json:"from"`
	Until  *time.Time `json:"until,omitempty"` // half-open; absent: no end
	Closed bool       `json:"closed,omitempty"`
	// Unknown: a gap in the record; what was asked at that time is not known, and nobody gets a code for it.
	Unknown bool       `json:"unknown,omitempty"`
	Source  string     `json:"source"`
	Rules   []RuleText `json:"rules"`
}

// RuleText is one rule as people read it.
type RuleText struct {
	ID       string `json:"id"`
	Ports    []Port `json:"ports,omitempty"` // empty: every port
	Reason   Reason `json:"reason"`
	Category string `json:"category"`
	Warn     bool   `json:"warn,omitempty"`
	// Once: now in Condition is when the packet was brought, even where a later instant of the code's life is judged.
	Once       bool           `json:"asked_once,omitempty"`
	Judges     []string       `json:"judges,omitempty"`    // kinds of Record.Adverse
	WaivedBy   string         `json:"waived_by,omitempty"` // the source by which they refuse nobody
	Condition  string         `json:"condition"`           // CEL
	Parameters map[string]any `json:"parameters,omitempty"`
	Advice
}
