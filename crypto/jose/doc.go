// Package jose is the gateway's JWE and JWS: a strict compact parser of our own in front of jwx, and everything that opens,
// verifies, signs and seals with it.
//
// # Kinds
//
// Every kind of token has its own typ, its own keys and its own audience, so that none can be taken for another
// (RFC 8725 §3.12):
//
//	kind            typ                     header names                         made by → read by
//	packet, outer   consent-packet+jwe      alg enc kid typ cty (epk apu apv)    a side → Opener
//	packet, inner   consent-packet+jwt      alg kid typ (cty)                    a side → Verifier
//	recall          code-recall+jwt         alg kid typ                          a side → ReadRecall
//	code            gd-code+jwt, mo-…, hk-… alg kid typ                          Signer → Reader
//	receipt         transcode-receipt+jwt   alg kid typ                          Signer → Reader
//	bundle          trust-bundle+jwt        alg kid typ                          Publisher → ReadBundle
//	handoff         handoff+jwe             alg enc kid typ (epk)                Sealer → the destination
//
// # What is accepted
//
// Outer: RSA-OAEP-256, ECDH-ES, ECDH-ES+A256KW, each with A256GCM and nothing else. Inner: ES256 and EdDSA, and only the
// one for which the key is pinned. Ours: ES256. There is no symmetric algorithm, no "none", no compression, no critical
// extension, no key or URL in a header.
//
// # What jwx does and what it does not do
//
// jwx v2 opens RSA packets, through an adapter that asks the ring, and checks every signature. It never sees a byte that
// the parser here has not accepted: left to itself it takes JSON serialisations, padding, line breaks, repeated members,
// crit, zip, any alg and any enc, and one empty segment makes it panic (threats T1–T12). The adapter keeps the ring's own
// error, since jwx flattens errors to text and an outage must never look like a bad packet.
//
// Key agreement and sealing are done here, on crypto/ecdh and AES-GCM: jwx uses the deprecated big-number curves for
// them and takes twice the time. Tests hold both to go-jose, in both directions.
//
// # What is told
//
// All that is wrong with a packet before its inner signature holds is packet-refused, without a field, whatever it is.
// The stage and the cause are in the Failure for the private log. Explain tells a back-end team all of it, for
// which it needs the private key that the packet is sealed to. It reads the same verdict, so it cannot disagree.
//
// Package keys next door owns keys and key sets, package trust fetches the other sides' sets, and package exchange decides
// what the claims are worth: nothing here looks at consent, routes or health.
package jose
