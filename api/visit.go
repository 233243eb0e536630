package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

// visit is what the server itself knows about one request. Nothing in it comes from a body.
type visit struct {
	id       string
	started  time.Time
	language string
	body     []byte
	// reason, stage and route are for the log and the metrics; reason and stage are from closed sets.
	reason string
	stage  string
	field  string // the claim at fault, from the reader's own list; never its value
	route  exchange.Route
	where  string // of a panic
}

const visitKey = "visit"

func visitOf(c echo.Context) *visit {
	if found, ok := c.Get(visitKey).(*visit); ok {
		return found
	}
	made := &visit{id: newRequestID(), language: languageAsked(c.Request())}
	c.Set(visitKey, made)
	return made
}

// newRequestID is 128 random bits in base64url. An id from outside is never taken over: it could carry a name into the
// log, and it would let two parties recognise one traveller.
func newRequestID() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // crypto/rand does not fail (Go 1.24 and later)
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// observe is the outermost middleware: whatever happens inside, the caller gets an answer, the log one line and the
// metrics one count.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := visitOf(c)
		v.started = time.Now()
		c.Response().Header().Set(echo.HeaderXRequestID, v.id)
		defer s.record(c, v)
		if err := guarded(next, c); err != nil {
			s.fail(c, err)
		}
		return nil
	}
}

// contain is observe for the private listener: the same answer to a panic, without a line for every scrape.
func (s *Server) contain(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := guarded(next, c); err != nil {
			s.fail(c, err)
		}
		return nil
	}
}

// record writes the request's one line. The fields are an allow-list. The address is not among them: with the time of a
// crossing it is personal data (PIPL 4, PDPO DPP4), and the limiter needs it in memory only.
func (s *Server) record(c echo.Context, v *visit) {
	took, status := time.Since(v.started), c.Response().Status
	s.metrics.observe(s.template(c), status, took)
	if asked, _ := s.callOf(c); asked.path == exchangePath {
		s.metrics.outcome(cmp.Or(v.reason, outcomeIssued), s.known(v.route))
	}
	level := slog.LevelInfo
	switch asked, _ := s.callOf(c); {
	case status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case asked.probe: // every few seconds, and of no interest while they succeed
		level = slog.LevelDebug
	}
	fields := []slog.Attr{
		slog.String("method", methodOf(c.Request())), slog.String("route", s.template(c)), slog.Int("status", status),
		slog.String("reason", v.reason), slog.String("stage", v.stage),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("request_id", v.id),
	}
	if v.field != "" {
		fields = append(fields, slog.String("field", v.field))
	}
	if v.where != "" {
		fields = append(fields, slog.String("where", v.where))
	}
	s.config.Log.LogAttrs(context.WithoutCancel(c.Request().Context()), level, "request", fields...)
}

// panicked is a recovered panic. Its value is dropped, since it may quote what it choked on.
type panicked struct{ where string }

func (p *panicked) Error() string { return "panic at " + p.where }

// guarded calls next; a panic of it is an error like any other, so one bad request never ends the process.
func guarded(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{where: origin()}
		}
	}()
	return next(c)
}

// origin names the function and line that panicked: our code, never an argument.
func origin() string {
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers[:])])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
		if !more {
			return "unknown"
		}
	}
}
