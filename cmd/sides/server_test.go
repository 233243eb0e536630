package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestASideGivesPacketsForWhoeverAsks(t *testing.T) {
	page := newLandingPage(t, "macau")
	for body, expected := range map[string]string{
		`{"to":"guangdong"}`: issued,
		`{"to":"guangdong","case":"stale-test","port":"gongbei","channel":"web","lang":"pt","alg":"EdDSA"}`: "not-eligible",
		`{"to":"hongkong","case":"expired","at":"2026-11-22T09:00:00+08:00"}`:                               "packet-expired",
	} {
		status, answer := page.ask(t, http.MethodPost, "/packets", "application/json", body)
		if status != http.StatusOK || answer["expected"] != expected || answer["simulation"] != true || len(answer["jti"].(string)) != 22 {
			t.Errorf("%s is answered %d %v", body, status, answer)
			continue
		}
		inner := open(t, answer["packet"].(string), page.gateway.keys["packet-mo"])
		if signed, err := jose.ParseSignedCompact(inner, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA}); err != nil {
			t.Errorf("%s: %v", body, err)
		} else if !strings.Contains(string(signed.UnsafePayloadWithoutVerification()), answer["jti"].(string)) {
			t.Errorf("%s: another jti in the packet than in the answer", body)
		}
	}
	status, answer := page.ask(t, http.MethodPost, "/packets", "application/json", `{"claims":{ "x":1, "x":2, "iss":"hongkong" }}`)
	if status != http.StatusBadRequest {
		// The request itself is strict: claims with a name that is there twice go through the command line.
		t.Errorf("a name twice in the request is answered %d %v", status, answer)
	}
	status, answer = page.ask(t, http.MethodPost, "/packets", "application/json", `{"claims":{ "x": [1 ], "iss":"hongkong" }}`)
	if status != http.StatusOK {
		t.Fatalf("claims are answered %d %v", status, answer)
	}
	signed, _ := jose.ParseSignedCompact(open(t, answer["packet"].(string), page.gateway.keys["packet-mo"]), gatewayAlgorithms)
	if payload := string(signed.UnsafePayloadWithoutVerification()); !strings.HasSuffix(payload, ` "x": [1 ], "iss":"hongkong" }`) {
		t.Errorf("the claims were changed: %s", payload)
	}
}

func TestASideRefusesWhatMakesNoSense(t *testing.T) {
	page := newLandingPage(t, "macau")
	for _, test := range []struct {
		name, method, path, mediaType, body string
		status                              int
	}{
		{"an unknown case", "POST", "/packets", "application/json", `{"to":"guangdong","case":"blue"}`, 400},
		{"itself as the destination", "POST", "/packets", "application/json", `{"to":"macau"}`, 400},
		{"no destination", "POST", "/packets", "application/json", `{}`, 400},
		{"an unknown member", "POST", "/packets", "application/json", `{"to":"guangdong","colour":"red"}`, 400},
		{"a name in another case", "POST", "/packets", "application/json", `{"TO":"guangdong"}`, 400},
		{"two objects", "POST", "/packets", "application/json", `{"to":"guangdong"}{}`, 400},
		{"an unknown alg", "POST", "/packets", "application/json", `{"to":"guangdong","alg":"HS256"}`, 400},
		{"a key_alg that the gateway's key is not for", "POST", "/packets", "application/json", `{"to":"guangdong","key_alg":"RSA1_5"}`, 409},
		{"a form", "POST", "/packets", "application/x-www-form-urlencoded", `to=guangdong`, 415},
		{"a form with more than the handoff", "POST", "/handoffs", "application/x-www-form-urlencoded", `handoff=a&x=b`, 400},
		{"two handoffs", "POST", "/handoffs", "application/x-www-form-urlencoded", `handoff=a&handoff=b`, 400},
		{"a body over 64 KiB", "POST", "/handoffs", "application/jose", strings.Repeat("a", maxBody+1), 413},
		{"a use that no key has", "POST", "/keys/rotate?use=fun", "", "", 400},
		{"a kid that it does not have", "DELETE", "/keys/macau-sign.9.aaaaaa", "", "", 404},
	} {
		t.Run(test.name, func(t *testing.T) {
			if status, answer := page.ask(t, test.method, test.path, test.mediaType, test.body); status != test.status || answer["simulation"] != true {
				t.Errorf("%s is answered %d %v, want %d", test.name, status, answer, test.status)
			}
		})
	}
}

