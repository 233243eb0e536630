// Package benchvault compares the Vault ring with bare clients of the same Vault, in one run and on the same cores:
//
//	go test -run '^$' -bench . -benchtime 1x ./crypto/transit/benchvault        (make bench-vault)
//
// # What is compared
//
//	(a) single    a bare HTTP client: one call for each decrypt and each signature
//	(b) batching  a bare HTTP client in lockstep: so many packets at a time, one call for all their decrypts, one for all
//	              their codes, one for all their receipts; no queue, no breaker, no deadlines, nobody to be fair to
//	(c) gateway   package transit: the ring as the gateway uses it
//
// All three do the same local work, with the gateway's own code (package jose): parse and open the packet, verify its inner
// signature, conclude, draft and sign code and receipt, verify both signatures. They take turns, several rounds each, so that a
// machine that becomes slower hurts them alike. The goal is (c) ≥ 90 % of (b).
//
// # Garbage
//
// Then good packets are sent at 25 % of (b), alone and with as many again that are well-formed and do not open: from eight
// addresses, and from a new address each. The goal is a p99 within 1.5 × of the one without garbage.
//
// There is nothing in this package but its benchmark: it needs a Vault (see package transittest) and takes minutes.
package benchvault
