package exchange_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"crosscode/exchange"
)

// silent speaks against nothing.
var silent exchange.Bundle

func granted(t testing.TB) signed {
	t.Helper()
	return sign(t, draft(t, exchange.Conclude(green(), leaves(), enters(), now), terms()), "1")
}

func TestExamine(t *testing.T) {
	refused := sign(t, draft(t, exchange.Conclude(green(), leaves(fail("macau.green.colour", exchange.NotGreen)), enters(), now), terms()), "1")
	specimenTerms := terms()
	specimenTerms.Specimen = true
	specimen := sign(t, draft(t, exchange.Conclude(green(), leaves(), enters(), now), specimenTerms), "1")
	cases := map[string]struct {
		exhibit func() exchange.Exhibit
		in      time.Duration // from issue
		want    exchange.Category
	}{
		"code, receipt and full receipt": {granted(t).exhibit, 0, exchange.CategoryValid},
		"the code alone":                 {edited(granted(t), func(e *exchange.Exhibit) { e.Receipt, e.FullReceipt = nil, nil }), 0, exchange.CategoryValid},
		"the receipt alone":              {edited(granted(t), func(e *exchange.Exhibit) { e.Code, e.FullReceipt = nil, nil }), 0, exchange.CategoryValid},
		"nothing":                        {func() exchange.Exhibit { return exchange.Exhibit{} }, 0, exchange.CategoryUnreadable},
		"60 s before it was issued":      {granted(t).exhibit, -time.Minute, exchange.CategoryValid},
		"61 s before it was issued":      {granted(t).exhibit, -61 * time.Second, exchange.CategoryNotYetValid},
		"60 s past its end":              {granted(t).exhibit, 24*time.Hour + time.Minute, exchange.CategoryValid},
		"61 s past its end":              {granted(t).exhibit, 24*time.Hour + 61*time.Second, exchange.CategoryExpired},
		"a refusal":                      {refused.exhibit, 0, exchange.CategoryRefusal},
		"a refusal, long ago":            {refused.exhibit, 1000 * time.Hour, exchange.CategoryRefusal},
		"a specimen":                     {specimen.exhibit, 0, exchange.CategorySpecimen},
		"a code beside a refusal":        {edited(granted(t), func(e *exchange.Exhibit) { *e.Receipt = refused.receiptClaims }), 0, exchange.CategoryMismatch},
		"a receipt that says neither":    {edited(granted(t), func(e *exchange.Exhibit) { e.Code, e.FullReceipt, e.Receipt.Outcome = nil, nil, "" }), 0, exchange.CategoryUnreadable},
		"a receipt of no code":           {edited(granted(t), func(e *exchange.Exhibit) { e.Code, e.FullReceipt, e.Receipt.Code = nil, nil, "" }), 0, exchange.CategoryUnreadable},
		"a full receipt without a lean":  {edited(granted(t), func(e *exchange.Exhibit) { e.Receipt = nil }), 0, exchange.CategoryMismatch},
		"another full receipt":           {edited(granted(t), func(e *exchange.Exhibit) { e.FullReceipt = refused.full }), 0, exchange.CategoryMismatch},
		"a full receipt with a space":    {edited(granted(t), func(e *exchange.Exhibit) { e.FullReceipt = append(bytes.Clone(e.FullReceipt), ' ') }), 0, exchange.CategoryMismatch},
		"the code signed by another key": {edited(granted(t), func(e *exchange.Exhibit) { e.CodeSigningInput = "h." + e.CodeSigningInput }), 0, exchange.CategoryMismatch},
		"a swapped pair, long ago":       {edited(granted(t), func(e *exchange.Exhibit) { e.Code.ID = "another" }), 1000 * time.Hour, exchange.CategoryMismatch},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			if got := exchange.Examine(test.exhibit(), silent, now.Add(test.in), false); got.Category != test.want {
				t.Errorf("%s, want %s", got.Category, test.want)
			}
		})
	}
	t.Run("a specimen, where specimens are asked for", func(t *testing.T) {
		if got := exchange.Examine(specimen.exhibit(), silent, now, true); got.Category != exchange.CategoryValid || !got.Specimen {
			t.Errorf("%+v, want valid, and marked as a specimen", got)
		}
	})
}

func edited(s signed, edit func(*exchange.Exhibit)) func() exchange.Exhibit {
	return func() exchange.Exhibit {
		exhibit := s.exhibit()
		edit(&exhibit)
		return exhibit
	}
}

func TestEveryFieldThatBothPapersCarryMustAgree(t *testing.T) {
	for name, edit := range map[string]func(*exchange.ReceiptClaims){
		"code id":   func(r *exchange.ReceiptClaims) { r.Code += "x" },
		"route":     func(r *exchange.ReceiptClaims) { r.Route = "mo-hk" },
		"port":      func(r *exchange.ReceiptClaims) { r.Port = "hzmb" },
		"name":      func(r *exchange.ReceiptClaims) { r.Name = "李*" },
		"document":  func(r *exchange.ReceiptClaims) { r.Document = "M****0000" },
		"iat":       func(r *exchange.ReceiptClaims) { r.IssuedAt++ },
		"exp":       func(r *exchange.ReceiptClaims) { r.Expires++ },
		"specimen":  func(r *exchange.ReceiptClaims) { r.Specimen = true },
		"assurance": func(r *exchange.ReceiptClaims) { r.Unverified = true },
		"outcome":   func(r *exchange.ReceiptClaims) { r.Outcome = exchange.Refused },
	} {
		exhibit := granted(t).exhibit()
		exhibit.FullReceipt = nil
		edit(exhibit.Receipt)
		if got := exchange.Examine(exhibit, silent, now, false); got.Category != exchange.CategoryMismatch {
			t.Errorf("another %s: %s, want %s", name, got.Category, exchange.CategoryMismatch)
		}
	}
}

