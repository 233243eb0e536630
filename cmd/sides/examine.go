package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// codeClaims is the payload of a code. No other member may be in it: what the profile does not name must not reach a
// port's screen.
type codeClaims struct {
	Issuer    string `json:"iss"`
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"`
	Expires   int64  `json:"exp"`
	Name      string `json:"n"`
	Document  string `json:"d"`
	SampledOn string `json:"t"`
	Route     string `json:"r"`
	Port      string `json:"p"`
	Specimen  bool   `json:"sp"`
	// Unverified: the source has not compared the holder with the document.
	Unverified bool `json:"u"`
}

// receiptClaims is the payload of a lean receipt, likewise closed.
type receiptClaims struct {
	ID       string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Outcome  string `json:"o"`
	Why      string `json:"why"`
	Route    string `json:"r"`
	Port     string `json:"p"`
	Code     string `json:"c"`
	Name     string `json:"n"`
	Document string `json:"d"`
	Full     string `json:"h"`
	Specimen bool   `json:"sp"`
	// Unverified is as in the code.
	Unverified bool `json:"u"`
}

// fullReceipt is what of the full receipt is checked; it says more, for people.
type fullReceipt struct {
	ID         string   `json:"jti"`
	Outcome    string   `json:"outcome"`
	Route      string   `json:"route"`
	CodeID     string   `json:"code_id"`
	CodeSHA256 string   `json:"code_sha256"`
	FieldsHash string   `json:"fields_sha256"`
	NotGranted []string `json:"not_granted"`
	Unverified bool     `json:"unverified"`
}

// verdict is what a check finds, in one word. Only valid lets somebody pass.
type verdict string

const (
	valid       verdict = "valid"
	expired     verdict = "expired"
	notYetValid verdict = "not-yet-valid"
	recalled    verdict = "recalled"
	routeClosed verdict = "route-closed"
	specimen    verdict = "specimen"
	refusal     verdict = "refusal"
	mismatch    verdict = "mismatch"
	unreadable  verdict = "unreadable"
)

// words say what each verdict means to the person at the counter.
var words = map[verdict]string{
	valid:       "the signatures hold and nothing speaks against it",
	expired:     "it was genuine, but its time is over",
	notYetValid: "it is genuine, but from the future: check this clock",
	recalled:    "it is genuine, but it has been recalled",
	routeClosed: "it is genuine, but its route has been closed since it was issued",
	specimen:    "it is genuine, but a specimen and not for real use",
	refusal:     "the receipt is genuine and says that no code was issued",
	mismatch:    "each part is genuine, but they are not of one transcode: it may be somebody else's",
	unreadable:  "it is not a code or receipt of this gateway",
}

// exhibit is what somebody shows: a code, a receipt, or both, and perhaps the full receipt.
type exhibit struct {
	code, receipt string
	full          []byte
}

// finding is what a check finds.
type finding struct {
	verdict verdict
	why     string // what exactly, for unreadable, mismatch and route-closed
	code    *codeClaims
	receipt *receiptClaims
	full    fullReceipt
}

// examine checks an exhibit at now. The order is that of what matters most: nothing is said about the time of something
// that is not genuine.
func (t trust) examine(shown exhibit, now time.Time, specimens bool) finding {
	found, err := t.read(shown)
	if err != nil {
		return finding{verdict: unreadable, why: err.Error()}
	}
	if !t.serves(found) {
		return finding{verdict: unreadable, why: "it names a side whose recalls and closings are not known here"}
	}
	if found.why = found.disagreement(shown); found.why != "" {
		found.verdict = mismatch
		return found
	}
	found.verdict = t.judge(found, now, specimens)
	if found.verdict == routeClosed {
		_, route, issuedAt, _ := found.terms()
		found.why = t.closedBy(route, issuedAt, now).sentence(now)
	}
	return found
}

func (t trust) judge(found finding, now time.Time, specimens bool) verdict {
	id, route, issuedAt, expires := found.terms()
	switch {
	case found.receipt != nil && found.receipt.Outcome == "refused":
		return refusal
	case found.receipt != nil && found.receipt.Outcome != "issued", id == "":
		return unreadable
	case t.recalled(id, route, issuedAt):
		return recalled
	case t.closedBy(route, issuedAt, now) != nil:
		return routeClosed
	case now.Add(leeway).Before(time.Unix(issuedAt, 0)):
		return notYetValid
	case now.Add(-leeway).After(time.Unix(expires, 0)):
		return expired
	case found.isSpecimen() && !specimens:
		return specimen
	}
	return valid
}

// serves tells whether both ends of the route are sides of the bundle.
func (t trust) serves(found finding) bool {
	_, route, _, _ := found.terms()
	from, to, _ := strings.Cut(route, "-")
	known := func(tag string) bool {
		return slices.ContainsFunc(t.profiles, func(one profile) bool { return one.Tag == tag })
	}
	return known(from) && known(to)
}

// maxShown is the most characters of a code or a receipt.
const maxShown = 2 << 10

