package api

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"crosscode/api/guide"
	"crosscode/exchange"
	"crosscode/exchange/clock"
)

// Exchanger takes one packet to one answer; *exchange.Gateway is one. Its error is an exchange.Failure, or a fault of the
// gateway itself, which is answered with 500 and nothing inside.
type Exchanger interface {
	Exchange(ctx context.Context, request exchange.Request) (exchange.Answer, error)
}

// Exhibits checks the signatures of what somebody shows, by our own current keys. An empty code or receipt and a nil full
// receipt were not shown. Its error is a Failure with unavailable when the keys cannot be known now; any other error says
// that something is not ours.
type Exhibits interface {
	Exhibit(code, receipt exchange.Token, full []byte) (exchange.Exhibit, error)
}

// Config is all that the HTTP server needs. Every field is required unless its comment says what its zero value means.
type Config struct {
	// Issuer is the gateway's own URL without a trailing slash, as in a packet's aud: "https://gateway.example".
	Issuer    string
	Exchanger Exchanger
	// Sides are the jurisdictions; every ordered pair of two is a route. Their calendars say which routes are closed.
	Sides map[exchange.Side]exchange.Jurisdiction
	// Listed tells whether a route is offered now, in the metadata and on the pages; its rules can be read in any case. It is
	// asked for each request. Nil: all are.
	Listed   func(exchange.Route) bool
	Exhibits Exhibits
	Recalls  exchange.Recalls
	// SourceRecall verifies a source side's signed recall. Its error is a Failure: packet-refused or unavailable.
	SourceRecall func(ctx context.Context, token exchange.Token) (exchange.Recall, error)
	// Bundle gives the present signed bundle, at most half a minute old. It is asked for each request, and keeps what it
	// signed. Its error is a Failure with unavailable.
	Bundle func(ctx context.Context) (exchange.Token, exchange.Bundle, error)
	// KeySet gives the JWK Set (RFC 7517) of the gateway's live packet and signing keys, public halves only.
	KeySet func() ([]byte, error)
	// Ready tells why the gateway cannot work now, or nil. It is asked at most once a second.
	Ready func(ctx context.Context) error

	// Origins are the web origins whose pages may call the gateway, exactly as a browser sends them:
	// "https://page.example". None: only callers that are not web pages.
	Origins []string
	// Pages is about the pages for travellers. Its zero value: nobody can come to them.
	Pages Pages
	// Guide is what the packet guide tells.
	Guide guide.Facts
	// TrustedProxies are the addresses from which X-Forwarded-For is believed. None: the header is ignored.
	TrustedProxies []netip.Prefix
	// Rate and Burst limit the requests of one address (IPv6: one /64), in requests a second. Zero: 50 and 200, since
	// the phones of one carrier share addresses.
	Rate  float64
	Burst int
	// InFlight is how many requests may be worked on at once. Zero: 256.
	InFlight int
	// Specimen marks a gateway whose codes are not for real use; it accepts specimens and says so.
	Specimen bool

	// Clock is clock.Now when nil.
	Clock func() time.Time
	// Log gets one line a request; nil: no log.
	Log *slog.Logger
	// Metrics takes the server's metrics and is what Admin serves; nil: a registry of its own.
	Metrics *prometheus.Registry
}

// The server's timeouts and limits. A caller who is slower than this gets nothing: threats T28.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	// workTimeout bounds the work on one request, from the end of its body. An outage shows as 503 before writeTimeout
	// would cut the connection.
	workTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second // readTimeout, workTimeout and 10 s for the answer
	idleTimeout    = 60 * time.Second
	maxHeaderBytes = 16 << 10
	// maxBody is checked while reading; a packet has its own smaller limit, exchange.MaxPacket.
	maxBody = 64 << 10
	// maxAnswer is the most bytes of an answer to an exchange.
	maxAnswer = 16 << 10
)

// Server is the gateway's HTTP face. Make it with New.
type Server struct {
	config    Config
	echo      *echo.Echo
	admin     http.Handler
	calls     map[string]call // by method and path template
	paths     map[string][]call
	origins   map[string]bool
	sides     []exchange.Side // sorted
	routes    []exchange.Route
	tags      map[string]exchange.Side
	table     *table
	pages     pages
	handbook  handbook
	limiter   *limiter
	slots     chan struct{}
	metrics   *metrics
	readiness readiness
	draining  atomic.Bool
}

