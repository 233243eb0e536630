package jurisdictiontest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

// nowhere: where there are no rules there is no grant, and the reason says which kind of nowhere it is.
func (s *suite) nowhere(t *testing.T) {
	leaving, coming := s.leaving()[0], s.coming()[0]
	record, err := s.Read(Claims(s.green(leaving.To)))
	if err != nil {
		t.Fatal(err)
	}
	arrived, err := ReadAny(arriving(coming, Now))
	if err != nil {
		t.Fatal(err)
	}
	history := s.Rules().Current().Versions()
	only := func(what string, findings exchange.Findings, reason exchange.Reason) {
		t.Helper()
		verdict := exchange.Conclude(arrived, everybodyGreen(), findings, Now)
		wantRefusal(t, what, verdict, nil, reason)
		if len(findings.Outcomes) != 1 {
			t.Errorf("%s: %d outcomes, want one", what, len(findings.Outcomes))
		}
	}
	before := history[0].From.Add(-time.Nanosecond)
	only("leaving before history", s.Green(record, before), exchange.RouteNotConfigured)
	only("coming before history", s.Admit(arrived, coming, before), exchange.RouteNotConfigured)
	unknown := exchange.Route{From: "taiwan", To: s.id}
	only("a route that nobody configured", s.Admit(arrived, unknown, Now), exchange.RouteNotConfigured)
	closed := 0
	for _, version := range history {
		if version.Closed {
			closed++
			only("leaving while closed", s.Green(record, version.From), exchange.RouteClosed)
			only("coming while closed", s.Admit(arrived, coming, version.Until.Add(-time.Second)), exchange.RouteClosed)
		}
	}
	if closed == 0 {
		t.Error("no version is closed: the codes were shut in 2023")
	}
	s.unknown(t, record, arrived, only)
	s.ports(t)
}

// unknown: what the record does not know grants nobody anything, in whole versions and over single routes.
func (s *suite) unknown(t *testing.T, record, arrived exchange.Record, only func(string, exchange.Findings, exchange.Reason)) {
	t.Helper()
	for _, version := range s.Rules().Current().Versions() {
		if version.Unknown {
			only("leaving in a gap", s.Green(record, version.From), exchange.RouteNotConfigured)
			only("coming in a gap", s.Admit(arrived, s.coming()[0], version.From), exchange.RouteNotConfigured)
		}
		for _, gap := range version.Gaps {
			route, err := exchange.ParseRoute(gap.Route)
			if err != nil || gap.Note == "" {
				t.Errorf("%s has a gap over %q without a note", version.ID, gap.Route)
			}
			if len(gap.Ports) == 0 {
				only("coming over a route that is not known", s.Admit(arrived, route, version.From), exchange.RouteNotConfigured)
			}
		}
	}
}

// ports: one that the route does not have is no port; one that it has, or none at all, is.
func (s *suite) ports(t *testing.T) {
	for _, route := range s.leaving() {
		for _, port := range []string{"atlantis", "GONGBEI", "gongbei/..", " "} {
			_, err := s.Read(Claims(With(s.green(route.To), "port", port)))
			if reason, _ := exchange.ReasonOf(err); reason != exchange.ClaimsInvalid {
				t.Errorf("%s at port %q: %v, want claims-invalid", route, port, err)
			}
		}
		ports := s.Ports(route)
		if len(ports) == 0 {
			t.Errorf("%s has no ports", route)
		}
		for _, port := range ports {
			verdict, err := s.asSource(With(s.green(route.To), "port", string(port.ID)), Now)
			wantGrant(t, route.String()+" at "+string(port.ID), verdict, err)
		}
	}
}

// versions: each is in force from its first nanosecond until just before the next one's.
func (s *suite) versions(t *testing.T) {
	route := s.leaving()[0]
	record, err := s.Read(Claims(s.green(route.To)))
	if err != nil {
		t.Fatal(err)
	}
	versions := s.Rules().Current().Versions()
	for i, version := range versions {
		if got := s.Green(record, version.From).Rulebook.Version; got != version.ID {
			t.Errorf("at %s %q is in force, want %s", version.From, got, version.ID)
		}
		if i > 0 {
			if got := s.Green(record, version.From.Add(-time.Nanosecond)).Rulebook.Version; got != versions[i-1].ID {
				t.Errorf("just before %s %q is in force, want %s", version.From, got, versions[i-1].ID)
			}
		}
	}
	last := versions[len(versions)-1]
	standing := time.Date(2026, 1, 1, 0, 0, 0, 0, exchange.Zone)
	if !last.From.Equal(standing) || last.Until != nil || last.Closed {
		t.Errorf("the last version is %s, want an open one from %s on", last.ID, standing)
	}
}

// calendar holds the closings to the rules themselves, over every route, on both sides of each version's first second: a
// route is shut exactly where there is one outcome and it is about the route.
func (s *suite) calendar(t *testing.T) {
	instants := []time.Time{Now}
	for _, version := range s.Rules().Current().Versions() {
		instants = append(instants, version.From.Add(-time.Second), version.From)
	}
	for _, route := range append(s.leaving(), s.coming()...) {
		for _, at := range instants {
			findings := s.Green(exchange.Record{Route: route}, at)
			if route.To == s.id {
				findings = s.Admit(exchange.Record{Route: route}, route, at)
			}
			nobody := len(findings.Outcomes) == 1 && findings.Outcomes[0].Category == "route"
			if shut := s.Shut(route, at, at); (len(shut) == 1) != nobody {
				t.Errorf("%s at %s: shut %v, and the rules say %+v", route, at.In(exchange.Zone), shut, findings.Outcomes)
			}
		}
		if past := s.Shut(route, time.Time{}, Now); len(past) < 2 || !past[0].From.IsZero() {
			t.Errorf("%s was shut %v, want: before all history, and since", route, past)
		}
	}
}

// silent looks for the holder in everything that findings and errors say. Only Shows.Document may hold a number: it is
// what the code masks and prints.
func (s *suite) silent(t *testing.T) {
	var told strings.Builder
	for _, route := range s.leaving() {
		base := s.green(route.To)
		for _, path := range Paths(base) {
			for _, claims := range []map[string]any{Without(base, path), With(base, path, CanaryLatin), With(base, path, []any{CanaryHan})} {
				record, err := s.Read(Claims(With(claims, "iss", string(s.id))))
				fmt.Fprintf(&told, "%v %+v\n", err, s.Green(record, Now))
			}
		}
	}
	for _, route := range s.coming() {
		base := arriving(route, Now)
		for _, path := range Paths(base) {
			record, err := ReadAny(With(Without(base, path), "iss", string(route.From)))
			findings := s.Admit(record, route, Now)
			findings.Shows = exchange.Shows{}
			fmt.Fprintf(&told, "%v %+v\n", err, findings)
		}
	}
	for _, canary := range Canaries() {
		if i := strings.Index(told.String(), canary); i >= 0 {
			t.Errorf("something says who: …%q…", told.String()[max(0, i-80):min(told.Len(), i+40)])
		}
	}
}
