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
// Times are UTC+8 with their offset wherever they are written out, and NumericDate seconds inside JOSE claims.
//
// Exit status: 0 yes, 1 no or a fault, 2 a command line that makes no sense.
package main
