package transit

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"crosscode/crypto/keys"
)

// scripted is a Vault that says what a test wants it to: what no real one can be brought to say.
type scripted func(method, path string, body []byte) (Reply, error)

func (s scripted) Call(_ context.Context, method, path string, body []byte) (Reply, error) {
	return s(method, path, body)
}

var signing = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

func rawSignature(t *testing.T, key *ecdsa.PrivateKey, digest [32]byte) []byte {
	t.Helper()
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, signatureLength)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return raw
}

// newScripted is a ring that knows version 3 of mo and version 2 of packet-gd, and asks the script for the rest.
func newScripted(t *testing.T, script scripted) *Ring {
	t.Helper()
	ring, err := New(Config{Vault: script, Keys: []keys.Spec{
		{Name: "packet-gd", Algorithm: keys.RSAOAEP256}, {Name: "mo", Algorithm: keys.ES256},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ring.known.Store("mo", &holding{latest: 3, versions: []keys.Public{
		{Name: "mo", Version: 3, KeyID: "mo.3.AAAAAA", Algorithm: keys.ES256, Key: &signing().PublicKey},
	}})
	ring.known.Store("packet-gd", &holding{latest: 2, versions: []keys.Public{
		{Name: "packet-gd", Version: 2, KeyID: "packet-gd.2.AAAAAA", Algorithm: keys.RSAOAEP256},
	}})
	return ring
}

func decryptOnce(t *testing.T, ring *Ring) ([]byte, error) {
	t.Helper()
	key, err := ring.Decrypter("packet-gd.2.AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	return key.Decrypt(t.Context(), []byte{0xfb, 0xff, 0xfe, 0})
}

func signOnce(t *testing.T, ring *Ring, digest [32]byte) ([]byte, error) {
	t.Helper()
	key, err := ring.Signer("mo")
	if err != nil {
		t.Fatal(err)
	}
	return key.Sign(t.Context(), digest)
}

// TestWhatIsSent: always a batch; the standard alphabet with padding; the version that was promised; digests only. There is
// no padding_scheme, in no item and not beside them: with pkcs1v15 Vault would be an oracle, and its policies cannot look
// into a batch.
func TestWhatIsSent(t *testing.T) {
	var paths, bodies []string
	ring := newScripted(t, func(method, path string, body []byte) (Reply, error) {
		paths, bodies = append(paths, method+" "+path), append(bodies, string(body))
		return Reply{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"30"}}}, nil
	})
	ring.reference.Store(35)
	_, _ = decryptOnce(t, ring)
	_, _ = signOnce(t, ring, [32]byte{0xfb, 0xff})
	expected := []string{
		`{"batch_input":[{"ciphertext":"vault:v2:+//+AA==","reference":"10"}],"partial_failure_response_code":200}`,
		`{"batch_input":[{"input":"+/8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","reference":"11"}],"key_version":3,"prehashed":true,"marshaling_algorithm":"jws"}`,
	}
	if diff := cmp.Diff(expected, bodies); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"POST transit/decrypt/packet-gd", "POST transit/sign/mo/sha2-256"}, paths); diff != "" {
		t.Error(diff)
	}
}

