package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"crypto/tls"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/vault"
)

// instance is one node and what it is reached by.
type instance struct {
	node     *vault.Core
	server   *http.Server
	listener net.Listener
	address  string // http://127.0.0.1:8200
}

// serve runs until the context ends.
func serve(ctx context.Context, chosen options, out, stderr io.Writer) error {
	folder, forget, err := dataFolder(chosen.data)
	if err != nil {
		return err
	}
	defer forget()
	log := hclog.New(&hclog.LoggerOptions{Name: "vault", Output: stderr, Level: hclog.LevelFromString(chosen.logLevel)})
	shared, err := openStorage(folder, chosen.standby != "", log)
	if err != nil {
		return err
	}
	instances, err := shared.start(ctx, chosen)
	defer func() { stop(instances) }()
	if err != nil {
		return err
	}
	if err := announce(chosen, folder, instances, out); err != nil {
		return err
	}
	return await(ctx, instances)
}

// dataFolder is the given folder, or a temporary one that goes away at the end.
func dataFolder(given string) (folder string, forget func(), err error) {
	if given == "" {
		folder, err = os.MkdirTemp("", "devvault-")
		return folder, func() { _ = os.RemoveAll(folder) }, err
	}
	folder, err = filepath.Abs(given)
	if err == nil {
		err = os.MkdirAll(folder, 0o700)
	}
	return folder, func() {}, err
}

// start opens the active node and, if asked, the standby. What has been opened is given back even with an error.
func (s *storage) start(ctx context.Context, chosen options) (instances []*instance, err error) {
	var secure *tls.Config
	if chosen.tls {
		if secure, err = tlsConfig(s.folder); err != nil {
			return nil, err
		}
	}
	active, err := s.open(ctx, chosen.listen, secure)
	if err != nil {
		return nil, err
	}
	instances = append(instances, active)
	if err := s.ready(ctx, active.node, chosen); err != nil || chosen.standby == "" {
		return instances, err
	}
	second, err := s.open(ctx, chosen.standby, secure)
	if err != nil {
		return instances, err
	}
	instances = append(instances, second)
	if chosen.sealed {
		return instances, nil
	}
	return instances, s.unseal(second.node)
}

func (s *storage) open(ctx context.Context, listen string, secure *tls.Config) (*instance, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, err
	}
	address := "http://" + listener.Addr().String()
	if secure != nil {
		address = "https://" + listener.Addr().String()
		listener = tls.NewListener(listener, secure)
	}
	node, err := s.newNode(address)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: handler(node), ReadHeaderTimeout: 10 * time.Second}
	return &instance{node: node, server: server, listener: listener, address: address}, nil
}

// ready initialises and unseals the node and turns its audit log on.
func (s *storage) ready(ctx context.Context, node *vault.Core, chosen options) error {
	first, err := s.initialise(ctx, node)
	if err != nil {
		return err
	}
	if chosen.sealed && !first {
		return nil
	}
	if err := s.unseal(node); err != nil {
		return err
	}
	if err := awaitActive(ctx, node); err != nil || chosen.audit == "" {
		return err
	}
	path, err := filepath.Abs(chosen.audit)
	if err != nil {
		return err
	}
	return s.enableAudit(ctx, node, path)
}

const welcome = `Vault (devvault, for development and tests only) is at %s
  export VAULT_ADDR=%s VAULT_TOKEN=$(cat %s)
  seal, unseal: curl -X PUT -H "X-Vault-Token: $VAULT_TOKEN" $VAULT_ADDR/v1/sys/seal
                curl -X PUT -d '{"key": "'$(cat %s)'"}' $VAULT_ADDR/v1/sys/unseal
`

// announce says where the server is. The ready file appears whole, by a rename, since others wait for it.
func announce(chosen options, folder string, instances []*instance, out io.Writer) error {
	addresses := []string{}
	for _, each := range instances {
		addresses = append(addresses, each.address)
	}
	fmt.Fprintf(out, welcome, addresses[0], addresses[0], filepath.Join(folder, tokenFile), filepath.Join(folder, keyFile))
	if chosen.tls {
		fmt.Fprintf(out, "  export VAULT_CACERT=%s\n", filepath.Join(folder, authorityFile))
	}
	if chosen.standby != "" {
		fmt.Fprintln(out, "  its standby is at", addresses[1])
	}
	if chosen.readyFile == "" {
		return nil
	}
	unfinished := chosen.readyFile + ".new"
	if err := os.WriteFile(unfinished, []byte(strings.Join(addresses, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, chosen.readyFile)
}

// await serves until the context ends or a server fails.
func await(ctx context.Context, instances []*instance) error {
	failed := make(chan error, len(instances))
	for _, each := range instances {
		go func() { failed <- each.server.Serve(each.listener) }()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// stop lets requests finish for a few seconds and then seals the nodes, the standby first, so that it does not take over.
func stop(instances []*instance) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	for i := len(instances) - 1; i >= 0; i-- {
		_ = instances[i].server.Shutdown(ctx)
		_ = instances[i].node.ShutdownWait()
		_ = instances[i].listener.Close() // already closed if it was served from
	}
}
