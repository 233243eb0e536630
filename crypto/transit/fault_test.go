package transit_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"crosscode/crypto/keys"
	"crosscode/crypto/transit"
	"crosscode/crypto/transit/transittest"
)

// patience is the Timeout of the rings here: short, so that the tests are.
const patience = time.Second

// scene is a ring at work over a real Vault, with a bad line between the two.
type scene struct {
	*testing.T
	vault    *transittest.Vault
	line     *toxiproxy.Proxy
	ring     *transit.Ring
	token    string // the file that it lies in
	requests atomic.Int64
	packet   []byte
	keyID    string
}

func newScene(t *testing.T, options ...transittest.Option) *scene {
	s := &scene{T: t, vault: transittest.Start(t, append(options, transittest.Controlled())...)}
	makeKeys(t, s.vault, specs())
	s.line = newLine(t, s.vault.Address)
	s.token = filepath.Join(t.TempDir(), "token")
	s.giveToken()
	scheme, _, _ := strings.Cut(s.vault.Address, "://")
	client := newClient(t, transit.ClientConfig{
		Address: scheme + "://" + s.line.Listen, CAFile: s.vault.CAFile, Login: transit.TokenFile{Path: s.token}, Timeout: patience,
		Wrap: func(network http.RoundTripper) http.RoundTripper {
			return roundTripper(func(request *http.Request) (*http.Response, error) {
				s.requests.Add(1)
				return network.RoundTrip(request)
			})
		},
	})
	s.ring = newRing(t, transit.Config{Vault: client, Mount: s.vault.Mount, Keys: specs(), Timeout: patience})
	s.run(client.Run, s.ring.Run)
	s.await("ready at first", 5*time.Second, func() bool { return s.ring.Ready(t.Context()) == nil })
	public := findKey(t, s.ring, "packet-gd")
	s.packet, s.keyID = seal(t, public, []byte("secret")), public.KeyID
	return s
}

func newLine(t *testing.T, address string) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	line := toxiproxy.NewProxy(server, "line", "127.0.0.1:0", hostPort(address))
	if err := line.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(line.Stop)
	return line
}

func hostPort(address string) string { return address[strings.LastIndex(address, "/")+1:] }

