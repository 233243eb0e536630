package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"crosscode/config"
	"crosscode/crypto/jose"
	"crosscode/exchange"
	"crosscode/exchange/clock"
	"crosscode/jurisdictions"
)

type packetCommand struct {
	Explain packetExplain `cmd:"" help:"Tell a back-end team at which step a packet fails, and why. Needs the embedded keys: never at a real border."`
}

type packetExplain struct {
	Config string    `required:"" env:"CROSSCODE_CONFIG" type:"existingfile" help:"The configuration that names the keys and the sides."`
	File   string    `arg:"" optional:"" default:"-" help:"The packet; - is standard input."`
	At     time.Time `format:"2006-01-02T15:04:05Z07:00" help:"As of this instant instead of now."`
}

// Run takes the packet along the gateway's own path, step by step, and says what each step found. Nothing is reserved,
// signed or recorded.
func (c *packetExplain) Run(ctx context.Context, std streams) error {
	settings, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	packet, err := readText(c.File, std.in)
	if err != nil {
		return err
	}
	explained, err := c.explain(ctx, settings, exchange.Packet(packet))
	if err != nil {
		return err
	}
	for i, step := range explained {
		fmt.Fprintf(std.out, "%2d  %-4s  %-18s %s\n", i+1, mark(step.Passed), step.Name, step.What)
		if !step.Passed {
			fmt.Fprintf(std.out, "    why:  %s\n", step.Why)
		}
	}
	if last := explained[len(explained)-1]; !last.Passed {
		return exitCode(1)
	}
	return nil
}

func mark(passed bool) string {
	if passed {
		return "ok"
	}
	return "FAIL"
}

// readText reads a token from a file or standard input, without the white space around it.
func readText(file string, in io.Reader) (string, error) {
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer opened.Close()
		in = opened
	}
	data, err := io.ReadAll(io.LimitReader(in, 2*exchange.MaxPacket))
	return strings.TrimSpace(string(data)), err
}

func (c *packetExplain) explain(ctx context.Context, settings config.Config, packet exchange.Packet) ([]jose.Step, error) {
	p := &parts{settings: settings, log: quiet(), clock: clock.Now}
	for _, open := range []func() error{p.openRing, p.openSides, p.openTrust} {
		if err := open(); err != nil {
			return nil, err
		}
	}
	now := c.At
	if now.IsZero() {
		now = p.clock()
	}
	steps := jose.Explain(ctx, packet, p.ring, p.trust, settings.Issuer)
	if !steps[len(steps)-1].Passed {
		return steps, nil
	}
	signed, err := jose.NewOpener(p.ring).Open(ctx, packet)
	if err != nil {
		return nil, err
	}
	claims, err := jose.NewVerifier(p.trust, p.settings.Issuer).Verify(ctx, signed)
	if err != nil {
		return nil, err
	}
	return append(steps, p.explainClaims(signed, claims, now)...), nil
}

// explainClaims goes on where the cryptography ends: the same calls, in the same order, as exchange.Gateway makes.
func (p *parts) explainClaims(signed exchange.Signed, claims exchange.Claims, now time.Time) []jose.Step {
	source, err := p.sides.find(claims.Issuer)
	if err != nil {
		return []jose.Step{step("issuer", "iss is a side of this gateway", err)}
	}
	steps := []jose.Step{step("packet-key", "the packet is sealed to its own side's key", sealedTo(signed, source.Profile()))}
	if !steps[0].Passed {
		return steps
	}
	record, err := source.Read(claims)
	if steps = append(steps, step("claims", "every claim is known and well-formed", err)); err != nil {
		return steps
	}
	destination, err := p.sides.find(record.Route.To)
	steps = append(steps, step("route", "dst is a side of this gateway", err))
	if err != nil {
		return steps
	}
	for _, check := range []struct {
		name, what string
		err        error
	}{
		{"live", "the packet has begun and not ended, give or take 60 s", record.Live(now)},
		{"consent", "the consent is the published text for this route, given now", record.Consent.Covers(record.Route, record.IssuedAt, now)},
	} {
		if steps = append(steps, step(check.name, check.what, check.err)); check.err != nil {
			return steps
		}
	}
	verdict := jurisdictions.Explain(record, record.Route, now, source.Rules().Current(), destination.Rules().Current())
	return append(steps, ruleSteps(verdict)...)
}

func sealedTo(signed exchange.Signed, source exchange.Profile) error {
	if signed.PacketKey != source.PacketKey() {
		return fmt.Errorf("it is sealed to %s; a packet of %s is sealed to %s", signed.PacketKey, source.Side, source.PacketKey())
	}
	return nil
}

func step(name, what string, err error) jose.Step {
	if err != nil {
		return jose.Step{Name: name, What: what, Why: err.Error()}
	}
	return jose.Step{Name: name, What: what, Passed: true}
}
