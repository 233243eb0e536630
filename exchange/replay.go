package exchange

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// ReplayKey stands for one packet: SHA-256(iss, 0, jti). Never for its bytes, of which anyone can make a second set that
// opens and verifies just as well.
type ReplayKey [sha256.Size]byte

// NewReplayKey is the key of the packet that this issuer gave this jti.
func NewReplayKey(issuer Side, jti string) ReplayKey {
	return sha256.Sum256([]byte(string(issuer) + "\x00" + jti))
}

// CodeID is the jti of the code that this packet can become: 128 bits in base64url. It is derived, so that a retry cannot
// make a second code, and a source side can name a code it has never seen.
func (k ReplayKey) CodeID() string { return k.derive("code") }

// ReceiptID is the jti of this packet's receipt, 128 bits in base64url.
func (k ReplayKey) ReceiptID() string { return k.derive("receipt") }

func (k ReplayKey) derive(kind string) string {
	sum := sha256.Sum256(append([]byte("crosscode "+kind+"\x00"), k[:]...))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Requester is SHA-256 of the Idempotency-Key with which a packet was brought; the zero value when there was none, and
// then nobody, not even the same caller, can ask again.
type Requester [sha256.Size]byte

// NewRequester hashes an Idempotency-Key; an empty key gives the zero Requester.
func NewRequester(idempotencyKey string) Requester {
	if idempotencyKey == "" {
		return Requester{}
	}
	return sha256.Sum256([]byte(idempotencyKey))
}

// Reservation asks for a packet's one answer.
type Reservation struct {
	Key       ReplayKey
	Requester Requester
	// At is the clock reading of this request.
	At time.Time
	// IssuedAt and Expires are the packet's own iat and exp; the entry is kept until Expires plus Leeway.
	IssuedAt, Expires time.Time
}

// Lease is the right to answer one packet. It ends by itself after a few seconds (Replays.Reserve).
type Lease struct {
	Reservation
	// Fence is a fencing token: it tells this lease from every other one, so that Commit is a compare-and-set.
	Fence uint64
	// First is when the packet was first answered: for a repeat the first request's clock reading, else At.
	First time.Time
	// Repeat is set when the packet was answered before, for this same requester. Until is then what was committed.
	Repeat bool
	Until  time.Time
}

// Replays sees to it that one packet has one answer. Its errors are Failures:
//   - replayed: the packet was answered for another requester;
//   - packet-expired: the packet was made before the store could know of it;
//   - unavailable: the store did not answer, is full, or another request for this packet is still in flight after the
//     wait. It never fails open.
type Replays interface {
	// Reserve takes the packet, or finds the answer that the same requester had. While another request holds the packet,
	// Reserve waits for it. A reservation that is neither committed nor released ends by itself after a few seconds.
	Reserve(ctx context.Context, reservation Reservation) (Lease, error)
	// Commit keeps the answer: until is the code's end, zero for a refusal. It fails when the reservation has been lost.
	// Committing a repeat changes nothing.
	Commit(ctx context.Context, lease Lease, until time.Time) error
	// Release gives the packet back after an outage. Releasing a repeat, or what is committed, changes nothing.
	Release(ctx context.Context, lease Lease) error
}
