package jurisdictions

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"cel.dev/cel-go/common/types/ref"

	"crosscode/exchange"
)

// Book is one side's rulebook: its rules, and the dated versions that say which of them are in force. A Book that exists
// has no fault, never changes, and may be used by many goroutines at once.
type Book struct {
	side     exchange.Side
	file     string
	sum      string // lower-case hex SHA-256 of the file
	rules    []*rule
	versions []*version // sorted, contiguous
}

// rule is one condition with its advice. Versions refer to it with parameters.
type rule struct {
	id       string // "macau.entry.negative-test"
	name     string // "entry.negative-test"
	line     int
	reason   exchange.Reason
	category string
	warn     bool
	once     bool    // asked: once
	bound    binding // to ports
	// judges lists the kinds (exchange.Record.Adverse) that the rule decides about or, with a source, waives.
	judges     []string
	waived     string // the source that allows it; empty: the rule decides
	parameters map[string]string
	when       *program // nil: always
	require    *program
	until      *program // nil: sets no end
	sampledAt  *program // nil: counts no sample
	advice     exchange.Advice
	examples   []example
}

// use is one line of a version's list: a rule with its parameters.
type use struct {
	*rule
	with  map[string]ref.Val
	shown map[string]any // the same, as they are published
	off   bool
	line  int
}

// version is a dated part of a book: [from, until).
type version struct {
	id                       string
	from, until              time.Time // until zero: no end
	line                     int
	closed                   bool
	unknown                  bool            // a gap in the record: nobody knows what was asked
	advice                   exchange.Advice // of a closed version
	source, confidence, note string
	green                    []use
	entry                    map[string]*entry // by route id
}

// entry is what the side asks of holders who come over one route.
type entry struct {
	accept     map[string][]string // document types by channel; "*": any other
	documents  exchange.Advice
	notGranted []string
	rules      []use
	gap        *gap // nil: what was asked is known
}

// gap says that what was asked over a route is not known: at every port, or at those that it is bound to.
type gap struct {
	bound binding
	note  string // what is not known
}

// blank tells whether nothing at all is known of what was asked.
func (e *entry) blank() bool { return e.gap != nil && e.gap.bound.everywhere() }

// anyChannel stands in the documents table for every channel that is not listed.
const anyChannel = "*"

// in tells whether the version is in force at the instant.
func (v *version) in(now time.Time) bool {
	return !now.Before(v.from) && (v.until.IsZero() || now.Before(v.until))
}

// grantsNothing tells whether nobody gets a code over the route under this version, whatever is shown: there is none, it is
// closed, it is a gap in the record, or it has no entry rules for the route, or a gap in their place.
func (v *version) grantsNothing(part string, route exchange.Route) bool {
	if v == nil || v.closed || v.unknown {
		return true
	}
	e := v.entry[route.String()]
	return part == partEntry && (e == nil || e.blank())
}

// at finds the version in force; nil before the first and after the last.
func (b *Book) at(now time.Time) *version {
	for _, v := range b.versions {
		if v.in(now) {
			return v
		}
	}
	return nil
}

// Side is whose rulebook it is.
func (b *Book) Side() exchange.Side { return b.side }

// SHA256 is the lower-case hex digest of the file's bytes.
func (b *Book) SHA256() string { return b.sum }

// name is what receipts and the journal call the version; "macau/none" where no version is in force.
func (b *Book) name(v *version) exchange.RulebookRef {
	if v == nil {
		return exchange.RulebookRef{Version: string(b.side) + "/none", SHA256: b.sum}
	}
	return exchange.RulebookRef{Version: v.id, SHA256: b.sum, Confidence: v.confidence}
}

// Green asks the side's own green rules in force at now. Every rule is evaluated; there is no I/O and no clock but now.
// No version in force and a gap in the record are one failing outcome with route-not-configured, a closed version one with
// route-closed.
func (b *Book) Green(record exchange.Record, now time.Time) exchange.Findings {
	return b.green(&record, now).Findings
}

