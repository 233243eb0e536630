package trust

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"

	"github.com/sony/gobreaker"
)

// Class is what kind of thing went wrong with a source, from a closed set: safe as a metrics label.
type Class string

// The classes.
const (
	Unreachable Class = "unreachable"     // no name, no route, refused, or broken off
	Timeout     Class = "timeout"         // not complete within Config.Timeout
	Address     Class = "address-refused" // the name led to an address that is never called
	Identity    Class = "tls"             // wrong authority, wrong name, expired, or no TLS at all
	Redirect    Class = "redirect"        // an answer that points elsewhere
	Answer      Class = "answer"          // another status than 200, or a compressed body
	TooLarge    Class = "too-large"       // more than 64 KiB
	Malformed   Class = "malformed"       // no good key set (keys.ParseSet)
	File        Class = "file"            // the file of the set cannot be read
	Cache       Class = "cache"           // the set is good and in use, but could not be kept on disk, or be read from there
	Internal    Class = "internal"        // a defect of this program
)

// Classes lists every class, for metrics that start at zero.
func Classes() []Class {
	return []Class{
		Unreachable, Timeout, Address, Identity, Redirect, Answer, TooLarge, Malformed, File, Cache, Internal,
	}
}

// fault is an error with its class.
type fault struct {
	class Class
	cause error
}

func (f *fault) Error() string { return string(f.class) + ": " + f.cause.Error() }

func (f *fault) Unwrap() error { return f.cause }

// kept is a fault after which the new set is nevertheless in use.
type kept struct{ *fault }

func (k *kept) Unwrap() error { return k.fault }

var (
	errPanicked = errors.New("the fetch panicked")
	errAddress  = errors.New("the address is one that is never called")
)

// good is true when the fetch brought a set that is now in use.
func good(err error) bool {
	var in *kept
	return err == nil || errors.As(err, &in)
}

// resting is true when the breaker let nothing through.
func resting(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}

func classOf(err error) Class {
	var f *fault
	switch {
	case err == nil:
		return ""
	case errors.As(err, &f):
		return f.class
	default:
		return Internal
	}
}

// classify tells what a failed exchange over the network was. The caller's context is asked first: a deadline shows up as
// whatever the transport was doing when it passed.
func classify(ctx context.Context, err error) error {
	var (
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		authority   x509.UnknownAuthorityError
		operation   *net.OpError
		network     net.Error
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(err, errAddress):
		return &fault{Address, err}
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &authority),
		errors.Is(err, http.ErrSchemeMismatch),
		errors.As(err, &operation) && operation.Op == "remote error": // an alert that the other end sent
		return &fault{Identity, err}
	case ctx.Err() != nil, errors.As(err, &network) && network.Timeout():
		return &fault{Timeout, err}
	default:
		return &fault{Unreachable, err}
	}
}

// clip bounds what another party's text can add to a log line.
func clip(text string) string {
	const most = 300
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
