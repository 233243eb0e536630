package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"crosscode/exchange/clock"
)

type serveCommand struct {
	Side     string   `enum:"guangdong,macau,hongkong," default:"" help:"Which side to play: guangdong, macau or hongkong."`
	All      bool     `help:"Play all three, each in a process of its own."`
	Listen   []string `placeholder:"ADDRESS" help:"Where to listen, on loopback: 127.0.0.1:8081 guangdong, :8082 macau, :8083 hongkong. With --all SIDE=ADDRESS, repeated."`
	Gateway  string   `default:"${gateway}" placeholder:"URL" help:"The gateway (${default})."`
	Audience string   `placeholder:"URL" help:"The aud of packets, if the gateway's own URL is not --gateway."`
	Landing  string   `placeholder:"URL" help:"This side's own URL, which handoffs must be for; without it http:// and the address."`
	Pin      []pin    `placeholder:"THUMBPRINT" help:"Check handoffs against the gateway's bundle, signed by this key, recalls and closed routes included; without it against its key set."`
	Data     string   `default:"${data}" type:"path" placeholder:"DIR" help:"Where the keys are; made at the first start (${default})."`
	Leash    bool     `hidden:"" help:"Stop when standard input ends: when the parent process has gone, however it went."`
}

// Help is printed under the command's own help.
func (serveCommand) Help() string {
	return `A simulation for loopback only: whoever can reach it can have any packet signed.

  sides serve --side macau
  sides serve --all

  curl -s localhost:8082/packets -H 'Content-Type: application/json' -d '{"to":"guangdong","port":"gongbei"}'`
}

// The server's own limits: slow and silent callers are cut off.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 20 * time.Second // two calls to the gateway and the answer
	idleTimeout       = 60 * time.Second
	stopTimeout       = 5 * time.Second
	maxHeaderBytes    = 16 << 10
)

// Run serves until it is told to stop.
func (c serveCommand) Run(ctx context.Context, std streams) error {
	switch {
	case c.All && c.Side != "":
		return usagef("--side and --all do not go together")
	case c.All && c.Landing != "":
		return usagef("--landing is for one side")
	case c.All:
		return c.serveAll(ctx, std)
	case c.Side == "":
		return usagef("which side? --side guangdong, macau or hongkong, or --all")
	}
	if c.Leash {
		var letGo context.CancelFunc
		ctx, letGo = leashed(ctx, std.in)
		defer letGo()
	}
	return c.serveOne(ctx, std)
}

// leashed gives a context that ends when the stream does.
func leashed(ctx context.Context, stdin io.Reader) (context.Context, context.CancelFunc) {
	ctx, letGo := context.WithCancel(ctx)
	go func() {
		defer func() { _ = recover() }() // a broken stream is an ended one
		defer letGo()
		_, _ = io.Copy(io.Discard, stdin)
	}()
	return ctx, letGo
}

func (c serveCommand) serveOne(ctx context.Context, std streams) error {
	of, err := sideByID(c.Side)
	if err != nil {
		return err
	}
	address := of.listen
	if len(c.Listen) > 1 {
		return usagef("--listen: one address is enough for one side")
	}
	if len(c.Listen) == 1 {
		address = c.Listen[0]
	}
	if !isLoopback(address) {
		return usagef("--listen: %s is not a loopback address; this simulation signs whatever it is asked to", address)
	}
	keys, err := openKeys(c.Data, of)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	logger := newLog(std.err).With("side", of.id)
	face := c.face(of, keys, listener.Addr().String(), logger)
	if notice := clock.Notice(); notice != "" {
		logger.Warn(notice)
	}
	logger.Info("listening", "address", listener.Addr().String(), "gateway", face.gateway.base, "landing", face.ownURL,
		"simulation", "not a real back end")
	return serveUntil(ctx, listener, face, logger)
}

func (c serveCommand) face(of side, keys *keyStore, address string, logger *slog.Logger) *server {
	face := &server{
		side: of, keys: keys, gateway: newGateway(c.Gateway), ownURL: "http://" + address, pins: c.Pin,
		clock: clock.Now, log: logger,
	}
	face.gatewayURL = face.gateway.base
	if c.Audience != "" {
		face.gatewayURL = c.Audience
	}
	if c.Landing != "" {
		face.ownURL = c.Landing
	}
	return face
}

// newLog writes text lines whose times are in UTC+8 with their offset.
func newLog(to io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
		if attr.Key == slog.TimeKey {
			attr.Value = slog.TimeValue(attr.Value.Time().In(zone))
		}
		return attr
	}}))
}

// serveUntil finishes what it took in when the context ends.
func serveUntil(ctx context.Context, listener net.Listener, face *server, logger *slog.Logger) error {
	httpServer := &http.Server{
		Handler: face.handler(), ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		// net/http's own lines hold callers' addresses.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	stopped := make(chan error, 1)
	go func() {
		defer func() {
			if recover() != nil {
				stopped <- errors.New("panic while stopping")
			}
		}()
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		stopped <- httpServer.Shutdown(last)
	}()
	if err := httpServer.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	err := <-stopped
	logger.Info("stopped")
	return err
}
