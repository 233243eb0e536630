package jurisdictions

import (
	"errors"
	"testing"
	"time"

	"cel.dev/cel-go/common/types/traits"
	"pgregory.net/rapid"

	"crosscode/exchange"
)

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestTheLastValidSecond(t *testing.T) {
	for name, test := range map[string]struct {
		at     string
		unit   string
		length int
		want   string
	}{
		"gov.mo p=464344: sampled on 7 June, valid on 8 and 9 June": {"2021-06-07T15:30:00+08:00", DaysAfterSamplingDay, 2, "2021-06-09T23:59:59+08:00"},
		"28 March and seven days is 4 April":                        {"2022-03-28T09:00:00+08:00", DaysAfterSamplingDay, 7, "2022-04-04T23:59:59+08:00"},
		"the first second of a day in UTC+8":                        {"2021-06-07T00:00:00+08:00", DaysAfterSamplingDay, 2, "2021-06-09T23:59:59+08:00"},
		"the last second of a day in UTC+8":                         {"2021-06-07T23:59:59+08:00", DaysAfterSamplingDay, 2, "2021-06-09T23:59:59+08:00"},
		"07:59:59 in UTC+8 is the day before in UTC":                {"2021-06-06T23:59:59Z", DaysAfterSamplingDay, 2, "2021-06-09T23:59:59+08:00"},
		"08:00 in UTC+8 is the same day in UTC":                     {"2021-06-07T00:00:00Z", DaysAfterSamplingDay, 2, "2021-06-09T23:59:59+08:00"},
		"15:59:59Z is the last second of the day":                   {"2021-06-07T15:59:59Z", DaysAfterSamplingDay, 2, "2021-06-09T23:59:59+08:00"},
		"16:00Z is the first second of the next":                    {"2021-06-07T16:00:00Z", DaysAfterSamplingDay, 2, "2021-06-10T23:59:59+08:00"},
		"another zone's offset does not move the day":               {"2021-06-07T23:30:00-05:00", DaysAfterSamplingDay, 2, "2021-06-10T23:59:59+08:00"},
		"over the end of a month":                                   {"2021-06-29T10:00:00+08:00", DaysAfterSamplingDay, 2, "2021-07-01T23:59:59+08:00"},
		"over the end of a year":                                    {"2021-12-31T10:00:00+08:00", DaysAfterSamplingDay, 1, "2022-01-01T23:59:59+08:00"},
		"onto a leap day":                                           {"2024-02-27T10:00:00+08:00", DaysAfterSamplingDay, 2, "2024-02-29T23:59:59+08:00"},
		"over where a leap day is not":                              {"2023-02-27T10:00:00+08:00", DaysAfterSamplingDay, 2, "2023-03-01T23:59:59+08:00"},
		"from a leap day":                                           {"2024-02-29T10:00:00+08:00", DaysAfterSamplingDay, 1, "2024-03-01T23:59:59+08:00"},
		"no day is the sampling day":                                {"2021-06-07T10:00:00+08:00", DaysAfterSamplingDay, 0, "2021-06-07T23:59:59+08:00"},
		"hours count from the second":                               {"2022-12-20T06:00:07+08:00", HoursSinceSampling, 6, "2022-12-20T12:00:07+08:00"},
		"hours do not care for midnight":                            {"2022-12-20T20:00:00+08:00", HoursSinceSampling, 48, "2022-12-22T20:00:00+08:00"},
		"no hour is the moment itself":                              {"2022-12-20T20:00:00+08:00", HoursSinceSampling, 0, "2022-12-20T20:00:00+08:00"},
		"the longest length":                                        {"2022-12-20T20:00:00+08:00", HoursSinceSampling, maxLength, "2024-02-10T11:00:00+08:00"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ValidUntil(instant(t, test.at), test.unit, test.length)
			if err != nil || got.Format(time.RFC3339Nano) != test.want {
				t.Fatalf("ValidUntil(%s, %s, %d) = %s, %v, want %s", test.at, test.unit, test.length, got.Format(time.RFC3339Nano), err, test.want)
			}
		})
	}
}

