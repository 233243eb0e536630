package main

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

// knownReasons is the gateway's vocabulary, written down a second time, and issued.
var knownReasons = []string{
	issued, "packet-refused", "claims-invalid", "not-yet-valid", "packet-expired", "consent-missing", "consent-expired",
	"wrong-route", "replayed", "not-green", "source-colour-unavailable", "source-conflict", "not-eligible",
	"document-not-accepted", "convert-first", "route-closed", "route-not-configured",
}

// everyCase runs a test for each case over each of its routes.
func everyCase(t *testing.T, test func(t *testing.T, wanted wish, made claims)) {
	for _, one := range variants {
		for _, id := range one.routeIDs() {
			t.Run(one.name+"/"+id, func(t *testing.T) {
				wanted, made := makeCase(t, one.name, id)
				test(t, wanted, made)
			})
		}
	}
}

func makeCase(t *testing.T, name, id string) (wish, claims) {
	t.Helper()
	over := mustRoute(t, id)
	wanted, err := newWish(over.from.id, over.to.id, name, terms{audience: "http://gateway.example", at: noon})
	if err != nil {
		t.Fatal(err)
	}
	texts, err := parseConsents(consentsAnswer(wanted.consentRoute().id()), wanted.consentRoute())
	if err != nil {
		t.Fatal(err)
	}
	made, err := wanted.claims(texts)
	if err != nil {
		t.Fatal(err)
	}
	return wanted, made
}

func TestEveryCaseIsNamedOnceSaysWhatItIsAndLeadsToAKnownReason(t *testing.T) {
	seen := map[string]bool{}
	for _, one := range variants {
		if seen[one.name] || one.says == "" || len(one.routeIDs()) == 0 {
			t.Errorf("case %q: named twice, without words, or for no route", one.name)
		}
		seen[one.name] = true
		for _, leads := range append(slices.Collect(maps.Values(one.except)), one.leads) {
			if !slices.Contains(knownReasons, leads) {
				t.Errorf("case %s leads to %q, which is no reason", one.name, leads)
			}
		}
		for id := range one.except {
			if !slices.Contains(one.routeIDs(), id) {
				t.Errorf("case %s has an exception for %s, where it does not apply", one.name, id)
			}
		}
	}
	for _, asked := range []string{
		"green", "red", "yellow", "none", "stale-test", "close-contact", "positive", "no-test", "old-code", "expired",
		"not-yet-valid", "wrong-consent", "old-consent", "child", "elder", "unverified-child", "foreign-passport", "taiwan-permit",
		"city-code", "conflict", "convert-first", "yes-symptoms", "paper-test", "raw-visits",
	} {
		if !seen[asked] {
			t.Errorf("there is no case %s", asked)
		}
	}
}

// documented are the members of the claims, by the path of their object; "[]" stands for every entry of a list.
var documented = map[string][]string{
	"": {"iss", "aud", "dst", "port", "channel", "jti", "iat", "nbf", "exp", "consent", "presenter", "holder", "health",
		"evidence", "declarations"},
	"consent":                {"text", "sha256", "lang", "given_at", "purpose", "separate", "by"},
	"presenter":              {"relation"},
	"holder":                 {"documents", "birth_date", "name", "assurance"},
	"holder.documents[]":     {"type", "number"},
	"holder.name":            {"han", "latin"},
	"health":                 {"colour", "subcode", "as_of", "until", "reasons"},
	"declarations[]":         {"form", "declared_at", "answers"},
	"declarations[].answers": {"symptoms", "contact_14d", "travel_14d"},
	"evidence[]": {"type", "result", "sampled_at", "institution", "source", "doses", "given_at", "issued_at", "risk_area_14d", "as_of",
		"at_risk", "days", "checked_at", "colour", "province", "route", "converted_at"},
}

// strays lists the members that no documentation knows.
func strays(path string, value any) []string {
	var found []string
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if !slices.Contains(documented[path], name) {
				found = append(found, path+"."+name)
			}
			found = append(found, strays(strings.TrimPrefix(path+"."+name, "."), member)...)
		}
	case []any:
		for _, entry := range value {
			found = append(found, strays(path+"[]", entry)...)
		}
	}
	return found
}

func TestEveryCaseHasClaimsOfTheDocumentedShape(t *testing.T) {
	meant := map[string][]string{"unknown-member": {"evidence[].phone"}, "raw-visits": {"evidence[].visits"}}
	everyCase(t, func(t *testing.T, wanted wish, made claims) {
		payload, err := marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		var value map[string]any
		if err := json.Unmarshal(payload, &value); err != nil {
			t.Fatalf("not JSON: %v", err)
		}
		found := slices.DeleteFunc(strays("", value), func(s string) bool { return strings.HasPrefix(s, "evidence[].visits[]") })
		if diff := cmp.Diff(meant[wanted.variant.name], slices.Compact(found)); diff != "" {
			t.Errorf("undocumented members (-meant +found):\n%s", diff)
		}
		if len(payload) > 32<<10 || made.Issuer != wanted.over.from.id || made.Destination != wanted.over.to.id || len(made.ID) != 22 {
			t.Errorf("%d bytes, iss %s, dst %s, jti of %d characters", len(payload), made.Issuer, made.Destination, len(made.ID))
		}
	})
}

