package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts and tests run the program itself, as the command sides.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sides": main})
}

// The scripts run the real program against the stand-in gateway. Each starts in a folder with
//
//	bundle.jose, old-bundle.jose   issued at 12:00 and at 11:00 on 22 November 2026, UTC+8
//	recalled.jose, swept.jose      as bundle.jose, with the code recalled, and with all of Macau's up to 12:00
//	closed.jose                    as bundle.jose, with the route closed from 13:00 to 14:00
//	silent.jose                    as bundle.jose, without a word on closed routes
//	code, receipt, full.json       macau → guangdong, issued at 12:00, valid until 08:00 the next day, a specimen
//	other-code, other-receipt      another holder's, over the same route
//	refusal                        a refusal's receipt
//	jwks.json, consents.json       saved answers of the gateway
//
// and has $GATEWAY and $PIN in its environment.
func TestScripts(t *testing.T) {
	gateway := newStandIn(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("GATEWAY", gateway.server.URL)
			env.Setenv("PIN", gateway.pin)
			return gateway.lay(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"unseal": gateway.unseal,
			"posted": gateway.wasPosted,
			"qr":     writeQR,
		},
	})
}

func (s *standIn) lay(dir string) error {
	over := route{from: sides[1], to: sides[0]}
	mine, other := s.issue(over, noon, "http://127.0.0.1:8081"), s.issue(over, noon, "http://127.0.0.1:8081")
	recalling := func(one recall) func(map[string]any) {
		return func(claims map[string]any) { claims["recalls"] = wire([]recall{one}) }
	}
	closed := []map[string]any{{"r": "mo-gd", "since": noon.Add(time.Hour).Unix(), "until": noon.Add(2 * time.Hour).Unix()}}
	files := map[string]string{
		"closed.jose": s.bundle(noon, func(claims map[string]any) { claims["closings"] = closed }),
		"silent.jose": s.bundle(noon, func(claims map[string]any) { delete(claims, "closings") }),
		"bundle.jose": s.bundle(noon, nil), "old-bundle.jose": s.bundle(noon.Add(-time.Hour), nil),
		"recalled.jose": s.bundle(noon, recalling(recall{Code: mine.id, Expires: noon.Add(20 * time.Hour).Unix()})),
		"swept.jose":    s.bundle(noon, recalling(recall{Tag: "mo", Before: noon.Unix(), Expires: noon.Add(20 * time.Hour).Unix()})),
		"code":          mine.code, "receipt": mine.receipt, "full.json": mine.full,
		"other-code": other.code, "other-receipt": other.receipt,
		"refusal": s.refusal(noon), "jwks.json": string(s.jwks()), "consents.json": string(consentsAnswer(over.id())),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content+"\n"), 0o600); err != nil {
			return err
		}
	}
	// The full receipt is a hash's worth of exact bytes: no newline.
	return os.WriteFile(filepath.Join(dir, "full.json"), []byte(mine.full), 0o600)
}

func (s *standIn) refusal(at time.Time) string {
	return s.sign("receipt", typeReceipt, map[string]any{
		"jti": newID(), "iat": at.Unix(), "exp": at.Add(24 * time.Hour).Unix(), "o": "refused", "why": "not-green", "r": "mo-gd",
		"n": "陳*本", "d": "M****5678", "h": strings.Repeat("A", 43), "sp": true,
	})
}

// unseal FILE SIDE prints the claims of a packet, after both layers have been opened and checked.
func (s *standIn) unseal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: unseal packet side")
	}
	of, err := sideByID(args[1])
	ts.Check(err)
	sealed, err := jose.ParseEncryptedCompact(strings.TrimSpace(ts.ReadFile(args[0])), []jose.KeyAlgorithm{jose.RSA_OAEP_256}, contentAlgorithms)
	ts.Check(err)
	inner, err := sealed.Decrypt(s.keys["packet-"+of.tag])
	ts.Check(err)
	signed, err := jose.ParseSignedCompact(string(inner), []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA})
	ts.Check(err)
	own, err := openKeys(ts.MkAbs(".run/sides"), of)
	ts.Check(err)
	key, err := own.signer(signed.Signatures[0].Header.Algorithm)
	ts.Check(err)
	payload, err := signed.Verify(key.Public())
	ts.Check(err)
	_, err = ts.Stdout().Write(append(payload, '\n'))
	ts.Check(err)
}

// posted SIDE prints the payload of the last recall that reached the gateway, if that side signed it.
func (s *standIn) wasPosted(ts *testscript.TestScript, _ bool, args []string) {
	of, err := sideByID(args[0])
	ts.Check(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.posted {
		token, found := strings.CutPrefix(one, "application/jose ")
		if !found {
			ts.Fatalf("a recall came as something other than application/jose")
		}
		head, err := header(token, typeRecall, 3, "alg", "kid", "typ")
		ts.Check(err)
		own, err := openKeys(ts.MkAbs(".run/sides"), of)
		ts.Check(err)
		key, err := own.signer("ES256")
		ts.Check(err)
		if head["kid"] != key.KeyID {
			continue
		}
		signed, err := jose.ParseSignedCompact(token, gatewayAlgorithms)
		ts.Check(err)
		payload, err := signed.Verify(key.Public())
		ts.Check(err)
		_, err = ts.Stdout().Write(append(payload, '\n'))
		ts.Check(err)
	}
}

// qr TOKEN FILE writes a token as the text of a QR code.
func writeQR(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(qrText(strings.TrimSpace(ts.ReadFile(args[0])))+"\n"), 0o600))
}

// qrText is the other direction of scanned, after the words of its comment.
func qrText(token string) string {
	text := qrPrefix
	for group := range slices.Chunk([]byte(token), 6) {
		value := 0
		for _, character := range group {
			value = value*65 + strings.IndexByte(qrAlphabet, character)
		}
		text += fmt.Sprintf("%0*d", min(2*len(group), 11), value)
	}
	return text
}

func TestAQRTextIsReadInOneWayOnly(t *testing.T) {
	for length := range 14 {
		token := strings.Repeat("z", length)
		if got, err := scanned(qrText(token)); length > 0 && (err != nil || got != token) {
			t.Errorf("%d characters are read as %q, %v", length, got, err)
		}
	}
	for text, token := range map[string]string{
		"xc:/00": "-", "xc:/64": "z", "xc:/0001": "-.", "xc:/75418890624": "zzzzzz", " xc:/00\n": "-", "aa.bb.cc": "aa.bb.cc",
	} {
		if got, err := scanned(text); err != nil || got != token {
			t.Errorf("%q is read as %q, %v; want %q", text, got, err, token)
		}
	}
	for name, text := range map[string]string{
		"without digits": "xc:/", "of an odd number of digits": "xc:/000", "that is no number": "xc:/0a", "with a sign": "xc:/+1",
		"of a character beyond the alphabet": "xc:/65", "of six beyond it": "xc:/75418890625",
		"longer than any code": "xc:/" + strings.Repeat("0", maxQRDigits+2),
	} {
		if got, err := scanned(text); err == nil {
			t.Errorf("a text %s is read as %q", name, got)
		}
	}
}
