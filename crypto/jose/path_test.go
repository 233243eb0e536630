package jose

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// TestOnlyTheDiagonalPasses signs with each side's key what each side claims to have issued (threat T15). All sides use the
// same kids, so only the issuer in the claims tells the keys apart.
func TestOnlyTheDiagonalPasses(t *testing.T) {
	w := theWorld()
	for _, destination := range sides {
		for _, issuer := range sides {
			for _, signer := range sides {
				for _, keyID := range []string{"sign-es", "sign-ed"} {
					claims := strings.Replace(claimsOf(issuer), `"dst":"guangdong"`, `"dst":"`+string(destination)+`"`, 1)
					packet := vector{Signer: string(signer) + " " + keyID, Claims: claims}.make(t, w)
					signed, err := NewOpener(w.ring).Open(t.Context(), exchange.Packet(packet))
					if err != nil {
						t.Fatal(err)
					}
					got, err := w.verifier().Verify(t.Context(), signed)
					if passed := err == nil; passed != (issuer == signer) {
						t.Errorf("%s's claims for %s signed with %s's %s: error = %v", issuer, destination, signer, keyID, err)
					}
					if err == nil && (got.Issuer != issuer || got.KeyID != keyID || string(got.JSON) != claims) {
						t.Errorf("Verify() = %s %s, want %s %s and the claims as they were signed", got.Issuer, got.KeyID, issuer, keyID)
					}
				}
			}
		}
	}
}

// TestAPacketForAnotherGateway is surreptitious forwarding: whoever opened a genuine packet seals what was inside again, for
// another gateway (threat T13).
func TestAPacketForAnotherGateway(t *testing.T) {
	w := theWorld()
	signed := signES(t, w.es256["macau"], "sign-es", []byte(claimsOf("macau")))
	packet := exchange.Packet(sealTo(t, gojose.RSA_OAEP_256, w.packetKey(t, "packet-mo"), []byte(signed)))
	err := openAndVerify(t, NewOpener(w.ring), NewVerifier(w.trusted, "https://elsewhere.example"), packet)
	if stageOf(err) != "signed.audience" {
		t.Errorf("error = %v, want a refusal at signed.audience", err)
	}
	// A gateway that was given no audience accepts nothing, not even claims without one.
	for _, claims := range []string{`{"iss":"macau","aud":""}`, `{"iss":"macau"}`} {
		signed := exchange.Signed{Compact: signES(t, w.es256["macau"], "sign-es", []byte(claims))}
		if _, err := NewVerifier(w.trusted, "").Verify(t.Context(), signed); stageOf(err) != "signed.audience" {
			t.Errorf("%s without an audience: error = %v, want a refusal", claims, err)
		}
	}
}

// TestAnOutageIsNotABadPacket breaks each thing that a packet needs from elsewhere: the answer is unavailable, for good and
// for bad packets alike, and never packet-refused (an attacker could otherwise tell good from bad, and a traveller would
// be told that his good packet is bad).
func TestAnOutageIsNotABadPacket(t *testing.T) {
	w := theWorld()
	for _, alg := range []string{"RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"} {
		good := vector{Alg: alg}.make(t, w)
		for name, packet := range map[string]string{"good": good, "bad": edit{Op: "flip", Segment: 4}.apply(t, good)} {
			ring := counting(w.ring)
			ring.broken = fmt.Errorf("transit: %w", keys.ErrUnavailable)
			_, err := NewOpener(ring).Open(t.Context(), exchange.Packet(packet))
			if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable || !errors.Is(err, keys.ErrUnavailable) {
				t.Errorf("%s, %s packet: error = %v, want unavailable that wraps the ring's own", alg, name, err)
			}
		}
	}
	signed := exchange.Signed{Compact: signES(t, w.es256["macau"], "sign-es", []byte(claimsOf("macau")))}
	for name, err := range map[string]error{
		"a Failure that says so": exchange.Fail(exchange.Unavailable, "trust", nil), "any other error": errors.New("disk"),
		"a reason that has no place there": exchange.Fail(exchange.WrongRoute, "trust", nil),
	} {
		_, got := NewVerifier(failingKeys{err}, gateway).Verify(t.Context(), signed)
		if reason, _ := exchange.ReasonOf(got); reason != exchange.Unavailable {
			t.Errorf("%s: error = %v, want unavailable", name, got)
		}
	}
}

