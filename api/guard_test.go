package api

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"crosscode/exchange"
)

const (
	registered = "https://page.macau.example"
	stranger   = "https://page.macau.example.evil.example"
)

func TestPagesOfRegisteredOriginsAloneMayCall(t *testing.T) {
	for _, each := range []struct {
		name           string
		path           string
		origin, site   string
		status         int
		allowed        string // Access-Control-Allow-Origin
		withoutBrowser bool
	}{
		{"a registered page posts a packet", exchangePath, registered, "cross-site", 200, registered, false},
		{"a registered page of an older browser", exchangePath, registered, "", 200, registered, false},
		{"a caller that is no browser", exchangePath, "", "", 200, "", true},
		{"our own page", exchangePath, "", "same-origin", 200, "", false},
		{"our own page, which names its origin", exchangePath, issuer, "same-origin", 200, "", false},
		{"our own page of an older browser", exchangePath, issuer, "", 200, "", false},
		{"typed into the address bar", exchangePath, "", "none", 200, "", false},
		{"a stranger's page", exchangePath, stranger, "cross-site", 403, "", false},
		{"a stranger's page of an older browser", exchangePath, stranger, "", 403, "", false},
		{"a page that hides its origin", exchangePath, "null", "cross-site", 403, "", false},
		{"a page that sends no origin", exchangePath, "", "cross-site", 403, "", false},
		{"a sibling domain", exchangePath, "https://other.gateway.example", "same-site", 403, "", false},
		{"the registered origin in capitals", exchangePath, strings.ToUpper(registered), "cross-site", 403, "", false},
		{"the registered origin by http", exchangePath, "http://page.macau.example", "cross-site", 403, "", false},
		{"the registered origin on another port", exchangePath, registered + ":8443", "cross-site", 403, "", false},
	} {
		t.Run(each.name, func(t *testing.T) {
			w := newWorld(t)
			request := jose(each.path, w.arrive("green"))
			set(request, "Origin", each.origin)
			set(request, "Sec-Fetch-Site", each.site)
			got := w.want(request, each.status)
			if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != each.allowed {
				t.Errorf("Access-Control-Allow-Origin = %q, want %q", allowed, each.allowed)
			}
			if got.header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Origin") {
				t.Errorf("%v", got.header)
			}
		})
	}
}

func set(request *http.Request, name, value string) {
	if value != "" {
		request.Header.Set(name, value)
	}
}

func TestKeysAndTheBundleMayBeReadByAnyPageAndNothingElse(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{
		"/v1/bundle": "*", "/.well-known/jwks.json": "*", "/v1/rules": "", "/v1/consents/macau-guangdong": "", "/.well-known/code-exchange": "", "/livez": "",
	} {
		request := get(path)
		request.Header.Set("Origin", stranger)
		if got := w.want(request, http.StatusOK).header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%s: a stranger's page is allowed %q, want %q", path, got, want)
		}
	}
}

func TestPreflights(t *testing.T) {
	w := newWorld(t)
	for _, each := range []struct{ path, origin, method, allowed string }{
		{exchangePath, registered, "POST", registered},
		{exchangePath, registered, "DELETE", ""},
		{exchangePath, stranger, "POST", ""},
		{"/v1/recalls", registered, "POST", registered},
		{"/v1/receipts/verify", registered, "POST", registered},
		{"/v1/rules/macau-guangdong", registered, "GET", registered},
		{"/v1/bundle", stranger, "GET", "*"},
		{"/v1/bundle", stranger, "POST", ""},
		{"/none", registered, "POST", ""},
	} {
		request := httptest.NewRequest(http.MethodOptions, each.path, nil)
		request.Header.Set("Origin", each.origin)
		request.Header.Set("Access-Control-Request-Method", each.method)
		request.Header.Set("Access-Control-Request-Headers", "content-type,idempotency-key")
		got := w.want(request, http.StatusNoContent)
		if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != each.allowed {
			t.Errorf("%s %s from %s: allowed %q, want %q", each.method, each.path, each.origin, allowed, each.allowed)
		}
		if headers := got.header.Get("Access-Control-Allow-Headers"); strings.Contains(headers, "Idempotency-Key") != (each.allowed != "") {
			t.Errorf("%s %s: headers %q", each.method, each.path, headers)
		}
	}
}

