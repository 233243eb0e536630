package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

// The ids of what can be wrong with a request as such, beside exchange.Reasons.
const (
	badRequest       = "bad-request"
	recallRefused    = "recall-refused"
	originRefused    = "origin-refused"
	notFound         = "not-found"
	methodNotAllowed = "method-not-allowed"
	requestTimeout   = "request-timeout"
	internal         = "internal"
)

// fault is an error of HTTP itself, outside the vocabulary of exchange. Its stage is for the log.
type fault struct{ id, stage string }

func (f *fault) Error() string { return f.stage + ": " + f.id }

// problem is an answer of RFC 9457, with our own members behind the registered ones.
type problem struct {
	Type    string          `json:"type"`
	Title   string          `json:"title"`
	Status  int             `json:"status"`
	Detail  string          `json:"detail,omitempty"`
	Outcome string          `json:"outcome"`
	Reason  exchange.Reason `json:"reason,omitempty"`
	// Obstacle says which of several faults that share a reason it is; title, detail and remedy are then its own.
	Obstacle exchange.Obstacle `json:"obstacle,omitempty"`
	// MendedBy says, with claims-invalid, who can put the field right: mendedByHolder or mendedBySource.
	MendedBy   string `json:"mended_by,omitempty"`
	Remedy     string `json:"remedy"`
	Contact    string `json:"contact"`
	Field      string `json:"field,omitempty"`
	RequestID  string `json:"request_id,omitempty"`
	RetryAfter int    `json:"retry_after,omitempty"` // seconds
	*refusal
}

// refusal is what a signed refusal adds to a problem.
type refusal struct {
	Route       string         `json:"route"`
	Port        exchange.Port  `json:"port,omitempty"`
	Rule        string         `json:"rule,omitempty"`
	Category    string         `json:"category"`
	Receipt     exchange.Token `json:"receipt"`
	FullReceipt string         `json:"full_receipt"`
	ReceiptID   string         `json:"receipt_id"`
	IssuedAt    time.Time      `json:"issued_at"`
	QR          qrTexts        `json:"qr"`
	Specimen    bool           `json:"specimen,omitempty"`
}

// diagnosis is what an error comes to.
type diagnosis struct {
	id, stage string
	reason    exchange.Reason // empty for what is no reason
	obstacle  exchange.Obstacle
	field     string
	mendedBy  string        // "" for all but claims-invalid
	source    exchange.Side // "" until the inner signature holds
}

// diagnose finds an error's problem. What is not listed is internal, and nothing of its text gets out.
func (s *Server) diagnose(err error) diagnosis {
	var (
		failure *exchange.Failure
		wrong   *fault
		crashed *panicked
		routing *echo.HTTPError
	)
	switch {
	case errors.As(err, &crashed):
		return diagnosis{id: internal, stage: "panic"}
	case errors.As(err, &failure):
		return s.diagnoseFailure(failure)
	case errors.As(err, &wrong):
		return diagnosis{id: wrong.id, stage: wrong.stage}
	case errors.As(err, &routing):
		return diagnoseRouting(routing)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return diagnosis{id: string(exchange.Unavailable), stage: "deadline", reason: exchange.Unavailable}
	}
	return diagnosis{id: internal, stage: "fault"}
}

func (s *Server) diagnoseFailure(failure *exchange.Failure) diagnosis {
	if _, listed := s.table.Problems[string(failure.Reason)]; !listed {
		return diagnosis{id: internal, stage: failure.Stage}
	}
	found := diagnosis{id: string(failure.Reason), stage: failure.Stage, reason: failure.Reason, source: failure.Source}
	if _, listed := s.table.Obstacles[failure.Obstacle]; listed && failure.Reason == exchange.ConsentMissing {
		found.obstacle = failure.Obstacle
	}
	if failure.Reason == exchange.ClaimsInvalid {
		found.mendedBy = mender(failure.Field)
		if fieldPattern.MatchString(failure.Field) {
			found.field = failure.Field
		}
	}
	return found
}

// Who can put a claim right. A holder who is told to check the name when a laboratory's test is malformed finds nothing to
// correct, and gives up.
const (
	mendedByHolder = "holder"
	mendedBySource = "source"
)

// holdersFields are what people can see and correct on their own side's page. Everything else is written by the side's back end, and so
// is a field that nobody thought of.
var holdersFields = []string{"holder.name", "holder.birth_date", "holder.documents"}

func mender(field string) string {
	for _, own := range holdersFields {
		if inner, within := strings.CutPrefix(field, own); within && (inner == "" || inner[0] == '.' || inner[0] == '[') {
			return mendedByHolder
		}
	}
	return mendedBySource
}

