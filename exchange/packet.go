package exchange

import (
	"context"
	"strings"
)

// Packet is a consent packet as it came in: a compact JWE. It is hostile until it is opened and verified.
type Packet string

// MaxClaims is the most bytes of claims that a packet may have. 64 pieces of evidence with institutions of 40 ideographs, each written
// as an escape of six bytes (the default of several JSON libraries), are 26 KiB with all else.
const MaxClaims = 32 << 10

// MaxPacket is the most characters a packet may have, a line end behind it not counted: MaxClaims, signed and sealed with base64url
// around each, are 59 KiB, and a request with them keeps within its own 64. It is checked before anything else
// is looked at.
const MaxPacket = 60 << 10

// Compact is the packet without the one line end, LF or CRLF, that tools write behind a line of text. It is the only thing
// that may stand around a packet: a blank, a second line end, or one before or inside the packet is refused.
//
// A packet so has three texts instead of one. That is safe, because nothing is counted by a packet's bytes: whether it was
// answered before is looked up by its issuer and jti, which are signed (threats T9, T17).
func (p Packet) Compact() string {
	text, ended := strings.CutSuffix(string(p), "\n")
	if ended {
		text = strings.TrimSuffix(text, "\r")
	}
	return text
}

// Signed is the compact JWS that was inside a packet. That a packet could be decrypted says nothing about who made it
// (RFC 8725 §3.3): a Signed is as hostile as a Packet.
type Signed struct {
	Compact string
	// PacketKey is the name of our key that the packet was sealed to, such as "packet-mo".
	PacketKey string
}

// Claims are the bytes of a genuine packet: the inner signature holds under a key that belongs to Issuer.
type Claims struct {
	Issuer Side
	KeyID  string
	// JSON is one object: valid UTF-8, unique member names, at most 8 levels deep and MaxClaims long. The Verifier has
	// checked this; which members there may be is the side's business.
	JSON []byte
}

// Opener decrypts a packet with one of the gateway's packet keys. Its error is a Failure: packet-refused for anything
// wrong with the packet, the same and after the same work whatever it is, or unavailable when the key could not be used.
// An outage must never look like a bad packet, nor the other way round.
type Opener interface {
	Open(ctx context.Context, packet Packet) (Signed, error)
}

// Verifier checks the inner signature with a key pinned by (issuer, kid), and that issuer and audience are what they
// must be. Its error is a Failure: packet-refused or unavailable.
type Verifier interface {
	Verify(ctx context.Context, signed Signed) (Claims, error)
}