type failingKeys struct{ err error }

func (k failingKeys) SigningKey(context.Context, exchange.Side, string) (keys.Trusted, error) {
	return keys.Trusted{}, k.err
}

func (k failingKeys) EncryptionKey(context.Context, exchange.Side) (keys.Trusted, error) {
	return keys.Trusted{}, k.err
}

// TestAPinnedKeyIsHeldAgainstTheHeader gives the verifier keys that a trust set should never give.
func TestAPinnedKeyIsHeldAgainstTheHeader(t *testing.T) {
	w := theWorld()
	signed := exchange.Signed{Compact: signES(t, w.es256["macau"], "sign-es", []byte(claimsOf("macau")))}
	genuine := w.trusted[pin{"macau", "sign-es"}]
	for name, key := range map[string]keys.Trusted{
		"another kid":       {KeyID: "other", Algorithm: genuine.Algorithm, Key: genuine.Key},
		"another algorithm": {KeyID: genuine.KeyID, Algorithm: keys.EdDSA, Key: genuine.Key},
		"a key of another kind": {
			KeyID: genuine.KeyID, Algorithm: keys.ES256, Key: w.trusted[pin{"macau", "sign-ed"}].Key,
		},
		"no key":   {KeyID: genuine.KeyID, Algorithm: keys.ES256},
		"a secret": {KeyID: genuine.KeyID, Algorithm: keys.ES256, Key: []byte("secret")},
		"nothing":  {},
	} {
		_, err := NewVerifier(trustedKeys{pin{"macau", "sign-es"}: key}, gateway).Verify(t.Context(), signed)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		checkUniform(t, err)
	}
}

// TestAPanicIsARefusal puts a panic behind every interface that a packet meets.
func TestAPanicIsARefusal(t *testing.T) {
	w := theWorld()
	packet := exchange.Packet(vector{}.make(t, w))
	if _, err := NewOpener(nil).Open(t.Context(), packet); stageOf(err) != "panic" {
		t.Errorf("Open() error = %v, want a refusal", err)
	} else {
		checkUniform(t, err)
	}
	signed := exchange.Signed{Compact: signES(t, w.es256["macau"], "sign-es", []byte(claimsOf("macau")))}
	_, err := NewVerifier(nil, gateway).Verify(t.Context(), signed)
	checkUniform(t, err)
	if told := Explain(t.Context(), packet, nil, w.trusted, gateway); len(told.Steps) != 1 || told.Steps[0].Passed() {
		t.Errorf("Explain() = %+v, want one step that did not pass", told)
	}
	_, err = NewSigner(nil).Sign(t.Context(), grantDrafts(t, "macau", "guangdong", 1))
	if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable {
		t.Errorf("Sign() error = %v, want unavailable", err)
	}
	_, err = NewSealer(nil).Seal(t.Context(), "macau", exchange.Handoff{})
	if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable {
		t.Errorf("Seal() error = %v, want unavailable", err)
	}
	_, _, err = ReadRecall(t.Context(), exchange.Token(recall(t, w, "macau", `"packet":"x"`)), nil, gateway, noon)
	checkUniform(t, err)
}

// TestEmptyEncryptedKeyWithKeyWrap is the packet over which jwx v2.1.7 panics: it is refused before anything slices it.
func TestEmptyEncryptedKeyWithKeyWrap(t *testing.T) {
	w := theWorld()
	ring := counting(w.ring)
	packet := edit{Op: "replace", Segment: 1}.apply(t, vector{Alg: "ECDH-ES+A256KW"}.make(t, w))
	if _, err := NewOpener(ring).Open(t.Context(), exchange.Packet(packet)); stageOf(err) != "packet.lengths" || ring.calls.Load() != 0 {
		t.Errorf("error = %v after %d uses of a key, want packet.lengths after none", err, ring.calls.Load())
	}
	if _, err := unwrapAES(make([]byte, 32), nil); !errors.Is(err, keys.ErrDecrypt) {
		t.Errorf("unwrapAES(nothing) error = %v", err)
	}
}

