package transit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"crosscode/crypto/keys"
)

// Plan is what the gateway needs in Vault.
type Plan struct {
	Mount string      // of the transit engine; empty: DefaultMount
	Keys  []keys.Spec // ES256 and RSAOAEP256 (2048, 3072 or 4096 bits)
	// Gateway and Operator are the texts of config/vault/gateway.hcl and operator.hcl.
	Gateway, Operator string
}

var errPlan = errors.New("not a plan for Vault")

func (p Plan) mount() string { return orDefault(p.Mount, DefaultMount) }

func (p Plan) check() error {
	if !mountPattern.MatchString(p.mount()) {
		return fmt.Errorf("%w: the mount must be a path of letters, digits, hyphens and underscores", errPlan)
	}
	if len(p.Keys) == 0 {
		return fmt.Errorf("%w: no keys", errPlan)
	}
	for _, spec := range p.Keys {
		if _, _, err := keys.ParseKeyID(spec.Name + ".1.AAAAAA"); err != nil {
			return fmt.Errorf("%w: key %q: 1 to 32 characters a–z, 0–9 and hyphen, beginning with a letter", errPlan, spec.Name)
		}
		if keyType(spec) == "" {
			return fmt.Errorf("%w: key %q: Vault keeps ES256 keys and RSA-OAEP-256 keys of 2048, 3072 or 4096 bits", errPlan, spec.Name)
		}
	}
	return nil
}

// keyType is Vault's name for such a key, or nothing if it has none.
func keyType(spec keys.Spec) string {
	if spec.Algorithm == keys.ES256 {
		return "ecdsa-p256"
	}
	if spec.Algorithm != keys.RSAOAEP256 {
		return ""
	}
	switch spec.Bits {
	case 0:
		return fmt.Sprintf("rsa-%d", keys.DefaultBits)
	case 2048, 3072, 4096:
		return fmt.Sprintf("rsa-%d", spec.Bits)
	}
	return ""
}

// keyState is what Vault says of a key that matters for its safety. The pointers tell "no" from silence.
type keyState struct {
	Type            string `json:"type"`
	Latest          int    `json:"latest_version"`
	MinDecryption   int    `json:"min_decryption_version"`
	MinEncryption   int    `json:"min_encryption_version"`
	Exportable      *bool  `json:"exportable"`
	PlaintextBackup *bool  `json:"allow_plaintext_backup"`
	DeletionAllowed *bool  `json:"deletion_allowed"`
}

// leaves tells whether the private half could leave Vault. Vault has no way to take that back.
func (k keyState) leaves() bool {
	return k.Exportable == nil || *k.Exportable || k.PlaintextBackup == nil || *k.PlaintextBackup
}

func (k keyState) deletable() bool { return k.DeletionAllowed == nil || *k.DeletionAllowed }

func (k keyState) fits(spec keys.Spec) bool {
	if spec.Algorithm == keys.RSAOAEP256 {
		return strings.HasPrefix(k.Type, "rsa-")
	}
	return k.Type == keyType(spec)
}

// envelope is how Vault wraps what it answers.
type envelope[T any] struct {
	Data T `json:"data"`
}

func (c *Client) keyState(ctx context.Context, mount, name string) (keyState, error) {
	var read envelope[keyState]
	err := c.ask(ctx, http.MethodGet, mount+"/keys/"+name, nil, &read)
	return read.Data, err
}

// setup is one run of Init.
type setup struct {
	client *Client
	plan   Plan
	done   []string
}

