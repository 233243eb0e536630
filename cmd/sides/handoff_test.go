package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"crosscode/exchange/clock"
)

// landingPage is a side's real handler over a stand-in gateway, with a clock that stands at noon.
type landingPage struct {
	*server
	gateway *standIn
	key     jose.JSONWebKey // the public key that handoffs are sealed to
	log     *bytes.Buffer
}

func newLandingPage(t *testing.T, id string, pins ...pin) *landingPage {
	t.Helper()
	gateway := newStandIn(t)
	of, err := sideByID(id)
	if err != nil {
		t.Fatal(err)
	}
	page := &landingPage{gateway: gateway, log: &bytes.Buffer{}}
	page.server = &server{
		side: of, keys: mustKeys(t, t.TempDir(), id), gateway: newGateway(gateway.server.URL), gatewayURL: gateway.server.URL,
		ownURL: "http://127.0.0.1:8081", pins: pins, clock: func() time.Time { return noon },
		log: slog.New(slog.NewTextHandler(page.log, nil)),
	}
	set, err := page.keys.published()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		if key.Use == "enc" {
			page.key = key
		}
	}
	return page
}

// ask makes one call and gives the status and the answer's members.
func (p *landingPage) ask(t *testing.T, method, path, mediaType, body string) (int, map[string]any) {
	t.Helper()
	request := httptest.NewRequest(method, "http://127.0.0.1:8081"+path, strings.NewReader(body))
	if mediaType != "" {
		request.Header.Set("Content-Type", mediaType)
	}
	recorder := httptest.NewRecorder()
	p.handler().ServeHTTP(recorder, request)
	var answer map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s %s: %d, not JSON: %s", method, path, recorder.Code, recorder.Body)
	}
	return recorder.Code, answer
}

func (p *landingPage) arrives(t *testing.T, token string) (int, map[string]any) {
	t.Helper()
	return p.ask(t, http.MethodPost, "/handoffs", "application/x-www-form-urlencoded", url.Values{"handoff": {token}}.Encode())
}

func TestAHandoffShowsWhatTheLandingPageNeeds(t *testing.T) {
	page := newLandingPage(t, "guangdong")
	made := page.gateway.issue(mustRoute(t, "macau-guangdong"), noon, page.ownURL)
	token := page.gateway.handoff(page.key, made)
	for mediaType, body := range map[string]string{
		"application/x-www-form-urlencoded": url.Values{"handoff": {token}}.Encode(),
		"application/jose":                  token,
		"application/json":                  `{"handoff":"` + token + `"}`,
	} {
		status, answer := page.ask(t, http.MethodPost, "/handoffs", mediaType, body)
		delete(answer, "receipt_id")
		if diff := cmp.Diff(map[string]any{
			"simulation": true, "side": "guangdong", "route": "macau-guangdong", "port": "gongbei", "specimen": true,
			"valid_until": "2026-11-23T08:00:00+08:00", "name": map[string]any{"han": "陳樣本"}, "birth_date": "1990-01-02", "assurance": "verified",
			"documents": []any{map[string]any{"type": "home-return-permit", "number": "M12345678"}},
			"tests": []any{map[string]any{
				"type": "nucleic-acid", "result": "negative", "sampled_on": "2026-11-22", "institution": laboratory,
			}},
			"not_granted": []any{"quarantine-waiver"}, "code": made.code,
			"asks": []any{"phone", "sms_code", "destination_city", "street_address"},
		}, answer); diff != "" || status != http.StatusOK {
			t.Errorf("as %s: %d (-want +got):\n%s", mediaType, status, diff)
		}
	}
}

func TestAHandoffIsTurnedAway(t *testing.T) {
	page := newLandingPage(t, "guangdong")
	g := page.gateway
	over := mustRoute(t, "macau-guangdong")
	good, other := g.issue(over, noon, page.ownURL), g.issue(over, noon, page.ownURL)
	boasts := g.vouching(g.issueTo("unverified", over, noon, page.ownURL), func(fields *handoffFields) { fields.Assurance = "verified" })
	change := func(edit func(*transcript)) string {
		made := good
		edit(&made)
		return g.handoff(page.key, made)
	}
	for name, test := range map[string]struct {
		token string
		want  error
	}{
		"with another name in its fields": {change(func(m *transcript) {
			m.fields = strings.Replace(m.fields, "陳樣本", "陳樣品", 1)
		}), errHandoffFields},
		"with one more field":                                {change(func(m *transcript) { m.fields = `{"phone":"1",` + m.fields[1:] }), errHandoffFields},
		"with a blank more in its fields":                    {change(func(m *transcript) { m.fields += " " }), errHandoffFields},
		"without fields":                                     {change(func(m *transcript) { m.fields = "" }), errHandoffFields},
		"with the fields of another holder":                  {change(func(m *transcript) { m.fields = other.fields }), errHandoffFields},
		"with the code of another holder":                    {change(func(m *transcript) { m.code = other.code }), errHandoffSwapped},
		"with the receipt of another holder":                 {change(func(m *transcript) { m.receipt = other.receipt }), errHandoffSwapped},
		"with another full receipt":                          {change(func(m *transcript) { m.full = other.full }), errHandoffSwapped},
		"with another full receipt and fields":               {change(func(m *transcript) { m.full, m.fields = other.full, other.fields }), errHandoffSwapped},
		"of an unverified holder who is said to be verified": {g.handoff(page.key, boasts), errHandoffFields},
		"without a code":                                     {change(func(m *transcript) { m.code = "" }), errHandoffReceipt},
		"without a receipt":                                  {change(func(m *transcript) { m.receipt = "" }), errHandoffReceipt},
		"with the receipt of a refusal":                      {change(func(m *transcript) { m.receipt = g.refusal(noon) }), errHandoffSwapped},
		"whose code and receipt have expired":                {g.handoff(page.key, g.issue(over, noon.Add(-21*time.Hour), page.ownURL)), errHandoffReceipt},
		"whose code is not valid yet":                        {g.handoff(page.key, g.issue(over, noon.Add(2*time.Minute), page.ownURL)), errHandoffReceipt},
		"whose code is another side's":                       {g.handoff(page.key, g.issue(mustRoute(t, "guangdong-macau"), noon, page.ownURL)), errHandoffReceipt},
		"for another page":                                   {g.handoff(page.key, g.issue(over, noon, "http://127.0.0.1:8082")), errHandoffAudience},
		"eleven minutes and a second old":                    {g.handoff(page.key, g.issue(over, noon.Add(-11*time.Minute-time.Second), page.ownURL)), errHandoffExpired},
		"sealed to another key":                              {g.handoff(mustRotate(t, "guangdong"), good), errHandoffSealed},
		"that is no JWE":                                     {good.code, errHandoffSealed},
		"with another member beside the four":                {g.sealed(page.key, []byte(`{"code":"","receipt":"","full_receipt":"","fields":"","phone":""}`)), errHandoffSealed},
		"with a line break in it":                            {g.handoff(page.key, good) + "\n.", errHandoffSealed},
		"whose encrypted key is empty":                       {emptied(g.handoff(page.key, good)), errHandoffSealed},
		"that is longer than any handoff can be":             {strings.Repeat("A", maxToken+1), errHandoffSealed},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := page.arrives(t, test.token)
			if status != http.StatusUnprocessableEntity || answer["reason"] != test.want.Error() {
				t.Errorf("a handoff %s is answered %d %v, want 422 %v", name, status, answer, test.want)
			}
			if answer["documents"] != nil || answer["name"] != nil {
				t.Error("the refusal shows a field")
			}
		})
	}
}

