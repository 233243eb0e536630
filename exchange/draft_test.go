package exchange_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosscode/exchange"
)

func TestAGrantIsDrafted(t *testing.T) {
	got := sign(t, draft(t, exchange.Conclude(green(), leaves(), enters(), now), terms()), "1")
	key := terms().Key
	wantCode := exchange.CodeClaims{
		Issuer: "guangdong", ID: key.CodeID(), IssuedAt: now.Unix(), Expires: now.Add(24 * time.Hour).Unix(),
		Name: "陳*文 CHAN T* M*", Document: "M****5678", SampledOn: "2026-11-21", Route: "mo-gd", Port: "gongbei",
	}
	if got.codeClaims != wantCode {
		t.Errorf("code %+v\nwant %+v", got.codeClaims, wantCode)
	}
	wantReceipt := exchange.ReceiptClaims{
		ID: key.ReceiptID(), IssuedAt: now.Unix(), Expires: wantCode.Expires, Outcome: exchange.Issued, Route: "mo-gd",
		Port: "gongbei", Code: key.CodeID(), Name: wantCode.Name, Document: wantCode.Document, Full: got.receiptClaims.Full,
	}
	if got.receiptClaims != wantReceipt {
		t.Errorf("receipt %+v\nwant %+v", got.receiptClaims, wantReceipt)
	}
	full, err := exchange.ParseFullReceipt(got.full)
	if err != nil {
		t.Fatal(err)
	}
	wantRules := []exchange.RuleVerdict{{Rule: "macau.green.colour", Status: "pass"}, {Rule: "guangdong.entry.cap", Status: "pass"}}
	if full.CodeSHA256 != hexSum(signingInput(got.code)) || full.FieldsHash != hexSum(string(got.fields)) ||
		!slices.Equal(full.Rules, wantRules) || full.Consent.SHA256 != hexSum(consentText) || full.Decided != "" ||
		!slices.Equal(full.NotGranted, []string{"quarantine-waiver"}) {
		t.Errorf("full receipt %s", got.full)
	}
}

func TestARefusalIsDrafted(t *testing.T) {
	verdict := exchange.Conclude(green(), leaves(fail("macau.green.contact", exchange.NotGreen)), exchange.Findings{}, now)
	drafts := draft(t, verdict, terms())
	if drafts.Code() != nil || drafts.Fields() != nil || drafts.Withdraw() != "" {
		t.Errorf("a refusal with a code, fields or a withdraw secret: %+v", drafts)
	}
	got := sign(t, drafts, "1")
	want := exchange.ReceiptClaims{
		ID: terms().Key.ReceiptID(), IssuedAt: now.Unix(), Expires: now.Add(exchange.RefusalLife).Unix(),
		Outcome: exchange.Refused, Why: exchange.NotGreen, Route: "mo-gd", Port: "gongbei", Name: "陳*文 CHAN T* M*",
		Document: "M****5678", Full: got.receiptClaims.Full,
	}
	if got.receiptClaims != want {
		t.Errorf("receipt %+v\nwant %+v", got.receiptClaims, want)
	}
	full, err := exchange.ParseFullReceipt(got.full)
	if err != nil || full.Decided != "macau.green.contact" || full.Reason != exchange.NotGreen || full.ValidUntil != nil ||
		full.CodeID != "" || full.CodeSHA256 != "" || full.FieldsHash != "" || full.WithdrawSum != "" {
		t.Errorf("full receipt %s, %v", got.full, err)
	}
}

// A holder whom nobody compared with the document must never look like one whom somebody did: the mark stands in each paper
// with which somebody can pass, and in both full receipts; a verified holder's papers have none.
func TestAnUnverifiedHolderIsMarkedOnEveryPaper(t *testing.T) {
	for _, verified := range []bool{true, false} {
		record := green()
		record.Holder.Verified = verified
		granted := sign(t, draft(t, exchange.Conclude(record, leaves(), enters(), now), terms()), "1")
		refused := sign(t, draft(t, exchange.Conclude(record, leaves(fail("macau.green.colour", exchange.NotGreen)), enters(), now), terms()), "1")
		said := map[string]bool{
			"code": granted.codeClaims.Unverified, "receipt": granted.receiptClaims.Unverified, "full receipt": fullReceipt(t, granted).Unverified,
			"full refusal": fullReceipt(t, refused).Unverified,
			"examination":  exchange.Examine(granted.exhibit(), silent, now, false).Unverified,
		}
		for paper, unverified := range said {
			if unverified == verified {
				t.Errorf("verified is %v, and the %s says %v", verified, paper, unverified)
			}
		}
		for paper, claims := range map[string][]byte{"code": payloadOf(t, granted.code), "receipt": payloadOf(t, granted.receipt)} {
			if bytes.Contains(claims, []byte(`"u":true`)) == verified || bytes.Contains(claims, []byte(`"u":false`)) {
				t.Errorf("verified is %v, and the %s is %s", verified, paper, claims)
			}
		}
		fields, err := exchange.CheckFields(fullReceipt(t, granted), granted.fields, landing, now)
		if want := map[bool]string{true: "verified", false: "unverified"}[verified]; err != nil || fields.Assurance != want {
			t.Errorf("the handoff says %q, %v, want %s", fields.Assurance, err, want)
		}
	}
}

