package jurisdictions

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"crosscode/exchange"
)

// The most characters of a name in each script, and of an institution's. Identity documents print fewer.
const (
	MaxHanName     = 40
	MaxLatinName   = 100
	MaxInstitution = 100
)

// name takes a name in Han, Latin or both. An officer reads a name next to a document, so nothing may look like what it is
// not (T39): each script has its own member and may hold letters of that script alone, in NFC. That leaves out control,
// bidirectional and zero-width characters, variation selectors, and letters of other scripts that look the same.
// A name that is not in NFC is refused, not repaired: what was signed is what is shown.
func (o *object) name() exchange.Name {
	names := o.child("name")
	var name exchange.Name
	if names.has("han") {
		name.Han = names.script("han", MaxHanName, isHan, " ·")
	}
	if names.has("latin") {
		name.Latin = names.script("latin", MaxLatinName, isLatin, " -'’.,")
	}
	names.end()
	if name == (exchange.Name{}) {
		o.refuse(names.path, "must have han or latin")
	}
	return name
}

// script takes a text of the letters that may be in it, and separators between them.
func (o *object) script(member string, most int, letter func(rune) bool, separators string) string {
	text := o.text(member, most)
	if o.err != nil {
		return ""
	}
	strange := func(r rune) bool { return !letter(r) && !strings.ContainsRune(separators, r) }
	if !isTidy(text) || strings.ContainsFunc(text, strange) || !strings.ContainsFunc(text, letter) {
		o.refuse(o.at(member), "must be letters of its script in NFC, with single spaces between words and nothing invisible")
	}
	return text
}

// institution takes the name of a laboratory or hospital: Han or Latin letters, digits and punctuation that can be seen.
func (o *object) institution() string {
	visible := func(r rune) bool {
		return isHan(r) || isLatin(r) || unicode.Is(unicode.Nd, r) || unicode.IsPunct(r)
	}
	return o.script("institution", MaxInstitution, visible, " ")
}

func isTidy(text string) bool {
	return norm.NFC.IsNormalString(text) && strings.TrimSpace(text) == text && !strings.Contains(text, "  ")
}

// isHan takes ideographs and the zero 〇, not the radicals and strokes that only look like ideographs.
func isHan(r rune) bool {
	return r == '〇' || unicode.Is(unicode.Han, r) && unicode.Is(unicode.Lo, r)
}

// isLatin takes the Latin blocks that Portuguese, English, pinyin and Vietnamese need, not the full-width, mathematical
// or phonetic letters that only look Latin.
func isLatin(r rune) bool {
	return unicode.IsLetter(r) && unicode.Is(unicode.Latin, r) && (r < 0x250 || r >= 0x1E00 && r < 0x1F00)
}

// sortedKeys lists a map's keys for a message that must read the same each time.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
