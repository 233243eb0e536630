package main

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func (s *standIn) trust() trust {
	var keys []jose.JSONWebKey
	for name, key := range s.keys {
		if name != "other" {
			keys = append(keys, key.Public())
		}
	}
	return online(keys)
}

func (s *standIn) public(name string) jose.JSONWebKey {
	key := s.keys[name]
	return key.Public()
}

// reheaded gives a token another header under the same payload, signed by the key that its kid names or by another one.
func (s *standIn) reheaded(token, head, key string) string {
	payload := strings.Split(token, ".")[1]
	input := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + payload
	return input + "." + rawES256(s.keys[key], input)
}

// rawES256 is RFC 7518 §3.4: r and s, 32 bytes each.
func rawES256(key jose.JSONWebKey, input string) string {
	sum := sha256.Sum256([]byte(input))
	r, s, _ := ecdsa.Sign(rand.Reader, key.Key.(*ecdsa.PrivateKey), sum[:])
	raw := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

func TestATokenOfTheGatewayIsReadStrictly(t *testing.T) {
	g := newStandIn(t)
	made := g.issue(mustRoute(t, "macau-guangdong"), noon, "")
	receipt, code := g.keys["receipt"].KeyID, g.keys["gd"].KeyID
	verdictOf := func(shown exhibit) verdict { return g.trust().examine(shown, noon, true).verdict }
	plain := `{"alg":"ES256","kid":"` + receipt + `","typ":"transcode-receipt+jwt"}`
	if got := verdictOf(exhibit{receipt: g.reheaded(made.receipt, plain, "receipt")}); got != valid {
		t.Fatalf("a plain header made by hand is %s", got)
	}
	for name, head := range map[string]string{
		"alg none":                   `{"alg":"none","kid":"` + receipt + `","typ":"transcode-receipt+jwt"}`,
		"alg in another case":        `{"alg":"es256","kid":"` + receipt + `","typ":"transcode-receipt+jwt"}`,
		"another alg":                `{"alg":"HS256","kid":"` + receipt + `","typ":"transcode-receipt+jwt"}`,
		"no alg":                     `{"kid":"` + receipt + `","typ":"transcode-receipt+jwt"}`,
		"no kid":                     `{"alg":"ES256","typ":"transcode-receipt+jwt"}`,
		"a kid that is no text":      `{"alg":"ES256","kid":1,"typ":"transcode-receipt+jwt"}`,
		"a code key's kid":           `{"alg":"ES256","kid":"` + code + `","typ":"transcode-receipt+jwt"}`,
		"no typ":                     `{"alg":"ES256","kid":"` + receipt + `"}`,
		"typ in another case":        `{"alg":"ES256","kid":"` + receipt + `","typ":"Transcode-Receipt+JWT"}`,
		"a code's typ":               `{"alg":"ES256","kid":"` + receipt + `","typ":"gd-code+jwt"}`,
		"crit":                       `{"alg":"ES256","crit":["x"],"kid":"` + receipt + `","typ":"transcode-receipt+jwt","x":1}`,
		"a key of its own":           `{"alg":"ES256","jwk":{},"kid":"` + receipt + `","typ":"transcode-receipt+jwt"}`,
		"b64":                        `{"alg":"ES256","b64":false,"kid":"` + receipt + `","typ":"transcode-receipt+jwt"}`,
		"a member that nobody knows": `{"alg":"ES256","kid":"` + receipt + `","typ":"transcode-receipt+jwt","x":1}`,
		"a URL of a key":             `{"alg":"ES256","jku":"https://example.org","kid":"` + receipt + `","typ":"transcode-receipt+jwt"}`,
		"a name twice":               `{"alg":"ES256","alg":"ES256","kid":"` + receipt + `","typ":"transcode-receipt+jwt"}`,
		"something behind it":        plain + "{}",
		"3 KiB of blanks":            plain[:1] + strings.Repeat(" ", 3<<10) + plain[1:],
	} {
		if got := verdictOf(exhibit{receipt: g.reheaded(made.receipt, head, "receipt")}); got != unreadable {
			t.Errorf("a receipt whose header has %s is %s", name, got)
		}
	}
	for name, token := range map[string]string{
		"signed by another key":   g.reheaded(made.receipt, plain, "other"),
		"with padding":            made.receipt + "==",
		"with a line break":       made.receipt[:9] + "\n" + made.receipt[9:],
		"with a fourth part":      made.receipt + ".AA",
		"without its signature":   made.receipt[:strings.LastIndexByte(made.receipt, '.')+1],
		"with stray bits":         made.receipt[:len(made.receipt)-1] + strays64(made.receipt),
		"that is longer than any": made.receipt + strings.Repeat("A", maxToken),
	} {
		if got := verdictOf(exhibit{receipt: token}); got != unreadable {
			t.Errorf("a receipt %s is %s", name, got)
		}
	}
}

// strays64 is another last character that decodes to the same 64 bytes in a tolerant decoder: 86 characters hold 4 bits
// too many.
func strays64(token string) string {
	i := strings.IndexByte(base64url, token[len(token)-1])
	return string(base64url[i^1])
}

func TestClaimsOutsideTheProfileAreNotRead(t *testing.T) {
	g := newStandIn(t)
	made := g.issue(mustRoute(t, "macau-guangdong"), noon, "")
	var claims map[string]any
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(made.code, ".")[1])
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"with a phone number":             g.sign("gd", "gd-code+jwt", with(claims, "phone", "1")),
		"of another issuer":               g.sign("gd", "gd-code+jwt", with(claims, "iss", "macau")),
		"over a route to somewhere else":  g.sign("gd", "gd-code+jwt", with(claims, "r", "mo-hk")),
		"signed by another side's key":    g.sign("mo", "gd-code+jwt", claims),
		"signed by the receipts' key":     g.sign("receipt", "gd-code+jwt", claims),
		"of a typ that no profile has":    g.sign("gd", "xx-code+jwt", claims),
		"whose expiry is no whole number": g.sign("gd", "gd-code+jwt", with(claims, "exp", "soon")),
	} {
		if got := g.trust().examine(exhibit{code: token}, noon, true).verdict; got != unreadable {
			t.Errorf("a code %s is %s", name, got)
		}
	}
	if got := g.trust().examine(exhibit{code: g.sign("gd", "gd-code+jwt", claims)}, noon, true).verdict; got != valid {
		t.Errorf("the code itself is %s", got)
	}
}

