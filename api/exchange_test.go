package api

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

func TestAPacketBecomesACode(t *testing.T) {
	w := newWorld(t)
	told := w.issue("green")
	switch {
	case told.Outcome != outcomeIssued, told.Route != "macau-guangdong", told.Port != "gongbei":
		t.Errorf("outcome, route, port = %s, %s, %s", told.Outcome, told.Route, told.Port)
	case told.CodeID == "" || told.ReceiptID == "" || told.WithdrawSecret == "" || told.Handoff == "" || told.HandoffMissing:
		t.Errorf("an id, the withdraw secret or the handoff is missing: %+v", told)
	case told.NotGranted[0] != "quarantine-waiver" || told.Specimen:
		t.Errorf("not granted %v, specimen %v", told.NotGranted, told.Specimen)
	}
	if code, err := exchange.ParseQRText(told.QR.Code); err != nil || code != told.Code {
		t.Errorf("the code's QR text reads %q, %v", code, err)
	}
	if receipt, err := exchange.ParseQRText(told.QR.Receipt); err != nil || receipt != told.Receipt {
		t.Errorf("the receipt's QR text reads %q, %v", receipt, err)
	}
	if full, err := exchange.ParseFullReceipt([]byte(told.FullReceipt)); err != nil || full.CodeID != told.CodeID {
		t.Errorf("the full receipt names code %q, %v", full.CodeID, err)
	}
}

func TestTimesCarryTheirOffset(t *testing.T) {
	w := newWorld(t)
	got := w.want(jose(exchangePath, w.arrive("green")), http.StatusOK)
	if at := got.member("issued_at"); at != "2026-11-22T10:00:00+08:00" {
		t.Errorf("issued_at = %s", at)
	}
	if until := got.member("valid_until"); until != "2026-11-23T10:00:00+08:00" {
		t.Errorf("valid_until = %s", until)
	}
}

func TestAPacketMayComeAsJSON(t *testing.T) {
	w := newWorld(t)
	w.want(jsonPost(exchangePath, map[string]string{"packet": w.arrive("one"), "route": "macau-guangdong"}), http.StatusOK)
	w.want(jose(exchangePath+"?route=macau-guangdong", w.arrive("two")), http.StatusOK)
	for name, request := range map[string]*http.Request{
		"in the body": jsonPost(exchangePath, map[string]string{"packet": w.arrive("three"), "route": "macau-hongkong"}),
		"in the URL":  jose(exchangePath+"?route=macau-hongkong", w.arrive("four")),
	} {
		if got := w.want(request, http.StatusUnprocessableEntity); got.member("reason") != string(exchange.WrongRoute) {
			t.Errorf("another route %s: reason %s", name, got.member("reason"))
		}
	}
}

func TestTheSameRequesterMayAskAgain(t *testing.T) {
	w := newWorld(t)
	packet := w.arrive("green")
	ask := func(key string) *http.Request {
		request := jose(exchangePath, packet)
		if key != "" {
			request.Header.Set("Idempotency-Key", key)
		}
		return request
	}
	first := w.want(ask("first"), http.StatusOK)
	w.advance(5 * time.Minute)
	again := w.want(ask("first"), http.StatusOK)
	for _, member := range []string{"code_id", "receipt_id", "issued_at", "valid_until"} {
		if first.member(member) != again.member(member) {
			t.Errorf("%s was %s, now %s", member, first.member(member), again.member(member))
		}
	}
	for _, key := range []string{"second", ""} {
		got := w.want(ask(key), http.StatusConflict)
		if got.member("reason") != string(exchange.Replayed) || got.member("receipt") != "" {
			t.Errorf("a stranger's repeat with key %q: %s", key, got.body)
		}
	}
}

func TestAMissingHandoffIsSaid(t *testing.T) {
	w := newWorld(t)
	got := w.want(jose(exchangePath, w.arrive("green", func(v *traveller) { v.noKey = true })), http.StatusOK)
	if !bytes.Contains(got.body, []byte(`"handoff_missing":true`)) || got.member("handoff") != "" {
		t.Errorf("%s", got.body)
	}
}

func TestWarningsComeInTheCallersLanguage(t *testing.T) {
	w := newWorld(t)
	request := jose(exchangePath, w.arrive("warned", func(v *traveller) { v.manyWarning = 1 }))
	request.Header.Set("Accept-Language", "zh-HK")
	if got := w.want(request, http.StatusOK); !bytes.Contains(got.body, []byte("title of guangdong.entry.warned（繁）")) {
		t.Errorf("%s", got.body)
	}
}

