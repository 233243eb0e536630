package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"crosscode/crypto/transit"
	"crosscode/crypto/transit/transittest"
)

// runVault runs one vault command as the command line would and gives what it printed.
func runVault(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	parser, err := kong.New(&vaultCommand{}, kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	command, err := parser.Parse(arguments)
	if err != nil {
		t.Fatal(err)
	}
	command.BindTo(t.Context(), (*context.Context)(nil))
	command.Bind(streams{out: &out, err: &out})
	err = command.Run()
	return out.String(), err
}

func TestVaultInitAndCheck(t *testing.T) {
	v := transittest.Start(t, transittest.TLS(), transittest.Unmounted())
	t.Setenv("VAULT_ADDR", v.Address)
	t.Setenv("VAULT_CACERT", v.CAFile)
	t.Setenv("VAULT_TOKEN", v.Token)
	out, err := runVault(t, "init", "--bits", "2048")
	if err != nil || strings.Count(out, "made ") != 11 || !strings.Contains(out, "transit/") {
		t.Fatalf("init: %v\n%s", err, out)
	}
	if out, err = runVault(t, "init"); err != nil || strings.Count(out, "found ") != 11 {
		t.Errorf("init again: %v\n%s", err, out)
	}
	if out, err = runVault(t, "check"); !errors.Is(err, exitCode(1)) || !strings.Contains(out, "NO  it is a root token") {
		t.Errorf("check with a root token: %v\n%s", err, out)
	}
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(v.NewToken(t, time.Hour, "default", transit.GatewayPolicy)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err = runVault(t, "check", "--token-file", path); err != nil || !strings.HasSuffix(out, "yes: a gateway can run with this token\n") {
		t.Errorf("check with a gateway's token: %v\n%s", err, out)
	}
	t.Setenv("VAULT_TOKEN", "hvs.none")
	if out, err = runVault(t, "init"); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("init with a token that was made up: %v\n%s", err, out)
	}
	t.Setenv("VAULT_TOKEN", "")
	t.Setenv("HOME", t.TempDir())
	if _, err = runVault(t, "check"); !errors.Is(err, errNoToken) {
		t.Errorf("check without a token: %v", err)
	}
}

func TestVaultInitPrints(t *testing.T) {
	out, err := runVault(t, "init", "--print", "--mount", "border")
	if err != nil || !strings.Contains(out, `path "border/decrypt/packet-gd"`) || strings.Contains(out, `"transit/`) {
		t.Errorf("%v\n%s", err, out)
	}
}