func TestNoPlainFormCanPost(t *testing.T) {
	w := newWorld(t)
	for _, media := range []string{
		"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jose+json", "application/octet-stream",
		"application/json;;", "text/json",
	} {
		request := jose(exchangePath, w.arrive("green"))
		request.Header.Del("Content-Type")
		set(request, "Content-Type", media)
		got := w.want(request, http.StatusUnsupportedMediaType)
		if got.member("reason") != string(exchange.UnsupportedMedia) || got.header.Get("Accept-Post") != "application/jose, application/json" {
			t.Errorf("%q: %v %s", media, got.header, got.body)
		}
	}
	twice := jose(exchangePath, w.arrive("green"))
	twice.Header.Add("Content-Type", mediaJSON)
	w.want(twice, http.StatusUnsupportedMediaType)
	w.want(jose("/v1/receipts/verify", "a.b.c"), http.StatusUnsupportedMediaType)
	parameter := jsonPost(exchangePath, map[string]string{"packet": w.arrive("parameter")})
	parameter.Header.Set("Content-Type", "Application/JSON; charset=utf-8")
	w.want(parameter, http.StatusOK)
}

func TestNoCompressedBodyIsLookedAt(t *testing.T) {
	w := newWorld(t)
	for _, encoding := range []string{"gzip", "deflate", "br", "identity"} {
		request := jose(exchangePath, w.arrive("green"))
		request.Header.Set("Content-Encoding", encoding)
		w.want(request, http.StatusUnsupportedMediaType)
	}
}

func TestBodiesAtTheirLimit(t *testing.T) {
	w := newWorld(t)
	whole := func(size int) string { // a JSON body of this size with a packet that is not too large
		return `{"packet":"` + w.arrive("green") + `"` + strings.Repeat(" ", size-len(`{"packet":"green"}`)) + "}"
	}
	w.want(jsonPost(exchangePath, whole(maxBody)), http.StatusOK)
	w.want(jsonPost(exchangePath, whole(maxBody+1)), http.StatusRequestEntityTooLarge)
	w.want(jose(exchangePath, strings.Repeat("a", exchange.MaxPacket)), http.StatusBadRequest)
	w.want(jose(exchangePath, strings.Repeat("a", exchange.MaxPacket+1)), http.StatusRequestEntityTooLarge)
	lying := jose(exchangePath, w.arrive("lying"))
	lying.ContentLength = maxBody + 1
	w.want(lying, http.StatusRequestEntityTooLarge)
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	w := newWorld(t)
	for _, request := range []*http.Request{get("/livez"), get("/none"), get("/v1/bundle"), jose(exchangePath, w.arrive("green")), jose(exchangePath, "")} {
		got := w.do(request)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy":   "default-src 'none'; frame-ancestors 'none'",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s = %q, want %q", request.URL.Path, name, got.header.Get(name), want)
			}
		}
	}
}

func TestWithoutTLSThereIsNoHSTS(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Issuer = "http://127.0.0.1:8080" })
	if got := w.want(get("/livez"), http.StatusOK).header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("Strict-Transport-Security = %q", got)
	}
}

// from sets where a request comes from, and what it claims about that.
func from(request *http.Request, address string, forwarded ...string) *http.Request {
	request.RemoteAddr = net.JoinHostPort(address, "4000")
	for _, each := range forwarded {
		request.Header.Add("X-Forwarded-For", each)
	}
	return request
}

func TestAnAddressKeepsToItsRate(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Rate, c.Burst = 0.1, 3 })
	for range 3 {
		w.want(from(get("/v1/rules"), "203.0.113.1"), http.StatusOK)
	}
	got := w.want(from(jose(exchangePath, w.arrive("green")), "203.0.113.1"), http.StatusTooManyRequests)
	if got.header.Get("Retry-After") != "10" || got.member("reason") != string(exchange.SlowDown) || !bytes.Contains(got.body, []byte(`"retry_after":10`)) {
		t.Errorf("%v %s", got.header, got.body)
	}
	w.want(from(get("/v1/rules"), "203.0.113.2"), http.StatusOK)
	w.want(from(get("/livez"), "203.0.113.1"), http.StatusOK)
	w.advance(10 * time.Second)
	w.want(from(jose(exchangePath, "green"), "203.0.113.1"), http.StatusOK)
}

