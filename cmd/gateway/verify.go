package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"crosscode/crypto/jose"
	"crosscode/exchange"
	"crosscode/exchange/clock"
)

type verifyCommand struct {
	Bundle   string    `required:"" type:"existingfile" help:"A saved answer of GET /v1/bundle."`
	Pin      []pin     `required:"" placeholder:"THUMBPRINT" help:"The bundle key's thumbprint, as set at installation (gateway keys list)."`
	Code     string    `help:"The code: a token, or the text of its QR code."`
	Receipt  string    `help:"The receipt: a token, or the text of its QR code."`
	Full     string    `type:"existingfile" placeholder:"FILE" help:"The full receipt, to hold against the lean one."`
	Tail     string    `help:"The last four characters of the holder's document, to compare."`
	Specimen bool      `help:"Accept specimens. Never at a real border."`
	LastSeen string    `type:"path" placeholder:"FILE" help:"Remembers the newest bundle: an older one is then refused, and a new bundle key that it announced is trusted."`
	At       time.Time `format:"2006-01-02T15:04:05Z07:00" help:"Check as of this instant instead of now."`
}

// pin is the RFC 7638 thumbprint of a key that signs bundles.
type pin string

// Decode takes whatever follows --pin. One thumbprint in 64 begins with a hyphen, since base64url has one, and kong would
// take it for a flag.
func (p *pin) Decode(ctx *kong.DecodeContext) error {
	*p = pin(ctx.Scan.Pop().String())
	return nil
}

// Run prints one word, then what an officer compares. It needs no network.
func (c *verifyCommand) Run(std streams) error {
	now := c.At
	if now.IsZero() {
		now = clock.Now()
	}
	if c.Tail != "" && !tailPattern.MatchString(strings.ToUpper(c.Tail)) {
		return usage{errors.New("--tail takes the last four characters of the document's number")}
	}
	bundle, reader, err := c.openBundle(now)
	if err != nil {
		return err
	}
	exhibit, err := c.exhibit(reader)
	if err != nil {
		fmt.Fprintln(std.out, exchange.CategoryUnreadable)
		return exitCode(1)
	}
	found := exchange.Examine(exhibit, bundle, now, c.Specimen)
	if found.Category == exchange.CategoryUnreadable || !serves(bundle, found.Route) {
		fmt.Fprintln(std.out, exchange.CategoryUnreadable)
		return exitCode(1)
	}
	// The word comes first, so whatever speaks against the holder must be known before it is printed.
	if found.Category == exchange.CategoryValid && !c.tailMatches(found.Document) {
		found.Category = exchange.CategoryMismatch
	}
	fmt.Fprintln(std.out, found.Category)
	describe(std, found, bundle, now)
	if found.Category != exchange.CategoryValid {
		return exitCode(1)
	}
	return nil
}

// tailPattern is the end of a document's number as an officer reads it.
var tailPattern = regexp.MustCompile(`^[A-Z0-9()]{4}$`)

func (c *verifyCommand) tailMatches(masked string) bool {
	return c.Tail == "" || strings.HasSuffix(masked, strings.ToUpper(c.Tail))
}

func (c *verifyCommand) openBundle(now time.Time) (exchange.Bundle, *jose.Reader, error) {
	data, err := os.ReadFile(c.Bundle)
	if err != nil {
		return exchange.Bundle{}, nil, err
	}
	known, err := openDevice(c.LastSeen)
	if err != nil {
		return exchange.Bundle{}, nil, err
	}
	pins := known.Pins
	for _, one := range c.Pin {
		pins = append(pins, string(one))
	}
	bundle, reader, err := jose.ReadBundle(exchange.Token(strings.TrimSpace(string(data))), pins)
	if err != nil {
		return exchange.Bundle{}, nil, fmt.Errorf("the bundle is refused: %w", err)
	}
	if err := bundle.Check(now, known.IssuedAt); err != nil {
		return exchange.Bundle{}, nil, fmt.Errorf("the bundle is refused: %w", err)
	}
	return bundle, reader, known.remember(bundle, jose.Pins(bundle))
}

func (c *verifyCommand) exhibit(reader *jose.Reader) (exchange.Exhibit, error) {
	code, err := shown(c.Code)
	if err != nil {
		return exchange.Exhibit{}, err
	}
	receipt, err := shown(c.Receipt)
	if err != nil {
		return exchange.Exhibit{}, err
	}
	var full []byte
	if c.Full != "" {
		if full, err = os.ReadFile(c.Full); err != nil {
			return exchange.Exhibit{}, err
		}
	}
	if len(full) > exchange.MaxFullReceipt {
		return exchange.Exhibit{}, errTooLong
	}
	return reader.Exhibit(code, receipt, full)
}

// maxShown is the most characters of a token that is shown, as in POST /v1/receipts/verify.
const maxShown = 2 << 10

var errTooLong = errors.New("longer than anything of ours")

// shown reads a token as it is, or out of a QR code's text.
func shown(text string) (exchange.Token, error) {
	if strings.HasPrefix(text, exchange.QRPrefix) {
		return exchange.ParseQRText(text)
	}
	if len(text) > maxShown {
		return "", errTooLong
	}
	return exchange.Token(text), nil
}

// serves tells whether both ends of a route ("mo-gd") are sides of the bundle: recalls and closings of any other side cannot be known.
func serves(bundle exchange.Bundle, route string) bool {
	from, to, _ := strings.Cut(route, "-")
	known := func(tag string) bool {
		return slices.ContainsFunc(bundle.Profiles, func(profile exchange.BundleProfile) bool { return profile.Tag == tag })
	}
	return known(from) && known(to)
}

func describe(std streams, found exchange.Examination, bundle exchange.Bundle, now time.Time) {
	for _, line := range []struct{ name, value string }{
		{"route", found.Route}, {"port", string(found.Port)}, {"name", found.Name}, {"document", found.Document},
		{"sampled on", found.SampledOn}, {"valid until", moment(found.Until)},
		{"closed since", moment(found.Since)}, {"open again", moment(found.Reopened)},
		{"bundle age", now.Sub(time.Unix(bundle.IssuedAt, 0)).Round(time.Second).String()},
	} {
		if line.value != "" {
			fmt.Fprintf(std.out, "  %-12s %s\n", line.name, line.value)
		}
	}
	if found.Unverified {
		fmt.Fprintln(std.out, "  UNVERIFIED   identity not verified: check the document")
	}
	if found.Specimen {
		fmt.Fprintln(std.out, "  SPECIMEN     not for real use")
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(exchange.Zone).Format(time.RFC3339)
}
