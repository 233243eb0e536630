package jurisdictions

import (
	"maps"
	"slices"

	"cel.dev/cel-go/common/types/ref"
	"go.yaml.in/yaml/v3"

	"crosscode/exchange"
)

// example is one case that a rule must decide as written. Its facts are partial: what is not given is not known.
type example struct {
	name string
	line int
	view view
	with map[string]ref.Val
	then exchange.Status
}

var statuses = []string{string(exchange.Pass), string(exchange.Fails), string(exchange.Errored), string(exchange.NotInForce)}

func (p *parser) example(node *yaml.Node, r *rule) example {
	b := p.block(node, r.name+".examples", "name!", "at!", "with", "given", "then!")
	e := example{name: b.text("name"), line: node.Line, then: exchange.Status(b.pick("then", statuses...)), view: view{now: b.instant("at")}}
	e.with, _ = p.arguments(b, r.parameters)
	if b.has("given") {
		p.given(b.values["given"], &e.view)
	}
	return e
}

// coverage wants to see each rule hold and not hold; a rule that is "true" cannot fail.
func (p *parser) coverage(b block, r *rule) {
	passes := func(e example) bool { return e.then == exchange.Pass }
	if !slices.ContainsFunc(r.examples, passes) {
		p.fault(b.lineOf("examples"), "%s: no example passes", b.name("examples"))
	}
	always := r.require != nil && r.require.source == "true" && r.when == nil && r.bound.everywhere()
	if !always && !slices.ContainsFunc(r.examples, func(e example) bool { return !passes(e) }) {
		p.fault(b.lineOf("examples"), "%s: every example passes: show one that does not", b.name("examples"))
	}
}

// runExamples decides every example of the rule. A rule that did not compile is not run.
func (r *rule) runExamples(file string) Faults {
	if r.require == nil {
		return nil
	}
	var faults Faults
	for _, e := range r.examples {
		if got, cause := r.decide(e.view, e.with); got != e.then && e.then != "" {
			faults = append(faults, e.fault(file, r, got, cause))
		}
	}
	return faults
}

// decide works on a copy of the facts: a view keeps what it has made, and a book is read by many goroutines.
func (r *rule) decide(facts view, with map[string]ref.Val) (exchange.Status, error) {
	u := use{rule: r, with: with}
	f := u.evaluate(&facts)
	return f.Status, f.cause
}

func (e example) fault(file string, r *rule, got exchange.Status, cause error) Fault {
	message := r.name + ": example \"" + e.name + "\": " + string(got) + ", want " + string(e.then)
	if cause != nil {
		message += ": " + cause.Error()
	}
	return Fault{File: file, Line: e.line, Message: message}
}

func (p *parser) given(node *yaml.Node, v *view) {
	b := p.block(node, "given", "packet", "holder", "presenter", "consent", "health", "evidence", "declarations")
	for _, key := range slices.Sorted(maps.Keys(b.values)) {
		givers[key](p, b.values[key], v)
	}
}

// givers read the facts of an example, by variable.
var givers = map[string]func(p *parser, node *yaml.Node, v *view){
	"packet": func(p *parser, node *yaml.Node, v *view) {
		b := p.block(node, "given.packet", "issued_at", "port", "channel", "route", "source", "destination")
		v.packet = packetFacts{
			IssuedAt: b.instant("issued_at"), Port: b.free("port"), Channel: b.text("channel"), Route: b.text("route"),
			Source: b.text("source"), Destination: b.text("destination"),
		}
	},
	"holder": func(p *parser, node *yaml.Node, v *view) {
		b := p.block(node, "given.holder", "age", "verified", "home", "documents")
		v.holder = holderFacts{Age: b.number("age"), born: b.has("age"), Verified: b.flag("verified"), Home: b.pick("home", Homes()...)}
		for _, item := range b.list("documents") {
			v.holder.Documents = append(v.holder.Documents, &documentFacts{Type: p.block(item, "given.holder.documents", "type!").text("type")})
		}
	},
	"presenter": func(p *parser, node *yaml.Node, v *view) {
		v.presenter.Relation = p.block(node, "given.presenter", "relation").text("relation")
	},
	"consent": func(p *parser, node *yaml.Node, v *view) {
		v.consent.By = p.block(node, "given.consent", "by").text("by")
	},
	"health": func(p *parser, node *yaml.Node, v *view) {
		b := p.block(node, "given.health", "colour", "subcode", "as_of", "reasons")
		v.health = healthFacts{Colour: b.text("colour"), Subcode: b.free("subcode"), AsOf: b.instant("as_of"), Reasons: b.texts("reasons")}
	},
	"evidence": func(p *parser, node *yaml.Node, v *view) {
		for _, item := range p.list(node, "given.evidence") {
			v.evidence = append(v.evidence, p.evidence(item))
		}
		v.compareEvidence(v.givenEvidence())
	},
	"declarations": func(p *parser, node *yaml.Node, v *view) {
		for _, item := range p.list(node, "given.declarations") {
			b := p.block(item, "given.declarations", "form!", "declared_at", "answers", "adverse")
			v.declarations = append(v.declarations, declarationFacts{
				Form: b.text("form"), DeclaredAt: b.instant("declared_at"), Answers: p.answers(b), Adverse: b.texts("adverse"),
			})
		}
	},
}

func (p *parser) evidence(node *yaml.Node) evidenceFacts {
	b := p.block(node, "given.evidence", "type!", "result", "at", "source", "institution", "at_risk", "days", "doses", "colour",
		"province", "route")
	facts := evidenceFacts{
		Type: b.pick("type", evidenceTypes()...), Result: b.text("result"), At: b.instant("at"), Source: b.text("source"),
		Institution: b.text("institution"), AtRisk: b.flag("at_risk"), Days: b.number("days"), Doses: b.number("doses"),
		Colour: b.text("colour"), Province: b.text("province"), Route: b.text("route"),
	}
	for _, key := range []string{"at_risk", "days", "doses"} {
		switch {
		case !b.has(key):
		case slices.Contains(countedFacts[facts.Type], key):
			facts.told = append(facts.told, key)
		default:
			p.fault(b.lineOf(key), "%s: %s evidence has no such fact", b.name(key), facts.Type)
		}
	}
	return facts
}

// givenEvidence is an example's evidence as a record has it, as far as pieces are compared with each other.
func (v *view) givenEvidence() *exchange.Record {
	record := &exchange.Record{}
	for _, e := range v.evidence {
		evidence := exchange.Evidence{
			Type: e.Type, Result: e.Result, At: e.At, AtRisk: e.AtRisk, Colour: e.Colour, Province: e.Province,
		}
		kind, known := evidenceKinds[e.Type]
		evidence.Adverse = known && kind.adverse(evidence)
		record.Evidence = append(record.Evidence, evidence)
	}
	return record
}

func (p *parser) answers(b block) map[string]bool {
	if !b.has("answers") {
		return nil
	}
	answers := map[string]bool{}
	for _, member := range p.members(b.values["answers"], b.name("answers")) {
		answers[member.key], _ = p.scalarFlag(member.value, b.name("answers")+"."+member.key)
	}
	return answers
}