// New checks the config, telling all its faults at once, and makes the server. It opens no port.
func New(config Config) (*Server, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	texts, err := loadTable(config.Issuer)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: config, table: texts, slots: make(chan struct{}, config.InFlight),
		limiter: newLimiter(config.Rate, config.Burst), origins: make(map[string]bool, len(config.Origins)),
	}
	for _, origin := range config.Origins {
		s.origins[origin] = true
	}
	if s.pages, err = newPages(config); err != nil {
		return nil, err
	}
	if s.handbook, err = newHandbook(config.Guide); err != nil {
		return nil, err
	}
	if err := s.chart(); err != nil {
		return nil, err
	}
	if s.metrics, err = newMetrics(config.Metrics, s.inFlight); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s.mount()
	return s, nil
}

// Handler serves the public listener.
func (s *Server) Handler() http.Handler { return s.echo }

// Admin serves the private listener: /metrics, /livez and /readyz. It must not be reachable from outside.
func (s *Server) Admin() http.Handler { return s.admin }

// Drain makes /readyz say no from now on, so that a balancer stops sending requests before the caller shuts the
// http.Server down. Requests still arriving are served.
func (s *Server) Drain() { s.draining.Store(true) }

// HTTPServer is a server for the public listener at addr with every timeout and limit set. Starting it, its certificates
// and Shutdown, which finishes what was taken in, are the caller's.
func (s *Server) HTTPServer(addr string) *http.Server {
	return &http.Server{
		Addr: addr, Handler: s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       log.New(connectionFaults{s.config.Log}, "", 0),
	}
}

// connectionFaults keeps net/http's own lines out of the log: they hold the caller's address, which with the time of a
// crossing is personal data (PDPO DPP4, PIPL 6).
type connectionFaults struct{ log *slog.Logger }

func (f connectionFaults) Write(line []byte) (int, error) {
	f.log.Debug("connection fault")
	return len(line), nil
}

func (c Config) withDefaults() Config {
	if c.Rate == 0 {
		c.Rate = 50
	}
	if c.Burst == 0 {
		c.Burst = 200
	}
	if c.InFlight == 0 {
		c.InFlight = 256
	}
	if c.Listed == nil {
		c.Listed = func(exchange.Route) bool { return true }
	}
	if c.Clock == nil {
		c.Clock = clock.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	return c
}

func (c Config) check() error {
	var faults []error
	for name, missing := range map[string]bool{
		"Exchanger": c.Exchanger == nil, "Exhibits": c.Exhibits == nil, "Recalls": c.Recalls == nil,
		"SourceRecall": c.SourceRecall == nil, "Bundle": c.Bundle == nil, "KeySet": c.KeySet == nil, "Ready": c.Ready == nil,
	} {
		if missing {
			faults = append(faults, fmt.Errorf("%s is required", name))
		}
	}
	if len(c.Sides) < 2 {
		faults = append(faults, errors.New("two sides or more are required"))
	}
	if c.Rate < 0 || c.Burst < 0 || c.InFlight < 0 {
		faults = append(faults, errors.New("rate, burst and in-flight limit must not be negative"))
	}
	if err := checkOrigin(originOf(c.Issuer)); err != nil || strings.HasSuffix(c.Issuer, "/") {
		faults = append(faults, errors.New("issuer: not a URL without a trailing slash"))
	}
	for _, origin := range c.Origins {
		if err := checkOrigin(origin); err != nil {
			faults = append(faults, fmt.Errorf("origin %q: %w", origin, err))
		}
	}
	return errors.Join(append(faults, c.Pages.check(c.Sides)...)...)
}

// checkOrigin accepts exactly what a browser sends as Origin. Plain http is for this machine only: a page that anybody on
// the way can change must not see a holder's code.
func checkOrigin(origin string) error {
	parsed, err := url.Parse(origin)
	switch {
	case err != nil || parsed.Host == "" || origin != parsed.Scheme+"://"+parsed.Host || origin != strings.ToLower(origin):
		return errors.New("not an origin such as https://page.example")
	case parsed.Scheme == "https", parsed.Scheme == "http" && loopback(parsed.Hostname()):
		return nil
	}
	return errors.New("https is required")
}

// originOf is the origin of a URL; a URL that does not parse gives "".
func originOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