// TestNothingIsEverFetched gives headers the address of a server that must not hear of them (threat T5).
func TestNothingIsEverFetched(t *testing.T) {
	var hits atomic.Int64
	canary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer canary.Close()
	w := theWorld()
	for _, name := range []string{"jku", "x5u"} {
		member := `"` + name + `":"` + canary.URL + `"`
		for _, v := range []vector{{Members: member}, {InnerMembers: member}} {
			if err := openAndVerify(t, NewOpener(w.ring), w.verifier(), exchange.Packet(v.make(t, w))); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests", hits.Load())
	}
}

// TestADeflateBombInflatesNothing (threat T6): the name zip alone is enough.
func TestADeflateBombInflatesNothing(t *testing.T) {
	w := theWorld()
	packet := vector{Zip: "DEF", ExtraClaims: `"x":"` + strings.Repeat("0", 2<<20) + `"`}.make(t, w)
	if len(packet) > MaxPacket {
		t.Fatalf("the bomb is %d bytes long and would be refused for that", len(packet))
	}
	ring := counting(w.ring)
	err := openAndVerify(t, NewOpener(ring), w.verifier(), exchange.Packet(packet))
	if stageOf(err) != "packet.header" || ring.calls.Load() != 0 {
		t.Errorf("error = %v, want packet.header before any key is used", err)
	}
}

// TestFailuresHoldNoData looks for the holder's data in what goes to the private log.
func TestFailuresHoldNoData(t *testing.T) {
	w := theWorld()
	for _, v := range vectors(t) {
		packet := exchange.Packet(v.make(t, w))
		told := fmt.Sprint(openAndVerify(t, NewOpener(w.ring), w.verifier(), packet),
			Explain(t.Context(), packet, w.ring, w.trusted, gateway).Steps)
		for _, secret := range []string{"陳大文", "1234567", "canary", "elsewhere", "../", "AAAAAAAAAA"} {
			if strings.Contains(told, secret) {
				t.Errorf("%s: told %q: %s", v.Name, secret, told)
			}
		}
	}
}

// TestAnOutagePassesThroughExplain says that trying again may help.
func TestAnOutagePassesThroughExplain(t *testing.T) {
	w := theWorld()
	ring := counting(w.ring)
	ring.broken = keys.ErrUnavailable
	told := Explain(t.Context(), exchange.Packet(vector{}.make(t, w)), ring, w.trusted, gateway)
	if first := firstFault(told.Steps); first.Name != "packet.decrypt" || !strings.Contains(first.Faults[0].Why, "try again") {
		t.Errorf("first fault = %+v", first)
	}
}

// TestExplainTellsKeyFromContent is the one place where the two may be told apart: by the owner of the key.
func TestExplainTellsKeyFromContent(t *testing.T) {
	w := theWorld()
	good := vector{}.make(t, w)
	for segment, expected := range map[int]string{1: "does not unwrap", 4: "does not authenticate"} {
		packet := edit{Op: "flip", Segment: segment}.apply(t, good)
		told := Explain(t.Context(), exchange.Packet(packet), w.ring, w.trusted, gateway)
		if first := firstFault(told.Steps); !strings.Contains(fmt.Sprint(first.Faults), expected) {
			t.Errorf("segment %d: %q, want %q", segment, first.Faults, expected)
		}
		_, err := NewOpener(w.ring).Open(t.Context(), exchange.Packet(packet))
		if strings.Contains(err.Error(), expected) {
			t.Errorf("segment %d: the log can tell: %v", segment, err)
		}
	}
}

// TestNothingElseTellsKeyFromContent compares whole errors: stage, cause and text.
func TestNothingElseTellsKeyFromContent(t *testing.T) {
	w := theWorld()
	texts := map[string]bool{}
	for _, alg := range []string{"RSA-OAEP-256", "ECDH-ES+A256KW"} {
		good := vector{Alg: alg}.make(t, w)
		for _, e := range []edit{{Op: "flip", Segment: 1}, {Op: "flip", Segment: 2}, {Op: "flip", Segment: 3}, {Op: "flip", Segment: 4}} {
			_, err := NewOpener(w.ring).Open(t.Context(), exchange.Packet(e.apply(t, good)))
			texts[err.Error()] = true
		}
	}
	if len(texts) != 1 {
		t.Errorf("%d different errors: %v", len(texts), texts)
	}
}
