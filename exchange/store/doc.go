// Package store keeps, in memory, which packets were answered and what was recalled: exchange.Replays and
// exchange.Recalls for a gateway of one replica. Several replicas share a store that passes the same suite
// (exchange/exchangetest).
//
// An entry is in one of three states:
//
//	state      how it gets there                 what Reserve says to the same requester   … and to anybody else
//	open       Release, or 10 s without answer   a new lease                               a new lease
//	reserved   Reserve                           waits ≤ 2 s, then unavailable             waits ≤ 2 s, then unavailable
//	committed  Commit                            the same times again (Repeat)             replayed
//
// "Same requester" means the same Idempotency-Key; without one nobody is the same. An entry stays until the packet's exp
// plus exchange.Leeway and is never evicted before: a forgotten packet could be answered twice. A full store is
// unavailable instead.
//
// What is held is hashes and times, at most 128 bytes an entry (a test measures it), and nothing of it outlives the
// process. A packet that was made before the store began is therefore refused: another process may have answered it.
// Two things follow for an operator. A source whose clock is fast can, within exchange.Leeway of a restart, have a packet
// answered on both sides of it; the code id is derived from the packet, so there is still only one code. And a restart
// forgets recalls, so whoever recalls something of lasting weight repeats it, or runs a shared store.
//
// There is no goroutine: each call sweeps away a bounded number of entries that are over.
package store
