package api

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

const mediaForm = "application/x-www-form-urlencoded"

// packetShape is what a compact JWE looks like: five segments of base64url. What looks otherwise is not put into a page.
var packetShape = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+){3}$`)

// startPattern is what the id of a start looks like.
var startPattern = regexp.MustCompile(`^[a-z]{2,16}$`)

// mayBring tells whether a form of this origin may bring a packet over the route in the path: a page of the source side,
// or this very page in another language. A browser states the origin of every cross-site form; who states none, or hides
// it, is refused, since nothing but a browser has any business here (threats T37). The page itself changes nothing: the
// traveller's own button does, through /v1/exchange.
func (s *Server) mayBring(c echo.Context, origin string) bool {
	route, err := s.routeParam(c)
	if err != nil {
		return true // not found, whoever asks
	}
	site := c.Request().Header.Get("Sec-Fetch-Site")
	ours := site == "same-origin" || site == "" && origin == originOf(s.config.Issuer)
	return ours || s.pages.starts[route.From][origin]
}

// startLink is a page of a side where travellers begin.
type startLink struct{ ID, URL string }

// h5View is the page of one route. The packet is in the page and nowhere else; what happens next is in web/h5.js.
type h5View struct {
	view
	Route       exchange.Route
	Packet      string
	Consent     exchange.ConsentText
	ConsentFrom string
	Starts      []startLink
	Back        startLink // zero where no page of the source side is registered
	Landing     string    // empty: the handoff leads nowhere
	HandoffLife int       // seconds
	Now         int64     // milliseconds: the traveller's own clock may be wrong
	RouteNames  [2]string // of the sides
	Others      []routeLink
	Ports       []wordOf
	NotGranted  []wordOf
	Ends        []string  // the sections that only say that something is over
	Refused     faultView // packet-refused, which the API answers in English alone
}

// wordOf is what an id is called.
type wordOf struct{ ID, Text string }

// routeLink leads to the page of another route.
type routeLink struct{ Name, URL string }

// h5 shows the page of a route: with a packet, when a source's page has posted one, and without, when somebody opened or
// reloaded it. The script of the page then finds in sessionStorage how far the traveller has come.
func (s *Server) h5(c echo.Context) error {
	route, err := s.routeParam(c)
	if err != nil {
		return err
	}
	query := c.Request().URL.Query()
	if query.Has("packet") || query.Has("handoff") { // it would stay in histories and logs: threats T35
		return &fault{id: badRequest, stage: "query"}
	}
	packet, err := postedPacket(c)
	if err != nil {
		return err
	}
	visitOf(c).route = route
	shown, err := s.h5View(c, route)
	if err != nil {
		return err
	}
	shown.Packet = packet
	return s.show(c, http.StatusOK, s.pages.h5, shown)
}

// postedPacket is the form's one field, "packet"; "" for a GET.
func postedPacket(c echo.Context) (string, error) {
	if c.Request().Method != http.MethodPost {
		return "", nil
	}
	form, err := url.ParseQuery(string(visitOf(c).body))
	if err != nil || len(form) != 1 || len(form["packet"]) != 1 {
		return "", &fault{id: badRequest, stage: "form"}
	}
	packet := exchange.Packet(form.Get("packet")).Compact()
	switch {
	case len(packet) > exchange.MaxPacket:
		return "", exchange.Fail(exchange.TooLarge, "packet", nil)
	case !packetShape.MatchString(packet):
		return "", exchange.Fail(exchange.PacketRefused, "packet", nil)
	}
	return packet, nil
}

func (s *Server) h5View(c echo.Context, route exchange.Route) (h5View, error) {
	shown := h5View{
		view: s.view(c), Route: route, Starts: s.startsOf(route.From), Landing: s.config.Pages.Landings[route.To],
		HandoffLife: int(exchange.MaxHandoffLife / time.Second), Now: s.config.Clock().UnixMilli(),
		Ends: []string{"withdrawn", "deleted", "expired"}, Refused: s.faultView(c, string(exchange.PacketRefused), route),
	}
	if err := shown.chooseBack(c.QueryParam("return")); err != nil {
		return shown, err
	}
	stands := s.routeWords(route, shown.Language)
	shown.stands, shown.RouteNames = stands, [2]string{stands[1], stands[3]}
	shown.NotGranted = shown.wordsOf("pass.not.")
	shown.Ports = shown.wordsOf("port.")
	for _, port := range s.portsOn(route) {
		shown.Ports = append(shown.Ports, wordOf{ID: string(port.ID), Text: port.Name.In(shown.Language)})
	}
	for _, other := range s.routes {
		if other != route && s.config.Listed(other) {
			stands := s.routeWords(other, shown.Language)
			shown.Others = append(shown.Others, routeLink{Name: stands[1] + " → " + stands[3], URL: "/h5/" + other.String() + "?lang=" + shown.Language})
		}
	}
	shown.Consent, shown.ConsentFrom = s.consentShown(route, shown.Language)
	return shown, nil
}

// chooseBack picks the page that the traveller is led back to: the one whose id the source's page gave, or the side's first.
func (v *h5View) chooseBack(id string) error {
	if id == "" && len(v.Starts) == 0 {
		return nil
	}
	chosen := 0
	if id != "" {
		chosen = slices.IndexFunc(v.Starts, func(each startLink) bool { return each.ID == id })
	}
	if chosen < 0 {
		return &fault{id: badRequest, stage: "return"}
	}
	v.Back = v.Starts[chosen]
	return nil
}

// wordsOf are all the words under a prefix, by what stands behind it.
func (v *h5View) wordsOf(prefix string) []wordOf {
	var found []wordOf
	for _, key := range slices.Sorted(maps.Keys(v.words)) {
		if id, under := strings.CutPrefix(key, prefix); under {
			text, _ := v.T(key)
			found = append(found, wordOf{ID: id, Text: text})
		}
	}
	return found
}

// routeWords are what the placeholders of a route's texts stand for: {from} and {to} are the sides, {fromcode} and {tocode}
// their health codes. A side that pages.yaml does not know is called by its id.
func (s *Server) routeWords(route exchange.Route, language string) []string {
	name := func(side exchange.Side, part string) string {
		if found, err := s.pages.words.in(language, "side."+string(side)+"."+part); err == nil {
			return found
		}
		return string(side)
	}
	return []string{
		"{from}", name(route.From, "name"), "{to}", name(route.To, "name"),
		"{fromcode}", name(route.From, "code"), "{tocode}", name(route.To, "code"),
	}
}

// startsOf are the registered pages of a side, sorted by id.
func (s *Server) startsOf(side exchange.Side) []startLink {
	var starts []startLink
	for _, id := range s.pages.ids[side] {
		starts = append(starts, startLink{ID: id, URL: s.config.Pages.Starts[id].URL})
	}
	return starts
}

// consentShown is the text in force now that the source's page showed, and the day since when. None is in force: zero.
func (s *Server) consentShown(route exchange.Route, language string) (exchange.ConsentText, string) {
	now := s.config.Clock()
	for _, text := range s.config.Sides[route.From].Consents(route, now) {
		current := !now.Before(text.From) && (text.Until.IsZero() || now.Before(text.Until))
		if current && text.Language == language {
			return text, text.From.In(exchange.Zone).Format("2006-01-02 15:04 UTC-07")
		}
	}
	return exchange.ConsentText{}, ""
}
