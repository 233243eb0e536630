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
}

// Edition is one dated rulebook version as it is published.
type Edition struct {
	Book
	Side   Side       `json:"side"`
	Part   string     `json:"part"` // "green" or "entry"
	From   time.Time  `json:"from"`
	Until  *time.Time `json:"until,omitempty"` // half-open; absent: no end
	Closed bool       `json:"closed,omitempty"`
	Source string     `json:"source"`
	Rules  []RuleText `json:"rules"`
}

// RuleText is one rule as people read it.
type RuleText struct {
	ID         string         `json:"id"`
	Ports      []Port         `json:"ports,omitempty"` // empty: every port
	Reason     Reason         `json:"reason"`
	Category   string         `json:"category"`
	Warn       bool           `json:"warn,omitempty"`
	Condition  string         `json:"condition"` // CEL
	Parameters map[string]any `json:"parameters,omitempty"`
	Advice
}
