package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"crosscode/config"
	"crosscode/crypto/jose"
	"crosscode/exchange"
	"crosscode/exchange/clock"
)

// sent is one way to put a packet into a request.
type sent struct {
	name, media string
	body        func(t *testing.T, packet string) []byte
}

var sendings = []sent{
	{"application/jose", "application/jose", func(_ *testing.T, packet string) []byte { return []byte(packet) }},
	{"JSON", "application/json", func(t *testing.T, packet string) []byte {
		body, err := json.Marshal(map[string]string{"packet": packet})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}},
}

// TestExplainAgreesWithTheGateway sends packets of every kind to a real gateway, as a body and in JSON, and asks packet
// explain about the same bytes: the same reason, and the same stage as in the gateway's private log. The first step that
// found something is that stage, whatever else explain tells behind it.
func TestExplainAgreesWithTheGateway(t *testing.T) {
	s, log := openStage(t)
	settings, err := config.Load(s.configFile(), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	explainer, err := openToExplain(settings) // once: to parse the rulebooks for each packet would take most of the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(explainer.close)
	stages := map[string]int{}
	for name, packet := range explainable(t, s) {
		for _, way := range sendings {
			told, err := explainer.explain(t.Context(), exchange.Packet(packet), clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			outcome, stage := answered(t, s, log, way, packet)
			if told.Outcome != outcome && (outcome != string(exchange.Replayed) || told.Stage != "") {
				t.Errorf("%s, %s: explain says %s, the gateway %s at %s", name, way.name, told.Outcome, outcome, stage)
			}
			if told.Stage != "" && told.Stage != stage {
				t.Errorf("%s, %s: explain says it stops at %s, the gateway's log %s", name, way.name, told.Stage, stage)
			}
			checkFirstFault(t, name, told)
			stages[told.Stage]++
		}
	}
	t.Logf("stages: %v", stages)
	for _, stage := range []string{"", "size", "packet.compact", "packet.header", "packet.algorithms", "packet.key", "packet.decrypt",
		"signed.compact", "signed.header", "signed.kind", "signed.claims", "signed.issuer", "signed.audience", "signed.key", "packet-key", "read", "live",
		"route", "consent-route", "consent-text", "consent-age", "consent-separate"} {
		if stages[stage] == 0 {
			t.Errorf("no packet stops at %q", stage)
		}
	}
}

// checkFirstFault holds the steps to the answer.
func checkFirstFault(t *testing.T, name string, told explanation) {
	t.Helper()
	i := slices.IndexFunc(told.Steps, func(s jose.Step) bool { return !s.Passed() })
	switch {
	case i < 0 && told.Outcome != exchange.Issued:
		t.Errorf("%s: every step passed, and the answer is %s", name, told.Outcome)
	case i >= 0 && told.Outcome == exchange.Issued:
		t.Errorf("%s: %+v did not pass, and a code is issued", name, told.Steps[i])
	case i >= 0 && len(told.Steps[i].Faults) == 0:
		t.Errorf("%s: the first step that did not pass was skipped: %+v", name, told.Steps[i])
	case i >= 0 && told.Stage != "" && told.Steps[i].Name != told.Stage && !strings.HasPrefix(told.Stage, told.Steps[i].Name+"-"):
		t.Errorf("%s: the first fault is at %s, and the packet stops at %s", name, told.Steps[i].Name, told.Stage)
	case i >= 0 && told.Stage == "" && told.Steps[i].Name != "rule" && told.Steps[i].Name != "verdict":
		t.Errorf("%s: a verdict was reached, and %s has faults", name, told.Steps[i].Name)
	}
}

var loggedStage = regexp.MustCompile(` stage=(\S+)`)

// answered sends a packet and gives the reason, or "issued", and the stage in the gateway's log.
func answered(t *testing.T, s *stage, log *printed, way sent, packet string) (outcome, stage string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.gateway+"/v1/exchange", bytes.NewReader(way.body(t, packet)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", way.media)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var said answer
	if body, err := io.ReadAll(response.Body); err != nil || json.Unmarshal(body, &said) != nil {
		t.Fatalf("%v %s", err, body)
	}
	if said.Outcome == exchange.Issued {
		return exchange.Issued, ""
	}
	return string(said.Reason), stageInLog(t, log, response.Header.Get("X-Request-Id"))
}

func stageInLog(t *testing.T, log *printed, id string) string {
	t.Helper()
	for range 200 {
		for line := range strings.Lines(log.String()) {
			if found := loggedStage.FindStringSubmatch(line); found != nil && strings.Contains(line, id) {
				return found[1]
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no line of request %s in the log", id)
	return ""
}

// explainable are packets by name: every case that the sides know, white space around one, claims that no reader takes,
// and headers that libraries write.
func explainable(t *testing.T, s *stage) map[string]string {
	t.Helper()
	packets := map[string]string{}
	for _, name := range caseNames(t) {
		if sealed, applies := askForCase(t, s, "macau", packetWish{To: "guangdong", Case: name}); applies {
			packets["case "+name] = string(sealed.Packet)
		}
	}
	green := func() string {
		sealed, _ := askForCase(t, s, "macau", packetWish{To: "guangdong", Case: "green"})
		return string(sealed.Packet)
	}
	for _, around := range []string{"_\n", "_\r\n", "_\n\n", "_\r", "_ ", " _", "\n_", "_\t", "\ufeff_", "_\x00", "_\r\n\r\n", "_\n\r", "_\n ", "_ \n", "\r\n_",
		"_\u00a0", "_\u2028", "_\v", "_\ufeff", "\"_\""} {
		packets["white space "+around] = strings.Replace(around, "_", green(), 1)
	}
	packets["a line end within"] = strings.Replace(green(), ".", ".\n", 1)
	packets["nothing"], packets["a line end"] = "", "\n"
	packets["60 KiB"] = strings.Repeat("A", exchange.MaxPacket) + "\n"
	packets["60 KiB and 1"] = strings.Repeat("A", exchange.MaxPacket+1)
	for name, packet := range withOtherClaims(t, s) {
		packets["claims "+name] = packet
	}
	for name, packet := range withOtherHeaders(t, s) {
		packets["header "+name] = packet
	}
	return packets
}

// withOtherClaims seals changed claims with Macau's own key.
func withOtherClaims(t *testing.T, s *stage) map[string]string {
	t.Helper()
	claims := sides(t, s, "", "seal", "--print-claims", "--from", "macau", "--to", "guangdong")
	packets := map[string]string{}
	for name, change := range map[string][2]string{
		"another gateway": {`"aud":"http`, `"aud":"https`}, "another issuer": {`"iss":"macau"`, `"iss":"hongkong"`},
		"an issuer in capitals": {`"iss":"macau"`, `"iss":"Macau"`}, "to itself": {`"dst":"guangdong"`, `"dst":"macau"`},
		"to nowhere": {`"dst":"guangdong"`, `"dst":"taiwan"`}, "an unknown member": {`"dst"`, `"nonce":1,"dst"`},
		"another text": {`"sha256":"`, `"sha256":"00`}, "bundled": {`"separate":true`, `"separate":false`},
		"two faults": {`"dst":"guangdong"`, `"dst":"guangdong","nonce":1,"extra":{}`}, "a member twice": {`"dst"`, `"dst":"guangdong","dst"`},
		"no JSON": {`{`, `[`},
	} {
		changed := strings.Replace(claims, change[0], change[1], 1)
		if changed == claims {
			t.Fatalf("%s: nothing changed in %s", name, claims)
		}
		packets[name] = strings.TrimSpace(sides(t, s, changed, "seal", "--from", "macau", "--claims", "-"))
	}
	return packets
}

// sides runs the sides' program with the stage's own keys of Macau.
func sides(t *testing.T, s *stage, input string, args ...string) string {
	t.Helper()
	command := exec.Command(s.Sides, append(args, "--gateway", s.gateway, "--data", filepath.Join(s.folder, "macau"))...)
	command.Stdin = strings.NewReader(input)
	var complaint strings.Builder
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaint.String())
	}
	return string(output)
}

// withOtherHeaders are packets as they come out of a library that was told too little or too much.
func withOtherHeaders(t *testing.T, s *stage) map[string]string {
	t.Helper()
	mine := packetRecipient(t, s, "packet-mo")
	retired := mine
	retired.KeyID = "packet-mo.9.AAAAAA"
	right := func() *gojose.EncrypterOptions {
		return new(gojose.EncrypterOptions).WithType("consent-packet+jwe").WithContentType("JWT")
	}
	typed := func() *gojose.SignerOptions { return new(gojose.SignerOptions).WithType("consent-packet+jwt") }
	good := sealPlain(t, mine, right(), "x")
	return map[string]string{
		"nothing said":  sealPlain(t, mine, nil, "x"),
		"no cty":        sealPlain(t, mine, new(gojose.EncrypterOptions).WithType("consent-packet+jwe"), "x"),
		"another typ":   sealPlain(t, mine, new(gojose.EncrypterOptions).WithType("JWT").WithContentType("JWT"), "x"),
		"compressed":    sealPlain(t, mine, &gojose.EncrypterOptions{Compression: gojose.DEFLATE}, "x"),
		"one more":      sealPlain(t, mine, right().WithHeader("nonce", "x"), "x"),
		"no JWS inside": good,
		"another tag":   good[:len(good)-4] + "AAAA",
		"another kid":   sealPlain(t, retired, right(), "x"),

		"HS256 inside":              sealPlain(t, mine, right(), signHMAC(t, typed())),
		"a claim in the JWS header": sealPlain(t, mine, right(), signHMAC(t, typed().WithHeader("iss", "macau"))),
		"another side's packet key": sealPlain(t, packetRecipient(t, s, "packet-hk"), right(), opened(t, s)),
	}
}

func sealPlain(t *testing.T, to gojose.Recipient, options *gojose.EncrypterOptions, payload string) string {
	t.Helper()
	encrypter, err := gojose.NewEncrypter(gojose.A256GCM, to, options)
	if err != nil {
		t.Fatal(err)
	}
	object, err := encrypter.Encrypt([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	packet, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func signHMAC(t *testing.T, options *gojose.SignerOptions) string {
	t.Helper()
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.HS256, Key: make([]byte, 32)}, options.WithHeader("kid", "mo"))
	if err != nil {
		t.Fatal(err)
	}
	object, err := signer.Sign([]byte(`{"iss":"macau"}`))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// opened is what is inside a genuine packet of Macau's.
func opened(t *testing.T, s *stage) string {
	t.Helper()
	settings, err := config.Load(s.configFile(), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	p := &parts{settings: settings, log: quiet(), clock: clock.Now}
	if err := p.openRing(); err != nil {
		t.Fatal(err)
	}
	defer p.close()
	sealed, _ := askForCase(t, s, "macau", packetWish{To: "guangdong", Case: "green"})
	signed, err := jose.NewOpener(p.ring).Open(t.Context(), sealed.Packet)
	if err != nil {
		t.Fatal(err)
	}
	return signed.Compact
}

// packetRecipient is the gateway's packet key of this name, by its published key set.
func packetRecipient(t *testing.T, s *stage, name string) gojose.Recipient {
	t.Helper()
	body, err := s.client.get(t.Context(), s.gateway+"/.well-known/jwks.json")
	var set gojose.JSONWebKeySet
	if err != nil || json.Unmarshal(body, &set) != nil {
		t.Fatalf("%v %s", err, body)
	}
	for _, key := range set.Keys {
		if strings.HasPrefix(key.KeyID, name+".") {
			return gojose.Recipient{Algorithm: gojose.KeyAlgorithm(key.Algorithm), Key: key.Key, KeyID: key.KeyID}
		}
	}
	t.Fatalf("no key %s", name)
	return gojose.Recipient{}
}