func TestAHandoffLivesTenMinutesAndTheLeewayToTheSecond(t *testing.T) {
	page := newLandingPage(t, "guangdong")
	made := page.gateway.issue(mustRoute(t, "macau-guangdong"), noon.Add(-11*time.Minute), page.ownURL)
	if status, answer := page.arrives(t, page.gateway.handoff(page.key, made)); status != http.StatusOK {
		t.Errorf("at the last second: %d %v", status, answer)
	}
}

func TestAPinnedLandingPageTurnsVoidCodesAway(t *testing.T) {
	gateway := standInKeys()
	sum, _ := thumbprint(gateway["bundle"])
	page := newLandingPage(t, "guangdong", pin(sum))
	now := clock.Now().Truncate(time.Second) // the stand-in dates its bundle by the program's clock
	page.clock = func() time.Time { return now }
	made := page.gateway.issue(mustRoute(t, "macau-guangdong"), now, page.ownURL)
	token := page.gateway.handoff(page.key, made)
	if status, answer := page.arrives(t, token); status != http.StatusOK {
		t.Fatalf("before the recall: %d %v", status, answer)
	}
	page.gateway.mu.Lock()
	page.gateway.recalls = []recall{{Code: made.id, Expires: now.Add(time.Hour).Unix()}}
	page.gateway.mu.Unlock()
	status, answer := page.arrives(t, token)
	if status != http.StatusUnprocessableEntity || answer["detail"] != "receipt-refused: recalled" {
		t.Errorf("after the recall: %d %v", status, answer)
	}
	page.gateway.mu.Lock()
	page.gateway.recalls, page.gateway.closed = nil, []closing{{Route: "mo-gd", Since: now.Unix()}}
	page.gateway.mu.Unlock()
	status, answer = page.arrives(t, token)
	if status != http.StatusUnprocessableEntity || answer["detail"] != "receipt-refused: route-closed" {
		t.Errorf("after the route was closed: %d %v", status, answer)
	}
}

func TestALandingPageWithoutAGatewaySaysSoAndShowsNothing(t *testing.T) {
	page := newLandingPage(t, "guangdong")
	token := page.gateway.handoff(page.key, page.gateway.issue(mustRoute(t, "macau-guangdong"), noon, page.ownURL))
	page.gateway.server.Close()
	status, answer := page.arrives(t, token)
	if status != http.StatusBadGateway || answer["reason"] != "gateway-unavailable" || answer["documents"] != nil {
		t.Errorf("answered %d %v", status, answer)
	}
}

func TestAHandoffKeyThatWasRemovedOpensNothing(t *testing.T) {
	page := newLandingPage(t, "guangdong")
	token := page.gateway.handoff(page.key, page.gateway.issue(mustRoute(t, "macau-guangdong"), noon, page.ownURL))
	if status, answer := page.ask(t, http.MethodPost, "/keys/rotate?use=enc", "", ""); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	if status, answer := page.arrives(t, token); status != http.StatusOK {
		t.Fatalf("under the key before: %d %v", status, answer)
	}
	if status, answer := page.ask(t, http.MethodDelete, "/keys/"+page.key.KeyID, "", ""); status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	if status, answer := page.arrives(t, token); answer["reason"] != errHandoffSealed.Error() {
		t.Errorf("under a key that is gone: %d %v", status, answer)
	}
}

// mustRotate is a handoff key of somebody else's.
func mustRotate(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	keys := mustKeys(t, t.TempDir(), id)
	set, err := keys.published()
	if err != nil {
		t.Fatal(err)
	}
	return set.Keys[2]
}

// emptied takes the encrypted key out of a JWE (GHSA-78h2-9frx-2jm8: a panic in more than one library).
func emptied(token string) string {
	parts := strings.Split(token, ".")
	parts[1] = ""
	return strings.Join(parts, ".")
}
