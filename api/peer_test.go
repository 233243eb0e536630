package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestPeerIsTheCallerAsTheLimitsSeeHim(t *testing.T) {
	for name, test := range map[string]struct{ remote, forwarded, want string }{
		"an IPv4 caller":                         {"192.0.2.7:4711", "", "192.0.2.7"},
		"an IPv6 caller is his network":          {"[2001:db8:1:2:3:4:5:6]:4711", "", "2001:db8:1:2::"},
		"a header from anywhere is not believed": {"192.0.2.7:4711", "198.51.100.9", "192.0.2.7"},
		"a trusted proxy is":                     {"10.0.0.1:4711", "198.51.100.9", "198.51.100.9"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
			request := httptest.NewRequest(http.MethodGet, "/livez", nil)
			request.RemoteAddr = test.remote
			if test.forwarded != "" {
				request.Header.Set("X-Forwarded-For", test.forwarded)
			}
			var got string
			handler := w.server.name(func(c echo.Context) error { got = Peer(c.Request().Context()); return nil })
			if err := handler(w.server.echo.NewContext(request, httptest.NewRecorder())); err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("Peer = %q, want %q", got, test.want)
			}
		})
	}
	if got := Peer(context.Background()); got != "" {
		t.Errorf("Peer of no request = %q", got)
	}
}
