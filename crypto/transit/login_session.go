package transit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"crosscode/crypto/keys"
)

const (
	// loginTime bounds one login, the jitter before it left out.
	loginTime = 5 * time.Second
	// loginJitter spreads the logins of all replicas whose tokens were revoked at one moment.
	loginJitter = 250 * time.Millisecond
	// loginSpacing is the least time between two logins that succeeded. A 403 that comes from a policy rather than from the
	// token would otherwise make every request a login.
	loginSpacing = 2 * time.Second
	// loginPause and maxLoginPause bound the wait after logins that failed; it doubles in between. The longest one must leave
	// room to be back within ten seconds of Vault's return.
	loginPause    = 500 * time.Millisecond
	maxLoginPause = 4 * time.Second
)

// held is a token in use. Generations count the logins, so that of all who were refused with one token the first renews it
// and the others find it renewed.
type held struct {
	lease
	generation uint64
	replaced   chan struct{} // closed when the next one is there
}

// session owns the token.
type session struct {
	client *Client
	login  Login
	log    *slog.Logger
	alive  context.Context // ends with close: a login outlives the request that asked for it, but not the client
	end    context.CancelFunc
	work   sync.WaitGroup

	mutex    sync.Mutex // guards what follows
	held     held
	flight   *flight
	next     time.Time // before which there is no further login
	failures int       // in a row
	failed   error     // why the last one failed; nil if it did not
	closed   bool
}

// flight is a login under way. Its results are written before done closes.
type flight struct {
	done chan struct{}
	held held
	err  error
}

func newSession(client *Client, login Login, log *slog.Logger) *session {
	alive, end := context.WithCancel(context.Background())
	return &session{client: client, login: login, log: log, alive: alive, end: end}
}

var errClosed = fmt.Errorf("vault: the client is closed: %w", keys.ErrUnavailable)

// acquire gives a token that is newer than the given generation, and logs in for it if there is none. All who wait share one
// login. It gives an error at once while the last attempt is too recent.
func (s *session) acquire(ctx context.Context, after uint64) (held, error) {
	under, current, err := s.join(after)
	if err != nil || under == nil {
		return current, err
	}
	select {
	case <-under.done:
		return under.held, under.err
	case <-ctx.Done():
		return held{}, unreached(ctx, context.Cause(ctx))
	}
}

// join finds the token, or the login to wait for.
func (s *session) join(after uint64) (*flight, held, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch wait := time.Until(s.next); {
	case s.closed:
		return nil, held{}, errClosed
	case s.held.generation > after:
		return nil, s.held, nil
	case s.flight != nil:
	case s.login == nil:
		return nil, held{}, &Fault{Kind: Denied, Words: "no way to log in is configured"}
	case wait > 0:
		return nil, held{}, s.resting(wait)
	default:
		s.flight = &flight{done: make(chan struct{})}
		s.work.Go(func() { s.fly(after > 0) })
	}
	return s.flight, held{}, nil
}

// resting is the answer while no login is due: what the last one failed with, and how long to wait.
func (s *session) resting(wait time.Duration) error {
	fault := &Fault{Kind: Denied, Words: "the token was refused soon after the login: see its policies"}
	var last *Fault
	if errors.As(s.failed, &last) {
		fault = &Fault{Kind: last.Kind, Status: last.Status, Words: last.Words}
	} else if s.failed != nil {
		fault.Words = printable(s.failed.Error())
	}
	fault.After = wait
	return fault
}

// fly logs in and tells everyone who waits.
func (s *session) fly(again bool) {
	got, err := s.attempt(again)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	under := s.flight
	s.flight = nil
	defer close(under.done)
	if err != nil {
		s.failures, s.failed = s.failures+1, err
		pause := min(loginPause<<min(s.failures-1, 10), maxLoginPause)
		s.next = time.Now().Add(pause*3/4 + rand.N(pause/2)) //nolint:gosec // spreads, need not be unguessable
		under.err = s.resting(time.Until(s.next))
		s.log.Warn("vault: login failed", "method", s.login.String(), "attempt", s.failures, "fault", faultKind(err))
		return
	}
	s.failures, s.failed, s.next = 0, nil, time.Now().Add(loginSpacing)
	if s.held.replaced != nil {
		close(s.held.replaced)
	}
	s.held = held{lease: got, generation: s.held.generation + 1, replaced: make(chan struct{})}
	under.held = s.held
	s.log.Info("vault: logged in", "method", s.login.String(), "life", got.life.String(), "renewable", got.renewable)
}

// faultKind is what the log may know of an error: a kind, or that a file could not be used. Vault's own words stay out.
func faultKind(err error) string {
	var fault *Fault
	if errors.As(err, &fault) {
		return fault.Error()
	}
	return "the credentials could not be read"
}

var errPanic = errors.New("vault: a login panicked")

// attempt logs in once. A second login waits a moment first, which is different for every replica.
func (s *session) attempt(again bool) (got lease, err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	ctx := s.alive
	if again && !pause(ctx, rand.N(loginJitter)) { //nolint:gosec // spreads, need not be unguessable
		return lease{}, errClosed
	}
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	return s.login.login(ctx, s.client)
}

// close ends logins in flight and gives the token back that was made for us, so that restarts do not leave leases behind.
func (s *session) close() {
	s.mutex.Lock()
	last := s.held
	first := !s.closed
	s.closed = true
	s.mutex.Unlock()
	s.end()
	s.work.Wait()
	if !first || !last.ours {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	revoke := request{method: http.MethodPost, path: "auth/token/revoke-self"}
	_, _ = s.client.send(ctx, s.client.api, revoke, last.token) // if it fails: the token expires anyway
}
