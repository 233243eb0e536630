package transit

import (
	"strings"
	"testing"
	"time"

	"crosscode/crypto/transit/transittest"
)

// complaints are the lines of the findings that are not as they should be.
func complaints(findings []Finding) []string {
	var lines []string
	for _, finding := range findings {
		if !finding.OK {
			lines = append(lines, finding.Line)
		}
	}
	return lines
}

func TestWhatCheckFinds(t *testing.T) {
	p := prepare(t, "1h", "2h")
	p.Write(t, "sys/policies/acl/too-much", map[string]any{"policy": `
path "` + p.Mount + `/keys/mo" { capabilities = ["read", "delete"] }
path "` + p.Mount + `/export/signing-key/mo" { capabilities = ["read"] }`})
	token := func(policies ...string) Login { return Token(p.NewToken(t, time.Hour, policies...)) }
	for name, test := range map[string]struct {
		login Login
		want  []string // a part of each complaint, in their order
	}{
		"a gateway's token": {token("default", GatewayPolicy), nil},
		"a gateway's login": {p.role, nil},
		"an operator's token": {token("default", OperatorPolicy), []string{
			"what it must not: update on " + p.Mount + "/keys/packet-gd/rotate", "packet-gd/config", "packet-gd/trim",
			"mo/rotate", "mo/config", "mo/trim",
			"cannot open packets with packet-gd", "cannot sign digests with mo",
		}},
		"a token without rights": {token("default"), []string{
			"cannot read the public halves of packet-gd", "cannot open packets", "cannot read the public halves of mo", "cannot sign",
			"key packet-gd cannot be read", "key mo cannot be read",
		}},
		"a token with more": {token("default", GatewayPolicy, "too-much"), []string{
			"can read the public halves of mo, but also delete, read on", "what it must not: read on " + p.Mount + "/export/signing-key/mo",
		}},
		"a token that was made up": {Token("hvs.none"), []string{"the token is refused"}},
		"no token":                 {nil, []string{"the token is refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			findings := Check(t.Context(), open(t, p.config(&recorder{}, test.login)), p.plan)
			got := complaints(findings)
			if Sound(findings) != (len(test.want) == 0) || len(got) != len(test.want) {
				t.Fatalf("complaints:\n%s", strings.Join(got, "\n"))
			}
			for _, want := range test.want {
				if !strings.Contains(strings.Join(got, "\n"), want) {
					t.Errorf("no complaint %q in:\n%s", want, strings.Join(got, "\n"))
				}
			}
		})
	}
	root := complaints(Check(t.Context(), openRoot(t, p.Vault), p.plan))
	if len(root) != 1 || !strings.Contains(root[0], "root token") {
		t.Errorf("a root token: %q", root)
	}
}

func TestCheckFindsUnsafeKeys(t *testing.T) {
	p := prepare(t, "1h", "2h")
	p.Write(t, p.Mount+"/keys/mo/config", map[string]any{"deletion_allowed": true})
	p.Write(t, p.Mount+"/keys/packet-gd/config", map[string]any{"exportable": true})
	got := complaints(Check(t.Context(), open(t, p.config(&recorder{}, p.role)), p.plan))
	want := []string{"key packet-gd may leave Vault", "key mo may be deleted"}
	if len(got) != 2 || !strings.HasPrefix(got[0], want[0]) || got[1] != want[1] {
		t.Errorf("complaints = %q, want %q", got, want)
	}
}

func TestCheckOfAVaultThatIsAway(t *testing.T) {
	p := prepare(t, "1h", "2h")
	client := open(t, p.config(&recorder{}, p.role))
	p.Seal(t)
	if got := complaints(Check(t.Context(), client, p.plan)); len(got) != 1 || !strings.Contains(got[0], "is sealed") {
		t.Errorf("sealed: %q", got)
	}
	p.Kill(t)
	if got := complaints(Check(t.Context(), client, p.plan)); len(got) != 1 || !strings.Contains(got[0], "does not answer: vault: unreachable") {
		t.Errorf("killed: %q", got)
	}
	standby := transittest.Start(t, transittest.Standby())
	other := open(t, ClientConfig{Address: standby.Standby, Login: Agent{}})
	if got := complaints(Check(t.Context(), other, p.plan)); len(got) != 1 || !strings.Contains(got[0], "not active (HTTP 307)") {
		t.Errorf("standby: %q", got)
	}
	if Sound(nil) {
		t.Error("no finding at all is sound")
	}
}
