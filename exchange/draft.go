package exchange

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
)

// Token is a compact JWS or JWE that the gateway made.
type Token string

// Draft is a set of claims that may be signed. Only this package makes one: from a Verdict or a Bundle.
type Draft struct {
	key, typ string
	claims   []byte
}

// Key is the name in the key ring of the key that must sign: "mo", "receipt", "bundle".
func (d *Draft) Key() string { return d.key }

// Type is the JWS typ header.
func (d *Draft) Type() string { return d.typ }

// Claims is the payload, one JSON object.
func (d *Draft) Claims() []byte { return d.claims }

// CodeClaims is the payload of a destination's code. That it exists says green.
type CodeClaims struct {
	Issuer    Side   `json:"iss"`
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"` // NumericDate, seconds
	Expires   int64  `json:"exp"`
	Name      string `json:"n"`
	Document  string `json:"d"`
	SampledOn string `json:"t,omitempty"` // "2026-11-20", a day in UTC+8
	Route     string `json:"r"`           // "mo-gd", by the profiles' tags
	Port      Port   `json:"p,omitempty"`
	Specimen  bool   `json:"sp,omitempty"`
	// Unverified says that the source has not compared the holder with the document (白底码): whoever looks at the code must.
	Unverified bool `json:"u,omitempty"`
}

// ReceiptType is the typ of the lean receipt, ReceiptKey the name of its key in the ring.
const (
	ReceiptType = "transcode-receipt+jwt"
	ReceiptKey  = "receipt"
)

// The two things a receipt can state.
const (
	Issued  = "issued"
	Refused = "refused"
)

// ReceiptClaims is the payload of the lean receipt, the one that fits a QR code.
type ReceiptClaims struct {
	ID       string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Outcome  string `json:"o"`
	Why      Reason `json:"why,omitempty"`
	Route    string `json:"r"`
	Port     Port   `json:"p,omitempty"`
	Code     string `json:"c,omitempty"`
	Name     string `json:"n"`
	Document string `json:"d"`
	Full     string `json:"h"` // base64url SHA-256 of the full receipt's bytes
	Specimen bool   `json:"sp,omitempty"`
	// Unverified is as in the code. A refusal's lean receipt has none: nobody passes on it, and its QR code has no room; its
	// full one says it.
	Unverified bool `json:"u,omitempty"`
}

// FullReceipt is what the lean receipt vouches for by hash. The holder keeps it; it is handed over as the exact bytes
// that were hashed.
type FullReceipt struct {
	ID      string `json:"jti"`
	Outcome string `json:"outcome"`
	Reason  Reason `json:"reason,omitempty"`
	// Decided is the rule that decided a refusal; empty when a code was issued.
	Decided     string        `json:"decided,omitempty"`
	Route       string        `json:"route"` // "macau-guangdong"
	Port        Port          `json:"port,omitempty"`
	IssuedAt    time.Time     `json:"issued_at"`             // RFC 3339, UTC+8
	ValidUntil  *time.Time    `json:"valid_until,omitempty"` // the last second
	EndsBy      *EndsBy       `json:"ends_by,omitempty"`     // of every issued code
	CodeID      string        `json:"code_id,omitempty"`
	CodeSHA256  string        `json:"code_sha256,omitempty"` // lower-case hex, of the code's JWS signing input
	Rulebooks   []RulebookRef `json:"rulebooks"`
	Rules       []RuleVerdict `json:"rules"`
	Consent     ConsentProof  `json:"consent"`
	FieldsHash  string        `json:"fields_sha256,omitempty"` // lower-case hex, of the handoff's fields
	WithdrawSum string        `json:"withdraw_sha256,omitempty"`
	NotGranted  []string      `json:"not_granted"`
	Specimen    bool          `json:"specimen,omitempty"`
	// Unverified: the source has not compared the holder with the document, and nobody after it may take that as done.
	Unverified bool `json:"unverified,omitempty"`
}

// RuleVerdict is one rule that was in force, and what it said.
type RuleVerdict struct {
	Rule   string `json:"rule"`
	Status Status `json:"status"`
}

// EndsBy is what sets a code's end: a rule, or the first announced version under which the record gets no code.
type EndsBy struct {
	Rule    string `json:"rule"`
	Version string `json:"version,omitempty"` // of the rulebook; none where the rule is in none
}

