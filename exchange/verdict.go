package exchange

import (
	"time"
)

// Verdict is what follows from all rule outcomes: a grant or a refusal. Conclude is the only maker of either, and only a
// Verdict can be drafted, so nothing unconcluded is ever signed.
type Verdict interface {
	// Refused gives the outcome that decided against the holder; refused is false for a grant.
	Refused() (decided Outcome, refused bool)
	// Until is when the code ends, to the second; zero for a refusal.
	Until() time.Time
	// Basis is what was asked: the record and both sides' findings.
	Basis() (record Record, green, entry Findings)
	// Drafts writes what is to be signed.
	Drafts(terms Terms) (*Drafts, error)
}

type basis struct {
	record       Record
	green, entry Findings
}

func (b basis) Basis() (Record, Findings, Findings) { return b.record, b.green, b.entry }

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
// Findings without outcomes, a rule that failed to compute, and a grant that would never end or has already ended are
// refusals: what is not known to be good is not green.
func Conclude(record Record, green, entry Findings, now time.Time) Verdict {
	b := basis{record: record, green: green, entry: entry}
	for _, findings := range []Findings{green, entry} {
		if len(findings.Outcomes) == 0 {
			return refusal{basis: b, decided: Outcome{Status: Errored, Reason: RouteNotConfigured, Category: "route"}}
		}
		for _, outcome := range findings.Outcomes {
			if outcome.Blocks() {
				return refusal{basis: b, decided: outcome}
			}
		}
	}
	until, bound := earliest(record, green, entry)
	if until = until.Truncate(time.Second); !until.After(now) {
		return refusal{basis: b, decided: bound}
	}
	return grant{basis: b, until: until}
}

// earliest finds when the code must end, and the outcome that says so. Some rule of the destination must set an end.
func earliest(record Record, green, entry Findings) (time.Time, Outcome) {
	var until time.Time
	bound := Outcome{Status: Errored, Reason: NotEligible, Category: "validity"}
	for _, outcome := range entry.Outcomes {
		until, bound = sooner(until, bound, outcome)
	}
	if until.IsZero() {
		return until, bound
	}
	for _, outcome := range green.Outcomes {
		until, bound = sooner(until, bound, outcome)
	}
	return sooner(until, bound, Outcome{
		Rule: "source-code-end", Status: Fails, Reason: NotGreen, Category: "colour", Until: record.Health.Until,
	})
}

func sooner(until time.Time, bound, outcome Outcome) (time.Time, Outcome) {
	if outcome.Until.IsZero() || outcome.Status != Pass && outcome.Rule != "source-code-end" {
		return until, bound
	}
	if until.IsZero() || outcome.Until.Before(until) {
		return outcome.Until, outcome
	}
	return until, bound
}