// Admit asks the side's entry rules for the route in force at now, the documents table first. A route that the version
// does not have is one failing outcome: what nobody has configured is not green.
func (b *Book) Admit(record exchange.Record, route exchange.Route, now time.Time) exchange.Findings {
	return b.admit(&record, route, now).Findings
}

// Changes lists, in order, the instants after the one and up to the other at which another version is in force, or none.
func (b *Book) Changes(after, until time.Time) []time.Time {
	var changes []time.Time
	add := func(at time.Time) {
		if at.After(after) && !at.After(until) {
			changes = append(changes, at)
		}
	}
	for _, v := range b.versions {
		add(v.from)
	}
	if len(b.versions) > 0 {
		add(b.versions[len(b.versions)-1].until)
	}
	return changes
}

// answer is the findings with what Explain wants to know beside them: the cause of each error.
type answer struct {
	exchange.Findings
	causes []error // as long as Outcomes
	uses   []*use  // as long as Outcomes; nil for what is built in
}

func (a *answer) add(outcome exchange.Outcome, u *use, cause error) {
	a.Outcomes, a.uses, a.causes = append(a.Outcomes, outcome), append(a.uses, u), append(a.causes, cause)
}

func (a *answer) run(uses []use, v *view) {
	for i := range uses {
		found := uses[i].evaluate(v)
		a.add(found.Outcome, &uses[i], found.cause)
		if found.Status == exchange.Pass || found.Status == exchange.Fails {
			a.Judged = append(a.Judged, uses[i].judges...)
		}
		if a.Shows.SampledOn == (exchange.Date{}) && !found.sampled.IsZero() {
			a.Shows.SampledOn = exchange.DateOf(found.sampled)
		}
	}
}

func newAnswer(book exchange.RulebookRef, rules int) answer {
	return answer{
		Findings: exchange.Findings{Rulebook: book, Outcomes: make([]exchange.Outcome, 0, rules)},
		causes:   make([]error, 0, rules), uses: make([]*use, 0, rules),
	}
}

func (b *Book) green(record *exchange.Record, now time.Time) answer {
	v := b.at(now)
	if v.grantsNothing(partGreen, record.Route) {
		return b.shut(v, partGreen, record.Route)
	}
	a := newAnswer(b.name(v), len(v.green))
	a.run(v.green, newView(record, record.Route, now))
	a.Shows = exchange.Shows{}
	return a
}

func (b *Book) admit(record *exchange.Record, route exchange.Route, now time.Time) answer {
	v := b.at(now)
	if v.grantsNothing(partEntry, route) {
		return b.shut(v, partEntry, route)
	}
	e := v.entry[route.String()]
	a := newAnswer(b.name(v), len(e.rules)+2)
	if e.gap != nil {
		a.add(e.gap.judge(b.side, record, route, now), nil, nil)
	}
	facts, first := newView(record, route, now), e.beforeTable()
	outcome, document := e.document(b.side, record)
	a.run(e.rules[:first], facts)
	a.add(outcome, nil, nil)
	a.run(e.rules[first:], facts)
	a.Shows.Document, a.NotGranted = document, e.notGranted
	return a
}

// beforeTable is how many rules stand before the documents table: those on documents with which the list begins, so that a
// holder of a document that no route takes is told where to go instead, and not only that it is not in the table.
func (e *entry) beforeTable() int {
	for i := range e.rules {
		if e.rules[i].category != "document" {
			return i
		}
	}
	return len(e.rules)
}

// shut is the one failing outcome where no rules are in force.
func (b *Book) shut(v *version, part string, route exchange.Route) answer {
	outcome := exchange.Outcome{
		Rule: string(b.side) + "." + part + ".route", Status: exchange.Fails, Reason: exchange.RouteNotConfigured,
		Category: "route", Advice: adviceNotConfigured,
	}
	switch {
	case v == nil:
	case v.closed:
		outcome.Rule, outcome.Reason, outcome.Advice = string(b.side)+"."+part+".closed", exchange.RouteClosed, v.advice
	case v.unknown, part == partEntry && v.entry[route.String()] != nil:
		outcome.Rule, outcome.Advice = string(b.side)+"."+part+".unknown", adviceGap
	}
	a := newAnswer(b.name(v), 1)
	a.add(outcome, nil, nil)
	return a
}

