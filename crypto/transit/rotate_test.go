package transit_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosscode/crypto/keys"
	"crosscode/crypto/keys/keystest"
	"crosscode/crypto/transit"
	"crosscode/crypto/transit/transittest"
)

// load is replicas at work: each opens and signs all the time, with what is published and what signs.
type load struct {
	done, failed, lost atomic.Int64
	versions           sync.Map // kids that signed
	stop               context.CancelFunc
	group              sync.WaitGroup
}

// newLoad starts it. A request that fails with an outage is repeated once, as a traveller's page does; one that fails
// again is lost.
func newLoad(t *testing.T, replicas ...*transit.Ring) *load {
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop}
	for i, ring := range replicas {
		for worker := range 4 {
			l.group.Go(func() {
				for number := 0; ctx.Err() == nil; number++ {
					l.request(t, ring, replicas[(i+1)%len(replicas)], fmt.Sprint(worker, number))
				}
			})
		}
	}
	return l
}

func (l *load) request(t *testing.T, ring, publisher *transit.Ring, input string) {
	err := l.once(ring, publisher, input)
	if errors.Is(err, keys.ErrUnavailable) {
		l.failed.Add(1)
		err = l.once(ring, publisher, input)
	}
	if err != nil {
		t.Error(err)
		l.lost.Add(1)
	}
	l.done.Add(1)
}

// once seals to every packet key that another replica publishes, opens with this one, and signs.
func (l *load) once(ring, publisher *transit.Ring, input string) error {
	ctx := context.Background()
	for _, public := range publisher.Public() {
		if public.Algorithm != keys.RSAOAEP256 {
			continue
		}
		sealed, err := sealTo(public, []byte(input))
		if err != nil {
			return err
		}
		if opened, err := open(ctx, ring, public.KeyID, sealed); err != nil || string(opened) != input {
			return fmt.Errorf("opening with %s: %w", public.KeyID, err)
		}
	}
	public, err := sign(ctx, ring, "mo", sha256.Sum256([]byte(input)))
	l.versions.Store(public.KeyID, true)
	return err
}

func (l *load) end() {
	l.stop()
	l.group.Wait()
}

// TestRotationUnderLoadLosesNoRequest: a new version is published at once and opens on every replica, also on those that have
// not read it yet. With now, a request that had its kid already is told to come again, and none is lost.
func TestRotationUnderLoadLosesNoRequest(t *testing.T) {
	for name, now := range map[string]bool{"to sign after the overlap": false, "to sign now": true} {
		t.Run(name, func(t *testing.T) {
			noLeaks(t)
			vault := transittest.Start(t)
			makeKeys(t, vault, specs())
			first, operator := rings(t, vault, specs(), nil, nil)
			second, _ := rings(t, vault, specs(), nil, nil)
			running, stop := context.WithCancel(t.Context())
			var group sync.WaitGroup
			for _, ring := range []*transit.Ring{first, second} {
				group.Go(func() { ring.Run(running) })
			}
			load := newLoad(t, first, second)
			for _, key := range []string{"mo", "packet-gd", "mo", "packet-gd"} {
				time.Sleep(200 * time.Millisecond)
				if _, err := operator.Rotate(t.Context(), key, now); err != nil {
					t.Fatal(err)
				}
				if err := first.Refresh(t.Context()); err != nil { // the other one is left to find out by itself
					t.Fatal(err)
				}
			}
			time.Sleep(500 * time.Millisecond)
			load.end()
			t.Logf("%d requests, %d of them repeated, %d lost", load.done.Load(), load.failed.Load(), load.lost.Load())
			if load.lost.Load() > 0 || load.done.Load() < 50 || !now && load.failed.Load() > 0 {
				t.Errorf("%d requests, %d repeated, %d lost", load.done.Load(), load.failed.Load(), load.lost.Load())
			}
			signed := 0
			load.versions.Range(func(any, any) bool { signed++; return true })
			if expected := map[bool]int{false: 1, true: 3}[now]; signed != expected {
				t.Errorf("%d versions signed, want %d", signed, expected)
			}
			if err := second.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(schedule(first), schedule(second)); diff != "" {
				t.Errorf("the replicas do not agree: %s", diff)
			}
			stop()
			group.Wait()
		})
	}
}

