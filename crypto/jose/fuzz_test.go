package jose

import (
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"crosscode/exchange"
)

// TestFuzzSeedsAreThere fails when a fuzz target has lost its committed seeds: a glob that finds nothing is no error.
func TestFuzzSeedsAreThere(t *testing.T) {
	for _, target := range []string{"FuzzPacket", "FuzzHeader", "FuzzClaims"} {
		seeds, err := filepath.Glob("testdata/fuzz/" + target + "/*")
		if err != nil || len(seeds) < 3 {
			t.Errorf("%s: %d seeds, %v", target, len(seeds), err)
		}
	}
	if len(claimSeeds(t)) < 30 || len(vectors(t)) < 300 {
		t.Error("the vectors that seed the fuzz targets have gone")
	}
}

// claimSeeds are the claims of all vectors.
func claimSeeds(t testing.TB) []string {
	t.Helper()
	seeds := []string{}
	for _, v := range vectors(t) {
		if v.Claims != "" || v.ExtraClaims != "" {
			seeds = append(seeds, v.claims())
		}
	}
	return seeds
}

// FuzzPacket throws bytes at the whole path. Nothing may panic (a contained panic counts); every refusal is uniform; and
// what is accepted has exactly one text but for a line end behind it, so that nobody can make another one.
func FuzzPacket(f *testing.F) {
	w := theWorld()
	for _, v := range vectors(f) {
		f.Add(v.make(f, w))
	}
	opener, verifier := NewOpener(w.ring), w.verifier()
	f.Fuzz(func(t *testing.T, packet string) {
		err := openAndVerify(t, opener, verifier, exchange.Packet(packet))
		if err != nil {
			checkUniform(t, err)
			if stageOf(err) == "panic" {
				t.Errorf("a panic: %v", err)
			}
			return
		}
		segments := strings.Split(exchange.Packet(packet).Compact(), ".")
		for i, segment := range segments {
			data, err := base64.RawURLEncoding.DecodeString(segment)
			if err != nil || base64.RawURLEncoding.EncodeToString(data) != segment || len(segments) != 5 {
				t.Errorf("segment %d is not canonical: %v", i, err)
			}
		}
	})
}

// FuzzHeader seals genuine contents under any header: whatever is accepted says, to any other JSON reader as well, exactly
// what a packet's header has to say.
func FuzzHeader(f *testing.F) {
	w := theWorld()
	for _, v := range vectors(f) {
		if v.Header != "" || v.Members != "" {
			f.Add(v.header("RSA-OAEP-256", w.packetKey(f, "packet-mo").KeyID))
		}
	}
	public := w.packetKey(f, "packet-mo")
	inner := []byte(signES(f, w.es256["macau"], "sign-es", []byte(claimsOf("macau"))))
	opener, verifier := NewOpener(w.ring), w.verifier()
	f.Fuzz(func(t *testing.T, header string) {
		header = w.fill(strings.ReplaceAll(header, "{kid}", public.KeyID))
		if err := openAndVerify(t, opener, verifier, exchange.Packet(bareSeal(t, "RSA-OAEP-256", public.Key, header, inner))); err != nil {
			checkUniform(t, err)
			if stageOf(err) == "panic" {
				t.Errorf("a panic: %v", err)
			}
			return
		}
		var members map[string]string
		if err := json.Unmarshal([]byte(header), &members); err != nil || len(members) != 5 {
			t.Errorf("accepted, but another reader finds %v, %v", members, err)
		}
		for name, value := range map[string]string{
			"alg": "RSA-OAEP-256", "enc": "A256GCM", "typ": packetType, "cty": "JWT", "kid": public.KeyID,
		} {
			if members[name] != value {
				t.Errorf("accepted with %s %q", name, members[name])
			}
		}
	})
}

// FuzzClaims signs any claims with a genuine key: whatever is accepted is one JSON object of valid UTF-8, and any other
// reader finds the same issuer and audience in it.
func FuzzClaims(f *testing.F) {
	w := theWorld()
	for _, seed := range claimSeeds(f) {
		f.Add([]byte(seed))
	}
	verifier := w.verifier()
	f.Fuzz(func(t *testing.T, claims []byte) {
		signed := bareSign(t, w.es256["macau"], `{"alg":"ES256","kid":"sign-es","typ":"consent-packet+jwt"}`, claims)
		got, err := verifier.Verify(t.Context(), exchange.Signed{Compact: signed})
		if err != nil {
			checkUniform(t, err)
			if stageOf(err) == "panic" {
				t.Errorf("a panic: %v", err)
			}
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(claims, &members); err != nil || !utf8.Valid(claims) || len(claims) > MaxClaims {
			t.Fatalf("accepted, but another reader says %v", err)
		}
		var issuer, audience string
		if json.Unmarshal(members["iss"], &issuer) != nil || json.Unmarshal(members["aud"], &audience) != nil {
			t.Fatal("accepted with an iss or aud that is no string")
		}
		if issuer != "macau" || audience != gateway || got.Issuer != "macau" || string(got.JSON) != string(claims) {
			t.Errorf("accepted as %s, another reader finds %s for %s", got.Issuer, issuer, audience)
		}
	})
}
