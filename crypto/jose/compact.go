package jose

import (
	"encoding/base64"
	"errors"
	"strings"

	"crosscode/exchange"
)

// Limits, in bytes after decoding except for the packet, which is counted as it comes in.
const (
	MaxPacket = exchange.MaxPacket // 60 KiB
	MaxClaims = exchange.MaxClaims // 32 KiB, of a packet
	MaxHeader = 2 << 10
	// MaxPayload is of all other tokens.
	MaxPayload = 16 << 10
	MaxDepth   = 8 // levels of objects and arrays
	// MaxBundle holds 50,000 recalls of some 80 bytes each, and the closings of twenty sides: 16 of some 60 bytes for each of
	// 380 routes.
	MaxBundle = 8 << 20
)

var (
	errTooLong  = errors.New("too long")
	errSegments = errors.New("not the right number of segments between dots, or an empty header")
	errAlphabet = errors.New("a character that is not base64url: padding, whitespace, line breaks and the +/ alphabet are refused")
	errEncoding = errors.New("not canonical base64url: a length that cannot be, or unused bits that are set")
)

// parts is a compact token taken apart. The segments are decoded; input is the text before the last dot.
type parts struct {
	text     []string
	segments [][]byte
}

// split takes a compact token of exactly count segments apart (RFC 7515 §7.1, RFC 7516 §7.1; RFC 8725bis §3.14). Each
// byte string has exactly one text that is accepted, so that nobody can make a second text of a token.
func split(token string, count, limit int) (parts, error) {
	if len(token) > limit {
		return parts{}, errTooLong
	}
	// Before the segments are counted, a token of dots must not become a million of them.
	if strings.Count(token, ".") != count-1 || strings.HasPrefix(token, ".") {
		return parts{}, errSegments
	}
	if strings.IndexFunc(token, foreign) >= 0 {
		return parts{}, errAlphabet
	}
	p := parts{text: strings.Split(token, "."), segments: make([][]byte, count)}
	for i, text := range p.text {
		decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil {
			return parts{}, errEncoding
		}
		p.segments[i] = decoded
	}
	return p, nil
}

// foreign finds what no compact token holds. It has to run before the decoder, which skips CR and LF even when strict.
func foreign(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		return false
	}
	return true
}
