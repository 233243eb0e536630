package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/skip2/go-qrcode"

	"crosscode/exchange"
	"crosscode/exchange/clock"
)

type demoCommand struct {
	Sides string `required:"" type:"existingfile" help:"The sides program, which plays the three back ends."`
	QR    bool   `default:"true" negatable:"" help:"Print the QR codes."`
	Out   string `type:"path" placeholder:"DIR" help:"Also write each code, receipt and the bundle to this folder."`
}

// demoRoutes are the six routes, each at a port of its own where it has one.
var demoRoutes = []struct{ from, to, port string }{
	{"macau", "guangdong", "gongbei"},
	{"guangdong", "macau", "gongbei"},
	{"hongkong", "guangdong", "shenzhen-bay"},
	{"guangdong", "hongkong", "shenzhen-bay"},
	{"macau", "hongkong", "hzmb"},
	{"hongkong", "macau", "hzmb"},
}

// demoRefusals are three packets that get no code.
var demoRefusals = []struct{ from, to, variant string }{
	{"macau", "guangdong", "stale-test"},
	{"guangdong", "macau", "close-contact"},
	{"hongkong", "guangdong", "none"},
}

// Run plays the whole thing and leaves nothing behind but what --out asked for.
func (c *demoCommand) Run(ctx context.Context, std streams) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	folder, err := os.MkdirTemp("", "crosscode-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	fmt.Fprintln(std.out, "Crosscode demo: real packets over all six routes, in separate processes on loopback.")
	program, err := os.Executable()
	if err != nil {
		return err
	}
	stage := &stage{demoCommand: c, out: std.out, folder: folder, program: program, sides: map[string]string{}}
	if err := stage.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.close()) }()
	for _, act := range []func(context.Context) error{stage.fetchBundle, stage.routes, stage.refusals} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stage is the running demo.
type stage struct {
	*demoCommand
	out      io.Writer
	keyFlags []string  // of keys init
	log      io.Writer // what the processes print; nil: kept only for the case that one fails
	folder   string
	program  string // this very program, run again as the offline verifier
	sides    map[string]string
	gateway  string
	running  processes
	bundle   string // the saved bundle
	pin      string
	number   int
	client   client
}

func (s *stage) step(name, format string, args ...any) {
	s.number++
	fmt.Fprintf(s.out, "\n[%d/5] %-9s %s\n", s.number, name, fmt.Sprintf(format, args...))
}

// open makes keys and starts the four processes.
func (s *stage) open(ctx context.Context) error {
	for _, prepare := range []func(context.Context) error{s.awaitNewDay, s.configure, s.makeKeys, s.startAll} {
		if err := prepare(ctx); err != nil {
			return errors.Join(err, s.running.stop())
		}
	}
	return nil
}

