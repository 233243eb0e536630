package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"crosscode/api"
	"crosscode/config"
	"crosscode/crypto/keys"
	"crosscode/crypto/transit"
	"crosscode/exchange"
	"crosscode/exchange/clock"
)

// ring is a key ring with what only the wiring needs to know of it.
type ring struct {
	keys.Ring
	// follow keeps the ring up to date until the context ends.
	follow func(context.Context)
	// ready tells why the ring cannot work now.
	ready func(context.Context) error
	// rotate makes a new version of a key, with the rights of whoever runs this.
	rotate func(ctx context.Context, name string, now bool) (keys.Public, error)
	// trim ends the retired versions of a key, and with destroy erases them; it gives the oldest version that is left.
	trim func(ctx context.Context, name string, destroy bool) (oldest int, err error)
	// doubt says that what was opened under this context was no packet after all.
	doubt func(context.Context)
	close func()
}

func openRing(settings config.Config, log *slog.Logger) (*ring, error) {
	if settings.Keys.Kind == config.KeysVault {
		return openVault(settings.Keys.Vault, login(settings.Keys.Vault.Login), log)
	}
	return openEmbedded(settings.Keys, log)
}

func openEmbedded(settings config.Keys, log *slog.Logger) (*ring, error) {
	embedded, err := keys.OpenEmbedded(settings.File, clock.Now)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there are no keys in %s: make them with `gateway keys init`", settings.File)
	}
	if err != nil {
		return nil, err
	}
	log.Warn(embedded.Notice())
	return &ring{
		Ring:   embedded,
		follow: func(ctx context.Context) { followFile(ctx, embedded, log) },
		ready:  func(context.Context) error { return nil },
		rotate: func(_ context.Context, name string, now bool) (keys.Public, error) { return embedded.Rotate(name, now) },
		trim: func(context.Context, string, bool) (int, error) {
			return 0, errors.New("keys in a file need no trimming: a rotation erases the versions that have retired")
		},
		doubt: func(context.Context) {},
		close: func() {},
	}, nil
}

// followEvery is how often the key file is looked at. A rotation in another process shows within this time.
const followEvery = 10 * time.Second

// followFile takes over what `gateway keys rotate` wrote. A file that cannot be read changes nothing.
func followFile(ctx context.Context, embedded *keys.Embedded, log *slog.Logger) {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := embedded.Reload(); err != nil {
				log.Error("the key file cannot be read again: the keys in memory stay in use", "error", err)
			}
		}
	}
}

// openVault makes the ring over Vault's transit engine. It asks Vault for nothing yet: follow logs in and reads the keys.
func openVault(settings config.Vault, login transit.Login, log *slog.Logger) (*ring, error) {
	client, err := transit.NewClient(transit.ClientConfig{
		Address: settings.Address, CAFile: settings.CAFile, ServerName: settings.ServerName, Namespace: settings.Namespace,
		Login: login, Log: log,
	})
	if err != nil {
		return nil, err
	}
	over, err := transit.New(transit.Config{
		Vault: client, Mount: settings.Mount, Keys: keys.Defaults(), Peer: api.Peer, Log: log,
	})
	if err != nil {
		client.Close()
		return nil, err
	}
	return &ring{
		Ring: over,
		follow: func(ctx context.Context) {
			go client.Run(ctx)
			over.Run(ctx)
		},
		ready:  over.Ready,
		rotate: over.Rotate,
		trim:   over.Trim,
		doubt:  over.Doubt,
		close:  client.Close,
	}, nil
}

func login(settings config.Login) transit.Login {
	switch settings.Method {
	case config.LoginKubernetes:
		return transit.Kubernetes{Mount: settings.Mount, Role: settings.Role, TokenFile: settings.TokenFile}
	case config.LoginTokenFile:
		return transit.TokenFile{Path: settings.TokenFile}
	case config.LoginAgent:
		return transit.Agent{}
	default:
		return transit.AppRole{Mount: settings.Mount, RoleID: settings.RoleID, SecretIDFile: settings.SecretIDFile}
	}
}

// doubting tells the ring about packets that opened and turned out to be none, so that whoever seals garbage properly gets no
// more of Vault's time than whoever sends plain garbage.
type doubting struct {
	exchange.Opener
	exchange.Verifier
	doubt func(context.Context)
}

// Open is the Opener's.
func (d doubting) Open(ctx context.Context, packet exchange.Packet) (exchange.Signed, error) {
	signed, err := d.Opener.Open(ctx, packet)
	d.told(ctx, err)
	return signed, err
}

// Verify is the Verifier's.
func (d doubting) Verify(ctx context.Context, signed exchange.Signed) (exchange.Claims, error) {
	claims, err := d.Verifier.Verify(ctx, signed)
	d.told(ctx, err)
	return claims, err
}

func (d doubting) told(ctx context.Context, err error) {
	if reason, found := exchange.ReasonOf(err); found && reason == exchange.PacketRefused {
		d.doubt(ctx)
	}
}

// settleTime is how long a command waits for a ring to know its keys.
const settleTime = 10 * time.Second

// settledRing opens a ring for one command, and waits until it is ready.
func settledRing(ctx context.Context, settings config.Config) (opened *ring, done func(), err error) {
	if opened, err = openRing(settings, quiet()); err != nil {
		return nil, nil, err
	}
	return settled(ctx, opened)
}

// operatorsRing is for what the gateway's own token may not do: with Vault it takes the operator's from VAULT_TOKEN.
func operatorsRing(ctx context.Context, settings config.Config) (opened *ring, done func(), err error) {
	token := os.Getenv("VAULT_TOKEN")
	if settings.Keys.Kind != config.KeysVault || token == "" {
		return settledRing(ctx, settings)
	}
	if opened, err = openVault(settings.Keys.Vault, transit.Token(token), quiet()); err != nil {
		return nil, nil, err
	}
	return settled(ctx, opened)
}

func settled(ctx context.Context, opened *ring) (ready *ring, done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	var background sync.WaitGroup
	background.Go(func() { opened.follow(ctx) })
	done = func() {
		cancel()
		background.Wait()
		opened.close()
	}
	for {
		if err = opened.ready(ctx); err == nil {
			return opened, done, nil
		}
		select {
		case <-ctx.Done():
			done()
			return nil, nil, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
