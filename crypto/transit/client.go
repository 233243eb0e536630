package transit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/hashicorp/vault/api"
)

// ClientConfig says how Vault is reached and as whom.
type ClientConfig struct {
	// Address is https://host:port, http://… on a loopback host only, or unix:///path of a Vault Agent's socket.
	Address string
	// CAFile holds the PEM certificates of the only authorities that are trusted. An https address needs one.
	CAFile string
	// ServerName is the name in Vault's certificate, where it is not the address's.
	ServerName string
	// Namespace is sent with each request (Enterprise, HCP); empty: the root namespace.
	Namespace string
	// Login gets the token. Nil: there is none, and only what needs none can be asked.
	Login Login
	// Timeout bounds one request and its answer. Zero: DefaultTimeout.
	Timeout time.Duration
	// Log hears about logins. It never gets a token, a key, or Vault's own words. Nil: nobody does.
	Log *slog.Logger
	// Wrap stands between the client and the network, for a test that watches or disturbs. Nil: nothing does.
	Wrap func(http.RoundTripper) http.RoundTripper
}

const (
	// DefaultTimeout is long for a batch of RSA decrypts (65 ms for 16 of 3072 bits) and short for a traveller who waits.
	DefaultTimeout = 2 * time.Second
	// maxAnswer bounds what is read of one answer. A key with a thousand RSA-4096 versions has 900 KiB.
	maxAnswer = 1 << 20
)

var mountPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)

var _ Vault = (*Client)(nil)

// Client makes calls to Vault for a ring and its operators. It never retries on its own, except that a refused token is renewed once and the call
// repeated; it follows no redirect; it reads nothing from the environment. It is safe for concurrent use. Close it.
type Client struct {
	api     *api.Client // with the namespace
	root    *api.Client // without: for sys/health, which only the root namespace has
	http    *http.Client
	session *session
}

// NewClient checks the configuration. It calls nobody yet: the first call logs in, or Run does.
func NewClient(config ClientConfig) (*Client, error) {
	config = config.complete()
	base, transport, err := newTransport(config)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if config.Login != nil {
		if err := config.Login.check(); err != nil {
			return nil, err
		}
	}
	c := &Client{http: &http.Client{
		Transport: bounded{next: config.Wrap(transport), idle: transport},
		Timeout:   config.Timeout,
		// The redirect becomes the answer: a token is never carried to where a standby points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if err := c.openAPI(base, config.Namespace); err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	c.session = newSession(c, config.Login, config.Log)
	return c, nil
}

func (c ClientConfig) complete() ClientConfig {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Wrap == nil {
		c.Wrap = func(network http.RoundTripper) http.RoundTripper { return network }
	}
	return c
}

// openAPI makes HashiCorp's client and takes away what it would add on its own: retries (threats §0.4: each bad packet
// would become three calls), redirects, and whatever VAULT_TOKEN, VAULT_NAMESPACE, VAULT_HEADERS and VAULT_WRAP_TTL say.
func (c *Client) openAPI(base, namespace string) error {
	never := func(context.Context, *http.Response, error) (bool, error) { return false, nil }
	client, err := api.NewClient(&api.Config{
		Address: base, HttpClient: c.http, MaxRetries: 0, CheckRetry: never, DisableRedirects: true,
	})
	if err != nil {
		return err
	}
	client.ClearToken()
	client.SetHeaders(http.Header{api.RequestHeaderName: {"true"}}) // an agent may ask for it, against request forgery
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	c.root = client.WithNamespace("")
	c.api = client.WithNamespace(namespace)
	return nil
}

// Run keeps the token alive until the context ends: it renews it, and logs in again when it cannot be renewed. A client
// works without it too, but then finds out by a refusal that its token has expired.
func (c *Client) Run(ctx context.Context) { c.session.run(ctx) }

// Close stops logins in flight, gives a token back that the client has logged in for, and closes its connections. Calls in
// flight fail.
func (c *Client) Close() {
	c.session.close()
	c.http.CloseIdleConnections()
}

// Call makes one request to a path below /v1/ and gives Vault's answer, whatever its status: a batch has its results in the
// body of a 500 as well. A refused token is renewed once, by one goroutine for all who hold it, and the request repeated. The
// error is a *Fault if there was no answer or no token, or context.Canceled if the caller has gone.
func (c *Client) Call(ctx context.Context, method, path string, body []byte) (Reply, error) {
	return c.call(ctx, request{method: method, path: path, body: body})
}

// request is one request to a path below /v1/.
type request struct {
	method, path string
	query        url.Values
	body         []byte // JSON, or nil
}

func (c *Client) call(ctx context.Context, r request) (Reply, error) {
	held, err := c.session.acquire(ctx, 0)
	if err != nil {
		return Reply{}, err
	}
	reply, err := c.send(ctx, c.api, r, held.token)
	if err != nil || reply.Status != http.StatusForbidden {
		return reply, err
	}
	if held, err = c.session.acquire(ctx, held.generation); err != nil {
		return reply, nil //nolint:nilerr // the refusal is the better answer: it may be the policy, and no token's fault
	}
	return c.send(ctx, c.api, r, held.token)
}

// send makes one request with one token.
func (c *Client) send(ctx context.Context, client *api.Client, r request, token string) (Reply, error) {
	call := client.NewRequest(r.method, "/v1/"+r.path)
	call.ClientToken, call.Params, call.BodyBytes = token, r.query, r.body
	//nolint:staticcheck // what replaces it drops the body of a failed batch, or cannot say whose token it is
	response, err := client.RawRequestWithContext(ctx, call)
	var refused *api.ResponseError
	if response != nil {
		defer response.Body.Close()
	}
	if response == nil || (err != nil && !errors.As(err, &refused)) {
		c.http.CloseIdleConnections() // they may lead to the same dead end
		return Reply{}, unreached(ctx, err)
	}
	reply := Reply{Status: response.StatusCode, Header: response.Header}
	if reply.Body, err = io.ReadAll(response.Body); err != nil {
		return Reply{}, unreached(ctx, err)
	}
	return reply, nil
}

// ask makes a request and reads the answer into result, unless that is nil. Whatever is not a success is a *Fault.
func (c *Client) ask(ctx context.Context, method, path string, body, result any) error {
	r := request{method: method, path: path}
	if body != nil {
		var err error
		if r.body, err = json.Marshal(body); err != nil {
			return fmt.Errorf("vault: %w", err)
		}
	}
	reply, err := c.call(ctx, r)
	if err != nil {
		return err
	}
	return reply.read(result)
}

// read reads an answer of success. A nil result wants nothing of it.
func (r Reply) read(result any) error {
	if r.Status < 200 || r.Status >= 300 {
		return answered(r)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(r.Body, result); err != nil {
		return &Fault{Kind: Broken, Status: r.Status}
	}
	return nil
}

// Health is the state of the node that answers.
type Health struct {
	Initialised bool   `json:"initialized"` //nolint:misspell // Vault's spelling
	Sealed      bool   `json:"sealed"`
	Standby     bool   `json:"standby"` // it forwards, or redirects, to the active node
	Version     string `json:"version"`
}

// Health asks the node for its state. It needs no token.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var health Health
	reply, err := c.send(ctx, c.root, request{
		method: http.MethodGet, path: "sys/health",
		// Without these, Vault tells the state by the status alone.
		query: url.Values{"standbyok": {"true"}, "perfstandbyok": {"true"}, "sealedcode": {"200"}, "uninitcode": {"200"}},
	}, "")
	if err != nil {
		return health, err
	}
	return health, reply.read(&health)
}
