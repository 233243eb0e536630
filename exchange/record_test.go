package exchange_test

import (
	"fmt"
	"testing"
	"time"

	"crosscode/exchange"
)

// Leeway is 60 seconds, either way, both ends included.
func TestLive(t *testing.T) {
	cases := map[int][3]exchange.Reason{ // seconds around each instant: now against iat, against nbf, against exp
		-61: {exchange.NotYetValid, exchange.NotYetValid, ""},
		-60: {"", "", ""},
		0:   {"", "", ""},
		60:  {"", "", ""},
		61:  {"", "", exchange.PacketExpired},
	}
	for seconds, want := range cases {
		t.Run(fmt.Sprintf("%+d s", seconds), func(t *testing.T) {
			early, later := green(), green()
			early.NotBefore = early.IssuedAt.Add(-time.Hour)
			wantReason(t, early.Live(early.IssuedAt.Add(time.Duration(seconds)*time.Second)), want[0])
			later.NotBefore = later.IssuedAt.Add(2 * time.Minute)
			wantReason(t, later.Live(later.NotBefore.Add(time.Duration(seconds)*time.Second)), want[1])
			wantReason(t, green().Live(green().Expires.Add(time.Duration(seconds)*time.Second)), want[2])
		})
	}
	t.Run("half a second past the leeway", func(t *testing.T) {
		wantReason(t, green().Live(green().Expires.Add(60500*time.Millisecond)), exchange.PacketExpired)
		wantReason(t, green().Live(now.Add(-60500*time.Millisecond)), exchange.NotYetValid)
	})
}

func TestAPacketLivesTenMinutesAtMost(t *testing.T) {
	for life, want := range map[time.Duration]exchange.Reason{
		-time.Second: exchange.ClaimsInvalid, 0: exchange.ClaimsInvalid, time.Second: "",
		10 * time.Minute: "", 10*time.Minute + time.Second: exchange.ClaimsInvalid,
	} {
		record := green()
		record.Expires = record.IssuedAt.Add(life)
		t.Run(life.String(), func(t *testing.T) { wantReason(t, record.Live(now), want) })
	}
}

func TestConsentCovers(t *testing.T) {
	cases := map[string]struct {
		edit func(*exchange.Consent)
		want exchange.Reason
	}{
		"as it should be":                  {func(*exchange.Consent) {}, ""},
		"none":                             {func(c *exchange.Consent) { *c = exchange.Consent{} }, exchange.ConsentMissing},
		"a text that nobody published":     {func(c *exchange.Consent) { c.Published = exchange.ConsentText{} }, exchange.ConsentMissing},
		"another wording":                  {func(c *exchange.Consent) { c.Hash = hexSum("something else") }, exchange.ConsentMissing},
		"another text's id":                {func(c *exchange.Consent) { c.Text = "macau-guangdong/2" }, exchange.ConsentMissing},
		"another language":                 {func(c *exchange.Consent) { c.Language = "pt" }, exchange.ConsentMissing},
		"bundled with other matters":       {func(c *exchange.Consent) { c.Separate = false }, exchange.ConsentMissing},
		"another purpose":                  {func(c *exchange.Consent) { c.Purpose = "research" }, exchange.ConsentMissing},
		"the way back":                     {func(c *exchange.Consent) { *c = consent(exchange.Route{From: "guangdong", To: "macau"}) }, exchange.WrongRoute},
		"a text in force from this second": {func(c *exchange.Consent) { c.Published.From = now }, ""},
		"a text not yet in force":          {func(c *exchange.Consent) { c.Published.From = now.Add(time.Second) }, exchange.ConsentMissing},
		"a text in its last second":        {func(c *exchange.Consent) { c.Published.Until = now.Add(time.Second) }, ""},
		"a text that has just ended":       {func(c *exchange.Consent) { c.Published.Until = now }, exchange.ConsentExpired},
		"a text without an end":            {func(c *exchange.Consent) { c.Published.Until = time.Time{} }, ""},
		"given 11 minutes before":          {func(c *exchange.Consent) { c.GivenAt = now.Add(-11 * time.Minute) }, ""},
		"given 11 minutes and 1 s before":  {func(c *exchange.Consent) { c.GivenAt = now.Add(-11*time.Minute - time.Second) }, exchange.ConsentExpired},
		"given 60 s after the packet":      {func(c *exchange.Consent) { c.GivenAt = now.Add(time.Minute) }, ""},
		"given 61 s after the packet":      {func(c *exchange.Consent) { c.GivenAt = now.Add(61 * time.Second) }, exchange.ConsentMissing},
		"given at no time":                 {func(c *exchange.Consent) { c.GivenAt = time.Time{} }, exchange.ConsentExpired},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			consent := consent(eastward)
			test.edit(&consent)
			wantReason(t, consent.Covers(eastward, now, now), test.want)
		})
	}
}

