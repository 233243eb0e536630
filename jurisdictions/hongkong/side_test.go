package hongkong_test

import (
	"testing"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/hongkong"
	"crosscode/jurisdictions/jurisdictiontest"
)

func TestSide(t *testing.T) { jurisdictiontest.Run(t, hongkong.New) }

// What is this side's own: words that its neighbours do not have, or do not mean.
func TestOwnWords(t *testing.T) {
	side, err := hongkong.New(jurisdictions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	with, both := jurisdictiontest.Set, jurisdictiontest.All
	leaves := jurisdictiontest.Leaving(t, side, "guangdong")
	leaves("amber is yellow", with("health.colour", "amber"), exchange.NotGreen)
	leaves("amber for a recent arrival", both(with("health.colour", "amber"), with("health.reasons", []any{"recent-arrival"})), exchange.NotGreen)
	leaves("red under a quarantine order", both(with("health.colour", "red"), with("health.reasons", []any{"quarantine-order"})), exchange.NotGreen)
	leaves("a sub-code", with("health.subcode", "g28"), exchange.ClaimsInvalid)
	leaves("a Macau reason", with("health.reasons", []any{"missed-antigen"}), exchange.ClaimsInvalid)
	leaves("Guangdong's log-in", with("channel", "app"), exchange.ClaimsInvalid)
	leaves("a ferry to Macau on the way to Shenzhen", with("port", "outer-harbour"), exchange.ClaimsInvalid)
	leaves("through Shenzhen Bay", with("port", "shenzhen-bay"), "")
}

func TestProfile(t *testing.T) {
	side, err := hongkong.New(jurisdictions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := exchange.Profile{Side: "hongkong", Key: "hk", Type: "hk-code+jwt", Tag: "hk"}
	if got := side.Profile(); got != want {
		t.Errorf("Profile() = %+v, want %+v", got, want)
	}
}
