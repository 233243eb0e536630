package api

import (
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxAddresses is how many addresses the limiter remembers at most, in two generations: about 3 MiB.
const maxAddresses = 20_000

// limiter is a token bucket for each address, in memory and for this replica alone.
type limiter struct {
	rate  rate.Limit
	burst int

	mu sync.Mutex
	// recent and older are what was seen since the last turn and before it. When recent is full, older is forgotten:
	// memory stays bounded whoever asks, and an address that keeps asking is never forgotten.
	recent, older map[netip.Addr]*rate.Limiter
}

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{rate: rate.Limit(perSecond), burst: burst, recent: map[netip.Addr]*rate.Limiter{}}
}

// take takes one token of the address's bucket, or tells how long to wait for one.
func (l *limiter) take(address string, now time.Time) time.Duration {
	bucket := l.bucket(network(address))
	taken := bucket.ReserveN(now, 1)
	wait := taken.DelayFrom(now)
	if wait > 0 {
		taken.CancelAt(now)
	}
	return wait
}

func (l *limiter) bucket(address netip.Addr) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found, ok := l.recent[address]; ok {
		return found
	}
	if len(l.recent) >= maxAddresses/2 {
		l.recent, l.older = make(map[netip.Addr]*rate.Limiter, maxAddresses/2), l.recent
	}
	found, ok := l.older[address]
	if !ok {
		found = rate.NewLimiter(l.rate, l.burst)
	}
	l.recent[address] = found
	return found
}

// network is what one subscriber has: an IPv4 address, or an IPv6 /64, which a single machine may fill as it likes.
// What is no address at all shares one bucket.
func network(address string) netip.Addr {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Addr{}
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return prefix.Addr()
}

// seconds rounds up to whole seconds, at least one, as Retry-After wants it.
func seconds(wait time.Duration) string {
	return strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second)))
}
