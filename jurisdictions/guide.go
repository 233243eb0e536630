package jurisdictions

import (
	"fmt"
	"slices"
	"strings"
)

// MemberText is one member of the claims in words, for the packet guide.
type MemberText struct {
	Path     string // "holder.documents[].number"
	Required bool
	Form     string // "a text of at most 48 characters"
	Note     string
}

// Told lists every member that an object may have, and those of the objects in it, in their order. Where a list's entries
// have several forms, as evidence has, they are not told here but by Alternatives.
func (s *Schema) Told() []MemberText { return s.told("") }

func (s *Schema) told(prefix string) (members []MemberText) {
	for _, name := range s.Members {
		inner := s.Properties[name].present()
		path := prefix + name
		members = append(members, MemberText{path, slices.Contains(s.Required, name), inner.form(), s.Properties[name].Description})
		if inner.Items != nil {
			path, inner = path+"[]", inner.Items
		}
		members = append(members, inner.told(path+".")...)
	}
	return members
}

// Alternatives are the forms that the entries of a list member may have.
func (s *Schema) Alternatives(list string) []*Schema { return s.Properties[list].present().Items.AnyOf }

// present is the schema of an optional member that is there.
func (s *Schema) present() *Schema {
	if len(s.AnyOf) == 2 && s.AnyOf[1].Type == "null" {
		return s.AnyOf[0]
	}
	return s
}

// form says in words what a value must be.
func (s *Schema) form() string {
	switch {
	case s.Const != "":
		return s.Const
	case len(s.Enum) > 0:
		return "one of " + strings.Join(s.Enum, ", ")
	case s.MaxLength == maxInstant && s.Pattern != "":
		return "a time"
	case s.Pattern != "":
		return "a text of the form " + s.Pattern
	case s.Type == "integer":
		return fmt.Sprintf("a whole number from %d to %d", *s.Minimum, *s.Maximum)
	case s.Type == "array":
		return fmt.Sprintf("a list of %d to %d", s.MinItems, s.MaxItems)
	case s.Type == "boolean":
		return "true or false"
	case s.MaxLength > 0:
		return fmt.Sprintf("a text of at most %d characters", s.MaxLength)
	case s.Type == "object":
		return "an object"
	}
	return "a text"
}

// DocumentText is one document type in words.
type DocumentText struct {
	Type    string
	Pattern string // of the whole number, after folding
	Check   string // the check digit's algorithm; empty: none is known
	Printed string // separators that are left out beside blanks and brackets
	Counts  int    // how many leading characters identify the document; zero: all
}

// Told lists the document types by name.
func (d Documents) Told() (told []DocumentText) {
	for _, kind := range sortedKeys(d) {
		format := d[kind]
		pattern := strings.TrimSuffix(strings.TrimPrefix(format.pattern.String(), `\A(?:`), `)\z`)
		told = append(told, DocumentText{kind, pattern, format.check, format.printed, format.canonical})
	}
	return told
}

// Givers says, of each word of consent.by, for whom it may stand and who then presents.
func Givers() [][3]string {
	return [][3]string{
		{bySelf, fmt.Sprintf("a holder of %d or more", childAge), "the holder"},
		{byGuardian, fmt.Sprintf("a holder under %d", adultAge), "a parent or guardian, in presenter.relation"},
		{byAgent, fmt.Sprintf("a holder of %d or more", elderAge), "who acts for the holder, in presenter.relation"},
	}
}

// ScriptText says what one member of a name may hold.
type ScriptText struct {
	Member     string
	Most       int
	Letters    []string
	Separators string
}

// Scripts lists the members of a name.
func Scripts() []ScriptText {
	var blocks []string
	for _, block := range hanBlocks {
		blocks = append(blocks, fmt.Sprintf("U+%04X–U+%04X %s", block.first, block.last, block.name))
	}
	return []ScriptText{
		{"han", MaxHanName, append(blocks, "U+3007 〇", "U+3005 々"), hanSeparators},
		{"latin", MaxLatinName, []string{"letters of the script Latin below U+0250 and from U+1E00 to U+1EFF"}, latinSeparators},
	}
}

// Folded lists what is read as another character: that one, and what is written for it.
func Folded() [][2]string {
	written := map[string][]string{}
	for from, to := range folded {
		written[string(to)] = append(written[string(to)], fmt.Sprintf("U+%04X", from))
	}
	var told [][2]string
	for _, to := range sortedKeys(written) {
		slices.Sort(written[to])
		told = append(told, [2]string{to, strings.Join(written[to], " ")})
	}
	return told
}
