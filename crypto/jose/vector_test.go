package jose

import (
	"errors"
	"strings"
	"testing"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// TestVectors runs every vector through Open and Verify: the verdict, the stage, and how often a private key was used, are
// those that the file states. What is told to the sender is the same in every byte, whatever is wrong.
func TestVectors(t *testing.T) {
	w := theWorld()
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			ring := counting(w.ring)
			packet := exchange.Packet(v.make(t, w))
			err := openAndVerify(t, NewOpener(ring), w.verifier(), packet)
			if calls := ring.calls.Load(); calls != v.RingCalls {
				t.Errorf("%s: a private key was used %d times, want %d", v.Clause, calls, v.RingCalls)
			}
			if v.Stage == "" {
				if err != nil {
					t.Errorf("%s: refused: %v", v.Clause, err)
				}
				return
			}
			checkUniform(t, err)
			if stage := stageOf(err); stage != v.Stage {
				t.Errorf("%s: stopped at %s (%v), want %s", v.Clause, stage, err, v.Stage)
			}
		})
	}
}

func openAndVerify(t testing.TB, opener *Opener, verifier *Verifier, packet exchange.Packet) error {
	t.Helper()
	signed, err := opener.Open(t.Context(), packet)
	if err != nil {
		if signed.Compact != "" {
			t.Error("a refused packet gave a plaintext")
		}
		return err
	}
	claims, err := verifier.Verify(t.Context(), signed)
	if err != nil && (claims.JSON != nil || claims.Issuer != "" || claims.KeyID != "") {
		t.Error("a refused packet gave claims")
	}
	return err
}

// checkUniform wants the one answer that says nothing: everything of a Failure that may leave the gateway.
func checkUniform(t testing.TB, err error) {
	t.Helper()
	var failure *exchange.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("error = %v, want a Failure", err)
	}
	if told := string(failure.Reason) + "|" + failure.Field; told != "packet-refused|" {
		t.Errorf("the sender is told %q, want packet-refused and no field", told)
	}
}

func stageOf(err error) string {
	var failure *exchange.Failure
	if errors.As(err, &failure) {
		return failure.Stage
	}
	return ""
}

// TestExplainAgrees holds Explain to the real path over every vector: the same verdict, at the same stage, and a reason.
func TestExplainAgrees(t *testing.T) {
	w := theWorld()
	for _, v := range vectors(t) {
		packet := exchange.Packet(v.make(t, w))
		err := openAndVerify(t, NewOpener(w.ring), w.verifier(), packet)
		told := Explain(t.Context(), packet, w.ring, w.trusted, gateway)
		last := told[len(told)-1]
		if last.Passed != (err == nil) {
			t.Errorf("%s: Explain says passed %v, the gateway says %v", v.Name, last.Passed, err)
		}
		if err != nil && (last.Name != stageOf(err) || last.Why == "") {
			t.Errorf("%s: Explain stops at %s (%s), the gateway at %s", v.Name, last.Name, last.Why, stageOf(err))
		}
		if err == nil && len(told) != len(steps) {
			t.Errorf("%s: %d steps, want all %d", v.Name, len(told), len(steps))
		}
		for _, step := range told[:len(told)-1] {
			if !step.Passed || step.Why != "" || step.What == "" {
				t.Errorf("%s: step %+v before the last one", v.Name, step)
			}
		}
	}
}

// TestEveryLengthButTheRightOneIsRefused resizes each sized segment to every length from 0 to 64.
func TestEveryLengthButTheRightOneIsRefused(t *testing.T) {
	w := theWorld()
	right := map[string]map[int]int{
		"RSA-OAEP-256": {1: 256, 2: 12, 4: 16}, "ECDH-ES": {1: 0, 2: 12, 4: 16}, "ECDH-ES+A256KW": {1: 40, 2: 12, 4: 16},
	}
	for alg, lengths := range right {
		genuine := vector{Alg: alg}.make(t, w)
		for segment, length := range lengths {
			for size := range 65 {
				ring := counting(w.ring)
				packet := edit{Op: "resize", Segment: segment, Size: size}.apply(t, genuine)
				err := openAndVerify(t, NewOpener(ring), w.verifier(), exchange.Packet(packet))
				if refused := err != nil; refused != (size != length) {
					t.Errorf("%s: segment %d of %d bytes: error = %v", alg, segment, size, err)
				}
				if err != nil && ring.calls.Load() != 0 {
					t.Errorf("%s: segment %d of %d bytes reached the key", alg, segment, size)
				}
			}
		}
	}
}

