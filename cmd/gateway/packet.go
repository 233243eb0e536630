package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"crosscode/config"
	"crosscode/crypto/jose"
	"crosscode/exchange"
	"crosscode/exchange/clock"
)

type packetCommand struct {
	Explain packetExplain `cmd:"" help:"Tell a back-end team all that is wrong with a packet, and where. Needs the embedded keys: never at a real border."`
}

type packetExplain struct {
	Config string    `required:"" env:"CROSSCODE_CONFIG" type:"existingfile" help:"The configuration that names the keys and the sides."`
	File   string    `arg:"" optional:"" default:"-" help:"The packet, byte for byte as it would be sent; - is standard input."`
	At     time.Time `format:"2006-01-02T15:04:05Z07:00" help:"As of this instant instead of now."`
	JSON   bool      `name:"json" help:"Print one JSON object: at, outcome, stage and steps."`
}

// Run takes the packet along the gateway's own path, step by step, and says what each step found. Nothing is reserved,
// signed or recorded.
func (c *packetExplain) Run(ctx context.Context, std streams) error {
	settings, err := config.Load(c.Config, os.Environ())
	if err != nil {
		return err
	}
	packet, err := readPacket(c.File, std.in)
	if err != nil {
		return err
	}
	now := c.At
	if now.IsZero() {
		now = clock.Now()
	}
	told, err := explainWith(ctx, settings, packet, now)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(std.out).Encode(told)
	} else {
		err = told.print(std.out)
	}
	if err == nil && told.Outcome != exchange.Issued {
		return exitCode(1)
	}
	return err
}

// readPacket reads a packet as it is: white space that the gateway refuses must be refused here as well. What is longer
// than any packet is cut, and is still too long.
func readPacket(file string, in io.Reader) (exchange.Packet, error) {
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer opened.Close()
		in = opened
	}
	data, err := io.ReadAll(io.LimitReader(in, 2*exchange.MaxPacket))
	return exchange.Packet(data), err
}

// print writes the explanation for people: one line a step, and under it one line for each fault.
func (e explanation) print(w io.Writer) error {
	for i, step := range e.Steps {
		fmt.Fprintf(w, "%2d  %-4s  %-18s %s\n", i+1, mark(step), step.Name, step.What)
		for _, fault := range step.Faults {
			fmt.Fprintf(w, "    why:  %s\n", line(fault))
		}
	}
	at := ""
	if e.Stage != "" {
		at = " at " + e.Stage
	}
	_, err := fmt.Fprintf(w, "\nThe gateway answers: %s%s. (Whether the packet was brought before is not looked up.)\n", e.Outcome, at)
	return err
}

func mark(step jose.Step) string {
	switch {
	case step.Passed():
		return "ok"
	case step.Skipped:
		return "-"
	}
	return "FAIL"
}

// line writes a fault with its pointer in front. A member's name is the sender's own text, and this is a terminal.
func line(fault jose.Fault) string {
	if fault.At == "" {
		return fault.Why
	}
	quoted := fmt.Sprintf("%+q", fault.At)
	return quoted[1:len(quoted)-1] + "  " + fault.Why
}
