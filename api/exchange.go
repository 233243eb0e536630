package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

// qrTexts are the texts of the QR codes to show.
type qrTexts struct {
	Code    string `json:"code,omitempty"`
	Receipt string `json:"receipt"`
}

// issued is the answer to a packet that became a code.
type issued struct {
	Outcome        string         `json:"outcome"`
	Route          string         `json:"route"`
	Port           exchange.Port  `json:"port,omitempty"`
	CodeID         string         `json:"code_id"`
	Code           exchange.Token `json:"code"`
	ReceiptID      string         `json:"receipt_id"`
	Receipt        exchange.Token `json:"receipt"`
	FullReceipt    string         `json:"full_receipt"` // the exact bytes whose hash is in the receipt
	Handoff        exchange.Token `json:"handoff,omitempty"`
	HandoffMissing bool           `json:"handoff_missing"`
	IssuedAt       time.Time      `json:"issued_at"`
	ValidUntil     time.Time      `json:"valid_until"`
	NotGranted     []string       `json:"not_granted"`
	Warnings       []warning      `json:"warnings"`
	WithdrawSecret string         `json:"withdraw_secret"`
	QR             qrTexts        `json:"qr"`
	Specimen       bool           `json:"specimen,omitempty"`
	Unverified     bool           `json:"unverified,omitempty"` // as in the code: identity not verified
}

// warning is a rule that was not met and refuses nobody.
type warning struct {
	Rule string `json:"rule"`
	advice
}

// exchange takes one packet to one answer: a code with its receipt, or a problem, signed where a verdict was reached.
func (s *Server) exchange(c echo.Context) error {
	v := visitOf(c)
	request, err := packetFrom(c.Request(), v.body)
	v.route = request.Route
	if err != nil {
		return err
	}
	answer, err := s.config.Exchanger.Exchange(c.Request().Context(), request)
	if err != nil {
		return err
	}
	v.route = answer.Route
	if answer.Refusal != nil {
		return s.refused(c, answer)
	}
	return s.reply(c, s.issuedIn(v.language, answer))
}

// packetFrom reads the request. Whatever is wrong with its form is refused like a bad packet: nothing that happens before
// the inner signature holds is told apart.
func packetFrom(request *http.Request, posted []byte) (exchange.Request, error) {
	body := struct {
		Packet exchange.Packet `json:"packet"`
		Route  string          `json:"route"`
	}{}
	if mediaOf(request) == mediaJOSE {
		body.Packet = exchange.Packet(posted)
	} else if err := decode(posted, &body); err != nil {
		return exchange.Request{}, exchange.Fail(exchange.PacketRefused, "json", nil)
	}
	route, err := wantedRoute(request.URL.RawQuery, body.Route)
	if err != nil {
		return exchange.Request{}, err
	}
	key, err := idempotencyKey(request)
	if err != nil {
		return exchange.Request{}, err
	}
	return exchange.Request{Packet: body.Packet, Route: route, Requester: exchange.NewRequester(key)}, nil
}

// wantedRoute is what the caller's page is for, from the URL or from the JSON body; the zero Route if it says neither. A
// route id is not personal, and a body of application/jose has no room for it. Nothing else may stand in the URL, above
// all no packet (threats T35).
func wantedRoute(rawQuery, inBody string) (exchange.Route, error) {
	wanted := inBody
	if rawQuery != "" {
		query, err := url.ParseQuery(rawQuery)
		if err != nil || len(query) != 1 || len(query["route"]) != 1 || inBody != "" {
			return exchange.Route{}, exchange.Fail(exchange.PacketRefused, "query", nil)
		}
		wanted = query.Get("route")
	}
	if wanted == "" && rawQuery == "" {
		return exchange.Route{}, nil
	}
	route, err := exchange.ParseRoute(wanted)
	if err != nil {
		return exchange.Route{}, exchange.Fail(exchange.PacketRefused, "route", nil)
	}
	return route, nil
}

