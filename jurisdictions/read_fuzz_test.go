package jurisdictions_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"crosscode/exchange"
	"crosscode/jurisdictions"
)

// claimsVector is one file of testdata/claims: a head that says what is expected, an empty line, and the claims. The head has
//
//	expect: read, or the reason of the refusal
//	field:  of a refusal, the field that it names
//	says:   of a refusal, a part of its message
//	gives:  of claims that are read, one of vectorValues and what the record has for it; any number of these lines
type claimsVector struct {
	name, expect, field, says string
	gives                     map[string]string
	claims                    []byte
}

// vectorValues are what a vector can say of the record.
var vectorValues = map[string]func(exchange.Record) string{
	"born":       func(r exchange.Record) string { return r.Holder.BirthDate.String() },
	"han":        func(r exchange.Record) string { return r.Holder.Name.Han },
	"latin":      func(r exchange.Record) string { return r.Holder.Name.Latin },
	"port":       func(r exchange.Record) string { return string(r.Port) },
	"laboratory": func(r exchange.Record) string { return r.Evidence[0].Institution },
	"sampled":    func(r exchange.Record) string { return exchange.DateOf(r.Evidence[0].At).String() }, // the day in UTC+8
	"pieces":     func(r exchange.Record) string { return strconv.Itoa(len(r.Evidence)) },
}

func claimsVectors(t testing.TB) []claimsVector {
	t.Helper()
	files, err := filepath.Glob("testdata/claims/*.txt")
	if err != nil || len(files) < 45 {
		t.Fatalf("testdata/claims has %d vectors (%v), want at least 45", len(files), err)
	}
	var vectors []claimsVector
	for _, file := range files {
		head, claims, found := strings.Cut(readFile(t, file), "\n\n")
		vector := claimsVector{name: filepath.Base(file), claims: []byte(claims), gives: map[string]string{}}
		for _, line := range strings.Split(head, "\n") {
			vector.expect += cutLine(line, "expect: ")
			vector.field += cutLine(line, "field: ")
			vector.says += cutLine(line, "says: ")
			if name, value, gives := strings.Cut(cutLine(line, "gives: "), " "); gives {
				vector.gives[name] = value
			}
		}
		if !found || vector.expect == "" {
			t.Fatalf("%s says nothing of what it expects", file)
		}
		vectors = append(vectors, vector)
	}
	return vectors
}

func cutLine(line, prefix string) string {
	if rest, is := strings.CutPrefix(line, prefix); is {
		return rest
	}
	return ""
}

func TestClaimsVectors(t *testing.T) {
	r := newReader(t)
	for _, vector := range claimsVectors(t) {
		t.Run(vector.name, func(t *testing.T) {
			record, err := r.bytes(vector.claims)
			if vector.expect != "read" {
				wantFailure(t, err, exchange.Reason(vector.expect), vector.field, vector.says)
				wantNoName(t, err, vector.claims)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range vector.gives {
				if got := vectorValues[name](record); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			wantWellFormed(t, record)
		})
	}
}

// wantNoName looks for each word of the holder's names in the message.
func wantNoName(t *testing.T, err error, claims []byte) {
	t.Helper()
	var sent struct {
		Holder struct{ Name map[string]string }
	}
	if json.Unmarshal(claims, &sent) != nil {
		return
	}
	for _, name := range sent.Holder.Name {
		for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }) {
			if strings.Contains(err.Error(), word) {
				t.Errorf("the message repeats %q of the name: %v", word, err)
			}
		}
	}
}

func (r reader) bytes(data []byte) (exchange.Record, error) {
	return jurisdictions.Read(exchange.Claims{Issuer: "macau", JSON: data}, r.vocabulary, r.consents)
}

// The fuzz target below is worth little without seeds that reach far into it.
func TestFuzzSeedsAreThere(t *testing.T) {
	seeds, err := os.ReadDir("testdata/fuzz/FuzzRead")
	if err != nil || len(seeds) < 8 {
		t.Fatalf("testdata/fuzz/FuzzRead has %d seeds (%v), want at least 8", len(seeds), err)
	}
	claimsVectors(t)
}

// FuzzRead: no bytes make Read panic; what it refuses has one of its two reasons; and a record that it makes holds only
// well-formed values, the same each time.
func FuzzRead(f *testing.F) {
	r := newReader(f)
	for _, vector := range claimsVectors(f) {
		f.Add(vector.claims)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := r.bytes(data)
		if err != nil {
			reason, _ := exchange.ReasonOf(err)
			if reason != exchange.ClaimsInvalid && reason != exchange.ConsentMissing || record.ID != "" {
				t.Fatalf("Read gives %v and a record of %q", err, record.ID)
			}
			return
		}
		wantWellFormed(t, record)
		if again, err := r.bytes(data); err != nil || !cmp.Equal(record, again) {
			t.Fatalf("the second reading differs: %v", err)
		}
	})
}

// wantWellFormed says what everything behind Read may rely on.
func wantWellFormed(t *testing.T, record exchange.Record) {
	t.Helper()
	holder := record.Holder
	checks := map[string]bool{
		"one or more documents, three at most":  len(holder.Documents) >= 1 && len(holder.Documents) <= 3,
		"a name":                                holder.Name != exchange.Name{},
		"names in NFC":                          norm.NFC.IsNormalString(holder.Name.Han + "|" + holder.Name.Latin),
		"names without anything invisible":      !strings.ContainsAny(holder.Name.Han+holder.Name.Latin, "\x00\n\u200b\u200d\u202e\u2066\ufeff"),
		"a birth date":                          holder.BirthDate != exchange.Date{} && holder.Age(record.IssuedAt) >= 0,
		"another destination than the source":   record.Route.From == "macau" && record.Route.To != "macau" && record.Route.To != "",
		"a life of at most ten minutes":         record.Expires.After(record.IssuedAt) && record.Expires.Sub(record.IssuedAt) <= 10*time.Minute,
		"an id":                                 len(record.ID) >= 22,
		"a colour that rulebooks know":          strings.Contains("|green|yellow|red|none|", "|"+record.Health.Colour+"|"),
		"a colour of the past":                  !record.Health.AsOf.IsZero() && !record.Health.AsOf.After(record.IssuedAt.Add(exchange.Leeway)),
		"reasons, if none":                      record.Health.Reasons != nil,
		"no more evidence than is read":         len(record.Evidence) <= jurisdictions.MaxEvidence,
		"who presents":                          record.Presenter.Relation != "",
		"a guardian for a child":                holder.Age(record.Consent.GivenAt) >= 14 || record.Consent.By == "guardian",
		"a published wording or none, not half": (record.Consent.Published.ID == "") == (record.Consent.Published.Hash == ""),
	}
	for what, holds := range checks {
		if !holds {
			t.Errorf("the record has not: %s", what)
		}
	}
	for _, evidence := range record.Evidence {
		if evidence.Type == "" || evidence.At.IsZero() || evidence.At.After(record.IssuedAt.Add(exchange.Leeway)) {
			t.Errorf("evidence of %q without a time, or of the future", evidence.Type)
		}
	}
	forms := map[string]bool{}
	for _, declaration := range record.Declarations {
		if forms[declaration.Form] || len(declaration.Answers) == 0 || declaration.DeclaredAt.IsZero() {
			t.Errorf("a second declaration of %s, or one without answers or time", declaration.Form)
		}
		forms[declaration.Form] = true
	}
}
