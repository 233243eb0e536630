package exchange

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Side is the id of one jurisdiction: "guangdong", "macau", "hongkong". Which sides exist is data: the domain only
// knows the shape of an id.
type Side string

// Port is the id of a border crossing, such as "gongbei" or "hzmb". An empty Port means that the packet names none, and
// then the rules of every port of the route must hold.
type Port string

var (
	sidePattern = regexp.MustCompile(`^[a-z]{2,16}$`)
	portPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,15}$`)
)

var errBadID = errors.New("not a valid id")

// ParseSide accepts 2 to 16 letters a–z.
func ParseSide(s string) (Side, error) {
	if !sidePattern.MatchString(s) {
		return "", fmt.Errorf("side: %w", errBadID)
	}
	return Side(s), nil
}

// ParsePort accepts the empty string (no port named) or 2 to 16 characters a–z, 0–9 and hyphen, beginning with a letter.
func ParsePort(s string) (Port, error) {
	if s != "" && !portPattern.MatchString(s) {
		return "", fmt.Errorf("port: %w", errBadID)
	}
	return Port(s), nil
}

// Route is a source side and a destination side. Its id is "macau-guangdong".
type Route struct{ From, To Side }

// ParseRoute reads an id such as "macau-guangdong". A route leads from one side to another one.
func ParseRoute(id string) (Route, error) {
	from, to, found := strings.Cut(id, "-")
	if !found {
		return Route{}, fmt.Errorf("route: %w", errBadID)
	}
	return NewRoute(from, to)
}

// NewRoute makes a route of two different side ids.
func NewRoute(from, to string) (Route, error) {
	source, err := ParseSide(from)
	if err != nil {
		return Route{}, err
	}
	destination, err := ParseSide(to)
	if err != nil {
		return Route{}, err
	}
	if source == destination {
		return Route{}, fmt.Errorf("route: %w", errBadID)
	}
	return Route{From: source, To: destination}, nil
}

func (r Route) String() string { return string(r.From) + "-" + string(r.To) }
