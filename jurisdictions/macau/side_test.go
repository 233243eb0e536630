package macau_test

import (
	"testing"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/jurisdictiontest"
	"crosscode/jurisdictions/macau"
)

func TestSide(t *testing.T) { jurisdictiontest.Run(t, macau.New) }

// What is this side's own: words that its neighbours do not have, or do not mean.
func TestOwnWords(t *testing.T) {
	side, err := macau.New(jurisdictions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	with, both := jurisdictiontest.Set, jurisdictiontest.All
	leaves := jurisdictiontest.Leaving(t, side, "guangdong")
	leaves("green with sub-code g28 after a mixed-pool positive is noted", with("health.subcode", "g28"), "")
	leaves("yellow after a missed mass test", both(with("health.colour", "yellow"), with("health.reasons", []any{"missed-mass-test"})), exchange.NotGreen)
	leaves("red after two days without an antigen declaration", both(with("health.colour", "red"), with("health.reasons", []any{"missed-antigen"})), exchange.NotGreen)
	leaves("a Guangdong reason", with("health.reasons", []any{"other-province"}), exchange.ClaimsInvalid)
	leaves("Hong Kong's word for yellow", with("health.colour", "amber"), exchange.ClaimsInvalid)
	leaves("Guangdong's log-in", with("channel", "app"), exchange.ClaimsInvalid)
	leaves("a ferry to Hong Kong on the way to Zhuhai", with("port", "outer-harbour"), exchange.ClaimsInvalid)
	leaves("through Qingmao", with("port", "qingmao"), "")
}

func TestProfile(t *testing.T) {
	side, err := macau.New(jurisdictions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := exchange.Profile{Side: "macau", Key: "mo", Type: "mo-code+jwt", Tag: "mo"}
	if got := side.Profile(); got != want {
		t.Errorf("Profile() = %+v, want %+v", got, want)
	}
}
