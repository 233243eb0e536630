package exchange

import (
	"context"
	"time"
)

// Event is what a journal line records.
type Event string

// An intent is written before anything is signed, an outcome after. Void says that an intent came to nothing.
const (
	EventIntent  Event = "intent"
	EventIssued  Event = "issued"
	EventRefused Event = "refused"
	EventVoid    Event = "void"
)

// Entry is one step of one transcode, without personal data: nothing in it comes from the holder's claims.
type Entry struct {
	Event     Event
	At        time.Time
	Receipt   string // receipt id
	Route     string
	Port      Port
	Rulebooks []string // versions, the source's first
	Rules     []string // ids of the rules that decided; empty: granted
	Reason    Reason   // empty: granted
	KeyIDs    []string // kids that signed; empty in an intent
}

// Journal is the gateway's record of what it did. Its errors are Failures with unavailable. When it returns, the entry
// outlasts a power cut, unless the implementation was told otherwise.
type Journal interface {
	// Intend writes the intent. What is not recorded is not signed.
	Intend(ctx context.Context, entry Entry) error
	// Finish writes what became of an intent.
	Finish(ctx context.Context, entry Entry) error
}

func intent(verdict Verdict, lease Lease) Entry {
	record, green, entry := verdict.Basis()
	line := Entry{
		Event: EventIntent, At: lease.At, Receipt: lease.Key.ReceiptID(), Route: record.Route.String(), Port: record.Port,
		Rulebooks: []string{green.Rulebook.Version, entry.Rulebook.Version}, Rules: []string{},
	}
	if decided, refused := verdict.Refused(); refused {
		line.Reason, line.Rules = decided.Reason, []string{decided.Rule}
	}
	return line
}
