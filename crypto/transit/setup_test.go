package transit

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosscode/crypto/keys"
	"crosscode/crypto/transit/transittest"
)

// plan is that of a gateway between three sides, with small keys.
func plan(t *testing.T, mount string) Plan {
	t.Helper()
	specs := keys.Defaults()
	for i := range specs {
		if specs[i].Algorithm == keys.RSAOAEP256 {
			specs[i].Bits = keys.MinBits
		}
	}
	return Plan{Mount: mount, Keys: specs, Gateway: policyFile(t, "gateway.hcl"), Operator: policyFile(t, "operator.hcl")}
}

func policyFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "vault", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// useEverything has a ring open a good and a bad packet, sign, and rotate.
func useEverything(t *testing.T, client *Client, plan Plan) {
	t.Helper()
	ring, err := New(Config{Vault: client, Mount: plan.Mount, Keys: plan.Keys, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Rotate(t.Context(), "mo", true); err != nil {
		t.Fatal(err)
	}
	for _, spec := range plan.Keys {
		if _, err := ring.read(t.Context(), spec.Name); err != nil {
			t.Fatal(err)
		}
	}
	signer, err := ring.Signer("mo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(t.Context(), sha256.Sum256([]byte("code"))); err != nil {
		t.Error(err)
	}
	for _, public := range ring.Public() {
		if public.Name != "packet-gd" {
			continue
		}
		decrypter, err := ring.Decrypter(public.KeyID)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.Key.(*rsa.PublicKey), []byte("a content key"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := decrypter.Decrypt(t.Context(), sealed); err != nil || string(opened) != "a content key" {
			t.Errorf("Decrypt = %q, %v", opened, err)
		}
		if _, err := decrypter.Decrypt(t.Context(), make([]byte, len(sealed))); !errors.Is(err, keys.ErrDecrypt) {
			t.Errorf("a bad ciphertext: %v", err)
		}
	}
}

func TestPolicyFilesAreWhatInitWrites(t *testing.T) {
	for _, name := range []string{"gateway.hcl", "operator.hcl"} {
		file := policyFile(t, name)
		got, err := Plan{Keys: keys.Defaults()}.Render(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(file, got); diff != "" {
			t.Errorf("%s is not written for the default mount and keys (-file +init):\n%s", name, diff)
		}
	}
}

func TestPoliciesOfAnotherPlan(t *testing.T) {
	other := Plan{Mount: "border/keys", Keys: []keys.Spec{
		{Name: "packet-sg", Algorithm: keys.RSAOAEP256}, {Name: "sg", Algorithm: keys.ES256},
	}}
	got, err := other.Render(policyFile(t, "gateway.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, line := range strings.Split(got, "\n") {
		if strings.HasPrefix(line, "path ") {
			paths = append(paths, strings.Split(line, `"`)[1])
		}
	}
	want := []string{"border/keys/keys/packet-sg", "border/keys/keys/sg", "border/keys/decrypt/packet-sg", "border/keys/sign/sg/sha2-256"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if strings.Count(got, "{") != strings.Count(got, "}") {
		t.Errorf("the braces do not match:\n%s", got)
	}
	if _, err := other.Render("path \"other/keys/gd\" {\n}\n"); err == nil {
		t.Error("a path outside the default mount is accepted")
	}
}

func TestPlansThatAreRefused(t *testing.T) {
	client := open(t, ClientConfig{Address: "http://127.0.0.1:1", Login: Agent{}})
	one := []keys.Spec{{Name: "gd", Algorithm: keys.ES256}}
	for name, plan := range map[string]Plan{
		"no keys":                     {},
		"a mount that climbs":         {Mount: "../sys", Keys: one},
		"a key name with a slash":     {Keys: []keys.Spec{{Name: "gd/config", Algorithm: keys.ES256}}},
		"an agreement key":            {Keys: []keys.Spec{{Name: "gd", Algorithm: keys.ECDHES}}},
		"RSA of a size that it lacks": {Keys: []keys.Spec{{Name: "gd", Algorithm: keys.RSAOAEP256, Bits: 2560}}},
	} {
		if _, err := Init(t.Context(), client, plan); !errors.Is(err, errPlan) {
			t.Errorf("%s: %v", name, err)
		}
		if findings := Check(t.Context(), client, plan); Sound(findings) {
			t.Errorf("%s: %v", name, findings)
		}
	}
}

func TestInitMakesOnceAndFindsAfterwards(t *testing.T) {
	v := transittest.Start(t, transittest.Controlled(), transittest.Unmounted())
	client, plan := openRoot(t, v), plan(t, v.Mount)
	verbs := func() map[string]int {
		t.Helper()
		done, err := Init(t.Context(), client, plan)
		if err != nil {
			t.Fatal(InFull(err))
		}
		count := map[string]int{}
		for _, line := range done {
			count[strings.Fields(line)[0]]++
		}
		return count
	}
	if diff := cmp.Diff(map[string]int{"made": 11}, verbs()); diff != "" {
		t.Errorf("the first time (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"found": 11}, verbs()); diff != "" {
		t.Errorf("the second time (-want +got):\n%s", diff)
	}
	v.Write(t, v.Mount+"/keys/mo/config", map[string]any{"deletion_allowed": true})
	v.Write(t, "sys/policies/acl/"+GatewayPolicy, map[string]any{"policy": `path "*" { capabilities = ["sudo"] }`})
	if diff := cmp.Diff(map[string]int{"found": 10, "fixed": 2}, verbs()); diff != "" {
		t.Errorf("after somebody loosened two things (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"found": 11}, verbs()); diff != "" {
		t.Errorf("the last time (-want +got):\n%s", diff)
	}
}

func TestInitRefusesWhatItCannotMakeSafe(t *testing.T) {
	v := transittest.Start(t, transittest.Controlled())
	client, plan := openRoot(t, v), plan(t, v.Mount)
	v.Write(t, v.Mount+"/keys/gd", map[string]any{"type": "ecdsa-p256", "exportable": true})
	v.Write(t, v.Mount+"/keys/mo", map[string]any{"type": "ecdsa-p256", "allow_plaintext_backup": true})
	v.Write(t, v.Mount+"/keys/hk", map[string]any{"type": "aes256-gcm96"})
	done, err := Init(t.Context(), client, plan)
	for name, want := range map[string]error{"gd": errLeaves, "mo": errLeaves, "hk": errOtherType} {
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "key "+name+": ") {
			t.Errorf("key %s: %v", name, err)
		}
	}
	if len(done) != 8 {
		t.Errorf("the rest is not done: %q", done)
	}
	plan.Mount = "cubbyhole"
	if _, err := Init(t.Context(), client, plan); !errors.Is(err, errOtherEngine) {
		t.Errorf("another engine: %v", err)
	}
	stranger := open(t, ClientConfig{Address: v.Address, Login: Token(v.NewToken(t, time.Minute, "default"))})
	if _, err := Init(t.Context(), stranger, plan); !isKind(err, Denied) {
		t.Errorf("without rights: %v", err)
	}
}

// attempt is one request and whether a policy should let it through.
type attempt struct {
	method, path string
	body         any
	allowed      bool
}

type object map[string]any

func TestWhatTheGatewayMayDo(t *testing.T) {
	v := transittest.Start(t, transittest.Controlled())
	plan := plan(t, v.Mount)
	if _, err := Init(t.Context(), openRoot(t, v), plan); err != nil {
		t.Fatal(InFull(err))
	}
	v.Write(t, v.Mount+"/keys/other-rsa", map[string]any{"type": "rsa-2048"})
	v.Write(t, v.Mount+"/keys/other-ec", map[string]any{"type": "ecdsa-p256"})
	digest := base64.StdEncoding.EncodeToString(make([]byte, 32))
	batch := []object{{"input": digest, "reference": "1"}}
	sealed := []object{{"ciphertext": sealTo(t, v, "packet-gd"), "reference": "1"}}
	sign := object{"batch_input": batch, "key_version": 1, "prehashed": true, "marshaling_algorithm": "jws"}
	without := func(body object, member string) object {
		copied := object{}
		for name, value := range body {
			if name != member {
				copied[name] = value
			}
		}
		return copied
	}
	with := func(body object, member string, value any) object {
		copied := without(body, member)
		copied[member] = value
		return copied
	}
	decrypt := object{"batch_input": sealed, "partial_failure_response_code": 200}
	try(t, v, GatewayPolicy, map[string]attempt{
		"read a packet key":                    {"GET", "keys/packet-gd", nil, true},
		"read a signing key":                   {"GET", "keys/receipt", nil, true},
		"open a batch":                         {"POST", "decrypt/packet-gd", decrypt, true},
		"sign a digest":                        {"POST", "sign/mo/sha2-256", sign, true},
		"open with a padding scheme":           {"POST", "decrypt/packet-gd", with(decrypt, "padding_scheme", "pkcs1v15"), false},
		"open outside a batch":                 {"POST", "decrypt/packet-gd", object{"ciphertext": sealed[0]["ciphertext"]}, false},
		"sign the message itself":              {"POST", "sign/mo/sha2-256", without(sign, "prehashed"), false},
		"sign the message itself, said so":     {"POST", "sign/mo/sha2-256", with(sign, "prehashed", false), false},
		"sign by an unnamed version":           {"POST", "sign/mo/sha2-256", without(sign, "key_version"), false},
		"sign in ASN.1":                        {"POST", "sign/mo/sha2-256", with(sign, "marshaling_algorithm", "asn1"), false},
		"sign outside a batch":                 {"POST", "sign/mo/sha2-256", with(without(sign, "batch_input"), "input", digest), false},
		"sign another hash":                    {"POST", "sign/mo/sha2-512", sign, false},
		"sign without naming the hash":         {"POST", "sign/mo", sign, false},
		"sign with a packet key":               {"POST", "sign/packet-gd/sha2-256", sign, false},
		"open with a signing key":              {"POST", "decrypt/mo", decrypt, false},
		"read somebody else's key":             {"GET", "keys/other-ec", nil, false},
		"open with somebody else's key":        {"POST", "decrypt/other-rsa", decrypt, false},
		"sign with somebody else's key":        {"POST", "sign/other-ec/sha2-256", sign, false},
		"list keys":                            {"LIST", "keys", nil, false},
		"make a key":                           {"POST", "keys/new", object{"type": "ecdsa-p256"}, false},
		"rotate":                               {"POST", "keys/mo/rotate", nil, false},
		"configure":                            {"POST", "keys/mo/config", object{"exportable": true}, false},
		"trim":                                 {"POST", "keys/mo/trim", object{"min_available_version": 1}, false},
		"delete":                               {"DELETE", "keys/mo", nil, false},
		"export a private half":                {"GET", "export/signing-key/mo", nil, false},
		"export a decryption key":              {"GET", "export/encryption-key/packet-gd", nil, false},
		"back up":                              {"GET", "backup/mo", nil, false},
		"restore":                              {"POST", "restore/mo", object{"backup": "x"}, false},
		"encrypt":                              {"POST", "encrypt/packet-gd", object{"plaintext": digest}, false},
		"rewrap":                               {"POST", "rewrap/packet-gd", object{"ciphertext": sealed[0]["ciphertext"]}, false},
		"make a data key":                      {"POST", "datakey/plaintext/packet-gd", object{}, false},
		"hmac":                                 {"POST", "hmac/mo", object{"input": digest}, false},
		"change the engine's configuration":    {"POST", "config/keys", object{"disable_upsert": false}, false},
		"read its own policy: ../ in the path": {"GET", "../sys/policies/acl/" + GatewayPolicy, nil, false},
	})
}

func TestWhatAnOperatorMayDo(t *testing.T) {
	v := transittest.Start(t, transittest.Controlled())
	if _, err := Init(t.Context(), openRoot(t, v), plan(t, v.Mount)); err != nil {
		t.Fatal(InFull(err))
	}
	digest := base64.StdEncoding.EncodeToString(make([]byte, 32))
	v.Write(t, v.Mount+"/keys/mo/rotate", nil)
	v.Write(t, v.Mount+"/keys/mo/config", map[string]any{"min_decryption_version": 2, "min_encryption_version": 2})
	v.Write(t, v.Mount+"/keys/other", map[string]any{"type": "ecdsa-p256"})
	try(t, v, OperatorPolicy, map[string]attempt{
		"read a key":               {"GET", "keys/mo", nil, true},
		"rotate":                   {"POST", "keys/gd/rotate", nil, true},
		"retire old versions":      {"POST", "keys/mo/config", object{"min_decryption_version": 2, "min_encryption_version": 2}, true},
		"destroy old versions":     {"POST", "keys/mo/trim", object{"min_available_version": 2}, true},
		"make a key exportable":    {"POST", "keys/mo/config", object{"exportable": true}, false},
		"allow a plaintext backup": {"POST", "keys/mo/config", object{"allow_plaintext_backup": true}, false},
		"allow deletion":           {"POST", "keys/mo/config", object{"min_decryption_version": 2, "deletion_allowed": true}, false},
		"rotate by the clock":      {"POST", "keys/mo/config", object{"auto_rotate_period": "1h"}, false},
		"delete":                   {"DELETE", "keys/mo", nil, false},
		"export":                   {"GET", "export/signing-key/mo", nil, false},
		"back up":                  {"GET", "backup/mo", nil, false},
		"sign":                     {"POST", "sign/mo/sha2-256", object{"input": digest, "prehashed": true}, false},
		"open":                     {"POST", "decrypt/packet-gd", object{"batch_input": []object{{"ciphertext": "x"}}}, false},
		"make a key":               {"POST", "keys/new", object{"type": "ecdsa-p256"}, false},
		"rotate another key":       {"POST", "keys/other/rotate", nil, false},
	})
}

// try makes each request with a token of one policy. Only 403 is a refusal.
func try(t *testing.T, v *transittest.Vault, policy string, attempts map[string]attempt) {
	t.Helper()
	client := open(t, ClientConfig{Address: v.Address, Login: Token(v.NewToken(t, time.Minute, "default", policy)), Timeout: 20 * time.Second})
	client.session.mutex.Lock()
	client.session.next = time.Now().Add(time.Hour) // each refusal would otherwise log in again
	client.session.mutex.Unlock()
	held, err := client.session.login.login(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range attempts {
		r := request{method: try.method, path: v.Mount + "/" + try.path}
		if try.body != nil {
			r.body, _ = json.Marshal(try.body)
		}
		reply, err := client.send(t.Context(), client.api, r, held.token)
		if err != nil {
			t.Fatal(err)
		}
		if allowed := reply.Status/100 == 2; allowed != try.allowed || (!allowed && reply.Status != http.StatusForbidden) {
			t.Errorf("%s: %s with %s: status %d, want allowed = %t: %s", name, policy, r.path, reply.Status, try.allowed, reply.Body)
		}
	}
}

// sealTo encrypts to a key's first version, in Vault's form.
func sealTo(t *testing.T, v *transittest.Vault, name string) string {
	t.Helper()
	plaintext := base64.StdEncoding.EncodeToString([]byte("a content key"))
	made := v.Write(t, fmt.Sprintf("%s/encrypt/%s", v.Mount, name), map[string]any{"plaintext": plaintext})
	return made.Data["ciphertext"].(string)
}