func TestWhatDecryptRepliesMean(t *testing.T) {
	const good = `{"reference":"1","plaintext":"a2V5"}`
	for name, test := range map[string]struct {
		status int
		body   string
		want   error // nil: it opens
		calls  int
	}{
		"an opened item":                        {200, `{"data":{"batch_results":[` + good + `]}}`, nil, 1},
		"an opened item beside what we ignore":  {200, `{"request_id":"x","data":{"other":1,"batch_results":[` + good + `]},"auth":null}`, nil, 1},
		"a result without a content":            {200, `{"data":{"batch_results":[{"reference":"1"}]}}`, errResults, 1},
		"an empty content":                      {200, `{"data":{"batch_results":[{"reference":"1","plaintext":""}]}}`, nil, 1},
		"a bad ciphertext alone (Vault: 500)":   {500, `{"data":{"batch_results":[{"reference":"1","error":"failed to RSA decrypt the ciphertext: x"}]}}`, keys.ErrDecrypt, 1},
		"a bad ciphertext (Vault: 400)":         {400, `{"data":{"batch_results":[{"reference":"1","error":"invalid ciphertext: could not decode base64"}]}}`, keys.ErrDecrypt, 1},
		"a bad ciphertext (Vault: 200)":         {200, `{"data":{"batch_results":[{"reference":"1","plaintext":"","error":"x"}]}}`, keys.ErrDecrypt, 1},
		"a version that Vault does not have":    {400, `{"data":{"batch_results":[{"reference":"1","error":"invalid ciphertext: version is too new"}]}}`, errItem, 1},
		"a version that Vault has given up":     {400, `{"data":{"batch_results":[{"reference":"1","error":"ciphertext or signature version is disallowed by policy (too old)"}]}}`, errItem, 1},
		"an internal error":                     {500, `{"errors":["1 error occurred"]}`, keys.ErrUnavailable, 1},
		"sealed":                                {503, `{"errors":["Vault is sealed"]}`, keys.ErrUnavailable, 2},
		"permission denied":                     {403, `{"errors":["permission denied"]}`, keys.ErrUnavailable, 1},
		"no body":                               {200, ``, keys.ErrUnavailable, 1},
		"a page of a proxy's":                   {502, `<html>`, keys.ErrUnavailable, 2},
		"no results":                            {200, `{"data":{"batch_results":[]}}`, errResults, 1},
		"one result too many":                   {200, `{"data":{"batch_results":[` + good + `,{"reference":"2"}]}}`, errResults, 1},
		"the same result twice":                 {200, `{"data":{"batch_results":[` + good + `,` + good + `]}}`, errResults, 1},
		"somebody else's result":                {200, `{"data":{"batch_results":[{"reference":"2","plaintext":"a2V5"}]}}`, errResults, 1},
		"a result without a reference":          {200, `{"data":{"batch_results":[{"plaintext":"a2V5"}]}}`, errResults, 1},
		"a member named twice":                  {200, `{"data":{"batch_results":[{"reference":"1","plaintext":"a2V5","plaintext":"a2V6"}]}}`, errResults, 1},
		"a plaintext that is not base64":        {200, `{"data":{"batch_results":[{"reference":"1","plaintext":"a2-5"}]}}`, errResults, 1},
		"a plaintext that is not canonical":     {200, `{"data":{"batch_results":[{"reference":"1","plaintext":"a2V5ZR=="}]}}`, errResults, 1},
		"something that only mentions a result": {200, `"batch_results"`, errResults, 1},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			ring := newScripted(t, func(string, string, []byte) (Reply, error) {
				calls++
				return Reply{Status: test.status, Body: []byte(test.body)}, nil
			})
			_, err := decryptOnce(t, ring)
			if !errors.Is(err, test.want) || calls != test.calls {
				t.Errorf("error = %v after %d calls, want %v after %d", err, calls, test.want, test.calls)
			}
			if err != nil && errors.Is(err, keys.ErrDecrypt) == errors.Is(err, keys.ErrUnavailable) {
				t.Errorf("error = %v, want either ErrDecrypt or ErrUnavailable", err)
			}
			counted := ring.decrypts.breaker.Counts().TotalFailures > 0
			anItem := errors.Is(test.want, keys.ErrDecrypt) || errors.Is(test.want, errItem) || strings.HasPrefix(name, "a plaintext") ||
				name == "a result without a content"
			if counted != (test.want != nil && !anItem) {
				t.Errorf("counted against Vault: %v", counted)
			}
		})
	}
}

