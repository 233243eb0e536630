package exchange_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosscode/exchange"
)

func fullReceipt(t testing.TB, paper signed) exchange.FullReceipt {
	t.Helper()
	full, err := exchange.ParseFullReceipt(paper.full)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

func TestCheckFields(t *testing.T) {
	paper := granted(t)
	full := fullReceipt(t, paper)
	got, err := exchange.CheckFields(full, paper.fields, landing, now)
	if err != nil {
		t.Fatal(err)
	}
	want := exchange.HandoffFields{
		Salt: got.Salt, Audience: landing, Expires: now.Add(10 * time.Minute).Unix(),
		Name:      map[string]string{"han": "陳大文", "latin": "CHAN TAI MAN"},
		Documents: []exchange.HandoffDocument{{Type: "home-return-permit", Number: "M12345678"}, {Type: "macau-bir", Number: "12345678"}},
		BirthDate: "1990-01-02", Assurance: "verified",
		Tests: []exchange.HandoffTest{{Type: "nucleic-acid", Result: "negative", SampledOn: "2026-11-21", Institution: "鏡湖醫院"}},
	}
	if !reflect.DeepEqual(got, want) || len(got.Salt) != 22 {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestCheckFieldsRefuses(t *testing.T) {
	paper := granted(t)
	refused := func(full exchange.FullReceipt) exchange.FullReceipt {
		full.Outcome = exchange.Refused
		return full
	}
	vouched := func(fields string) exchange.FullReceipt {
		full := fullReceipt(t, paper)
		full.FieldsHash = hexSum(fields)
		return full
	}
	full := fullReceipt(t, paper)
	alone := full
	alone.FieldsHash = ""
	big := string(bytes.Repeat([]byte(" "), exchange.MaxFields)) + string(paper.fields)
	cases := map[string]struct {
		full     exchange.FullReceipt
		fields   string
		audience string
		in       time.Duration
		want     error
	}{
		"60 s past their end":                                    {full, string(paper.fields), landing, 11 * time.Minute, nil},
		"61 s past their end":                                    {full, string(paper.fields), landing, 11*time.Minute + time.Second, exchange.ErrFieldsExpired},
		"60 s before they were made":                             {full, string(paper.fields), landing, -time.Minute, nil},
		"61 s before they were made":                             {full, string(paper.fields), landing, -61 * time.Second, exchange.ErrFieldsExpired},
		"another page's":                                         {full, string(paper.fields), "https://hk.example/h5", 0, exchange.ErrFieldsAudience},
		"a page without a name":                                  {full, string(paper.fields), "", 0, exchange.ErrFieldsAudience},
		"a space more":                                           {full, string(paper.fields) + " ", landing, 0, exchange.ErrFieldsNotVouched},
		"a receipt that vouches for none":                        {alone, string(paper.fields), landing, 0, exchange.ErrFieldsNotVouched},
		"a refusal's receipt":                                    {refused(full), string(paper.fields), landing, 0, exchange.ErrFieldsNotVouched},
		"no fields":                                              {full, "", landing, 0, exchange.ErrFieldsNotVouched},
		"vouched for, with an unknown member":                    {vouched(`{"aud":"` + landing + `","phone":"1"}`), `{"aud":"` + landing + `","phone":"1"}`, landing, 0, exchange.ErrFieldsNotVouched},
		"vouched for, with a second object":                      {vouched(`{}{}`), `{}{}`, landing, 0, exchange.ErrFieldsNotVouched},
		"vouched for, but no object":                             {vouched(`[]`), `[]`, landing, 0, exchange.ErrFieldsNotVouched},
		"vouched for, but without end":                           {vouched(`{"aud":"` + landing + `","assurance":"verified"}`), `{"aud":"` + landing + `","assurance":"verified"}`, landing, 0, exchange.ErrFieldsExpired},
		"vouched for, with an end far away":                      {vouched(`{"aud":"` + landing + `","assurance":"verified","exp":9999999999}`), `{"aud":"` + landing + `","assurance":"verified","exp":9999999999}`, landing, 0, exchange.ErrFieldsExpired},
		"vouched for, without assurance":                         {vouched(`{"aud":"` + landing + `"}`), `{"aud":"` + landing + `"}`, landing, 0, exchange.ErrFieldsNotVouched},
		"vouched for, with another assurance than the receipt's": {vouched(`{"aud":"` + landing + `","assurance":"unverified"}`), `{"aud":"` + landing + `","assurance":"unverified"}`, landing, 0, exchange.ErrFieldsNotVouched},
		"vouched for, of more than 16 KiB":                       {vouched(big), big, landing, 0, exchange.ErrFieldsNotVouched},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := exchange.CheckFields(test.full, []byte(test.fields), test.audience, now.Add(test.in))
			if !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// The handoff is sealed, not signed: whoever has the destination's public key can make one. Only the receipt's hash tells
// its fields from anybody's.
func TestAnyChangedFieldIsRefused(t *testing.T) {
	paper := granted(t)
	full := fullReceipt(t, paper)
	rapid.Check(t, func(t *rapid.T) {
		fields := bytes.Clone(paper.fields)
		fields[rapid.IntRange(0, len(fields)-1).Draw(t, "place")] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		if _, err := exchange.CheckFields(full, fields, landing, now); !errors.Is(err, exchange.ErrFieldsNotVouched) {
			t.Fatalf("%s: %v, want %v", fields, err, exchange.ErrFieldsNotVouched)
		}
	})
}

func TestAHandoffLivesFromTheRequestThatMadeIt(t *testing.T) {
	again := terms()
	again.At = now.Add(4 * time.Minute)
	paper := sign(t, draft(t, exchange.Conclude(green(), leaves(), enters(), now), again), "1")
	fields, err := exchange.CheckFields(fullReceipt(t, paper), paper.fields, landing, again.At)
	if err != nil || fields.Expires != again.At.Add(exchange.MaxHandoffLife).Unix() || paper.codeClaims.IssuedAt != now.Unix() {
		t.Errorf("%+v, %v, want an end ten minutes after the second request, and the code's first time", fields, err)
	}
}

// A handoff has the newest tests of each type, and never more of them or of their institutions than an answer has room for. Which
// place a test has in the packet makes no difference.
func TestAHandoffCarriesTheNewestTests(t *testing.T) {
	kinds := []string{"nucleic-acid", "rapid-antigen", "antibody-igg"}
	rapid.Check(t, func(t *rapid.T) {
		record := green()
		record.Evidence = nil
		for age := range rapid.IntRange(0, 64).Draw(t, "pieces") {
			record.Evidence = append(record.Evidence, exchange.Evidence{
				Type: rapid.SampledFrom(kinds).Draw(t, "type"), Result: "negative", At: now.AddDate(0, 0, -age),
				Institution: rapid.StringN(0, 200, -1).Draw(t, "institution"),
			})
		}
		var want []exchange.HandoffTest
		taken := map[string]int{}
		for _, piece := range record.Evidence { // which is newest first until it is mixed
			if taken[piece.Type]++; taken[piece.Type] <= 8 {
				want = append(want, exchange.HandoffTest{
					Type: piece.Type, Result: "negative", SampledOn: exchange.DateOf(piece.At).String(), Institution: upTo48Bytes(piece.Institution),
				})
			}
		}
		record.Evidence = rapid.Permutation(record.Evidence).Draw(t, "order")
		drafts, err := exchange.Conclude(record, leaves(), enters(), now).Drafts(terms())
		if err != nil {
			t.Fatal(err)
		}
		var got exchange.HandoffFields
		if err := json.Unmarshal(drafts.Fields(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Tests) != len(want) || len(want) > 0 && !reflect.DeepEqual(got.Tests, want) {
			t.Fatalf("%+v\nwant %+v", got.Tests, want)
		}
	})
}

func upTo48Bytes(text string) (beginning string) {
	for _, character := range text {
		if len(beginning)+len(string(character)) > 48 {
			break
		}
		beginning += string(character)
	}
	return beginning
}
