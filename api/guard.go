package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

// secure sets the headers that every answer carries. The content policy is for answers that no page is made of: nothing
// may load, nothing may frame them.
func (s *Server) secure(next echo.HandlerFunc) echo.HandlerFunc {
	strict := strings.HasPrefix(s.config.Issuer, "https://") && !loopback(hostOf(s.config.Issuer))
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set(echo.HeaderCacheControl, "no-store")
		header.Add(echo.HeaderVary, echo.HeaderOrigin)
		if strict || c.Request().TLS != nil && !loopback(hostOf("https://"+c.Request().Host)) {
			header.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000; includeSubDomains")
		}
		if asked, _ := s.callOf(c); asked.page != nil {
			s.securePage(header, *asked.page)
		}
		return next(c)
	}
}

// fromWhere lets pages of registered origins, and no others, call across origins (CORS), and stops a page from sending
// what its visitor did not mean to send (CSRF, threats T37). A caller that is no browser sends neither header.
func (s *Server) fromWhere(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		request, header := c.Request(), c.Response().Header()
		from := request.Header.Get(echo.HeaderOrigin)
		if wanted := request.Header.Get(echo.HeaderAccessControlRequestMethod); request.Method == http.MethodOptions && wanted != "" {
			return s.preflight(c, from, wanted)
		}
		asked, _ := s.callOf(c)
		switch {
		case asked.from != nil && !asked.from(c, from):
			return &fault{id: originRefused, stage: "origin"}
		case asked.page != nil: // shown, never read by another page
			return next(c)
		case asked.open:
			header.Set(echo.HeaderAccessControlAllowOrigin, "*")
		case s.origins[from]:
			header.Set(echo.HeaderAccessControlAllowOrigin, from)
		case len(asked.takes) > 0 && s.foreign(request, from):
			return &fault{id: originRefused, stage: "origin"}
		}
		header.Set(echo.HeaderAccessControlExposeHeaders, "ETag, Retry-After, X-Request-Id")
		return next(c)
	}
}

// foreign tells whether a browser says that a page of an origin that is not registered made the request. Older browsers
// send Origin alone.
func (s *Server) foreign(request *http.Request, from string) bool {
	switch request.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		return from != "" && from != originOf(s.config.Issuer)
	}
	return true
}

// preflight answers a browser's question before a call across origins. A page that is not registered gets the same
// status without the headers, and its browser stops there.
func (s *Server) preflight(c echo.Context, from, wanted string) error {
	header := c.Response().Header()
	header.Add(echo.HeaderVary, "Access-Control-Request-Method, Access-Control-Request-Headers")
	for _, each := range s.paths[c.Path()] {
		if each.method != wanted || each.page != nil || !each.open && !s.origins[from] {
			continue
		}
		header.Set(echo.HeaderAccessControlAllowOrigin, from)
		if each.open {
			header.Set(echo.HeaderAccessControlAllowOrigin, "*")
		}
		header.Set(echo.HeaderAccessControlAllowMethods, each.method)
		header.Set(echo.HeaderAccessControlAllowHeaders, "Content-Type, Idempotency-Key, If-None-Match")
		header.Set(echo.HeaderAccessControlMaxAge, "600")
	}
	return c.NoContent(http.StatusNoContent)
}

// limit holds each address to its rate. It comes before the body is read.
func (s *Server) limit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if asked, _ := s.callOf(c); asked.probe {
			return next(c)
		}
		if wait := s.limiter.take(c.RealIP(), s.config.Clock()); wait > 0 {
			c.Response().Header().Set(echo.HeaderRetryAfter, seconds(wait))
			return exchange.Fail(exchange.SlowDown, "rate", nil)
		}
		return next(c)
	}
}

// read takes in the body of a call that has one. It checks the media type first: no type that a plain form can send is
// accepted, so a page cannot post without a preflight; the one call that takes a form (call.from) changes nothing.
func (s *Server) read(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		asked, _ := s.callOf(c)
		if len(asked.takes) == 0 {
			return next(c)
		}
		request := c.Request()
		if !slices.Contains(asked.takes, mediaOf(request)) || request.Header.Get(echo.HeaderContentEncoding) != "" {
			c.Response().Header().Set("Accept-Post", strings.Join(asked.takes, ", "))
			return exchange.Fail(exchange.UnsupportedMedia, "media", nil)
		}
		body, err := readBody(c.Response().Writer, request)
		if err != nil {
			return err
		}
		visitOf(c).body = body
		return next(c)
	}
}

// slot bounds the requests that are worked on at once, and the time that each may take. A slot is taken when the body is
// here: five thousand slow senders hold none.
func (s *Server) slot(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if asked, _ := s.callOf(c); asked.probe {
			return next(c)
		}
		select {
		case s.slots <- struct{}{}:
		default:
			return exchange.Fail(exchange.Unavailable, "in-flight", nil)
		}
		defer func() { <-s.slots }()
		ctx, cancel := context.WithTimeout(c.Request().Context(), workTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

func (s *Server) inFlight() float64 { return float64(len(s.slots)) }
