package api

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

func (w *world) withdraw(posted withdrawal, status int) answered {
	w.t.Helper()
	return w.want(jsonPost("/v1/recalls", posted), status)
}

func withdrawalOf(told issued) withdrawal {
	return withdrawal{Receipt: string(told.Receipt), FullReceipt: told.FullReceipt, WithdrawSecret: told.WithdrawSecret}
}

func TestAHolderWithdrawsAtOnceAndMayRepeatIt(t *testing.T) {
	w := newWorld(t)
	mine, other := w.issue("mine"), w.issue("other")
	for range 2 {
		w.withdraw(withdrawalOf(mine), http.StatusNoContent)
	}
	if got := w.verified(shown{Code: string(mine.Code)}); got != string(exchange.CategoryRecalled) {
		t.Errorf("the code is %s", got)
	}
	if got := w.verified(shown{Code: string(other.Code)}); got != string(exchange.CategoryValid) {
		t.Errorf("another holder's code is %s", got)
	}
	live, err := w.store.Live(t.Context())
	if err != nil || len(live) != 1 || live[0].Code != mine.CodeID || !live[0].Until.Equal(mine.ValidUntil) {
		t.Errorf("recalls %+v, %v", live, err)
	}
}

// A verifier accepts a code for a minute after its end; the recall must last as long.
func TestAWithdrawnCodeDoesNotComeBackInItsLastMinute(t *testing.T) {
	w := newWorld(t)
	mine := w.issue("mine")
	w.withdraw(withdrawalOf(mine), http.StatusNoContent)
	w.advance(24*time.Hour + exchange.Leeway)
	if got := w.verified(shown{Code: string(mine.Code)}); got != string(exchange.CategoryRecalled) {
		t.Errorf("the code is %s", got)
	}
}

func TestTheQRTextOfAReceiptWithdrawsToo(t *testing.T) {
	w := newWorld(t)
	mine := w.issue("mine")
	posted := withdrawalOf(mine)
	posted.Receipt = mine.QR.Receipt
	w.withdraw(posted, http.StatusNoContent)
}

func TestNobodyElseWithdraws(t *testing.T) {
	w := newWorld(t)
	mine, other := w.issue("mine"), w.issue("other")
	red := w.do(jose(exchangePath, w.arrive("red", func(v *traveller) { v.entry = rule("x", exchange.Fails, exchange.NotEligible) })))
	var first []byte
	for name, change := range map[string]func(*withdrawal){
		"without a secret":             func(d *withdrawal) { d.WithdrawSecret = "" },
		"with another holder's secret": func(d *withdrawal) { d.WithdrawSecret = other.WithdrawSecret },
		"with the secret's hash":       func(d *withdrawal) { d.WithdrawSecret = hash(d.WithdrawSecret) },
		"with a secret over its limit": func(d *withdrawal) { d.WithdrawSecret = string(bytes.Repeat([]byte("a"), maxWithdrawSecret+1)) },
		"with another full receipt":    func(d *withdrawal) { d.FullReceipt, d.WithdrawSecret = other.FullReceipt, other.WithdrawSecret },
		"with a full receipt of his own making": func(d *withdrawal) {
			full, _ := exchange.ParseFullReceipt([]byte(d.FullReceipt))
			d.FullReceipt, d.WithdrawSecret = strings.Replace(d.FullReceipt, full.WithdrawSum, hash("guessed"), 1), "guessed"
		},
		"without a full receipt":             func(d *withdrawal) { d.FullReceipt = "" },
		"without a receipt":                  func(d *withdrawal) { d.Receipt = "" },
		"with a code in the receipt's place": func(d *withdrawal) { d.Receipt = string(mine.Code) },
		"with a receipt that was changed":    func(d *withdrawal) { d.Receipt = d.Receipt[:len(d.Receipt)-8] + "AAAAAAAA" },
		"with a refusal's receipt":           func(d *withdrawal) { *d = withdrawal{red.member("receipt"), red.member("full_receipt"), "x"} },
	} {
		posted := withdrawalOf(mine)
		change(&posted)
		got := w.withdraw(posted, http.StatusBadRequest)
		if got.member("type") != issuer+"/problems/"+recallRefused {
			t.Errorf("%s: %s", name, got.body)
		}
		body := bytes.ReplaceAll(got.body, []byte(got.member("request_id")), nil)
		if first == nil {
			first = body
		}
		if !bytes.Equal(body, first) {
			t.Errorf("%s tells itself apart: %s", name, got.body)
		}
	}
	if live, _ := w.store.Live(t.Context()); len(live) != 0 {
		t.Errorf("recalls %+v", live)
	}
}

func TestASourceSideRecalls(t *testing.T) {
	w := newWorld(t)
	mine := w.issue("mine")
	w.want(jose("/v1/recalls", "a.b.c"), http.StatusNoContent)
	if got := w.verified(shown{Code: string(mine.Code)}); got != string(exchange.CategoryRecalled) {
		t.Errorf("the code is %s", got)
	}
}

func TestASourcesBadRecallIsRefusedAndAnOutageIsNot(t *testing.T) {
	w := newWorld(t)
	w.source = exchange.Fail(exchange.PacketRefused, "signature", errors.New(plantedHan))
	if got := w.want(jose("/v1/recalls", "a.b.c"), http.StatusBadRequest); got.member("type") != issuer+"/problems/"+recallRefused {
		t.Errorf("%s", got.body)
	}
	w.source = exchange.Fail(exchange.Unavailable, "trust", nil)
	w.want(jose("/v1/recalls", "a.b.c"), http.StatusServiceUnavailable)
}

func TestAFullStoreOfRecallsIsAnOutage(t *testing.T) {
	w := newWorld(t)
	mine := w.issue("mine")
	w.outage["recalls"] = true
	w.withdraw(withdrawalOf(mine), http.StatusServiceUnavailable)
}