// TestSizeLimits stands on both sides of each limit.
func TestSizeLimits(t *testing.T) {
	w := theWorld()
	header := vector{}.header("RSA-OAEP-256", w.packetKey(t, "packet-mo").KeyID)
	claims := func(size int) string {
		pad := size - len(claimsOf("macau")) - len(`,"x":""`)
		return strings.TrimSuffix(claimsOf("macau"), "}") + `,"x":"` + strings.Repeat("x", pad) + `"}`
	}
	tests := []struct {
		name  string
		make  vector
		stage string
	}{
		{"a header of 2 KiB", vector{Header: header + strings.Repeat(" ", MaxHeader-len(header))}, ""},
		{"a header of 2 KiB and a byte", vector{Header: header + strings.Repeat(" ", MaxHeader+1-len(header))}, "packet.header"},
		{"claims of 16 KiB", vector{Claims: claims(MaxPayload)}, ""},
		{"claims of 16 KiB and a byte", vector{Claims: claims(MaxPayload + 1)}, "signed.kind"},
		{"a packet of more than 32 KiB", vector{Claims: claims(20 << 10)}, "packet.compact"},
		{"32 KiB of dots", vector{Literal: strings.Repeat(".", MaxPacket)}, "packet.compact"},
		{"32 KiB and a byte of one letter", vector{Literal: strings.Repeat("A", MaxPacket+1)}, "packet.compact"},
		{"16 MiB of dots", vector{Literal: strings.Repeat(".", 16<<20)}, "packet.compact"},
		{"a kid of a megabyte", vector{Header: strings.Replace(header, `"kid":"`, `"kid":"`+strings.Repeat("k", 1<<20), 1)}, "packet.compact"},
	}
	for _, test := range tests {
		err := openAndVerify(t, NewOpener(w.ring), w.verifier(), exchange.Packet(test.make.make(t, w)))
		if stageOf(err) != test.stage {
			t.Errorf("%s: stopped at %q (%v), want %q", test.name, stageOf(err), err, test.stage)
		}
	}
}

// TestNotUTF8 is what a JSON file cannot hold.
func TestNotUTF8(t *testing.T) {
	w := theWorld()
	header := vector{}.header("RSA-OAEP-256", w.packetKey(t, "packet-mo").KeyID)
	for name, v := range map[string]struct {
		make  vector
		stage string
	}{
		"in the header": {vector{Header: strings.Replace(header, "JWT", "J\xffT", 1)}, "packet.header"},
		"in a name":     {vector{Header: strings.Replace(header, `"cty"`, "\"ct\xc3\"", 1)}, "packet.header"},
		"in the claims": {vector{ExtraClaims: "\"x\":\"\xff\""}, "signed.claims"},
		"overlong":      {vector{ExtraClaims: "\"x\":\"\xc0\xaf\""}, "signed.claims"},
	} {
		err := openAndVerify(t, NewOpener(w.ring), w.verifier(), exchange.Packet(v.make.make(t, w)))
		if stageOf(err) != v.stage {
			t.Errorf("%s: stopped at %q (%v), want %q", name, stageOf(err), err, v.stage)
		}
	}
}

// TestSplitAtItsLimit: at the limit a token is taken apart, a byte later it is not looked at.
func TestSplitAtItsLimit(t *testing.T) {
	token := func(size int) string { return "AAAA." + strings.Repeat("A", size-len("AAAA.AAAA.")) + ".AAAA" }
	if _, err := split(token(1023), 3, 1022); !errors.Is(err, errTooLong) {
		t.Errorf("a byte too long: %v, want errTooLong", err)
	}
	if _, err := split(token(1023), 3, 1023); errors.Is(err, errTooLong) {
		t.Errorf("at the limit: %v", err)
	}
}

// TestVerifyHoldsTheKeyAgainstItsAlgorithm stands by itself, whatever its callers have checked before.
func TestVerifyHoldsTheKeyAgainstItsAlgorithm(t *testing.T) {
	w := theWorld()
	es, ed := w.trusted[pin{"macau", "sign-es"}], w.trusted[pin{"macau", "sign-ed"}]
	u, fault := packetKind.parse(signES(t, w.es256["macau"], "sign-es", []byte(claimsOf("macau"))))
	if fault != nil {
		t.Fatal(fault.cause)
	}
	if err := u.verify(keys.ES256, es.Key); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"another algorithm":           u.verify(keys.EdDSA, ed.Key),
		"a key of another algorithm":  u.verify(keys.ES256, ed.Key),
		"no key":                      u.verify(keys.ES256, nil),
		"an algorithm of encryptions": u.verify(keys.RSAOAEP256, es.Key),
	} {
		if !errors.Is(err, errAlgorithm) {
			t.Errorf("%s: %v, want errAlgorithm", name, err)
		}
	}
}
