package exchange

import (
	"errors"
	"strings"
)

// QRPrefix begins the text of each of our QR codes.
const QRPrefix = "xc:/"

// MaxQRToken is the most characters of a token that a version 15 QR code at level M holds beside the prefix.
//
// Such a code has 3320 data bits (ISO/IEC 18004, table 7). The prefix takes a byte segment of 4+16+4·8 = 52 bits, the
// digits' segment 4+12 bits more; 3252 bits are left for 975 digits, which are 88 groups of six characters and one of three.
const MaxQRToken = 88*qrGroup + 3

// qrGroup characters become qrDigits[qrGroup] digits.
const qrGroup = 6

// qrAlphabet is every character of a compact JWS or JWE (RFC 7515 §2, §7.1), in ASCII order.
const qrAlphabet = "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

// qrDigits is how many digits hold so many characters: 65⁶ < 10¹¹, 65⁵ < 10¹⁰, …
var qrDigits = [...]int{0, 2, 4, 6, 8, 10, 11}

// maxQRText is the longest text that ParseQRText looks at; the largest QR code of all holds 7089 digits.
const maxQRText = 4 << 10

var errQRText = errors.New("not the text of a Crosscode QR code")

// QRText writes a token as decimal digits, which a QR encoder packs into a numeric segment: six characters at a time are
// one number in base 65, written as eleven digits; a shorter last group of n characters takes 2n. That is 6.1 bits a
// character. Two digits each, as in SMART Health Cards, would be 6.7 bits, and the longest receipt would need version 16.
//
// The text is empty if the token holds a character that no compact JWS has.
func QRText(token Token) string {
	var text strings.Builder
	text.Grow(len(QRPrefix) + 2*len(token))
	text.WriteString(QRPrefix)
	for rest := string(token); rest != ""; {
		group := rest[:min(qrGroup, len(rest))]
		rest = rest[len(group):]
		var value uint64
		for _, character := range []byte(group) {
			place := strings.IndexByte(qrAlphabet, character)
			if place < 0 {
				return ""
			}
			value = value*uint64(len(qrAlphabet)) + uint64(place)
		}
		text.Write(padded(value, qrDigits[len(group)]))
	}
	return text.String()
}

// padded is a number in so many decimal digits.
func padded(value uint64, width int) []byte {
	digits := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		digits[i] = '0' + byte(value%10)
		value /= 10
	}
	return digits
}

// ParseQRText reads a QR code's text, of at most 4 KiB, back into a token. Each token has one text only: whatever is
// accepted is written the same again.
func ParseQRText(text string) (Token, error) {
	digits, found := strings.CutPrefix(text, QRPrefix)
	if !found || digits == "" || len(text) > maxQRText {
		return "", errQRText
	}
	var token strings.Builder
	for full := qrDigits[qrGroup]; digits != ""; {
		group := digits[:min(full, len(digits))]
		digits = digits[len(group):]
		characters, err := parseQRGroup(group)
		if err != nil {
			return "", err
		}
		token.WriteString(characters)
	}
	return Token(token.String()), nil
}

// parseQRGroup refuses a value that the group's characters cannot have, so that no token has a second text.
func parseQRGroup(group string) (string, error) {
	count := len(group) / 2
	if len(group) == qrDigits[qrGroup] {
		count = qrGroup
	} else if len(group)%2 != 0 {
		return "", errQRText
	}
	var value uint64
	for _, digit := range []byte(group) {
		if digit < '0' || digit > '9' {
			return "", errQRText
		}
		value = value*10 + uint64(digit-'0')
	}
	characters := make([]byte, count)
	for i := count - 1; i >= 0; i-- {
		characters[i] = qrAlphabet[value%uint64(len(qrAlphabet))]
		value /= uint64(len(qrAlphabet))
	}
	if value != 0 {
		return "", errQRText
	}
	return string(characters), nil
}
