package exchange

import (
	"strings"
	"unicode/utf8"
)

// MaxShownName is the most bytes a masked name takes in a code, so that its QR stays within version 15 at level M.
const MaxShownName = 24

// Mask gives the name as a code shows it: of a Han name the first and last character, of a Latin one the first word and
// initials, cut at MaxShownName bytes between characters. Enough for an officer to compare, too little to harvest.
func (n Name) Mask() string {
	return cut(strings.TrimSpace(maskHan(n.Han)+" "+maskLatin(n.Latin)), MaxShownName)
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
	for i := 1; i < len(words); i++ {
		initial, _ := utf8.DecodeRuneInString(words[i])
		words[i] = string(initial) + "*"
	}
	if len(words) == 1 {
		initial, _ := utf8.DecodeRuneInString(words[0])
		return string(initial) + "*"
	}
	return strings.Join(words, " ")
}

func cut(s string, most int) string {
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return strings.TrimSpace(s)
}

// Mask gives the canonical number's first and last four characters, which is what an officer types to compare. A number
// of fewer than eight characters shows its last two only.
func (d Document) Mask() string {
	number := d.Number
	switch {
	case number == "":
		return ""
	case len(number) < 8:
		return "****" + number[max(0, len(number)-2):]
	default:
		return number[:1] + "****" + number[len(number)-4:]
	}
}
