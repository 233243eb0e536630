package api

import (
	"context"

	"github.com/labstack/echo/v4"
)

type peerKey struct{}

// Peer is on whose behalf a request of this server is worked on: the caller's address as the limits see it (an IPv6 caller's
// /64), behind trusted proxies the one that they name. It is empty for any other context. It is for sharing scarce work
// fairly in memory, and is not to be kept or logged.
func Peer(ctx context.Context) string {
	peer, _ := ctx.Value(peerKey{}).(string)
	return peer
}

// name puts the peer into the request's context.
func (s *Server) name(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		request := c.Request()
		ctx := context.WithValue(request.Context(), peerKey{}, network(c.RealIP()).String())
		c.SetRequest(request.WithContext(ctx))
		return next(c)
	}
}