// fieldPattern is what the name of a claim looks like: "holder.documents[0].number". What a source put in the place of a
// name is not repeated.
var fieldPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}(\[[0-9]{1,3}\]|\.[a-z][a-z0-9_]{0,31}){0,8}$`)

func diagnoseRouting(routing *echo.HTTPError) diagnosis {
	switch routing.Code {
	case http.StatusNotFound:
		return diagnosis{id: notFound, stage: "routing"}
	case http.StatusMethodNotAllowed:
		return diagnosis{id: methodNotAllowed, stage: "routing"}
	}
	return diagnosis{id: internal, stage: "routing"}
}

// fail answers with an error's problem. An answer that has begun is cut off instead: half a code must not look whole.
func (s *Server) fail(c echo.Context, err error) {
	v, found := visitOf(c), s.diagnose(err)
	v.reason, v.stage, v.field = found.id, found.stage, found.field
	var crashed *panicked
	if errors.As(err, &crashed) {
		v.where = crashed.where
	}
	if c.Response().Committed {
		panic(http.ErrAbortHandler)
	}
	if s.wantsPage(c) {
		s.failPage(c, found)
		return
	}
	if found.reason == exchange.PacketRefused {
		s.refuse(c)
		return
	}
	entry := s.table.Problems[found.id]
	answer := s.problem(found.id, exchange.Route{From: found.source}, v.language)
	answer.Reason, answer.Field, answer.RequestID, answer.MendedBy = found.reason, found.field, v.id, found.mendedBy
	if words, found := s.table.Obstacles[found.obstacle]; found {
		answer.Title, answer.Detail, answer.Remedy = words.in(v.language)
	}
	if found.mendedBy == mendedByHolder {
		answer.Title, answer.Detail, answer.Remedy = s.table.Holders.in(v.language)
	}
	answer.Obstacle = found.obstacle
	answer.Remedy = strings.NewReplacer("{request_id}", v.id, "{contact}", answer.Contact).Replace(answer.Remedy)
	if entry.Outcome == outcomeRetry {
		answer.RetryAfter = retryAfter(c.Response().Header())
	}
	s.tell(c, answer)
}

// problem begins the answer for an id in one language, as far as the route is known.
func (s *Server) problem(id string, route exchange.Route, language string) problem {
	entry := s.table.Problems[id]
	return problem{
		Type: s.table.types + id, Status: entry.Status, Outcome: entry.Outcome,
		Title: entry.Title.In(language), Detail: entry.Detail.In(language), Remedy: entry.Remedy.In(language),
		Contact: s.contact(entry.Contact, route, language),
	}
}

// contact is whom to ask: the help line of the route's own side, as soon as that is known, or the table's words for it.
func (s *Server) contact(name string, route exchange.Route, language string) string {
	asked := map[string]exchange.Side{"source": route.From, "destination": route.To}[name]
	if side, known := s.config.Sides[asked]; known {
		return side.Contact().In(language)
	}
	return s.table.Contacts[name].In(language)
}

// refuse gives the uniform refusal: the same status, headers and bytes whatever was wrong with the packet, since every
// difference is an oracle (RFC 8725 §3.2, RFC 7516 §11.5). The request id is in a header that every answer has.
func (s *Server) refuse(c echo.Context) {
	drop(c.Response().Header(), "ETag", echo.HeaderAllow, "Accept-Post", echo.HeaderRetryAfter)
	c.Response().Header().Set("Content-Language", "en")
	write(c, s.table.Problems[string(exchange.PacketRefused)].Status, mediaProblem, s.table.uniform)
}

// writeUniform makes the body of the uniform refusal.
func (t *table) writeUniform() []byte {
	id := string(exchange.PacketRefused)
	entry := t.Problems[id]
	return encode(problem{
		Type: t.types + id, Status: entry.Status, Outcome: entry.Outcome, Reason: exchange.PacketRefused,
		Title: entry.Title.En, Detail: entry.Detail.En, Remedy: entry.Remedy.En, Contact: t.Contacts[entry.Contact].En,
	})
}

// tell writes a problem in the caller's language.
func (s *Server) tell(c echo.Context, answer problem) {
	header := c.Response().Header()
	drop(header, "ETag")
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Add(echo.HeaderVary, "Accept-Language")
	header.Set("Content-Language", visitOf(c).language)
	write(c, answer.Status, mediaProblem, encode(answer))
}

func drop(header http.Header, names ...string) {
	for _, name := range names {
		header.Del(name)
	}
}

// retryAfter is what the Retry-After header says, in seconds. An outage is answered with 2 to 6 s, so that those who were
// turned away do not all come back at once.
func retryAfter(header http.Header) int {
	if set, err := strconv.Atoi(header.Get(echo.HeaderRetryAfter)); err == nil {
		return set
	}
	wait := 2 + rand.IntN(5) //nolint:gosec // spreads load, guards nothing
	header.Set(echo.HeaderRetryAfter, strconv.Itoa(wait))
	return wait
}
