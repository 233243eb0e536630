// Package exchangetest holds the suites that every implementation of the domain's stores must pass. An implementation's
// own test is three lines:
//
//	func TestReplays(t *testing.T) {
//		exchangetest.Replays(t, func(clock func() time.Time) exchange.Replays { return store.New(clock) })
//	}
//
//	suite     holds                                                             in this repository
//	Replays   one packet, one answer, retry-safe; leases, waiting, expiry       store.Memory
//	Recalls   what is recalled, for how long, at most how much                  store.Memory
//	Journal   what was acknowledged can be read back, whole and in order        journal.File
//
// A store's notion of time is the clock it is given; only waiting happens in real time. The suites take about two
// seconds, which is the bound on that waiting.
package exchangetest