func (s *Server) issuedIn(language string, answer exchange.Answer) issued {
	full, _ := exchange.ParseFullReceipt(answer.FullReceipt) // our own; without it the answer lacks port and mark, which are in the code
	told := issued{
		Outcome: outcomeIssued, Route: answer.Route.String(), Port: full.Port,
		CodeID: answer.CodeID, Code: answer.Code, ReceiptID: answer.ReceiptID, Receipt: answer.Receipt,
		FullReceipt: string(answer.FullReceipt), Handoff: answer.Handoff, HandoffMissing: answer.HandoffMissing,
		IssuedAt: answer.IssuedAt.In(exchange.Zone), ValidUntil: answer.ValidUntil.In(exchange.Zone),
		NotGranted: append([]string{}, answer.NotGranted...), Warnings: []warning{}, WithdrawSecret: answer.Withdraw,
		QR: qrTexts{Code: exchange.QRText(answer.Code), Receipt: exchange.QRText(answer.Receipt)}, Specimen: s.config.Specimen,
		Unverified: full.Unverified,
	}
	for _, outcome := range answer.Warnings {
		told.Warnings = append(told.Warnings, warning{Rule: outcome.Rule, advice: adviceIn(language, outcome.Advice)})
	}
	return told
}

// reply sends an issued answer within maxAnswer. What can be had elsewhere is left out first: the warnings' texts, which
// /v1/rules gives, and the QR texts, which follow from the tokens. What was signed is never held back.
func (s *Server) reply(c echo.Context, told issued) error {
	body := encode(told)
	if len(body) > maxAnswer {
		for i := range told.Warnings {
			told.Warnings[i].advice = advice{}
		}
		told.QR = qrTexts{}
		body = encode(told)
	}
	if len(body) > maxAnswer {
		s.config.Log.LogAttrs(context.WithoutCancel(c.Request().Context()), slog.LevelError, "answer over its limit",
			slog.Int("bytes", len(body)), slog.String("request_id", visitOf(c).id))
	}
	write(c, http.StatusOK, mediaJSON, body)
	return nil
}

// refused answers a verdict against the holder: the deciding rule's own advice, and the signed receipt that says so. The
// health facts behind it stay unsaid.
func (s *Server) refused(c echo.Context, answer exchange.Answer) error {
	decided, v := answer.Refusal, visitOf(c)
	id := string(decided.Reason)
	if _, listed := s.table.Problems[id]; !listed {
		id = string(exchange.NotEligible)
	}
	v.reason, v.stage = id, "verdict"
	full, _ := exchange.ParseFullReceipt(answer.FullReceipt) // as in issuedIn
	told := s.problem(id, answer.Route, v.language)
	told.Reason, told.RequestID = exchange.Reason(id), v.id
	told.advise(adviceIn(v.language, decided.Advice))
	told.refusal = &refusal{
		Route: answer.Route.String(), Port: full.Port, Rule: decided.Rule, Category: decided.Category,
		Receipt: answer.Receipt, FullReceipt: string(answer.FullReceipt), ReceiptID: answer.ReceiptID,
		IssuedAt: answer.IssuedAt.In(exchange.Zone), QR: qrTexts{Receipt: exchange.QRText(answer.Receipt)}, Specimen: s.config.Specimen,
	}
	s.tell(c, told)
	return nil
}

// advise puts a rule's sentences in the place of the table's, one by one, where the rule has any.
func (p *problem) advise(given advice) {
	for _, each := range []struct{ ours, rules *string }{
		{&p.Title, &given.Title}, {&p.Remedy, &given.Remedy}, {&p.Contact, &given.Contact},
	} {
		if *each.rules != "" {
			*each.ours = *each.rules
		}
	}
}

// known is the route's id if it is one of ours: a metric label from a closed set. The rest is "none".
func (s *Server) known(route exchange.Route) string {
	_, from := s.config.Sides[route.From]
	_, to := s.config.Sides[route.To]
	if from && to {
		return route.String()
	}
	return "none"
}