func TestEveryTimeOutsideJOSEHasTheOffsetOfUTC8(t *testing.T) {
	meant := []string{"no-offset", "zulu-test"}
	everyCase(t, func(t *testing.T, wanted wish, made claims) {
		payload, _ := marshal(made)
		for _, text := range strings.Split(string(payload), `"`) {
			if strings.HasPrefix(text, "202") && len(text) > len(time.DateOnly) && !strings.HasSuffix(text, "+08:00") &&
				!slices.Contains(meant, wanted.variant.name) {
				t.Errorf("%s is not written in UTC+8", text)
			}
		}
	})
}

func TestEveryCaseSealsToAPacketThatOpensWithTheExactHeaders(t *testing.T) {
	gateway := standInKeys()
	own := map[string]*keyStore{}
	for _, one := range sides {
		own[one.id] = mustKeys(t, t.TempDir(), one.id)
	}
	public := []jose.JSONWebKey{}
	for _, key := range gateway {
		public = append(public, key.Public())
	}
	everyCase(t, func(t *testing.T, wanted wish, made claims) {
		from := wanted.over.from
		payload, _ := marshal(made)
		packet, err := sealPacket(payload, from, own[from.id], public, algorithms{sign: "ES256"})
		if err != nil {
			t.Fatal(err)
		}
		outer := headerOf(t, packet)
		if diff := cmp.Diff(map[string]any{
			"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": gateway["packet-"+from.tag].KeyID, "typ": "consent-packet+jwe", "cty": "JWT",
		}, outer); diff != "" {
			t.Errorf("outer header (-want +got):\n%s", diff)
		}
		inner := open(t, packet, gateway["packet-"+from.tag])
		signer, _ := own[from.id].signer("ES256")
		if diff := cmp.Diff(map[string]any{"alg": "ES256", "kid": signer.KeyID, "typ": "consent-packet+jwt"}, headerOf(t, inner)); diff != "" {
			t.Errorf("inner header (-want +got):\n%s", diff)
		}
		signed, err := jose.ParseSignedCompact(inner, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := signed.Verify(signer.Public()); err != nil || string(got) != string(payload) {
			t.Errorf("the inner signature: %v, or the payload is another one", err)
		}
	})
}

func TestAPacketCanBeSignedWithEdDSAAndSealedWithEitherECDH(t *testing.T) {
	own := mustKeys(t, t.TempDir(), "macau")
	private, err := generate(keyHandoff)
	if err != nil {
		t.Fatal(err)
	}
	recipient := named("packet-mo", 2, private, "enc", "ECDH-ES")
	for _, algorithm := range []string{"", "ECDH-ES", "ECDH-ES+A256KW"} {
		packet, err := sealPacket([]byte(`{}`), sides[1], own, []jose.JSONWebKey{recipient.Public()}, algorithms{sign: "EdDSA", seal: algorithm})
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(headerOf(t, packet))); !slices.Equal(got, []string{"alg", "cty", "enc", "epk", "kid", "typ"}) {
			t.Errorf("outer header has %v", got)
		}
		if inner := headerOf(t, open(t, packet, recipient)); inner["alg"] != "EdDSA" {
			t.Errorf("inner alg is %v", inner["alg"])
		}
	}
	if _, err := sealPacket([]byte(`{}`), sides[1], own, []jose.JSONWebKey{recipient.Public()}, algorithms{sign: "ES256", seal: "RSA-OAEP-256"}); err == nil {
		t.Error("an EC key was sealed to with RSA")
	}
}

func TestResidentNumbersHaveTheirCheckDigit(t *testing.T) {
	for _, test := range []struct{ area, born, sequence, want string }{
		{"110101", "1990-03-07", "803", "11010119900307803X"},
		{"500154", "1993-01-13", "588", "500154199301135886"},
	} {
		if got := residentNumber(test.area, test.born, test.sequence); got != test.want {
			t.Errorf("residentNumber(%s, %s, %s) = %s, want %s", test.area, test.born, test.sequence, got, test.want)
		}
	}
}

func TestTheGreenPacketIsWithinEveryLimitAtTheEdgesOfADay(t *testing.T) {
	for _, at := range []time.Time{noon, noon.Add(-12 * time.Hour), noon.Add(12*time.Hour - time.Second)} {
		person := specimenHolder(sides[0], "app", at, childAge)
		if got := born(at, childAge); person.BirthDate != got || !strings.Contains(person.Documents[0].Number, strings.ReplaceAll(got, "-", "")) {
			t.Errorf("at %s the birth date %s and the number disagree", inZone(at), person.BirthDate)
		}
	}
}

func headerOf(t *testing.T, token string) map[string]any {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	data, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	var found map[string]any
	if err := json.Unmarshal(data, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

func open(t *testing.T, packet string, key jose.JSONWebKey) string {
	t.Helper()
	sealed, err := jose.ParseEncryptedCompact(packet,
		[]jose.KeyAlgorithm{jose.RSA_OAEP_256, jose.ECDH_ES, jose.ECDH_ES_A256KW}, contentAlgorithms)
	if err != nil {
		t.Fatal(err)
	}
	content, err := sealed.Decrypt(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func mustKeys(t *testing.T, dir, id string) *keyStore {
	t.Helper()
	of, err := sideByID(id)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := openKeys(dir, of)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestThumbprintIsThatOfRFC7638(t *testing.T) {
	// RFC 7638 §3.1.
	const example = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	var key jose.JSONWebKey
	if err := json.Unmarshal([]byte(example), &key); err != nil {
		t.Fatal(err)
	}
	if got, _ := thumbprint(key); got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("thumbprint = %s", got)
	}
}
