package keys

import "time"

// Overlap is how long a new version is published before it signs: the officers' bundle is good for a day
// (exchange.BundleHardLife, to which a test in package jose holds it), and an officer who has been offline for that long
// must know the key.
const Overlap = 24 * time.Hour

// How long a version stays after the next one has taken over.
const (
	// SignedLife is the most that anything signed may live: codes end after a day by every rulebook, a refusal's receipt
	// after a day, a bundle after a day. A week leaves room for a rulebook with a longer cap; none may exceed it.
	SignedLife = 7 * 24 * time.Hour
	// SealedLife is the most that may pass between a source's reading our key set and our opening the packet: a day with
	// the last known good set, ten minutes of packet life, and clocks that differ, rounded up.
	SealedLife = 25 * time.Hour
)

// Lingers is how long a key of this algorithm stays after its successor has taken over.
func Lingers(algorithm Algorithm) time.Duration {
	if algorithm == ES256 {
		return SignedLife
	}
	return SealedLife
}

// Live leaves out the versions that have retired at now. The versions are those of one key, in ascending order.
func Live(versions []Public, now time.Time) []Public {
	for len(versions) > 1 && !now.Before(versions[1].SignsFrom.Add(Lingers(versions[0].Algorithm))) {
		versions = versions[1:]
	}
	return versions
}

// Signing finds the version that signs at now: the newest whose time has come. The oldest one signs whatever the clock
// says, since there is nothing before it. The versions are those of one key, in ascending order; found is false if there
// are none.
func Signing(versions []Public, now time.Time) (public Public, found bool) {
	for i := len(versions) - 1; i >= 0; i-- {
		if i == 0 || !now.Before(versions[i].SignsFrom) {
			return versions[i], true
		}
	}
	return Public{}, false
}
