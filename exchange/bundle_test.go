package exchange_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"crosscode/exchange"
)

func bundle(recalls ...exchange.Recall) exchange.Bundle {
	return exchange.NewBundle(exchange.BundleContents{
		Issuer: "https://gateway.example", Profiles: []exchange.Profile{macau, guangdong, hongkong}, Recalls: recalls,
	}, now)
}

func TestBundleCheck(t *testing.T) {
	cases := map[string]struct {
		in       time.Duration
		lastSeen time.Time
		want     error
	}{
		"at once, by somebody new":       {0, time.Time{}, nil},
		"60 s before it was issued":      {-time.Minute, time.Time{}, nil},
		"61 s before it was issued":      {-61 * time.Second, time.Time{}, exchange.ErrBundleFuture},
		"a second before its end":        {exchange.BundleHardLife - time.Second, time.Time{}, nil},
		"at its end":                     {exchange.BundleHardLife, time.Time{}, exchange.ErrBundleStale},
		"the one that was seen last":     {time.Hour, now, nil},
		"the one before a later one":     {time.Hour, now.Add(time.Second), exchange.ErrBundleRolledBack},
		"the one after an earlier one":   {time.Hour, now.Add(-time.Second), nil},
		"seen within the same second":    {time.Hour, now.Add(time.Millisecond), nil},
		"stale, and rolled back as well": {exchange.BundleHardLife, now.Add(time.Second), exchange.ErrBundleStale},
	}
	for name, test := range cases {
		if err := bundle().Check(now.Add(test.in), test.lastSeen); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	long := bundle()
	long.Expires = now.Add(1000 * time.Hour).Unix()
	if err := long.Check(now.Add(exchange.BundleHardLife), time.Time{}); !errors.Is(err, exchange.ErrBundleStale) {
		t.Errorf("a bundle that gives itself longer: %v, want %v", err, exchange.ErrBundleStale)
	}
}

func TestBundleRecalled(t *testing.T) {
	recalls := bundle(
		exchange.Recall{Code: "a", Until: now.Add(time.Hour)},
		exchange.Recall{Side: "macau", Before: now, Until: now.Add(time.Hour)},
		exchange.Recall{Side: "elsewhere", Before: now.Add(time.Hour), Until: now.Add(time.Hour)},
	)
	if len(recalls.Recalls) != 2 {
		t.Errorf("%d recalls, want 2: a side without codes has none to recall", len(recalls.Recalls))
	}
	for _, test := range []struct {
		code, tag string
		in        time.Duration
		want      bool
	}{
		{"a", "gd", time.Hour, true}, {"b", "gd", 0, false}, {"b", "mo", -time.Hour, true}, {"b", "mo", 0, true},
		{"b", "mo", time.Second, false}, {"", "gd", 0, false}, {"b", "", 0, false},
	} {
		if got := recalls.Recalled(test.code, test.tag, now.Add(test.in)); got != test.want {
			t.Errorf("Recalled(%q, %q, %s) = %t, want %t", test.code, test.tag, test.in, got, test.want)
		}
	}
}

func TestABundleIsDrafted(t *testing.T) {
	draft, err := bundle().Draft()
	if err != nil || draft.Key() != exchange.BundleKey || draft.Type() != exchange.BundleType {
		t.Fatalf("%+v, %v", draft, err)
	}
	var claims map[string]json.RawMessage
	decode(t, draft.Claims(), &claims)
	if string(claims["recalls"]) != "[]" || string(claims["closings"]) != "[]" || string(claims["soft"]) == string(claims["exp"]) {
		t.Errorf("%s", draft.Claims())
	}
}

func TestRecallVoids(t *testing.T) {
	code := exchange.Recall{Code: "a"}
	side := exchange.Recall{Side: "macau", Before: now}
	for _, test := range []struct {
		recall exchange.Recall
		code   string
		side   exchange.Side
		in     time.Duration
		want   bool
	}{
		{code, "a", "macau", 0, true}, {code, "b", "macau", 0, false}, {side, "a", "macau", 0, true},
		{side, "a", "macau", time.Second, false}, {side, "a", "hongkong", 0, false}, {exchange.Recall{}, "a", "macau", 0, false},
	} {
		if got := test.recall.Voids(test.code, test.side, now.Add(test.in)); got != test.want {
			t.Errorf("%+v voids %s of %s: %t, want %t", test.recall, test.code, test.side, got, test.want)
		}
	}
}
