package jurisdictions

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"go.yaml.in/yaml/v3"

	"crosscode/exchange"
)

var (
	rulePattern      = regexp.MustCompile(`\A(green|entry)\.[a-z][a-z0-9]*(-[a-z0-9]+)*\z`)
	parameterPattern = regexp.MustCompile(`\A[a-z][a-z0-9_]{0,30}\z`)
	// builtInRules are the ids that the engine gives itself.
	builtInRules = []string{
		"entry.documents", "entry.closed", "entry.route", "entry.unknown", "green.closed", "green.route", "green.unknown",
	}
)

// Categories is all that an officer may be told of why a rule decided as it did.
func Categories() []string {
	return []string{
		"colour", "test", "vaccination", "document", "declaration", "visit", "conversion", "family", "validity", "route",
	}
}

func (p *parser) rule(member pair) {
	what := member.key
	b := p.block(member.value, what, "reason!", "category!", "warn", "asked", "judges", "waives", "ports", "parameters", "when", "require!", "until",
		"sampled_at", "advice!", "examples!")
	r := &rule{
		id: string(p.book.side) + "." + member.key, name: member.key, line: member.line, warn: b.flag("warn"),
		reason: exchange.Reason(b.pick("reason", refusals()...)), category: b.pick("category", Categories()...),
		once:   b.has("asked") && b.pick("asked", "once") != "",
		advice: b.advice("advice"), bound: p.binding(b), parameters: p.parameters(b),
	}
	switch {
	case !rulePattern.MatchString(r.name):
		p.fault(r.line, "%q is not a rule's name: want green.… or entry.… in lower-case letters, digits and hyphens", r.name)
	case slices.Contains(builtInRules, r.name):
		p.fault(r.line, "%s is the engine's own", r.name)
	}
	p.expressions(b, r)
	p.judgements(b, r)
	p.rules[r.name] = r
	p.book.rules = append(p.book.rules, r)
	for _, node := range b.list("examples") {
		r.examples = append(r.examples, p.example(node, r))
	}
	p.coverage(b, r)
	p.ageing(b, r)
}

// ageing holds a rule that reads now to saying what time does to it, so that the end of a code can be told when it is issued: either
// until when a pass is one, or that the rule is about the bringing of the packet, and is asked once.
func (p *parser) ageing(b block, r *rule) {
	reads := r.when != nil && r.when.uses("now") || r.require != nil && r.require.uses("now")
	switch {
	case reads && r.until == nil && !r.once && !b.has("until"):
		p.fault(b.lineOf("require"), "%s reads now: say until when it holds (until), or asked: once", b.name("require"))
	case r.once && !reads:
		p.fault(b.lineOf("asked"), "%s: the rule does not read now, so nothing changes when it is asked", b.name("asked"))
	}
}

// judgements reads which adverse facts the rule is about. A rule that only warns refuses nobody, so it judges nothing; it may
// waive a kind for all who come, and then names the source that allows it.
func (p *parser) judgements(b block, r *rule) {
	kinds := append(evidenceTypes(), exchange.KindDeclaration)
	r.judges = b.texts("judges")
	if b.has("waives") {
		waives := p.block(b.values["waives"], b.name("waives"), "kinds!", "source!")
		r.judges, r.waived = waives.texts("kinds"), waives.text("source")
	}
	switch {
	case b.has("judges") && b.has("waives"):
		p.fault(b.lineOf("waives"), "%s: the rule judges already", b.name("waives"))
	case b.has("judges") && r.warn:
		p.fault(b.lineOf("judges"), "%s: a rule that only warns refuses nobody: write waives, with a source", b.name("judges"))
	case b.has("waives") && !r.warn:
		p.fault(b.lineOf("waives"), "%s: a rule that waives warns at most: write warn: true", b.name("waives"))
	}
	for _, kind := range r.judges {
		switch {
		case !slices.Contains(kinds, kind):
			p.fault(r.line, "%s: %q is none of %s", r.name, kind, strings.Join(kinds, ", "))
		case r.waived == "" && !r.names(kind) && (kind != exchange.KindDeclaration || !r.mentions("declarations")):
			p.fault(b.lineOf("judges"), "%s: require does not look at %s", b.name("judges"), kind)
		}
	}
}

func refusals() []string {
	var words []string
	for _, reason := range exchange.Refusals() {
		words = append(words, string(reason))
	}
	return words
}

