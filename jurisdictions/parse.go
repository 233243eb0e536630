package jurisdictions

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"crosscode/exchange"
)

// Parse reads a rulebook file of the side, compiles its rules and runs their examples. The error is Faults: everything
// that is wrong with the file, sorted by line. Which keys there are says doc.go.
//
// A file may be at most 1 MiB, unfold to 200,000 values through aliases, and an expression have 2,000 characters.
func Parse(file string, data []byte, side exchange.Side) (*Book, error) {
	sum := sha256.Sum256(data)
	p := &parser{
		sheet: &sheet{file: file}, rules: map[string]*rule{}, used: map[string]bool{},
		book: &Book{side: side, file: file, sum: hex.EncodeToString(sum[:])},
	}
	if root := p.open(data); root != nil {
		p.parse(root)
	}
	if err := p.faults.orNil(); err != nil {
		return nil, err
	}
	return p.book, nil
}

type parser struct {
	*sheet
	book  *Book
	rules map[string]*rule // by name
	used  map[string]bool  // by name
}

func (p *parser) parse(root *yaml.Node) {
	top := p.sideBlock(root, p.book.side, "rules!", "versions!")
	if rules := top.values["rules"]; rules != nil {
		for _, member := range p.members(rules, "rules") {
			p.rule(member)
		}
	}
	versions := top.list("versions")
	for _, node := range versions {
		p.version(p.block(node, "version", "from!", "until", "source!", "confidence!", "note", "closed", "unknown", "advice", "green",
			"entry"))
	}
	if top.has("versions") && len(versions) == 0 {
		p.fault(top.lineOf("versions"), "versions: none")
	}
	p.windows()
	for _, r := range p.book.rules {
		if !p.used[r.name] {
			p.fault(r.line, "%s: no version uses this rule", r.name)
		}
		p.faults = append(p.faults, r.runExamples(p.file)...)
	}
}

func (p *parser) version(b block) {
	v := &version{
		from: b.minute("from"), until: b.minute("until"), line: b.line, closed: b.flag("closed"),
		unknown: b.flag("unknown"), advice: b.advice("advice"),
		source: b.text("source"), note: b.text("note"), confidence: b.pick("confidence", "official", "press", "assumed"),
		entry: map[string]*entry{},
	}
	v.id = string(p.book.side) + "/" + v.from.Format(minuteLayout)
	p.book.versions = append(p.book.versions, v)
	if v.closed && !b.has("advice") {
		p.fault(b.line, "version: advice is missing: the version is closed, and holders must be told")
	}
	if b.has("advice") && !v.closed {
		p.fault(b.lineOf("advice"), "version.advice: only a closed version has advice of its own")
	}
	if v.unknown && !b.has("note") {
		p.fault(b.line, "version: note is missing: say what is not known")
	}
	if v.closed || v.unknown {
		p.empty(b, v)
		return
	}
	p.parts(b, v)
}

// empty holds a version that is closed, or a gap in the record, to having no rules.
func (p *parser) empty(b block, v *version) {
	kind := "closed"
	if v.unknown {
		kind = "unknown"
	}
	if v.closed && v.unknown {
		p.fault(b.lineOf("unknown"), "version.unknown: the version is closed, and that is known")
	}
	for _, part := range []string{partGreen, partEntry} {
		if b.has(part) {
			p.fault(b.lineOf(part), "version.%s: the version is %s", part, kind)
		}
	}
}

func (p *parser) parts(b block, v *version) {
	for _, part := range []string{partGreen, partEntry} {
		if !b.has(part) {
			p.fault(b.line, "version: %s is missing", part)
		}
	}
	v.green = p.uses(b, partGreen, partGreen)
	if b.has(partEntry) {
		for _, member := range p.members(b.values[partEntry], "version.entry") {
			p.entry(v, member)
		}
	}
}

func (p *parser) entry(v *version, member pair) {
	what := "entry." + member.key
	if route, err := exchange.ParseRoute(member.key); err != nil || route.To != p.book.side {
		p.fault(member.line, "version.entry: %q is no route to %s", member.key, p.book.side)
	}
	b := p.block(member.value, what, "documents", "not_granted", "rules", "unknown")
	e := &entry{notGranted: b.words("not_granted"), rules: p.uses(b, "rules", partEntry), gap: p.gap(b)}
	v.entry[member.key] = e
	for _, key := range []string{"documents", "rules"} {
		switch {
		case e.blank() && b.has(key):
			p.fault(b.lineOf(key), "%s: what is asked over the route is unknown", b.name(key))
		case !e.blank() && !b.has(key):
			p.fault(b.line, "%s: %s is missing", what, key)
		}
	}
	if b.has("documents") {
		documents := p.block(b.values["documents"], b.name("documents"), "accept!", "advice!")
		e.accept, e.documents = p.accept(documents), documents.advice("advice")
	}
	if b.has("rules") && !slices.ContainsFunc(e.rules, use.bounds) {
		p.fault(b.lineOf("rules"), "%s: no rule with until holds for every packet: a code would never end", b.name("rules"))
	}
}

