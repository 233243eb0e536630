package keys

// Verified is a Signer that has checked every signature under its own Public before it gives it. Whoever gets one need not do
// so again: checking costs more than all the rest of what is done with a signature that was made elsewhere. A Signer that
// cannot vouch for its signatures does not implement it, and the caller checks.
type Verified interface {
	Signer
	// Verified does nothing. That it is there is a promise.
	Verified()
}
