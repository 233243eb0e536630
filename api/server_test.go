package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"crosscode/exchange"
)

func TestAllFaultsOfAConfigAreToldAtOnce(t *testing.T) {
	_, err := New(Config{
		Issuer: "http://gateway.example/", Origins: []string{"*", "null", "http://page.example", "https://page.example/", "https://Page.example"},
		Rate: -1,
	})
	if err == nil {
		t.Fatal("passes")
	}
	for _, want := range []string{
		"Exchanger", "Exhibits", "Recalls", "SourceRecall", "Bundle", "KeySet", "Ready", "two sides", "issuer", "negative",
		`origin "*"`, `origin "null"`, `origin "http://page.example"`, `origin "https://page.example/"`, `origin "https://Page.example"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not told: %v", want, err)
		}
	}
}

func TestOriginsThatMayBeRegistered(t *testing.T) {
	for origin, want := range map[string]bool{
		"https://page.example": true, "https://page.example:8443": true, "http://localhost:8081": true, "http://127.0.0.1:8081": true,
		"http://[::1]:8081": true, "": false, "page.example": false, "https://": false, "https://page.example/path": false,
		"https://user@page.example": false, "javascript:alert(1)": false, "http://127.0.0.1.evil.example": false, "https://page.example?": false,
	} {
		if got := checkOrigin(origin) == nil; got != want {
			t.Errorf("%q may be registered: %v, want %v", origin, got, want)
		}
	}
}

func TestAProfileThatIsNotTheSidesOwnIsRefused(t *testing.T) {
	w := newWorld(t)
	config := w.config()
	config.Metrics = prometheus.NewRegistry()
	config.Sides["macau"] = &side{w, exchange.Profile{Side: "macau", Tag: "gd"}}
	if _, err := New(config); err == nil {
		t.Error("two sides with one tag pass")
	}
	config.Sides["macau"] = &side{w, exchange.Profile{Side: "hongkong", Tag: "mo"}}
	if _, err := New(config); err == nil {
		t.Error("another side's profile passes")
	}
}

func TestMetricsThatAreTakenAreAFaultAndNoPanic(t *testing.T) {
	w := newWorld(t)
	config := w.config()
	if _, err := New(config); err == nil {
		t.Error("a second server counts into the first one's metrics")
	}
}

// Threats T28: echo sets none of these.
func TestTheServerHasEveryLimit(t *testing.T) {
	server := newWorld(t).server.HTTPServer("127.0.0.1:0")
	if server.ReadHeaderTimeout != 5*time.Second || server.ReadTimeout != 10*time.Second || server.WriteTimeout != 30*time.Second ||
		server.IdleTimeout != 60*time.Second || server.MaxHeaderBytes != 16<<10 || server.ErrorLog == nil {
		t.Errorf("%+v", server)
	}
}

func TestConnectionFaultsAreLoggedWithoutAnAddress(t *testing.T) {
	w := newWorld(t)
	w.server.HTTPServer("").ErrorLog.Print("http: TLS handshake error from 203.0.113.77:4000: EOF")
	if strings.Contains(w.log.String(), "203.0.113.77") {
		t.Errorf("%s", w.log.String())
	}
}

func TestReadinessFollowsTheGatewayAndEndsWithDrain(t *testing.T) {
	w := newWorld(t)
	w.want(get("/readyz"), http.StatusOK)
	w.outage["ready"] = true
	w.want(get("/readyz"), http.StatusOK) // asked within this second already
	w.advance(readinessKept)
	w.want(get("/readyz"), http.StatusServiceUnavailable)
	w.outage["ready"] = false
	w.advance(readinessKept)
	w.want(get("/readyz"), http.StatusOK)
	w.server.Drain()
	w.want(get("/readyz"), http.StatusServiceUnavailable)
	w.want(get("/livez"), http.StatusOK)
	w.want(jose(exchangePath, w.arrive("green")), http.StatusOK)
}

func TestReadinessIsAskedForATimeOnly(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Ready = func(ctx context.Context) error {
			if deadline, bounded := ctx.Deadline(); !bounded || time.Until(deadline) > readinessTimeout {
				t.Error("no deadline")
			}
			return nil
		}
	})
	w.want(get("/readyz"), http.StatusOK)
}

func TestMetricsAreOnThePrivateListenerAlone(t *testing.T) {
	w := newWorld(t)
	w.want(get("/metrics"), http.StatusNotFound)
	for path, want := range map[string]int{"/metrics": 200, "/livez": 200, "/readyz": 200, "/v1/bundle": 404, "/none": 404} {
		recorder := httptest.NewRecorder()
		w.server.Admin().ServeHTTP(recorder, get(path))
		if recorder.Code != want {
			t.Errorf("the private listener answers %s with %d, want %d", path, recorder.Code, want)
		}
	}
}

func TestAPanicOnThePrivateListenerIsContained(t *testing.T) {
	w := newWorld(t)
	w.panics["ready"] = true
	recorder := httptest.NewRecorder()
	w.server.Admin().ServeHTTP(recorder, get("/readyz"))
	if recorder.Code != http.StatusInternalServerError {
		t.Errorf("status %d", recorder.Code)
	}
}

func TestShutdownFinishesWhatWasTakenIn(t *testing.T) {
	w := newWorld(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	w.busy = func() { inside <- struct{}{}; <-leave }
	var server *http.Server
	address := w.serve(func(made *http.Server) { server = made })
	packet, status := w.arrive("green"), make(chan int)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	go func() {
		response, err := (&http.Client{Transport: transport}).Post("http://"+address+exchangePath, mediaJOSE, strings.NewReader(packet))
		if err != nil {
			status <- 0
			return
		}
		response.Body.Close()
		status <- response.StatusCode
	}()
	<-inside
	w.server.Drain()
	stopped := make(chan error)
	go func() { stopped <- server.Shutdown(context.WithoutCancel(t.Context())) }()
	close(leave)
	if got := <-status; got != http.StatusOK {
		t.Errorf("the request in flight got %d", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