func schedule(ring keys.Ring) (list []string) {
	for _, public := range ring.Public() {
		list = append(list, public.KeyID+" "+public.CreatedAt.String()+" "+public.SignsFrom.String())
	}
	return list
}

// TestTrimEndsWhatHasRetired: not a second earlier; and what is destroyed cannot be brought back.
func TestTrimEndsWhatHasRetired(t *testing.T) {
	for name, destroy := range map[string]bool{"keeping it in Vault's archive": false, "destroying it": true} {
		t.Run(name, func(t *testing.T) {
			vault, clock := transittest.Start(t), keystest.NewClock()
			makeKeys(t, vault, specs())
			machine := &timeMachine{now: clock.Now, made: map[string]time.Time{}}
			ring, operator := rings(t, vault, specs(), clock.Now, machine.wrap)
			old := findKey(t, ring, "packet-gd")
			sealed := seal(t, old, []byte("secret"))
			if _, err := operator.Rotate(t.Context(), "packet-gd", false); err != nil || ring.Refresh(t.Context()) != nil {
				t.Fatal(err)
			}
			clock.Advance(keys.Overlap + keys.SealedLife - time.Second)
			if oldest, err := operator.Trim(t.Context(), "packet-gd", destroy); err != nil || oldest != 1 {
				t.Errorf("a second before: Trim() = %d, %v, want 1", oldest, err)
			}
			if opened, err := open(t.Context(), ring, old.KeyID, sealed); err != nil || string(opened) != "secret" {
				t.Errorf("a second before it retires: %q, %v", opened, err)
			}
			clock.Advance(time.Second)
			stale, err := ring.Decrypter(old.KeyID)
			if !errors.Is(err, keys.ErrUnknownKey) {
				t.Errorf("when it has retired: %v, %v", stale, err)
			}
			for range 2 { // a second time changes nothing
				if oldest, err := operator.Trim(t.Context(), "packet-gd", destroy); err != nil || oldest != 2 {
					t.Errorf("Trim() = %d, %v, want 2", oldest, err)
				}
			}
			ring, _ = rings(t, vault, specs(), clock.Now, machine.wrap)
			if list := ring.Public(); len(list) != 3 || list[0].Version != 2 {
				t.Errorf("published: %v", schedule(ring))
			}
			revived, err := vault.Admin(t).Logical().Write(vault.Mount+"/keys/packet-gd/config", map[string]any{"min_decryption_version": 1})
			if destroyed := err != nil; destroyed != destroy {
				t.Errorf("bringing it back: %v, %v", revived, err)
			}
		})
	}
}

// TestAVersionThatVaultGaveUpIsNoBadPacket: a replica that has not read yet that a version is trimmed answers with an outage.
func TestAVersionThatVaultGaveUpIsNoBadPacket(t *testing.T) {
	vault := transittest.Start(t)
	makeKeys(t, vault, specs())
	ring, operator := rings(t, vault, specs(), nil, nil)
	old := findKey(t, ring, "packet-gd")
	if _, err := operator.Rotate(t.Context(), "packet-gd", false); err != nil {
		t.Fatal(err)
	}
	vault.Write(t, vault.Mount+"/keys/packet-gd/config", map[string]any{"min_decryption_version": 2})
	_, err := open(t.Context(), ring, old.KeyID, seal(t, old, []byte("secret")))
	if !errors.Is(err, keys.ErrUnavailable) || errors.Is(err, keys.ErrDecrypt) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
	if err := ring.Ready(t.Context()); err != nil {
		t.Errorf("Ready() = %v: it is no outage of Vault", err)
	}
}

func TestRotateAndTrimKnowTheirKeys(t *testing.T) {
	vault := transittest.Start(t)
	makeKeys(t, vault, specs())
	_, operator := rings(t, vault, specs(), nil, nil)
	if _, err := operator.Rotate(t.Context(), "../mo", false); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("Rotate() error = %v", err)
	}
	if _, err := operator.Trim(t.Context(), "zz", true); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("Trim() error = %v", err)
	}
	vault.Write(t, vault.Mount+"/keys/mo/config", map[string]any{"exportable": true})
	if _, err := operator.Rotate(t.Context(), "mo", true); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("Rotate(exportable) error = %v", err)
	}
}
