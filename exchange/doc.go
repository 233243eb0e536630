// Package exchange is the domain: it takes one consent packet to one answer, a signed code with its receipt or a signed
// refusal. It knows the words and the order of the steps; how packets are opened, rules computed and tokens signed is said
// by interfaces, each declared here where it is used, with its errors. It imports the standard library only.
//
// # Words
//
//	side          one jurisdiction; which ones exist is data                          Side, Jurisdiction
//	route         source side → destination side, "macau-guangdong"                   Route, Port
//	packet        what the source side made: one holder, one route, one consent       Packet, Signed, Claims
//	record        its claims, once parsed into values that are always valid           Record
//	findings      what one side's dated rulebook says of a record, rule by rule       Findings, Outcome
//	verdict       what follows from both sides' findings: a grant or a refusal        Verdict, Judge, Conclude
//	end           a code's last second, and the rule and version that set it          End, EndsBy
//	code          the destination's statement; that it exists says green              CodeClaims
//	receipt       the gateway's statement on one transcode, issued or refused         ReceiptClaims, FullReceipt
//	handoff       what the destination's page needs, sealed to that side              Handoff, HandoffFields
//	closing       a time in which a route is closed: it voids the codes of before     Closing, Calendar
//	bundle        what an officer needs to check codes without a network              Bundle, Examine
//
// # The path of one packet
//
//	Gateway.Exchange
//	  Opener.Open               packet-refused | unavailable
//	  Verifier.Verify           packet-refused (issuer and kid are pinned) | unavailable
//	  source.Read               claims-invalid; an unknown field is refused, not dropped
//	  Record.Live               packet-expired | not-yet-valid | claims-invalid (lives too long)
//	  Consent.Covers            consent-missing | consent-expired | wrong-route
//	  Replays.Reserve           replayed | packet-expired | unavailable; it never fails open
//	  Recalls.Recalled          packet-expired | unavailable
//	  Judge                     asks both rulebooks at now, and at each announced change in the code's life
//	    source.Green            outcomes
//	    destination.Admit       outcomes; no rulebook for the route is never green
//	    Conclude                the only maker of a Verdict, which is the only thing that can be drafted; what
//	                            speaks against the holder, and no rule in force judged or waived, refuses
//	  Journal.Intend            unavailable: what is not recorded is not signed
//	  Signer.Sign               unavailable; it takes Drafts, which only a Verdict makes
//	  Sealer.Seal               only where the destination has a landing page; its outage costs the handoff, not the code
//	  Replays.Commit            unavailable: nothing leaves before the commit
//	  Journal.Finish            issued | refused | void; unavailable: the same requester may ask again
//
// The clock is read once. An error at any step releases the reservation, so that an outage never burns a packet; a refusal
// is an answer, and commits. A repeat by the same requester is judged at the first one's clock reading and gets the same
// ids and times; anybody else learns that the packet was used, and nothing about the holder.
//
// # When a code ends
//
// A code's exp is the last second at which it is good: a test that counts until 23:59:59 makes a code at 23:59:59.9, and every
// verifier still takes that code in that second (and Leeway longer, for clocks that differ). It is the earliest of
//
//	a rule's Until, of either side                              the last second at which the rule passes
//	Health.Until                                                exchange.source-code-end
//	MaxCodeLife                                                 exchange.code-life
//	a second before a version of either rulebook begins, or     the rule that refuses, and the version that it is in
//	the last one ends, under which the same record gets none
//	a second before the holder's birthday, if it matters        the rule that refuses
//
// What a version refuses and what follows it are the same to a code: it does not come back when a border opens again. A rule on how
// old something may be when the packet is brought is asked at Record.Brought whichever instant is judged. The full receipt tells
// rule and version (ends_by). A code that lives less than ShortLife is issued with the warning exchange.short-life.
//
// # What is private, and when
//
//	until the inner signature holds   one refusal, byte for byte the same; where and why is for the private log (Failure.Stage)
//	after that                        distinct reasons: only who holds a genuine packet can see them. Failure.Field names a
//	                                  claim, never its value
//	in a code and in a lean receipt   masked name and number, sampling day, route and port, and whether
//	                                  nobody has verified the holder: for whoever scans a QR
//	in the full receipt               rule ids, versions, the consent's hash; no name, no number, no result
//	in a handoff                      names, documents, birth date and the newest tests, readable by the destination alone; a
//	                                  salted hash in the full receipt vouches for them (CheckFields)
//	in the journal                    nothing that comes from a holder's claims but route and port
//	in the replay store               hashes and times
//
// # Reasons
//
//	packet-refused                                              the packet may be anybody's: uniform
//	too-large, unsupported-media, slow-down                     the request itself, before it is looked into
//	claims-invalid, consent-missing, consent-expired,
//	wrong-route, not-yet-valid                                  a genuine packet that cannot be used as it is
//	packet-expired                                              too old, recalled, or from before the store began: make a new one
//	replayed                                                    it had its one answer
//	not-green, source-colour-unavailable, source-conflict,
//	not-eligible, document-not-accepted, convert-first,
//	route-closed, route-not-configured                          verdicts, each with a signed refusal receipt (Refusals)
//	unavailable                                                 an outage, never the packet's fault: try again
//
// An error without a reason is a fault of the gateway and nobody else's business.
//
// # What speaks against a code that is out
//
//	recall     one code, or a source's codes up to an instant; kept in the store           Recall
//	closing    a route is closed; read from both sides' rulebooks in use                   Closings
//	its end    exp, with Leeway
//
// An announced closing ends the codes that are issued before it. One that comes with a rulebook replaced at run time
// cannot, since those codes are signed and gone. So Examine, wherever it runs, holds a code against the closings: from the
// first second of one, every code that was issued before its end is route-closed, also after the route opens again. It
// says so before it looks at the code's own times, and there is no leeway. Closings are published in the bundle and asked
// for anew at each online examination. Within its life, at most BundleHardLife, a bundle cannot tell what came after it.
//
// # Next door
//
// exchange/store and exchange/journal keep replays, recalls and the journal; exchange/exchangetest holds the suites that
// any other store or journal must pass. crypto/jose opens, verifies, signs and seals. jurisdictions holds the sides. api
// gives each Reason its status and its words.
package exchange
