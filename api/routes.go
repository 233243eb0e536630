package api

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"crosscode/exchange"
)

// call is one thing that can be asked of the gateway.
type call struct {
	method, path string
	handle       echo.HandlerFunc
	// takes are the media types of its body, none for a GET. A type that a plain HTML form can send is among them only
	// where from is set.
	takes []string
	// from tells whether a form of this origin may be posted to the call; nil: the rules for calls across origins hold.
	from func(c echo.Context, origin string) bool
	// page says that a browser shows the answer, or runs it, and under which policy; nil: the answer is data.
	page *pagePolicy
	// open lets any web page read the answer: public keys and the officers' bundle, which are the same for everybody.
	open bool
	// probe is asked by the operator's own machinery: neither limited nor counted among the requests in flight.
	probe bool
}

const (
	mediaJOSE = "application/jose"
	mediaJSON = "application/json"

	exchangePath = "/v1/exchange"
)

// chart lists the calls, the same as in doc.go and openapi.yaml; a test holds the three together.
func (s *Server) chart() error {
	both := []string{mediaJOSE, mediaJSON}
	s.calls, s.paths = map[string]call{}, map[string][]call{}
	for _, each := range slices.Concat([]call{
		{method: http.MethodPost, path: exchangePath, handle: s.exchange, takes: both},
		{method: http.MethodPost, path: "/v1/receipts/verify", handle: s.verify, takes: []string{mediaJSON}},
		{method: http.MethodGet, path: "/v1/bundle", handle: s.bundle, open: true},
		{method: http.MethodPost, path: "/v1/recalls", handle: s.recall, takes: both},
		{method: http.MethodGet, path: "/v1/rules", handle: s.rulesIndex},
		{method: http.MethodGet, path: "/v1/rules/:route", handle: s.rules},
		{method: http.MethodGet, path: "/v1/consents/:route", handle: s.consents},
		{method: http.MethodGet, path: "/.well-known/jwks.json", handle: s.keySet, open: true},
		{method: http.MethodGet, path: "/.well-known/code-exchange", handle: s.metadata},
		{method: http.MethodGet, path: "/problems/:id", handle: s.problemType},
		{method: http.MethodGet, path: "/livez", handle: s.livez, probe: true},
		{method: http.MethodGet, path: "/readyz", handle: s.readyz, probe: true},
	}, s.guideCalls(), s.clientCalls(), s.officerCalls(), s.pageCalls()) {
		s.calls[each.method+" "+each.path] = each
		s.paths[each.path] = append(s.paths[each.path], each)
	}
	return s.chartSides()
}

// chartSides orders the sides and pairs them into routes.
func (s *Server) chartSides() error {
	s.tags = map[string]exchange.Side{}
	for side, jurisdiction := range s.config.Sides {
		profile := jurisdiction.Profile()
		if _, twice := s.tags[profile.Tag]; twice || profile.Side != side {
			return errors.New("sides: a profile of another side, or two sides with one tag")
		}
		s.tags[profile.Tag] = side
		s.sides = append(s.sides, side)
	}
	slices.Sort(s.sides)
	for _, from := range s.sides {
		for _, to := range s.sides {
			if from != to {
				s.routes = append(s.routes, exchange.Route{From: from, To: to})
			}
		}
	}
	return nil
}

// mount makes the public and the private handler. The order of the middleware is the order in which a request is
// refused: what costs us least comes first, and a slow body holds no slot.
func (s *Server) mount() {
	s.echo = echo.New()
	s.echo.IPExtractor = addressFrom(s.config.TrustedProxies)
	s.echo.HTTPErrorHandler = func(err error, c echo.Context) { s.fail(c, err) }
	s.echo.Use(s.observe, s.secure, s.fromWhere, s.limit, s.name, s.read, s.slot)
	for _, each := range s.calls {
		s.echo.Add(each.method, each.path, each.handle)
	}
	s.admin = s.private()
}

func (s *Server) private() http.Handler {
	admin := echo.New()
	admin.IPExtractor = echo.ExtractIPDirect()
	admin.HTTPErrorHandler = func(err error, c echo.Context) { s.fail(c, err) }
	admin.Use(s.contain, s.secure)
	admin.GET("/livez", s.livez)
	admin.GET("/readyz", s.readyz)
	admin.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(s.config.Metrics, promhttp.HandlerOpts{})))
	return admin
}

// callOf is the call that a request is for; found is false for any other path or method.
func (s *Server) callOf(c echo.Context) (found call, ok bool) {
	found, ok = s.calls[c.Request().Method+" "+c.Path()]
	return found, ok
}

// template is the request's path template, safe as a log field and a metric label: what a stranger puts in a URL is not.
func (s *Server) template(c echo.Context) string {
	if _, known := s.paths[c.Path()]; known {
		return c.Path()
	}
	return "unmatched"
}

// methodOf is the request's method if it is a usual one, for the log.
func methodOf(request *http.Request) string {
	switch request.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return request.Method
	}
	return "other"
}

// addressFrom finds the caller's address. X-Forwarded-For is believed only as far as trusted proxies wrote it: echo's
// default trusts anybody's (GHSA-246p-cpwv-v3jq), with which every request is a new address to the limiter.
func addressFrom(proxies []netip.Prefix) echo.IPExtractor {
	direct := echo.ExtractIPDirect()
	trusted := func(address string) bool {
		ip, err := netip.ParseAddr(address)
		return err == nil && slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	}
	return func(request *http.Request) string {
		address := direct(request)
		hops := strings.Split(strings.Join(request.Header.Values(echo.HeaderXForwardedFor), ","), ",")
		for i := len(hops) - 1; i >= 0 && trusted(address); i-- {
			hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			address = hop.String()
		}
		return address
	}
}
