package jose

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
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
		if len(told.Steps) != len(steps) {
			t.Errorf("%s: %d steps, want all %d", v.Name, len(told.Steps), len(steps))
		}
		if first := firstFault(told.Steps); first.Name != stageOf(err) {
			t.Errorf("%s: Explain says %q (%v), the gateway %q", v.Name, first.Name, first.Faults, stageOf(err))
		}
		for _, step := range told.Steps {
			if step.What == "" || slices.ContainsFunc(step.Faults, func(f Fault) bool { return f.Why == "" }) {
				t.Errorf("%s: step %+v says nothing", v.Name, step)
			}
		}
		if genuine := string(told.Claims.JSON) != "" && told.Claims.Issuer != ""; err == nil && !genuine {
			t.Errorf("%s: no claims", v.Name)
		}
	}
}

// firstFault is the first step that did not pass; the zero Step if all did.
func firstFault(told []Step) Step {
	for _, step := range told {
		if !step.Passed() {
			return step
		}
	}
	return Step{}
}

// TestOneLineEndBehindAPacket is the one thing that may stand around a packet, for the gateway and for Explain.
func TestOneLineEndBehindAPacket(t *testing.T) {
	w := theWorld()
	packet := vector{}.make(t, w)
	for _, each := range []struct{ before, after, stage string }{
		{"", "\n", ""}, {"", "\r\n", ""},
		{"", "\r", "packet.compact"}, {"", "\n\n", "packet.compact"}, {"", "\r\n\r\n", "packet.compact"}, {"", "\r\r\n", "packet.compact"},
		{"", " ", "packet.compact"}, {"", " \n", "packet.compact"}, {"", "\n ", "packet.compact"}, {"", "\t", "packet.compact"},
		{"", "\u2028", "packet.compact"}, {"", "\x00", "packet.compact"},
		{"\n", "", "packet.compact"}, {" ", "", "packet.compact"}, {"\ufeff", "", "packet.compact"},
	} {
		around := exchange.Packet(each.before + packet + each.after)
		err := openAndVerify(t, NewOpener(w.ring), w.verifier(), around)
		first := firstFault(Explain(t.Context(), around, w.ring, w.trusted, gateway).Steps)
		if stageOf(err) != each.stage || first.Name != each.stage {
			t.Errorf("%q around a packet: the gateway says %q, Explain %q, want %q", each.before+"…"+each.after, stageOf(err), first.Name, each.stage)
		}
	}
	within := exchange.Packet(strings.Replace(packet, ".", "\n.", 1))
	if err := openAndVerify(t, NewOpener(w.ring), w.verifier(), within); stageOf(err) != "packet.compact" {
		t.Errorf("a line end within: %v", err)
	}
}

// TestExplainTellsAllFaultsAtOnce: both headers and the address wrong, each fault by its member.
func TestExplainTellsAllFaultsAtOnce(t *testing.T) {
	w := theWorld()
	kid := w.packetKey(t, "packet-mo").KeyID
	packet := vector{
		Header:      `{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"` + kid + `","typ":"JWT","a/b~c":1,"jku":"https://elsewhere.example"}`,
		InnerHeader: `{"alg":"ES256","kid":"sign-es","typ":"JWT","cty":"JWT","iss":"macau"}`,
		Claims:      `{"iss":"Macau","aud":"https://elsewhere.example"}`,
	}.make(t, w)
	told := map[string][]string{}
	for _, step := range Explain(t.Context(), exchange.Packet(packet), w.ring, w.trusted, gateway).Steps {
		for _, fault := range step.Faults {
			told[step.Name+" "+fault.At] = append(told[step.Name+" "+fault.At], fault.Why)
		}
	}
	for where, why := range map[string]string{
		"packet.header /a~1b~0c": "not allowed", "packet.header /jku": "found by kid",
		"packet.algorithms /typ": "want consent-packet+jwe", "packet.algorithms /cty": "want JWT; there is none",
		"signed.header /iss": "payload alone", "signed.kind /typ": "want consent-packet+jwt", "signed.kind /cty": "want json",
		"signed.issuer /iss": "side's id", "signed.audience /aud": "byte for byte",
	} {
		if len(told[where]) != 1 || !strings.Contains(told[where][0], why) {
			t.Errorf("%s: %q, want %q", where, told[where], why)
		}
		delete(told, where)
	}
	if len(told) > 0 {
		t.Errorf("and told besides: %q", told)
	}
}

