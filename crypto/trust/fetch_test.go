package trust

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

func TestTLSProvesTheSide(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	const hour = time.Hour
	oldVersion := ours.certify(t, -hour, hour, "127.0.0.1")
	oldVersion.MinVersion, oldVersion.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	twelve := ours.certify(t, -hour, hour, "127.0.0.1")
	twelve.MaxVersion = tls.VersionTLS12
	for _, test := range []struct {
		name       string
		server     *tls.Config
		serverName string
		want       Class // empty: accepted
	}{
		{"the pinned authority and the host of the URL", ours.certify(t, -hour, hour, "127.0.0.1"), "", ""},
		{"the pinned authority and the pinned name", ours.certify(t, -hour, hour, "keys.mo.example"), "keys.mo.example", ""},
		{"TLS 1.2", twelve, "", ""},
		{"another authority", other.certify(t, -hour, hour, "127.0.0.1"), "", Identity},
		{"another name", ours.certify(t, -hour, hour, "www.mo.example"), "keys.mo.example", Identity},
		{"the host of the URL where a name is pinned", ours.certify(t, -hour, hour, "127.0.0.1"), "keys.mo.example", Identity},
		{"another side's certificate by the same authority", ours.certify(t, -hour, hour, "keys.gd.example"), "keys.mo.example", Identity},
		{"no name at all", ours.certify(t, -hour, hour), "", Identity},
		{"expired", ours.certify(t, -hour, -time.Minute, "127.0.0.1"), "", Identity},
		{"not valid yet", ours.certify(t, time.Minute, hour, "127.0.0.1"), "", Identity},
		{"TLS 1.1", oldVersion, "", Identity},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, key := newBack(t, test.server), newKey(t, "k1", keys.ES256)
			b.publish(key)
			set := open(t, Config{
				Sides: map[exchange.Side]Source{macau: {URL: b.URL, CAFile: ours.file, ServerName: test.serverName}}, Clock: newClock().read,
			})
			if test.want == "" {
				renew(t, set)
				knows(t, set, macau, "k1", key)
				return
			}
			failing(t, set, test.want)
			unavailable(t, set, macau, "k1")
			if hits := b.hits.Load(); hits != 0 {
				t.Errorf("%d requests were sent to a server that had not proved itself", hits)
			}
		})
	}
	t.Run("plain http behind an https URL", func(t *testing.T) {
		b := newBack(t, nil)
		set := open(t, Config{
			Sides: map[exchange.Side]Source{macau: {URL: "https" + strings.TrimPrefix(b.URL, "http"), CAFile: ours.file}}, Clock: newClock().read,
		})
		failing(t, set, Identity)
	})
}

func TestRedirectIsNeverFollowed(t *testing.T) {
	canary := newBack(t, nil)
	canary.publish(newKey(t, "evil", keys.ES256))
	for _, status := range []int{301, 302, 303, 307, 308} {
		for name, target := range map[string]string{
			"to another server":           canary.URL,
			"to the metadata address":     "http://169.254.169.254/latest/meta-data/",
			"within the same server":      "/other.json",
			"to another server, no http:": strings.TrimPrefix(canary.URL, "http:"),
		} {
			t.Run(fmt.Sprintf("%d %s", status, name), func(t *testing.T) {
				b := newBack(t, nil)
				b.handle(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", target)
					w.WriteHeader(status)
					_, _ = w.Write(set(newKey(t, "evil", keys.ES256))) // the body of a redirect counts for nothing either
				})
				set := one(t, b, newClock())
				failing(t, set, Redirect)
				unavailable(t, set, macau, "evil")
				if hits := b.hits.Load(); hits > 2 {
					t.Errorf("%d requests, want the refresh and the demand", hits)
				}
			})
		}
	}
	if hits := canary.hits.Load(); hits != 0 {
		t.Errorf("%d redirects were followed", hits)
	}
}

func TestMetadataAddressIsRefusedWhenDialling(t *testing.T) {
	ca := newAuthority(t)
	for _, host := range []string{"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "100.100.100.200", "0.0.0.0"} {
		t.Run(host, func(t *testing.T) {
			set := open(t, Config{
				Sides: map[exchange.Side]Source{macau: {URL: "https://" + host + "/jwks.json", CAFile: ca.file}}, Clock: newClock().read,
			})
			failing(t, set, Address)
		})
	}
}

func TestCallable(t *testing.T) {
	const anyHTTPS, loopbackHTTP, nothing = "https", "http and https", "nothing"
	for address, want := range map[string]string{
		"127.0.0.1": loopbackHTTP, "127.8.8.8": loopbackHTTP, "::1": loopbackHTTP, "::ffff:127.0.0.1": loopbackHTTP,
		"10.0.0.1": anyHTTPS, "192.168.1.1": anyHTTPS, "172.16.0.1": anyHTTPS, "203.0.113.9": anyHTTPS, "fd00::1": anyHTTPS,
		"2001:db8::1": anyHTTPS, "64:ff9b::203.0.113.9": anyHTTPS, "169.253.255.255": anyHTTPS, "169.255.0.0": anyHTTPS,
		"169.254.0.0": nothing, "169.254.169.254": nothing, "169.254.255.255": nothing, "::ffff:169.254.169.254": nothing,
		"64:ff9b::169.254.169.254": nothing, "64:ff9b:1::1": nothing, "2002:a9fe:a9fe::1": nothing, "2001::1": nothing,
		"::169.254.169.254": nothing, "fe80::1": nothing, "fe80::1%eth0": nothing, "febf::1": nothing, "fd00:ec2::254": nothing, "fd20:ce::254": nothing,
		"100.100.100.200": nothing, "192.0.0.192": nothing, "168.63.129.16": nothing, "0.0.0.0": nothing, "::": nothing,
		"224.0.0.1": nothing, "ff02::1": nothing, "255.255.255.255": nothing,
	} {
		parsed := netip.MustParseAddr(address)
		secure, plain := callable(parsed, false), callable(parsed, true)
		got := map[[2]bool]string{{true, true}: loopbackHTTP, {true, false}: anyHTTPS, {false, false}: nothing}[[2]bool{secure, plain}]
		if got != want {
			t.Errorf("%s may be called over %q, want %q", address, got, want)
		}
	}
	for _, address := range []string{"", "keys.example:443", "127.0.0.1"} {
		if control(false)(context.Background(), "tcp", address, nil) == nil {
			t.Errorf("%q, which is no address and port, was let through", address)
		}
	}
}

