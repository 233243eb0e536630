package jose

import (
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"crosscode/crypto/keys"
)

// The typ of each kind that comes in, and of the handoff that goes out. Codes have the typ of their exchange.Profile.
const (
	packetType  = "consent-packet+jwe"
	claimsType  = "consent-packet+jwt"
	recallType  = "code-recall+jwt"
	handoffType = "handoff+jwe"
)

// What a packet's outer header says of its content, and the names that it may have.
const (
	contentEncryption = "A256GCM"
	packetContent     = "JWT" // RFC 7519 §5.2: what is inside is a JWT
)

var outerNames = []string{"alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv"}

// maxParty bounds apu and apv, decoded. Whoever needs them needs a name or a nonce.
const maxParty = 64

var (
	errHeaderSize = errors.New("header longer than 2 KiB")
	errAlgorithm  = errors.New("alg is not one of those accepted here (names are case-sensitive)")
	errEncryption = errors.New("enc is not A256GCM")
	errType       = errors.New("typ is not exactly what this kind of token has")
	errContent    = errors.New("cty is not exactly what this kind of token has")
	errKeyID      = errors.New("kid is missing or not 1 to 64 characters of A-Z a-z 0-9 . _ -")
	errEphemeral  = errors.New("epk is not exactly kty EC, crv P-256 and x, y of 32 bytes that are a point of the curve; it goes with ECDH-ES only")
	errParty      = errors.New("apu or apv is not base64url of at most 64 bytes; they go with ECDH-ES only")
)

// header is a protected header: string members by name, and epk, the one member that is an object.
type header struct {
	text      map[string]string
	ephemeral map[string]string
}

// parseHeader accepts an object whose members are all among the allowed names; each is a string, but for epk. A name that
// is not allowed refuses the token: crit, zip, b64, jku, jwk, x5u, x5c and x5t have no place here (threat T5). What is not
// a header at all gives no header.
func parseHeader(at stage, data []byte, allowed ...string) (*header, []*fault) {
	if len(data) > MaxHeader {
		return nil, []*fault{refused(at, errHeaderSize)}
	}
	h := &header{text: make(map[string]string, len(allowed))}
	var faults []*fault
	err := walk(data, func(name string, decoder *jsontext.Decoder) error {
		value, err := decoder.ReadValue()
		if err != nil {
			return errJSON
		}
		if err := h.take(name, value, allowed); err != nil {
			faults = append(faults, refusedMember(at, name, err))
		}
		return nil
	})
	if err != nil {
		return nil, []*fault{refused(at, err)}
	}
	return h, faults
}

// take keeps one member. The decoder has checked its value already.
func (h *header) take(name string, value jsontext.Value, allowed []string) (err error) {
	switch {
	case !slices.Contains(allowed, name):
		return errMember
	case name == "epk":
		h.ephemeral, err = parseEphemeral(value)
		return err
	case value.Kind() != '"':
		return errText
	}
	unquoted, err := jsontext.AppendUnquote(nil, value)
	h.text[name] = string(unquoted)
	return err
}

func parseEphemeral(value jsontext.Value) (map[string]string, error) {
	if value.Kind() != '{' {
		return nil, errEphemeral
	}
	members := make(map[string]string, 4)
	err := walk(value, func(name string, inner *jsontext.Decoder) (err error) {
		if !slices.Contains([]string{"kty", "crv", "x", "y"}, name) {
			return errEphemeral
		}
		members[name], err = text(inner)
		return err
	})
	return members, err
}

func (h header) has(name string) bool {
	_, found := h.text[name]
	return found || name == "epk" && h.ephemeral != nil
}

// doubt is one thing that may be wrong with a member; without a member, with the whole token.
type doubt struct {
	wrong  bool
	member string
	err    error
}

// wrong gives a fault for each doubt that is one.
func (h header) wrong(at stage, doubts ...doubt) (faults []*fault) {
	for _, each := range doubts {
		if !each.wrong {
			continue
		}
		f := refusedMember(at, each.member, each.err)
		if each.member != "" && !h.has(each.member) {
			f.hint = "there is none"
		}
		faults = append(faults, f)
	}
	return faults
}

func (h header) keyID() (string, error) {
	if keyID := h.text["kid"]; keys.ValidKeyID(keyID) {
		return keyID, nil
	}
	return "", errKeyID
}

// point reads epk. crypto/ecdh refuses every point that is not on the curve, and infinity has no such encoding (T8).
func (h header) point() (*ecdh.PublicKey, error) {
	epk := h.ephemeral
	x, errX := canonical(epk["x"])
	y, errY := canonical(epk["y"])
	if epk["kty"] != "EC" || epk["crv"] != "P-256" || errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, errEphemeral
	}
	point, err := ecdh.P256().NewPublicKey(slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errEphemeral
	}
	return point, nil
}

func (h header) party(name string) ([]byte, error) {
	if !h.has(name) {
		return nil, nil
	}
	value, err := canonical(h.text[name])
	if err != nil || len(value) > maxParty {
		return nil, errParty
	}
	return value, nil
}

// canonical decodes a header value as split decodes a segment.
func canonical(encoded string) ([]byte, error) {
	for _, character := range encoded {
		if foreign(character) || character == '.' {
			return nil, errAlphabet
		}
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, errEncoding
	}
	return decoded, nil
}