func TestASideAnswersThisMachineAloneAndNoPageElsewhere(t *testing.T) {
	page := newLandingPage(t, "macau")
	for _, test := range []struct {
		name, host, origin, method, path string
		status                           int
	}{
		{"this machine by address", "127.0.0.1:8082", "", "GET", "/livez", 200},
		{"this machine by name", "localhost:8082", "", "GET", "/livez", 200},
		{"this machine by its other address", "[::1]:8082", "", "GET", "/livez", 200},
		{"a name that leads here by DNS rebinding", "evil.example:8082", "", "GET", "/livez", 421},
		{"a page elsewhere that turns the keys", "127.0.0.1:8082", "https://evil.example", "POST", "/keys/rotate", 403},
		{"a page elsewhere that hands a traveller over", "127.0.0.1:8082", "https://gateway.example", "POST", "/handoffs", 422},
		{"an unknown path", "127.0.0.1:8082", "", "GET", "/packets/1", 404},
		{"a packet by GET", "127.0.0.1:8082", "", "GET", "/packets", 405},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := httptest.NewRequest(test.method, "http://127.0.0.1:8082"+test.path, nil)
			request.Host = test.host
			if test.origin != "" {
				request.Header.Set("Origin", test.origin)
				request.Header.Set("Sec-Fetch-Site", "cross-site")
			}
			recorder := httptest.NewRecorder()
			page.handler().ServeHTTP(recorder, request)
			if recorder.Code != test.status {
				t.Errorf("%s is answered %d, want %d", test.name, recorder.Code, test.status)
			}
		})
	}
}

func TestNothingPersonalIsLogged(t *testing.T) {
	page := newLandingPage(t, "guangdong")
	made := page.gateway.issue(mustRoute(t, "macau-guangdong"), noon, page.ownURL)
	page.arrives(t, page.gateway.handoff(page.key, made))
	made.fields = strings.Replace(made.fields, "陳樣本", "陳樣品", 1)
	page.arrives(t, page.gateway.handoff(page.key, made))
	for _, one := range variants {
		if one.appliesTo(mustRoute(t, "guangdong-macau")) {
			page.ask(t, http.MethodPost, "/packets", "application/json", `{"to":"macau","case":"`+one.name+`"}`)
		}
	}
	page.ask(t, http.MethodPost, "/packets", "application/json", `{"to":"macau","case":"陳樣本"}`)
	page.ask(t, http.MethodPost, "/packets", "application/json", `{"claims":{"holder":"陳樣本"}}`)
	page.ask(t, http.MethodDelete, "/keys/M12345678", "", "")
	log := page.log.String()
	if strings.Count(log, "msg=answered") < 20 {
		t.Fatalf("the log has not got a line for each call:\n%s", log)
	}
	for _, personal := range []string{"陳", "李", "M1234", "C1234", "1990", "4401", "CHAN", "YANGBEN", "127.0.0.1"} {
		if strings.Contains(log, personal) {
			t.Errorf("the log holds %q:\n%s", personal, log)
		}
	}
}

func TestAPanicIsAnsweredAndItsValueKeptOutOfTheLog(t *testing.T) {
	var log bytes.Buffer
	page := newLandingPage(t, "macau")
	page.server.log = slog.New(slog.NewTextHandler(&log, nil))
	recorder := httptest.NewRecorder()
	page.answering("GET /panic", func(*http.Request) (any, error) { panic("陳樣本") }).
		ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/panic", nil))
	if recorder.Code != http.StatusInternalServerError || strings.Contains(log.String()+recorder.Body.String(), "陳") {
		t.Errorf("answered %d %s, logged %s", recorder.Code, recorder.Body, log.String())
	}
}

func TestThePublishedKeysArePublicAndForOneUseEach(t *testing.T) {
	page := newLandingPage(t, "hongkong")
	_, answer := page.ask(t, http.MethodGet, "/.well-known/jwks.json", "", "")
	data, _ := json.Marshal(answer)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(`"d":`)) {
		t.Error("a private key is published")
	}
	uses := map[string]string{}
	for _, key := range set.Keys {
		if err := checkKey(key); err != nil {
			t.Errorf("key %s: %v", key.KeyID, err)
		}
		uses[key.Algorithm] = key.Use
	}
	if len(set.Keys) != 3 || uses["ES256"] != "sig" || uses["EdDSA"] != "sig" || uses["ECDH-ES+A256KW"] != "enc" {
		t.Errorf("the keys are %v", uses)
	}
}
