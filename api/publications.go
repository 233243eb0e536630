package api

import (
	"time"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

// How long a reader may keep what is published, in seconds.
const (
	rulesAge    = 60
	metadataAge = 300
)

// editionDates is one rulebook version without its rules.
type editionDates struct {
	exchange.RulebookRef
	Side    exchange.Side `json:"side"`
	Part    string        `json:"part"`
	From    time.Time     `json:"from"`
	Until   *time.Time    `json:"until,omitempty"`
	Closed  bool          `json:"closed,omitempty"`
	Unknown bool          `json:"unknown,omitempty"`
	Source  string        `json:"source"`
	Rules   int           `json:"rules"` // how many
}

// routeRules is what is published for one route.
type routeRules[E any] struct {
	Route       string        `json:"route"`
	Source      exchange.Side `json:"source"`
	Destination exchange.Side `json:"destination"`
	// Ports is absent from the index of all routes.
	Ports    []exchange.PortText `json:"ports,omitempty"`
	Editions []E                 `json:"editions"`
}

// rulesIndex lists the rulebook versions of every route, current and announced.
func (s *Server) rulesIndex(c echo.Context) error {
	index := struct {
		Routes []routeRules[editionDates] `json:"routes"`
	}{}
	for _, route := range s.routes {
		listed := routeRules[editionDates]{Route: route.String(), Source: route.From, Destination: route.To, Editions: []editionDates{}}
		for _, edition := range s.editions(route) {
			listed.Editions = append(listed.Editions, editionDates{
				RulebookRef: edition.RulebookRef, Side: edition.Side, Part: edition.Part, From: edition.From, Until: edition.Until,
				Closed: edition.Closed, Unknown: edition.Unknown, Source: edition.Source, Rules: len(edition.Rules),
			})
		}
		index.Routes = append(index.Routes, listed)
	}
	return publish(c, mediaJSON, encode(index), rulesAge)
}

// rules gives one route's rules, what the source calls green and what the destination asks, and its ports.
func (s *Server) rules(c echo.Context) error {
	route, err := s.routeParam(c)
	if err != nil {
		return err
	}
	return publish(c, mediaJSON, encode(routeRules[exchange.Edition]{
		Route: route.String(), Source: route.From, Destination: route.To, Ports: s.portsOn(route), Editions: s.editions(route),
	}), rulesAge)
}

// portsOn are the border crossings of a route, as its source publishes them.
func (s *Server) portsOn(route exchange.Route) []exchange.PortText {
	return s.config.Sides[route.From].Ports(route)
}

// editions are both sides' versions for a route, the source's first.
func (s *Server) editions(route exchange.Route) []exchange.Edition {
	now, editions := s.config.Clock(), []exchange.Edition{}
	for _, side := range []exchange.Side{route.From, route.To} {
		for _, edition := range s.config.Sides[side].Editions(route, now) {
			edition.From = edition.From.In(exchange.Zone)
			if edition.Until != nil {
				until := edition.Until.In(exchange.Zone)
				edition.Until = &until
			}
			edition.Rules = append([]exchange.RuleText{}, edition.Rules...) // a closed version has none, not null
			editions = append(editions, edition)
		}
	}
	return editions
}

// routeParam is the route in the path, if it is one of ours.
func (s *Server) routeParam(c echo.Context) (exchange.Route, error) {
	route, err := exchange.ParseRoute(c.Param("route"))
	if err != nil || s.known(route) != route.String() {
		return exchange.Route{}, &fault{id: notFound, stage: "route"}
	}
	return route, nil
}

// wording is one consent text in one language.
type wording struct {
	Text   string `json:"text"`
	SHA256 string `json:"sha256"` // lower-case hex, of the text's UTF-8 bytes
}

// consentText is one consent text in all its languages.
type consentText struct {
	ID    string             `json:"id"`
	From  time.Time          `json:"from"`
	Until *time.Time         `json:"until,omitempty"`
	Texts map[string]wording `json:"texts"` // by language
}

// consents gives the texts that a source's page must show for a route, current and announced, to the letter.
func (s *Server) consents(c echo.Context) error {
	route, err := s.routeParam(c)
	if err != nil {
		return err
	}
	return publish(c, mediaJSON, encode(struct {
		Route         string        `json:"route"`
		Purpose       string        `json:"purpose"`
		MaxAgeSeconds int           `json:"max_age_seconds"`
		Consents      []consentText `json:"consents"`
	}{
		route.String(), exchange.Purpose, int(exchange.MaxConsentAge / time.Second),
		gather(s.config.Sides[route.From].Consents(route, s.config.Clock())),
	}), rulesAge)
}

// gather puts the languages of each text together, in the order in which the texts came.
func gather(texts []exchange.ConsentText) []consentText {
	gathered, at := []consentText{}, map[string]int{}
	for _, each := range texts {
		i, known := at[each.ID]
		if !known {
			i = len(gathered)
			at[each.ID] = i
			gathered = append(gathered, consentText{ID: each.ID, From: each.From.In(exchange.Zone), Texts: map[string]wording{}})
			if !each.Until.IsZero() {
				until := each.Until.In(exchange.Zone)
				gathered[i].Until = &until
			}
		}
		gathered[i].Texts[each.Language] = wording{Text: each.Text, SHA256: each.Hash}
	}
	return gathered
}

// problemType describes one type of problem in all languages: it is where a problem's "type" leads.
func (s *Server) problemType(c echo.Context) error {
	id := c.Param("id")
	entry, known := s.table.Problems[id]
	if !known {
		return &fault{id: notFound, stage: "problem"}
	}
	return publish(c, mediaJSON, encode(struct {
		ID      string        `json:"id"`
		Status  int           `json:"status"`
		Outcome string        `json:"outcome"`
		Title   exchange.Text `json:"title"`
		Detail  exchange.Text `json:"detail"`
		Remedy  exchange.Text `json:"remedy"`
		Contact exchange.Text `json:"contact"`
	}{id, entry.Status, entry.Outcome, entry.Title, entry.Detail, entry.Remedy, s.table.Contacts[entry.Contact]}), metadataAge)
}
