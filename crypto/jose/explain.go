package jose

import (
	"context"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// Step is one check on a packet's way, for a back-end team that wants to know why theirs is refused.
type Step struct {
	Name   string // the Stage of the Failure that this check would give, such as "packet.header"
	What   string // what is checked
	Passed bool
	Why    string // empty when it passed: what is wrong, in plain English
}

// steps lists every check in the order in which it is made.
var steps = []struct {
	stage stage
	what  string
}{
	{stageCompact, "five segments of canonical base64url, 32 KiB at most: a compact JWE"},
	{stageHeader, "the outer header is strict JSON of 2 KiB at most with alg, enc, kid, typ, cty and for ECDH-ES epk, apu, apv; no other name"},
	{stageAlgorithms, "alg is RSA-OAEP-256, ECDH-ES or ECDH-ES+A256KW; enc is A256GCM; typ is consent-packet+jwe; cty is JWT; kid is well-formed"},
	{stageAgreement, "for ECDH-ES, epk is a P-256 point with 32-byte coordinates, apu and apv have 64 bytes at most; otherwise there are none"},
	{stageLengths, "iv has 12 bytes, tag 16, encrypted_key what alg asks for"},
	{stageKey, "kid is a packet key of this gateway, for this alg and of this length"},
	{stageDecrypt, "the packet opens with that key"},
	{stageSigned, "inside are three segments of canonical base64url: a compact JWS"},
	{stageJWSHeader, "the inner header is strict JSON of 2 KiB at most with alg, kid, typ and at most cty; no other name"},
	{stageKind, "alg is ES256 or EdDSA; typ is consent-packet+jwt; cty is json or absent; the signature has 64 bytes; the payload has 16 KiB at most"},
	{stageClaims, "the claims are strict JSON: one object, unique names, UTF-8, 8 levels at most"},
	{stageIssuer, "iss is a side's id"},
	{stageAudience, "aud is this gateway's URL, one string"},
	{stagePinned, "kid is a signing key that this issuer publishes for this alg"},
	{stageSignature, "the signature holds under that key"},
}

// Explain takes a packet the way that Open and Verify do, by the same code, and tells of each check whether it passed. The
// list ends with the first one that did not. It says things that an attacker would like to know, such as whether a key
// unwrapped: for the holder of the gateway's keys only, never for an answer over the network.
func Explain(ctx context.Context, packet exchange.Packet, ring keys.Ring, trusted TrustedKeys, audience string) []Step {
	stopped := stop(ctx, packet, ring, trusted, audience)
	told := []Step{}
	for _, step := range steps {
		if stopped != nil && stopped.stage == step.stage {
			return append(told, Step{Name: string(step.stage), What: step.what, Why: stopped.why()})
		}
		told = append(told, Step{Name: string(step.stage), What: step.what, Passed: true})
	}
	if stopped != nil { // a panic has no place in the list
		return []Step{{Name: string(stopped.stage), What: "the packet can be worked on at all", Why: stopped.why()}}
	}
	return told
}

func stop(ctx context.Context, packet exchange.Packet, ring keys.Ring, trusted TrustedKeys, audience string) (stopped *fault) {
	defer func() {
		if recover() != nil {
			stopped = refused(stagePanic, errDecrypt)
		}
	}()
	signed, stopped := NewOpener(ring).open(ctx, string(packet))
	if stopped != nil {
		return stopped
	}
	_, stopped = NewVerifier(trusted, audience).verify(ctx, signed.Compact, packetKind)
	return stopped
}

func (f *fault) why() string {
	why := f.cause.Error()
	if f.hint != "" {
		why += ": " + f.hint
	}
	if f.reason == exchange.Unavailable {
		why = "it cannot be known now (try again): " + why
	}
	return why
}
