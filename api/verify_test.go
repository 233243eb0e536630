package api

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

// verified is the category that a shown thing gets.
func (w *world) verified(posted shown) string {
	w.t.Helper()
	return w.want(jsonPost("/v1/receipts/verify", posted), http.StatusOK).member("category")
}

func TestWhatIsShownIsExamined(t *testing.T) {
	w := newWorld(t)
	mine, other := w.issue("mine"), w.issue("other")
	code, receipt, full := string(mine.Code), string(mine.Receipt), mine.FullReceipt
	swap := func(token string) string { // another last character but one of the signature
		return token[:len(token)-5] + string('A'+(token[len(token)-5]-'A'+1)%26) + token[len(token)-4:]
	}
	for name, each := range map[string]struct {
		posted shown
		want   exchange.Category
	}{
		"a code":                             {shown{Code: code}, exchange.CategoryValid},
		"a receipt":                          {shown{Receipt: receipt}, exchange.CategoryValid},
		"both":                               {shown{Code: code, Receipt: receipt}, exchange.CategoryValid},
		"all three":                          {shown{Code: code, Receipt: receipt, FullReceipt: full}, exchange.CategoryValid},
		"their QR texts":                     {shown{Code: mine.QR.Code, Receipt: mine.QR.Receipt}, exchange.CategoryValid},
		"a receipt with its full one":        {shown{Receipt: receipt, FullReceipt: full}, exchange.CategoryValid},
		"another holder's code":              {shown{Code: string(other.Code), Receipt: receipt}, exchange.CategoryMismatch},
		"another holder's full receipt":      {shown{Receipt: receipt, FullReceipt: other.FullReceipt}, exchange.CategoryMismatch},
		"a full receipt with a space more":   {shown{Receipt: receipt, FullReceipt: full + " "}, exchange.CategoryMismatch},
		"a full receipt without its receipt": {shown{Code: code, FullReceipt: full}, exchange.CategoryMismatch},
		"nothing":                            {shown{}, exchange.CategoryUnreadable},
		"a full receipt alone":               {shown{FullReceipt: full}, exchange.CategoryUnreadable},
		"a code that was changed":            {shown{Code: swap(code)}, exchange.CategoryUnreadable},
		"a code from nowhere":                {shown{Code: "aa.bb.cc"}, exchange.CategoryUnreadable},
		"a receipt in the code's place":      {shown{Code: receipt}, exchange.CategoryUnreadable},
		"an id":                              {shown{Code: mine.CodeID}, exchange.CategoryUnreadable},
		"a foreign QR text":                  {shown{Code: "https://skm.example/s?c=1"}, exchange.CategoryUnreadable},
		"a QR text with a letter in it":      {shown{Code: exchange.QRPrefix + "12a"}, exchange.CategoryUnreadable},
		"a token at its limit and over":      {shown{Code: strings.Repeat("a", maxShown+1)}, exchange.CategoryUnreadable},
		"a full receipt over its limit":      {shown{Receipt: receipt, FullReceipt: strings.Repeat(" ", maxShownFull+1)}, exchange.CategoryUnreadable},
	} {
		if got := w.verified(each.posted); got != string(each.want) {
			t.Errorf("%s is %s, want %s", name, got, each.want)
		}
	}
}

func TestUnknownAndTamperedGetTheSameAnswer(t *testing.T) {
	w := newWorld(t)
	code := string(w.issue("mine").Code)
	unknown := w.want(jsonPost("/v1/receipts/verify", shown{Code: "aa.bb.cc"}), http.StatusOK)
	tampered := w.want(jsonPost("/v1/receipts/verify", shown{Code: code[:len(code)-8] + "AAAAAAAA"}), http.StatusOK)
	if !bytes.Equal(unknown.body, tampered.body) {
		t.Errorf("unknown %s, tampered %s", unknown.body, tampered.body)
	}
}

func TestWhatWasFoundIsTold(t *testing.T) {
	w := newWorld(t)
	request := jsonPost("/v1/receipts/verify", shown{Code: string(w.issue("mine").Code)})
	request.Header.Set("Accept-Language", "zh-TW")
	got := w.want(request, http.StatusOK)
	for member, want := range map[string]string{
		"category": "valid", "title": "有效", "route": "macau-guangdong", "port": "gongbei", "document": "M****5678",
		"sampled_on": "2026-11-22", "valid_until": "2026-11-23T10:00:00+08:00",
	} {
		if got.member(member) != want {
			t.Errorf("%s = %q, want %q", member, got.member(member), want)
		}
	}
	if !bytes.Contains(got.body, []byte(`"pass":true`)) {
		t.Errorf("%s", got.body)
	}
}

