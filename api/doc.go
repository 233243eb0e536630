// Package api is the gateway's HTTP face: it turns requests into calls of exchange and outcomes into answers, and decides
// nothing itself.
//
//	call                                body          answer
//	POST /v1/exchange                   packet        200 code, receipt, full receipt, handoff, QR texts; or a problem
//	POST /v1/receipts/verify            JSON          200 what a code and/or receipt is, and whether it lets pass
//	GET  /v1/bundle                                   200 signed offline bundle (JWS), 304
//	POST /v1/recalls                    JWS or JSON   204 recalled, by a source side or by the holder
//	GET  /v1/rules                                    200 rulebook versions of every route, current and announced
//	GET  /v1/rules/{route}                            200 one route's rules in four languages
//	GET  /v1/consents/{route}                         200 consent texts in four languages with their hashes
//	GET  /.well-known/jwks.json                       200 public keys
//	GET  /.well-known/code-exchange                   200 metadata
//	GET  /problems/{id}                               200 what one type of problem means
//	GET  /livez, /readyz                              200, 503
//	GET  /metrics                                     on Admin, the private listener, alone
//
// A packet is application/jose, or JSON {"packet": …, "route": …}; with application/jose the route that the caller's page
// is for may stand in the URL as ?route=, where nothing else may.
//
// # How a request is refused
//
// The middleware stands in the order of its cost: headers, origin, rate of the address, media type, size, a slot. The
// body is read before a slot is taken, so slow senders hold none. Then the handler reads, calls and answers.
//
// Every error is problem+json (RFC 9457). Its sentences, in four languages, are problems.yaml, one entry for each of
// exchange.Reasons and for each fault of HTTP itself; a verdict's own advice comes from the rulebook that decided. What is
// not listed is a 500 with nothing inside. packet-refused is one and the same sequence of bytes, in English, whatever was
// wrong before the packet's inner signature held. Bodies state their outcome too, because a mini-program sees no status.
//
// # What is kept of a request
//
// One log line: method, path template, status, reason, stage, duration, request id; of a panic the function and line.
// No body, no header, no address, no error text: together with the time of a crossing they are personal data. Metrics
// carry path templates, statuses, reasons and routes. An address is held in memory for the rate limiter alone.
//
// # Next door
//
// exchange owns the path of a packet and its reasons, jurisdictions the rules, crypto the keys; cmd/gateway joins them into
// a Config. openapi.yaml is the contract for callers, and a test holds it to the routes and the reasons.
package api
