package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	"github.com/hashicorp/vault/audit"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/helper/namespace"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// The files that hold the secrets of a data folder.
const (
	tokenFile = "root-token"
	keyFile   = "unseal-key"
)

// storage is what the nodes of one Vault share.
type storage struct {
	folder string
	data   physical.Backend
	lock   physical.HABackend // nil for a single node
	log    hclog.Logger
}

func openStorage(folder string, several bool, log hclog.Logger) (*storage, error) {
	data, err := file.NewFileBackend(map[string]string{"path": filepath.Join(folder, "storage")}, log)
	if err != nil {
		return nil, err
	}
	shared := &storage{folder: folder, data: data, log: log}
	if !several {
		return shared, nil
	}
	// Which node is active need not outlive the process, so the lock may be in memory.
	lock, err := inmem.NewInmemHA(nil, log)
	if err != nil {
		return nil, err
	}
	shared.lock = lock.(physical.HABackend)
	return shared, nil
}

// newNode makes a sealed node. The address is its own, to which a standby redirects.
func (s *storage) newNode(address string) (*vault.Core, error) {
	return vault.NewCore(&vault.CoreConfig{
		Physical: s.data, HAPhysical: s.lock, StorageType: "file",
		RedirectAddr:       address,
		LogicalBackends:    engines,
		CredentialBackends: logins,
		AuditBackends:      map[string]audit.Factory{audit.TypeFile: audit.NewFileBackend},
		BuiltinRegistry:    registry{},
		DisableMlock:       true,
		DefaultLeaseTTL:    time.Hour, MaxLeaseTTL: 24 * time.Hour,
		Logger: s.log,
	})
}

var (
	engines = map[string]logical.Factory{"transit": transit.Factory}
	logins  = map[string]logical.Factory{"approle": approle.Factory, "kubernetes": kubernetes.Factory}
)

func handler(node *vault.Core) http.Handler {
	return vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: node, ListenerConfig: &configutil.Listener{}})
}

// initialise makes the unseal key and the root token, once in the life of the data.
func (s *storage) initialise(ctx context.Context, node *vault.Core) (first bool, err error) {
	known, err := node.Initialized(ctx)
	if err != nil || known {
		return false, err
	}
	made, err := node.Initialize(ctx, &vault.InitParams{
		BarrierConfig:  &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
		RecoveryConfig: &vault.SealConfig{},
	})
	if err != nil {
		return false, fmt.Errorf("initialising: %w", err)
	}
	return true, errors.Join(
		s.keep(keyFile, hex.EncodeToString(made.SecretShares[0])),
		s.keep(tokenFile, made.RootToken))
}

func (s *storage) keep(name, secret string) error {
	return os.WriteFile(filepath.Join(s.folder, name), []byte(secret), 0o600)
}

func (s *storage) secret(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(s.folder, name))
	return strings.TrimSpace(string(data)), err
}

func (s *storage) unseal(node *vault.Core) error {
	text, err := s.secret(keyFile)
	if err != nil {
		return err
	}
	key, err := hex.DecodeString(text)
	if err != nil {
		return fmt.Errorf("%s: %w", keyFile, err)
	}
	if open, err := node.Unseal(key); err != nil || !open {
		return fmt.Errorf("unsealing: still sealed: %w", err)
	}
	return nil
}

// patience is how long a node may take to become the active one.
const patience = 30 * time.Second

func awaitActive(ctx context.Context, node *vault.Core) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if standby, err := node.Standby(); err == nil && !standby {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the node has not become active: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// enableAudit logs in the clear (log_raw): Vault would write HMACs otherwise, in which nothing could be found. The device is
// kept with the data, so a second start finds it there.
func (s *storage) enableAudit(ctx context.Context, node *vault.Core, path string) error {
	token, err := s.secret(tokenFile)
	if err != nil {
		return err
	}
	answer, err := node.HandleRequest(namespace.RootContext(ctx), &logical.Request{
		Operation: logical.UpdateOperation, Path: "sys/audit/file", ClientToken: token,
		Data: map[string]any{"type": "file", "options": map[string]any{"file_path": path, "log_raw": "true"}},
	})
	if answer != nil && answer.IsError() {
		err = answer.Error() // says what it is; err, if there is one, only its class
	}
	if err != nil && strings.Contains(err.Error(), "path already in use") {
		return nil
	}
	return err
}