func TestACodeThatHardlyLivesComesWithAWarning(t *testing.T) {
	w := newWorld(t)
	for language, want := range map[string]string{"zh-CN": "此码即将失效", "zh-HK": "此碼即將失效", "en": "This code ends soon", "pt": "Este código termina em breve"} {
		request := jose(exchangePath, w.arrive("short-"+language, func(v *traveller) {
			v.entry = rule("guangdong.entry.negative-test", exchange.Pass, exchange.NotEligible)
			v.entry.Until = w.clock().Add(exchange.ShortLife - time.Second)
		}))
		request.Header.Set("Accept-Language", language)
		got := w.want(request, http.StatusOK)
		for _, part := range []string{exchange.RuleShortLife, want, "title of guangdong.entry.negative-test"} {
			if !bytes.Contains(got.body, []byte(part)) {
				t.Errorf("%s: %q is not in %s", language, part, got.body)
			}
		}
		if full := got.member("full_receipt"); !strings.Contains(full, `"ends_by":{"rule":"guangdong.entry.negative-test","version":"guangdong/2026-01-01T00:00+08:00"}`) {
			t.Errorf("%s", full)
		}
	}
}

func TestASpecimenGatewaySaysSo(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Specimen = true })
	for _, packet := range []string{
		w.arrive("green"), w.arrive("red", func(v *traveller) { v.entry = rule("x", exchange.Fails, exchange.NotEligible) }),
	} {
		if got := w.do(jose(exchangePath, packet)); !bytes.Contains(got.body, []byte(`"specimen":true`)) {
			t.Errorf("%s", got.body)
		}
	}
}

// Warnings are few in real rulebooks; here there are more than any answer has room for.
func TestAnAnswerStaysWithinItsLimit(t *testing.T) {
	for _, warnings := range []int{0, 5, 40} {
		w := newWorld(t)
		got := w.want(jose(exchangePath, w.arrive("green", func(v *traveller) { v.manyWarning = warnings })), http.StatusOK)
		if len(got.body) > maxAnswer {
			t.Errorf("with %d warnings the answer has %d bytes, want ≤ %d", warnings, len(got.body), maxAnswer)
		}
		if got.member("code") == "" || got.member("receipt") == "" || got.member("full_receipt") == "" || got.member("handoff") == "" {
			t.Errorf("with %d warnings something signed is missing", warnings)
		}
	}
}

func TestAVerdictAgainstTheHolderIsSignedAndExplained(t *testing.T) {
	for _, reason := range exchange.Refusals() {
		t.Run(string(reason), func(t *testing.T) {
			w := newWorld(t)
			request := jose(exchangePath, w.arrive("p", func(v *traveller) { v.entry = rule("guangdong.entry.some", exchange.Fails, reason) }))
			request.Header.Set("Accept-Language", "pt-BR")
			got := w.want(request, http.StatusUnprocessableEntity)
			for member, want := range map[string]string{
				"outcome": outcomeRefused, "reason": string(reason), "type": issuer + "/problems/" + string(reason), "rule": "guangdong.entry.some",
				"title": "title of guangdong.entry.some (pt)", "remedy": "remedy of guangdong.entry.some (pt)",
				"contact": "contact of guangdong.entry.some (pt)", "route": "macau-guangdong", "port": "gongbei", "category": "test",
			} {
				if got.member(member) != want {
					t.Errorf("%s = %q, want %q", member, got.member(member), want)
				}
			}
			receipt := got.member("receipt")
			if read, err := exchange.ParseQRText(got.member("qr", "receipt")); err != nil || string(read) != receipt {
				t.Errorf("the QR text is not the receipt's: %v", err)
			}
			found := w.want(jsonPost("/v1/receipts/verify", shown{Receipt: receipt, FullReceipt: got.member("full_receipt")}), http.StatusOK)
			if found.member("category") != string(exchange.CategoryRefusal) {
				t.Errorf("its receipt is %s", found.body)
			}
		})
	}
}

// Conclude's own outcomes bring no advice.
func TestAVerdictWithoutAdviceGetsTheTablesWords(t *testing.T) {
	w := newWorld(t)
	got := w.want(jose(exchangePath, w.arrive("p", func(v *traveller) {
		v.entry = exchange.Outcome{Rule: exchange.RuleRoute, Status: exchange.Errored, Reason: exchange.RouteNotConfigured, Category: "route"}
	})), http.StatusUnprocessableEntity)
	if got.member("title") != "There are no rules for this route" || got.member("contact") == "" {
		t.Errorf("%s", got.body)
	}
}