// awaitNewDay sits out the last minutes of a day: every Hong Kong code ends at 23:59, so none can be made then.
func (s *stage) awaitNewDay(ctx context.Context) error {
	wait := untilNewDay(clock.Now())
	if wait == 0 {
		return nil
	}
	fmt.Fprintf(s.out, "Hong Kong's codes end at 23:59 (UTC+8): waiting %s for the new day.\n", wait.Round(time.Second))
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

// untilNewDay is how long it is to the end of the day in UTC+8, in its last three minutes; zero before them.
func untilNewDay(now time.Time) time.Duration {
	midnight := exchange.DateOf(now).Start().AddDate(0, 0, 1)
	if wait := midnight.Sub(now); wait <= 3*time.Minute {
		return wait
	}
	return 0
}

// configure chooses four free ports and writes the gateway's configuration.
func (s *stage) configure(ctx context.Context) error {
	address, err := freePort(ctx)
	if err != nil {
		return err
	}
	s.gateway = "http://" + address
	var trust strings.Builder
	for _, side := range sideNames() {
		address, err := freePort(ctx)
		if err != nil {
			return err
		}
		s.sides[side] = "http://" + address
		fmt.Fprintf(&trust, demoTrust, side, s.sides[side], s.sides[side])
	}
	config := fmt.Sprintf(demoConfig, s.gateway, address, trust.String())
	return os.WriteFile(s.configFile(), []byte(config), 0o600)
}

func (s *stage) configFile() string { return filepath.Join(s.folder, "gateway.yaml") }

const demoConfig = `# Written by gateway demo.
issuer: %s
listen: %s
admin_listen: ""
specimen: true
keys: {kind: embedded, file: keys.json}
journal: {path: journal.jsonl}
trust:
  cache_dir: trust
  sides:
%s`

const demoTrust = `    %s: {url: "%s/.well-known/jwks.json", landing: {audience: "%s"}}
`

func (s *stage) makeKeys(ctx context.Context) error {
	began := time.Now()
	if err := s.gatewayCommand(ctx, nil, append([]string{"keys", "init", "--config", s.configFile()}, s.keyFlags...)...); err != nil {
		return err
	}
	s.step("keys", "made in %s (embedded: for development only)", since(began))
	return nil
}

func (s *stage) startAll(ctx context.Context) error {
	began := time.Now()
	for _, side := range sideNames() {
		address := strings.TrimPrefix(s.sides[side], "http://")
		running, err := start(side, s.log, s.Sides, "serve", "--side", side, "--listen", address,
			"--gateway", s.gateway, "--data", filepath.Join(s.folder, side))
		if err != nil {
			return err
		}
		s.running = append(s.running, running)
	}
	for i, side := range sideNames() {
		if err := s.running[i].await(ctx, s.sides[side]+"/livez"); err != nil {
			return err
		}
	}
	gateway, err := start("gateway", s.log, s.program, "serve", "--config", s.configFile())
	if err != nil {
		return err
	}
	s.running = append(s.running, gateway)
	if err := gateway.await(ctx, s.gateway+"/readyz"); err != nil {
		return err
	}
	s.step("processes", "ready in %s", since(began))
	for _, side := range sideNames() {
		fmt.Fprintf(s.out, "      %-9s %s\n", side, s.sides[side])
	}
	fmt.Fprintf(s.out, "      %-9s %s\n", "gateway", s.gateway)
	return nil
}

// fetchBundle saves the bundle that the offline checks use, as an officer's device would once a day.
func (s *stage) fetchBundle(ctx context.Context) error {
	token, err := s.client.get(ctx, s.gateway+"/v1/bundle")
	if err != nil {
		return err
	}
	s.bundle = filepath.Join(s.folder, "bundle.jose")
	if err := os.WriteFile(s.bundle, token, 0o600); err != nil {
		return err
	}
	var pin strings.Builder
	if err := s.gatewayCommand(ctx, &pin, "keys", "list", "--config", s.configFile(), "--thumbprint", exchange.BundleKey); err != nil {
		return err
	}
	s.pin = strings.TrimSpace(pin.String())
	s.step("bundle", "%d bytes of public keys, recalls and closed routes, signed; its key is pinned as %s", len(token), s.pin)
	return s.keep("bundle.jose", token)
}

func (s *stage) routes(ctx context.Context) error {
	s.step("routes", "a packet over each of the %d routes", len(demoRoutes))
	for _, route := range demoRoutes {
		if err := s.route(ctx, route.from, route.to, route.port); err != nil {
			return fmt.Errorf("%s → %s: %w", route.from, route.to, err)
		}
	}
	return nil
}

func (s *stage) route(ctx context.Context, from, to, port string) error {
	fmt.Fprintf(s.out, "\n%s → %s  (%s)\n", from, to, port)
	packet, err := s.client.packet(ctx, s.sides[from], packetWish{To: to, Case: "green", Port: port})
	if err != nil {
		return err
	}
	began := time.Now()
	answer, err := s.client.exchange(ctx, s.gateway, packet)
	if err != nil {
		return err
	}
	if answer.Outcome != exchange.Issued {
		return fmt.Errorf("refused: %s (%s)", answer.Reason, answer.Title)
	}
	fmt.Fprintf(s.out, "  packet    %d characters, sealed by %s\n", len(packet), from)
	fmt.Fprintf(s.out, "  answer    in %s, valid until %s\n", since(began), answer.ValidUntil)
	if err := s.show(from+"-"+to, answer); err != nil {
		return err
	}
	return s.verifyOffline(ctx, answer)
}

// show prints what the traveller carries away.
func (s *stage) show(name string, answer answer) error {
	for _, shown := range []struct{ what, text, token string }{
		{"code", answer.QR.Code, answer.Code}, {"receipt", answer.QR.Receipt, answer.Receipt},
	} {
		if shown.token == "" {
			continue
		}
		code, err := qrcode.New(shown.text, qrcode.Medium)
		if err != nil {
			return fmt.Errorf("QR of the %s: %w", shown.what, err)
		}
		fmt.Fprintf(s.out, "  %-9s %d characters, QR version %d-M\n", shown.what, len(shown.token), code.VersionNumber)
		if s.QR {
			fmt.Fprint(s.out, code.ToSmallString(false))
		}
		if err := s.keep(name+"."+shown.what+".txt", []byte(shown.text)); err != nil {
			return err
		}
	}
	return nil
}

// verifyOffline asks two programs that have only the bundle: ours, and the sides' own, which is written on another JOSE
// library.
func (s *stage) verifyOffline(ctx context.Context, answer answer) error {
	args := []string{"--bundle", s.bundle, "--pin", s.pin, "--specimen", "--code", answer.QR.Code, "--receipt", answer.QR.Receipt}
	for _, verifier := range []struct {
		name, program, command string
	}{{"gateway verify", s.program, "verify"}, {"sides check", s.Sides, "check"}} {
		output, err := run1(ctx, verifier.program, append([]string{verifier.command}, args...)...)
		if err != nil {
			return fmt.Errorf("%s: %w", verifier.name, err)
		}
		verdict, _, _ := strings.Cut(output, "\n")
		fmt.Fprintf(s.out, "  offline   %s: %s\n", verifier.name, verdict)
	}
	return nil
}

func (s *stage) refusals(ctx context.Context) error {
	s.step("refusals", "three packets that get no code, and what their holders are told")
	for _, refusal := range demoRefusals {
		if err := s.refusal(ctx, refusal.from, refusal.to, refusal.variant); err != nil {
			return fmt.Errorf("%s → %s, %s: %w", refusal.from, refusal.to, refusal.variant, err)
		}
	}
	return nil
}

func (s *stage) refusal(ctx context.Context, from, to, variant string) error {
	fmt.Fprintf(s.out, "\n%s → %s  (%s)\n", from, to, variant)
	packet, err := s.client.packet(ctx, s.sides[from], packetWish{To: to, Case: variant})
	if err != nil {
		return err
	}
	idempotencyKey := strings.Join([]string{"demo", from, to, variant}, "-")
	for i, language := range []string{"zh-Hans", "en"} {
		answer, err := s.client.exchangeIn(ctx, s.gateway, packet, language, idempotencyKey)
		if err != nil {
			return err
		}
		if answer.Outcome != exchange.Refused || answer.Receipt == "" {
			return fmt.Errorf("want a refusal with a receipt, got %s %s", answer.Outcome, answer.Reason)
		}
		if i == 0 {
			fmt.Fprintf(s.out, "  reason    %s, with a signed receipt of %d characters\n", answer.Reason, len(answer.Receipt))
			if err := s.keep(from+"-"+to+"."+variant+".receipt.txt", []byte(answer.QR.Receipt)); err != nil {
				return err
			}
		}
		fmt.Fprintf(s.out, "  %-9s %s\n            %s\n            %s\n", language, answer.Title, answer.Remedy, answer.Contact)
	}
	return nil
}

// close stops all processes in order and says so.
func (s *stage) close() error {
	if err := s.running.stop(); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "\nAll %d processes stopped. Nothing of this run is kept but what --out asked for.\n", len(s.running))
	return nil
}

func (s *stage) keep(name string, data []byte) error {
	if s.Out == "" {
		return nil
	}
	if err := os.MkdirAll(s.Out, 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Out, name), data, 0o600)
}

func (s *stage) gatewayCommand(ctx context.Context, out *strings.Builder, args ...string) error {
	output, err := run1(ctx, s.program, args...)
	if out != nil {
		out.WriteString(output)
	}
	return err
}

// run1 runs a program to its end and gives what it printed; a failure carries what it said on standard error.
func run1(ctx context.Context, program string, args ...string) (string, error) {
	var complaint strings.Builder
	command := exec.CommandContext(ctx, program, args...) //nolint:gosec // the program is this one or the operator's choice
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		return string(output), fmt.Errorf("%w: %s%s", err, output, complaint.String())
	}
	return string(output), nil
}

func since(began time.Time) time.Duration {
	elapsed := time.Since(began)
	if elapsed < 10*time.Millisecond {
		return elapsed.Round(10 * time.Microsecond)
	}
	return elapsed.Round(10 * time.Millisecond)
}