func TestAnswersThatAreNoSet(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    Class
	}{
		"404": {http.NotFound, Answer},
		"500": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, Answer},
		"203": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNonAuthoritativeInfo) }, Answer},
		"204": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, Answer},
		"compressed, though not asked": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("\x1f\x8b"))
		}, Answer},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(strings.Repeat(" ", 4096))); err != nil {
					return
				}
			}
		}, TooLarge},
		"a length that is too large": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "70000")
			_, _ = w.Write([]byte(strings.Repeat(" ", 70000)))
		}, TooLarge},
		"shorter than it says": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"keys":[]}`))
		}, Unreachable},
		"broken off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Unreachable},
		"a header without end": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeader))
			_, _ = w.Write([]byte(`{"keys":[]}`))
		}, Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBack(t, nil)
			b.handle(test.handler)
			failing(t, one(t, b, newClock()), test.want)
		})
	}
}

// However a side spends the time, the whole fetch ends when it is up.
func TestSlowSidesRunIntoTheDeadline(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	ca := newAuthority(t)
	never, drips := newBack(t, nil), newBack(t, nil)
	never.handle(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	drips.handle(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	for name, source := range map[string]Source{
		"no answer":               {URL: never.URL},
		"a body that drips":       {URL: drips.URL},
		"no header":               {URL: "http://" + silent.Addr().String()},
		"no end of the handshake": {URL: "https://" + silent.Addr().String(), CAFile: ca.file},
	} {
		t.Run(name, func(t *testing.T) {
			set := open(t, Config{
				Sides: map[exchange.Side]Source{macau: source}, Clock: newClock().read, Timeout: 100 * time.Millisecond,
			})
			began := time.Now()
			failing(t, set, Timeout)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestRequestCarriesNothingOfOurs(t *testing.T) {
	b := newBack(t, nil)
	var seen []http.Header
	b.handle(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Clone())
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "x"})
		_, _ = w.Write(set())
	})
	trusted := one(t, b, newClock())
	renew(t, trusted)
	renew(t, trusted)
	for i, header := range seen {
		for name := range header {
			switch name {
			case "Accept", "User-Agent", "Connection":
			default:
				t.Errorf("request %d has the header %s", i, name)
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("%d requests, want 2", len(seen))
	}
}

// net/http never sends loopback traffic to a proxy, so that this cannot be seen from outside.
func TestNoProxyAndNoCookies(t *testing.T) {
	client := newClient(nil, time.Second).GetClient()
	if transport := client.Transport.(*http.Transport); transport.Proxy != nil {
		t.Error("the environment can name a proxy")
	}
	if client.Jar != nil {
		t.Error("cookies are kept")
	}
}

func TestFileSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "macau.json")
	put := func(data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	clock := newClock()
	trusted := open(t, Config{Sides: map[exchange.Side]Source{macau: {File: path}}, Clock: clock.read})
	failing(t, trusted, File)
	unavailable(t, trusted, macau, "k1")

	k1, k2 := newKey(t, "k1", keys.ES256), newKey(t, "k2", keys.ES256)
	put(set(k1))
	renew(t, trusted)
	knows(t, trusted, macau, "k1", k1)
	put(set(k2, k1))
	clock.advance(demandEvery)
	knows(t, trusted, macau, "k2", k2)
	put(set(k2))
	renew(t, trusted)
	refuses(t, trusted, macau, "k1")

	put([]byte(strings.Repeat(" ", keys.MaxSetBytes+1)))
	failing(t, trusted, TooLarge)
	put([]byte("{}"))
	failing(t, trusted, Malformed)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	failing(t, trusted, File)
	knows(t, trusted, macau, "k2", k2)
}

func TestAuthoritiesAreReadWhole(t *testing.T) {
	one, two := newAuthority(t), newAuthority(t)
	read := func(a *authority) string {
		data, err := os.ReadFile(a.file)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for name, test := range map[string]struct {
		pem string
		ok  bool
	}{
		"one":                      {read(one), true},
		"two":                      {read(one) + "\n" + read(two), true},
		"none":                     {"", false},
		"one and a broken one":     {read(one) + strings.Replace(read(two), "MI", "XX", 1), false},
		"one and the start of one": {read(one) + read(two)[:100], false},
		"one and something else":   {read(one) + "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", false},
	} {
		if _, err := parseAuthorities([]byte(test.pem)); (err == nil) != test.ok {
			t.Errorf("%s: %v, want accepted %t", name, err, test.ok)
		}
	}
}
