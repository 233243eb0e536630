package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// options are the command line.
type options struct {
	data      string
	listen    string
	standby   string
	readyFile string
	audit     string
	logLevel  string
	tls       bool
	sealed    bool
	stdin     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: 0 is a clean stop, 1 a fault, 2 a command line that makes no sense.
func run(ctx context.Context, args []string, in io.Reader, out, stderr io.Writer) int {
	chosen, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if chosen.stdin {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() {
			defer cancel()
			_, _ = io.Copy(io.Discard, in)
		}()
	}
	if err := serve(ctx, chosen, out, stderr); err != nil {
		fmt.Fprintln(stderr, "devvault:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	var chosen options
	flags := flag.NewFlagSet("devvault", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&chosen.data, "data", "", "keep storage, root token, unseal key and certificates in `folder` (default: a temporary one)")
	flags.StringVar(&chosen.listen, "listen", "127.0.0.1:8200", "serve on this `address`; port 0 takes any free one")
	flags.StringVar(&chosen.standby, "standby", "", "run a standby node on this `address` as well")
	flags.StringVar(&chosen.readyFile, "ready-file", "", "write the address to `file` once requests are answered (second line: the standby's)")
	flags.StringVar(&chosen.audit, "audit", "", "log every request and answer to `file`, in the clear")
	flags.StringVar(&chosen.logLevel, "log-level", "warn", "trace, debug, info, warn, error or off")
	flags.BoolVar(&chosen.tls, "tls", false, "serve TLS with an authority of its own, in ca.pem of the data folder")
	flags.BoolVar(&chosen.sealed, "sealed", false, "start sealed when there are data already")
	flags.BoolVar(&chosen.stdin, "stdin", false, "stop when standard input ends, so that it does not outlive whoever started it")
	if err := flags.Parse(args); err != nil {
		return chosen, err
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "devvault: unexpected argument %q\n", flags.Arg(0))
		return chosen, errors.New("unexpected argument")
	}
	return chosen, nil
}
