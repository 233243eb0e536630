// Package trust knows the other sides' public keys: which key may sign a packet in a side's name, and to which key a
// handoff for a side is sealed.
//
// A side publishes one JWK Set, at a URL or in a file that the configuration pins. Nothing in a packet can add a source: a
// kid is looked up in the set of the issuer that the packet names, and means nothing elsewhere (threat T15). Package keys
// next door says what a good set is (ParseSet); package jose asks this one for keys; cmd/gateway runs it.
//
// # When a set is fetched
//
//	at start and then every Refresh    by Run, up to a fifth early, so that many replicas do not come together
//	after a failure                    1s, 2s, 4s … 30s later, never later than Refresh
//	on an unknown kid                  at most once in a minute and side, whoever asks (threat T26)
//
// One fetch runs at a time for each side. The request that met the unknown kid waits for that one fetch, and so do up to
// 64 others that arrive meanwhile; everybody else is answered from what is known, at once. No kid that was asked for is
// ever kept, so a flood of them costs lookups in a map. A circuit breaker stands around each source: after five
// failures in a row nothing is sent for ten seconds.
//
// # What is answered
//
//	set known?             kid in it?              SigningKey        EncryptionKey
//	yes, within MaxAge     yes                     the key           the first enc key of the set
//	yes, within MaxAge     no, nor after a fetch   packet-refused    exchange.ErrNoHandoffKey
//	no, or older           —                       unavailable       unavailable
//	no such side           —                       packet-refused    exchange.ErrNoHandoffKey
//
// A good set replaces the one before it as a whole. A key that is no longer in it has stopped working, and a set without any
// key stops them all: that is how a side withdraws its keys. A fetch that fails, for whatever reason, changes nothing:
// the last good set is used until it is MaxAge old, so that a side's outage never stops packets signed by known keys.
//
// A side lists its newest enc key first. The order of the set is the only thing that says so in JWKS, hence the first wins.
//
// # Last known good
//
// CacheDir holds <side>.json for each side, mode 0600, replaced in one step:
//
//	{"side": "macau", "source": "https://…", "fetched_at": "2026-11-22T02:00:00Z", "set": {"keys": […]}}
//
// New reads it, and believes nothing about it: the set goes through ParseSet again, and the file is not used if it is
// older than MaxAge, from the future, for another side or source, or open to other users for writing.
//
// # What a fetch may do (threats T40, T41)
//
//   - https with the pinned authorities of Source.CAFile alone, TLS 1.2 or better, the name in Source.ServerName; or http to
//     a loopback address. Both are checked when the connection is made, after the name was resolved.
//   - Never to a link-local, multicast, unspecified or cloud metadata address, whatever a name resolves to.
//   - No redirect is followed, no proxy of the environment used, no cookie kept, no compressed answer taken.
//   - At most 64 KiB are read, and the whole takes at most Config.Timeout, however slowly the bytes drip.
package trust
