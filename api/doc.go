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
//	GET  /h5/{route}                                  200 the travellers' page of a route, in the language of ?lang= or Accept-Language
//	POST /h5/{route}                    form: packet  200 the same with a packet in it, from a page of the route's source alone
//	GET  /officer/, /officer/{file}                   200 the officers' offline page and its files, 304
//	GET  /guide/, /guide/{file}                       200 the packet guide for back-end teams, its schema, examples and openapi.yaml, 304
//	GET  /client/{file}                               200 the JavaScript client, for any page, 304
//	GET  /vendor/qr@0.7.0/{file}                      200 the QR decoder of the officers' page, 304
//	GET  /assets/{name}                               200 the pages' own files, 304
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
// # Pages
//
// The travellers' pages (h5.go, web/) are whole without a script but for the conversion itself, which web/h5.js does through
// POST /v1/exchange like any other caller; posting a packet to /h5/ changes nothing, it only carries the packet into the
// page. No page sets a cookie. The packet and the answer are kept in the tab's sessionStorage until the code ends, the choice
// of larger type and contrast in localStorage. Under /h5/ and /officer/ faults are pages too. Which origins may post, where
// a handoff may be posted to, and where a traveller is led back to (by id) are the operator's (Pages); so is WeChat's
// verification file, a GET at the root of the domain that exists only where one is configured, and is in no table.
//
// The packet guide (guide.go, guide/) is for teams that build a side's back end. Its tables come in Config.Guide from whoever has the
// rules, so that the page says what is read and nothing else; it is rendered once, at start, and a table that is missing stops the
// start.
//
// # What is kept of a request
//
// One log line: method, path template, status, reason, stage, duration, request id; with claims-invalid the name of the field; of a
// panic the function and line.
// No body, no header, no address, no error text: together with the time of a crossing they are personal data. Metrics
// carry path templates, statuses, reasons and routes. An address is held in memory for the rate limiter alone.
//
// The officers' page (officer.go, web/officer) is a static shell that its service worker keeps; what it checks codes with
// is web/client/crosscode.js, the same module that travellers' pages and mini-programs load (client.go). That module gives
// the same categories as POST /v1/receipts/verify and `gateway verify`: web/client/testdata/vectors.json is checked by all
// three, and by `sides check`, which shares no code with them. Files of others are in web/vendor, with their licences and
// hashes.
//
// # Next door
//
// exchange owns the path of a packet and its reasons, jurisdictions the rules, crypto the keys; cmd/gateway joins them into
// a Config. openapi.yaml is the contract for callers, and a test holds it to the routes and the reasons.
package api