// gap reads what is not known of an entry: all of it, or what was asked at some ports.
func (p *parser) gap(b block) *gap {
	if !b.has("unknown") {
		return nil
	}
	unknown := p.block(b.values["unknown"], b.name("unknown"), "note!", "ports")
	return &gap{note: unknown.text("note"), bound: p.binding(unknown)}
}

// bounds tells whether no code can be granted without this rule setting its end.
func (u use) bounds() bool {
	always := u.warn && u.require != nil && u.require.source == "true" || !u.warn
	return !u.off && u.until != nil && u.when == nil && u.bound.everywhere() && always
}

var wordPattern = regexp.MustCompile(`\A[a-z][a-z0-9]*(-[a-z0-9]+)*\z`)

// words reads an optional list of different words.
func (b block) words(key string) []string {
	words := b.texts(key)
	for i, word := range words {
		switch {
		case word == "":
		case !wordPattern.MatchString(word):
			b.fault(b.lineOf(key), "%s: %q is not a word of lower-case letters, digits and hyphens", b.name(key), word)
		case slices.Contains(words[:i], word):
			b.fault(b.lineOf(key), "%s: %q stands twice", b.name(key), word)
		}
	}
	return words
}

func (p *parser) accept(documents block) map[string][]string {
	accept := map[string][]string{}
	if !documents.has("accept") {
		return accept
	}
	what := documents.name("accept")
	channels := p.members(documents.values["accept"], what)
	table := block{sheet: p.sheet, what: what, line: documents.lineOf("accept"), values: map[string]*yaml.Node{}}
	for _, channel := range channels {
		if channel.key != anyChannel && !wordPattern.MatchString(channel.key) {
			p.fault(channel.line, "%s: %q is not a channel", what, channel.key)
		}
		table.values[channel.key] = channel.value
		accept[channel.key] = table.words(channel.key)
	}
	if len(channels) == 0 {
		p.fault(table.line, "%s: no channel", what)
	}
	return accept
}

// uses reads a list of rules with their parameters. A list that stands in the list is its items, so that what many versions
// have in common is written once and referred to.
func (p *parser) uses(b block, key, part string) []use {
	var uses []use
	for _, node := range p.unfolded(b, key) {
		u, ok := p.use(p.block(node, b.name(key), "rule!", "with", "off"), part)
		if !ok {
			continue
		}
		if slices.ContainsFunc(uses, func(other use) bool { return other.name == u.name }) {
			p.fault(u.line, "%s: %s stands twice", b.name(key), u.name)
		}
		uses = append(uses, u)
	}
	if b.has(key) && len(b.list(key)) == 0 {
		p.fault(b.lineOf(key), "%s: no rule: nothing would be asked", b.name(key))
	}
	return uses
}

func (p *parser) unfolded(b block, key string) []*yaml.Node {
	var items []*yaml.Node
	for _, node := range b.list(key) {
		if item := p.resolve(node); item != nil && item.Kind == yaml.SequenceNode {
			items = append(items, p.list(node, b.name(key))...)
			continue
		}
		items = append(items, node)
	}
	return items
}

func (p *parser) use(b block, part string) (use, bool) {
	name := b.text("rule")
	r := p.rules[name]
	switch {
	case name == "":
		return use{}, false
	case r == nil:
		p.fault(b.lineOf("rule"), "unknown rule %q", name)
		return use{}, false
	case !strings.HasPrefix(name, part+"."):
		p.fault(b.lineOf("rule"), "%s is not one of the %s rules", name, part)
	}
	p.used[name] = true
	u := use{rule: r, off: b.flag("off"), line: b.line}
	if u.off && !b.has("with") {
		return u, true
	}
	u.with, u.shown = p.arguments(b, r.parameters)
	return u, true
}

// windows holds the versions to being in order, without overlap and without gap.
func (p *parser) windows() {
	versions := p.book.versions
	for i, v := range versions {
		if !v.until.IsZero() && !v.from.IsZero() && !v.from.Before(v.until) {
			p.fault(v.line, "version %s ends before it begins", v.id)
		}
		if i > 0 && !v.from.IsZero() && !versions[i-1].from.IsZero() {
			p.joint(versions[i-1], v)
		}
	}
}

func (p *parser) joint(before, v *version) {
	switch order := v.from.Compare(before.until); {
	case v.from.Compare(before.from) <= 0:
		p.fault(v.line, "version %s is not later than the one before it", v.id)
	case before.until.IsZero():
		p.fault(before.line, "version %s: until is missing: only the last version has no end", before.id)
	case order < 0:
		p.fault(v.line, "version %s overlaps the one before it, which ends at %s", v.id, before.until.Format(minuteLayout))
	case order > 0:
		p.fault(v.line, "version %s leaves a gap: the one before it ends at %s", v.id, before.until.Format(minuteLayout))
	}
}