func TestFreshAtEachBoundary(t *testing.T) {
	const days, hours = DaysAfterSamplingDay, HoursSinceSampling
	for name, test := range map[string]struct {
		at     string
		unit   string
		length int
		now    string
		want   bool
	}{
		"the last second of the last day":           {"2021-06-07T07:59:59+08:00", days, 2, "2021-06-09T23:59:59+08:00", true},
		"the same second, as others write it":       {"2021-06-06T23:59:59Z", days, 2, "2021-06-09T15:59:59Z", true},
		"within the last second":                    {"2021-06-07T07:59:59+08:00", days, 2, "2021-06-09T23:59:59.999999999+08:00", true},
		"midnight after the last day":               {"2021-06-07T07:59:59+08:00", days, 2, "2021-06-10T00:00:00+08:00", false},
		"sampled at 08:00, midnight":                {"2021-06-07T08:00:00+08:00", days, 2, "2021-06-10T00:00:00+08:00", false},
		"sampled at the last second of the day":     {"2021-06-07T23:59:59+08:00", days, 2, "2021-06-10T00:00:00+08:00", false},
		"sampled a second later, the next day":      {"2021-06-08T00:00:00+08:00", days, 2, "2021-06-10T00:00:00+08:00", true},
		"48 hours to the second":                    {"2021-06-07T10:00:00+08:00", hours, 48, "2021-06-09T10:00:00+08:00", true},
		"within that second":                        {"2021-06-07T10:00:00+08:00", hours, 48, "2021-06-09T10:00:00.5+08:00", true},
		"48 hours and a second":                     {"2021-06-07T10:00:00+08:00", hours, 48, "2021-06-09T10:00:01+08:00", false},
		"sampled now":                               {"2021-06-07T10:00:00+08:00", hours, 0, "2021-06-07T10:00:00+08:00", true},
		"59 s in the future: clocks differ":         {"2021-06-07T10:00:59+08:00", hours, 48, "2021-06-07T10:00:00+08:00", true},
		"60 s in the future: the most they may":     {"2021-06-07T10:01:00+08:00", days, 2, "2021-06-07T10:00:00+08:00", true},
		"61 s in the future":                        {"2021-06-07T10:01:01+08:00", days, 2, "2021-06-07T10:00:00+08:00", false},
		"sampled tomorrow":                          {"2021-06-08T10:00:00+08:00", days, 2, "2021-06-07T10:00:00+08:00", false},
		"the last second of a leap day":             {"2024-02-28T10:00:00+08:00", days, 1, "2024-02-29T23:59:59+08:00", true},
		"the first second after a leap day":         {"2024-02-28T10:00:00+08:00", days, 1, "2024-03-01T00:00:00+08:00", false},
		"a year without leap day, the last of it":   {"2023-02-28T10:00:00+08:00", days, 1, "2023-03-01T23:59:59+08:00", true},
		"the last second of the year's first month": {"2021-01-30T10:00:00+08:00", days, 1, "2021-01-31T23:59:59+08:00", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Fresh(instant(t, test.at), test.unit, test.length, instant(t, test.now))
			if err != nil || got != test.want {
				t.Fatalf("Fresh(%s, %s, %d, %s) = %t, %v, want %t", test.at, test.unit, test.length, test.now, got, err, test.want)
			}
		})
	}
}

func TestWhatCannotBeCountedIsAnError(t *testing.T) {
	at := instant(t, "2021-06-07T10:00:00+08:00")
	for name, call := range map[string]struct {
		got  func() error
		want error
	}{
		"another unit":             {func() error { _, err := Fresh(at, "days", 2, at); return err }, errUnit},
		"no unit":                  {func() error { _, err := ValidUntil(at, "", 2); return err }, errUnit},
		"a negative length":        {func() error { _, err := ValidUntil(at, DaysAfterSamplingDay, -1); return err }, errLength},
		"a length that would wrap": {func() error { _, err := ValidUntil(at, HoursSinceSampling, maxLength+1); return err }, errLength},
		"hour 24":                  {func() error { _, err := ClockTime(at, 24, 0); return err }, errClock},
		"minute 60":                {func() error { _, err := ClockTime(at, 0, 60); return err }, errClock},
		"hour -1":                  {func() error { _, err := ClockTime(at, -1, 0); return err }, errClock},
		"since the future":         {func() error { _, err := MinutesSince(at.Add(61*time.Second), at); return err }, errFuture},
	} {
		t.Run(name, func(t *testing.T) {
			if err := call.got(); !errors.Is(err, call.want) {
				t.Errorf("error %v, want %v", err, call.want)
			}
		})
	}
}

