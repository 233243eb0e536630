package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"crosscode/exchange/clock"
)

type checkCommand struct {
	Bundle   string    `required:"" placeholder:"FILE|URL" help:"A saved answer of GET /v1/bundle, or where to fetch it."`
	Pin      []pin     `required:"" placeholder:"THUMBPRINT" help:"RFC 7638 thumbprint of the key that signs bundles; may be repeated."`
	Code     string    `placeholder:"TOKEN" help:"The code, or its QR text (xc:/…); @FILE reads it from a file, - from standard input."`
	Receipt  string    `placeholder:"TOKEN" help:"The receipt, likewise."`
	Full     string    `type:"existingfile" placeholder:"FILE" help:"The full receipt, exactly as it was given."`
	Specimen bool      `help:"Accept specimens, which are not for real use."`
	At       time.Time `placeholder:"RFC3339" help:"Check as of this instant instead of now."`
	LastSeen time.Time `placeholder:"RFC3339" help:"Refuse a bundle that was issued before this instant."`
}

// pin is the RFC 7638 thumbprint of a key that signs bundles.
type pin string

// Decode takes whatever follows --pin. One thumbprint in 64 begins with a hyphen, since base64url has one, and kong would
// take it for a flag.
func (p *pin) Decode(ctx *kong.DecodeContext) error {
	*p = pin(ctx.Scan.Pop().String())
	return nil
}

// Help is printed under the command's own help.
func (checkCommand) Help() string {
	return "The first line is the verdict and what it means. Exit status: 0 valid, 1 not valid, 2 the question makes no sense."
}

// Run prints the verdict in words, and what was shown.
func (c checkCommand) Run(ctx context.Context, std streams) error {
	shown, err := c.exhibit(std.in)
	if err != nil {
		return err
	}
	now := instant(c.At)
	token, err := c.bundle(ctx)
	if err != nil {
		return err
	}
	trusted, err := readBundle(strings.TrimSpace(token), c.Pin, now, c.LastSeen)
	if err != nil {
		fmt.Fprintf(std.out, "not checkable: %v\n", err)
		return exitCode(1)
	}
	found := trusted.examine(shown, now, c.Specimen)
	fmt.Fprintln(std.out, found.sentence())
	describe(std.out, found, trusted, now)
	if found.verdict != valid {
		return exitCode(1)
	}
	return nil
}

func (c checkCommand) exhibit(stdin io.Reader) (exhibit, error) {
	if c.Code == "" && c.Receipt == "" {
		return exhibit{}, usagef("nothing to check: give --code, --receipt or both")
	}
	if c.Code == "-" && c.Receipt == "-" {
		return exhibit{}, usagef("only one of --code and --receipt can come from standard input")
	}
	var shown exhibit
	var err error
	if shown.code, err = argument(c.Code, stdin); err != nil {
		return exhibit{}, usagef("--code: %w", err)
	}
	if shown.receipt, err = argument(c.Receipt, stdin); err != nil {
		return exhibit{}, usagef("--receipt: %w", err)
	}
	if c.Full != "" {
		if shown.full, err = readFile(c.Full, maxToken); err != nil {
			return exhibit{}, usagef("--full: %w", err)
		}
	}
	return shown, nil
}

// bundle reads or fetches the bundle. That it could not be had is an answer too: not checkable is never valid.
func (c checkCommand) bundle(ctx context.Context) (string, error) {
	if strings.HasPrefix(c.Bundle, "http://") || strings.HasPrefix(c.Bundle, "https://") {
		data, err := newGateway("").get(ctx, c.Bundle, maxBundle)
		return string(data), err
	}
	data, err := readFile(c.Bundle, maxBundle)
	if err != nil {
		return "", usagef("--bundle: %w", err)
	}
	return string(data), nil
}

// argument is a token itself, @ and a file's name, or - for standard input.
func argument(given string, stdin io.Reader) (string, error) {
	var data []byte
	var err error
	switch file, named := strings.CutPrefix(given, "@"); {
	case named:
		data, err = readFile(file, maxToken)
	case given == "-":
		data, err = readAll(stdin, maxToken)
	default:
		data = []byte(given)
	}
	if err != nil {
		return "", err
	}
	return scanned(string(data))
}

func readFile(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readAll(file, most)
}

var errTooLong = errors.New("too long")

func readAll(from io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%w: more than %d bytes", errTooLong, most)
	}
	return data, err
}

// instant is the one that was asked for, or now.
func instant(at time.Time) time.Time {
	if at.IsZero() {
		return clock.Now()
	}
	return at
}

func (f finding) sentence() string {
	sentence := string(f.verdict) + ": " + words[f.verdict]
	if f.why != "" {
		sentence += " (" + f.why + ")"
	}
	return sentence
}

func describe(out io.Writer, found finding, trusted trust, now time.Time) {
	if found.code == nil && found.receipt == nil {
		return
	}
	code := codeClaims{}
	if receipt := found.receipt; receipt != nil {
		code = codeClaims{
			Route: receipt.Route, Port: receipt.Port, Name: receipt.Name, Document: receipt.Document, Expires: receipt.Expires,
		}
	}
	if found.code != nil {
		code = *found.code
	}
	refused := ""
	if found.verdict == refusal {
		refused = found.receipt.Why
	}
	for _, line := range []struct{ label, value string }{
		{"route", code.Route}, {"port", code.Port}, {"name", code.Name}, {"document", code.Document},
		{"sampled on", code.SampledOn}, {"refused", refused}, {"until", inZone(time.Unix(code.Expires, 0))},
		{"not granted", strings.Join(found.full.NotGranted, ", ")}, {"bundle", bundleAge(trusted, now)},
	} {
		if line.value != "" {
			fmt.Fprintf(out, "  %-12s%s\n", line.label, line.value)
		}
	}
	if found.isUnverified() {
		fmt.Fprintf(out, "  %-12s%s\n", "UNVERIFIED", "identity not verified: check the document")
	}
	if found.isSpecimen() {
		fmt.Fprintf(out, "  %-12s%s\n", "SPECIMEN", "not for real use")
	}
}

func bundleAge(trusted trust, now time.Time) string {
	age := now.Sub(trusted.issuedAt).Round(time.Second).String() + " old"
	if !now.Before(trusted.soft) {
		age += ", due for renewal"
	}
	return age
}
