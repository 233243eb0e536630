package exchange

import (
	"context"
	"time"
)

// MaxRecalls is the most recalls that may be live at once, so that the bundle stays within a few megabytes.
const MaxRecalls = 50_000

// Recall voids one code, or every code that came of one side's packets up to an instant.
type Recall struct {
	// Code is a code id; empty when Side and Before are set.
	Code string
	// Side and Before void every code whose route begins at Side and that was issued at or before Before, and every packet
	// that Side made by then. A packet may become a code MaxPacketLife plus Leeway after it was made, so a side that wants
	// every code of its bad packets void names the present instant, not that of its last bad packet.
	Side   Side
	Before time.Time
	// Until is when the last thing it voids has expired; the recall outlives it by Leeway, as a code does, and then goes.
	Until time.Time
}

// Voids tells whether the recall reaches a code.
func (r Recall) Voids(codeID string, source Side, issuedAt time.Time) bool {
	if r.Code != "" {
		return r.Code == codeID
	}
	return r.Side == source && !issuedAt.After(r.Before)
}

// Names tells whether the recall names a code, or a side and an instant, and not both.
func (r Recall) Names() bool {
	byInstant := r.Side != "" && !r.Before.IsZero()
	return r.Code != "" && r.Side == "" && r.Before.IsZero() || r.Code == "" && byInstant
}

// Recalls keeps what was recalled, in the same store as the replays. Its errors are Failures with unavailable.
type Recalls interface {
	// Recall adds one; adding it again, or one that is over, changes nothing. A full store (MaxRecalls) is unavailable.
	Recall(ctx context.Context, recall Recall) error
	// Recalled tells whether any live recall voids the code.
	Recalled(ctx context.Context, codeID string, source Side, issuedAt time.Time) (bool, error)
	// Live lists the recalls in force, in a stable order.
	Live(ctx context.Context) ([]Recall, error)
}
