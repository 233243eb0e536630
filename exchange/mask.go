package exchange

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxShownName is the most bytes a masked name takes in a code, so that its QR stays within version 15 at level M.
const MaxShownName = 24

// Mask gives the name as a code shows it: of a Han name the first and last character (of two, the first), of a Latin one
// the first word and initials (of one word, its initial). Enough for an officer to compare, too little to harvest.
//
// What would be longer than MaxShownName bytes loses whole words from its end; a word that does not fit alone keeps its beginning. A
// star stands wherever something is left out, so that a name that was cut does not look like a whole one.
func (n Name) Mask() string {
	han := maskHan(shown(n.Han))
	room := MaxShownName
	if han != "" {
		room -= len(han) + len(" ")
	}
	return strings.TrimSpace(han + " " + fitted(maskLatin(shown(n.Latin)), room))
}

// shown drops what JSON would have to escape, so that MaxShownName bytes are no more than that in a token. No name is
// written with quotation marks, backslashes or unprintable characters.
func shown(name string) string {
	return strings.Map(func(character rune) rune {
		if character == '"' || character == '\\' || character == utf8.RuneError || !unicode.IsPrint(character) {
			return -1
		}
		return character
	}, name)
}

func maskHan(name string) string {
	runes := []rune(name)
	switch len(runes) {
	case 0:
		return ""
	case 1, 2:
		return string(runes[0]) + "*"
	default:
		return string(runes[0]) + "*" + string(runes[len(runes)-1])
	}
}

// maskLatin gives the words of a masked name.
func maskLatin(name string) []string {
	words := strings.Fields(name)
	for i := range words {
		if i > 0 || len(words) == 1 {
			words[i] = initial(words[i])
		}
	}
	return words
}

func initial(word string) string {
	first, _ := utf8.DecodeRuneInString(word)
	return string(first) + "*"
}

// fitted is as many whole words as fit into so many bytes, or the beginning of the first.
func fitted(words []string, room int) string {
	if whole := strings.Join(words, " "); len(whole) <= room {
		return whole
	}
	for n := len(words) - 1; n > 0; n-- {
		if text := starred(strings.Join(words[:n], " ")); len(text) <= room {
			return text
		}
	}
	return starred(cut(words[0], room-len("*")))
}

// starred marks that something is left out behind a text.
func starred(text string) string {
	if text == "" {
		return ""
	}
	return strings.TrimSuffix(text, "*") + "*"
}

// cut is the beginning of a word, of at most so many bytes.
func cut(word string, most int) string {
	for len(word) > most {
		_, size := utf8.DecodeLastRuneInString(word)
		word = word[:len(word)-size]
	}
	return word
}

// Mask gives the canonical number's first character and last four, which an officer compares with the document. A number
// of fewer than eight characters shows its last two only. At most nine characters, of which a number that passed its
// type's check has one byte each.
func (d Document) Mask() string {
	number := []rune(shown(d.Number))
	switch {
	case len(number) == 0:
		return ""
	case len(number) < 8:
		return "****" + string(number[max(0, len(number)-2):])
	default:
		return string(number[:1]) + "****" + string(number[len(number)-4:])
	}
}
