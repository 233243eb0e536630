package exchange

import (
	"slices"
	"time"
)

// Verdict is what follows from all rule outcomes: a grant or a refusal. Conclude is the only maker of either (the
// interface is sealed), and only a Verdict can be drafted, so nothing unconcluded is ever signed.
type Verdict interface {
	// Refused gives the outcome that decided against the holder; refused is false for a grant.
	Refused() (decided Outcome, refused bool)
	// Until is when the code ends, to the second; zero for a refusal.
	Until() time.Time
	// Basis is what was asked: the record and both sides' findings.
	Basis() (record Record, green, entry Findings)
	// Drafts writes what is to be signed.
	Drafts(terms Terms) (*Drafts, error)

	concluded()
}

// MaxCodeLife is the most that a code can live, whatever the rulebooks say. Old signing keys and recalls are kept that long.
const MaxCodeLife = 48 * time.Hour

// The ids of what Conclude itself finds, where no rule of a rulebook is at fault. Such an outcome carries no Advice, but
// for RuleAdverse: the reason's own text is what the holder is told.
const (
	RuleRoute         = "exchange.route"           // a rulebook said nothing at all, or let nothing pass
	RuleDocument      = "exchange.document"        // the code would show none of the holder's documents
	RuleValidity      = "exchange.validity"        // no rule of the destination sets an end
	RuleSourceCodeEnd = "exchange.source-code-end" // the source's own code has ended
	RuleAdverse       = "exchange.adverse-fact"    // something speaks against the holder that no rule in force judges
)

type basis struct {
	record       Record
	green, entry Findings
}

func (b basis) Basis() (Record, Findings, Findings) { return b.record, b.green, b.entry }
func (basis) concluded()                            {}

type grant struct {
	basis
	until time.Time
}

type refusal struct {
	basis
	decided Outcome
}

func (g grant) Refused() (Outcome, bool)   { return Outcome{}, false }
func (g grant) Until() time.Time           { return g.until }
func (r refusal) Refused() (Outcome, bool) { return r.decided, true }
func (r refusal) Until() time.Time         { return time.Time{} }

// Conclude weighs the source's and the destination's findings at now. "绿码" means something different on each side, so
// both must hold. The first outcome that blocks decides, the source's before the destination's and in rulebook order.
//
// What is not known to be good is not green, so these are refusals too: findings without outcomes, or in which nothing
// passes; a rule that failed to compute; a code that would show none of the holder's documents; and a code that would
// never end, or has already ended.
func Conclude(record Record, green, entry Findings, now time.Time) Verdict {
	b := basis{record: record, green: green, entry: entry}
	if decided, blocked := b.blocked(); blocked {
		return refusal{basis: b, decided: decided}
	}
	ends := b.ends()
	if len(ends) == 0 {
		return refusal{basis: b, decided: Outcome{Rule: RuleValidity, Status: Errored, Reason: NotEligible, Category: "validity"}}
	}
	first := slices.MinFunc(ends, func(one, other end) int { return one.at.Compare(other.at) })
	// A code's exp has whole seconds; rounding down never lengthens it.
	until := first.at.Truncate(time.Second)
	if longest := now.Add(MaxCodeLife).Truncate(time.Second); until.After(longest) {
		until = longest
	}
	if !until.After(now) {
		return refusal{basis: b, decided: first.passed()}
	}
	return grant{basis: b, until: until}
}

// blocked finds what stands in the way of any code, whatever its end would be.
func (b basis) blocked() (Outcome, bool) {
	for _, findings := range []Findings{b.green, b.entry} {
		if decided, blocked := findings.blocked(); blocked {
			return decided, true
		}
	}
	if unjudged := b.unjudged(); unjudged != "" {
		return Outcome{Rule: RuleAdverse, Status: Fails, Reason: NotEligible, Category: "route", Advice: adviceAdverse}, true
	}
	// A code without a document is worth nothing to an officer, and one with somebody else's is worth less.
	if shown := b.entry.Shows.Document; shown.Number == "" || !slices.Contains(b.record.Holder.Documents, shown) {
		return Outcome{Rule: RuleDocument, Status: Errored, Reason: DocumentNotAccepted, Category: "document"}, true
	}
	return Outcome{}, false
}

// unjudged is what speaks against the holder and what neither rulebook has a rule in force for: what was signed is never
// passed over because nobody thought of it.
func (b basis) unjudged() string {
	for _, kind := range b.record.Adverse() {
		if !slices.Contains(b.green.Judged, kind) && !slices.Contains(b.entry.Judged, kind) {
			return kind
		}
	}
	return ""
}

// blocked gives the first outcome that blocks. Rules that are all not in force, or only warn, have called nobody green.
func (f Findings) blocked() (Outcome, bool) {
	passed := false
	for _, outcome := range f.Outcomes {
		if outcome.Blocks() {
			return outcome, true
		}
		passed = passed || outcome.Status == Pass && !outcome.Warn
	}
	return Outcome{Rule: RuleRoute, Status: Errored, Reason: RouteNotConfigured, Category: "route"}, !passed
}

// end is an instant at which the code must end, and what demands it.
type end struct {
	at time.Time
	by Outcome
}

// passed is the outcome of a rule that held, once its time is over.
func (e end) passed() Outcome {
	e.by.Status = Fails
	return e.by
}

// ends lists every end that the code must respect: the destination's rules', the source's rules', and the source code's
// own. The destination must set one itself (its cap), or there is none at all.
func (b basis) ends() []end {
	ends := b.entry.ends()
	if len(ends) == 0 {
		return nil
	}
	ends = append(ends, b.green.ends()...)
	if until := b.record.Health.Until; !until.IsZero() {
		ends = append(ends, end{at: until, by: Outcome{Rule: RuleSourceCodeEnd, Reason: NotGreen, Category: "colour", Until: until}})
	}
	return ends
}

// ends leaves warnings out: when such a pass is over, nobody is refused, so it cannot end a code either.
func (f Findings) ends() []end {
	var ends []end
	for _, outcome := range f.Outcomes {
		if outcome.Status == Pass && !outcome.Warn && !outcome.Until.IsZero() {
			ends = append(ends, end{at: outcome.Until, by: outcome})
		}
	}
	return ends
}