// Told is the end as receipts and explanations tell it.
func (e End) Told() *EndsBy { return &EndsBy{Rule: e.By.Rule, Version: e.Version} }

// ConsentProof says which text the holder agreed to.
type ConsentProof struct {
	Text     string `json:"text"`
	SHA256   string `json:"sha256"`
	Language string `json:"lang"`
}

// RefusalLife is how long a refusal's receipt can be shown.
const RefusalLife = 24 * time.Hour

// Terms is what a draft needs beside the verdict.
type Terms struct {
	Key         ReplayKey
	IssuedAt    time.Time
	Source      Profile
	Destination Profile
	// Landing is the audience of the destination's landing page; empty: no handoff is made.
	Landing  string
	Specimen bool
	// At is this request's clock reading, from which a handoff lives MaxHandoffLife; zero means IssuedAt. It is later than
	// IssuedAt when a packet's answer is given again.
	At time.Time
}

// Drafts is what one verdict lets the gateway sign: a code and a receipt, or a refusal's receipt alone.
type Drafts struct {
	code     *Draft
	receipt  ReceiptClaims
	full     FullReceipt
	fields   []byte
	withdraw string
}

// What can be wrong with what a draft is made from. Each is a fault of the caller, not of the packet.
var (
	errTerms   = errors.New("draft: terms without an issue time, or profiles of other sides")
	errBinding = errors.New("draft: a code's receipt needs its signing input, and no other receipt has one")
)

// Code is nil for a refusal.
func (d *Drafts) Code() *Draft { return d.code }

// Fields is the handoff's fields, or nil when the destination declares no landing page.
func (d *Drafts) Fields() []byte { return d.fields }

// Withdraw is the secret with which the holder can recall the code; empty for a refusal.
func (d *Drafts) Withdraw() string { return d.withdraw }

// Receipt binds the receipt to the code's signing input ("header.payload", ASCII), and gives the lean receipt's draft and
// the full receipt's bytes. For a refusal the input is empty. Drafts that no Verdict made have no receipt.
func (d *Drafts) Receipt(codeSigningInput string) (lean *Draft, full []byte, err error) {
	if d.receipt.ID == "" || (d.code != nil) != (codeSigningInput != "") {
		return nil, nil, errBinding
	}
	statement := d.full
	if d.code != nil {
		statement.CodeSHA256 = hexSum([]byte(codeSigningInput))
	}
	if full, err = marshalClaims(statement); err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(full)
	claims := d.receipt
	claims.Full = base64.RawURLEncoding.EncodeToString(sum[:])
	payload, err := marshalClaims(claims)
	if err != nil {
		return nil, nil, err
	}
	return &Draft{key: ReceiptKey, typ: ReceiptType, claims: payload}, full, nil
}

func (g grant) Drafts(terms Terms) (*Drafts, error) {
	if err := terms.check(g.record.Route); err != nil {
		return nil, err
	}
	claims := g.code(terms)
	payload, err := marshalClaims(claims)
	if err != nil {
		return nil, err
	}
	drafts := g.drafts(terms, g.entry.Shows.Document, g.end.At)
	drafts.code = &Draft{key: terms.Destination.Key, typ: terms.Destination.Type, claims: payload}
	drafts.receipt.Outcome, drafts.full.Outcome = Issued, Issued
	drafts.receipt.Code, drafts.full.CodeID = claims.ID, claims.ID
	drafts.receipt.Unverified = claims.Unverified
	until := g.end.At.In(Zone)
	drafts.full.ValidUntil, drafts.full.EndsBy = &until, g.end.Told()
	drafts.full.Rules = append(drafts.full.Rules, g.endsSoon()...)
	drafts.withdraw = randomText()
	drafts.full.WithdrawSum = hexSum([]byte(drafts.withdraw))
	if terms.Landing == "" {
		return drafts, nil
	}
	if drafts.fields, err = marshalClaims(g.record.fields(terms)); err != nil {
		return nil, err
	}
	drafts.full.FieldsHash = hexSum(drafts.fields)
	return drafts, nil
}

// code is all that leaves for the officer's eyes. A field that is not listed here cannot reach a code.
func (g grant) code(terms Terms) CodeClaims {
	return CodeClaims{
		Issuer: terms.Destination.Side, ID: terms.Key.CodeID(),
		IssuedAt: terms.IssuedAt.Unix(), Expires: g.end.At.Unix(),
		Name: g.record.Holder.Name.Mask(), Document: g.entry.Shows.Document.Mask(),
		SampledOn: g.entry.Shows.SampledOn.String(), Route: terms.tag(), Port: g.record.Port, Specimen: terms.Specimen,
		Unverified: !g.record.Holder.Verified,
	}
}