func TestTheEndsOfACodeGiveLeeway(t *testing.T) {
	for _, each := range []struct {
		name string
		at   time.Duration // after it was issued
		want exchange.Category
	}{
		{"61 s before it was issued", -61 * time.Second, exchange.CategoryNotYetValid},
		{"60 s before it was issued", -60 * time.Second, exchange.CategoryValid},
		{"when it was issued", 0, exchange.CategoryValid},
		{"at its end", 24 * time.Hour, exchange.CategoryValid},
		{"60 s after its end", 24*time.Hour + 60*time.Second, exchange.CategoryValid},
		{"61 s after its end", 24*time.Hour + 61*time.Second, exchange.CategoryExpired},
	} {
		w := newWorld(t)
		code := string(w.issue("mine").Code)
		w.advance(each.at)
		if got := w.verified(shown{Code: code}); got != string(each.want) {
			t.Errorf("%s: %s, want %s", each.name, got, each.want)
		}
	}
}

func TestSpecimensPassOnASpecimenGatewayAlone(t *testing.T) {
	for _, specimen := range []bool{true, false} {
		w := newWorld(t, func(c *Config) {
			c.Specimen = specimen
			c.Exchanger.(*exchange.Gateway).Specimen = true
		})
		got := w.want(jsonPost("/v1/receipts/verify", shown{Code: string(w.issue("mine").Code)}), http.StatusOK)
		want := exchange.CategorySpecimen
		if specimen {
			want = exchange.CategoryValid
		}
		if got.member("category") != string(want) || !bytes.Contains(got.body, []byte(`"specimen":true`)) {
			t.Errorf("specimen gateway %v: %s", specimen, got.body)
		}
	}
}

func TestNothingIsValidWhileRecallsOrKeysAreUnknown(t *testing.T) {
	for _, part := range []string{"recalls", "exhibits"} {
		w := newWorld(t)
		code := string(w.issue("mine").Code)
		w.outage[part] = true
		w.want(jsonPost("/v1/receipts/verify", shown{Code: code}), http.StatusServiceUnavailable)
	}
}

func TestACodeOfASideThatIsGoneIsUnreadable(t *testing.T) {
	w := newWorld(t)
	code := string(w.issue("mine").Code)
	delete(w.server.tags, "mo")
	if got := w.verified(shown{Code: code}); got != string(exchange.CategoryUnreadable) {
		t.Errorf("category %s", got)
	}
}

func TestMalformedQuestionsAreToldApart(t *testing.T) {
	w := newWorld(t)
	for name, body := range map[string]string{
		"no JSON": "{", "an unknown member": `{"id":"7"}`, "a list": `{"code":["a"]}`, "nothing": "", "two objects": "{}{}", "a member twice": `{"code":"a","code":"b"}`,
	} {
		if got := w.want(jsonPost("/v1/receipts/verify", body), http.StatusBadRequest); got.member("type") != issuer+"/problems/bad-request" {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}

// TestARouteThatIsClosedAtRunTime: the very next question is answered by the rulebook that has just been taken.
func TestARouteThatIsClosedAtRunTime(t *testing.T) {
	w := newWorld(t)
	mine := w.issue("mine")
	posted := shown{Code: string(mine.Code), Receipt: string(mine.Receipt), FullReceipt: mine.FullReceipt}
	if got := w.verified(posted); got != string(exchange.CategoryValid) {
		t.Fatalf("before: %s, want valid", got)
	}
	w.advance(time.Hour)
	w.shut = map[exchange.Route][]exchange.Window{{From: "guangdong", To: "macau"}: {{}}}
	if got := w.verified(posted); got != string(exchange.CategoryValid) {
		t.Errorf("the other direction is closed: %s, want valid", got)
	}
	since := w.clock()
	w.shut = map[exchange.Route][]exchange.Window{macauToGuangdong: {{From: since, Until: since.Add(time.Hour)}}}
	for _, step := range []struct {
		after           time.Duration
		category        exchange.Category
		since, reopened string
	}{
		{-time.Second, exchange.CategoryValid, "", ""},
		{0, exchange.CategoryRouteClosed, "2026-11-22T11:00:00+08:00", ""},
		{time.Hour, exchange.CategoryRouteClosed, "2026-11-22T11:00:00+08:00", "2026-11-22T12:00:00+08:00"},
	} {
		w.advance(since.Add(step.after).Sub(w.clock()))
		got := w.want(jsonPost("/v1/receipts/verify", posted), http.StatusOK)
		if got.member("category") != string(step.category) || got.member("since") != step.since || got.member("reopened") != step.reopened {
			t.Errorf("%s after it closed: %s, want %+v", step.after, got.body, step)
		}
	}
	w.shut = map[exchange.Route][]exchange.Window{macauToGuangdong: {{}}}
	got := w.want(jsonPost("/v1/receipts/verify", posted), http.StatusOK)
	if got.member("category") != string(exchange.CategoryRouteClosed) || bytes.Contains(got.body, []byte(`"since"`)) {
		t.Errorf("closed since nobody knows when: %s", got.body)
	}
	w.want(jsonPost("/v1/recalls", withdrawalOf(mine)), http.StatusNoContent) // the holder may withdraw it all the same
	if got := w.verified(posted); got != string(exchange.CategoryRecalled) {
		t.Errorf("withdrawn and closed: %s, want recalled", got)
	}
}
