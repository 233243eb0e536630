package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the whole command line. The help of each command is its documentation.
type cli struct {
	Serve   serveCommand   `cmd:"" help:"Serve the gateway over HTTP."`
	Keys    keysCommand    `cmd:"" help:"Make, list and rotate the gateway's own keys."`
	Rules   rulesCommand   `cmd:"" help:"Check rulebooks, read their history, explain a verdict."`
	Packet  packetCommand  `cmd:"" help:"Find out why a packet is refused."`
	Journal journalCommand `cmd:"" help:"Check the journal's chain."`
	Verify  verifyCommand  `cmd:"" help:"Check a code or a receipt against a bundle, offline."`
	Vault   vaultCommand   `cmd:"" help:"Set up a HashiCorp Vault for the gateway's keys, and check what a token can do."`
	Demo    demoCommand    `cmd:"" help:"Take real packets over all six routes, in separate processes on loopback."`
}

// streams are the program's three standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exitCode is an error that only sets the exit status: everything has been said already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	// The signals stay caught until the end: a second one must not turn a clean stop into a death by signal.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	os.Exit(run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// run is the program: 0 is success, 1 a "no" or a fault, 2 a command line that makes no sense.
func run(ctx context.Context, args []string, std streams) int {
	exited := -1
	parser, err := kong.New(&cli{},
		kong.Name("gateway"),
		kong.Description("Crosscode: a stateless gateway that translates health codes across a border."),
		kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(std.err, "gateway:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(std.err, "gateway: %v\nTry: gateway --help\n", err)
		return 2
	}
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(std)
	return status(command.Run(), std.err)
}

// usage is a command line that makes no sense: exit status 2.
type usage struct{ error }

func status(err error, stderr io.Writer) int {
	var code exitCode
	var senseless usage
	switch {
	case errors.As(err, &senseless):
		fmt.Fprintln(stderr, "gateway:", err)
		return 2
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	default:
		fmt.Fprintln(stderr, "gateway:", err)
		return 1
	}
}