func TestWhatSignRepliesMean(t *testing.T) {
	digest, other := sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b"))
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw := rawSignature(t, signing(), digest)
	encode := base64.RawURLEncoding.EncodeToString
	for name, test := range map[string]struct {
		signature string
		version   int
		fault     string
		want      error
	}{
		"a signature":                      {"vault:v3:" + encode(raw), 3, "", nil},
		"of another version, by its name":  {"vault:v2:" + encode(raw), 3, "", errResults},
		"of another version, as it says":   {"vault:v3:" + encode(raw), 2, "", errResults},
		"of version 30":                    {"vault:v30:" + encode(raw), 3, "", errResults},
		"without a prefix":                 {encode(raw), 3, "", errResults},
		"in ASN.1":                         {"vault:v3:" + base64.StdEncoding.EncodeToString(append([]byte{0x30, 0x45}, raw...)), 3, "", errResults},
		"of 63 bytes":                      {"vault:v3:" + encode(raw[:63]), 3, "", errResults},
		"of 65 bytes":                      {"vault:v3:" + encode(append(raw[:64:64], 0)), 3, "", errResults},
		"with padding":                     {"vault:v3:" + encode(raw) + "==", 3, "", errResults},
		"empty":                            {"", 3, "", errResults},
		"over another digest":              {"vault:v3:" + encode(rawSignature(t, signing(), other)), 3, "", errSignature},
		"by another key":                   {"vault:v3:" + encode(rawSignature(t, stranger, digest)), 3, "", errSignature},
		"of zeros":                         {"vault:v3:" + encode(make([]byte, 64)), 3, "", errSignature},
		"none, since the version is old":   {"", 0, "requested version for signing is less than the minimum encryption key version", errItem},
		"one, although there was an error": {"vault:v3:" + encode(raw), 3, "x", errItem},
	} {
		t.Run(name, func(t *testing.T) {
			ring := newScripted(t, func(string, string, []byte) (Reply, error) {
				body, _ := json.Marshal(map[string]any{"data": map[string]any{"batch_results": []any{map[string]any{
					"reference": "1", "signature": test.signature, "key_version": test.version, "error": test.fault,
				}}}})
				return Reply{Status: 200, Body: body}, nil
			})
			signature, err := signOnce(t, ring, digest)
			if !errors.Is(err, test.want) || (err == nil) != (len(signature) == 64) {
				t.Errorf("%d bytes, error = %v, want %v", len(signature), err, test.want)
			}
			if err != nil && !errors.Is(err, keys.ErrUnavailable) {
				t.Errorf("error = %v, want ErrUnavailable", err)
			}
		})
	}
}

// TestOneMoreAttempt: where it is likely to help, and never more than one.
func TestOneMoreAttempt(t *testing.T) {
	reset, timeout := &Fault{Kind: Unreachable}, &Fault{Kind: Slow}
	good := Reply{Status: 200, Body: []byte(`{"data":{"batch_results":[{"reference":"1","plaintext":"a2V5"}]}}`)}
	busy := func(after string) Reply { return Reply{Status: 429, Header: http.Header{"Retry-After": {after}}} }
	type said struct {
		reply Reply
		err   error
	}
	for name, test := range map[string]struct {
		vault []said
		calls int
		ok    bool
		after time.Duration // what the outage says
		least time.Duration // what it takes
	}{
		"after a broken connection":           {[]said{{err: reset}, {reply: good}}, 2, true, 0, retryPause},
		"but not a third":                     {[]said{{err: reset}, {err: reset}, {reply: good}}, 2, false, retryShed, retryPause},
		"not after a timeout":                 {[]said{{err: timeout}, {reply: good}}, 1, false, retryShed, 0},
		"while another node takes over":       {[]said{{reply: Reply{Status: 503}}, {reply: good}}, 2, true, 0, retryPause},
		"when a quota's pause is short":       {[]said{{reply: busy("0")}, {reply: good}}, 2, true, 0, retryPause},
		"not when a quota's pause is long":    {[]said{{reply: busy("7")}, {reply: good}}, 1, false, 7 * time.Second, 0},
		"nor when it is half of what is left": {[]said{{reply: busy("1")}, {reply: good}}, 1, false, time.Second, 0},
		"whatever Retry-After says":           {[]said{{reply: busy("Wed, 21 Oct 2026 07:28:00 GMT")}, {reply: good}}, 2, true, 0, retryPause},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				ring := newScripted(t, func(string, string, []byte) (Reply, error) {
					calls++
					reply := test.vault[calls-1].reply
					reply.Body = slices.Clone(reply.Body) // the ring wipes it
					return reply, test.vault[calls-1].err
				})
				_, err := decryptOnce(t, ring)
				var outage *Outage
				if errors.As(err, &outage); calls != test.calls || (err == nil) != test.ok || err != nil && outage.After != test.after {
					t.Errorf("error = %v after %d calls", err, calls)
				}
				if took := time.Since(start); took < test.least || took > 200*time.Millisecond {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// shuffling is a Vault that answers each batch in an order of its own, and now and then with another batch's results. It
// "opens" a ciphertext to its SHA-256, and signs for real.
type shuffling struct {
	t     *testing.T
	mu    sync.Mutex
	other []map[string]any // results of an earlier batch
	count int
}

func (s *shuffling) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	var batch struct {
		Items []map[string]string `json:"batch_input"`
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, err
	}
	results := []map[string]any{}
	for _, one := range batch.Items {
		results = append(results, s.result(one))
	}
	results = s.mix(results)
	answer, err := json.Marshal(map[string]any{"data": map[string]any{"batch_results": results}})
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(string(answer)))}, err
}

