package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"crosscode/config"
	"crosscode/crypto/keys"
	"crosscode/exchange"
	"crosscode/exchange/clock"
)

type keysCommand struct {
	Init   keysInit   `cmd:"" help:"Make the gateway's own keys."`
	List   keysList   `cmd:"" help:"List the public halves: name, version, kid, algorithm, since when."`
	Rotate keysRotate `cmd:"" help:"Add a new version of one key. With Vault the token is the operator's, in VAULT_TOKEN."`
	Trim   keysTrim   `cmd:"" help:"End the versions of one key that have retired (Vault only; the token as for rotate)."`
}

type keysInit struct {
	Config    string `required:"" env:"CROSSCODE_CONFIG" type:"existingfile" help:"The configuration that names the file."`
	Agreement bool   `help:"Make the packet keys for ECDH-ES on P-256 instead of RSA-OAEP-256. Such keys can never live in Vault."`
	IfMissing bool   `help:"Do nothing when the file is there already."`
}

// Run makes every key once. It never overwrites one.
func (c *keysInit) Run(std streams) error {
	settings, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	if settings.Keys.Kind != config.KeysEmbedded {
		return errors.New("the keys are in Vault: make them with `gateway vault init`")
	}
	if _, err := os.Stat(settings.Keys.File); err == nil {
		if c.IfMissing {
			return nil
		}
		return fmt.Errorf("%s is there already; to renew a key, use `gateway keys rotate`", settings.Keys.File)
	}
	if err := os.MkdirAll(filepath.Dir(settings.Keys.File), 0o700); err != nil {
		return err
	}
	specs := keys.Defaults()
	for i, spec := range specs {
		if c.Agreement && spec.Algorithm == keys.RSAOAEP256 {
			specs[i] = keys.Spec{Name: spec.Name, Algorithm: keys.ECDHES}
		}
	}
	ring, err := keys.InitEmbedded(settings.Keys.File, specs, clock.Now)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%d keys made in %s (mode 0600).\n", len(ring.Public()), settings.Keys.File)
	fmt.Fprintln(std.out, "They are in a file: for development or a single machine only.")
	return nil
}

type keysList struct {
	Config     string `required:"" env:"CROSSCODE_CONFIG" type:"existingfile" help:"The configuration that names the file."`
	Thumbprint string `placeholder:"NAME" help:"Print only the RFC 7638 thumbprint of the version of this key that is in use, to pin it (bundle)."`
}

// Run lists public halves only; a private key never leaves its file.
func (c *keysList) Run(ctx context.Context, std streams) error {
	settings, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	ring, done, err := settledRing(ctx, settings)
	if err != nil {
		return err
	}
	defer done()
	if c.Thumbprint != "" {
		return printThumbprint(std, ring.Public(), c.Thumbprint)
	}
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tVERSION\tKID\tALGORITHM\tCREATED\tIN USE FROM")
	for _, key := range ring.Public() {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\n", key.Name, key.Version, key.KeyID, key.Algorithm,
			moment(key.CreatedAt), moment(key.SignsFrom))
	}
	return table.Flush()
}

func printThumbprint(std streams, public []keys.Public, name string) error {
	var versions []keys.Public
	for _, key := range public {
		if key.Name == name {
			versions = append(versions, key)
		}
	}
	signing, found := keys.Signing(versions, clock.Now())
	if !found {
		return fmt.Errorf("there is no key %q", name)
	}
	thumbprint, err := keys.Thumbprint(signing.Key)
	if err != nil {
		return err
	}
	fmt.Fprintln(std.out, thumbprint)
	return nil
}

type keysRotate struct {
	Name   string `arg:"" help:"The key's name: packet-gd, gd, receipt, bundle, …"`
	Config string `required:"" env:"CROSSCODE_CONFIG" type:"existingfile" help:"The configuration that names the file."`
	Now    bool   `help:"Use the new version at once. Officers whose bundle is older will refuse what it signs."`
}

// Run adds a version. It is published at once and signs only when every good bundle knows it.
func (c *keysRotate) Run(ctx context.Context, std streams) error {
	settings, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	ring, done, err := operatorsRing(ctx, settings)
	if err != nil {
		return err
	}
	defer done()
	added, err := ring.rotate(ctx, c.Name, c.Now)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s is published and in use from %s.\n", added.KeyID, moment(added.SignsFrom))
	if c.Now {
		fmt.Fprintf(std.err, "warning: for up to %s, officers with an older bundle will refuse what it signs\n", exchange.BundleHardLife)
	}
	return nil
}

type keysTrim struct {
	Name    string `arg:"" help:"The key's name: packet-gd, gd, receipt, bundle, …"`
	Config  string `required:"" env:"CROSSCODE_CONFIG" type:"existingfile" help:"The configuration that names the Vault."`
	Destroy bool   `help:"Also erase them: what was sealed to them can then be opened by nobody, ever."`
}

// Run changes nothing as long as something that a version signed or opens may still be good.
func (c *keysTrim) Run(ctx context.Context, std streams) error {
	settings, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	ring, done, err := operatorsRing(ctx, settings)
	if err != nil {
		return err
	}
	defer done()
	oldest, err := ring.trim(ctx, c.Name, c.Destroy)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s: version %d is the oldest that works.\n", c.Name, oldest)
	return nil
}
