package main

import (
	"errors"
	"strconv"
	"strings"
)

// qrPrefix begins the text of each of the gateway's QR codes; maxQRDigits is more digits than any QR code can hold.
const (
	qrPrefix    = "xc:/"
	maxQRDigits = 8 << 10

	groupDigits, groupCharacters = 11, 6 // 65⁶ < 10¹¹
)

// qrAlphabet is every character of a compact JWS in ASCII order, the digits of base 65.
const qrAlphabet = "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

var errQRText = errors.New("not the text of a Crosscode QR code")

// scanned gives the token of a QR code's text; any other text is taken for a token itself. In a QR code each eleven digits
// are six characters as one number in base 65; of a shorter last group each two digits are one character.
func scanned(text string) (string, error) {
	text = strings.TrimSpace(text)
	digits, found := strings.CutPrefix(text, qrPrefix)
	if !found {
		return text, nil
	}
	if digits == "" || len(digits) > maxQRDigits {
		return "", errQRText
	}
	var token strings.Builder
	for digits != "" {
		group := digits[:min(groupDigits, len(digits))]
		digits = digits[len(group):]
		characters, err := unpack(group)
		if err != nil {
			return "", err
		}
		token.WriteString(characters)
	}
	return token.String(), nil
}

// unpack gives the characters of one group. A number that so many characters cannot have is refused, so that no token has
// two texts.
func unpack(group string) (string, error) {
	count := len(group) / 2
	switch {
	case len(group) == groupDigits:
		count = groupCharacters
	case len(group)%2 != 0:
		return "", errQRText
	}
	value, err := strconv.ParseUint(group, 10, 64) // takes neither sign nor space nor underscore
	if err != nil {
		return "", errQRText
	}
	characters := make([]byte, count)
	for i := count - 1; i >= 0; i-- {
		characters[i] = qrAlphabet[value%65]
		value /= 65
	}
	if value != 0 {
		return "", errQRText
	}
	return string(characters), nil
}