func payloadOf(t *testing.T, token exchange.Token) []byte {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(string(token), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// What was not concluded cannot be drafted, and what was not drafted cannot be signed.
func TestNothingElseIsDrafted(t *testing.T) {
	grant := exchange.Conclude(green(), leaves(), enters(), now)
	refusal := exchange.Conclude(green(), leaves(), exchange.Findings{}, now)
	for name, edit := range map[string]func(*exchange.Terms){
		"no issue time":       func(t *exchange.Terms) { t.IssuedAt = time.Time{} },
		"another source":      func(t *exchange.Terms) { t.Source = hongkong },
		"another destination": func(t *exchange.Terms) { t.Destination = hongkong },
	} {
		bad := terms()
		edit(&bad)
		for _, verdict := range []exchange.Verdict{grant, refusal} {
			if _, err := verdict.Drafts(bad); err == nil {
				t.Errorf("%s: drafted all the same", name)
			}
		}
	}
	if _, _, err := new(exchange.Drafts).Receipt(""); err == nil {
		t.Error("drafts that no verdict made have a receipt")
	}
	if _, _, err := draft(t, grant, terms()).Receipt(""); err == nil {
		t.Error("a code's receipt is not bound to the code")
	}
	if _, _, err := draft(t, refusal, terms()).Receipt("header.payload"); err == nil {
		t.Error("a refusal's receipt is bound to a code")
	}
}

func TestWithoutALandingPageThereIsNoHandoff(t *testing.T) {
	alone := terms()
	alone.Landing = ""
	got := sign(t, draft(t, exchange.Conclude(green(), leaves(), enters(), now), alone), "1")
	if full, err := exchange.ParseFullReceipt(got.full); err != nil || full.FieldsHash != "" || got.fields != nil {
		t.Errorf("fields %s, hash %q, %v, want none", got.fields, full.FieldsHash, err)
	}
}

// longest is a record in which each field that reaches a code or a receipt is as long as it can be.
func longest() (exchange.Record, exchange.Findings, exchange.Terms) {
	record, entry, terms := green(), enters(), terms()
	record.Port = "abcdefghijklmnop"
	record.Holder.Name.Latin = strings.Repeat("W", 40) + " TAI MAN"
	terms.Specimen, record.Holder.Verified = true, false
	if masked := record.Holder.Name.Mask(); len(masked) != exchange.MaxShownName {
		panic(masked)
	}
	return record, entry, terms
}

// 999 is a key that is rotated each month for 83 years.
const longestVersion = "999"

func TestTheLongestCodeAndReceiptsFitAQRCode(t *testing.T) {
	record, entry, terms := longest()
	granted := sign(t, draft(t, exchange.Conclude(record, leaves(), entry, now), terms), longestVersion)
	fits(t, "code", granted.code)
	fits(t, "receipt", granted.receipt)
	for _, reason := range exchange.Refusals() {
		verdict := exchange.Conclude(record, leaves(fail("macau.green.colour", reason)), entry, now)
		fits(t, "refusal for "+string(reason), sign(t, draft(t, verdict, terms), longestVersion).receipt)
	}
}

func fits(t *testing.T, what string, token exchange.Token) {
	t.Helper()
	version := qrVersion(t, exchange.QRText(token))
	t.Logf("%s: %d characters, QR version %d-M", what, len(token), version)
	if len(token) > exchange.MaxQRToken || version > 15 {
		t.Errorf("%s: %d characters in version %d, want at most %d in 15", what, len(token), version, exchange.MaxQRToken)
	}
}

// marked gives every string in a record, however deep, a value of its own that stands nowhere else, and every number and
// time one that cannot be mistaken for another's.
func marked() (exchange.Record, map[string]string) {
	record, marks := green(), map[string]string{}
	record.Evidence = append(record.Evidence, exchange.Evidence{})
	record.Declarations = []exchange.Declaration{{Answers: map[string]bool{"symptoms": true}}}
	record.Health.Reasons = []string{""}
	mark(reflect.ValueOf(&record).Elem(), "record", marks)
	// What a route needs is left as it is; the rest is marked.
	record.Route, record.Issuer = eastward, eastward.From
	return record, marks
}

func mark(value reflect.Value, path string, marks map[string]string) {
	switch value.Kind() {
	case reflect.String:
		// Letters only: a mask would cut anything else.
		text := fmt.Sprintf("mark%cx%02dx", 'a'+len(marks)%26, len(marks))
		value.SetString(text)
		marks[path] = text
	case reflect.Struct:
		for i := range value.NumField() {
			if value.Type().Field(i).IsExported() {
				mark(value.Field(i), path+"."+value.Type().Field(i).Name, marks)
			}
		}
	case reflect.Slice:
		for i := range value.Len() {
			mark(value.Index(i), fmt.Sprintf("%s[%d]", path, i), marks)
		}
	}
}

// profile is all that a side's code, the lean and the full receipt may hold of a record, each in its own place.
var profile = map[string]bool{
	"record.Port": true, "record.Consent.Text": true, "record.Consent.Hash": true, "record.Consent.Language": true,
}

func TestNoFieldOfTheRecordReachesACodeOrAReceiptOutsideItsProfile(t *testing.T) {
	record, marks := marked()
	entry := enters()
	entry.Shows.Document = record.Holder.Documents[0]
	for name, verdict := range map[string]exchange.Verdict{
		"grant":   exchange.Conclude(record, leaves(), entry, now),
		"refusal": exchange.Conclude(record, leaves(fail("macau.green.colour", exchange.NotGreen)), entry, now),
	} {
		got := sign(t, draft(t, verdict, terms()), "1")
		code, err := json.Marshal(got.codeClaims)
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := json.Marshal(got.receiptClaims)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range slices.Sorted(maps.Keys(marks)) {
			for _, paper := range [][]byte{code, receipt, got.full} {
				if bytes.Contains(paper, []byte(marks[path])) && !profile[path] {
					t.Errorf("%s: %s is in %s", name, path, paper)
				}
			}
		}
	}
	if len(marks) < 25 {
		t.Errorf("only %d fields were marked", len(marks))
	}
}

// The same with any text in any field: two records that differ only outside the profile have the same papers, but for what
// is random.
func TestPapersDependOnTheirProfileOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := green(), green()
		other.Audience = rapid.String().Draw(t, "audience")
		other.Channel = rapid.String().Draw(t, "channel")
		other.Presenter.Relation = rapid.String().Draw(t, "relation")
		other.Consent.By = rapid.String().Draw(t, "by")
		other.Holder.BirthDate.Year = rapid.IntRange(1900, 2026).Draw(t, "year")
		other.Holder.Documents = append(other.Holder.Documents, exchange.Document{Type: "hkid", Number: rapid.String().Draw(t, "number")})
		other.Holder.Name.Han = "陳" + rapid.StringMatching(`[一-龥]{1,5}`).Draw(t, "middle") + "文"
		other.Health = exchange.Health{Colour: rapid.String().Draw(t, "colour"), Reasons: rapid.SliceOf(rapid.String()).Draw(t, "reasons")}
		other.Evidence = nil
		alone := terms()
		alone.Landing = ""
		papers := func(record exchange.Record) (exchange.CodeClaims, exchange.FullReceipt) {
			drafts, err := exchange.Conclude(record, leaves(), enters(), now).Drafts(alone)
			if err != nil {
				t.Fatal(err)
			}
			var code exchange.CodeClaims
			if err := json.Unmarshal(drafts.Code().Claims(), &code); err != nil {
				t.Fatal(err)
			}
			_, bytes, err := drafts.Receipt("header.payload")
			if err != nil {
				t.Fatal(err)
			}
			full, err := exchange.ParseFullReceipt(bytes)
			if err != nil {
				t.Fatal(err)
			}
			full.WithdrawSum = ""
			return code, full
		}
		oneCode, oneFull := papers(one)
		otherCode, otherFull := papers(other)
		if oneCode != otherCode || !reflect.DeepEqual(oneFull, otherFull) {
			t.Fatalf("%+v\n%+v\ndiffer from\n%+v\n%+v", oneCode, oneFull, otherCode, otherFull)
		}
	})
}

func BenchmarkConcludeAndDraft(b *testing.B) {
	record, green, entry, terms := green(), leaves(), enters(), terms()
	b.ReportAllocs()
	for b.Loop() {
		drafts, err := exchange.Conclude(record, green, entry, now).Drafts(terms)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := drafts.Receipt("header.payload"); err != nil {
			b.Fatal(err)
		}
	}
}
