package jurisdictions

import (
	"time"

	"crosscode/exchange"
)

// Lint sweeps a book that already parses for what only shows when its rules are run over more than their examples:
// evidence that a rule did not think of, and a holder of whom nothing is known.
func (b *Book) Lint() Faults {
	var faults Faults
	for _, r := range b.rules {
		faults = append(faults, r.runExamples(b.file)...)
		faults = append(faults, r.strangers(b.file)...)
	}
	for _, v := range b.versions {
		faults = append(faults, b.unknowns(v)...)
	}
	return faults.sorted()
}

// strangers adds evidence of each type that the rule does not name to every example that passes. A holder who also has a
// vaccination must not get an error where one without gets a code.
func (r *rule) strangers(file string) Faults {
	var faults Faults
	for _, e := range r.examples {
		if e.then != exchange.Pass {
			continue
		}
		for _, kind := range evidenceTypes() {
			if r.names(kind) {
				continue
			}
			met := e.view
			met.evidence = append([]evidenceFacts{stranger(kind, e.view.now.Add(-time.Hour))}, e.view.evidence...)
			if got, cause := r.decide(met, e.with); got == exchange.Errored {
				faults = append(faults, Fault{File: file, Line: e.line, Message: r.name + ": example \"" + e.name +
					"\": an error when there is also " + kind + " evidence: " + cause.Error() + " (look at e.type first)"})
				break
			}
		}
	}
	return faults
}

// stranger is harmless evidence of the type, with all the facts that the type has.
func stranger(kind string, at time.Time) evidenceFacts {
	facts := evidenceFacts{Type: kind, At: at, told: countedFacts[kind]}
	switch kind {
	case "nucleic-acid", "antibody-igg", "rapid-antigen":
		facts.Result, facts.Source, facts.Institution = "negative", "electronic", "laboratory"
	case "vaccination", "release-notice", "health-proof":
		facts.Source, facts.Institution, facts.Doses = "electronic", "hospital", 2
	case "province-code", "city-code":
		facts.Colour, facts.Province = "green", "hunan"
	case "visit-check":
		facts.Days = 21
	case "conversion":
		facts.Route = "macau-guangdong"
	}
	return facts
}

// names tells whether an expression of the rule holds the word.
func (r *rule) names(word string) bool {
	for _, p := range []*program{r.when, r.require, r.until, r.sampledAt} {
		if p != nil && p.says(word) {
			return true
		}
	}
	return false
}

// unknowns asks the version's green rules about a holder of whom nothing is known: they must not be silent.
func (b *Book) unknowns(v *version) Faults {
	if v.closed || v.unknown {
		return nil
	}
	for _, outcome := range b.Green(exchange.Record{}, v.from).Outcomes {
		if outcome.Blocks() {
			return nil
		}
	}
	return Faults{{File: b.file, Line: v.line, Message: "version " + v.id + ": green for a holder of whom nothing is known"}}
}