func TestClockIsOfTheDayInUTC8(t *testing.T) {
	for now, want := range map[string]string{
		"2021-12-10T00:00:00+08:00": "2021-12-10T23:59:00+08:00",
		"2021-12-10T23:59:59+08:00": "2021-12-10T23:59:00+08:00",
		"2021-12-10T15:59:59Z":      "2021-12-10T23:59:00+08:00",
		"2021-12-10T16:00:00Z":      "2021-12-11T23:59:00+08:00",
		"2024-02-28T16:00:00Z":      "2024-02-29T23:59:00+08:00",
	} {
		got, err := ClockTime(instant(t, now), 23, 59)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("ClockTime(%s, 23, 59) = %s, %v, want %s", now, got.Format(time.RFC3339), err, want)
		}
	}
}

func TestWholeMinutesSince(t *testing.T) {
	now := instant(t, "2021-12-10T10:00:00+08:00")
	for ago, want := range map[time.Duration]int{
		0: 0, 59 * time.Second: 0, time.Minute: 1, 15*time.Minute + 59*time.Second: 15, 16 * time.Minute: 16, -time.Second: 0,
		-60 * time.Second: 0,
	} {
		if got, err := MinutesSince(now.Add(-ago), now); err != nil || got != want {
			t.Errorf("MinutesSince(%s ago) = %d, %v, want %d", ago, got, err, want)
		}
	}
}

func TestTheLatestEvidence(t *testing.T) {
	early, late := instant(t, "2021-06-06T23:59:59Z"), instant(t, "2021-06-07T08:00:00+08:00")
	negative := func(at time.Time) evidenceFacts {
		return evidenceFacts{Type: "nucleic-acid", Result: "negative", At: at, Source: "electronic"}
	}
	positive, paper := negative(late), negative(late)
	positive.Result, paper.Source = "positive", "paper"
	for name, test := range map[string]struct {
		evidence []evidenceFacts
		want     time.Time
		err      error
	}{
		"by instant, whatever the offset it is written in": {[]evidenceFacts{negative(late), negative(early)}, late, nil},
		"of the type alone":                     {[]evidenceFacts{negative(early), {Type: "rapid-antigen", At: late}}, early, nil},
		"twice the same":                        {[]evidenceFacts{negative(late), paper}, late, nil},
		"two of one instant that disagree":      {[]evidenceFacts{negative(late), positive}, time.Time{}, errDisagree},
		"an older disagreement does not matter": {[]evidenceFacts{negative(early), positive, negative(late.Add(time.Second))}, late.Add(time.Second), nil},
		"one without a date":                    {[]evidenceFacts{negative(early), negative(time.Time{})}, time.Time{}, errUndated},
		"none of the type":                      {[]evidenceFacts{{Type: "rapid-antigen", At: late}}, time.Time{}, errNone},
		"none at all":                           {nil, time.Time{}, errNone},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newest(listOf(test.evidence).(traits.Lister), "nucleic-acid")
			if !errors.Is(err, test.err) || err == nil && !got.Value().(*evidenceFacts).At.Equal(test.want) {
				t.Errorf("got %v, %v, want %v, %v", got, err, test.want, test.err)
			}
		})
	}
}

// TestFreshAgreesWithTheCalendar counts days the slow way: on the calendar of UTC+8.
func TestFreshAgreesWithTheCalendar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(1_577_808_000, 1_900_000_000).Draw(t, "sampled"), 0).UTC()
		now := at.Add(time.Duration(rapid.IntRange(-120, 12*24*3600).Draw(t, "later")) * time.Second)
		length := rapid.IntRange(0, 9).Draw(t, "length")
		last := exchange.DateOf(at)
		for range length {
			last = exchange.DateOf(last.Start().Add(36 * time.Hour))
		}
		want := !at.After(now.Add(exchange.Leeway)) && exchange.DateOf(now).Start().Compare(last.Start()) <= 0
		if got, err := Fresh(at, DaysAfterSamplingDay, length, now); err != nil || got != want {
			t.Fatalf("Fresh(%s, %d days, %s) = %t, %v, want %t", at, length, now, got, err, want)
		}
	})
}
