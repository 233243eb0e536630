package transit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// Login is a way to get a token: AppRole, Kubernetes, TokenFile, Token or Agent. What it reads from a file it reads at each
// login, so that a rotated secret is picked up without a restart.
type Login interface {
	// login gets a token. It may use the client's unauthenticated calls only.
	login(ctx context.Context, c *Client) (lease, error)
	// check finds what can never work, before anything is called.
	check() error
	// String names the method, for the log.
	String() string
}

// lease is a token and how long it is good for.
type lease struct {
	token     string
	life      time.Duration // 0: for ever, or nobody knows
	renewable bool
	ours      bool // made by this login for us alone, so we revoke it when we end
}

// AppRole logs in with a role id and a secret id.
type AppRole struct {
	Mount        string // where the method is; empty: "approle"
	RoleID       string
	SecretIDFile string // empty: the role asks for none (bind_secret_id=false)
}

// Kubernetes logs in with the pod's service account token.
type Kubernetes struct {
	Mount     string // where the method is; empty: "kubernetes"
	Role      string
	TokenFile string // empty: DefaultServiceAccountToken
}

// DefaultServiceAccountToken is where Kubernetes puts a pod's token.
const DefaultServiceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token" //nolint:gosec // a path

// TokenFile takes the token that something else, such as a Vault Agent's sink, keeps in a file.
type TokenFile struct{ Path string }

// Token is a token itself, for an operator's command: it is asked for once and not renewed by a login.
type Token string

// Agent sends no token: the Vault Agent behind the socket adds its own.
type Agent struct{}

// The names of the methods, as the log and the configuration have them.
func (AppRole) String() string    { return "approle" }
func (Kubernetes) String() string { return "kubernetes" }
func (TokenFile) String() string  { return "token-file" }
func (Token) String() string      { return "token" }
func (Agent) String() string      { return "agent" }

var errLogin = errors.New("vault: login")

func (l AppRole) check() error {
	if l.RoleID == "" {
		return fmt.Errorf("%w: approle needs a role id", errLogin)
	}
	return checkMount(l.Mount)
}

func (l Kubernetes) check() error {
	if l.Role == "" {
		return fmt.Errorf("%w: kubernetes needs a role", errLogin)
	}
	return checkMount(l.Mount)
}

func (l TokenFile) check() error {
	if l.Path == "" {
		return fmt.Errorf("%w: token-file needs a path", errLogin)
	}
	return nil
}

func (l Token) check() error {
	_, err := cleanToken(string(l))
	return err
}

func (Agent) check() error { return nil }

func checkMount(mount string) error {
	if mount != "" && !mountPattern.MatchString(mount) {
		return fmt.Errorf("%w: the mount must be a path of letters, digits, hyphens and underscores", errLogin)
	}
	return nil
}

func (l AppRole) login(ctx context.Context, c *Client) (lease, error) {
	credentials := map[string]string{"role_id": l.RoleID}
	if l.SecretIDFile != "" {
		secret, err := readSecret(l.SecretIDFile)
		if err != nil {
			return lease{}, err
		}
		credentials["secret_id"] = secret
	}
	return c.logIn(ctx, orDefault(l.Mount, "approle"), credentials)
}

func (l Kubernetes) login(ctx context.Context, c *Client) (lease, error) {
	jwt, err := readSecret(orDefault(l.TokenFile, DefaultServiceAccountToken))
	if err != nil {
		return lease{}, err
	}
	return c.logIn(ctx, orDefault(l.Mount, "kubernetes"), map[string]string{"role": l.Role, "jwt": jwt})
}

func (l TokenFile) login(ctx context.Context, c *Client) (lease, error) {
	token, err := readSecret(l.Path)
	if err != nil {
		return lease{}, err
	}
	return Token(token).login(ctx, c)
}

// login asks how long the token is good for. One that may not look itself up is taken as it is.
func (l Token) login(ctx context.Context, c *Client) (lease, error) {
	token, err := cleanToken(string(l))
	if err != nil {
		return lease{}, err
	}
	got, err := c.send(ctx, c.api, request{method: http.MethodGet, path: "auth/token/lookup-self"}, token)
	if err != nil {
		return lease{}, err
	}
	var self struct {
		Data struct {
			Life      int  `json:"ttl"` // seconds
			Renewable bool `json:"renewable"`
		} `json:"data"`
	}
	if err := got.read(&self); err != nil {
		return lease{}, err
	}
	return lease{token: token, life: time.Duration(self.Data.Life) * time.Second, renewable: self.Data.Renewable}, nil
}

func (Agent) login(context.Context, *Client) (lease, error) { return lease{}, nil }

// logIn asks an authentication method for a token. Vault answers wrong credentials with 400 as well as 403.
func (c *Client) logIn(ctx context.Context, mount string, credentials map[string]string) (lease, error) {
	body, err := json.Marshal(credentials)
	if err != nil {
		return lease{}, err
	}
	got, err := c.send(ctx, c.api, request{method: http.MethodPost, path: "auth/" + mount + "/login", body: body}, "")
	if err != nil {
		return lease{}, err
	}
	var granted struct {
		Auth struct {
			Token     string `json:"client_token"`
			Life      int    `json:"lease_duration"` // seconds
			Renewable bool   `json:"renewable"`
		} `json:"auth"`
	}
	if err := got.read(&granted); err != nil {
		return lease{}, err
	}
	token, err := cleanToken(granted.Auth.Token)
	return lease{
		token: token, life: time.Duration(granted.Auth.Life) * time.Second, renewable: granted.Auth.Renewable, ours: true,
	}, err
}

// maxSecret bounds what is read of a file with a secret. A Kubernetes token has about 1 KiB.
const maxSecret = 16 << 10

func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errLogin, err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecret {
		return "", fmt.Errorf("%w: %s is not a file of at most %d bytes", errLogin, path, maxSecret)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errLogin, err)
	}
	secret, err := cleanToken(string(data))
	if err != nil {
		return "", fmt.Errorf("%w: %s is empty or holds more than one line of printable characters", errLogin, path)
	}
	return secret, nil
}

// cleanToken takes the line end off a secret. Anything else that cannot stand in a header is refused rather than sent.
func cleanToken(token string) (string, error) {
	token = strings.TrimSpace(token)
	unfit := func(r rune) bool { return r <= ' ' || r > '~' }
	if token == "" || len(token) > maxSecret || strings.ContainsFunc(token, unfit) {
		return "", fmt.Errorf("%w: not a token", errLogin)
	}
	return token, nil
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
