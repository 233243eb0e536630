package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

// withdrawal is a holder's own recall. Withdrawing is as easy as consenting was (PIPL 15, Law 8/2005 art. 11): the three
// things that the answer to the exchange gave are enough, and no name is asked.
type withdrawal struct {
	Receipt        string `json:"receipt"`
	FullReceipt    string `json:"full_receipt"`
	WithdrawSecret string `json:"withdraw_secret"`
}

// maxWithdrawSecret is the most characters of a withdraw secret; ours have 22.
const maxWithdrawSecret = 64

// recall voids a code, or what came of a source's packets. Asking again changes nothing and gets the same answer.
func (s *Server) recall(c echo.Context) error {
	wanted, err := s.recallFrom(c)
	if err != nil {
		return err
	}
	if err := s.config.Recalls.Recall(c.Request().Context(), wanted); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) recallFrom(c echo.Context) (exchange.Recall, error) {
	body := visitOf(c).body
	if mediaOf(c.Request()) == mediaJOSE {
		return s.recallBySource(c.Request().Context(), exchange.Token(body))
	}
	var posted withdrawal
	if err := decode(body, &posted); err != nil {
		return exchange.Recall{}, err
	}
	return s.recallByHolder(posted)
}

func (s *Server) recallBySource(ctx context.Context, token exchange.Token) (exchange.Recall, error) {
	wanted, err := s.config.SourceRecall(ctx, token)
	// What a traveller is told of a packet would be no help to a side whose recall is wrong.
	if reason, found := exchange.ReasonOf(err); found && reason != exchange.Unavailable {
		return exchange.Recall{}, &fault{id: recallRefused, stage: "source-recall"}
	}
	return wanted, err
}

// recallByHolder believes who shows a genuine receipt of an issued code, the full receipt that it vouches for, and the
// secret whose hash stands in there. Which of the three is wrong is not told.
func (s *Server) recallByHolder(posted withdrawal) (exchange.Recall, error) {
	refused := &fault{id: recallRefused, stage: "withdrawal"}
	exhibit, err := s.exhibit(shown{Receipt: posted.Receipt, FullReceipt: posted.FullReceipt})
	if isOutage(err) {
		return exchange.Recall{}, err
	}
	if err != nil || exhibit.Receipt == nil || exhibit.FullReceipt == nil || !s.vouched(exhibit) {
		return exchange.Recall{}, refused
	}
	full, err := exchange.ParseFullReceipt(exhibit.FullReceipt)
	if err != nil || full.CodeID == "" || full.CodeID != exhibit.Receipt.Code || !opens(posted.WithdrawSecret, full.WithdrawSum) {
		return exchange.Recall{}, refused
	}
	return exchange.Recall{Code: full.CodeID, Until: time.Unix(exhibit.Receipt.Expires, 0)}, nil
}

// vouched tells whether the receipt is of an issued code and vouches for the full receipt. When it was or ends is no
// matter here.
func (s *Server) vouched(exhibit exchange.Exhibit) bool {
	switch exchange.Examine(exhibit, exchange.Bundle{}, s.config.Clock(), true).Category { // a bundle that speaks against nothing
	case exchange.CategoryMismatch, exchange.CategoryRefusal, exchange.CategoryUnreadable:
		return false
	}
	return true
}

// opens compares a secret's SHA-256 with the lower-case hex sum in the full receipt, in constant time.
func opens(secret, sum string) bool {
	if secret == "" || len(secret) > maxWithdrawSecret {
		return false
	}
	own := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare([]byte(hex.EncodeToString(own[:])), []byte(sum)) == 1
}