func TestAge(t *testing.T) {
	cases := []struct {
		born, on string
		want     int
	}{
		{"2012-11-22", "2026-11-21", 13},
		{"2012-11-22", "2026-11-22", 14},
		{"2012-11-23", "2026-11-22", 13},
		{"2012-12-01", "2026-11-30", 13},
		{"2012-02-29", "2026-02-28", 13},
		{"2012-02-29", "2026-03-01", 14},
		{"2012-02-29", "2028-02-28", 15},
		{"2012-02-29", "2028-02-29", 16},
		{"2026-11-22", "2026-11-22", 0},
		{"2026-11-23", "2026-11-22", -1},
	}
	for _, test := range cases {
		born, on := date(t, test.born), date(t, test.on)
		holder := exchange.Holder{BirthDate: born}
		// The day counts in UTC+8, from its first second to its last.
		for _, instant := range []time.Time{on.Start(), on.Start().Add(24*time.Hour - 1), on.Start().UTC()} {
			if got := holder.Age(instant); got != test.want {
				t.Errorf("born %s, on %s (%s): %d, want %d", born, on, instant, got, test.want)
			}
		}
	}
}

func date(t *testing.T, text string) exchange.Date {
	t.Helper()
	date, err := exchange.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	if date.String() != text {
		t.Errorf("ParseDate(%s) = %s", text, date)
	}
	return date
}

// What is sampled before 08:00 UTC+8 is written with the day before in UTC; it counts for the day on which it was taken.
func TestADayIsADayInUTC8(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-20T07:59:59+08:00": "2026-11-20",
		"2026-11-20T08:00:00+08:00": "2026-11-20",
		"2026-11-19T23:59:59Z":      "2026-11-20",
		"2026-11-20T00:00:00Z":      "2026-11-20",
		"2026-11-19T16:00:00Z":      "2026-11-20",
		"2026-11-19T15:59:59Z":      "2026-11-19",
		"2026-11-20T00:00:00+08:00": "2026-11-20",
		"2026-11-19T23:59:59+08:00": "2026-11-19",
		"2026-12-31T16:00:00Z":      "2027-01-01",
		"2026-11-19T11:00:00-05:00": "2026-11-20",
	} {
		instant, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := exchange.DateOf(instant).String(); got != want {
			t.Errorf("DateOf(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestParseDateRefuses(t *testing.T) {
	for _, text := range []string{"", "2026-02-29", "2026-13-01", "2026-1-2", "20260102", "2026-01-02T00:00:00Z", " 2026-01-02"} {
		if date, err := exchange.ParseDate(text); err == nil {
			t.Errorf("ParseDate(%q) = %s, want an error", text, date)
		}
	}
	if got := (exchange.Date{}).String(); got != "" {
		t.Errorf("the zero Date is %q, want nothing", got)
	}
}

func TestIDs(t *testing.T) {
	for id, valid := range map[string]bool{
		"macau-guangdong": true, "macau-macau": false, "macau": false, "macau-": false, "-macau": false, "Macau-hongkong": false,
		"macau-guangdong-hongkong": false, "m-hongkong": false, "macau-hong kong": false, "macau-abcdefghijklmnopq": false,
	} {
		if route, err := exchange.ParseRoute(id); (err == nil) != valid || valid && route.String() != id {
			t.Errorf("ParseRoute(%q) = %v, %v", id, route, err)
		}
	}
	for id, valid := range map[string]bool{
		"": true, "gongbei": true, "shenzhen-bay": true, "a1": true, "abcdefghijklmnop": true, "abcdefghijklmnopq": false,
		"a": false, "1a": false, "-a": false, "Gongbei": false, "gong bei": false, "gongbei\n": false,
	} {
		if port, err := exchange.ParsePort(id); (err == nil) != valid || valid && string(port) != id {
			t.Errorf("ParsePort(%q) = %q, %v", id, port, err)
		}
	}
}
