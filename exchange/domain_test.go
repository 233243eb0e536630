package exchange_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

// now is a Sunday, 10:00 in UTC+8.
var now = time.Date(2026, 11, 22, 10, 0, 0, 0, exchange.Zone)

const (
	landing     = "https://gd.example/h5"
	consentText = "您同意…"
)

var (
	macau     = exchange.Profile{Side: "macau", Key: "mo", Type: "mo-code+jwt", Tag: "mo"}
	guangdong = exchange.Profile{Side: "guangdong", Key: "gd", Type: "gd-code+jwt", Tag: "gd"}
	hongkong  = exchange.Profile{Side: "hongkong", Key: "hk", Type: "hk-code+jwt", Tag: "hk"}
	eastward  = exchange.Route{From: "macau", To: "guangdong"}
)

// green is a record of somebody whom both sides let pass, made at now.
func green() exchange.Record {
	return exchange.Record{
		Issuer: "macau", Audience: "https://gateway.example", Route: eastward, Port: "gongbei", Channel: "web",
		ID: "c29tZSByYW5kb20gYml0cw", IssuedAt: now, NotBefore: now, Expires: now.Add(5 * time.Minute),
		Consent:   consent(eastward),
		Presenter: exchange.Presenter{Relation: "self"},
		Holder: exchange.Holder{
			Documents: []exchange.Document{{Type: "home-return-permit", Number: "M12345678"}, {Type: "macau-bir", Number: "12345678"}},
			BirthDate: exchange.Date{Year: 1990, Month: time.January, Day: 2},
			Name:      exchange.Name{Han: "陳大文", Latin: "CHAN TAI MAN"}, Verified: true,
		},
		Health: exchange.Health{Colour: "green", AsOf: now.Add(-time.Minute)},
		Evidence: []exchange.Evidence{{
			Type: "nucleic-acid", Result: "negative", At: now.Add(-26 * time.Hour), Institution: "鏡湖醫院", Source: "electronic",
		}},
	}
}

func consent(route exchange.Route) exchange.Consent {
	published := exchange.ConsentText{
		ID: route.String() + "/1", Route: route, Language: "zh-Hant", Text: consentText, Hash: hexSum(consentText),
		From: now.Add(-time.Hour), Until: now.Add(time.Hour),
	}
	return exchange.Consent{
		Text: published.ID, Hash: published.Hash, Language: published.Language, GivenAt: now.Add(-time.Minute),
		Purpose: exchange.Purpose, Separate: true, By: "self", Published: published,
	}
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func pass(rule string, until time.Time) exchange.Outcome {
	return exchange.Outcome{Rule: rule, Status: exchange.Pass, Reason: exchange.NotEligible, Category: "test", Until: until}
}

func fail(rule string, reason exchange.Reason) exchange.Outcome {
	return exchange.Outcome{Rule: rule, Status: exchange.Fails, Reason: reason, Category: "colour"}
}

// leaves is what the source says of a green record, enters what the destination says, until a day from now.
func leaves(outcomes ...exchange.Outcome) exchange.Findings {
	return exchange.Findings{
		Rulebook: exchange.RulebookRef{Version: "macau/2026-01-01T00:00+08:00", SHA256: hexSum("macau"), Confidence: "assumed"},
		Outcomes: append([]exchange.Outcome{pass("macau.green.colour", time.Time{})}, outcomes...),
	}
}

func enters(outcomes ...exchange.Outcome) exchange.Findings {
	return exchange.Findings{
		Rulebook: exchange.RulebookRef{Version: "guangdong/2026-01-01T00:00+08:00", SHA256: hexSum("guangdong"), Confidence: "assumed"},
		Outcomes: append([]exchange.Outcome{pass("guangdong.entry.cap", now.Add(24*time.Hour))}, outcomes...),
		Shows: exchange.Shows{
			Document:  exchange.Document{Type: "home-return-permit", Number: "M12345678"},
			SampledOn: exchange.Date{Year: 2026, Month: time.November, Day: 21},
		},
		NotGranted: []string{"quarantine-waiver"},
	}
}

func terms() exchange.Terms {
	return exchange.Terms{
		Key: exchange.NewReplayKey("macau", green().ID), IssuedAt: now, Source: macau, Destination: guangdong, Landing: landing,
	}
}

// draft concludes and drafts, and fails the test if either cannot be done.
func draft(t testing.TB, verdict exchange.Verdict, terms exchange.Terms) *exchange.Drafts {
	t.Helper()
	drafts, err := verdict.Drafts(terms)
	if err != nil {
		t.Fatal(err)
	}
	return drafts
}

// tokenOf gives a draft the shape of a signed token: a real header and payload, and a signature of the right length. The
// domain never looks at signatures; crypto/jose makes and checks them.
func tokenOf(draft *exchange.Draft, version string) exchange.Token {
	header, err := json.Marshal(map[string]string{"alg": "ES256", "kid": draft.Key() + "." + version + ".AbCdEf", "typ": draft.Type()})
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return exchange.Token(encode(header) + "." + encode(draft.Claims()) + "." + strings.Repeat("s", 86))
}

func signingInput(token exchange.Token) string {
	return string(token[:strings.LastIndexByte(string(token), '.')])
}

// signed is what a holder carries after one transcode.
type signed struct {
	code, receipt exchange.Token
	full          []byte
	fields        []byte
	codeClaims    exchange.CodeClaims
	receiptClaims exchange.ReceiptClaims
}

func sign(t testing.TB, drafts *exchange.Drafts, version string) signed {
	t.Helper()
	result := signed{fields: drafts.Fields()}
	input := ""
	if code := drafts.Code(); code != nil {
		result.code = tokenOf(code, version)
		input = signingInput(result.code)
		decode(t, code.Claims(), &result.codeClaims)
	}
	lean, full, err := drafts.Receipt(input)
	if err != nil {
		t.Fatal(err)
	}
	result.receipt, result.full = tokenOf(lean, version), full
	decode(t, lean.Claims(), &result.receiptClaims)
	return result
}

// exhibit shows all of it.
func (s signed) exhibit() exchange.Exhibit {
	code, receipt := s.codeClaims, s.receiptClaims
	exhibit := exchange.Exhibit{Receipt: &receipt, FullReceipt: s.full}
	if s.code != "" {
		exhibit.Code, exhibit.CodeSigningInput = &code, signingInput(s.code)
	}
	return exhibit
}

func decode(t testing.TB, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
}

func wantReason(t testing.TB, err error, want exchange.Reason) {
	t.Helper()
	if got, _ := exchange.ReasonOf(err); got != want || (err == nil) != (want == "") {
		t.Errorf("error %v, want reason %q", err, want)
	}
}
