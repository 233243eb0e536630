package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"
)

// HandoffFields is what the destination's own form needs. The full receipt vouches for its bytes by hash; a salt keeps
// that hash from being guessed from the few values a person can have.
type HandoffFields struct {
	Salt      string            `json:"salt"`
	Audience  string            `json:"aud"`
	Expires   int64             `json:"exp"`
	Name      map[string]string `json:"name"`
	Documents []HandoffDocument `json:"documents"`
	BirthDate string            `json:"birth_date"`
	// Assurance is "verified" or "unverified", as the source signed it. It is always there: a destination that keeps the holder
	// keeps this word as well, and never takes an unverified one for verified.
	Assurance string `json:"assurance"`
	// Tests are the newest first, at most MaxHandoffTests of each type.
	Tests []HandoffTest `json:"tests"`
}

// HandoffDocument is one document, with its canonical number.
type HandoffDocument struct {
	Type   string `json:"type"`
	Number string `json:"number"`
}

// HandoffTest is one test: result, sampling day in UTC+8, and the beginning of the institution's name.
type HandoffTest struct {
	Type        string `json:"type"`
	Result      string `json:"result"`
	SampledOn   string `json:"sampled_on"`
	Institution string `json:"institution"`
}

// What a handoff carries of a packet's tests. A destination's form asks for the last one or two; a packet may have 64, and a
// handoff stands in an answer of at most 16 KiB. What is left out is judged like the rest: the rules see all evidence.
const (
	MaxHandoffTests       = 8  // of each type
	MaxHandoffInstitution = 48 // bytes of UTF-8: 16 ideographs, or 48 letters of English
)

// MaxHandoffLife is how long a destination's page may take a handoff.
const MaxHandoffLife = 10 * time.Minute

// MaxFields is the most bytes that a handoff's fields may have.
const MaxFields = 16 << 10

// What can be wrong with a handoff's fields.
var (
	ErrFieldsNotVouched = errors.New("the receipt does not vouch for these fields")
	ErrFieldsAudience   = errors.New("these fields are for another page")
	ErrFieldsExpired    = errors.New("these fields are no longer, or not yet, to be taken")
)

// CheckFields is what a destination's page must do before it fills its form: hold the fields' exact bytes against the full
// receipt, which itself must have been held against a signed lean one (Examine), then check that they are for this
// audience and that MaxHandoffLife is not over, give or take Leeway. The handoff is sealed but not signed, so fields that
// the receipt does not vouch for may be anybody's.
func CheckFields(full FullReceipt, fields []byte, audience string, now time.Time) (HandoffFields, error) {
	if full.Outcome != Issued || full.FieldsHash == "" || len(fields) > MaxFields || full.FieldsHash != hexSum(fields) {
		return HandoffFields{}, ErrFieldsNotVouched
	}
	parsed, err := parseFields(fields)
	if err != nil {
		return HandoffFields{}, ErrFieldsNotVouched
	}
	if parsed.Assurance != (Holder{Verified: !full.Unverified}).assurance() {
		return HandoffFields{}, ErrFieldsNotVouched
	}
	expires := time.Unix(parsed.Expires, 0)
	switch {
	case audience == "" || parsed.Audience != audience:
		return HandoffFields{}, ErrFieldsAudience
	case now.Add(-Leeway).After(expires), expires.After(now.Add(MaxHandoffLife + Leeway)):
		return HandoffFields{}, ErrFieldsExpired
	}
	return parsed, nil
}

func parseFields(data []byte) (HandoffFields, error) {
	var fields HandoffFields
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&fields); err != nil {
		return HandoffFields{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return HandoffFields{}, ErrFieldsNotVouched
	}
	return fields, nil
}

// handoffTests are the tests among the evidence, newest first; of one instant, in the packet's order.
func handoffTests(evidence []Evidence) []HandoffTest {
	newest := slices.SortedStableFunc(slices.Values(evidence), func(a, b Evidence) int { return b.At.Compare(a.At) })
	tests, taken := []HandoffTest{}, map[string]int{}
	for _, piece := range newest {
		if piece.Result == "" || taken[piece.Type] == MaxHandoffTests {
			continue
		}
		taken[piece.Type]++
		tests = append(tests, HandoffTest{
			Type: piece.Type, Result: piece.Result, SampledOn: DateOf(piece.At).String(),
			Institution: cut(piece.Institution, MaxHandoffInstitution),
		})
	}
	return tests
}
