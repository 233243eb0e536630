package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"crosscode/config"
	"crosscode/exchange/clock"
)

type serveCommand struct {
	Config  string `required:"" env:"CROSSCODE_CONFIG" type:"existingfile" help:"The configuration (config/example.yaml shows every key)."`
	TLSCert string `name:"tls-cert" type:"existingfile" help:"Serve TLS with this certificate chain (PEM)."`
	TLSKey  string `name:"tls-key" type:"existingfile" help:"The certificate's private key (PEM)."`
	TLSDev  bool   `name:"tls-dev" help:"Serve TLS with a certificate made at this start."`
	Sides   string `type:"existingfile" placeholder:"PROGRAM" help:"Development: run the three simulated sides beside the gateway."`
	JSON    bool   `help:"Log JSON lines instead of text."`
}

// drainTime is how long a stopping gateway finishes what it has taken in.
const drainTime = 15 * time.Second

// Run serves until the context ends, then finishes what was taken in.
func (c *serveCommand) Run(ctx context.Context, std streams) (err error) {
	settings, err := config.Load(c.Config, c.environment())
	if err != nil {
		return err
	}
	log := c.logger(std)
	p, err := assemble(settings, log)
	if err != nil {
		return err
	}
	defer p.close()
	beside, err := c.startSides(settings, std)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, beside.stop()) }()
	return p.serve(ctx)
}

// environment lets the flags override the file in the same way as CROSSCODE_ variables do.
func (c *serveCommand) environment() []string {
	environment := os.Environ()
	if c.TLSCert != "" {
		environment = append(environment, "CROSSCODE_TLS_CERT="+c.TLSCert)
	}
	if c.TLSKey != "" {
		environment = append(environment, "CROSSCODE_TLS_KEY="+c.TLSKey)
	}
	if c.TLSDev {
		environment = append(environment, "CROSSCODE_TLS_DEV=true")
	}
	return environment
}

func (c *serveCommand) logger(std streams) *slog.Logger {
	if c.JSON {
		return slog.New(slog.NewJSONHandler(std.err, nil))
	}
	return slog.New(slog.NewTextHandler(std.err, nil))
}

func (c *serveCommand) startSides(settings config.Config, std streams) (processes, error) {
	if c.Sides == "" {
		return nil, nil
	}
	folder := filepath.Join(filepath.Dir(settings.Keys.File), "sides")
	args := []string{"serve", "--all", "--gateway", settings.Issuer, "--data", folder}
	for _, id := range slices.Sorted(maps.Keys(settings.Trust.Sides)) {
		if published, err := url.Parse(settings.Trust.Sides[id].URL); err == nil && published.Host != "" {
			args = append(args, "--listen", id+"="+published.Host)
		}
	}
	sides, err := start("sides", std.err, c.Sides, args...)
	if err != nil {
		return nil, err
	}
	return processes{sides}, nil
}

// serve opens the listeners first, so that a taken port is an error at once, and then runs everything until the context
// ends or one of the servers does.
func (p *parts) serve(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	servers, err := p.listeners(ctx, stop)
	if err != nil {
		return err
	}
	var background sync.WaitGroup
	p.watch(ctx, &background)
	if notice := clock.Notice(); notice != "" {
		p.log.Warn(notice)
	}
	p.log.Info("serving", "url", p.settings.Issuer, "listen", p.settings.Listen, "specimen", p.settings.Specimen)
	<-ctx.Done()
	err = p.drain(servers)
	background.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// listeners starts the public server and, where one is configured, the private one.
func (p *parts) listeners(ctx context.Context, stop context.CancelCauseFunc) ([]*http.Server, error) {
	public := p.api.HTTPServer(p.settings.Listen)
	var err error
	if public.TLSConfig, err = p.tlsConfig(); err != nil {
		return nil, err
	}
	servers := []*http.Server{public}
	if p.settings.AdminListen != "" {
		private := p.api.HTTPServer(p.settings.AdminListen)
		private.Handler = p.admin()
		servers = append(servers, private)
	}
	for _, server := range servers {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", server.Addr)
		if err != nil {
			return nil, err
		}
		go serveOn(server, listener, stop)
	}
	return servers, nil
}

// serveOn serves until Shutdown; anything else that ends it ends the gateway.
func serveOn(server *http.Server, listener net.Listener, stop context.CancelCauseFunc) {
	serve := server.Serve
	if server.TLSConfig != nil {
		serve = func(listener net.Listener) error { return server.ServeTLS(listener, "", "") }
	}
	if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
		stop(fmt.Errorf("serving %s: %w", listener.Addr(), err))
	}
}

// watch keeps the gateway's keys, the sides' keys and the rulebooks fresh.
func (p *parts) watch(ctx context.Context, background *sync.WaitGroup) {
	tasks := []func(){func() { p.trust.Run(ctx) }, func() { p.ring.follow(ctx) }}
	if p.settings.Rules.Overrides != "" {
		for _, side := range p.sides {
			tasks = append(tasks, func() { side.Rules().Watch(ctx, p.settings.Rules.Reload) })
		}
	}
	for _, task := range tasks {
		background.Go(func() { p.recovered(task) })
	}
}

// recovered keeps a panic of one background task from ending the process (T32). The value is not logged: it may hold data.
func (p *parts) recovered(task func()) {
	defer func() {
		if recover() != nil {
			p.log.Error("a background task panicked and has ended")
		}
	}()
	task()
}

// drain first stops being ready, so that a load balancer looks elsewhere, and then lets every request in flight finish.
func (p *parts) drain(servers []*http.Server) error {
	p.log.Info("stopping: finishing what was taken in")
	p.api.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	var errs []error
	for _, server := range servers {
		errs = append(errs, server.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// admin is the private listener: metrics, and the state of the sides' keys.
func (p *parts) admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", p.api.Admin())
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		body, err := p.health()
		if err != nil {
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
	return mux
}