func TestASwappedFieldIsFoundWhicheverItIs(t *testing.T) {
	g := newStandIn(t)
	made := g.issue(mustRoute(t, "macau-guangdong"), noon, "")
	var claims map[string]any
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(made.receipt, ".")[1])
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]map[string]any{
		"outcome": with(claims, "o", "refused"), "code id": with(claims, "c", newID()), "route": with(claims, "r", "hk-gd"),
		"port": with(claims, "p", "hzmb"), "name": with(claims, "n", "李*本"), "document": with(claims, "d", "M****9999"),
		"issued at": with(claims, "iat", noon.Unix()-1), "expires": with(claims, "exp", noon.Add(time.Hour).Unix()),
		"specimen": with(claims, "sp", false), "assurance": with(claims, "u", true),
	} {
		found := g.trust().examine(exhibit{code: made.code, receipt: g.sign("receipt", typeReceipt, change)}, noon, true)
		if found.verdict != mismatch || found.why != field {
			t.Errorf("another %s is %s (%s)", field, found.verdict, found.why)
		}
	}
}

func TestAReceiptVouchesForTheCodesBytesNotForItsClaimsAlone(t *testing.T) {
	g := newStandIn(t)
	made := g.issue(mustRoute(t, "macau-guangdong"), noon, "")
	again := g.reheaded(made.code, `{"typ":"gd-code+jwt","kid":"`+g.keys["gd"].KeyID+`","alg":"ES256"}`, "gd")
	if found := g.trust().examine(exhibit{code: again, receipt: made.receipt}, noon, true); found.verdict != valid {
		t.Fatalf("the same claims under another header are %s (%s)", found.verdict, found.why)
	}
	found := g.trust().examine(exhibit{code: again, receipt: made.receipt, full: []byte(made.full)}, noon, true)
	if found.verdict != mismatch || found.why != "full receipt: code's hash" {
		t.Errorf("with the full receipt they are %s (%s)", found.verdict, found.why)
	}
}

func TestACodeFitsItsOwnReceiptAlone(t *testing.T) {
	g := newStandIn(t)
	over := mustRoute(t, "macau-guangdong")
	holders := make([]transcript, 25)
	for i := range holders {
		holders[i] = g.issue(over, noon, "")
	}
	trusted := g.trust()
	for i, mine := range holders {
		for j, theirs := range holders {
			found := trusted.examine(exhibit{code: mine.code, receipt: theirs.receipt, full: []byte(theirs.full)}, noon, true)
			if (found.verdict == valid) != (i == j) {
				t.Fatalf("code %d with receipt %d is %s", i, j, found.verdict)
			}
		}
	}
}

func TestABundleIsReadStrictly(t *testing.T) {
	g := newStandIn(t)
	change := func(name string, value any) string {
		return g.bundle(noon, func(claims map[string]any) { claims[name] = value })
	}
	if _, err := readBundle(g.bundle(noon, nil), []pin{pin(g.pin)}, noon, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := readBundle(change("announced", "later"), []pin{pin(g.pin)}, noon, time.Time{}); err != nil {
		t.Errorf("a member of a later version: %v", err)
	}
	for name, token := range map[string]string{
		"that lives a week":           "",
		"with a private key":          change("keys", []jose.JSONWebKey{g.keys["bundle"]}),
		"without its own key":         change("keys", []jose.JSONWebKey{g.public("receipt")}),
		"signed by the receipts' key": g.sign("receipt", typeBundle, map[string]any{"keys": []jose.JSONWebKey{g.public("receipt")}}),
		"of another typ":              g.sign("bundle", typeReceipt, map[string]any{"keys": []jose.JSONWebKey{g.public("bundle")}}),
	} {
		now := noon
		if token == "" {
			token, now = change("exp", noon.Add(7*24*time.Hour).Unix()), noon.Add(24*time.Hour)
		}
		if _, err := readBundle(token, []pin{pin(g.pin)}, now, time.Time{}); err == nil {
			t.Errorf("a bundle %s is read", name)
		}
	}
}
