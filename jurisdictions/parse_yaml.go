package jurisdictions

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"crosscode/exchange"
)

// What a rulebook file may cost to read. The largest of ours is under 100 KiB; aliases can make a small file large, so
// what they unfold to is bounded as well.
const (
	maxFile   = 1 << 20
	maxNodes  = 200_000
	maxMerges = 8
	maxText   = 500 // characters of one sentence
)

// sheet is one YAML file that is being read. It collects every fault instead of stopping at the first.
type sheet struct {
	file   string
	faults Faults
	nodes  int
	spent  bool
}

func (s *sheet) fault(line int, format string, args ...any) {
	s.faults = append(s.faults, Fault{File: s.file, Line: line, Message: fmt.Sprintf(format, args...)})
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// open reads the one document of the file; nil if it cannot be read at all.
func (s *sheet) open(data []byte) *yaml.Node {
	switch {
	case len(data) > maxFile:
		s.fault(0, "larger than %d bytes", maxFile)
		return nil
	case !utf8.Valid(data):
		s.fault(0, "not UTF-8")
		return nil
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err != nil {
		s.syntax(err)
		return nil
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		s.fault(second.Line, "a second document: a file holds one")
	}
	if len(document.Content) != 1 {
		s.fault(0, "empty")
		return nil
	}
	return document.Content[0]
}

func (s *sheet) syntax(err error) {
	message, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if errors.Is(err, io.EOF) {
		message = "empty"
	}
	if found := yamlLine.FindStringSubmatch(message); found != nil {
		line, _ = strconv.Atoi(found[1])
		message = strings.Replace(message, found[0], "", 1)
	}
	s.fault(line, "not YAML: %s", message)
}

// resolve follows an alias and counts what has been visited; nil when the file unfolds to more than maxNodes.
func (s *sheet) resolve(node *yaml.Node) *yaml.Node {
	if s.nodes++; s.nodes > maxNodes {
		if !s.spent {
			s.spent = true
			s.fault(node.Line, "unfolds to more than %d values", maxNodes)
		}
		return nil
	}
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// pair is one member of a mapping.
type pair struct {
	key   string
	line  int // of the key
	value *yaml.Node
}

// members lists a mapping in order, merge keys unfolded behind its own keys, which win (YAML 1.1 merge type). A key that
// stands twice is a fault: the second would silently win.
func (s *sheet) members(node *yaml.Node, what string) []pair {
	return s.merged(node, what, 0)
}

func (s *sheet) merged(node *yaml.Node, what string, depth int) []pair {
	mapping := s.resolve(node)
	if mapping == nil {
		return nil
	}
	if mapping.Kind != yaml.MappingNode {
		s.fault(node.Line, "%s: want a mapping", what)
		return nil
	}
	var own, inherited []pair
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		if key.Tag == "!!merge" {
			inherited = append(inherited, s.inherit(value, what, depth+1)...)
			continue
		}
		own = s.member(own, key, value, what)
	}
	return override(own, inherited)
}

func (s *sheet) member(own []pair, key, value *yaml.Node, what string) []pair {
	name := s.resolve(key)
	switch {
	case name == nil:
		return own
	case name.Kind != yaml.ScalarNode:
		s.fault(key.Line, "%s: a key must be a word", what)
		return own
	case slices.ContainsFunc(own, func(p pair) bool { return p.key == name.Value }):
		s.fault(key.Line, "%s: %q stands twice", what, name.Value)
		return own
	}
	return append(own, pair{key: name.Value, line: key.Line, value: value})
}

func (s *sheet) inherit(value *yaml.Node, what string, depth int) []pair {
	if depth > maxMerges {
		s.fault(value.Line, "%s: merges more than %d deep", what, maxMerges)
		return nil
	}
	source := s.resolve(value)
	if source == nil || source.Kind != yaml.SequenceNode {
		return s.merged(value, what, depth)
	}
	var all []pair
	for _, item := range source.Content {
		all = override(all, s.merged(item, what, depth))
	}
	return all
}

func override(own, inherited []pair) []pair {
	for _, candidate := range inherited {
		if !slices.ContainsFunc(own, func(p pair) bool { return p.key == candidate.key }) {
			own = append(own, candidate)
		}
	}
	return own
}

// block is a mapping whose keys are known.
type block struct {
	*sheet
	what   string
	line   int
	values map[string]*yaml.Node
}

// block reads a mapping that may have these keys and no others. A key ending in "!" must be there.
func (s *sheet) block(node *yaml.Node, what string, keys ...string) block {
	b := block{sheet: s, what: what, line: node.Line, values: map[string]*yaml.Node{}}
	before := len(s.faults)
	for _, member := range s.members(node, what) {
		if !slices.Contains(keys, member.key) && !slices.Contains(keys, member.key+"!") {
			s.fault(member.line, "%s: unknown key %q", what, member.key)
			continue
		}
		b.values[member.key] = member.value
	}
	if len(b.values) == 0 && len(s.faults) > before {
		return b
	}
	for _, key := range keys {
		if name, required := strings.CutSuffix(key, "!"); required && b.values[name] == nil {
			s.fault(node.Line, "%s: %s is missing", what, name)
		}
	}
	return b
}

func (b block) has(key string) bool { return b.values[key] != nil }

func (b block) name(key string) string { return b.what + "." + key }

// lineOf is where the key's value stands, else where the block begins.
func (b block) lineOf(key string) int {
	if value := b.values[key]; value != nil {
		return value.Line
	}
	return b.line
}

// text, number, flag … read an optional key: absent gives the zero value, and a value of another type is a fault.
func (b block) text(key string) string {
	if value := b.values[key]; value != nil {
		return b.scalarText(value, b.name(key))
	}
	return ""
}

// free is text that may be empty.
func (b block) free(key string) string {
	value := b.values[key]
	if value == nil {
		return ""
	}
	scalar := b.scalar(value, b.name(key), "a text", "!!str")
	if scalar == nil {
		return ""
	}
	return scalar.Value
}

func (b block) flag(key string) bool {
	value := b.values[key]
	if value == nil {
		return false
	}
	flag, _ := b.scalarFlag(value, b.name(key))
	return flag
}

func (b block) number(key string) int {
	value := b.values[key]
	if value == nil {
		return 0
	}
	number, _ := b.scalarNumber(value, b.name(key))
	return number
}

func (b block) texts(key string) []string {
	value := b.values[key]
	if value == nil {
		return nil
	}
	return b.sheet.texts(value, b.name(key))
}

// list gives the items of an optional sequence.
func (b block) list(key string) []*yaml.Node {
	value := b.values[key]
	if value == nil {
		return nil
	}
	return b.sheet.list(value, b.name(key))
}

// pick reads one word of a closed list; "" if it is not on the list.
func (b block) pick(key string, allowed ...string) string {
	word := b.text(key)
	if word != "" && !slices.Contains(allowed, word) {
		b.fault(b.lineOf(key), "%s: %q is none of %s", b.name(key), word, strings.Join(allowed, ", "))
		return ""
	}
	return word
}

// instant reads RFC 3339 with an offset; without one, a day would be guessed.
func (b block) instant(key string) time.Time {
	word := b.text(key)
	if word == "" {
		return time.Time{}
	}
	instant, err := time.Parse(time.RFC3339, word)
	if err != nil {
		b.fault(b.lineOf(key), "%s: want RFC 3339 with seconds and offset, such as 2026-11-22T10:00:00+08:00", b.name(key))
	}
	return instant
}

// minute reads a version's end: RFC 3339 to the minute, in +08:00, as the notices give it.
func (b block) minute(key string) time.Time {
	word := b.text(key)
	if word == "" {
		return time.Time{}
	}
	instant, err := time.Parse(minuteLayout, word)
	if err != nil || !strings.HasSuffix(word, "+08:00") {
		b.fault(b.lineOf(key), "%s: want a minute in UTC+8, such as 2021-06-08T10:00+08:00", b.name(key))
		return time.Time{}
	}
	return instant.In(exchange.Zone)
}

const minuteLayout = "2006-01-02T15:04Z07:00"

// advice reads title, remedy and contact, each in all four languages.
func (b block) advice(key string) exchange.Advice {
	value := b.values[key]
	if value == nil {
		return exchange.Advice{}
	}
	texts := b.block(value, b.name(key), "title!", "remedy!", "contact!")
	return exchange.Advice{Title: texts.sentence("title"), Remedy: texts.sentence("remedy"), Contact: texts.sentence("contact")}
}

func (b block) sentence(key string) exchange.Text {
	value := b.values[key]
	if value == nil {
		return exchange.Text{}
	}
	keys := make([]string, 0, len(exchange.Languages()))
	for _, language := range exchange.Languages() {
		keys = append(keys, language+"!")
	}
	texts := b.block(value, b.name(key), keys...)
	return exchange.Text{
		ZhHans: texts.short("zh-Hans"), ZhHant: texts.short("zh-Hant"), En: texts.short("en"), Pt: texts.short("pt"),
	}
}

func (b block) short(key string) string {
	text := b.text(key)
	if utf8.RuneCountInString(text) > maxText {
		b.fault(b.lineOf(key), "%s: more than %d characters", b.name(key), maxText)
	}
	return text
}

// list gives the items of a sequence.
func (s *sheet) list(node *yaml.Node, what string) []*yaml.Node {
	sequence := s.resolve(node)
	if sequence == nil {
		return nil
	}
	if sequence.Kind != yaml.SequenceNode {
		s.fault(node.Line, "%s: want a list", what)
		return nil
	}
	return sequence.Content
}

func (s *sheet) texts(node *yaml.Node, what string) []string {
	words := []string{}
	for _, item := range s.list(node, what) {
		words = append(words, s.scalarText(item, what))
	}
	return words
}

func (s *sheet) scalarText(node *yaml.Node, what string) string {
	scalar := s.scalar(node, what, "a text", "!!str", "!!timestamp")
	if scalar == nil {
		return ""
	}
	if strings.TrimSpace(scalar.Value) == "" {
		s.fault(node.Line, "%s: empty", what)
	}
	return scalar.Value
}

func (s *sheet) scalarFlag(node *yaml.Node, what string) (flag, ok bool) {
	scalar := s.scalar(node, what, "true or false", "!!bool")
	if scalar == nil {
		return false, false
	}
	return strings.EqualFold(scalar.Value, "true"), true
}

func (s *sheet) scalarNumber(node *yaml.Node, what string) (number int, ok bool) {
	scalar := s.scalar(node, what, "a whole number", "!!int")
	if scalar == nil {
		return 0, false
	}
	number, err := strconv.Atoi(scalar.Value)
	if err != nil {
		s.fault(node.Line, "%s: want a whole number", what)
	}
	return number, err == nil
}

func (s *sheet) scalar(node *yaml.Node, what, kind string, tags ...string) *yaml.Node {
	scalar := s.resolve(node)
	if scalar == nil {
		return nil
	}
	if scalar.Kind != yaml.ScalarNode || !slices.Contains(tags, scalar.ShortTag()) {
		s.fault(node.Line, "%s: want %s", what, kind)
		return nil
	}
	return scalar
}
