package transit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"

	"crosscode/crypto/keys"
)

// Kind is why a call failed.
type Kind string

// The ways in which a call fails.
const (
	Unreachable Kind = "unreachable"       // no connection, a broken one, or a certificate that is not the pinned authority's
	Slow        Kind = "slow"              // no answer in time
	Sealed      Kind = "sealed"            // 503: sealed, or no active node
	Redirected  Kind = "not active"        // 3xx, 472, 473: a standby that cannot forward
	Busy        Kind = "busy"              // 429: a rate-limit quota
	Denied      Kind = "permission denied" // 401, 403, and a refused login
	Missing     Kind = "not found"         // 404
	Refused     Kind = "refused"           // any other 4xx: a request that Vault does not like
	Broken      Kind = "broken"            // any other 5xx, or an answer that is not Vault's
)

// Fault is a call that has failed as a whole. It is keys.ErrUnavailable to errors.Is. Its text is the kind and the status; what Vault or the connection said is in Words, which only an operator may see.
type Fault struct {
	Kind   Kind
	Status int           // HTTP status; 0 if there was no answer
	After  time.Duration // what Vault asked for, at most a minute, or when the next login is due; 0 if nobody knows
	Words  string        // one printable line; may quote the request
}

// Error says what failed, without Words.
func (f *Fault) Error() string {
	if f.Status == 0 {
		return "vault: " + string(f.Kind)
	}
	return fmt.Sprintf("vault: %s (HTTP %d)", f.Kind, f.Status)
}

// Unwrap makes every fault an outage of the ring, and never a fault of the packet.
func (f *Fault) Unwrap() error { return keys.ErrUnavailable }

// Timeout tells whether there was no answer in time.
func (f *Fault) Timeout() bool { return f.Kind == Slow }

// InFull is an error for an operator's terminal, with what Vault said. Joined errors are a line each.
func InFull(err error) string {
	if joined, several := err.(interface{ Unwrap() []error }); several {
		lines := []string{}
		for _, one := range joined.Unwrap() {
			lines = append(lines, InFull(one))
		}
		return strings.Join(lines, "\n")
	}
	var fault *Fault
	if errors.As(err, &fault) && fault.Words != "" {
		return err.Error() + ": " + fault.Words
	}
	return err.Error()
}

// isKind tells whether the error is a fault of this kind.
func isKind(err error, kind Kind) bool {
	var fault *Fault
	return errors.As(err, &fault) && fault.Kind == kind
}

// unreached is a request without an answer. One that its own caller has given up is context.Canceled and no fault at all, so
// that travellers who walk away do not open a breaker.
func unreached(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("vault: %w", context.Canceled)
	}
	fault := &Fault{Kind: Unreachable}
	var timeout net.Error
	switch {
	case errors.Is(err, errTooLong):
		fault.Kind = Broken
	case errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout()):
		fault.Kind = Slow
	}
	if err != nil {
		fault.Words = printable(err.Error())
	}
	return fault
}

// answered is what an answer means that is no success.
func answered(r Reply) *Fault {
	var said struct {
		Errors []string `json:"errors"`
	}
	_ = json.Unmarshal(r.Body, &said) // for an operator's eyes only
	return &Fault{
		Kind: kind(r.Status), Status: r.Status, After: r.retryAfter(), Words: printable(strings.Join(said.Errors, "; ")),
	}
}

func kind(status int) Kind {
	switch {
	case status == http.StatusServiceUnavailable || status == http.StatusNotImplemented:
		return Sealed
	case status == 472 || status == 473 || status < 400:
		return Redirected
	case status == http.StatusTooManyRequests:
		return Busy
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return Denied
	case status == http.StatusNotFound:
		return Missing
	case status < 500:
		return Refused
	default:
		return Broken
	}
}

const maxWords = 300

// printable makes a message fit for one line of a terminal.
func printable(words string) string {
	words = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, words)
	words = strings.Join(strings.Fields(words), " ")
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return words
}