// parameterTypes maps a parameter's declared type onto CEL's.
var parameterTypes = map[string]*cel.Type{
	"int": cel.IntType, "bool": cel.BoolType, "string": cel.StringType, "unit": cel.StringType,
	"list": cel.ListType(cel.StringType),
}

func (p *parser) parameters(b block) map[string]string {
	declared := map[string]string{}
	if !b.has("parameters") {
		return declared
	}
	what := b.name("parameters")
	for _, member := range p.members(b.values["parameters"], what) {
		kind := p.scalarText(member.value, what+"."+member.key)
		switch {
		case !parameterPattern.MatchString(member.key):
			p.fault(member.line, "%s: %q is not a parameter's name", what, member.key)
		case slices.Contains(variableNames, member.key):
			p.fault(member.line, "%s: %q would hide the variable of that name", what, member.key)
		case parameterTypes[kind] == nil:
			p.fault(member.line, "%s.%s: %q is none of int, bool, string, unit, list", what, member.key, kind)
		default:
			declared[member.key] = kind
		}
	}
	return declared
}

// expressions compiles what the rule asks. Parameters are typed variables: a typo does not compile.
func (p *parser) expressions(b block, r *rule) {
	env := expressions()
	if len(r.parameters) > 0 {
		var variables []cel.EnvOption
		for _, name := range slices.Sorted(maps.Keys(r.parameters)) {
			variables = append(variables, cel.Variable(name, parameterTypes[r.parameters[name]]))
		}
		extended, err := env.Extend(variables...)
		if err != nil {
			p.fault(b.lineOf("parameters"), "%s: %s", b.name("parameters"), err)
			return
		}
		env = extended
	}
	before := len(p.faults)
	r.when = p.program(env, b, "when", cel.BoolType)
	r.require = p.program(env, b, "require", cel.BoolType)
	r.until = p.program(env, b, "until", cel.TimestampType)
	r.sampledAt = p.program(env, b, "sampled_at", cel.TimestampType)
	for _, name := range slices.Sorted(maps.Keys(r.parameters)) {
		if len(p.faults) == before && !r.mentions(name) {
			p.fault(b.lineOf("parameters"), "%s: no expression uses %s", b.name("parameters"), name)
		}
	}
}

func (p *parser) program(env *cel.Env, b block, key string, want *cel.Type) *program {
	node := b.values[key]
	source := b.text(key)
	if source == "" {
		return nil
	}
	compiled, flaws := compile(env, source, want)
	for _, f := range flaws {
		p.fault(lineIn(node, f.line), "%s: column %d: %s", b.name(key), f.column, f.message)
	}
	return compiled
}

// lineIn is the file's line of an expression's line: those of a literal block begin below its "|".
func lineIn(node *yaml.Node, line int) int {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Style&yaml.LiteralStyle != 0 {
		return node.Line + line
	}
	return node.Line
}

// mentions tells whether an expression of the rule uses the variable.
func (r *rule) mentions(variable string) bool {
	for _, p := range []*program{r.when, r.require, r.until, r.sampledAt} {
		if p != nil && p.uses(variable) {
			return true
		}
	}
	return false
}

// arguments reads the parameters of one use: exactly those that the rule declares, each of its type.
func (p *parser) arguments(b block, declared map[string]string) (map[string]ref.Val, map[string]any) {
	values, shown := map[string]ref.Val{}, map[string]any{}
	if b.has("with") {
		for _, member := range p.members(b.values["with"], "with") {
			kind, known := declared[member.key]
			if !known {
				p.fault(member.line, "with: the rule declares no parameter %q", member.key)
				continue
			}
			value := p.argument(member.value, "with."+member.key, kind)
			shown[member.key] = value
			values[member.key] = types.DefaultTypeAdapter.NativeToValue(value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if _, given := values[name]; !given {
			p.fault(b.line, "with: %s is missing", name)
		}
	}
	return values, shown
}

func (p *parser) argument(node *yaml.Node, what, kind string) any {
	switch kind {
	case "int":
		number, _ := p.scalarNumber(node, what)
		return number
	case "bool":
		flag, _ := p.scalarFlag(node, what)
		return flag
	case "list":
		words := p.texts(node, what)
		if len(words) > maxItems {
			p.fault(node.Line, "%s: more than %d", what, maxItems)
		}
		return words
	}
	word := p.scalarText(node, what)
	if kind == "unit" && word != "" && !slices.Contains(units(), word) {
		p.fault(node.Line, "%s: unknown unit %q: want %s", what, word, strings.Join(units(), " or "))
	}
	return word
}
