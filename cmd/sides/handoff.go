package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// maxHandoffLife is how far ahead a handoff's end may lie.
const maxHandoffLife = 10 * time.Minute

// handoff is what the traveller's browser carries to the destination. The two strings are the exact bytes that hashes
// vouch for: the lean receipt for the full one, and the full one for the fields.
type handoff struct {
	Code        string `json:"code"`
	Receipt     string `json:"receipt"`
	FullReceipt string `json:"full_receipt"`
	Fields      string `json:"fields"`
}

// handoffFields is what the destination's own form begins with.
type handoffFields struct {
	Salt      string            `json:"salt"`
	Audience  string            `json:"aud"`
	Expires   int64             `json:"exp"`
	Name      map[string]string `json:"name"`
	Documents []document        `json:"documents"`
	BirthDate string            `json:"birth_date"`
	Assurance string            `json:"assurance"` // "verified" or "unverified"
	Tests     []handoffTest     `json:"tests"`
}

type handoffTest struct {
	Type        string `json:"type"`
	Result      string `json:"result"`
	SampledOn   string `json:"sampled_on"`
	Institution string `json:"institution"`
}

// The reasons why a landing page turns a handoff away, in the order in which it finds out. Before the handoff has opened
// there is one reason alone, since anybody can seal anything to a public key.
var (
	errHandoffSealed   = errors.New("handoff-refused")
	errHandoffReceipt  = errors.New("receipt-refused")
	errHandoffSwapped  = errors.New("code-and-receipt-differ")
	errHandoffFields   = errors.New("fields-not-vouched-for")
	errHandoffAudience = errors.New("for-another-page")
	errHandoffExpired  = errors.New("handoff-expired")
)

// arrival is what the landing page shows: who comes, with what, and what it will ask itself.
type arrival struct {
	Simulation bool              `json:"simulation"`
	Side       string            `json:"side"`
	Route      string            `json:"route"`
	Port       string            `json:"port,omitempty"`
	ValidUntil string            `json:"valid_until"`
	Specimen   bool              `json:"specimen"`
	Name       map[string]string `json:"name"`
	Documents  []document        `json:"documents"`
	BirthDate  string            `json:"birth_date"`
	Assurance  string            `json:"assurance"`
	Tests      []handoffTest     `json:"tests"`
	NotGranted []string          `json:"not_granted"`
	ReceiptID  string            `json:"receipt_id"`
	Code       string            `json:"code"`
	Asks       []string          `json:"asks"`
}

// asks is what each side wants to know beyond the handoff, and asks on its own page.
var asks = map[string][]string{
	"guangdong": {"phone", "sms_code", "destination_city", "street_address"},
	"macau":     {"phone"},
	"hongkong":  {"phone", "address"},
}

// openHandoff decrypts a handoff with one of the side's own keys.
func openHandoff(token string, own *keyStore) (handoff, error) {
	if len(token) > maxToken {
		return handoff{}, errHandoffSealed
	}
	found, err := header(token, typeHandoff, 5, "alg", "enc", "kid", "typ", "epk")
	if err != nil {
		return handoff{}, errHandoffSealed
	}
	kid, _ := found["kid"].(string)
	key, err := own.opener(kid)
	if err != nil {
		return handoff{}, errHandoffSealed
	}
	sealed, err := jose.ParseEncryptedCompact(token, handoffAlgorithms, contentAlgorithms)
	if err != nil {
		return handoff{}, errHandoffSealed
	}
	content, err := sealed.Decrypt(key)
	if err != nil {
		return handoff{}, errHandoffSealed
	}
	var opened handoff
	if err := json.Unmarshal(content, &opened, json.RejectUnknownMembers(true)); err != nil {
		return handoff{}, errHandoffSealed
	}
	return opened, nil
}

// landing is a side's own page, as far as handoffs are concerned.
type landing struct {
	side     side
	audience string
	trust    trust
	now      time.Time
}

// arrive checks everything that a handoff says. Not one field is used that the receipt does not vouch for.
func (l landing) arrive(opened handoff) (arrival, error) {
	if opened.Code == "" || opened.Receipt == "" || opened.FullReceipt == "" {
		return arrival{}, errHandoffReceipt
	}
	found := l.trust.examine(exhibit{
		code: opened.Code, receipt: opened.Receipt, full: []byte(opened.FullReceipt),
	}, l.now, true)
	switch {
	case found.verdict == mismatch:
		return arrival{}, fmt.Errorf("%w: %s", errHandoffSwapped, found.why)
	case found.verdict != valid:
		return arrival{}, fmt.Errorf("%w: %s", errHandoffReceipt, found.verdict)
	case found.code.Issuer != l.side.id:
		return arrival{}, fmt.Errorf("%w: a code of another side", errHandoffReceipt)
	}
	fields, err := l.fields(opened, found)
	if err != nil {
		return arrival{}, err
	}
	return l.show(opened, found, fields), nil
}

func (l landing) fields(opened handoff, found finding) (handoffFields, error) {
	if found.full.FieldsHash != hexSum([]byte(opened.Fields)) {
		return handoffFields{}, errHandoffFields
	}
	var fields handoffFields
	if err := json.Unmarshal([]byte(opened.Fields), &fields, json.RejectUnknownMembers(true)); err != nil {
		return handoffFields{}, errHandoffFields
	}
	expires := time.Unix(fields.Expires, 0)
	switch {
	case fields.Salt == "", fields.Assurance != assurance(found.isUnverified()):
		return handoffFields{}, errHandoffFields
	case fields.Audience != l.audience:
		return handoffFields{}, errHandoffAudience
	case l.now.Add(-leeway).After(expires), expires.After(l.now.Add(maxHandoffLife + leeway)):
		return handoffFields{}, errHandoffExpired
	}
	return fields, nil
}

// assurance is the word of a form for the mark of a code. A form that says another one, or none, is not taken.
func assurance(unverified bool) string {
	if unverified {
		return "unverified"
	}
	return "verified"
}

func (l landing) show(opened handoff, found finding, fields handoffFields) arrival {
	return arrival{
		Simulation: true, Side: l.side.id, Route: found.full.Route, Port: found.code.Port,
		ValidUntil: inZone(time.Unix(found.code.Expires, 0)), Specimen: found.isSpecimen(),
		Name: fields.Name, Documents: fields.Documents, BirthDate: fields.BirthDate, Assurance: fields.Assurance, Tests: fields.Tests,
		NotGranted: found.full.NotGranted, ReceiptID: found.receipt.ID, Code: opened.Code, Asks: asks[l.side.id],
	}
}

// refusalOf is the closed word for the log and the page: the first of the reasons above, never what is wrong in detail.
func refusalOf(err error) string {
	known := []error{errHandoffSealed, errHandoffReceipt, errHandoffSwapped, errHandoffFields, errHandoffAudience, errHandoffExpired}
	i := slices.IndexFunc(known, func(one error) bool { return errors.Is(err, one) })
	if i < 0 {
		return "unavailable"
	}
	return known[i].Error()
}

// shownTo finds a handoff's token in a form, JSON or plain body.
func tokenIn(mediaType string, body []byte) (string, error) {
	switch mediaType {
	case "application/x-www-form-urlencoded":
		return formValue(body, "handoff")
	case "application/json":
		var given struct {
			Handoff string `json:"handoff"`
		}
		err := json.Unmarshal(body, &given, json.RejectUnknownMembers(true))
		return given.Handoff, err
	default:
		return strings.TrimSpace(string(body)), nil
	}
}
