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
}

// FullReceipt is what the lean receipt vouches for by hash. The holder keeps it; it is handed over as the exact bytes
// that were hashed.
type FullReceipt struct {
	ID          string        `json:"jti"`
	Outcome     string        `json:"outcome"`
	Reason      Reason        `json:"reason,omitempty"`
	Route       string        `json:"route"` // "macau-guangdong"
	Port        Port          `json:"port,omitempty"`
	IssuedAt    time.Time     `json:"issued_at"` // RFC 3339, UTC+8
	ValidUntil  *time.Time    `json:"valid_until,omitempty"`
	CodeID      string        `json:"code_id,omitempty"`
	CodeSHA256  string        `json:"code_sha256,omitempty"` // lower-case hex, of the code's JWS signing input
	Rulebooks   []Book        `json:"rulebooks"`
	Rules       []RuleVerdict `json:"rules"`
	Consent     ConsentProof  `json:"consent"`
	FieldsHash  string        `json:"fields_sha256,omitempty"` // lower-case hex, of the handoff's fields
	WithdrawSum string        `json:"withdraw_sha256,omitempty"`
	NotGranted  []string      `json:"not_granted"`
	Specimen    bool          `json:"specimen,omitempty"`
}

// RuleVerdict is one rule that decided, or that passed or warned.
type RuleVerdict struct {
	Rule   string `json:"rule"`
	Status Status `json:"status"`
}

// ConsentProof says which text the holder agreed to.
type ConsentProof struct {
	Text     string `json:"text"`
	SHA256   string `json:"sha256"`
	Language string `json:"lang"`
}

// HandoffFields is what the destination's own form needs. The full receipt vouches for its bytes by hash; a salt keeps
// that hash from being guessed from the few values a person can have.
type HandoffFields struct {
	Salt      string            `json:"salt"`
	Audience  string            `json:"aud"`
	Expires   int64             `json:"exp"`
	Name      map[string]string `json:"name"`
	Documents []HandoffDocument `json:"documents"`
	BirthDate string            `json:"birth_date"`
	Tests     []HandoffTest     `json:"tests"`
}

// HandoffDocument is one document, with its canonical number.
type HandoffDocument struct {
	Type   string `json:"type"`
	Number string `json:"number"`
}

// HandoffTest is one test: result, sampling day in UTC+8 and institution.
type HandoffTest struct {
	Type        string `json:"type"`
	Result      string `json:"result"`
	SampledOn   string `json:"sampled_on"`
	Institution string `json:"institution"`
}

// MaxHandoffLife is how long a destination's page may take a handoff.
const MaxHandoffLife = 10 * time.Minute

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
}

// Drafts is what one verdict lets the gateway sign: a code and a receipt, or a refusal's receipt alone.
type Drafts struct {
	code     *Draft
	receipt  ReceiptClaims
	full     FullReceipt
	fields   []byte
	withdraw string
}

var errTerms = errors.New("draft: terms without an issue time, or profiles of other sides")

// Code is nil for a refusal.
func (d *Drafts) Code() *Draft { return d.code }

// Fields is the handoff's fields, or nil when the destination declares no landing page.
func (d *Drafts) Fields() []byte { return d.fields }

// Withdraw is the secret with which the holder can recall the code; empty for a refusal.
func (d *Drafts) Withdraw() string { return d.withdraw }

