package transittest

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
)

// settings are what a test asks of its Vault.
type settings struct{ own, tls, audit, standby, unmounted bool }

// Option asks for something that the shared server does not offer.
type Option func(*settings)

// Controlled asks for a devvault of the test's own, which it can kill, restart, pause, seal and unseal.
func Controlled() Option { return func(s *settings) { s.own = true } }

// TLS asks for a devvault of the test's own that serves TLS, with the authority in CAFile.
func TLS() Option { return func(s *settings) { s.own, s.tls = true, true } }

// Audit asks for a devvault of the test's own that logs every request and answer in the clear.
func Audit() Option { return func(s *settings) { s.own, s.audit = true, true } }

// Standby asks for a devvault of the test's own with a second node, which redirects (307).
func Standby() Option { return func(s *settings) { s.own, s.standby = true, true } }

// Unmounted leaves it to the test to mount an engine at Mount.
func Unmounted() Option { return func(s *settings) { s.unmounted = true } }

var (
	inMain atomic.Bool
	common struct {
		once   sync.Once
		vault  Vault
		server *server
		err    error
	}
)

// Main runs a package's tests, and ends the shared server and the process.
func Main(m *testing.M) {
	inMain.Store(true)
	code := m.Run()
	if common.server != nil {
		common.server.kill()
		_ = os.RemoveAll(common.server.folder)
	}
	os.Exit(code)
}

// sharedVault gives the Vault that all tests of the package use which do not ask for their own.
func sharedVault() (*Vault, error) {
	common.once.Do(func() { common.err = startShared() })
	v := common.vault
	return &v, common.err
}

func startShared() error {
	address, token := os.Getenv("VAULT_ADDR"), os.Getenv("VAULT_TOKEN")
	switch {
	case address != "" && token != "":
		common.vault = Vault{
			Address: address, Token: token, Namespace: os.Getenv("VAULT_NAMESPACE"), CAFile: os.Getenv("VAULT_CACERT"),
		}
		return nil
	case address != "" || token != "":
		return errors.New("set both VAULT_ADDR and VAULT_TOKEN, or neither")
	}
	folder, err := os.MkdirTemp("", "transittest-")
	if err != nil {
		return err
	}
	if program, err := exec.LookPath("vault"); err == nil {
		common.server, err = vaultDev(program, folder)
		if err != nil {
			return err
		}
	} else if common.server, err = devvault(folder, settings{}); err != nil {
		return err
	}
	common.vault = *common.server.vault()
	return nil
}
