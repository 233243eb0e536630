package jose

import (
	"context"
	"errors"
	"strings"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// Step is one check on a packet's way, for a back-end team that wants to know why theirs is refused.
type Step struct {
	Name    string  `json:"name"`              // the Stage of the Failure that this check would give, such as "packet.header"
	What    string  `json:"what"`              // what is checked
	Faults  []Fault `json:"faults,omitempty"`  // all that is wrong; none: it passed
	Skipped bool    `json:"skipped,omitempty"` // not made: there was nothing to make it on
}

// Passed tells whether the check was made and found nothing.
func (s Step) Passed() bool { return !s.Skipped && len(s.Faults) == 0 }

// Fault is one thing that is wrong: a JSON pointer (RFC 6901) into the header or the claims that the step looks at, "" for
// the whole, and what is wrong there, in plain English.
type Fault struct {
	At  string `json:"at"`
	Why string `json:"why"`
}

// steps lists every check in the order in which it is made.
var steps = []struct {
	stage stage
	what  string
}{
	{stageCompact, "five segments of canonical base64url, 60 KiB at most, and at most one line end behind them: a compact JWE"},
	{stageHeader, "the outer header is strict JSON of 2 KiB at most with alg, enc, kid, typ, cty and for ECDH-ES epk, apu, apv; no other name"},
	{stageAlgorithms, "alg is RSA-OAEP-256, ECDH-ES or ECDH-ES+A256KW; enc is A256GCM; typ is consent-packet+jwe; cty is JWT; kid is well-formed"},
	{stageAgreement, "for ECDH-ES, epk is a P-256 point with 32-byte coordinates, apu and apv have 64 bytes at most; otherwise there are none"},
	{stageLengths, "iv has 12 bytes, tag 16, encrypted_key what alg asks for"},
	{stageKey, "kid is a packet key of this gateway, for this alg and of this length"},
	{stageDecrypt, "the packet opens with that key"},
	{stageSigned, "inside are three segments of canonical base64url: a compact JWS"},
	{stageJWSHeader, "the inner header is strict JSON of 2 KiB at most with alg, kid, typ and at most cty; no other name"},
	{stageKind, "alg is ES256 or EdDSA; typ is consent-packet+jwt; cty is json or absent; the signature has 64 bytes; the payload has 32 KiB at most"},
	{stageClaims, "the claims are strict JSON: one object, unique names, UTF-8, 8 levels at most"},
	{stageIssuer, "iss is a side's id"},
	{stageAudience, "aud is this gateway's URL, one string"},
	{stagePinned, "kid is a signing key that this issuer publishes for this alg"},
	{stageSignature, "the signature holds under that key"},
}

// Explained is all that was found, and what was inside. Claims.JSON is nil when the claims could not be reached. They are
// genuine only if every step passed.
type Explained struct {
	Steps  []Step
	Signed exchange.Signed
	Claims exchange.Claims
}

// Explain takes a packet the way that Open and Verify do, by the same code, and tells of each check what it found. Where
// they stop at the first fault, it goes on as far as anything is left to look at. It says things that an attacker would
// like to know, such as whether a key unwrapped: for the holder of the gateway's keys only, never for an answer over the
// network.
func Explain(ctx context.Context, packet exchange.Packet, ring keys.Ring, trusted TrustedKeys, audience string) (told Explained) {
	defer func() {
		if recover() != nil { // a panic has no place in the list
			told = Explained{Steps: []Step{{
				Name: string(stagePanic), What: "the packet can be worked on at all", Faults: []Fault{{Why: errDecrypt.Error()}},
			}}}
		}
	}()
	heard := hearing{}
	signed, found := NewOpener(ring).open(ctx, packet, heard.report)
	if found {
		told.Signed = signed
		told.Claims = NewVerifier(trusted, audience).inspect(ctx, signed.Compact, packetKind, heard.report)
	}
	told.Steps = heard.steps()
	return told
}

// hearing keeps what each check found, by stage; a stage that is not in it was not reached.
type hearing map[stage][]Fault

func (h hearing) report(at stage, found ...*fault) bool {
	faults := []Fault{}
	for _, each := range found {
		faults = append(faults, Fault{At: pointer(each.member), Why: each.why()})
	}
	h[at] = faults
	return true
}

func (h hearing) steps() []Step {
	told := make([]Step, len(steps))
	for i, step := range steps {
		faults, reached := h[step.stage]
		told[i] = Step{Name: string(step.stage), What: step.what, Faults: faults, Skipped: !reached}
	}
	return told
}

// pointer is the JSON pointer (RFC 6901) of a member. Its name is the sender's own, so the length is bounded here.
func pointer(member string) string {
	if member == "" {
		return ""
	}
	if len(member) > maxShown {
		member = strings.ToValidUTF8(member[:maxShown], "") + "…"
	}
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(member)
}

// maxShown is the most bytes of a foreign member's name that are shown.
const maxShown = 64

func (f *fault) why() string {
	why := f.cause.Error()
	if wanted, told := wantedValues[f.stage][f.member]; told {
		why += ": want " + strings.Join(wanted, " or ")
	}
	if known, told := refusedNames[f.member]; told && errors.Is(f.cause, errMember) {
		why += ": " + known
	}
	if f.hint != "" {
		why += "; " + f.hint
	}
	if f.reason == exchange.Unavailable {
		why = "it cannot be known now (try again): " + why
	}
	return why
}

// refusedNames says of header names that libraries write why they are refused.
var refusedNames = map[string]string{
	"zip":      "the content is not compressed; switch compression off",
	"crit":     "there are no extensions",
	"b64":      "the payload is always base64url",
	"jwk":      "keys are found by kid, never taken from a header",
	"jku":      "keys are found by kid, never taken from a header",
	"x5u":      "keys are found by kid, never taken from a header",
	"x5c":      "keys are found by kid, never taken from a header",
	"x5t":      "keys are found by kid, never taken from a header",
	"x5t#S256": "keys are found by kid, never taken from a header",
	"enc":      "it belongs to the outer header",
	"iss":      "claims stand in the payload alone",
	"aud":      "claims stand in the payload alone",
	"sub":      "claims stand in the payload alone",
}
