// Command sides plays the three back ends that a gateway works with: Guangdong, Macau and Hong Kong. It is for the demo,
// for tests and for teams that connect a real back end; it is a simulation, marked as one in every answer, and it serves
// on loopback only.
//
//	serve    one side, or with --all the three of them, each with its own keys in its own process
//	seal     prints one packet: a named case, or whatever claims you give it
//	cases    lists the named cases and what each should lead to
//	check    an offline check of a code and its receipt that shares no line with the gateway's
//	recall   voids one packet, or all up to an instant, by a recall that the side signs
//
// # Why it imports nothing of ours
//
// Claims, bundle, code, receipt and handoff are written down a second time here, from the documentation, on another JOSE
// library (go-jose) and without a single package of this module. If both programs agree on a token, that is evidence; if
// they shared a parser, one mistake would cancel itself out. For the same reason it talks to the gateway over HTTP alone.
//
// # One packet, from case to gateway
//
//	person     who the holder is: specimen.go, invented, one for each side
//	case       what is changed from the green packet: cases.go, a table
//	consent    the text is fetched from GET /v1/consents/{route}; its hash is computed here, not copied
//	claims     claims.go
//	JWS        signed by the side: {alg, kid, typ: consent-packet+jwt}
//	JWE        sealed to the gateway's packet key of this side, packet-<tag>: {alg, enc, kid, typ, cty}
//
// # What a side serves
//
//	GET    /.well-known/jwks.json   public keys: ES256 and EdDSA for packets and recalls, ECDH-ES+A256KW for handoffs
//	POST   /packets                 {"to", "case", …} or {"claims": …} → a packet
//	POST   /handoffs                a handoff, by form or as application/jose → what the landing page would show
//	POST   /keys/rotate             drill: a new signing key (?use=enc: a new key for handoffs)
//	DELETE /keys/{kid}              drill: this key was never here
//	GET    /livez
//
// # Its own pages
//
// They stand for the pages of the recognition notice of May 2020, so that its three flows can be walked in a browser; each
// is marked SIMULATION, none takes a file, and nobody in them is real. pages.go has the table of calls:
//
//	macau      /code   code page; 下載個人資料申請粵康碼: permit, birth date, consent, 向粵康碼申請轉碼
//	hongkong   /code   code page: real name, identity card with its date of issue, proof of address
//	guangdong  /mini   mini-program: 申領澳門健康碼, 入澳申報, and the gateway called by the gateway's own client
//	guangdong  /ykm    粤康码(入境人员), also at GET /h5: login by permit, telephone and text message; 使用澳康码
//
// and below each of them, as PATH:
//
//	GET  PATH                            the login, filled in with one of a list of invented people (?specimen=ID); or what
//	                                     somebody who has logged in can do
//	POST PATH/login, PATH/sms, PATH/logout
//	POST PATH/show, GET PATH/shown       亮码, remembered, failures included
//	GET  PATH/family, POST PATH/family, PATH/subject
//	GET  PATH/history                    three days, with the ids of receipts
//	GET  PATH/to/SIDE                    the conversion: notice, declare (where the destination has an entry form), consent
//	GET  PATH/result, POST PATH/record   the mini-program's last page, and what became of the packet
//	GET  PATH/arrival, PATH/captcha.png, PATH/submitted; POST PATH/arrival
//
// A consent ends in a form POST of the packet to GATEWAY/h5/ROUTE. From there a traveller comes back by form POST of the
// handoff, to /h5 in Guangdong and /arrive in the other two: from the gateway's own page alone, once, and with nothing
// changed. GET /h5/m/LINK is the link of the guidance message; GET /inbox is the phone that all messages go to, of which
// none is really sent; GET /mini/crosscode.js is the gateway's client, if it has the SHA-256 that the gateway publishes;
// GET /web/FILE are stylesheet and scripts.
//
// Times are UTC+8 with their offset wherever they are written out, and NumericDate seconds inside JOSE claims.
//
// Exit status: 0 yes, 1 no or a fault, 2 a command line that makes no sense.
package main