// failures are the outcomes of the path that come without a receipt, and how they are answered.
var failures = []struct {
	reason exchange.Reason
	status int
}{
	{exchange.PacketRefused, 400},
	{exchange.TooLarge, 413},
	{exchange.UnsupportedMedia, 415},
	{exchange.SlowDown, 429},
	{exchange.Unavailable, 503},
	{exchange.ClaimsInvalid, 422},
	{exchange.NotYetValid, 422},
	{exchange.PacketExpired, 410},
	{exchange.ConsentMissing, 422},
	{exchange.ConsentExpired, 422},
	{exchange.WrongRoute, 422},
	{exchange.Replayed, 409},
}

func TestEveryReasonHasItsStatus(t *testing.T) {
	w := newWorld(t)
	for i, each := range failures {
		packet := w.arrive(fmt.Sprint(i), func(v *traveller) { v.read = exchange.Fail(each.reason, "read", errors.New(plantedHan)) })
		got := w.want(jose(exchangePath, packet), each.status)
		if got.member("reason") != string(each.reason) || got.header.Get("Content-Type") != mediaProblem {
			t.Errorf("%s: %s", each.reason, got.body)
		}
		if retry := got.header.Get("Retry-After") != ""; retry != (each.status == 429 || each.status == 503) {
			t.Errorf("%s: Retry-After present is %v", each.reason, retry)
		}
	}
	for _, reason := range exchange.Reasons() {
		entry := w.server.table.Problems[string(reason)]
		known := false
		for _, each := range failures {
			known = known || each.reason == reason && each.status == entry.Status
		}
		for _, refusal := range exchange.Refusals() {
			known = known || refusal == reason && entry.Status == http.StatusUnprocessableEntity
		}
		if !known {
			t.Errorf("%s: status %d is not what design.md says", reason, entry.Status)
		}
	}
}

func TestAClaimAtFaultIsNamedByItsFieldAlone(t *testing.T) {
	w := newWorld(t)
	for field, want := range map[string]string{
		"holder.documents[0].number": "holder.documents[0].number",
		"consent.given_at":           "consent.given_at",
		plantedHan:                   "",
		plantedLatin:                 "",
		"holder." + plantedDocument:  "",
		strings.Repeat("a", 1000):    "",
	} {
		packet := w.arrive("p"+field, func(v *traveller) { v.read = exchange.Invalid(field, "is %s", plantedHan) })
		if got := w.want(jose(exchangePath, packet), 422); got.member("field") != want {
			t.Errorf("field %q is told as %q, want %q", field, got.member("field"), want)
		}
	}
}

// unverified are requests that fail before the inner signature of a packet holds.
func unverified(w *world) map[string]*http.Request {
	fail := func(err error) func(*traveller) { return func(v *traveller) { v.verify = err } }
	withKey := func(keys ...string) *http.Request {
		request := jose(exchangePath, w.arrive("keyed"))
		request.Header["Idempotency-Key"] = keys
		return request
	}
	code := w.issue("to be posted back")
	return map[string]*http.Request{
		"nothing at all":                       jose(exchangePath, ""),
		"nonsense":                             jose(exchangePath, "nonsense"),
		"four dots and nothing else":           jose(exchangePath, "...."),
		"a packet that does not open":          jose(exchangePath, w.arrive("a", func(v *traveller) { v.open = exchange.Fail(exchange.PacketRefused, "decrypt", nil) })),
		"a packet with a bad signature":        jose(exchangePath, w.arrive("b", fail(exchange.Fail(exchange.PacketRefused, "signature", nil)))),
		"a packet for somebody else":           jose(exchangePath, w.arrive("c", fail(exchange.Fail(exchange.PacketRefused, "audience", nil)))),
		"a packet that tells too much":         jose(exchangePath, w.arrive("d", fail(exchange.Fail(exchange.PacketExpired, "live", nil)))),
		"a packet of an unknown side":          jose(exchangePath, w.arrive("e", func(v *traveller) { v.record.Issuer = "shenzhen" })),
		"an issued code":                       jose(exchangePath, string(code.Code)),
		"a receipt":                            jose(exchangePath, string(code.Receipt)),
		"the QR text of a code":                jose(exchangePath, code.QR.Code),
		"a city code's QR text (穗康码)":          jose(exchangePath, "https://skm.example/s?c=440100123456"),
		"the same in JSON":                     jsonPost(exchangePath, map[string]string{"packet": "https://skm.example/s?c=440100123456"}),
		"JSON that is none":                    jsonPost(exchangePath, `{"packet"`),
		"JSON without a packet":                jsonPost(exchangePath, `{}`),
		"JSON with null":                       jsonPost(exchangePath, `{"packet":null}`),
		"JSON with a number":                   jsonPost(exchangePath, `{"packet":7}`),
		"JSON with an unknown member":          jsonPost(exchangePath, `{"packet":"a","name":"`+plantedHan+`"}`),
		"JSON with a member twice":             jsonPost(exchangePath, `{"packet":"a","packet":"b"}`),
		"JSON with a member in capitals":       jsonPost(exchangePath, `{"PACKET":"a"}`),
		"JSON with something behind":           jsonPost(exchangePath, `{"packet":"a"}{}`),
		"JSON of depth 10000":                  jsonPost(exchangePath, `{"packet":`+strings.Repeat("[", 10000)),
		"JSON that is not UTF-8":               jsonPost(exchangePath, "{\"packet\":\"\xff\"}"),
		"a packet in the URL":                  jose(exchangePath+"?packet="+plantedDocument, ""),
		"a route and more in the URL":          jose(exchangePath+"?route=macau-guangdong&name="+plantedLatin[:4], w.arrive("f")),
		"a route twice":                        jose(exchangePath+"?route=macau-guangdong&route=macau-guangdong", w.arrive("g")),
		"a route in the URL and in the body":   jsonPost(exchangePath+"?route=macau-guangdong", `{"packet":"a","route":"macau-guangdong"}`),
		"a route that is none":                 jose(exchangePath+"?route=macau", w.arrive("h")),
		"an empty route":                       jose(exchangePath+"?route=", w.arrive("i")),
		"an Idempotency-Key with a space":      withKey("a b"),
		"an Idempotency-Key that is too long":  withKey(strings.Repeat("k", maxIdempotencyKey+1)),
		"an Idempotency-Key in Chinese":        withKey(plantedHan),
		"an Idempotency-Key that is empty":     withKey(""),
		"two of them":                          withKey("a", "b"),
		"a packet in the wrong reader's hands": jsonPost(exchangePath, map[string]string{"packet": "穗康码"}),
	}
}

