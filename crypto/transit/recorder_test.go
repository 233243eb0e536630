package transit

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"crosscode/crypto/transit/transittest"
)

// recorder stands between a client and a real Vault and writes down what is sent.
type recorder struct {
	mutex sync.Mutex
	sent  []recorded
}

type recorded struct {
	method, path, body string
	header             http.Header
}

func (r *recorder) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		var body []byte
		if request.Body != nil {
			body, _ = io.ReadAll(request.Body)
			request.Body = io.NopCloser(bytes.NewReader(body))
		}
		r.mutex.Lock()
		r.sent = append(r.sent, recorded{request.Method, request.URL.Path, string(body), request.Header.Clone()})
		r.mutex.Unlock()
		return next.RoundTrip(request)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (r *recorder) all() []recorded {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]recorded{}, r.sent...)
}

// count tells how many requests went to paths with this ending.
func (r *recorder) count(ending string) int {
	found := 0
	for _, one := range r.all() {
		if strings.HasSuffix(one.path, ending) {
			found++
		}
	}
	return found
}

// open makes a client and closes it at the end of the test, after which nothing of it may be running.
func open(t *testing.T, config ClientConfig) *Client {
	t.Helper()
	before := goleak.IgnoreCurrent()
	client, err := NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		goleak.VerifyNone(t, before)
	})
	return client
}

// openRoot makes a client with the root token.
func openRoot(t *testing.T, v *transittest.Vault) *Client {
	t.Helper()
	return open(t, ClientConfig{
		Address: v.Address, CAFile: v.CAFile, Namespace: v.Namespace, Login: Token(v.Token), Timeout: 20 * time.Second,
	})
}
