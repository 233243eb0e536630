package exchange

import "time"

// Status is what became of one rule.
type Status string

// A rule passes, fails, could not be computed, or does not apply to this packet. Only pass and not-in-force let a packet
// through: an error, like an absent fact, is never green.
const (
	Pass       Status = "pass"
	Fails      Status = "fail"
	Errored    Status = "error"
	NotInForce Status = "not-in-force"
)

// Outcome is what one rule says of one record at one instant.
type Outcome struct {
	Rule   string // "macau.entry.negative-test"
	Status Status
	// Warn marks a rule whose failure is noted in the receipt but refuses nobody.
	Warn bool
	// Reason is what a failure of this rule is called.
	Reason Reason
	// Category is all that an officer is told: "test", "document", "colour", …
	Category string
	// Advice is what the holder is told; empty where no rule decided (RuleRoute and its like), and the reason's own text is
	// told instead.
	Advice Advice
	// Until is the last second at which a pass is one; zero: the rule sets no end.
	Until time.Time
}

// Blocks tells whether the outcome stands in the way of a code. Anything that is not known to be good does.
func (o Outcome) Blocks() bool {
	return !o.Warn && o.Status != Pass && o.Status != NotInForce
}

// RulebookRef names the dated rulebook version that was asked, for the receipt and the journal.
type RulebookRef struct {
	Version    string `json:"version"` // "macau/2026-01-01T00:00+08:00"
	SHA256     string `json:"sha256"`  // lower-case hex, of the rulebook file
	Confidence string `json:"confidence"`
}

// Findings is what one rulebook says of one record. The zero Findings concludes in a refusal.
type Findings struct {
	Rulebook RulebookRef
	Outcomes []Outcome
	// Shows is what the destination's code may say of the holder. Source rulebooks leave it zero.
	Shows Shows
	// Judged lists the kinds (Record.Adverse) of which a rule in force has said something, or which it has waived by a source. A
	// rule that is not in force judges nothing.
	Judged []string
	// NotGranted lists what the code does not grant, such as "quarantine-waiver". Source rulebooks leave it empty.
	NotGranted []string
}

// Shows is the destination's choice of what its code prints.
type Shows struct {
	Document Document
	// SampledOn is the sampling day of the test that the rules counted; zero: none was asked for.
	SampledOn Date
}

// Source reads a side's own packets.
type Source interface {
	// Read parses the claims; the error is a Failure with claims-invalid that names the field and never its value. A
	// member that is not known is refused, not dropped.
	Read(claims Claims) (Record, error)
}

// Jurisdiction is all that one side does: it reads its own packets, knows its own green, decides whom it lets in over a
// route, and says how its code looks.
type Jurisdiction interface {
	Calendar
	Source
	Rulebook
	// InUse is the rulebook as it is now. Whoever asks more than once about one record asks it, so that a rulebook that is
	// replaced in between does not answer half of the questions.
	InUse() Rulebook
	Publisher
	Profile() Profile
}

// Profile is the form of a side's code.
type Profile struct {
	Side Side
	Key  string // name in the key ring: "mo"
	Type string // JWS typ: "mo-code+jwt"
	// Tag stands for the side in a code's "r" claim: "mo" in "mo-gd".
	Tag string
}

// PacketKey is the name in the key ring of the key that this side's packets are sealed to: "packet-mo".
func (p Profile) PacketKey() string { return "packet-" + p.Tag }
