package exchange

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
)

// Category is all that an officer is told about a code or a receipt.
type Category string

// What an examination can find. Only CategoryValid lets somebody pass.
const (
	CategoryValid       Category = "valid"
	CategoryExpired     Category = "expired"
	CategoryNotYetValid Category = "not-yet-valid"
	CategoryRecalled    Category = "recalled"
	CategoryRouteClosed Category = "route-closed" // genuine, but its route was closed after it was issued
	CategorySpecimen    Category = "specimen"     // genuine, but not for real use
	CategoryRefusal     Category = "refusal"      // a receipt that says that no code was issued
	CategoryMismatch    Category = "mismatch"     // code and receipt are not of one transcode
	CategoryUnreadable  Category = "unreadable"   // not ours, or the signature does not hold
)

// Exhibit is what somebody shows: a code, a receipt or both, each with its signature already checked. The full receipt is
// optional and is held against the lean one.
type Exhibit struct {
	Code             *CodeClaims
	CodeSigningInput string
	Receipt          *ReceiptClaims
	FullReceipt      []byte
}

// Examination is what is found. The fields behind Category are set whenever the exhibit was readable.
type Examination struct {
	Category  Category
	Route     string // "mo-gd"
	Port      Port
	Name      string
	Document  string
	SampledOn string
	Until     time.Time
	// Since and Reopened are set with CategoryRouteClosed alone: when the closing began that voids the code (zero: no
	// beginning is known), and when it ended (zero: it has not).
	Since    time.Time
	Reopened time.Time
	Specimen bool
	// Unverified: nobody has compared the holder with the document yet, so the officer must, whatever the category.
	Unverified bool
}

// Examine holds a code and its receipt against each other, the recalls, the closings and the clock, in that order: a pair
// that does not belong together is a mismatch even if it has expired as well, and a code whose route has been closed since
// is said to be that, whatever its own end is: the officer then knows why, and that others of this route cannot pass either.
// Leeway applies to both ends of a code, and not to a closing. Specimens are refused unless specimens is set.
func Examine(exhibit Exhibit, notices Notices, now time.Time, specimens bool) Examination {
	found := exhibit.describe()
	if found.Category = exhibit.standing(); found.Category != CategoryValid {
		return found
	}
	closing, closed := notices.Closed(found.Route, exhibit.issuedAt(), now)
	switch {
	case notices.Recalled(exhibit.codeID(), sourceTag(found.Route), exhibit.issuedAt()):
		found.Category = CategoryRecalled
	case closed:
		found.Category, found.Since = CategoryRouteClosed, closing.From
		if closing.over(now) {
			found.Reopened = closing.Until
		}
	case now.Add(Leeway).Before(exhibit.issuedAt()):
		found.Category = CategoryNotYetValid
	case now.Add(-Leeway).After(found.Until):
		found.Category = CategoryExpired
	case found.Specimen && !specimens:
		found.Category = CategorySpecimen
	}
	return found
}

// standing is what the exhibit says by itself, without a clock. A receipt with an outcome that we never write is as good
// as unreadable, and so is one that speaks of no code.
func (e Exhibit) standing() Category {
	switch {
	case e.Code == nil && e.Receipt == nil:
		return CategoryUnreadable
	case !e.agrees():
		return CategoryMismatch
	case e.Receipt != nil && e.Receipt.Outcome == Refused:
		return CategoryRefusal
	case e.Receipt != nil && e.Receipt.Outcome != Issued, e.codeID() == "":
		return CategoryUnreadable
	}
	return CategoryValid
}

// agrees tells whether code, receipt and full receipt are of one transcode. Every field that both carry must be equal:
// a code swapped for another holder's differs in its id, and the receipt is signed over the id.
func (e Exhibit) agrees() bool {
	if e.Code != nil && e.Receipt != nil && !samePair(*e.Code, *e.Receipt) {
		return false
	}
	if e.FullReceipt == nil {
		return true
	}
	return e.Receipt != nil && e.vouches()
}

func samePair(code CodeClaims, receipt ReceiptClaims) bool {
	return receipt.Outcome == Issued && receipt.Code == code.ID && receipt.Route == code.Route && receipt.Port == code.Port &&
		receipt.Name == code.Name && receipt.Document == code.Document && receipt.IssuedAt == code.IssuedAt &&
		receipt.Expires == code.Expires && receipt.Specimen == code.Specimen &&
		receipt.Unverified == code.Unverified
}

func (e Exhibit) vouches() bool {
	sum := sha256.Sum256(e.FullReceipt)
	if e.Receipt.Full != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return false
	}
	full, err := ParseFullReceipt(e.FullReceipt)
	if err != nil || full.ID != e.Receipt.ID || full.Outcome != e.Receipt.Outcome || full.CodeID != e.Receipt.Code {
		return false
	}
	if full.Outcome == Issued && full.Unverified != e.Receipt.Unverified { // a refusal's lean receipt has no mark
		return false
	}
	return e.Code == nil || full.CodeSHA256 == hexSum([]byte(e.CodeSigningInput))
}

func (e Exhibit) codeID() string {
	if e.Code != nil {
		return e.Code.ID
	}
	return e.Receipt.Code
}

func (e Exhibit) issuedAt() time.Time {
	if e.Code != nil {
		return time.Unix(e.Code.IssuedAt, 0)
	}
	return time.Unix(e.Receipt.IssuedAt, 0)
}

func (e Exhibit) describe() Examination {
	var found Examination
	if receipt := e.Receipt; receipt != nil {
		found = Examination{
			Route: receipt.Route, Port: receipt.Port, Name: receipt.Name, Document: receipt.Document,
			Until: time.Unix(receipt.Expires, 0), Specimen: receipt.Specimen, Unverified: receipt.Unverified,
		}
	}
	if code := e.Code; code != nil {
		found = Examination{
			Route: code.Route, Port: code.Port, Name: code.Name, Document: code.Document, SampledOn: code.SampledOn,
			Until: time.Unix(code.Expires, 0), Specimen: code.Specimen || found.Specimen,
			Unverified: code.Unverified || found.Unverified,
		}
	}
	return found
}

// sourceTag is the first half of a code's "r" claim.
func sourceTag(route string) string {
	tag, _, _ := strings.Cut(route, "-")
	return tag
}