func TestAThousandForgedAddressesAreOne(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Rate, c.Burst = 0.001, 10 })
	passed := 0
	for i := range 1000 {
		request := from(get("/livez"), "203.0.113.1", fmt.Sprintf("198.51.%d.%d", i/250, i%250))
		request.Header.Set("X-Real-IP", fmt.Sprintf("10.0.%d.%d", i/250, i%250))
		request.Header.Set("Forwarded", "for=192.0.2.60")
		request.URL.Path = "/v1/rules"
		if w.do(request).status == http.StatusOK {
			passed++
		}
	}
	if passed != 10 {
		t.Errorf("%d of 1000 passed, want the burst of 10", passed)
	}
}

func TestTheCallersAddressIsTheLastThatATrustedProxyDidNotWrite(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, each := range []struct {
		name      string
		address   string
		forwarded []string
		want      string
	}{
		{"directly", "203.0.113.1", nil, "203.0.113.1"},
		{"directly, with a forged header", "203.0.113.1", []string{"198.51.100.1"}, "203.0.113.1"},
		{"through a proxy", "10.0.0.1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"through a proxy, with a forged hop before", "10.0.0.1", []string{"192.0.2.9, 198.51.100.1"}, "198.51.100.1"},
		{"through two proxies", "10.0.0.1", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"through two proxies in two headers", "10.0.0.1", []string{"198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		{"through an IPv6 proxy", "2001:db8:1::5", []string{"2001:db8:9::1"}, "2001:db8:9::1"},
		{"through a proxy as a mapped address", "::ffff:10.0.0.1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"through a proxy that wrote nothing", "10.0.0.1", nil, "10.0.0.1"},
		{"through a proxy that wrote nonsense", "10.0.0.1", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"from a private address that is no proxy", "192.168.0.1", []string{"198.51.100.1"}, "192.168.0.1"},
	} {
		if got := addressFrom(proxies)(from(get("/"), each.address, each.forwarded...)); got != each.want {
			t.Errorf("%s: %s, want %s", each.name, got, each.want)
		}
	}
}

func TestOneSubscriberIsOneAddress(t *testing.T) {
	for _, each := range []struct{ one, other string }{
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"}, {"::ffff:192.0.2.1", "192.0.2.1"}, {"fe80::1%eth0", "fe80::1"}, {"", "nonsense"},
	} {
		if network(each.one) != network(each.other) {
			t.Errorf("%q and %q are two", each.one, each.other)
		}
	}
	if network("2001:db8::1") == network("2001:db8:0:1::1") || network("192.0.2.1") == network("192.0.2.2") {
		t.Error("two subscribers are one")
	}
}

func TestTheLimiterRemembersABoundedNumberOfAddresses(t *testing.T) {
	l, now := newLimiter(0.001, 1), time.Unix(0, 0)
	faithful := "203.0.113.1"
	l.take(faithful, now)
	for i := range 3 * maxAddresses {
		l.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String(), now)
		if i%1000 == 0 && l.take(faithful, now) == 0 {
			t.Fatalf("an address that keeps asking was forgotten after %d others", i)
		}
	}
	if held := len(l.recent) + len(l.older); held > maxAddresses {
		t.Errorf("%d addresses are held, want ≤ %d", held, maxAddresses)
	}
}

func TestWithoutALimitNobodyWaits(t *testing.T) {
	l := newLimiter(math.Inf(1), 1)
	for range 100 {
		if wait := l.take("203.0.113.1", time.Unix(0, 0)); wait != 0 {
			t.Fatalf("waits %s", wait)
		}
	}
}

// serve runs the real server on loopback and gives its address.
func (w *world) serve(change func(*http.Server)) string {
	w.t.Helper()
	server := w.server.HTTPServer("127.0.0.1:0")
	if change != nil {
		change(server)
	}
	listener, err := net.Listen("tcp", server.Addr)
	if err != nil {
		w.t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(listener) })
	w.t.Cleanup(func() {
		// A connection whose body was cut off lingers for half a second, which Close alone does not wait for.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
		_ = server.Close()
		done.Wait()
	})
	return listener.Addr().String()
}

func TestASlowBodyHoldsNoSlotAndIsGivenUp(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.InFlight = 1; c.Rate = math.Inf(1) })
	address := w.serve(func(server *http.Server) { server.ReadTimeout = 300 * time.Millisecond })
	slow := make([]net.Conn, 20)
	for i := range slow {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		fmt.Fprintf(connection, "POST /v1/exchange HTTP/1.1\r\nHost: x\r\nContent-Type: application/jose\r\nContent-Length: 100\r\n\r\nabc")
		slow[i] = connection
	}
	w.want(jose(exchangePath, w.arrive("green")), http.StatusOK)
	for _, connection := range slow {
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(body), requestTimeout) {
			t.Fatalf("%d %s", response.StatusCode, body)
		}
	}
}

