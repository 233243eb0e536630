package jurisdictions

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"crosscode/exchange"
)

// binding says at which ports a rule holds: those that it names, those of a group, or those outside of one. The zero value
// holds at every port.
//
// A packet that names no port must pass every port's rules, and so must one whose port nobody knows on its route: what is
// not known to be elsewhere is not let past.
type binding struct {
	named          []exchange.Port
	group, outside string
	on             map[string]map[exchange.Port]bool // by route id: the known ports, and whether it holds there; "": of all borders
	away           map[string]Ports                  // by route id: the ports where it does not hold
}

func (b *binding) everywhere() bool { return len(b.named) == 0 && b.group == "" && b.outside == "" }

// holds tells whether it does at the port of a packet on a route.
func (b *binding) holds(route string, port exchange.Port) bool {
	if b.everywhere() || port == "" {
		return true
	}
	if len(b.named) > 0 {
		return slices.Contains(b.named, port)
	}
	there, known := b.on[route][port]
	return there || !known
}

// includes tells whether the binding is meant for a known port.
func (b *binding) includes(port exchange.PortText) bool {
	switch {
	case b.group != "":
		return inGroup(port, b.group)
	case b.outside != "":
		return !inGroup(port, b.outside)
	}
	return len(b.named) == 0 || slices.Contains(b.named, port.ID)
}

// resolve looks up where it holds on each route of a side, and for an example without a route on any.
func (b *binding) resolve(side exchange.Side, all Ports) {
	b.on, b.away = map[string]map[exchange.Port]bool{"": {}}, map[string]Ports{}
	for _, port := range all {
		b.on[""][port.ID] = b.on[""][port.ID] || b.includes(port)
	}
	for _, route := range all.routesAt(side) {
		id := route.String()
		b.on[id] = map[exchange.Port]bool{}
		for _, port := range all.On(route) {
			there := b.includes(port)
			b.on[id][port.ID] = there
			if !there {
				b.away[id] = append(b.away[id], port)
			}
		}
	}
}

// published lists the ports of a route where it holds; empty for every port.
func (b *binding) published(route exchange.Route) []exchange.Port {
	var ports []exchange.Port
	for port, there := range b.on[route.String()] {
		if there && !b.everywhere() {
			ports = append(ports, port)
		}
	}
	slices.Sort(ports)
	return ports
}

// elsewhere lists the ports of a route where it does not hold and of which nothing says that they are not in service now.
func (b *binding) elsewhere(route string, now time.Time) Ports {
	var open Ports
	for _, port := range b.away[route] {
		if port.Serves(exchange.DateOf(now)) {
			open = append(open, port)
		}
	}
	return open
}

// binding reads "ports": a list of ids, or one group of them.
func (p *parser) binding(b block) binding {
	if !b.has("ports") {
		return binding{}
	}
	all, err := AllPorts()
	if err != nil {
		p.fault(b.lineOf("ports"), "%s: the ports cannot be read: %s", b.name("ports"), err)
	}
	var bound binding
	if node := p.resolve(b.values["ports"]); node != nil && node.Kind == yaml.MappingNode {
		bound = p.group(b, all)
	} else {
		bound.named = p.named(b)
	}
	bound.resolve(p.book.side, all)
	return bound
}

func (p *parser) group(b block, all Ports) binding {
	group := p.block(b.values["ports"], b.name("ports"), "group", "outside")
	bound := binding{group: group.text("group"), outside: group.text("outside")}
	if (bound.group == "") == (bound.outside == "") {
		p.fault(group.line, "%s: want one of group and outside", b.name("ports"))
	}
	for _, word := range []string{bound.group, bound.outside} {
		known := slices.ContainsFunc(all, func(port exchange.PortText) bool { return inGroup(port, word) })
		if word != "" && !known {
			p.fault(group.line, "%s: no port is in the group %q: a group is a city or a kind of ports.yaml", b.name("ports"), word)
		}
	}
	return bound
}

func (p *parser) named(b block) []exchange.Port {
	var named []exchange.Port
	for _, word := range b.words("ports") {
		port, err := exchange.ParsePort(word)
		if err != nil || port == "" {
			p.fault(b.lineOf("ports"), "%s: %q is not a port", b.name("ports"), word)
		}
		named = append(named, port)
	}
	if len(named) == 0 {
		p.fault(b.lineOf("ports"), "%s: none: leave it out for every port", b.name("ports"))
	}
	return named
}
