package guangdong_test

import (
	"testing"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/guangdong"
	"crosscode/jurisdictions/jurisdictiontest"
)

func TestSide(t *testing.T) { jurisdictiontest.Run(t, guangdong.New) }

// What is this side's own: words that its neighbours do not have, or do not mean.
func TestOwnWords(t *testing.T) {
	side, err := guangdong.New(jurisdictions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	with, both := jurisdictiontest.Set, jurisdictiontest.All
	leaves := jurisdictiontest.Leaving(t, side, "macau")
	leaves("green with a high-risk status that lags behind is noted", with("health.reasons", []any{"high-risk-status"}), "")
	leaves("yellow after another province's code", both(with("health.colour", "yellow"), with("health.reasons", []any{"other-province"})), exchange.NotGreen)
	leaves("green beside another province's red code", with("evidence[1]", jurisdictiontest.ProvinceCode("red")), exchange.NotGreen)
	leaves("a sub-code", with("health.subcode", "g28"), exchange.ClaimsInvalid)
	leaves("Hong Kong's word for yellow", with("health.colour", "amber"), exchange.ClaimsInvalid)
	leaves("Macau's log-in", with("channel", "web"), exchange.ClaimsInvalid)
	leaves("a port to Hong Kong on the way to Macau", with("port", "shenzhen-bay"), exchange.ClaimsInvalid)
	leaves("through Gongbei", with("port", "gongbei"), "")
}

func TestProfile(t *testing.T) {
	side, err := guangdong.New(jurisdictions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := exchange.Profile{Side: "guangdong", Key: "gd", Type: "gd-code+jwt", Tag: "gd"}
	if got := side.Profile(); got != want {
		t.Errorf("Profile() = %+v, want %+v", got, want)
	}
}
