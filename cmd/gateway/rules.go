package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"crosscode/exchange"
	"crosscode/exchange/clock"
	"crosscode/jurisdictions"
)

type rulesCommand struct {
	Lint    rulesLint    `cmd:"" help:"Load rulebooks, tell every fault with file and line, and run every rule's examples."`
	History rulesHistory `cmd:"" help:"Show a side's dated versions, each with its source, and what changed."`
	Explain rulesExplain `cmd:"" help:"Ask every rule about the claims on standard input, as of an instant."`
}

type rulesLint struct {
	Files []string `arg:"" optional:"" type:"existingfile" help:"Rulebooks named <side>.yaml; none: those built in."`
}

// Run tells all faults of all rulebooks at once.
func (c *rulesLint) Run(std streams) error {
	set, err := openSides(jurisdictions.Options{Log: quiet()})
	if err != nil {
		return err
	}
	faulty := false
	lint := func(name string, book *jurisdictions.Book, err error) {
		if err == nil {
			err = lintBook(set, book)
		}
		if err != nil {
			faulty = true
			fmt.Fprintln(std.err, err)
			return
		}
		fmt.Fprintf(std.out, "%s: %d versions, all examples hold\n", name, len(book.Versions()))
	}
	for _, file := range c.Files {
		book, err := readBook(file)
		lint(file, book, err)
	}
	for _, side := range set {
		if len(c.Files) == 0 {
			lint(string(side.Profile().Side), side.Rules().Current(), nil)
		}
	}
	if faulty {
		return exitCode(1)
	}
	return nil
}

func lintBook(set sideSet, book *jurisdictions.Book) error {
	if faults := book.Lint(); len(faults) > 0 {
		return faults
	}
	return errors.Join(set.knowsWords(book), set.unfinished(book, builtIn(clock.Now())))
}

func readBook(file string) (*jurisdictions.Book, error) {
	side, err := exchange.ParseSide(strings.TrimSuffix(filepath.Base(file), ".yaml"))
	if err != nil {
		return nil, fmt.Errorf("%s: a rulebook is named <side>.yaml", file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return jurisdictions.Parse(file, data, side)
}

type rulesHistory struct {
	Side string `arg:"" help:"The side's id: guangdong, macau, hongkong."`
}

// Run prints one paragraph for each version, oldest first.
func (c *rulesHistory) Run(std streams) error {
	set, err := openSides(jurisdictions.Options{Log: quiet()})
	if err != nil {
		return err
	}
	side, err := set.find(exchange.Side(c.Side))
	if err != nil {
		return err
	}
	for _, version := range side.Rules().Current().Versions() {
		until := "no end"
		if version.Until != nil {
			until = moment(*version.Until)
		}
		fmt.Fprintf(std.out, "%s → %s  %s  (%s, %s)\n", moment(version.From), until, state(version), version.Confidence, version.Source)
		if version.Note != "" {
			fmt.Fprintf(std.out, "    note: %s\n", strings.Join(strings.Fields(version.Note), " "))
		}
		for _, gap := range version.Gaps {
			fmt.Fprintf(std.out, "    GAP   %s\n", gapLine(gap))
		}
		for _, change := range version.Changes {
			fmt.Fprintf(std.out, "    %s\n", changeLine(change))
		}
	}
	return nil
}

// state is a version in one word. A gap in the record is in capitals: it is what an auditor looks for.
func state(version jurisdictions.Version) string {
	switch {
	case version.Closed:
		return "closed"
	case version.Unknown:
		return "UNKNOWN"
	}
	return "open"
}

func gapLine(gap jurisdictions.Gap) string {
	where := gap.Route
	for i, port := range gap.Ports {
		between := ", "
		if i == 0 {
			between = " at "
		}
		where += between + string(port)
	}
	return where + ": not known. " + strings.Join(strings.Fields(gap.Note), " ")
}

func changeLine(change jurisdictions.Change) string {
	if change.Kind == jurisdictions.RouteUnknown {
		return "route unknown " + change.Part
	}
	words := []string{strings.ReplaceAll(change.Kind, "-", " ")}
	for _, word := range []string{change.Part, change.Rule, values(change.Before)} {
		if word != "" {
			words = append(words, word)
		}
	}
	if after := values(change.After); after != "" {
		words = append(words, "→", after)
	}
	return strings.Join(words, " ")
}

func values(named map[string]any) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(named)) {
		words = append(words, fmt.Sprintf("%s %v", name, named[name]))
	}
	return strings.Join(words, ", ")
}

type rulesExplain struct {
	At       time.Time `required:"" format:"2006-01-02T15:04:05Z07:00" help:"The instant, with its offset: 2021-06-08T09:59:00+08:00."`
	Language string    `enum:"zh-Hans,zh-Hant,en,pt" default:"en" help:"The language of the texts: ${enum}."`
}

// maxClaims is the most bytes of claims that are read; a packet's payload may be 32 KiB.
const maxClaims = 64 << 10

// Run prints every rule of the source's green rules and of the destination's entry rules.
func (c *rulesExplain) Run(std streams) error {
	data, err := io.ReadAll(io.LimitReader(std.in, maxClaims))
	if err != nil {
		return err
	}
	set, err := openSides(jurisdictions.Options{Log: quiet()})
	if err != nil {
		return err
	}
	explained, err := c.explain(set, data)
	if err != nil {
		return err
	}
	if err := explained.Print(std.out, c.Language); err != nil {
		return err
	}
	if !explained.Granted {
		return exitCode(1)
	}
	return nil
}

func (c *rulesExplain) explain(set sideSet, data []byte) (jurisdictions.Explanation, error) {
	claims, err := complete(data, c.At)
	if err != nil {
		return jurisdictions.Explanation{}, err
	}
	source, err := set.find(claims.Issuer)
	if err != nil {
		return jurisdictions.Explanation{}, err
	}
	record, err := source.Read(claims)
	if err != nil {
		return jurisdictions.Explanation{}, err
	}
	destination, err := set.find(record.Route.To)
	if err != nil {
		return jurisdictions.Explanation{}, err
	}
	return jurisdictions.Explain(record, record.Route, c.At, source.Rules().Current(), destination.Rules().Current()), nil
}

// complete fills in what a packet's maker would: the registered claims that do not matter to a rule.
func complete(data []byte, at time.Time) (exchange.Claims, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return exchange.Claims{}, fmt.Errorf("standard input is not a JSON object of claims: %w", err)
	}
	var issuer exchange.Side
	if err := json.Unmarshal(members["iss"], &issuer); err != nil {
		return exchange.Claims{}, errors.New(`the claims name no source side: add "iss"`)
	}
	for name, value := range map[string]any{
		"aud": "https://gateway.example", "jti": "AAAAAAAAAAAAAAAAAAAAAA", "iat": at.Unix(), "nbf": at.Unix(),
		"exp": at.Add(exchange.MaxPacketLife).Unix(),
	} {
		if _, given := members[name]; !given {
			members[name], _ = json.Marshal(value)
		}
	}
	filled, err := json.Marshal(members)
	return exchange.Claims{Issuer: issuer, JSON: filled}, err
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
