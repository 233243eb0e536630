// Package keys is where the gateway's private keys live, and how keys are written down and read.
//
// A Ring signs and decrypts with keys that it never hands out. Its two implementations are Embedded, in this package, which
// keeps all keys in one file and is for development or a single machine, and the ring over Vault's transit engine next
// door. Package keystest holds the suite that every ring passes.
//
// # Names, versions, kids
//
//	name                                algorithm              what it is for
//	packet-gd, packet-mo, packet-hk     RSA-OAEP-256, ECDH-ES  opening the packets of one source side
//	gd, mo, hk                          ES256                  signing one destination's codes
//	receipt                             ES256                  signing receipts
//	bundle                              ES256                  signing the officers' offline bundle
//
// A kid is <name>.<version>.<first 6 characters of the RFC 7638 thumbprint>, for example mo.3.k7Qd2A. Name and version tell
// people what they look at; the thumbprint keeps two installations from using one kid for two keys.
//
// # The life of a version
//
//	created ────────────── SignsFrom ───────────────────── retired
//	   published at once      signs, or is sealed to          still published and still opens, until the last
//	   (key set, bundle)      until the next one does         thing it signed or sealed has expired
//
// A first version signs at once. A later one waits Overlap, so that whoever holds an earlier bundle or key set knows it
// before he meets it. All instants are stored beside the key: every replica computes the same.
//
// # Formats
//
// Public keys are JWKs (RFC 7517): P-256, Ed25519 and RSA of 2048 to 4096 bits. ParseSet reads the key sets of other sides
// and refuses the whole set for one bad key. Package jose next door owns JWE and JWS; package trust fetches the sets.
package keys
