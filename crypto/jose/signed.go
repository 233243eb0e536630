package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"crosscode/crypto/keys"
)

// signatureLength is r‖s of ES256 (RFC 7518 §3.4), and the same for Ed25519 (RFC 8032 §5.1.6).
const signatureLength = 64

var (
	errPayloadSize = errors.New("payload empty or longer than is allowed for this kind of token")
	errSignature   = errors.New("the signature does not hold")
	errSigLength   = errors.New("the signature is not 64 bytes (ES256 is raw r and s, not DER)")
)

// kind is what one kind of JWS must look like.
type kind struct {
	types      []string // typ, any of these
	algorithms []keys.Algorithm
	names      []string // header names
	payload    int      // most bytes
}

// signedContent is the only cty that a packet's inner header may have, if it has any.
const signedContent = "json"

var (
	headerNames = []string{"alg", "kid", "typ"}
	packetKind  = kind{
		types: []string{claimsType}, algorithms: []keys.Algorithm{keys.ES256, keys.EdDSA},
		names: []string{"alg", "kid", "typ", "cty"}, payload: MaxClaims,
	}
	recallKind = kind{
		types: []string{recallType}, algorithms: []keys.Algorithm{keys.ES256, keys.EdDSA},
		names: headerNames, payload: MaxPayload,
	}
)

// ours is a kind that the gateway signs itself.
func ours(payload int, types ...string) kind {
	return kind{types: types, algorithms: []keys.Algorithm{keys.ES256}, names: headerNames, payload: payload}
}

// jws is a JWS that the parser accepted. Its signature has not been looked at.
type unverified struct {
	input     string // "header.payload", what is signed
	alg       keys.Algorithm
	keyID     string
	typ       string
	payload   []byte
	signature []byte
}

func (k kind) parse(token string) (unverified, *fault) {
	var stop stopped
	u, _ := k.inspect(token, stop.report)
	return u, stop.fault
}

// inspect is parse for any report; found tells whether there is a payload to look at.
func (k kind) inspect(token string, tell report) (u unverified, found bool) {
	// Base64 makes four characters of three bytes; the rest is header, signature and dots.
	p, err := split(token, 3, k.payload*4/3+MaxHeader*4/3+128)
	if !tell(stageSigned, ifWrong(stageSigned, "", err)...) || err != nil {
		return unverified{}, false
	}
	h, faults := parseHeader(stageJWSHeader, p.segments[0], k.names...)
	if !tell(stageJWSHeader, faults...) || h == nil {
		return unverified{}, false
	}
	u = unverified{
		input: token[:len(token)-len(p.text[2])-1], alg: keys.Algorithm(h.text["alg"]), typ: h.text["typ"],
		payload: p.segments[1], signature: p.segments[2],
	}
	faults = k.check(&u, h)
	return u, tell(stageKind, faults...)
}

func (k kind) check(u *unverified, h *header) []*fault {
	keyID, err := h.keyID()
	u.keyID = keyID
	return h.wrong(stageKind,
		doubt{err != nil, "kid", errKeyID},
		doubt{!slices.Contains(k.algorithms, u.alg), "alg", errAlgorithm},
		doubt{!slices.Contains(k.types, u.typ), "typ", errType},
		// "JWT" would announce a further layer (threat T12).
		doubt{h.has("cty") && h.text["cty"] != signedContent, "cty", errContent},
		doubt{len(u.signature) != signatureLength, "", errSigLength},
		doubt{len(u.payload) == 0 || len(u.payload) > k.payload, "", errPayloadSize},
	)
}

// verifiers is the whole list: there is no symmetric algorithm in it for a public key to be taken as a secret (threat T2).
var verifiers = map[keys.Algorithm]jws.Verifier{
	keys.ES256: verifier(jwa.ES256),
	keys.EdDSA: verifier(jwa.EdDSA),
}

func verifier(algorithm jwa.SignatureAlgorithm) jws.Verifier {
	made, err := jws.NewVerifier(algorithm)
	if err != nil {
		panic("jwx knows no " + algorithm.String()) // a build of jwx without it
	}
	return made
}

// verify checks the signature with a key whose one algorithm must be the header's, byte for byte (RFC 8725 §3.1).
func (u unverified) verify(algorithm keys.Algorithm, key crypto.PublicKey) error {
	if algorithm != u.alg || !fits(algorithm, key) {
		return errAlgorithm
	}
	if verifiers[algorithm].Verify([]byte(u.input), u.signature, key) != nil {
		return errSignature
	}
	return nil
}

func fits(algorithm keys.Algorithm, key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return algorithm == keys.ES256 && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return algorithm == keys.EdDSA && len(key) == ed25519.PublicKeySize
	default:
		return false
	}
}
