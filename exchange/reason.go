package exchange

import (
	"errors"
	"fmt"
)

// Reason is the stable id of why a packet got no code. It is the one vocabulary shared by the pipeline, the rulebooks,
// the journal, the receipts and the problem answers.
type Reason string

// The reasons, in the order in which the path of a packet can meet them.
const (
	PacketRefused       Reason = "packet-refused" // uniform: everything before the inner signature holds
	TooLarge            Reason = "too-large"
	UnsupportedMedia    Reason = "unsupported-media"
	SlowDown            Reason = "slow-down"
	Unavailable         Reason = "unavailable"
	ClaimsInvalid       Reason = "claims-invalid"
	NotYetValid         Reason = "not-yet-valid"
	PacketExpired       Reason = "packet-expired"
	ConsentMissing      Reason = "consent-missing"
	ConsentExpired      Reason = "consent-expired"
	WrongRoute          Reason = "wrong-route"
	Replayed            Reason = "replayed"
	NotGreen            Reason = "not-green"
	ColourUnavailable   Reason = "source-colour-unavailable" // 亮码失败: the source shows no colour at all
	SourceConflict      Reason = "source-conflict"
	NotEligible         Reason = "not-eligible"
	DocumentNotAccepted Reason = "document-not-accepted"
	ConvertFirst        Reason = "convert-first"
	RouteClosed         Reason = "route-closed"
	RouteNotConfigured  Reason = "route-not-configured"
)

// Reasons lists every reason; a test holds the problem table and openapi.yaml to it.
func Reasons() []Reason {
	return append([]Reason{
		PacketRefused, TooLarge, UnsupportedMedia, SlowDown, Unavailable, ClaimsInvalid, NotYetValid, PacketExpired,
		ConsentMissing, ConsentExpired, WrongRoute, Replayed,
	}, Refusals()...)
}

// Refusals lists the reasons that a verdict can carry. Each is answered with a signed refusal receipt.
func Refusals() []Reason {
	return []Reason{
		NotGreen, ColourUnavailable, SourceConflict, NotEligible, DocumentNotAccepted, ConvertFirst, RouteClosed,
		RouteNotConfigured,
	}
}

// Failure is an error with a reason that may be told to the holder. The stage and the cause are for the private log
// only: before the inner signature is verified they would be an oracle (RFC 8725 §3.2, RFC 7516 §11.5).
type Failure struct {
	Reason Reason
	// Stage is where on the path it happened, from a closed set of constants: safe as a log field.
	Stage string
	// Field names the claim at fault, such as "holder.documents[0].number"; never its value.
	Field string
	// Obstacle chooses the holder's text where one reason covers several faults, each with a remedy of its own; "" for none.
	Obstacle Obstacle
	// Source is the side whose signature the packet has: whom its holder can call. "" until the inner signature holds.
	Source Side
	Cause  error
}

// Obstacle is the stable id of what stands between a person and a consent of that person. All are of consent-missing: no
// text can be ticked by somebody who may not consent (PIPL 31; Civil Code 19 and 23), so the remedy is another person.
type Obstacle string

// The obstacles. They are judged before any rule is asked: without a consent that counts, nothing is processed.
const (
	// ChildNeedsGuardian: the holder is under 14, and a guardian did not consent.
	ChildNeedsGuardian Obstacle = "child-needs-guardian"
	// GuardianUnnamed: a guardian consented, and the presenter is not said to be a parent or guardian.
	GuardianUnnamed Obstacle = "guardian-unnamed"
	// GuardianForAdult: a guardian consented for a holder of 18 or more.
	GuardianForAdult Obstacle = "guardian-for-adult"
	// AgentNotAllowed: an agent consented for a holder under 60.
	AgentNotAllowed Obstacle = "agent-not-allowed"
	// AgentUnnamed: an agent consented, and the presenter is not said to be one whom the source's list has.
	AgentUnnamed Obstacle = "agent-unnamed"
	// PresenterUnexplained: the holder consented in person, and somebody else presents.
	PresenterUnexplained Obstacle = "presenter-unexplained"
)

// Obstacles lists every obstacle; tests hold the texts, openapi.yaml and the reader to it.
func Obstacles() []Obstacle {
	return []Obstacle{
		ChildNeedsGuardian, GuardianUnnamed, GuardianForAdult, AgentNotAllowed, AgentUnnamed, PresenterUnexplained,
	}
}

func (f *Failure) Error() string {
	text := f.Stage + ": " + string(f.Reason)
	if f.Field != "" {
		text += " (" + f.Field + ")"
	}
	if f.Cause != nil {
		text += ": " + f.Cause.Error()
	}
	return text
}

func (f *Failure) Unwrap() error { return f.Cause }

// Fail makes a Failure. The cause must hold no personal data.
func Fail(reason Reason, stage string, cause error) error {
	return &Failure{Reason: reason, Stage: stage, Cause: cause}
}

// Invalid is the failure of one claim of a genuine packet: claims-invalid, with the field's name. The format and its
// arguments must never repeat the claim's value.
func Invalid(field, format string, args ...any) error {
	return &Failure{Reason: ClaimsInvalid, Stage: "read", Field: field, Cause: fmt.Errorf(format, args...)}
}

// sourced notes whose packet it was that failed. The failure is copied, since others may hold it as well.
func sourced(side Side, err error) error {
	var failure *Failure
	if !errors.As(err, &failure) {
		return err
	}
	noted := *failure
	noted.Source = side
	return &noted
}

// ReasonOf finds the reason in err's chain. An error without one is an internal fault, which is not the holder's
// business: found is false, and the answer is a plain 500.
func ReasonOf(err error) (reason Reason, found bool) {
	var failure *Failure
	if errors.As(err, &failure) {
		return failure.Reason, true
	}
	return "", false
}