// judge refuses at the ports of which nothing is known, and says at which ports something is.
func (g *gap) judge(side exchange.Side, record *exchange.Record, route exchange.Route, now time.Time) exchange.Outcome {
	outcome := g.rule(side)
	if !g.bound.holds(route.String(), record.Port) {
		outcome.Status = exchange.NotInForce
		return outcome
	}
	outcome.Advice = elsewhere(adviceGap, g.bound.elsewhere(route.String(), now))
	return outcome
}

// rule is the gap as a rule that nobody meets.
func (g *gap) rule(side exchange.Side) exchange.Outcome {
	return exchange.Outcome{
		Rule: string(side) + ".entry.unknown", Status: exchange.Fails, Reason: exchange.RouteNotConfigured, Category: "route",
		Advice: adviceGap,
	}
}

// document chooses what the code prints: the first type in the table's order that the holder has.
func (e *entry) document(side exchange.Side, record *exchange.Record) (exchange.Outcome, exchange.Document) {
	outcome := exchange.Outcome{
		Rule: string(side) + ".entry.documents", Status: exchange.Pass, Reason: exchange.DocumentNotAccepted,
		Category: "document", Advice: e.documents,
	}
	accepted, listed := e.accept[record.Channel]
	if !listed {
		accepted = e.accept[anyChannel]
	}
	for _, kind := range accepted {
		for _, document := range record.Holder.Documents {
			if document.Type == kind {
				return outcome, document
			}
		}
	}
	outcome.Status = exchange.Fails
	return outcome, exchange.Document{}
}

// found is what one rule says, with the sample it counted and the cause of an error.
type found struct {
	exchange.Outcome
	sampled time.Time
	cause   error
}

// evaluate runs one rule. Any error makes the outcome an error, which blocks.
func (u *use) evaluate(v *view) found {
	f := found{Outcome: exchange.Outcome{
		Rule: u.id, Warn: u.warn, Reason: u.reason, Category: u.category, Advice: u.advice,
	}}
	f.Status = exchange.NotInForce
	if u.off || !u.bound.holds(v.packet.Route, exchange.Port(v.packet.Port)) {
		return f
	}
	v.with, v.once = u.with, u.once
	f.Status, f.cause = u.status(v)
	if f.Status == exchange.Fails {
		f.Advice = elsewhere(u.advice, u.bound.elsewhere(v.packet.Route, v.now))
	}
	if f.Status != exchange.Pass {
		return f
	}
	f.Until, f.cause = instantOrNone(u.until, v)
	if f.cause == nil {
		f.sampled, f.cause = instantOrNone(u.sampledAt, v)
	}
	if f.cause != nil {
		f.Status, f.Until, f.sampled = exchange.Errored, time.Time{}, time.Time{}
	}
	return f
}

func (r *rule) status(in *view) (exchange.Status, error) {
	if r.when != nil {
		if applies, err := r.when.holds(in); err != nil {
			return exchange.Errored, err
		} else if !applies {
			return exchange.NotInForce, nil
		}
	}
	holds, err := r.require.holds(in)
	switch {
	case err != nil:
		return exchange.Errored, err
	case !holds:
		return exchange.Fails, nil
	}
	return exchange.Pass, nil
}

func instantOrNone(p *program, in *view) (time.Time, error) {
	if p == nil {
		return time.Time{}, nil
	}
	instant, err := p.instant(in)
	return instant.In(exchange.Zone), err
}

