package jurisdictions

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"crosscode/exchange"
)

// The most characters of a name in each script, and of an institution's. ICAO 9303-3 lets a document print a name on as many lines as
// it has, and registries keep it whole, so the limits only bound what an officer's screen must draw. A longer institution is cut.
const (
	MaxHanName     = 80
	MaxLatinName   = 200
	MaxInstitution = 200
)

// What may stand between the letters of a name, after folding.
const (
	hanSeparators   = " ·-()"
	latinSeparators = " -'.,/()·"
)

// name takes a name in Han, Latin or both. An officer reads a name next to a document, so nothing may look like what it is
// not (T39): each script has its own member and may hold letters of that script alone. That leaves out control,
// bidirectional, invisible and private characters, and letters of other scripts that look the same.
//
// Registries and keyboards write one name in many ways. What is written differently and read the same is folded, here and nowhere
// else, so that the Record has one form of it: NFC, one blank between words, one hyphen, one apostrophe, one dot.
func (o *object) name() exchange.Name {
	names := o.child("name")
	var name exchange.Name
	if names.has("han") {
		name.Han = names.script("han", MaxHanName, isHan, hanSeparators)
	}
	if names.has("latin") {
		name.Latin = names.script("latin", MaxLatinName, isLatin, latinSeparators)
	}
	names.end()
	if name == (exchange.Name{}) {
		o.refuse(names.path, "must have han or latin")
	}
	return name
}

// script takes a text of the letters that may be in it, and separators between them. A fault names the first character that may
// not be in it and its place, as they were sent, never the text.
func (o *object) script(member string, most int, letter func(rune) bool, separators string) string {
	sent := o.text(member, most)
	if !o.sound(o.at(member)) {
		return ""
	}
	text := fold(sent)
	stray := func(r rune) bool { return !letter(r) && !strings.ContainsRune(separators, r) }
	if i := strings.IndexFunc(text, stray); i >= 0 {
		r, place := asSent(sent, text[i:])
		o.refuse(o.at(member), "has U+%04X (%s) as character %d; letters of its own script may stand there, and %q between them",
			r, kindOf(r), place, separators)
		return ""
	}
	if !strings.ContainsFunc(text, letter) {
		o.refuse(o.at(member), "has no letter of its script")
	}
	return text
}

// asSent finds the first character of a part of a folded text in the text that was sent: which it was there, and its place from 1.
func asSent(sent, folded string) (r rune, place int) {
	wanted, _ := utf8.DecodeRuneInString(folded)
	for _, r := range sent {
		place++
		if foldRune(r) == wanted {
			return r, place
		}
	}
	return wanted, place // it came of several characters, at the end at the latest
}

// kindOf says in a word why a character cannot be in a name.
func kindOf(r rune) string {
	switch {
	case unicode.Is(unicode.Co, r):
		return "for private use"
	case unicode.Is(unicode.Bidi_Control, r):
		return "turns the direction of writing"
	case unicode.Is(unicode.Cc, r):
		return "a control character"
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return "invisible"
	case unicode.IsLetter(r):
		return "a letter of another script"
	}
	return "not a letter"
}

// folded are characters that are written for another one. Dots: clreq#512 lists what is written for U+00B7 in names. Apostrophes and
// hyphens: what keyboards and the registries' own character sets have for them.
var folded = map[rune]rune{
	'\u2022': '·', '\u2027': '·', '\u30FB': '·', '\uFF65': '·', '\uFF0E': '·', '\u0387': '·', '\u2219': '·', '\u22C5': '·',
	'\u2018': '\'', '\u2019': '\'', '\u02BC': '\'', '\u02B9': '\'', '\u00B4': '\'', '`': '\'',
	'\u2010': '-', '\u2011': '-', '\u2012': '-', '\u2013': '-', '\u2212': '-',
}

// fold gives the one form of a text: each character folded, blanks of any kind one blank, none at the ends; then NFC.
func fold(text string) string {
	words := strings.FieldsFunc(strings.Map(foldRune, text), func(r rune) bool { return r == ' ' })
	return norm.NFC.String(strings.Join(words, " "))
}

// foldRune makes full-width letters and punctuation half-width, folded characters their own, and blanks of any kind a blank.
func foldRune(r rune) rune {
	if to, known := folded[r]; known {
		return to
	}
	if r > 0xFF00 && r <= 0xFF5E {
		r -= 0xFF01 - '!'
	}
	if to, known := folded[r]; known {
		return to
	}
	if unicode.Is(unicode.Zs, r) {
		return ' '
	}
	return r
}

// institution takes the name of a laboratory or hospital. No rule reads it, so no spelling of it may stop a traveller: it is
// folded (NFKC), what cannot be seen is left out, and what is too long is cut. It may end empty, which is no institution. That it
// is a string is all that is asked; the claims' own limit bounds it.
func (o *object) institution() string {
	text := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Zs, r):
			return ' '
		case isHan(r), unicode.IsPrint(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
			return r
		}
		return -1
	}, norm.NFKC.String(o.text("institution", MaxClaims)))
	characters := []rune(strings.Join(strings.Fields(text), " "))
	return strings.TrimSpace(string(characters[:min(len(characters), MaxInstitution)]))
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