// Receipt binds the receipt to the code's signing input ("header.payload", ASCII), and gives the lean receipt's draft and
// the full receipt's bytes. For a refusal the input is empty.
func (d *Drafts) Receipt(codeSigningInput string) (lean *Draft, full []byte, err error) {
	if d.code != nil {
		d.full.CodeSHA256 = hexSum([]byte(codeSigningInput))
	}
	if full, err = marshalClaims(d.full); err != nil {
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
	record := g.record
	if err := terms.check(record.Route); err != nil {
		return nil, err
	}
	claims := CodeClaims{
		Issuer: terms.Destination.Side, ID: terms.Key.CodeID(),
		IssuedAt: terms.IssuedAt.Unix(), Expires: g.until.Unix(),
		Name: record.Holder.Name.Mask(), Document: g.entry.Shows.Document.Mask(),
		SampledOn: g.entry.Shows.SampledOn.String(), Route: terms.tag(), Port: record.Port, Specimen: terms.Specimen,
	}
	payload, err := marshalClaims(claims)
	if err != nil {
		return nil, err
	}
	drafts := g.basis.drafts(terms, g.entry.Shows.Document, g.until)
	drafts.code = &Draft{key: terms.Destination.Key, typ: terms.Destination.Type, claims: payload}
	drafts.receipt.Outcome, drafts.full.Outcome = Issued, Issued
	drafts.receipt.Code, drafts.full.CodeID = claims.ID, claims.ID
	until := g.until.In(Zone)
	drafts.full.ValidUntil = &until
	drafts.withdraw = randomText()
	drafts.full.WithdrawSum = hexSum([]byte(drafts.withdraw))
	if terms.Landing == "" {
		return drafts, nil
	}
	if drafts.fields, err = marshalClaims(record.fields(terms)); err != nil {
		return nil, err
	}
	drafts.full.FieldsHash = hexSum(drafts.fields)
	return drafts, nil
}

func (r refusal) Drafts(terms Terms) (*Drafts, error) {
	if err := terms.check(r.record.Route); err != nil {
		return nil, err
	}
	document := r.entry.Shows.Document
	if document == (Document{}) && len(r.record.Holder.Documents) > 0 {
		document = r.record.Holder.Documents[0]
	}
	drafts := r.basis.drafts(terms, document, terms.IssuedAt.Add(RefusalLife))
	drafts.receipt.Outcome, drafts.full.Outcome = Refused, Refused
	drafts.receipt.Why, drafts.full.Reason = r.decided.Reason, r.decided.Reason
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
			Rulebooks: []Book{b.green.Book, b.entry.Book}, Rules: b.decisions(), NotGranted: b.notGranted(),
			Consent:  ConsentProof{Text: record.Consent.Text, SHA256: record.Consent.Hash, Language: record.Consent.Language},
			Specimen: terms.Specimen,
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

func (b basis) notGranted() []string {
	return append([]string{}, b.entry.NotGranted...)
}

func (t Terms) tag() string { return t.Source.Tag + "-" + t.Destination.Tag }

func (t Terms) check(route Route) error {
	if t.IssuedAt.IsZero() || t.Source.Side != route.From || t.Destination.Side != route.To {
		return errTerms
	}
	return nil
}

func (r Record) fields(terms Terms) HandoffFields {
	fields := HandoffFields{
		Salt: randomText(), Audience: terms.Landing, Expires: terms.IssuedAt.Add(MaxHandoffLife).Unix(),
		Name: map[string]string{}, BirthDate: r.Holder.BirthDate.String(),
		Documents: []HandoffDocument{}, Tests: []HandoffTest{},
	}
	for script, name := range map[string]string{"han": r.Holder.Name.Han, "latin": r.Holder.Name.Latin} {
		if name != "" {
			fields.Name[script] = name
		}
	}
	for _, document := range r.Holder.Documents {
		fields.Documents = append(fields.Documents, HandoffDocument(document))
	}
	for _, evidence := range r.Evidence {
		if evidence.Result != "" {
			fields.Tests = append(fields.Tests, HandoffTest{
				Type: evidence.Type, Result: evidence.Result,
				SampledOn: DateOf(evidence.At).String(), Institution: evidence.Institution,
			})
		}
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

// ParseFullReceipt reads the bytes of a full receipt, of at most 16 KiB.
func ParseFullReceipt(data []byte) (FullReceipt, error) {
	if len(data) > 16<<10 {
		return FullReceipt{}, errFullReceipt
	}
	var full FullReceipt
	if err := json.Unmarshal(data, &full); err != nil {
		return FullReceipt{}, errFullReceipt
	}
	return full, nil
}

var errFullReceipt = errors.New("not a full receipt")