func (r refusal) Drafts(terms Terms) (*Drafts, error) {
	if err := terms.check(r.record.Route); err != nil {
		return nil, err
	}
	document := r.entry.Shows.Document
	if document == (Document{}) && len(r.record.Holder.Documents) > 0 {
		document = r.record.Holder.Documents[0]
	}
	drafts := r.drafts(terms, document, terms.IssuedAt.Add(RefusalLife))
	drafts.receipt.Outcome, drafts.full.Outcome = Refused, Refused
	drafts.receipt.Why, drafts.full.Reason = r.decided.Reason, r.decided.Reason
	drafts.full.Decided = r.decided.Rule
	return drafts, nil
}

func (b basis) drafts(terms Terms, document Document, expires time.Time) *Drafts {
	record := b.record
	return &Drafts{
		receipt: ReceiptClaims{
			ID: terms.Key.ReceiptID(), IssuedAt: terms.IssuedAt.Unix(), Expires: expires.Unix(),
			Route: terms.tag(), Port: record.Port,
			Name: record.Holder.Name.Mask(), Document: document.Mask(), Specimen: terms.Specimen,
		},
		full: FullReceipt{
			ID: terms.Key.ReceiptID(), Route: record.Route.String(), Port: record.Port,
			IssuedAt:  terms.IssuedAt.In(Zone).Truncate(time.Second),
			Rulebooks: []RulebookRef{b.green.Rulebook, b.entry.Rulebook}, Rules: b.decisions(), NotGranted: b.notGranted(),
			Consent:  ConsentProof{Text: record.Consent.Text, SHA256: record.Consent.Hash, Language: record.Consent.Language},
			Specimen: terms.Specimen, Unverified: !record.Holder.Verified,
		},
	}
}

// decisions lists every rule that was in force, in the order in which it was asked.
func (b basis) decisions() []RuleVerdict {
	decisions := []RuleVerdict{}
	for _, findings := range []Findings{b.green, b.entry} {
		for _, outcome := range findings.Outcomes {
			if outcome.Status != NotInForce {
				decisions = append(decisions, RuleVerdict{Rule: outcome.Rule, Status: outcome.Status})
			}
		}
	}
	return decisions
}

// endsSoon is the warning that the code hardly lives, as the receipt lists it.
func (g grant) endsSoon() []RuleVerdict {
	if !g.short() {
		return nil
	}
	return []RuleVerdict{{Rule: RuleShortLife, Status: Fails}}
}

func (b basis) notGranted() []string {
	return append([]string{}, b.entry.NotGranted...)
}

func (t Terms) tag() string { return t.Source.Tag + "-" + t.Destination.Tag }

// asked is when this answer was asked for.
func (t Terms) asked() time.Time {
	if t.At.IsZero() {
		return t.IssuedAt
	}
	return t.At
}

func (t Terms) check(route Route) error {
	if t.IssuedAt.IsZero() || t.Source.Side != route.From || t.Destination.Side != route.To {
		return errTerms
	}
	return nil
}

func (r Record) fields(terms Terms) HandoffFields {
	fields := HandoffFields{
		Salt: randomText(), Audience: terms.Landing, Expires: terms.asked().Add(MaxHandoffLife).Unix(),
		Name: map[string]string{}, BirthDate: r.Holder.BirthDate.String(),
		Assurance: r.Holder.assurance(), Documents: []HandoffDocument{}, Tests: handoffTests(r.Evidence),
	}
	for script, name := range map[string]string{"han": r.Holder.Name.Han, "latin": r.Holder.Name.Latin} {
		if name != "" {
			fields.Name[script] = name
		}
	}
	for _, document := range r.Holder.Documents {
		fields.Documents = append(fields.Documents, HandoffDocument(document))
	}
	return fields
}

// marshalClaims leaves <, > and & as they are: they cannot hurt in a JWS, and escaping would swell the QR code.
func marshalClaims(claims any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(claims); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// randomText is 128 random bits in base64url; crypto/rand does not fail (Go 1.24 and later).
func randomText() string {
	var random [16]byte
	_, _ = rand.Read(random[:])
	return base64.RawURLEncoding.EncodeToString(random[:])
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
