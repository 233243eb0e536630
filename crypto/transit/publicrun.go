package transit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// retryRead is how long to wait after a read that failed: short, since it is also how we find out that Vault is back, and
// it is one small request. It is spread by a quarter either way.
const retryRead = time.Second

// Run keeps the public halves up to date until ctx ends: each key is read once in every RingConfig.Refresh, one at a time, and all
// at once when a call that failed gives reason to. After an outage all keys are read before the ring is ready again.
func (r *Ring) Run(ctx context.Context) {
	all := true
	for turn := 0; ctx.Err() == nil; turn++ {
		err := r.look(ctx, turn, all || r.health.Load() != nil)
		wait := r.config.Refresh / time.Duration(len(r.config.Keys))
		if err != nil {
			wait = retryRead
		}
		all = r.rest(ctx, wait*3/4+rand.N(wait/2+1)) //nolint:gosec // jitter
	}
}

// look reads the next key or all of them.
func (r *Ring) look(ctx context.Context, turn int, all bool) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = newOutage(fmt.Errorf("reading the keys: panic of type %T", value), 0)
			r.ail(err.Error())
		}
	}()
	if all {
		return r.Refresh(ctx)
	}
	if _, err = r.read(ctx, r.config.Keys[turn%len(r.config.Keys)].Name); err != nil && ctx.Err() == nil {
		r.ail(err.Error())
	}
	return err
}

// rest waits, or until somebody nudges, but not less than a little: a storm of failing calls must not become one of reads. It
// tells whether somebody did.
func (r *Ring) rest(ctx context.Context, wait time.Duration) (nudged bool) {
	least := min(wait, retryRead/4)
	if !pause(ctx, least) {
		return false
	}
	timer := time.NewTimer(wait - least)
	defer timer.Stop()
	select {
	case <-r.nudged:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// nudge has Run read all keys soon.
func (r *Ring) nudge() {
	select {
	case r.nudged <- struct{}{}:
	default:
	}
}

// Refresh reads all keys now. The error names all that are wrong with them; an outage ends it at the first key.
func (r *Ring) Refresh(ctx context.Context) error {
	var faults []error
	for _, spec := range r.config.Keys {
		_, err := r.read(ctx, spec.Name)
		if err != nil {
			faults = append(faults, err)
		}
		if err != nil && !isFault(err) {
			break
		}
	}
	if err := errors.Join(faults...); err != nil {
		if ctx.Err() == nil {
			r.ail(err.Error())
		}
		return err
	}
	if was := r.health.Swap(nil); was != nil {
		r.config.Log.Info("all keys are read and usable")
	}
	return nil
}

// isFault tells what is wrong with one key from what is wrong with Vault, or with our token.
func isFault(err error) bool {
	var fault *Fault
	if errors.As(err, &fault) {
		return fault.Kind == Missing || fault.Kind == Refused || fault.Kind == Broken
	}
	return errors.Is(err, errUnsafe) || errors.Is(err, errKind) || errors.Is(err, errKeyReply) || errors.Is(err, errRolledBack)
}

// ail notes why the ring is not ready, and says so once.
func (r *Ring) ail(reason string) {
	if was := r.health.Swap(&reason); was == nil || *was != reason {
		r.config.Log.Warn("the key ring is not ready", "reason", reason)
	}
}
