package transit

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"crosscode/crypto/keys"
)

// Finding is one thing that Check has looked at.
type Finding struct {
	OK   bool
	Line string // plain English, one line
}

// Sound tells whether every finding is as it should be, and there is one.
func Sound(findings []Finding) bool {
	return len(findings) > 0 && !slices.ContainsFunc(findings, func(f Finding) bool { return !f.OK })
}

// inspection is one run of Check.
type inspection struct {
	client   *Client
	plan     Plan
	root     bool // the token may do everything, of which a list says nothing more
	findings []Finding
}

// Check looks at Vault with the client's token, as a gateway would: whether Vault works, what the token is, that it may do
// everything that the gateway needs and nothing that it must not, and that the keys are as they should be. It changes
// nothing. It always gives a finding: an outage is one.
func Check(ctx context.Context, client *Client, plan Plan) []Finding {
	i := &inspection{client: client, plan: plan}
	if err := plan.check(); err != nil {
		i.bad("%s", err)
		return i.findings
	}
	if i.health(ctx) && i.token(ctx) {
		if !i.root {
			i.capabilities(ctx)
		}
		for _, spec := range plan.Keys {
			i.key(ctx, spec)
		}
	}
	return i.findings
}

func (i *inspection) good(format string, args ...any) { i.add(true, format, args) }
func (i *inspection) bad(format string, args ...any)  { i.add(false, format, args) }

func (i *inspection) add(ok bool, format string, args []any) {
	i.findings = append(i.findings, Finding{OK: ok, Line: fmt.Sprintf(format, args...)})
}

func (i *inspection) health(ctx context.Context) (goOn bool) {
	health, err := i.client.Health(ctx)
	switch {
	case err != nil:
		i.bad("Vault does not answer: %s", InFull(err))
	case !health.Initialised:
		i.bad("Vault %s is not initialised", health.Version)
	case health.Sealed:
		i.bad("Vault %s is sealed: nothing works until an operator unseals it", health.Version)
	case health.Standby:
		i.good("Vault %s answers; this node is a standby, and must be able to forward", health.Version)
		return true
	default:
		i.good("Vault %s answers, is unsealed and active", health.Version)
		return true
	}
	return false
}

func (i *inspection) token(ctx context.Context) (goOn bool) {
	var self envelope[struct {
		Policies  []string `json:"policies"`
		Identity  []string `json:"identity_policies"`
		Life      int      `json:"ttl"`
		Renewable bool     `json:"renewable"`
	}]
	if err := i.client.ask(ctx, http.MethodGet, "auth/token/lookup-self", nil, &self); err != nil {
		i.bad("the token is refused, or cannot be had: %s", InFull(err))
		return false
	}
	policies := append(slices.Clone(self.Data.Policies), self.Data.Identity...)
	life := (time.Duration(self.Data.Life) * time.Second).String() + " more"
	if self.Data.Life == 0 {
		life = "for ever"
	}
	renewable := "renewable"
	if !self.Data.Renewable {
		renewable = "not renewable"
	}
	i.good("the token has the policies %s, lives %s, and is %s", strings.Join(policies, ", "), life, renewable)
	if i.root = slices.Contains(policies, "root"); i.root {
		i.bad("it is a root token, which can do everything: a gateway must never run with one")
	}
	return true
}

// right is one thing that a token must be able to do.
type right struct{ path, capability, meaning string }

func (p Plan) rights() []right {
	var needed []right
	for _, spec := range p.Keys {
		path := func(format string) string { return p.mount() + fmt.Sprintf(format, spec.Name) }
		needed = append(needed, right{path("/keys/%s"), "read", "read the public halves of " + spec.Name})
		if spec.Algorithm == keys.RSAOAEP256 {
			needed = append(needed, right{path("/decrypt/%s"), "update", "open packets with " + spec.Name})
		} else {
			needed = append(needed, right{path("/sign/%s/sha2-256"), "update", "sign digests with " + spec.Name})
		}
	}
	return needed
}

