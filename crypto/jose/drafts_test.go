package jose

import (
	"fmt"
	"testing"
	"time"

	"crosscode/exchange"
)

var (
	noon     = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC) // 12:00 UTC+8
	profiles = []exchange.Profile{
		{Side: "guangdong", Key: "gd", Type: "gd-code+jwt", Tag: "gd"},
		{Side: "macau", Key: "mo", Type: "mo-code+jwt", Tag: "mo"},
		{Side: "hongkong", Key: "hk", Type: "hk-code+jwt", Tag: "hk"},
	}
)

func profileOf(side exchange.Side) exchange.Profile {
	for _, profile := range profiles {
		if profile.Side == side {
			return profile
		}
	}
	return exchange.Profile{}
}

func bundleProfiles() []exchange.BundleProfile {
	list := []exchange.BundleProfile{}
	for _, profile := range profiles {
		list = append(list, exchange.BundleProfile(profile))
	}
	return list
}

// verdict concludes on a holder who is told from others by a number. Without a passing rule it is a refusal.
func verdict(from, to exchange.Side, number int, status exchange.Status) exchange.Verdict {
	document := exchange.Document{Type: "macau-bir", Number: fmt.Sprintf("%08d", number)}
	record := exchange.Record{
		Issuer: from, Audience: gateway, Route: exchange.Route{From: from, To: to}, ID: fmt.Sprintf("packet-%d", number),
		IssuedAt: noon, NotBefore: noon, Expires: noon.Add(exchange.MaxPacketLife),
		Holder: exchange.Holder{
			Documents: []exchange.Document{document}, BirthDate: exchange.Date{Year: 1990, Month: 1, Day: 2},
			Name: exchange.Name{Han: "陳大文", Latin: fmt.Sprintf("CHAN%d TAI MAN", number)},
		},
	}
	green := exchange.Findings{Outcomes: []exchange.Outcome{{Rule: "green.colour", Status: exchange.Pass}}}
	entry := exchange.Findings{
		Outcomes: []exchange.Outcome{{Rule: "entry.cap", Status: status, Reason: exchange.NotEligible, Until: noon.Add(24 * time.Hour)}},
		Shows:    exchange.Shows{Document: document},
	}
	return exchange.Conclude(record, green, entry, noon)
}

func drafts(t testing.TB, from, to exchange.Side, number int, status exchange.Status) *exchange.Drafts {
	t.Helper()
	made, err := verdict(from, to, number, status).Drafts(exchange.Terms{
		Key: exchange.NewReplayKey(from, fmt.Sprintf("packet-%d", number)), IssuedAt: noon,
		Source: profileOf(from), Destination: profileOf(to), Landing: "https://landing.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func grantDrafts(t testing.TB, from, to exchange.Side, number int) *exchange.Drafts {
	t.Helper()
	return drafts(t, from, to, number, exchange.Pass)
}

func refusalDrafts(t testing.TB, from, to exchange.Side, number int) *exchange.Drafts {
	t.Helper()
	return drafts(t, from, to, number, exchange.Fails)
}