// endless is a body without an end; it counts what was taken of it.
type endless struct{ taken atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.taken.Add(int64(len(p)))
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestABodyWithoutEndIsCutOff(t *testing.T) {
	w := newWorld(t)
	address := w.serve(nil)
	body := &endless{}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+exchangePath, body)
	request.Header.Set("Content-Type", mediaJOSE)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err == nil { // the server may also have closed the connection before the answer was read
		defer response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
			t.Errorf("status %d, close %v", response.StatusCode, response.Close)
		}
	}
	const most = 8 << 20 // what sockets and net/http take in before the connection is closed
	if taken := body.taken.Load(); taken > most {
		t.Errorf("%d bytes were taken", taken)
	}
}

func TestHeadersAreBounded(t *testing.T) {
	w := newWorld(t)
	address := w.serve(nil)
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/livez", nil)
	request.Header.Set("X-Large", strings.Repeat("a", 2*maxHeaderBytes))
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestMoreThanMayBeInFlightAreSentAway(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.InFlight = 2 })
	inside, leave := make(chan struct{}), make(chan struct{})
	w.busy = func() { inside <- struct{}{}; <-leave }
	first, second := jose(exchangePath, w.arrive("one")), jose(exchangePath, w.arrive("two"))
	var done sync.WaitGroup
	for _, request := range []*http.Request{first, second} {
		done.Go(func() { w.server.Handler().ServeHTTP(httptest.NewRecorder(), request) })
		<-inside
	}
	got := w.want(jose(exchangePath, "three"), http.StatusServiceUnavailable)
	if got.member("reason") != string(exchange.Unavailable) || got.header.Get("Retry-After") == "" {
		t.Errorf("%v %s", got.header, got.body)
	}
	w.want(get("/livez"), http.StatusOK)
	close(leave)
	done.Wait()
	w.want(jose(exchangePath, "three"), http.StatusBadRequest)
}

func TestAPanicAnywhereIsOneAnswerAndTheProcessLives(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.InFlight = 1 }) // a slot that is not given back would show at once
	code := w.issue("before")
	var uniform []byte
	send := func(name string, request *http.Request) {
		t.Helper()
		got := w.want(request, http.StatusInternalServerError)
		body := bytes.ReplaceAll(got.body, []byte(got.member("request_id")), nil)
		if uniform == nil {
			uniform = body
		}
		if !bytes.Equal(body, uniform) {
			t.Errorf("a panic in %s: %s, want %s", name, body, uniform)
		}
	}
	for _, stage := range []string{"open", "verify", "read", "green", "admit"} {
		send(stage, jose(exchangePath, w.arrive("at "+stage, func(v *traveller) { v.panicAt = stage })))
	}
	for _, part := range []string{"replays", "journal", "signer", "sealer"} {
		w.panics[part] = true
		send(part, jose(exchangePath, w.arrive("in "+part)))
		w.panics[part] = false
	}
	for part, request := range map[string]*http.Request{
		"exhibits": jsonPost("/v1/receipts/verify", shown{Code: string(code.Code)}), "recalls": jsonPost("/v1/recalls", withdrawalOf(code)),
		"bundle": get("/v1/bundle"), "keys": get("/.well-known/jwks.json"), "ready": get("/readyz"),
	} {
		w.panics[part] = true
		send(part, request)
		w.panics[part] = false
	}
	w.want(jose(exchangePath, w.arrive("after")), http.StatusOK)
}

func TestACallerWhoLeavesIsAnOutageToNobodyElse(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.arrive("green", func(v *traveller) { v.read = context.Canceled })
	cancel()
	w.want(jose(exchangePath, "green").WithContext(ctx), http.StatusServiceUnavailable)
}