func TestExamineAsksForRecalls(t *testing.T) {
	paper := granted(t)
	for name, exhibit := range map[string]exchange.Exhibit{
		"both":        paper.exhibit(),
		"the code":    edited(paper, func(e *exchange.Exhibit) { e.Receipt, e.FullReceipt = nil, nil })(),
		"the receipt": edited(paper, func(e *exchange.Exhibit) { e.Code = nil })(),
	} {
		recalled := func(codeID, source string, issuedAt time.Time) bool {
			return codeID == terms().Key.CodeID() && source == "mo" && issuedAt.Equal(now)
		}
		if got := exchange.Examine(exhibit, recalling{recalled: recalled}, now, false); got.Category != exchange.CategoryRecalled {
			t.Errorf("%s: %s, want %s", name, got.Category, exchange.CategoryRecalled)
		}
	}
}

// recalling is a bundle whose recalls are a function.
type recalling struct {
	exchange.Bundle
	recalled func(codeID, source string, issuedAt time.Time) bool
}

func (r recalling) Recalled(codeID, source string, issuedAt time.Time) bool {
	return r.recalled(codeID, source, issuedAt)
}

func TestAnOfficerSeesMasksOnly(t *testing.T) {
	got := exchange.Examine(granted(t).exhibit(), silent, now, false)
	want := exchange.Examination{
		Category: exchange.CategoryValid, Route: "mo-gd", Port: "gongbei", Name: "陳*文 CHAN T* M*", Document: "M****5678",
		SampledOn: "2026-11-21", Until: got.Until,
	}
	if got != want || !got.Until.Equal(now.Add(24*time.Hour)) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// holders are a thousand people with one name, one birthday, one test and one second: all that differs is the packet.
func holders(t *testing.T) []signed {
	t.Helper()
	var all []signed
	for i := range 1000 {
		terms := terms()
		terms.Key = exchange.NewReplayKey("macau", fmt.Sprintf("packet-%d", i))
		all = append(all, sign(t, draft(t, exchange.Conclude(green(), leaves(), enters(), now), terms), "1"))
	}
	return all
}

func TestPapersSwappedAmongAThousandHoldersAreCaught(t *testing.T) {
	all := holders(t)
	random := rand.New(rand.NewPCG(1, 2))
	for i, holder := range all {
		other := all[(i+1+random.IntN(len(all)-1))%len(all)]
		swaps := map[string]exchange.Exhibit{
			"the code":                  edited(holder, func(e *exchange.Exhibit) { e.Code, e.CodeSigningInput = &other.codeClaims, signingInput(other.code) })(),
			"the code, without papers":  edited(holder, func(e *exchange.Exhibit) { e.Code, e.FullReceipt = &other.codeClaims, nil })(),
			"the receipt":               edited(holder, func(e *exchange.Exhibit) { e.Receipt = &other.receiptClaims })(),
			"the full receipt":          edited(holder, func(e *exchange.Exhibit) { e.FullReceipt = other.full })(),
			"both receipts":             edited(holder, func(e *exchange.Exhibit) { e.Receipt, e.FullReceipt = &other.receiptClaims, other.full })(),
			"the code's claims alone":   edited(holder, func(e *exchange.Exhibit) { e.Code = &other.codeClaims })(),
			"the signing input alone":   edited(holder, func(e *exchange.Exhibit) { e.CodeSigningInput = signingInput(other.code) })(),
			"the receipt with no code":  edited(holder, func(e *exchange.Exhibit) { e.Code, e.Receipt = nil, &other.receiptClaims })(),
			"a full receipt, no code":   edited(holder, func(e *exchange.Exhibit) { e.Code, e.FullReceipt = nil, other.full })(),
			"fields, seen by the page":  {},
			"the pair, as it should be": holder.exhibit(),
		}
		for name, exhibit := range swaps {
			got := exchange.Examine(exhibit, silent, now, false).Category
			switch name {
			case "fields, seen by the page":
				full, err := exchange.ParseFullReceipt(holder.full)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := exchange.CheckFields(full, other.fields, landing, now); err == nil {
					t.Fatalf("holder %d: another's fields were taken", i)
				}
			case "the pair, as it should be":
				if got != exchange.CategoryValid {
					t.Fatalf("holder %d: %s, want valid", i, got)
				}
			default:
				if got != exchange.CategoryMismatch {
					t.Fatalf("holder %d, %s of another: %s, want mismatch", i, name, got)
				}
			}
		}
	}
}
