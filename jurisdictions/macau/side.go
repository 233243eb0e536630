package macau

import (
	_ "embed" // rulebook.yaml and consents.yaml
	"errors"
	"time"

	"crosscode/exchange"
	"crosscode/jurisdictions"
)

// ID is Macau's id in packets, routes and rulebooks.
const ID exchange.Side = "macau"

var (
	//go:embed rulebook.yaml
	rulebookYAML []byte
	//go:embed consents.yaml
	consentsYAML []byte
)

// Side is Macau as a source and as a destination. It may be used by many goroutines.
type Side struct {
	vocabulary jurisdictions.Vocabulary
	consents   jurisdictions.Consents
	rules      *jurisdictions.Shelf
}

var _ exchange.Jurisdiction = (*Side)(nil)

// New reads the side's files; the error lists every fault in all of them.
func New(options jurisdictions.Options) (*Side, error) {
	words, wordsErr := vocabulary().Complete(options)
	consents, consentsErr := jurisdictions.ParseConsents("macau/consents.yaml", consentsYAML, ID)
	rules, rulesErr := jurisdictions.NewShelf(ID, rulebookYAML, options)
	if err := errors.Join(wordsErr, consentsErr, rulesErr); err != nil {
		return nil, err
	}
	return &Side{vocabulary: words, consents: consents, rules: rules}, nil
}

// Profile is the form of Macau's code.
func (s *Side) Profile() exchange.Profile {
	return exchange.Profile{Side: ID, Key: "mo", Type: "mo-code+jwt", Tag: "mo"}
}

// Read parses the claims of a packet that Macau signed.
func (s *Side) Read(claims exchange.Claims) (exchange.Record, error) {
	return jurisdictions.Read(claims, s.vocabulary, s.consents)
}

// Green asks Macau's own rules about one of its holders.
func (s *Side) Green(record exchange.Record, now time.Time) exchange.Findings {
	return s.rules.Current().Green(record, now)
}

// Admit asks Macau's entry rules about somebody who comes over the route.
func (s *Side) Admit(record exchange.Record, route exchange.Route, now time.Time) exchange.Findings {
	return s.rules.Current().Admit(record, route, now)
}

// InUse is the rulebook in use, which a reload replaces and never changes.
func (s *Side) InUse() exchange.Rulebook { return s.rules.Current() }

// Changes lists when another version of Macau's rulebook is in force.
func (s *Side) Changes(after, until time.Time) []time.Time {
	return s.rules.Current().Changes(after, until)
}

// Editions lists Macau's rules for the route, in force at now and announced.
func (s *Side) Editions(route exchange.Route, now time.Time) []exchange.Edition {
	return s.rules.Current().Editions(route, now)
}

// Shut lists when Macau's rulebook closes the route.
func (s *Side) Shut(route exchange.Route, from, until time.Time) []exchange.Window {
	return s.rules.Current().Shut(route, from, until)
}

// Consents lists the wordings for a route from Macau, in force at now and announced.
func (s *Side) Consents(route exchange.Route, now time.Time) []exchange.ConsentText {
	return s.consents.For(route, now)
}

// Ports lists the border crossings of a route that begins or ends at Macau.
func (s *Side) Ports(route exchange.Route) []exchange.PortText { return s.vocabulary.Ports.On(route) }

// Contact is whom Macau's holders call.
func (s *Side) Contact() exchange.Text { return s.vocabulary.Contact }

// Forms lists what Macau asks people who come to declare.
func (s *Side) Forms() jurisdictions.Forms { return s.vocabulary.Forms.AskedBy(ID) }

// Vocabulary is the words that Macau signs.
func (s *Side) Vocabulary() jurisdictions.Vocabulary { return s.vocabulary }

// Wordings is the consent texts that Macau publishes, with which its packets are read.
func (s *Side) Wordings() jurisdictions.Consents { return s.consents }

// Rules is the shelf with Macau's current rulebook, to reload and to explain.
func (s *Side) Rules() *jurisdictions.Shelf { return s.rules }