// giveToken puts a fresh token of the gateway's into the file.
func (s *scene) giveToken() {
	token := s.vault.NewToken(s, time.Hour, gatewayPolicy(s, s.vault, specs()))
	if err := os.WriteFile(s.token, []byte(token), 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) run(all ...func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, each := range all {
		group.Go(func() { each(ctx) })
	}
	s.Cleanup(func() { stop(); group.Wait() })
}

func (s *scene) await(what string, within time.Duration, there func() bool) {
	s.Helper()
	begun := time.Now()
	for !there() {
		if time.Since(begun) > within {
			s.Fatalf("not %s after %v", what, within)
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.Logf("%s after %v", what, time.Since(begun).Round(10*time.Millisecond))
}

func (s *scene) poison(toxic string) {
	s.Helper()
	if _, err := s.line.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) heal() { s.line.Toxics.ResetToxics(context.Background()) }

// lead leads the line somewhere else. Connections that stand are cut, as by a load balancer that changes its mind.
func (s *scene) lead(address string) {
	s.Helper()
	if err := s.line.Update(&toxiproxy.Proxy{Listen: s.line.Listen, Upstream: hostPort(address), Enabled: true}); err != nil {
		s.Fatal(err)
	}
}

// once opens the same packet and signs. Whatever happens, it must happen in time, and an outage must look like one.
func (s *scene) once(number int) error {
	begun := time.Now()
	opened, err := open(context.Background(), s.ring, s.keyID, s.packet)
	if err == nil && string(opened) != "secret" {
		s.Errorf("the packet opens to %q", opened)
	}
	_, signErr := sign(context.Background(), s.ring, "mo", sha256.Sum256(fmt.Append(nil, number)))
	if took := time.Since(begun); took > 2*patience+500*time.Millisecond {
		s.Errorf("two operations took %v, want %v each at most", took, patience)
	}
	for _, each := range []error{err, signErr} {
		var outage *transit.Outage
		if each != nil && (!errors.As(each, &outage) || outage.RetryAfter() <= 0 || errors.Is(each, keys.ErrDecrypt)) {
			s.Errorf("error = %v, want an outage that says when to try again", each)
		}
	}
	return errors.Join(err, signErr)
}

// crowd is clients who try again and again until it is told to end. It gives how many succeeded and how many did not.
func (s *scene) crowd(clients int) (end func() (good, bad int64)) {
	ctx, stop := context.WithCancel(context.Background())
	var good, bad atomic.Int64
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			for number := client; ctx.Err() == nil; number += clients {
				if s.once(number) == nil {
					good.Add(1)
				} else {
					bad.Add(1)
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	return func() (int64, int64) { stop(); group.Wait(); return good.Load(), bad.Load() }
}

// TestFaults is issue item 6 and threat T30: each fault is an outage in time and not ready, Vault is hardly asked while it
// lasts, and the same packet opens within ten seconds of its end.
func TestFaults(t *testing.T) {
	noLeaks(t)
	for name, fault := range map[string]struct {
		options    []transittest.Option
		begin, end func(s *scene)
		some       bool // may succeed while it lasts
	}{
		"sealed": {
			begin: func(s *scene) { s.vault.Seal(s) },
			end:   func(s *scene) { s.vault.Unseal(s) },
		},
		"killed and restarted": {
			begin: func(s *scene) { s.vault.Kill(s) },
			end:   func(s *scene) { s.vault.Restart(s, false) },
		},
		"killed, restarted and unsealed by hand": {
			begin: func(s *scene) { s.vault.Kill(s); s.vault.Restart(s, true) },
			end:   func(s *scene) { s.vault.Unseal(s) },
		},
		"stopped in its tracks": {
			begin: func(s *scene) { s.vault.Pause(s) },
			end:   func(s *scene) { s.vault.Resume(s) },
		},
		"slow by five seconds": {
			begin: func(s *scene) {
				s.poison(`{"type": "latency", "stream": "downstream", "attributes": {"latency": 5000}}`)
			},
			end: func(s *scene) { s.heal() },
		},
		"behind half-open connections": {
			begin: func(s *scene) { s.poison(`{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`) },
			end:   func(s *scene) { s.heal() },
		},
		"behind connections that are reset": {
			begin: func(s *scene) {
				s.poison(`{"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 0}}`)
			},
			end: func(s *scene) { s.heal() },
		},
		"a standby that cannot forward": {
			options: []transittest.Option{transittest.Standby()},
			begin:   func(s *scene) { s.lead(s.vault.Standby) },
			end:     func(s *scene) { s.lead(s.vault.Address) },
		},
		"somebody with a certificate of another authority": {
			options: []transittest.Option{transittest.TLS()},
			begin:   func(s *scene) { s.lead(transittest.Start(s, transittest.TLS()).Address) },
			end:     func(s *scene) { s.lead(s.vault.Address) },
		},
		"refusing the token": {
			begin: func(s *scene) {
				token, err := os.ReadFile(s.token)
				if err != nil {
					s.Fatal(err)
				}
				s.vault.Revoke(s, string(token))
			},
			end: func(s *scene) { s.giveToken() },
		},
		"over its quota": {
			begin: func(s *scene) {
				s.vault.Write(s, "sys/quotas/rate-limit/tiny", map[string]any{"path": s.vault.Mount + "/", "rate": 1, "interval": "10s"})
			},
			end: func(s *scene) {
				if _, err := s.vault.Admin(s).Logical().Delete("sys/quotas/rate-limit/tiny"); err != nil {
					s.Fatal(err)
				}
			},
			some: true,
		},
	} {
		t.Run("Vault is "+name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, fault.options...)
			if err := s.once(0); err != nil {
				t.Fatal(err)
			}
			fault.begin(s)
			before, end := s.requests.Load(), s.crowd(20)
			s.await("seen to be down", 3*time.Second, func() bool { return s.ring.Ready(t.Context()) != nil })
			time.Sleep(3 * time.Second)
			stillDown := s.ring.Ready(t.Context()) != nil
			good, bad := end()
			t.Logf("%d requests to Vault for %d outages, %d answers", s.requests.Load()-before, bad, good)
			if !stillDown || bad == 0 || good > 0 && !fault.some {
				t.Errorf("ready in between %v, %d outages, %d answers", !stillDown, bad, good)
			}
			if asked := s.requests.Load() - before; asked > 150 {
				t.Errorf("Vault was asked %d times while it could not answer: a stampede", asked)
			}
			end = s.crowd(20)
			fault.end(s)
			s.await("back", 10*time.Second, func() bool { return s.ring.Ready(t.Context()) == nil && s.once(1) == nil })
			good, bad = end()
			if err := s.once(2); err != nil {
				t.Errorf("after it was back: %v", err)
			}
			t.Logf("on the way back %d outages, %d answers", bad, good)
		})
	}
}
