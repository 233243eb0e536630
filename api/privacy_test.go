package api

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crosscode/exchange"
)

var errPlanted = errors.New(plantedHan + " " + plantedLatin + " " + plantedDocument)

// planted are the facts that may not be found.
var planted = []string{plantedHan, plantedLatin, plantedDocument, plantedBirth, plantedLab}

// wantNone fails if a planted fact is in the text, as it is or within base64url.
func wantNone(t *testing.T, where, text string) {
	t.Helper()
	texts := []string{text}
	for _, run := range regexp.MustCompile(`[A-Za-z0-9_-]{8,}`).FindAllString(text, -1) {
		if decoded, err := base64.RawURLEncoding.DecodeString(run); err == nil {
			texts = append(texts, string(decoded))
		}
	}
	for _, each := range texts {
		for _, fact := range planted {
			if strings.Contains(each, fact) {
				t.Errorf("%s holds %q", where, fact)
			}
		}
	}
}

// The test must be able to fail.
func TestAPlantedFactIsFound(t *testing.T) {
	for _, text := range []string{"x " + plantedHan, encode64([]byte(`{"n":"` + plantedDocument + `"}`))} {
		inner := &testing.T{}
		wantNone(inner, "", text)
		if !inner.Failed() {
			t.Errorf("%q passes", text)
		}
	}
}

func TestNoOutcomeTellsWhoItWas(t *testing.T) {
	w := newWorld(t)
	var problems []answered
	send := func(request *http.Request) {
		request.RemoteAddr = "203.0.113.77:4000"
		request.Header.Set("User-Agent", plantedLatin)
		request.Header.Set("X-Request-Id", plantedDocument)
		request.Header.Set("X-Forwarded-For", "198.51.100.99")
		if got := w.do(request); got.status >= 400 {
			problems = append(problems, got)
		}
	}
	send(jose(exchangePath, w.arrive("green")))
	for _, each := range failures {
		send(jose(exchangePath, w.arrive("read "+string(each.reason), func(v *traveller) {
			v.read = exchange.Fail(each.reason, "read", errPlanted)
		})))
	}
	for _, reason := range exchange.Refusals() {
		send(jose(exchangePath, w.arrive("verdict "+string(reason), func(v *traveller) {
			v.entry = rule("guangdong.entry.some", exchange.Fails, reason)
		})))
	}
	for _, stage := range []string{"open", "verify", "read", "green", "admit"} {
		send(jose(exchangePath, w.arrive("panic "+stage, func(v *traveller) { v.panicAt = stage })))
	}
	for _, request := range unverified(w) {
		send(request)
	}
	for _, request := range []*http.Request{
		jose(exchangePath, w.arrive("plain", func(v *traveller) { v.read = errPlanted })),
		jsonPost("/v1/receipts/verify", shown{Code: plantedDocument}),
		jsonPost("/v1/receipts/verify", `{"`+plantedHan+`":1}`),
		jsonPost("/v1/recalls", withdrawal{Receipt: plantedDocument}),
		get("/v1/rules/" + plantedDocument), get("/" + plantedDocument), httptest.NewRequest(plantedDocument, "/v1/rules", nil),
	} {
		send(request)
	}
	if len(problems) < 50 {
		t.Fatalf("only %d problems", len(problems))
	}
	for _, each := range problems {
		wantNone(t, "a problem", string(each.body))
		for name, values := range each.header {
			wantNone(t, "header "+name, strings.Join(values, " "))
		}
	}
	wantNone(t, "the log", w.log.String())
	exposition := httptest.NewRecorder()
	w.server.Admin().ServeHTTP(exposition, get("/metrics"))
	wantNone(t, "the metrics", exposition.Body.String())
	for _, address := range []string{"203.0.113.77", "198.51.100.99"} {
		if strings.Contains(w.log.String(), address) || strings.Contains(exposition.Body.String(), address) {
			t.Errorf("the address %s is kept", address)
		}
	}
}

func TestTheLogHasOneLineOfListedFieldsForEachRequest(t *testing.T) {
	w := newWorld(t)
	listed := []string{"time", "level", "msg", "method", "route", "status", "reason", "stage", "ms", "request_id"}
	got := w.do(jose(exchangePath, w.arrive("expired", func(v *traveller) { v.read = exchange.Fail(exchange.PacketExpired, "live", errPlanted) })))
	w.do(get("/v1/rules/macau-guangdong"))
	w.do(get("/no/such/path"))
	lines := w.log.lines()
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3:\n%s", len(lines), w.log.String())
	}
	for _, line := range lines {
		for field := range line {
			if !slices.Contains(listed, field) {
				t.Errorf("field %s is not on the list", field)
			}
		}
	}
	first := lines[0]
	if first["route"] != exchangePath || first["status"] != 410.0 || first["reason"] != "packet-expired" || first["stage"] != "live" ||
		first["request_id"] != got.header.Get("X-Request-Id") {
		t.Errorf("%v", first)
	}
	if lines[1]["route"] != "/v1/rules/:route" || lines[2]["route"] != "unmatched" {
		t.Errorf("routes %v, %v", lines[1]["route"], lines[2]["route"])
	}
}

func TestAPanicIsLoggedByPlaceAlone(t *testing.T) {
	w := newWorld(t)
	w.do(jose(exchangePath, w.arrive("p", func(v *traveller) { v.panicAt = "open" })))
	line := w.log.lines()[0]
	where, _ := line["where"].(string)
	if line["stage"] != "panic" || !strings.Contains(where, "api.") {
		t.Errorf("%v", line)
	}
}

func TestOutcomesAreCountedByReasonAndRouteAlone(t *testing.T) {
	w := newWorld(t)
	w.issue("green")
	w.do(jose(exchangePath, "nonsense"))
	w.do(jose(exchangePath+"?route=atlantis-utopia", "nonsense"))
	w.do(jose(exchangePath, w.arrive("red", func(v *traveller) { v.entry = rule("x", exchange.Fails, exchange.NotEligible) })))
	exposition := httptest.NewRecorder()
	w.server.Admin().ServeHTTP(exposition, get("/metrics"))
	for _, want := range []string{
		`crosscode_exchanges_total{reason="issued",route="macau-guangdong"} 1`,
		`crosscode_exchanges_total{reason="packet-refused",route="none"} 2`,
		`crosscode_exchanges_total{reason="not-eligible",route="macau-guangdong"} 1`,
		`crosscode_http_requests_total{route="/v1/exchange",status="200"} 1`,
		"crosscode_http_in_flight 0",
	} {
		if !strings.Contains(exposition.Body.String(), want) {
			t.Errorf("no %s in\n%s", want, exposition.Body.String())
		}
	}
}

func TestAnIDFromOutsideIsNeverTakenOver(t *testing.T) {
	w := newWorld(t)
	request := get("/livez")
	request.Header.Set("X-Request-Id", "mine")
	if got := w.want(request, http.StatusOK); got.header.Get("X-Request-Id") == "mine" || len(got.header.Get("X-Request-Id")) != 22 {
		t.Errorf("X-Request-Id = %q", got.header.Get("X-Request-Id"))
	}
}