func (s *shuffling) result(one map[string]string) map[string]any {
	if ciphertext, opens := one["ciphertext"]; opens {
		raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(ciphertext, "vault:v2:"))
		sum := sha256.Sum256(raw)
		return map[string]any{"reference": one["reference"], "plaintext": base64.StdEncoding.EncodeToString(sum[:])}
	}
	raw, _ := base64.StdEncoding.DecodeString(one["input"])
	signature := "vault:v3:" + base64.RawURLEncoding.EncodeToString(rawSignature(s.t, signing(), [32]byte(raw)))
	return map[string]any{"reference": one["reference"], "signature": signature, "key_version": 3}
}

func (s *shuffling) mix(results []map[string]any) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	if s.count%97 == 0 && s.other != nil {
		results, s.other = s.other, results
	} else if s.count%89 == 0 {
		s.other = results
	}
	shuffled := make([]map[string]any, 0, len(results))
	for _, one := range results {
		at := 0
		if len(shuffled) > 0 {
			at = s.count % (len(shuffled) + 1)
		}
		shuffled = append(shuffled[:at], append([]map[string]any{one}, shuffled[at:]...)...)
	}
	return shuffled
}

// overHTTP asks an http.RoundTripper.
type overHTTP struct{ http.RoundTripper }

func (o overHTTP) Call(ctx context.Context, method, path string, body []byte) (Reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://vault.invalid/v1/"+path, strings.NewReader(string(body)))
	if err != nil {
		return Reply{}, err
	}
	response, err := o.RoundTrip(request)
	if err != nil {
		return Reply{}, err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return Reply{Status: response.StatusCode, Header: response.Header, Body: read}, err
}

// TestNobodyGetsAnothersAnswer is threat T22: ten thousand distinct operations at once, over a Vault that keeps no order. What
// is answered with another batch's results is an outage; nobody ever gets another's answer.
func TestNobodyGetsAnothersAnswer(t *testing.T) {
	const parallel = 10_000
	vault := &shuffling{t: t}
	ring := newScripted(t, nil)
	ring.config.Vault = overHTTP{vault}
	ring.decrypts.limits.Queue, ring.signs.limits.Queue = parallel, parallel
	ring.decrypts.patience, ring.signs.patience = time.Minute, time.Minute
	key, err := ring.Decrypter("packet-gd.2.AAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ring.Signer("mo")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	right, outages := 0, 0
	count := func(good bool, err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case good:
			right++
		case errors.Is(err, errResults):
			outages++
		default:
			t.Errorf("another's answer, or %v", err)
		}
	}
	var group sync.WaitGroup
	for i := range parallel {
		group.Go(func() {
			ctx := WithPeer(t.Context(), fmt.Sprint(i%100))
			input := fmt.Appendf(nil, "operation %d", i)
			digest := sha256.Sum256(input)
			if i%2 == 0 {
				output, err := key.Decrypt(ctx, input)
				count(err == nil && string(output) == string(digest[:]), err)
				return
			}
			signature, err := signer.Sign(ctx, digest)
			count(err == nil && holds(signer.Public(), digest, signature), err)
		})
	}
	group.Wait()
	if right+outages != parallel || outages == 0 || outages > parallel/10 {
		t.Errorf("%d right answers and %d outages of %d", right, outages, parallel)
	}
}

func publicPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
