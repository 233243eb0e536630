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
	// Until is the last second at which the code is good; zero for a refusal.
	Until() time.Time
	// End is Until and what sets it; the zero End for a refusal.
	End() End
	// Warnings are what the holder of a code must be told: rules that were not met and only warn, and a life so short that
	// the code may end on the way.
	Warnings() []Outcome
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
	RuleCodeLife      = "exchange.code-life"       // MaxCodeLife is over
	RuleShortLife     = "exchange.short-life"      // warns only: the code lives less than ShortLife
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
	at  time.Time // when it was concluded
	end End
}

type refusal struct {
	basis
	decided Outcome
	version string // of the rulebook that decided
}

func (g grant) Refused() (Outcome, bool)   { return Outcome{}, false }
func (g grant) Until() time.Time           { return g.end.At }
func (g grant) End() End                   { return g.end }
func (r refusal) Refused() (Outcome, bool) { return r.decided, true }
func (r refusal) Until() time.Time         { return time.Time{} }
func (r refusal) End() End                 { return End{} }

// Conclude weighs the source's and the destination's findings at now. "绿码" means something different on each side, so
// both must hold. The first outcome that blocks decides, the source's before the destination's and in rulebook order.
//
// What is not known to be good is not green, so these are refusals too: findings without outcomes, or in which nothing
// passes; a rule that failed to compute; a code that would show none of the holder's documents; and a code that would
// never end, or has already ended. The last second of a code belongs to it: at 23:59:59.9 a test that counts until 23:59:59
// still makes one.
//
// It knows one instant only. What a later version of a rulebook says is for Judge.
func Conclude(record Record, green, entry Findings, now time.Time) Verdict {
	b := basis{record: record, green: green, entry: entry}
	if decided, version, blocked := b.blocked(); blocked {
		return refusal{basis: b, decided: decided, version: version}
	}
	ends := b.ends()
	if len(ends) == 0 {
		none := Outcome{Rule: RuleValidity, Status: Errored, Reason: NotEligible, Category: "validity"}
		return refusal{basis: b, decided: none, version: entry.Rulebook.Version}
	}
	ends = append(ends, End{At: now.Add(MaxCodeLife), By: Outcome{Rule: RuleCodeLife, Reason: NotEligible, Category: "validity"}})
	first := slices.MinFunc(ends, func(one, other End) int { return one.At.Compare(other.At) })
	// A code's exp has whole seconds; rounding down never lengthens it.
	first.At = first.At.Truncate(time.Second)
	if first.At.Before(now.Truncate(time.Second)) {
		return refusal{basis: b, decided: first.passed(), version: first.Version}
	}
	return grant{basis: b, at: now, end: first}
}

// blocked finds what stands in the way of any code, whatever its end would be.
func (b basis) blocked() (decided Outcome, version string, blocked bool) {
	for _, findings := range []Findings{b.green, b.entry} {
		if decided, blocked := findings.blocked(); blocked {
			return decided, findings.Rulebook.Version, true
		}
	}
	if b.unjudged() {
		return Outcome{Rule: RuleAdverse, Status: Fails, Reason: NotEligible, Category: "route", Advice: adviceAdverse}, b.entry.Rulebook.Version, true
	}
	// A code without a document is worth nothing to an officer, and one with somebody else's is worth less.
	if shown := b.entry.Shows.Document; shown.Number == "" || !slices.Contains(b.record.Holder.Documents, shown) {
		lacking := Outcome{Rule: RuleDocument, Status: Errored, Reason: DocumentNotAccepted, Category: "document"}
		return lacking, b.entry.Rulebook.Version, true
	}
	return Outcome{}, "", false
}

// unjudged tells whether something speaks against the holder for which neither rulebook has a rule in force: what was signed
// is never passed over because nobody thought of it.
func (b basis) unjudged() bool {
	return slices.ContainsFunc(b.record.Adverse(), func(kind string) bool {
		return !slices.Contains(b.green.Judged, kind) && !slices.Contains(b.entry.Judged, kind)
	})
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

// End is the last second of a code, and what sets it.
type End struct {
	At time.Time
	// By is the rule: one that passes no longer than that, or one that does not hold under the version that begins then.
	By Outcome
	// Version is that of the rulebook that By stands in, of RuleAdverse the destination's; empty for RuleCodeLife and
	// RuleSourceCodeEnd, which no version sets.
	Version string
}

// passed is the outcome of a rule that held, once its time is over.
func (e End) passed() Outcome {
	e.By.Status = Fails
	return e.By
}

// ends lists every end that the code must respect: the destination's rules', the source's rules', and the source code's
// own. The destination must set one itself (its cap), or there is none at all.
func (b basis) ends() []End {
	ends := b.entry.ends()
	if len(ends) == 0 {
		return nil
	}
	ends = append(ends, b.green.ends()...)
	if until := b.record.Health.Until; !until.IsZero() {
		ends = append(ends, End{At: until, By: Outcome{Rule: RuleSourceCodeEnd, Reason: NotGreen, Category: "colour", Until: until}})
	}
	return ends
}

// ends leaves warnings out: when such a pass is over, nobody is refused, so it cannot end a code either.
func (f Findings) ends() []End {
	var ends []End
	for _, outcome := range f.Outcomes {
		if outcome.Status == Pass && !outcome.Warn && !outcome.Until.IsZero() {
			ends = append(ends, End{At: outcome.Until, By: outcome, Version: f.Rulebook.Version})
		}
	}
	return ends
}
