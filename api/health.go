package api

import (
	"context"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

// readinessKept is how long one answer of Config.Ready serves, so that a flood of probes reaches no key ring or store.
const readinessKept = time.Second

// readinessTimeout is how long Config.Ready may take.
const readinessTimeout = 2 * time.Second

type readiness struct {
	mu    sync.Mutex
	asked time.Time
	fault error
}

// livez says that the process serves requests.
func (s *Server) livez(c echo.Context) error {
	return reply(c, map[string]string{"status": "live"})
}

// readyz says whether the gateway can do its work. Why not is for the log alone.
func (s *Server) readyz(c echo.Context) error {
	if s.draining.Load() {
		return exchange.Fail(exchange.Unavailable, "draining", nil)
	}
	if err := s.ready(c.Request().Context()); err != nil {
		return exchange.Fail(exchange.Unavailable, "not-ready", err)
	}
	return reply(c, map[string]string{"status": "ready"})
}

func (s *Server) ready(ctx context.Context) error {
	held, now := &s.readiness, s.config.Clock()
	held.mu.Lock()
	defer held.mu.Unlock()
	if !held.asked.IsZero() && now.Sub(held.asked).Abs() < readinessKept {
		return held.fault
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readinessTimeout)
	defer cancel()
	held.asked, held.fault = now, s.config.Ready(ctx)
	return held.fault
}
