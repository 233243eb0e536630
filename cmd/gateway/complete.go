package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"crosscode/config"
	"crosscode/crypto/keys"
	"crosscode/exchange"
	"crosscode/jurisdictions"
)

// checklist is what the wiring knows of a route and the sides do not: which keys there are, and which sides are trusted.
type checklist struct {
	keyFile string   // where a missing key is to be added
	keys    []string // by name
	// trusted tells whether packets of a side can be verified at all; nil: all of them.
	trusted func(exchange.Side) bool
	now     time.Time
}

// builtIn is the checklist of `+"`gateway rules lint`"+`, which has no configuration: the keys that `+"`gateway keys init`"+` makes.
func builtIn(now time.Time) checklist {
	list := checklist{keyFile: "crypto/keys/spec.go, Defaults", now: now}
	for _, spec := range keys.Defaults() {
		list.keys = append(list.keys, spec.Name)
	}
	return list
}

// listed tells whether a route is offered: its destination's rulebook has entry rules for it, in force or announced, and
// packets of its source can be verified.
func (c checklist) listed(route exchange.Route, book *jurisdictions.Book) bool {
	return book.Opens(route, c.now) && (c.trusted == nil || c.trusted(route.From))
}

// unfinished refuses a rulebook that lists a route which lacks something on either end: a consent text, a form, a document,
// a port or a key. The error says for each what to write and in which file.
func (s sideSet) unfinished(book *jurisdictions.Book, list checklist) error {
	destination, err := s.find(book.Side())
	if err != nil {
		return err
	}
	var faults jurisdictions.Faults
	for _, source := range s {
		route := exchange.Route{From: source.Profile().Side, To: book.Side()}
		if route.From == route.To || !list.listed(route, book) {
			continue
		}
		faults = append(faults, jurisdictions.Unfinished(route, source, book, list.now)...)
		for _, name := range []string{source.Profile().PacketKey(), destination.Profile().Key} {
			if !slices.Contains(list.keys, name) {
				faults = append(faults, jurisdictions.Fault{
					File: list.keyFile, Message: fmt.Sprintf("add the key %s: the route %s is open without it", name, route),
				})
			}
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// complete checks the routes to every side.
func (s sideSet) complete(list checklist) error {
	var problems []error
	for _, side := range s {
		problems = append(problems, s.unfinished(side.Rules().Current(), list))
	}
	return errors.Join(problems...)
}

// checklist is that of a gateway which starts: the keys of its ring and the sides of its configuration. A ring over Vault has
// the same keys as a lint, whether Vault can be read yet or not.
func (p *parts) checklist() checklist {
	list := builtIn(p.clock())
	list.trusted = func(side exchange.Side) bool {
		_, named := p.settings.Trust.Sides[string(side)]
		return named
	}
	if p.settings.Keys.Kind == config.KeysVault {
		return list
	}
	list.keyFile, list.keys = p.settings.Keys.File, nil
	for _, public := range p.ring.Public() {
		list.keys = append(list.keys, public.Name)
	}
	return list
}

// completeRoutes refuses to start with a route that is listed and not finished, and then holds every reloaded rulebook to the
// same. A side without a key set in the configuration is said once: its packets cannot be verified, so its routes are not
// listed.
func (p *parts) completeRoutes() error {
	for _, side := range p.sides {
		if id := side.Profile().Side; !p.checklist().trusted(id) {
			p.log.Warn("the routes from this side are not listed: add it to trust.sides with its key set", "side", id)
		}
		accept := func(book *jurisdictions.Book) error {
			return errors.Join(p.sides.knowsWords(book), p.sides.unfinished(book, p.checklist()))
		}
		if err := side.Rules().Accept(accept); err != nil {
			return err
		}
	}
	return nil
}
