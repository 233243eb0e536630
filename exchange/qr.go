package exchange

import (
	"errors"
	"strings"
)

// QRPrefix begins the text of each of our QR codes.
const QRPrefix = "xc:/"

// MaxQRToken is the most characters of a token that fit a version 15 QR code at level M in numeric segments.
const MaxQRToken = 494

var errQRText = errors.New("not the text of a Crosscode QR code")

// QRText writes a token as two digits for each character (its ASCII code less 45), which a QR encoder packs into numeric
// segments: 6.7 bits a character instead of 8. The method is that of SMART Health Cards.
func QRText(token Token) string {
	var text strings.Builder
	text.Grow(len(QRPrefix) + 2*len(token))
	text.WriteString(QRPrefix)
	for _, character := range []byte(token) {
		value := character - 45
		text.WriteByte('0' + value/10)
		text.WriteByte('0' + value%10)
	}
	return text.String()
}

// ParseQRText reads a QR code's text back into a token. The text may be at most 4 KiB.
func ParseQRText(text string) (Token, error) {
	digits, found := strings.CutPrefix(text, QRPrefix)
	if !found || len(text) > 4<<10 || len(digits)%2 != 0 {
		return "", errQRText
	}
	token := make([]byte, 0, len(digits)/2)
	for i := 0; i < len(digits); i += 2 {
		tens, ones := digits[i]-'0', digits[i+1]-'0'
		if tens > 9 || ones > 9 || tens*10+ones > 'z'-45 {
			return "", errQRText
		}
		token = append(token, 45+tens*10+ones)
	}
	return Token(token), nil
}
