package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	policies "crosscode/config/vault"
	"crosscode/crypto/keys"
	"crosscode/crypto/transit"
)

type vaultCommand struct {
	Init  vaultInit  `cmd:"" help:"Make what the gateway needs in Vault: the transit engine, the keys, two policies. What is there stays."`
	Check vaultCheck `cmd:"" help:"Say what a token can and cannot do for the gateway. Changes nothing. Exit status 1: not as it should be."`
}

// vaultAccess says how Vault is reached, under the names that Vault's own program uses.
type vaultAccess struct {
	Address       string `name:"address" env:"VAULT_ADDR" default:"https://127.0.0.1:8200" placeholder:"URL" help:"Vault's address (${env}): https://…, http:// on loopback only, or unix:///path of an agent's socket."`
	CACert        string `name:"ca-cert" env:"VAULT_CACERT" type:"existingfile" placeholder:"FILE" help:"The only authorities that are trusted (${env}), PEM."`
	TLSServerName string `name:"tls-server-name" env:"VAULT_TLS_SERVER_NAME" placeholder:"NAME" help:"The name in Vault's certificate (${env})."`
	Namespace     string `name:"namespace" env:"VAULT_NAMESPACE" placeholder:"PATH" help:"The namespace (${env}); Enterprise and HCP only."`
	TokenFile     string `name:"token-file" type:"existingfile" placeholder:"FILE" help:"Read the token from here instead of VAULT_TOKEN or ~/.vault-token."`
	Mount         string `name:"mount" default:"transit" help:"Where the transit engine is."`
	Bits          int    `name:"bits" enum:"2048,3072,4096" default:"3072" help:"RSA modulus of packet keys that are to be made."`
}

// setupTime bounds one request of these commands: making an RSA key takes Vault a second or more.
const setupTime = 30 * time.Second

func (a vaultAccess) plan() transit.Plan {
	specs := keys.Defaults()
	for i := range specs {
		if specs[i].Algorithm == keys.RSAOAEP256 {
			specs[i].Bits = a.Bits
		}
	}
	return transit.Plan{Mount: a.Mount, Keys: specs, Gateway: policies.Gateway, Operator: policies.Operator}
}

func (a vaultAccess) connect() (*transit.Client, error) {
	login, err := a.login()
	if err != nil {
		return nil, err
	}
	return transit.NewClient(transit.ClientConfig{
		Address: a.Address, CAFile: a.CACert, ServerName: a.TLSServerName, Namespace: a.Namespace, Login: login, Timeout: setupTime,
	})
}

var errNoToken = errors.New("no token: set VAULT_TOKEN, log in with `vault login`, or give --token-file")

// login looks where Vault's own program looks. The token is no flag, since everybody on a machine can read those.
func (a vaultAccess) login() (transit.Login, error) {
	if a.TokenFile != "" {
		return transit.TokenFile{Path: a.TokenFile}, nil
	}
	if token := os.Getenv("VAULT_TOKEN"); token != "" {
		return transit.Token(token), nil
	}
	if strings.HasPrefix(a.Address, "unix:") {
		return transit.Agent{}, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, errNoToken
	}
	path := filepath.Join(home, ".vault-token")
	if _, err := os.Stat(path); err != nil {
		return nil, errNoToken
	}
	return transit.TokenFile{Path: path}, nil
}

type vaultInit struct {
	vaultAccess `embed:""`
	Print       bool `help:"Only print the two policies for this mount. Vault is not called."`
}

// nextSteps is what an operator does after init, which depends on how his gateways log in.
const nextSteps = `
Give the policies to whoever needs them, for example:
  vault write auth/approle/role/crosscode token_policies=%[1]s token_ttl=1h token_max_ttl=24h
  vault token create -policy=%[2]s -ttl=15m        (for: gateway keys rotate)
Then, with the gateway's own token: gateway vault check
`

// Run says what it did and what it found, also when it ends with a fault.
func (c *vaultInit) Run(ctx context.Context, std streams) error {
	plan := c.plan()
	if c.Print {
		return printPolicies(std, plan)
	}
	client, err := c.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	done, err := transit.Init(ctx, client, plan)
	for _, line := range done {
		fmt.Fprintln(std.out, line)
	}
	if err != nil {
		return errors.New(transit.InFull(err))
	}
	fmt.Fprintf(std.out, nextSteps, transit.GatewayPolicy, transit.OperatorPolicy)
	return nil
}

func printPolicies(std streams, plan transit.Plan) error {
	for _, policy := range []struct{ name, file string }{
		{transit.GatewayPolicy, plan.Gateway}, {transit.OperatorPolicy, plan.Operator},
	} {
		text, err := plan.Render(policy.file)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "# ---- vault policy write %s -\n%s\n", policy.name, text)
	}
	return nil
}

type vaultCheck struct {
	vaultAccess `embed:""`
}

// Run prints every finding and then yes or no.
func (c *vaultCheck) Run(ctx context.Context, std streams) error {
	client, err := c.connect()
	if err != nil {
		return err
	}
	defer client.Close()
	findings := transit.Check(ctx, client, c.plan())
	for _, finding := range findings {
		mark := "ok "
		if !finding.OK {
			mark = "NO "
		}
		fmt.Fprintln(std.out, mark, finding.Line)
	}
	if !transit.Sound(findings) {
		fmt.Fprintln(std.out, "no: a gateway should not run with this token")
		return exitCode(1)
	}
	fmt.Fprintln(std.out, "yes: a gateway can run with this token")
	return nil
}
