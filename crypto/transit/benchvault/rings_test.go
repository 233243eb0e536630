package benchvault

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"crosscode/crypto/keys"
)

// bare is the least that can be asked of a client: HTTP, JSON and no questions.
type bare struct {
	client *http.Client
	base   string // …/v1/<mount>/
	token  string
}

func newBare(address, mount, token string, connections int) *bare {
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}
	return &bare{client: &http.Client{Transport: transport}, base: address + "/v1/" + mount + "/", token: token}
}

func (b *bare) call(ctx context.Context, method, path string, request, reply any) error {
	var body io.Reader
	if request != nil {
		written, err := json.Marshal(request)
		if err != nil {
			return err
		}
		body = bytes.NewReader(written)
	}
	asked, err := http.NewRequestWithContext(ctx, method, b.base+path, body)
	if err != nil {
		return err
	}
	asked.Header.Set("X-Vault-Token", b.token)
	answered, err := b.client.Do(asked)
	if err != nil {
		return err
	}
	defer answered.Body.Close()
	read, err := io.ReadAll(answered.Body)
	if err == nil && answered.StatusCode != http.StatusOK {
		err = fmt.Errorf("vault answered %d: %s", answered.StatusCode, read)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(read, reply)
}

type entry struct {
	Input      string `json:"input,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
}

type results struct {
	Data struct {
		Results []struct {
			Plaintext string `json:"plaintext"`
			Signature string `json:"signature"`
			Error     string `json:"error"`
		} `json:"batch_results"`
	} `json:"data"`
}

// batch does one call for all inputs, and trusts the order.
func (b *bare) batch(ctx context.Context, key keys.Public, inputs [][]byte) ([][]byte, error) {
	request := map[string]any{}
	entries := make([]entry, len(inputs))
	path := "decrypt/" + key.Name
	if key.Algorithm == keys.ES256 {
		path = "sign/" + key.Name + "/sha2-256"
		request["prehashed"], request["marshaling_algorithm"], request["key_version"] = true, "jws", key.Version
	}
	for i, input := range inputs {
		encoded := base64.StdEncoding.EncodeToString(input)
		if key.Algorithm == keys.ES256 {
			entries[i].Input = encoded
		} else {
			entries[i].Ciphertext = fmt.Sprintf("vault:v%d:%s", key.Version, encoded)
		}
	}
	request["batch_input"] = entries
	var reply results
	if err := b.call(ctx, http.MethodPost, path, request, &reply); err != nil {
		return nil, err
	}
	return reply.outputs(len(inputs))
}

func (r results) outputs(count int) (outputs [][]byte, err error) {
	if len(r.Data.Results) != count {
		return nil, fmt.Errorf("%d results for %d inputs", len(r.Data.Results), count)
	}
	for _, result := range r.Data.Results {
		output, encoding := result.Plaintext, base64.StdEncoding
		if result.Signature != "" {
			output, encoding = result.Signature[strings.LastIndex(result.Signature, ":")+1:], base64.RawURLEncoding
		}
		raw, err := encoding.DecodeString(output)
		if err != nil || result.Error != "" {
			return nil, fmt.Errorf("a result is bad: %s", result.Error)
		}
		outputs = append(outputs, raw)
	}
	return outputs, nil
}

// publics reads the first version of each key.
func (b *bare) publics(t testing.TB, specs []keys.Spec) []keys.Public {
	t.Helper()
	list := []keys.Public{}
	for _, spec := range specs {
		var reply struct {
			Data struct {
				Keys map[string]struct {
					PublicKey string `json:"public_key"`
				} `json:"keys"`
			} `json:"data"`
		}
		if err := b.call(t.Context(), http.MethodGet, "keys/"+spec.Name, nil, &reply); err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode([]byte(reply.Data.Keys["1"].PublicKey))
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		keyID, err := keys.KeyID(spec.Name, 1, key)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, keys.Public{Name: spec.Name, Version: 1, KeyID: keyID, Algorithm: spec.Algorithm, Key: key})
	}
	return list
}

// bareRing is a ring over a function that does one operation.
type bareRing struct {
	publics []keys.Public
	do      func(ctx context.Context, key keys.Public, input []byte) ([]byte, error)
}

func (r *bareRing) Public() []keys.Public { return r.publics }

func (r *bareRing) Signer(name string) (keys.Signer, error) {
	for _, public := range r.publics {
		if public.Name == name {
			return bareKey{r, public}, nil
		}
	}
	return nil, keys.ErrUnknownKey
}

func (r *bareRing) Decrypter(keyID string) (keys.Decrypter, error) {
	for _, public := range r.publics {
		if public.KeyID == keyID {
			return bareKey{r, public}, nil
		}
	}
	return nil, keys.ErrUnknownKey
}

type bareKey struct {
	ring   *bareRing
	public keys.Public
}

func (k bareKey) Public() keys.Public { return k.public }

func (k bareKey) Sign(ctx context.Context, digest [32]byte) ([]byte, error) {
	return k.ring.do(ctx, k.public, digest[:])
}

func (k bareKey) Decrypt(ctx context.Context, encryptedKey []byte) ([]byte, error) {
	return k.ring.do(ctx, k.public, encryptedKey)
}

func (bareKey) Agree(context.Context, *ecdh.PublicKey) ([]byte, error) { return nil, keys.ErrWrongUse }

// single is (a).
func (b *bare) single(publics []keys.Public) keys.Ring {
	return &bareRing{publics: publics, do: func(ctx context.Context, key keys.Public, input []byte) ([]byte, error) {
		outputs, err := b.batch(ctx, key, [][]byte{input})
		if err != nil {
			return nil, err
		}
		return outputs[0], nil
	}}
}

// lockstep is (b): as many callers as size, who all do the same operations in the same order. The last to come calls for all.
type lockstep struct {
	size int
	call func(ctx context.Context, key keys.Public, inputs [][]byte) ([][]byte, error)
	mu   sync.Mutex
	open map[string]*round // by kid
	gate *round
	end  time.Time
}

type round struct {
	inputs  [][]byte
	outputs [][]byte
	err     error
	goes    bool
	done    chan struct{}
}

func (b *bare) lockstep(publics []keys.Public, size int, end time.Time) (keys.Ring, *lockstep) {
	l := &lockstep{size: size, call: b.batch, open: map[string]*round{}, end: end}
	return &bareRing{publics: publics, do: l.do}, l
}

func (l *lockstep) do(ctx context.Context, key keys.Public, input []byte) ([]byte, error) {
	l.mu.Lock()
	current := l.open[key.KeyID]
	if current == nil {
		current = &round{done: make(chan struct{})}
		l.open[key.KeyID] = current
	}
	at := len(current.inputs)
	current.inputs = append(current.inputs, input)
	last := len(current.inputs) == l.size
	if last {
		delete(l.open, key.KeyID)
	}
	l.mu.Unlock()
	if last {
		current.outputs, current.err = l.call(ctx, key, current.inputs)
		close(current.done)
	}
	<-current.done
	if current.err != nil {
		return nil, current.err
	}
	return current.outputs[at], nil
}

// next keeps the callers together: all begin one more transcode, or none.
func (l *lockstep) next() bool {
	l.mu.Lock()
	if l.gate == nil {
		l.gate = &round{done: make(chan struct{})}
	}
	gate := l.gate
	gate.inputs = append(gate.inputs, nil)
	if len(gate.inputs) == l.size {
		l.gate = nil
		gate.goes = time.Now().Before(l.end)
		close(gate.done)
	}
	l.mu.Unlock()
	<-gate.done
	return gate.goes
}
