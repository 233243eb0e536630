package api

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

// maxShown is the most characters of a shown token, as a compact JWS; a QR text may have exchange.ParseQRText's 4 KiB.
const maxShown = 2 << 10

// maxShownFull is the most bytes of a shown full receipt.
const maxShownFull = exchange.MaxFullReceipt

// shown is what somebody shows: tokens, or the texts of their QR codes, and the full receipt's exact bytes.
type shown struct {
	Code        string `json:"code"`
	Receipt     string `json:"receipt"`
	FullReceipt string `json:"full_receipt"`
}

var errNothingShown = errors.New("nothing that could be read was shown")

// finding is what an examination tells. Of a holder it has only what the code itself shows.
type finding struct {
	Category   exchange.Category `json:"category"`
	Title      string            `json:"title"`
	Pass       bool              `json:"pass"`
	Route      string            `json:"route,omitempty"` // "macau-guangdong"
	Port       exchange.Port     `json:"port,omitempty"`
	Name       string            `json:"name,omitempty"`
	Document   string            `json:"document,omitempty"`
	SampledOn  string            `json:"sampled_on,omitempty"`
	ValidUntil *time.Time        `json:"valid_until,omitempty"`
	Since      *time.Time        `json:"since,omitempty"`    // of the closing, with route-closed; absent: no beginning is known
	Reopened   *time.Time        `json:"reopened,omitempty"` // the closing's end, if it is over
	Specimen   bool              `json:"specimen,omitempty"`
	Unverified bool              `json:"unverified,omitempty"` // identity not verified: the officer checks the document
}

// verify examines a code, a receipt or both. It takes tokens, never ids, so nothing can be enumerated; what is not ours
// and what was changed get the same answer.
func (s *Server) verify(c echo.Context) error {
	var posted shown
	if err := decode(visitOf(c).body, &posted); err != nil {
		return err
	}
	found, err := s.examine(c.Request().Context(), posted)
	if err != nil {
		return err
	}
	v := visitOf(c)
	v.reason = string(found.Category)
	c.Response().Header().Add(echo.HeaderVary, "Accept-Language")
	return reply(c, s.findingIn(v.language, found))
}

// examine reads what is shown and holds it against the clock, the recalls and the closings. Its error is an outage: while
// recalls cannot be known, nothing is valid.
func (s *Server) examine(ctx context.Context, posted shown) (exchange.Examination, error) {
	unreadable := exchange.Examination{Category: exchange.CategoryUnreadable}
	exhibit, err := s.exhibit(posted)
	if isOutage(err) {
		return unreadable, err
	}
	if err != nil {
		return unreadable, nil
	}
	now := s.config.Clock()
	known := &notices{ctx: ctx, server: s}
	found := exchange.Examine(exhibit, known, now, s.config.Specimen)
	if known.outage != nil {
		return unreadable, known.outage
	}
	if found.Category != exchange.CategoryUnreadable && s.routeOf(found.Route) == "" {
		return unreadable, nil // of a side that this gateway no longer serves, whose recalls it cannot know
	}
	return found, nil
}

// notices are the recalls and closings that this gateway knows now.
type notices struct {
	ctx    context.Context // of the one request that they serve
	server *Server
	outage error // while it is set, the answers below mean nothing
}

func (n *notices) Recalled(codeID, source string, issuedAt time.Time) bool {
	recalled, err := n.server.config.Recalls.Recalled(n.ctx, codeID, n.server.tags[source], issuedAt)
	n.outage = err
	return recalled
}

// Closed asks the rulebooks in use.
func (n *notices) Closed(route string, issuedAt, now time.Time) (exchange.Window, bool) {
	named, err := exchange.ParseRoute(n.server.routeOf(route))
	if err != nil {
		return exchange.Window{}, false // a side that is not served: examine calls it unreadable
	}
	return exchange.ClosedNow(n.server.config.Sides, named, issuedAt, now)
}

// exhibit checks the signatures of what is shown.
func (s *Server) exhibit(posted shown) (exchange.Exhibit, error) {
	code, err := tokenOf(posted.Code)
	if err != nil {
		return exchange.Exhibit{}, err
	}
	receipt, err := tokenOf(posted.Receipt)
	if err != nil {
		return exchange.Exhibit{}, err
	}
	if code == "" && receipt == "" || len(posted.FullReceipt) > maxShownFull {
		return exchange.Exhibit{}, errNothingShown
	}
	var full []byte
	if posted.FullReceipt != "" {
		full = []byte(posted.FullReceipt)
	}
	return s.config.Exhibits.Exhibit(code, receipt, full)
}

// tokenOf takes a token, or the text of its QR code.
func tokenOf(text string) (exchange.Token, error) {
	if strings.HasPrefix(text, exchange.QRPrefix) {
		return exchange.ParseQRText(text)
	}
	if len(text) > maxShown {
		return "", errNothingShown
	}
	return exchange.Token(text), nil
}

func (s *Server) findingIn(language string, found exchange.Examination) finding {
	told := finding{
		Category: found.Category, Title: s.table.Categories[found.Category].In(language),
		Pass: found.Category == exchange.CategoryValid,
	}
	if found.Category == exchange.CategoryUnreadable {
		return told
	}
	until := found.Until.In(exchange.Zone)
	told.Route, told.Port, told.Name, told.Document = s.routeOf(found.Route), found.Port, found.Name, found.Document
	told.SampledOn, told.ValidUntil, told.Specimen, told.Unverified = found.SampledOn, &until, found.Specimen, found.Unverified
	told.Since, told.Reopened = inZone(found.Since), inZone(found.Reopened)
	return told
}

// inZone gives an instant as it is shown; nil for none.
func inZone(instant time.Time) *time.Time {
	if instant.IsZero() {
		return nil
	}
	shown := instant.In(exchange.Zone)
	return &shown
}

// routeOf turns a code's "mo-gd" into the route's id; "" if it names a side that is not ours.
func (s *Server) routeOf(tags string) string {
	from, to, _ := strings.Cut(tags, "-")
	source, known := s.tags[from]
	destination, also := s.tags[to]
	if !known || !also {
		return ""
	}
	return exchange.Route{From: source, To: destination}.String()
}

// isOutage tells an outage from a bad token: one must never look like the other.
func isOutage(err error) bool {
	reason, _ := exchange.ReasonOf(err)
	return reason == exchange.Unavailable || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