// TestExplainNamesEveryRefusedMember puts each name that libraries write into a header, and one that none does.
func TestExplainNamesEveryRefusedMember(t *testing.T) {
	w := theWorld()
	kid := w.packetKey(t, "packet-mo").KeyID
	for _, name := range append(slices.Collect(maps.Keys(refusedNames)), "nonce", strings.Repeat("長", 30)) {
		if slices.Contains(outerNames, name) {
			continue
		}
		header := `{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"` + kid + `","typ":"` + packetType + `","cty":"JWT","` + name + `":"x"}`
		first := firstFault(Explain(t.Context(), exchange.Packet(vector{Header: header}.make(t, w)), w.ring, w.trusted, gateway).Steps)
		if first.Name != "packet.header" || len(first.Faults) != 1 || !strings.HasPrefix(first.Faults[0].At, "/"+name[:min(len(name), 63)]) {
			t.Errorf("%s: %+v", name, first)
		}
		if known := refusedNames[name]; !strings.Contains(first.Faults[0].Why, known) {
			t.Errorf("%s: %q does not say %q", name, first.Faults[0].Why, known)
		}
	}
}

// TestTheFormIsWhatTheParserTakes holds what back-end teams are told of the headers to the parser, in both directions.
func TestTheFormIsWhatTheParserTakes(t *testing.T) {
	w := theWorld()
	kid := w.packetKey(t, "packet-mo").KeyID
	seen := map[string]string{"kid": kid, "alg": "RSA-OAEP-256"}
	signed := map[string]string{"kid": "sign-es", "alg": "ES256"}
	for name, form := range map[string]struct {
		members []Member
		known   map[string]string
		make    func(header string) vector
	}{
		"outer": {OuterHeader(), seen, func(h string) vector { return vector{Header: h} }},
		"inner": {InnerHeader(), signed, func(h string) vector { return vector{InnerHeader: h} }},
	} {
		header := map[string]string{}
		for _, member := range form.members {
			if value, given := form.known[member.Name]; given {
				header[member.Name] = value
			} else if member.Required {
				header[member.Name] = member.Values[0]
			}
		}
		try := func(what string, header map[string]string, want bool) {
			t.Helper()
			text, _ := json.Marshal(header)
			err := openAndVerify(t, NewOpener(w.ring), w.verifier(), exchange.Packet(form.make(string(text)).make(t, w)))
			if (err == nil) != want {
				t.Errorf("%s header %s: %v", name, what, err)
			}
		}
		try("as it is told", header, true)
		for _, member := range form.members {
			without, other := maps.Clone(header), maps.Clone(header)
			delete(without, member.Name)
			try("without "+member.Name, without, !member.Required)
			other[member.Name] = "other"
			try("with another "+member.Name, other, false)
		}
		more := maps.Clone(header)
		more["nonce"] = "x"
		try("with one more", more, false)
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
		{"claims of 32 KiB", vector{Claims: claims(MaxClaims)}, ""},
		{"claims of 32 KiB and a byte", vector{Claims: claims(MaxClaims + 1)}, "signed.kind"},
		{"a packet of more than 60 KiB", vector{Claims: claims(36 << 10)}, "packet.compact"},
		{"60 KiB of dots", vector{Literal: strings.Repeat(".", MaxPacket)}, "packet.compact"},
		{"60 KiB and a byte of one letter", vector{Literal: strings.Repeat("A", MaxPacket+1)}, "packet.compact"},
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
