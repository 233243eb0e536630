package jurisdictions

import (
	"embed"
	"errors"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"crosscode/exchange"
)

// portFiles is the ports.yaml of every side's folder.
//
// A port belongs to two sides and stands once, in the folder of either. So both sides read all files: two lists of the same
// border could come to differ, and a new side brings the ports of its borders along in its own folder.
//
//go:embed */ports.yaml
var portFiles embed.FS

// Ports is the border crossings of several borders.
type Ports []exchange.PortText

// MaxPorts is the most ports of one file; the longest of ours has under thirty.
const MaxPorts = 200

// portKinds is how people cross at a port.
func portKinds() []string { return []string{"land", "bridge", "rail", "ferry", "airport", "heliport"} }

// On lists the ports of a route, in both directions the same; nil for a route that has none.
func (p Ports) On(route exchange.Route) Ports {
	var on Ports
	for _, port := range p {
		if port.Cities[route.From] != "" && port.Cities[route.To] != "" {
			on = append(on, port)
		}
	}
	return on
}

// Has tells whether a port of that id is among them.
func (p Ports) Has(id exchange.Port) bool {
	return slices.ContainsFunc(p, func(port exchange.PortText) bool { return port.ID == id })
}

// IDs lists the ports' ids in order.
func (p Ports) IDs() []exchange.Port {
	ids := make([]exchange.Port, len(p))
	for i, port := range p {
		ids[i] = port.ID
	}
	return ids
}

// routesAt lists the routes, by id, that begin or end at a side and have ports.
func (p Ports) routesAt(side exchange.Side) []exchange.Route {
	found := map[exchange.Route]bool{}
	for _, port := range p {
		for end := range port.Cities {
			if port.Cities[side] != "" && end != side {
				found[exchange.Route{From: side, To: end}], found[exchange.Route{From: end, To: side}] = true, true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b exchange.Route) int { return strings.Compare(a.String(), b.String()) })
}

// inGroup tells whether a word names a group that the port is in: a city of either end, or its kind.
func inGroup(port exchange.PortText, group string) bool {
	return port.Kind == group || slices.Contains(slices.Collect(maps.Values(port.Cities)), group)
}

// AllPorts reads the ports of every border, once; its error is Faults of all files.
var AllPorts = sync.OnceValues(func() (Ports, error) {
	files, err := fs.Glob(portFiles, "*/ports.yaml")
	if err != nil {
		return nil, err
	}
	var all Ports
	var problems []error
	for _, file := range files {
		data, err := portFiles.ReadFile(file)
		if err != nil {
			return nil, err
		}
		ports, err := parsePorts(path.Join("jurisdictions", file), data, exchange.Side(path.Dir(file)), all)
		problems = append(problems, err)
		all = append(all, ports...)
	}
	return all, errors.Join(problems...)
})

// ParsePorts reads a side's ports.yaml; its error is Faults, all at once. A side whose borders all stand in its neighbours'
// files has an empty list.
func ParsePorts(file string, data []byte, side exchange.Side) (Ports, error) {
	return parsePorts(file, data, side, nil)
}

// parsePorts knows the ports of the files before this one: one that stands twice could say two things.
func parsePorts(file string, data []byte, side exchange.Side, before Ports) (Ports, error) {
	s := &sheet{file: file}
	var ports Ports
	if root := s.open(data); root != nil {
		b := s.sideBlock(root, side, "ports!")
		for _, node := range b.list("ports") {
			port := s.port(s.block(node, "port", "id!", "kind!", "cities!", "name!", "opened", "closed", "service", "source!",
				"confidence!", "note"), side)
			if twice := (Ports{port}).among(slices.Concat(before, ports)); twice {
				s.fault(node.Line, "port: %s stands twice for these two sides", port.ID)
			}
			ports = append(ports, port)
		}
		if len(ports) > MaxPorts {
			s.fault(b.lineOf("ports"), "file.ports: more than %d", MaxPorts)
		}
	}
	if err := s.faults.orNil(); err != nil {
		return nil, err
	}
	return ports, nil
}

// among tells whether one of them is in the other list already: the same id between the same two sides.
func (p Ports) among(others Ports) bool {
	return slices.ContainsFunc(p, func(port exchange.PortText) bool {
		return slices.ContainsFunc(others, func(other exchange.PortText) bool {
			return other.ID == port.ID && slices.Equal(endsOf(other), endsOf(port))
		})
	})
}

func endsOf(port exchange.PortText) []exchange.Side { return slices.Sorted(maps.Keys(port.Cities)) }

func (s *sheet) port(b block, side exchange.Side) exchange.PortText {
	id, err := exchange.ParsePort(b.text("id"))
	if err != nil {
		s.fault(b.lineOf("id"), "port.id: want 2 to 16 lower-case letters, digits and hyphens")
	}
	port := exchange.PortText{
		ID: id, Kind: b.pick("kind", portKinds()...), Cities: s.cities(b, side), Name: b.sentence("name"),
		Opened: b.day("opened"), Closed: b.day("closed"), Service: []exchange.PortService{},
		Source: b.text("source"), Confidence: b.pick("confidence", "official", "press", "assumed"), Note: b.text("note"),
	}
	if port.Opened != "" && port.Closed != "" && port.Closed <= port.Opened {
		s.fault(b.lineOf("closed"), "port.closed: not after opened")
	}
	for _, node := range b.list("service") {
		port.Service = append(port.Service, s.service(s.block(node, "service", "from!", "until", "open!", "source!", "confidence!"), port))
	}
	return port
}

// cities reads in which city the port is on each of its two sides. One of them is the side whose file it is.
func (s *sheet) cities(b block, side exchange.Side) map[exchange.Side]string {
	cities := map[exchange.Side]string{}
	if !b.has("cities") {
		return cities
	}
	for _, member := range s.members(b.values["cities"], "port.cities") {
		end, err := exchange.ParseSide(member.key)
		city := s.scalarText(member.value, "port.cities."+member.key)
		if err != nil || !wordPattern.MatchString(city) {
			s.fault(member.line, "port.cities: want a side and a word for the city, such as guangdong: zhuhai")
		}
		cities[end] = city
	}
	if len(cities) != 2 || cities[side] == "" {
		s.fault(b.lineOf("cities"), "port.cities: want two sides, one of them %s", side)
	}
	return cities
}

// openPattern is from when until when a port is open on a day, or that it is shut. 24:00 is the end of the day.
var openPattern = regexp.MustCompile(`\A(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)|` + exchange.Shut + `)\z`)

func (s *sheet) service(b block, port exchange.PortText) exchange.PortService {
	period := exchange.PortService{
		From: b.day("from"), Until: b.day("until"), Open: b.text("open"), Source: b.text("source"),
		Confidence: b.pick("confidence", "official", "press", "assumed"),
	}
	if !openPattern.MatchString(period.Open) {
		s.fault(b.lineOf("open"), "service.open: want hours in UTC+8 such as 06:00-01:00, or %s", exchange.Shut)
	}
	if period.Until != "" && period.Until <= period.From {
		s.fault(b.lineOf("until"), "service.until: not after from")
	}
	if last := len(port.Service) - 1; last >= 0 && (port.Service[last].Until == "" || port.Service[last].Until > period.From) {
		s.fault(b.line, "service: begins before the period above it ends")
	}
	return period
}

// day reads an optional day, "2021-09-08".
func (b block) day(key string) string {
	word := b.text(key)
	if word == "" {
		return ""
	}
	day, err := exchange.ParseDate(word)
	if err != nil {
		b.fault(b.lineOf(key), "%s: want a day such as 2021-09-08", b.name(key))
	}
	return day.String()
}
