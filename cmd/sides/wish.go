package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// wish is what packet somebody wants.
type wish struct {
	over    route
	variant variant
	terms
}

// terms are what can be chosen beside route and case.
type terms struct {
	port, channel, language, audience string
	at                                time.Time
}

// newWish finds the case; an unknown one is a usage error that names the nearest and all of them.
func newWish(from, to, name string, chosen terms) (wish, error) {
	over, err := newRoute(from, to)
	if err != nil {
		return wish{}, err
	}
	found, err := caseNamed(name)
	if err != nil {
		return wish{}, err
	}
	if !found.appliesTo(over) {
		return wish{}, usagef("case %s: %s; it is for %s", name, "not over "+over.id(), strings.Join(found.routeIDs(), ", "))
	}
	chosen.channel = cmp.Or(chosen.channel, found.channel, over.from.channel)
	chosen.language = cmp.Or(chosen.language, "zh-Hant")
	return wish{over: over, variant: found, terms: chosen}, nil
}

// claims are the green packet's, changed as the case says.
func (w wish) claims(texts publishedConsents) (claims, error) {
	text, err := texts.in(w.language, w.at)
	if err != nil {
		return claims{}, err
	}
	made := &draft{at: w.at.In(zone), over: w.over, claims: w.green(text)}
	if w.variant.edit != nil {
		w.variant.edit(made)
	}
	return made.claims, nil
}

// consentRoute is the route whose text the holder read: but for one case the packet's own.
func (w wish) consentRoute() route {
	for _, other := range sides {
		if w.variant.strayConsent && other.id != w.over.from.id && other.id != w.over.to.id {
			return route{from: w.over.from, to: other}
		}
	}
	return w.over
}

// green is a packet that should get a code.
func (w wish) green(text consentText) claims {
	at := w.at
	return claims{
		Issuer: w.over.from.id, Audience: w.audience, Destination: w.over.to.id, Port: w.port, Channel: w.channel,
		ID: newID(), IssuedAt: at.Unix(), NotBefore: at.Unix(), Expires: at.Add(packetLife).Unix(),
		Consent:      text.statement(at),
		Holder:       specimenHolder(w.over.from, w.channel, at, adultAge),
		Health:       health{Colour: "green", AsOf: inZone(at), Reasons: []string{}},
		Evidence:     greenEvidence(w.over, w.channel, at),
		Declarations: greenDeclarations(w.over, at),
	}
}

// note says what the packet is, for whom, and what should become of it.
func (w wish) note(made claims) string {
	port := cmp.Or(made.Port, "any port")
	return fmt.Sprintf("specimen packet %s -> %s (%s), case %s: %s\n  for %s; lives until %s; should lead to: %s",
		w.over.from.id, w.over.to.id, port, w.variant.name, w.variant.says, made.Audience,
		inZone(time.Unix(made.Expires, 0)), w.variant.expected(w.over))
}
