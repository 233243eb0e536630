package transit

import (
	"context"
	"time"

	"github.com/hashicorp/vault/api"
)

// run keeps a token there: it logs in, has it renewed, and logs in again when renewing has come to its end.
func (s *session) run(ctx context.Context) {
	for after := uint64(0); ctx.Err() == nil; {
		current, err := s.acquire(ctx, after)
		if err != nil {
			pause(ctx, s.untilNext())
			continue
		}
		s.keep(ctx, current)
		after = current.generation
	}
}

// untilNext is how long to wait for the next login that may be tried; never so short that a loop would spin.
func (s *session) untilNext() time.Duration {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return max(time.Until(s.next), loginPause/5)
}

// keep returns when the token should be replaced, or has been: HashiCorp's watcher renews it at two thirds of its life and
// gives up shortly before its end.
func (s *session) keep(ctx context.Context, current held) {
	if current.life == 0 {
		// It does not expire, or the agent sees to it. A refused request will tell if it is revoked.
		select {
		case <-current.replaced:
		case <-ctx.Done():
		}
		return
	}
	watcher, err := s.client.api.NewLifetimeWatcher(&api.LifetimeWatcherInput{Secret: &api.Secret{Auth: &api.SecretAuth{
		ClientToken: current.token, LeaseDuration: int(current.life / time.Second), Renewable: current.renewable,
	}}})
	if err != nil {
		pause(ctx, current.life/2)
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { _ = recover() }() // a panic in the watcher ends the watching: a new login follows
		watcher.Start()
	}()
	for renewed := true; renewed; {
		renewed = false
		select {
		case <-watcher.RenewCh():
			renewed = true
		case <-ended:
		case <-current.replaced:
		case <-ctx.Done():
		}
	}
	watcher.Stop()
	<-ended // a renewal under way takes at most the client's timeout
}