// Init makes what is missing: the engine, the keys, the two policies. What is there stays as it is, except a key that may be
// deleted (no longer) and a policy with another text (replaced). It gives a line for each thing that it did or found, those
// before an error included. The token must be allowed to mount engines and write policies.
func Init(ctx context.Context, client *Client, plan Plan) (done []string, err error) {
	if err := plan.check(); err != nil {
		return nil, err
	}
	s := &setup{client: client, plan: plan}
	if err := s.mount(ctx); err != nil {
		return s.done, fmt.Errorf("the engine at %s/: %w", plan.mount(), err)
	}
	var faults []error
	for _, spec := range plan.Keys {
		if err := s.key(ctx, spec); err != nil {
			faults = append(faults, fmt.Errorf("key %s: %w", spec.Name, err))
		}
	}
	for _, policy := range []struct{ name, file string }{{GatewayPolicy, plan.Gateway}, {OperatorPolicy, plan.Operator}} {
		if err := s.policy(ctx, policy.name, policy.file); err != nil {
			faults = append(faults, fmt.Errorf("policy %s: %w", policy.name, err))
		}
	}
	return s.done, errors.Join(faults...)
}

func (s *setup) say(format string, args ...any) {
	s.done = append(s.done, fmt.Sprintf(format, args...))
}

var errOtherEngine = errors.New("another kind of engine is mounted there")

func (s *setup) mount(ctx context.Context) error {
	path := "sys/mounts/" + s.plan.mount()
	var found envelope[struct {
		Type string `json:"type"`
	}]
	switch err := s.client.ask(ctx, http.MethodGet, path, nil, &found); {
	case err == nil && found.Data.Type == "transit":
		s.say("found  the transit engine at %s/", s.plan.mount())
		return nil
	case err == nil:
		return errOtherEngine
	case !isKind(err, Refused) && !isKind(err, Missing): // 400: no engine there
		return err
	}
	body := map[string]any{"type": "transit", "description": "Crosscode: the gateway's keys"}
	if err := s.client.ask(ctx, http.MethodPost, path, body, nil); err != nil {
		return err
	}
	s.say("made   the transit engine at %s/", s.plan.mount())
	return nil
}

var (
	errLeaves    = errors.New("it may leave Vault (exportable, or plaintext backup), which cannot be undone: use another name")
	errOtherType = errors.New("it is of another type than the gateway needs")
)

func (s *setup) key(ctx context.Context, spec keys.Spec) error {
	state, err := s.client.keyState(ctx, s.plan.mount(), spec.Name)
	verb := "found "
	if isKind(err, Missing) {
		verb = "made  "
		state, err = s.makeKey(ctx, spec)
	}
	switch {
	case err != nil:
		return err
	case !state.fits(spec):
		return fmt.Errorf("%w: %s", errOtherType, state.Type)
	case state.leaves():
		return errLeaves
	}
	s.say("%s key %s (%s, version %d): not exportable, no plaintext backup", verb, spec.Name, state.Type, state.Latest)
	if !state.deletable() {
		return nil
	}
	path := s.plan.mount() + "/keys/" + spec.Name + "/config"
	if err := s.client.ask(ctx, http.MethodPost, path, map[string]bool{"deletion_allowed": false}, nil); err != nil {
		return err
	}
	s.say("fixed  key %s: it can no longer be deleted", spec.Name)
	return nil
}

func (s *setup) makeKey(ctx context.Context, spec keys.Spec) (keyState, error) {
	body := map[string]any{"type": keyType(spec), "exportable": false, "allow_plaintext_backup": false}
	if err := s.client.ask(ctx, http.MethodPost, s.plan.mount()+"/keys/"+spec.Name, body, nil); err != nil {
		return keyState{}, err
	}
	return s.client.keyState(ctx, s.plan.mount(), spec.Name)
}

func (s *setup) policy(ctx context.Context, name, file string) error {
	text, err := s.plan.Render(file)
	if err != nil {
		return err
	}
	path := "sys/policies/acl/" + name
	var found envelope[struct {
		Policy string `json:"policy"`
	}]
	err = s.client.ask(ctx, http.MethodGet, path, nil, &found)
	switch {
	case err == nil && found.Data.Policy == text:
		s.say("found  policy %s", name)
		return nil
	case err != nil && !isKind(err, Missing):
		return err
	}
	if err := s.client.ask(ctx, http.MethodPut, path, map[string]string{"policy": text}, nil); err != nil {
		return err
	}
	if found.Data.Policy == "" {
		s.say("made   policy %s", name)
	} else {
		s.say("fixed  policy %s: it had another text", name)
	}
	return nil
}
