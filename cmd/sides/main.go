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
	Serve  serveCommand  `cmd:"" help:"Play one side, or with --all the three of them, over HTTP on loopback."`
	Seal   sealCommand   `cmd:"" help:"Print one consent packet."`
	Cases  casesCommand  `cmd:"" help:"List the cases that seal knows, and what each should lead to."`
	Check  checkCommand  `cmd:"" help:"Check a code and its receipt against a bundle, offline and independently of the gateway."`
	Recall recallCommand `cmd:"" help:"Recall one packet, or all packets up to an instant, in a side's name."`
}

// streams are the program's three standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exitCode is an error that only sets the exit status: everything has been said already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// usageError is a command line that makes no sense: exit status 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() {
	// The handler stays to the very end: a second SIGTERM, from somebody impatient, must not turn a clean stop into a kill.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	os.Exit(run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// run is the program: 0 is success, 1 a "no" or a fault, 2 a command line that makes no sense.
func run(ctx context.Context, args []string, std streams) int {
	exited := -1
	parser, err := kong.New(&cli{},
		kong.Name("sides"),
		kong.Description("Three simulated back ends for Crosscode: Guangdong, Macau and Hong Kong. Not for real use."),
		kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { exited = code }),
		// One jti in 64 begins with a hyphen, since base64url has one.
		kong.WithHyphenPrefixedParameters(true),
		kong.Vars{"data": defaultData, "gateway": defaultGateway},
	)
	if err != nil {
		fmt.Fprintln(std.err, "sides:", err)
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
		fmt.Fprintf(std.err, "sides: %v\nTry: sides --help\n", err)
		return 2
	}
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(std)
	return status(command.Run(), std.err)
}

func status(err error, stderr io.Writer) int {
	var code exitCode
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "sides:", err)
		return 2
	default:
		fmt.Fprintln(stderr, "sides:", err)
		return 1
	}
}

// Where everything is unless the command line says otherwise: the Makefile's scratch folder and the gateway of `make run`.
const (
	defaultData    = ".run/sides"
	defaultGateway = "http://127.0.0.1:8080"
)
