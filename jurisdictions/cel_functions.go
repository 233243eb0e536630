package jurisdictions

import (
	"errors"
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"crosscode/exchange"
)

// The two units in which the validity of a test is counted.
const (
	// DaysAfterSamplingDay counts calendar days in UTC+8: "48 hours" is two days after the sampling day, whatever the
	// hour of sampling (gov.mo p=464344: sampled on 7 June, valid on 8 and 9 June).
	DaysAfterSamplingDay = "days_after_sampling_day"
	// HoursSinceSampling counts from the moment of sampling, never from the report.
	HoursSinceSampling = "hours_since_sampling"
)

func units() []string { return []string{DaysAfterSamplingDay, HoursSinceSampling} }

// maxLength keeps a length far from where time arithmetic could wrap: 9999 days are 27 years.
const maxLength = 9999

var (
	errUnit     = errors.New("unit: want days_after_sampling_day or hours_since_sampling")
	errLength   = fmt.Errorf("length: want 0 to %d", maxLength)
	errClock    = errors.New("clock: want an hour 0 to 23 and a minute 0 to 59")
	errFuture   = errors.New("minutes_since: lies in the future")
	errNone     = errors.New("latest: there is no evidence of this type")
	errUndated  = errors.New("latest: evidence of this type has no date")
	errDisagree = errors.New("latest: two of the same instant say different things")
)

// ValidUntil is the last second at which something sampled at the instant still counts: 23:59:59 UTC+8 of the sampling day
// plus length days, or the instant plus length hours. Negative and huge lengths are errors.
func ValidUntil(at time.Time, unit string, length int) (time.Time, error) {
	if length < 0 || length > maxLength {
		return time.Time{}, errLength
	}
	switch unit {
	case DaysAfterSamplingDay:
		year, month, day := at.In(exchange.Zone).Date()
		return time.Date(year, month, day+length, 23, 59, 59, 0, exchange.Zone), nil
	case HoursSinceSampling:
		return at.Add(time.Duration(length) * time.Hour).Truncate(time.Second).In(exchange.Zone), nil
	}
	return time.Time{}, errUnit
}

// Fresh tells whether something sampled at the instant counts at now: not sampled in the future, give or take
// exchange.Leeway, and not later than ValidUntil. The last valid second counts to its end.
func Fresh(at time.Time, unit string, length int, now time.Time) (bool, error) {
	until, err := ValidUntil(at, unit, length)
	if err != nil {
		return false, err
	}
	return !at.After(now.Add(exchange.Leeway)) && !now.Truncate(time.Second).After(until), nil
}

// ClockTime is hour:minute:00 in UTC+8 on now's day in UTC+8.
func ClockTime(now time.Time, hour, minute int) (time.Time, error) {
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return time.Time{}, errClock
	}
	year, month, day := now.In(exchange.Zone).Date()
	return time.Date(year, month, day, hour, minute, 0, 0, exchange.Zone), nil
}

// MinutesSince counts whole minutes from at to now. An instant in the future is 0 within exchange.Leeway and an error
// beyond it: "at most 15 minutes old" must not hold for a colour of tomorrow.
func MinutesSince(at, now time.Time) (int, error) {
	if at.After(now.Add(exchange.Leeway)) {
		return 0, errFuture
	}
	return max(0, int(now.Sub(at)/time.Minute)), nil
}

// newest finds the evidence of the type with the latest date. Two of one instant must agree, since nobody can tell which
// of them counts.
func newest(list traits.Lister, kind string) (ref.Val, error) {
	var found *evidenceFacts
	var value ref.Val
	for i := types.Int(0); i < list.Size().(types.Int); i++ {
		item := list.Get(i)
		evidence, ok := item.Value().(*evidenceFacts)
		switch {
		case !ok || evidence.Type != kind:
		case evidence.At.IsZero():
			return nil, errUndated
		case found == nil || evidence.At.After(found.At):
			found, value = evidence, item
		case evidence.At.Equal(found.At) && !evidence.agrees(found):
			return nil, errDisagree
		}
	}
	if found == nil {
		return nil, errNone
	}
	return value, nil
}

// agrees compares what was found, not where or on what paper it is written.
func (e *evidenceFacts) agrees(other *evidenceFacts) bool {
	return e.Result == other.Result && e.AtRisk == other.AtRisk && e.Days == other.Days && e.Doses == other.Doses &&
		e.Colour == other.Colour && e.Province == other.Province && e.Route == other.Route
}

// ruleFunctions declares the functions of the rulebooks. None of them reads a clock, a zone file or anything else.
func ruleFunctions() []cel.EnvOption {
	when, text, number := cel.TimestampType, cel.StringType, cel.IntType
	return []cel.EnvOption{
		cel.Function("latest", cel.Overload("latest_evidence", []*cel.Type{cel.ListType(evidenceType), text}, evidenceType,
			cel.BinaryBinding(callLatest))),
		cel.Function("fresh", cel.Overload("fresh_at", []*cel.Type{when, text, number, when}, cel.BoolType,
			cel.FunctionBinding(callFresh))),
		cel.Function("valid_until", cel.Overload("valid_until_at", []*cel.Type{when, text, number}, when,
			cel.FunctionBinding(callValidUntil))),
		cel.Function("clock", cel.Overload("clock_on", []*cel.Type{when, number, number}, when,
			cel.FunctionBinding(callClock))),
		cel.Function("minutes_since", cel.Overload("minutes_since_at", []*cel.Type{when, when}, number,
			cel.BinaryBinding(callMinutesSince))),
	}
}

// The bindings may assert types without checking: the checker has proven them, dyn is refused, and a panic would become
// an error of the rule, which blocks.

func callLatest(list, kind ref.Val) ref.Val {
	value, err := newest(list.(traits.Lister), string(kind.(types.String)))
	if err != nil {
		return types.WrapErr(err)
	}
	return value
}

func callFresh(args ...ref.Val) ref.Val {
	fresh, err := Fresh(instantOf(args[0]), string(args[1].(types.String)), intOf(args[2]), instantOf(args[3]))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(fresh)
}

func callValidUntil(args ...ref.Val) ref.Val {
	return timestampOr(ValidUntil(instantOf(args[0]), string(args[1].(types.String)), intOf(args[2])))
}

func callClock(args ...ref.Val) ref.Val {
	return timestampOr(ClockTime(instantOf(args[0]), intOf(args[1]), intOf(args[2])))
}

func callMinutesSince(at, now ref.Val) ref.Val {
	minutes, err := MinutesSince(instantOf(at), instantOf(now))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Int(minutes)
}

func instantOf(value ref.Val) time.Time { return value.(types.Timestamp).Time }

func intOf(value ref.Val) int { return int(value.(types.Int)) }

func timestampOr(instant time.Time, err error) ref.Val {
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Timestamp{Time: instant}
}
