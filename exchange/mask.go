package exchange

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxShownName is the most bytes a masked name takes in a code, so that its QR stays within version 15 at level M.
const MaxShownName = 24

// Mask gives the name as a code shows it: of a Han name the first and last character (of two, the first), of a Latin one
// the first word and initials (of one word, its initial), cut at MaxShownName bytes between characters. Enough for an
// officer to compare, too little to harvest.
func (n Name) Mask() string {
	return cut(strings.TrimSpace(maskHan(shown(n.Han))+" "+maskLatin(shown(n.Latin))), MaxShownName)
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

func maskLatin(name string) string {
	words := strings.Fields(name)
	if len(words) == 1 {
		return initial(words[0])
	}
	for i := 1; i < len(words); i++ {
		words[i] = initial(words[i])
	}
	return strings.Join(words, " ")
}

func initial(word string) string {
	first, _ := utf8.DecodeRuneInString(word)
	return string(first) + "*"
}

func cut(s string, most int) string {
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return strings.TrimSpace(s)
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