// Editions lists the versions that apply to the route, in force at now or announced: as the side's green rules where the
// route leaves it, as its entry rules where the route comes to it. Versions without rules for the route are left out,
// unless they are closed or a gap in the record.
func (b *Book) Editions(route exchange.Route, now time.Time) []exchange.Edition {
	part := b.part(route)
	editions := []exchange.Edition{}
	for _, v := range b.versions {
		if part == "" || !v.until.IsZero() && !now.Before(v.until) {
			continue
		}
		uses, configured := v.part(part, route)
		if configured {
			editions = append(editions, b.edition(v, part, uses, route))
		}
	}
	return editions
}

// The two parts of a version.
const (
	partGreen = "green"
	partEntry = "entry"
)

func (b *Book) part(route exchange.Route) string {
	switch b.side {
	case route.From:
		return partGreen
	case route.To:
		return partEntry
	}
	return ""
}

func (v *version) part(part string, route exchange.Route) (uses []use, configured bool) {
	switch {
	case v.closed, v.unknown:
		return nil, true
	case part == partGreen:
		return v.green, true
	case v.entry[route.String()] == nil:
		return nil, false
	}
	return v.entry[route.String()].rules, true
}

func (b *Book) edition(v *version, part string, uses []use, route exchange.Route) exchange.Edition {
	e := v.entry[route.String()]
	edition := exchange.Edition{
		RulebookRef: b.name(v), Side: b.side, Part: part, From: v.from, Until: endOf(v.until), Closed: v.closed, Source: v.source,
		Unknown: v.unknown || part == partEntry && e != nil && e.blank(), Rules: []exchange.RuleText{},
	}
	if part == partEntry && e != nil && e.gap != nil {
		edition.Rules = append(edition.Rules, e.gap.published(b.side, route))
	}
	for _, u := range uses {
		if !u.off {
			edition.Rules = append(edition.Rules, u.published(route))
		}
	}
	return edition
}

func (g *gap) published(side exchange.Side, route exchange.Route) exchange.RuleText {
	rule := g.rule(side)
	return exchange.RuleText{
		ID: rule.Rule, Ports: g.bound.published(route), Reason: rule.Reason, Category: rule.Category, Condition: "false",
		Advice: rule.Advice,
	}
}

func (u *use) published(route exchange.Route) exchange.RuleText {
	return exchange.RuleText{
		ID: u.id, Ports: u.bound.published(route), Reason: u.reason, Category: u.category, Warn: u.warn, Once: u.once,
		Judges: u.judges, WaivedBy: u.waived, Condition: u.condition(), Parameters: maps.Clone(u.shown), Advice: u.advice,
	}
}

// condition is the rule as one CEL condition: where it does not apply, it holds.
func (r *rule) condition() string {
	if r.when == nil {
		return r.require.source
	}
	return "!(" + r.when.source + ") || (" + r.require.source + ")"
}

func endOf(until time.Time) *time.Time {
	if until.IsZero() {
		return nil
	}
	return &until
}

// Mentions is the words of a book that must exist elsewhere: a port or a document that nobody has is a typo, and a rule
// bound to such a port would never hold. Only the wiring knows all sides' words, so it is the wiring that compares them.
type Mentions struct {
	Ports     []exchange.Port
	Channels  []string // without "*"
	Documents []string
}

// Mentions lists the book's ports, channels and document types, each once, sorted.
func (b *Book) Mentions() Mentions {
	var m Mentions
	for _, r := range b.rules {
		m.Ports = append(m.Ports, r.bound.named...)
	}
	for _, v := range b.versions {
		for _, e := range v.entry {
			for channel, kinds := range e.accept {
				if channel != anyChannel {
					m.Channels = append(m.Channels, channel)
				}
				m.Documents = append(m.Documents, kinds...)
			}
		}
	}
	return Mentions{Ports: distinct(m.Ports), Channels: distinct(m.Channels), Documents: distinct(m.Documents)}
}

func distinct[T cmp.Ordered](words []T) []T {
	slices.Sort(words)
	return slices.Compact(words)
}