// wrongs are paths on which a gateway's token should be able to do nothing at all.
func (p Plan) wrongs() []string {
	const stranger = "not-a-key-of-ours"
	paths := []string{
		"/keys", "/keys/" + stranger, "/decrypt/" + stranger, "/sign/" + stranger + "/sha2-256",
		"/restore", "/cache-config", "/config/keys",
	}
	for _, spec := range p.Keys {
		for _, form := range []string{
			"/keys/%s/rotate", "/keys/%s/config", "/keys/%s/trim", "/keys/%s/import", "/export/encryption-key/%s",
			"/export/signing-key/%s", "/export/hmac-key/%s", "/backup/%s", "/restore/%s", "/encrypt/%s", "/rewrap/%s",
			"/datakey/plaintext/%s", "/hmac/%s", "/sign/%s", "/sign/%s/sha2-512", "/byok-export/%s/" + stranger,
		} {
			paths = append(paths, fmt.Sprintf(form, spec.Name))
		}
		if spec.Algorithm == keys.RSAOAEP256 {
			paths = append(paths, "/sign/"+spec.Name+"/sha2-256")
		} else {
			paths = append(paths, "/decrypt/"+spec.Name)
		}
	}
	for n, path := range paths {
		paths[n] = p.mount() + path
	}
	return append(paths,
		"sys/mounts/"+p.mount(), "sys/remount", "sys/policies/acl/"+GatewayPolicy, "sys/policies/acl/"+OperatorPolicy,
		"sys/auth/approle", "sys/audit/file", "sys/seal", "sys/raw/core", "auth/token/create", "auth/token/create-orphan")
}

func (i *inspection) capabilities(ctx context.Context) {
	needed, forbidden := i.plan.rights(), i.plan.wrongs()
	paths := forbidden
	for _, right := range needed {
		paths = append(paths, right.path)
	}
	var said envelope[map[string]any]
	body := map[string]any{"paths": paths}
	if err := i.client.ask(ctx, http.MethodPost, "sys/capabilities-self", body, &said); err != nil {
		i.bad("the token may not ask what it can do (Vault's default policy allows that): %s", InFull(err))
		return
	}
	for _, right := range needed {
		i.needs(right, abilities(said.Data[right.path]))
	}
	tooMuch := 0
	for _, path := range forbidden {
		if able := abilities(said.Data[path]); !slices.Equal(able, []string{"deny"}) {
			tooMuch++
			i.bad("it can do what it must not: %s on %s", strings.Join(able, ", "), path)
		}
	}
	if tooMuch == 0 {
		i.good("it can do nothing on %d other paths that were tried: rotate, export, back up, delete, encrypt, other keys, …", len(forbidden))
	}
}

func (i *inspection) needs(right right, able []string) {
	switch {
	case slices.Equal(able, []string{right.capability}):
		i.good("it can %s", right.meaning)
	case slices.Contains(able, right.capability):
		i.bad("it can %s, but also %s on %s", right.meaning, strings.Join(able, ", "), right.path)
	default:
		i.bad("it cannot %s: needs %q on %s", right.meaning, right.capability, right.path)
	}
}

// abilities reads one path's list. What is not a list is taken for the worst.
func abilities(said any) []string {
	list, _ := said.([]any)
	able := make([]string, 0, len(list))
	for _, one := range list {
		able = append(able, fmt.Sprint(one))
	}
	if len(able) == 0 {
		return []string{"something unknown"}
	}
	return able
}

func (i *inspection) key(ctx context.Context, spec keys.Spec) {
	state, err := i.client.keyState(ctx, i.plan.mount(), spec.Name)
	switch {
	case err != nil:
		i.bad("key %s cannot be read: %s", spec.Name, InFull(err))
	case !state.fits(spec):
		i.bad("key %s is %s, which is not for %s", spec.Name, state.Type, spec.Algorithm)
	case state.leaves():
		i.bad("key %s may leave Vault: it is exportable, or allows a plaintext backup", spec.Name)
	case state.deletable():
		i.bad("key %s may be deleted", spec.Name)
	default:
		i.good("key %s is %s, latest version %d, opens from version %d: not exportable, no plaintext backup, no deletion",
			spec.Name, state.Type, state.Latest, max(1, state.MinDecryption))
	}
}