func TestEverythingBeforeTheSignatureGetsTheSameBytes(t *testing.T) {
	w := newWorld(t)
	var body []byte
	var header http.Header
	for name, request := range unverified(w) {
		request.Header.Set("Accept-Language", "zh-CN") // the refusal is in English all the same
		got := w.want(request, http.StatusBadRequest)
		got.header.Del("X-Request-Id")
		if body == nil {
			body, header = got.body, got.header
		}
		if !bytes.Equal(got.body, body) {
			t.Errorf("%s: body\n%s\nwant\n%s", name, got.body, body)
		}
		if fmt.Sprint(got.header) != fmt.Sprint(header) {
			t.Errorf("%s: header\n%v\nwant\n%v", name, got.header, header)
		}
	}
}

func TestTheUniformRefusalSaysWhatIsNoPacket(t *testing.T) {
	w := newWorld(t)
	got := w.want(jose(exchangePath, "nonsense"), http.StatusBadRequest)
	for _, words := range []string{"穗康码", "行程卡", "e-Channel", "No QR code is one"} {
		if !strings.Contains(got.member("detail"), words) {
			t.Errorf("detail %q does not say %q", got.member("detail"), words)
		}
	}
	if got.member("request_id") != "" || got.header.Get("X-Request-Id") == "" {
		t.Errorf("request id in body %q, in header %q", got.member("request_id"), got.header.Get("X-Request-Id"))
	}
}

func TestAnIdempotencyKeyAtItsLimitIsTaken(t *testing.T) {
	w := newWorld(t)
	request := jose(exchangePath, w.arrive("green"))
	request.Header.Set("Idempotency-Key", strings.Repeat("~", maxIdempotencyKey))
	w.want(request, http.StatusOK)
}

func TestAnOutageIsNeverABadPacket(t *testing.T) {
	for _, part := range []string{"replays", "recalls", "journal", "signer"} {
		w := newWorld(t)
		packet := w.arrive("green")
		w.outage[part] = true
		got := w.want(jose(exchangePath, packet), http.StatusServiceUnavailable)
		if got.member("outcome") != outcomeRetry || got.header.Get("Retry-After") == "" {
			t.Errorf("%s out: %s", part, got.body)
		}
		w.outage[part] = false
		w.want(jose(exchangePath, packet), http.StatusOK)
	}
}

func TestAPacketTravelsInABodyOnly(t *testing.T) {
	w := newWorld(t)
	got := w.want(get(exchangePath+"?packet="+plantedDocument), http.StatusMethodNotAllowed)
	if bytes.Contains(got.body, []byte(plantedDocument)) || !strings.Contains(got.header.Get("Allow"), http.MethodPost) {
		t.Errorf("%v %s", got.header, got.body)
	}
	got = w.want(get("/v1/"+plantedDocument), http.StatusNotFound)
	if bytes.Contains(got.body, []byte(plantedDocument)) {
		t.Errorf("%s", got.body)
	}
}