// read checks every signature that is shown.
func (t trust) read(shown exhibit) (finding, error) {
	var found finding
	if shown.code == "" && shown.receipt == "" {
		return found, errToken
	}
	if shown.code != "" {
		code, err := t.readCode(shown.code)
		if err != nil {
			return found, fmt.Errorf("code: %w", err)
		}
		found.code = &code
	}
	if shown.receipt != "" {
		receipt, err := t.readReceipt(shown.receipt)
		if err != nil {
			return found, fmt.Errorf("receipt: %w", err)
		}
		found.receipt = &receipt
	}
	if shown.full != nil {
		if err := json.Unmarshal(shown.full, &found.full); err != nil {
			return found, fmt.Errorf("full receipt: %w", errToken)
		}
	}
	return found, nil
}

// readCode lets each profile's key sign that profile's typ alone; issuer and route must be the profile's too.
func (t trust) readCode(token string) (codeClaims, error) {
	if len(token) > maxShown {
		return codeClaims{}, errToken
	}
	failure := errToken
	for _, one := range t.profiles {
		payload, err := verify(token, one.Type, one.Key, t.keys)
		if err != nil {
			if _, wrongType := header(token, one.Type, 3, "alg", "kid", "typ"); wrongType == nil {
				failure = err
			}
			continue
		}
		var code codeClaims
		if err := json.Unmarshal(payload, &code, json.RejectUnknownMembers(true)); err != nil {
			return codeClaims{}, fmt.Errorf("%w: its claims", errToken)
		}
		if code.Issuer != one.Side || !strings.HasSuffix(code.Route, "-"+one.Tag) {
			return codeClaims{}, fmt.Errorf("%w: it is not that side's", errToken)
		}
		return code, nil
	}
	return codeClaims{}, failure
}

func (t trust) readReceipt(token string) (receiptClaims, error) {
	if len(token) > maxShown {
		return receiptClaims{}, errToken
	}
	payload, err := verify(token, typeReceipt, "receipt", t.keys)
	if err != nil {
		return receiptClaims{}, err
	}
	var receipt receiptClaims
	if err := json.Unmarshal(payload, &receipt, json.RejectUnknownMembers(true)); err != nil {
		return receiptClaims{}, fmt.Errorf("%w: its claims", errToken)
	}
	return receipt, nil
}

// disagreement names the first field in which code, receipt and full receipt are not of one transcode; "" if they are.
func (f finding) disagreement(shown exhibit) string {
	if f.code != nil && f.receipt != nil {
		if field := pairDisagreement(*f.code, *f.receipt); field != "" {
			return field
		}
	}
	if shown.full == nil {
		return ""
	}
	if f.receipt == nil {
		return "a full receipt without its receipt"
	}
	sum := sha256.Sum256(shown.full)
	switch {
	case f.receipt.Full != base64.RawURLEncoding.EncodeToString(sum[:]):
		return "full receipt: hash"
	case f.full.ID != f.receipt.ID || f.full.Outcome != f.receipt.Outcome || f.full.CodeID != f.receipt.Code:
		return "full receipt: ids"
	case f.receipt.Outcome == "issued" && f.full.Unverified != f.receipt.Unverified:
		return "full receipt: assurance"
	case f.code != nil && f.full.CodeSHA256 != signingInputSum(shown.code):
		return "full receipt: code's hash"
	}
	return ""
}

func pairDisagreement(code codeClaims, receipt receiptClaims) string {
	for _, pair := range []struct {
		field string
		equal bool
	}{
		{"outcome", receipt.Outcome == "issued"},
		{"code id", receipt.Code == code.ID},
		{"route", receipt.Route == code.Route},
		{"port", receipt.Port == code.Port},
		{"name", receipt.Name == code.Name},
		{"document", receipt.Document == code.Document},
		{"issued at", receipt.IssuedAt == code.IssuedAt},
		{"expires", receipt.Expires == code.Expires},
		{"specimen", receipt.Specimen == code.Specimen},
		{"assurance", receipt.Unverified == code.Unverified},
	} {
		if !pair.equal {
			return pair.field
		}
	}
	return ""
}

// signingInputSum is the lower-case hex SHA-256 of a JWS's header.payload.
func signingInputSum(token string) string {
	return hexSum([]byte(token[:strings.LastIndexByte(token, '.')]))
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// terms are taken from the code, or from the receipt if there is no code. They are equal if there are both.
func (f finding) terms() (codeID, route string, issuedAt, expires int64) {
	if f.code != nil {
		return f.code.ID, f.code.Route, f.code.IssuedAt, f.code.Expires
	}
	return f.receipt.Code, f.receipt.Route, f.receipt.IssuedAt, f.receipt.Expires
}

func (f finding) isSpecimen() bool {
	return f.code != nil && f.code.Specimen || f.receipt != nil && f.receipt.Specimen
}

// isUnverified tells whether whoever looks must compare the holder with the document, since nobody has.
func (f finding) isUnverified() bool {
	return f.code != nil && f.code.Unverified || f.receipt != nil && f.receipt.Unverified
}
