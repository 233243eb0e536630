package exchangetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"crosscode/exchange"
)

// Journal runs the suite for exchange.Journal. Each case gets an empty journal of its own, and a function that reads back
// what it has recorded so far, in order; entries' times count to the second.
func Journal(t *testing.T, newJournal func(t *testing.T) (journal exchange.Journal, recorded func() []exchange.Entry)) {
	t.Run("what was acknowledged is read back, in order", func(t *testing.T) {
		journal, recorded := newJournal(t)
		var want []exchange.Entry
		for i, event := range []exchange.Event{exchange.EventIssued, exchange.EventRefused, exchange.EventVoid} {
			intent, outcome := transcode(i, event)
			wantReason(t, "Intend", journal.Intend(t.Context(), intent), "")
			wantReason(t, "Finish", journal.Finish(t.Context(), outcome), "")
			want = append(want, intent, outcome)
			wantEntries(t, recorded(), want)
		}
	})
	t.Run("200 at once are all recorded, each intent before its outcome", func(t *testing.T) {
		journal, recorded := newJournal(t)
		wantPairs(t, recorded, func(i int) {
			intent, outcome := transcode(i, exchange.EventIssued)
			if err := journal.Intend(t.Context(), intent); err != nil {
				t.Errorf("Intend: %v", err)
			}
			if err := journal.Finish(t.Context(), outcome); err != nil {
				t.Errorf("Finish: %v", err)
			}
		})
	})
	t.Run("for a caller who has gone nothing is acknowledged", func(t *testing.T) {
		journal, _ := newJournal(t)
		gone, leave := context.WithCancel(t.Context())
		leave()
		intent, outcome := transcode(0, exchange.EventIssued)
		wantReason(t, "Intend", journal.Intend(gone, intent), exchange.Unavailable)
		wantReason(t, "Finish", journal.Finish(gone, outcome), exchange.Unavailable)
	})
}

// transcode is the intent and the outcome of the i-th transcode.
func transcode(i int, event exchange.Event) (intent, outcome exchange.Entry) {
	intent = exchange.Entry{
		Event: exchange.EventIntent, At: Start, Receipt: fmt.Sprintf("receipt-%d", i), Route: "macau-guangdong", Port: "gongbei",
		Rulebooks: []string{"macau/2026-01-01T00:00+08:00", "guangdong/2026-01-01T00:00+08:00"},
	}
	if event == exchange.EventRefused {
		intent.Reason, intent.Rules = exchange.NotGreen, []string{"macau.green.colour"}
	}
	outcome = intent
	outcome.Event, outcome.KeyIDs = event, []string{"gd.1.k7Qd2A", "receipt.1.Zm3xQ0"}
	return intent, outcome
}

func wantEntries(t *testing.T, got, want []exchange.Entry) {
	t.Helper()
	if !slices.EqualFunc(got, want, sameEntry) {
		t.Fatalf("recorded %+v, want %+v", got, want)
	}
}

func sameEntry(one, other exchange.Entry) bool {
	return one.Event == other.Event && one.At.Equal(other.At) && one.Receipt == other.Receipt && one.Route == other.Route &&
		one.Port == other.Port && one.Reason == other.Reason && slices.Equal(one.Rulebooks, other.Rulebooks) &&
		slices.Equal(one.Rules, other.Rules) && slices.Equal(one.KeyIDs, other.KeyIDs)
}

// wantPairs runs 200 transcodes at once and expects each receipt twice: first its intent, then its outcome.
func wantPairs(t *testing.T, recorded func() []exchange.Entry, run func(i int)) {
	t.Helper()
	const runners = 200
	var runs sync.WaitGroup
	for i := range runners {
		runs.Go(func() { run(i) })
	}
	runs.Wait()
	events := map[string][]exchange.Event{}
	for _, entry := range recorded() {
		events[entry.Receipt] = append(events[entry.Receipt], entry.Event)
	}
	for receipt, got := range events {
		if !slices.Equal(got, []exchange.Event{exchange.EventIntent, exchange.EventIssued}) {
			t.Errorf("%s: %v, want intent, then issued", receipt, got)
		}
	}
	if len(events) != runners {
		t.Errorf("%d receipts are recorded, want %d", len(events), runners)
	}
}
