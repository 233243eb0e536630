package jose

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"crosscode/exchange"
)

// RecallClaims is a source side's signed recall of one packet, or of everything that it signed up to an instant. Exactly
// one of Packet and Before is set.
type RecallClaims struct {
	Issuer   exchange.Side
	ID       string // jti of the recall itself
	IssuedAt time.Time
	Expires  time.Time
	Packet   string    // jti of a packet
	Before   time.Time // whole seconds
}

// How long texts in a recall may be, in bytes.
const maxID = 256

// maxNumericDate keeps NumericDates within the integers that every JSON reader holds exactly (2^53-1).
const maxNumericDate = 1<<53 - 1

type recallForm struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	ID       string `json:"jti"`
	IssuedAt *int64 `json:"iat"`
	Expires  *int64 `json:"exp"`
	Packet   string `json:"packet"`
	Before   *int64 `json:"before"`
}

// ReadRecall verifies a recall: a JWS of typ code-recall+jwt with iss, aud, jti, iat, exp and exactly one of packet (a
// packet's jti) and before (a NumericDate not in the future). It lives ten minutes at most, as a packet does. Its error is
// a Failure: packet-refused or unavailable as for a packet, then claims-invalid, not-yet-valid or packet-expired.
func ReadRecall(
	ctx context.Context, token exchange.Token, trusted TrustedKeys, audience string, now time.Time,
) (side exchange.Side, recall RecallClaims, err error) {
	defer contain(&err)
	claims, fault := NewVerifier(trusted, audience).verify(ctx, string(token), recallKind)
	if fault != nil {
		return "", RecallClaims{}, fault.failure()
	}
	var form recallForm
	if err := json.Unmarshal(claims.JSON, &form, json.RejectUnknownMembers(true)); err != nil {
		return "", RecallClaims{}, exchange.Invalid("recall", "not exactly the members of a recall, with the right types")
	}
	if recall, err = form.read(claims.Issuer, now); err != nil {
		return "", RecallClaims{}, err
	}
	return claims.Issuer, recall, nil
}

func (f recallForm) read(issuer exchange.Side, now time.Time) (RecallClaims, error) {
	if f.ID == "" || len(f.ID) > maxID {
		return RecallClaims{}, exchange.Invalid("jti", "missing or longer than 256 bytes")
	}
	issued, err := numericDate("iat", f.IssuedAt)
	if err != nil {
		return RecallClaims{}, err
	}
	expires, err := numericDate("exp", f.Expires)
	if err != nil {
		return RecallClaims{}, err
	}
	// A recall lives as a packet does, so one rule says what is too long, too early and too late.
	if err := (exchange.Record{IssuedAt: issued, NotBefore: issued, Expires: expires}).Live(now); err != nil {
		return RecallClaims{}, err
	}
	recall := RecallClaims{Issuer: issuer, ID: f.ID, IssuedAt: issued, Expires: expires}
	if err := f.reach(&recall, now); err != nil {
		return RecallClaims{}, err
	}
	return recall, nil
}

// reach reads what is recalled. An instant in the future would void codes that are not made yet.
func (f recallForm) reach(recall *RecallClaims, now time.Time) (err error) {
	if (f.Packet == "") == (f.Before == nil) {
		return exchange.Invalid("packet", "exactly one of packet and before must be there")
	}
	if f.Before == nil {
		if len(f.Packet) > maxID {
			return exchange.Invalid("packet", "longer than 256 bytes")
		}
		recall.Packet = f.Packet
		return nil
	}
	if recall.Before, err = numericDate("before", f.Before); err != nil {
		return err
	}
	if recall.Before.After(now.Add(exchange.Leeway)) {
		return exchange.Invalid("before", "in the future")
	}
	return nil
}

var errDate = errors.New("missing or not an integer number of seconds from 1970 on")

func numericDate(field string, seconds *int64) (time.Time, error) {
	if seconds == nil || *seconds < 0 || *seconds > maxNumericDate {
		return time.Time{}, exchange.Invalid(field, "%w", errDate)
	}
	return time.Unix(*seconds, 0), nil
}
