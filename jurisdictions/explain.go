package jurisdictions

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"crosscode/exchange"
)

// Explanation is how two rulebooks decide one record at one instant: every rule with its outcome, and the verdict.
//
// It is for somebody who has the claims before them anyway. Causes name facts, not persons, but a rulebook's author
// decides what an expression may say of a value: an Explanation belongs on that person's screen and in no log.
type Explanation struct {
	At      time.Time  `json:"at"` // in UTC+8
	Route   string     `json:"route"`
	Green   Explained  `json:"green"` // by the source's book
	Entry   Explained  `json:"entry"` // by the destination's book
	Granted bool       `json:"granted"`
	Until   *time.Time `json:"until,omitempty"` // the code's last second, when granted
	// EndsBy is what sets Until: a rule, or the first announced version under which the same record gets no code.
	EndsBy  *exchange.EndsBy `json:"ends_by,omitempty"`
	Warned  []Warning        `json:"warnings,omitempty"`
	Decided *Decision        `json:"decided,omitempty"`
	Shows   ShownOnCode      `json:"shows"`
}

// Explained is what one book says.
type Explained struct {
	exchange.RulebookRef
	Rules []RuleOutcome `json:"rules"`
}

// RuleOutcome is one rule with what became of it.
type RuleOutcome struct {
	exchange.RuleText
	Status exchange.Status `json:"status"`
	Blocks bool            `json:"blocks,omitempty"`
	Until  *time.Time      `json:"until,omitempty"`
	// Cause says why a rule could not be computed, such as "health.colour is not known".
	Cause string `json:"cause,omitempty"`
}

// Decision is the outcome that decided against the holder.
type Decision struct {
	Rule   string          `json:"rule"`
	Reason exchange.Reason `json:"reason"`
	exchange.Advice
}

// Warning is what the holder of a code is told besides.
type Warning struct {
	Rule string `json:"rule"`
	exchange.Advice
}

// ShownOnCode is what the code would print beside the name; the document by its type alone.
type ShownOnCode struct {
	Document   string   `json:"document,omitempty"`
	SampledOn  string   `json:"sampled_on,omitempty"` // "2026-11-20"
	NotGranted []string `json:"not_granted,omitempty"`
}

// Explain asks both books what they say of the record at now, and judges as the gateway does: announced versions count for the end.
func Explain(record exchange.Record, route exchange.Route, now time.Time, source, destination *Book) Explanation {
	green, entry := source.green(&record, now), destination.admit(&record, route, now)
	verdict := exchange.Judge(record, source, destination, now)
	e := Explanation{
		At: now.In(exchange.Zone), Route: route.String(), Green: green.explain(route), Entry: entry.explain(route),
		Shows: ShownOnCode{
			Document: entry.Shows.Document.Type, SampledOn: entry.Shows.SampledOn.String(), NotGranted: entry.NotGranted,
		},
	}
	decided, refused := verdict.Refused()
	if refused {
		e.Decided = &Decision{Rule: decided.Rule, Reason: decided.Reason, Advice: decided.Advice}
		return e
	}
	until := verdict.Until().In(exchange.Zone)
	e.Granted, e.Until, e.EndsBy = true, &until, verdict.End().Told()
	for _, warned := range verdict.Warnings() {
		e.Warned = append(e.Warned, Warning{Rule: warned.Rule, Advice: warned.Advice})
	}
	return e
}

func (a *answer) explain(route exchange.Route) Explained {
	e := Explained{RulebookRef: a.Rulebook, Rules: make([]RuleOutcome, len(a.Outcomes))}
	for i, outcome := range a.Outcomes {
		text := exchange.RuleText{
			ID: outcome.Rule, Reason: outcome.Reason, Category: outcome.Category, Warn: outcome.Warn, Advice: outcome.Advice,
		}
		if u := a.uses[i]; u != nil {
			text = u.published(route)
			text.Advice = outcome.Advice
		}
		e.Rules[i] = RuleOutcome{RuleText: text, Status: outcome.Status, Blocks: outcome.Blocks(), Until: endOf(outcome.Until)}
		if a.causes[i] != nil {
			e.Rules[i].Cause = a.causes[i].Error()
		}
	}
	return e
}

// Print writes the explanation for people, with advice in one of exchange.Languages.
func (e Explanation) Print(w io.Writer, language string) error {
	var page strings.Builder
	fmt.Fprintf(&page, "%s at %s\n", e.Route, e.At.Format(time.RFC3339))
	e.Green.print(&page, language)
	e.Entry.print(&page, language)
	if e.Granted {
		fmt.Fprintf(&page, "\ngranted until %s, document %s", e.Until.Format(time.RFC3339), e.Shows.Document)
		if e.Shows.SampledOn != "" {
			fmt.Fprintf(&page, ", sampled on %s", e.Shows.SampledOn)
		}
		fmt.Fprintf(&page, "\n%s\n", e.Ending())
		e.printWarnings(&page, language)
	} else {
		fmt.Fprintf(&page, "\nrefused: %s, decided by %s\n", e.Decided.Reason, e.Decided.Rule)
		for _, text := range []exchange.Text{e.Decided.Title, e.Decided.Remedy, e.Decided.Contact} {
			fmt.Fprintf(&page, "  %s\n", text.In(language))
		}
	}
	_, err := io.WriteString(w, page.String())
	return err
}

// Ending says what sets a granted code's end: "the end is set by macau.entry.cap of macau/2026-01-01T00:00+08:00".
func (e Explanation) Ending() string {
	words := "the end is set by " + e.EndsBy.Rule
	if e.EndsBy.Version != "" {
		words += " of " + e.EndsBy.Version
	}
	return words
}

func (e Explanation) printWarnings(page *strings.Builder, language string) {
	for _, warned := range e.Warned {
		fmt.Fprintf(page, "warning: %s\n  %s\n  %s\n", warned.Rule, warned.Title.In(language), warned.Remedy.In(language))
	}
}

func (e Explained) print(page *strings.Builder, language string) {
	fmt.Fprintf(page, "\n%s (%s)\n", e.Version, e.Confidence)
	for _, r := range e.Rules {
		status := string(r.Status)
		if r.Warn && r.Status != exchange.Pass && r.Status != exchange.NotInForce {
			status += " (warns only)"
		}
		fmt.Fprintf(page, "  %-14s %s%s\n", status, r.ID, r.arguments())
		if r.Status == exchange.Fails || r.Status == exchange.Errored {
			fmt.Fprintf(page, "  %-14s   %s\n", "", r.Title.In(language))
		}
		if r.Condition != "" {
			fmt.Fprintf(page, "  %-14s   %s\n", "", strings.Join(strings.Fields(r.Condition), " "))
		}
		if r.Cause != "" {
			fmt.Fprintf(page, "  %-14s   %s\n", "", r.Cause)
		}
		if r.Until != nil {
			fmt.Fprintf(page, "  %-14s   until %s\n", "", r.Until.Format(time.RFC3339))
		}
	}
}

// arguments writes a rule's parameters as " (length 2, unit days_after_sampling_day)", in order of their names.
func (r RuleOutcome) arguments() string {
	if len(r.Parameters) == 0 {
		return ""
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		words = append(words, fmt.Sprintf("%s %v", name, r.Parameters[name]))
	}
	return " (" + strings.Join(words, ", ") + ")"
}
