// Package transit is the key ring over HashiCorp Vault's transit engine: private keys live in Vault and nowhere else. Packets
// are opened and codes, receipts and bundles are signed there; what leaves this process are RSA ciphertexts of content keys
// and SHA-256 digests, never a name.
//
// # The way of one operation
//
//	Decrypter.Decrypt, Signer.Sign
//	  desk     one for decrypting, one for signing, each with its own breaker, queue and limit of calls under way
//	  lane     one for each version of a key, and a second one for peers whose packets mostly do not open
//	  line     one for each peer; a batch takes one of each before it takes a second of any
//	  call     decrypt/<key> or sign/<key>/sha2-256, always with batch_input, version and references
//	  answer   by reference; a signature is verified under the version that was asked for before anybody sees it
//
// A lone operation goes at once. While a call on its key is under way others gather, until that call returns, a batch is full
// or Batching.Wait is over. Whoever leaves (his context ends) takes his operation along if it still waits, and touches nobody.
//
// # What an answer means
//
//	Vault says                                      it is                         counts for the breaker   is repeated
//	200, 400 or 500 with batch_results              an answer, item by item       as a success             no
//	  an item that does not open                    keys.ErrDecrypt               —                        never
//	  an item whose version is too old or too new   keys.ErrUnavailable           —                        no
//	503 (sealed, no leader), 3xx, 502, 504          keys.ErrUnavailable           as a failure             once
//	429                                             keys.ErrUnavailable           as a failure             once, if Retry-After allows
//	403 after a second login, other statuses        keys.ErrUnavailable           as a failure             no
//	no connection, or a broken one                  keys.ErrUnavailable           as a failure             once
//	nothing in time                                 keys.ErrUnavailable           as a failure             no
//	results that do not fit                         keys.ErrUnavailable           as a failure             no
//
// Vault calls an attacker's garbage an internal error (HTTP 500) and its client would ask three times; here it is one item, of
// one call, that fails alone, and it takes as long as any other. Every outage is an *Outage, which says when to come back.
//
// # What is bounded
//
//	an operation       Config.Timeout (2 s), waiting included
//	calls under way    3 for decrypting, 2 for signing, over all keys
//	items in a call    16 decrypts (Vault opens them one after another), 64 signatures
//	waiting            512 and 2048; beyond that the longest line is shed, not whoever comes last
//	garbage            peers who mostly send it: one call at a time, when no other is under way or after 100 ms; 4 items
//	                   of 16, a quarter of the queue
//	a rest             2 s after 5 calls in a row that failed; then 2 calls probe, and the others wait for them
//
// # Versions
//
// The public halves are read from keys/<key>, one key after another, each once in Config.Refresh, and at once when a call
// fails, when a kid is ahead of what was read, and when Vault refuses to sign with a version. Kid, CreatedAt and SignsFrom
// follow from what Vault says alone, so all replicas agree:
//
//	creation_time               CreatedAt; SignsFrom is the same for version 1, and keys.Overlap later for the others
//	min_encryption_version = N  version N signs from its creation (Rotate with now), and nothing older signs any more
//	min_decryption_version = N  what is older is gone (Trim)
//
// A key that is exportable, allows a plaintext backup, or is not what it is configured for is not used.
//
// # Who may do what
//
// The gateway's token reads keys, decrypts and signs. Rotate and Trim want an operator's. Client (client.go, login*.go) owns the
// connection and the token, setup*.go and check*.go what is prepared at Vault, package keys next door the ring's contract and
// its embedded implementation, keystest the suite that both pass. Package transittest runs a real Vault for tests, package
// benchvault compares this ring with bare clients.
//
// Vault has no key agreement: there are no ECDH-ES packet keys in this ring.
package transit
