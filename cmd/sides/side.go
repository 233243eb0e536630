package main

import (
	"strings"
	"time"
)

// zone is UTC+8, in which all three sides count. None of them has daylight saving time.
var zone = time.FixedZone("UTC+8", 8*60*60)

// inZone writes an instant as RFC 3339 with the offset +08:00, to the second.
func inZone(t time.Time) string { return t.In(zone).Format(time.RFC3339) }

// side is one simulated back end.
type side struct {
	id string
	// tag stands for the side in key names ("packet-mo") and in a code's route ("mo-gd").
	tag string
	// listen is where it serves unless told otherwise.
	listen string
	// channel is how its holders log in unless a case or the command line says otherwise.
	channel string
	// codeType is the typ of the codes that the gateway signs for it, codeKey the name of their key.
	codeType, codeKey string
}

// sides are all of them, in the order of their ports.
var sides = []side{
	{id: "guangdong", tag: "gd", listen: "127.0.0.1:8081", channel: "app", codeType: "gd-code+jwt", codeKey: "gd"},
	{id: "macau", tag: "mo", listen: "127.0.0.1:8082", channel: "web", codeType: "mo-code+jwt", codeKey: "mo"},
	{id: "hongkong", tag: "hk", listen: "127.0.0.1:8083", channel: "web", codeType: "hk-code+jwt", codeKey: "hk"},
}

// sideByID finds one of sides; an unknown id is a usage error that names the three.
func sideByID(id string) (side, error) {
	var known []string
	for _, one := range sides {
		if one.id == id {
			return one, nil
		}
		known = append(known, one.id)
	}
	return side{}, usagef("%q is not a side: %s", id, strings.Join(known, ", "))
}

// route is a source and a destination. Its id is "macau-guangdong".
type route struct{ from, to side }

func newRoute(from, to string) (route, error) {
	source, err := sideByID(from)
	if err != nil {
		return route{}, err
	}
	destination, err := sideByID(to)
	if err != nil {
		return route{}, err
	}
	if from == to {
		return route{}, usagef("a route leads from one side to another, not from %s to itself", from)
	}
	return route{from: source, to: destination}, nil
}

func (r route) id() string { return r.from.id + "-" + r.to.id }

// routes are the six of them.
func routes() []route {
	var all []route
	for _, from := range sides {
		for _, to := range sides {
			if from.id != to.id {
				all = append(all, route{from: from, to: to})
			}
		}
	}
	return all
}
