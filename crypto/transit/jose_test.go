package transit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"crosscode/crypto/jose"
	"crosscode/crypto/keys"
	"crosscode/crypto/transit/transittest"
	"crosscode/exchange"
	"crosscode/exchange/clock"
)

// planted is a name that must not be found where it has no business.
const planted = "PLANTED-CANARY"

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC) // 12:00 UTC+8

func josed() []keys.Spec {
	return []keys.Spec{
		{Name: "packet-mo", Algorithm: keys.RSAOAEP256, Bits: keys.MinBits}, {Name: "gd", Algorithm: keys.ES256},
		{Name: "receipt", Algorithm: keys.ES256}, {Name: "bundle", Algorithm: keys.ES256},
	}
}

// drafts is what is signed for one holder. His name is in the code and in the receipt, masked as far as the forms ask for it.
func drafts(t testing.TB, number int) *exchange.Drafts {
	t.Helper()
	id := fmt.Sprintf("packet-%d", number)
	document := exchange.Document{Type: "macau-bir", Number: fmt.Sprintf("%08d", number)}
	record := exchange.Record{
		Issuer: "macau", Audience: "https://gateway.example", Route: exchange.Route{From: "macau", To: "guangdong"}, ID: id,
		IssuedAt: noon, NotBefore: noon, Expires: noon.Add(exchange.MaxPacketLife),
		Holder: exchange.Holder{
			Documents: []exchange.Document{document}, BirthDate: exchange.Date{Year: 1990, Month: 1, Day: 2},
			Name: exchange.Name{Han: "陳大文", Latin: planted + " TAI MAN"},
		},
	}
	green := exchange.Findings{Outcomes: []exchange.Outcome{{Rule: "green.colour", Status: exchange.Pass}}}
	entry := exchange.Findings{
		Outcomes: []exchange.Outcome{{Rule: "entry.cap", Status: exchange.Pass, Until: noon.Add(24 * time.Hour)}},
		Shows:    exchange.Shows{Document: document},
	}
	made, err := exchange.Conclude(record, green, entry, noon).Drafts(exchange.Terms{
		Key: exchange.NewReplayKey("macau", id), IssuedAt: noon,
		Source:      exchange.Profile{Side: "macau", Key: "mo", Type: "mo-code+jwt", Tag: "mo"},
		Destination: exchange.Profile{Side: "guangdong", Key: "gd", Type: "gd-code+jwt", Tag: "gd"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// sealPacket seals something as a side's back end does, with an independent library.
func sealPacket(t testing.TB, public keys.Public, content string) exchange.Packet {
	t.Helper()
	sealer, err := gojose.NewEncrypter(gojose.A256GCM, gojose.Recipient{Algorithm: gojose.RSA_OAEP_256, Key: public.Key, KeyID: public.KeyID},
		(&gojose.EncrypterOptions{}).WithType("consent-packet+jwe").WithContentType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealer.Encrypt([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := sealed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return exchange.Packet(compact)
}

// TestNothingPersonalReachesVault plants a name in a packet, a code and a receipt, and looks for it in everything that Vault
// was asked and answered, which its audit log holds in the clear.
func TestNothingPersonalReachesVault(t *testing.T) {
	vault := transittest.Start(t, transittest.Audit())
	makeKeys(t, vault, josed())
	ring, _ := rings(t, vault, josed(), nil, nil)
	packet := sealPacket(t, findKey(t, ring, "packet-mo"), `{"name":"`+planted+`"}`)
	if _, err := jose.NewOpener(ring).Open(t.Context(), packet); err != nil {
		t.Fatal(err)
	}
	signed, err := jose.NewSigner(ring).Sign(t.Context(), drafts(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	code, receipt := strings.Split(string(signed.Code), "."), strings.Split(string(signed.Receipt), ".")
	log := vault.AuditLog(t)
	digest := sha256.Sum256([]byte(code[0] + "." + code[1]))
	for what, shown := range map[string]string{
		"the code's digest": base64.StdEncoding.EncodeToString(digest[:]), "the code's signature": code[2], "the receipt's": receipt[2],
	} {
		if !bytes.Contains(log, []byte(shown)) {
			t.Errorf("%s is not in the log, so the test would not find anything else in it either", what)
		}
	}
	sealed := strings.Split(string(packet), ".")
	for what, hidden := range map[string]string{
		"the name": planted, "the name in Chinese": "陳大文", "the name in base64": base64.RawStdEncoding.EncodeToString([]byte(planted))[:12],
		"the document": "00000001", "the code's claims": code[1], "the receipt's claims": receipt[1], "the packet's content": sealed[3],
	} {
		if count := bytes.Count(log, []byte(hidden)); count > 0 {
			t.Errorf("%s is in Vault's audit log %d times", what, count)
		}
	}
	if bytes.Contains(log, []byte("padding_scheme")) {
		t.Error("a request carries a padding scheme")
	}
}

// TestOneRingsTokensHoldByTheOthersRules: what is sealed to, opened, signed and read does not tell which ring it was.
func TestOneRingsTokensHoldByTheOthersRules(t *testing.T) {
	vault := transittest.Start(t)
	makeKeys(t, vault, josed())
	atVault, _ := rings(t, vault, josed(), nil, nil)
	embedded, err := keys.InitEmbedded(filepath.Join(t.TempDir(), "keys.json"), josed(), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	profiles := []exchange.BundleProfile{
		{Side: "guangdong", Key: "gd", Type: "gd-code+jwt", Tag: "gd"}, {Side: "macau", Key: "mo", Type: "mo-code+jwt", Tag: "mo"},
	}
	both := jose.NewReader(append(atVault.Public(), embedded.Public()...), profiles)
	for name, ring := range map[string]keys.Ring{"vault": atVault, "embedded": embedded} {
		content := "content for " + name
		opened, err := jose.NewOpener(ring).Open(t.Context(), sealPacket(t, findKey(t, ring, "packet-mo"), content))
		if err != nil {
			t.Errorf("%s: opening: %v", name, err)
		}
		if opened.Compact != content {
			t.Errorf("%s: opened %q", name, opened.Compact)
		}
		signed, err := jose.NewSigner(ring).Sign(t.Context(), drafts(t, 2))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := both.Exhibit(signed.Code, signed.Receipt, signed.FullReceipt); err != nil {
			t.Errorf("%s: code and receipt are refused: %v", name, err)
		}
		set, err := keys.MarshalSet(ring.Public())
		if err == nil {
			_, err = keys.ParseSet(set)
		}
		if err != nil {
			t.Errorf("%s: its key set is refused: %v", name, err)
		}
	}
}
