package exchange_test

import (
	"slices"
	"testing"
	"time"

	"crosscode/exchange"
)

func provinceCode(province string, bearing exchange.Bearing, age time.Duration) exchange.Evidence {
	return exchange.Evidence{Type: "province-code", Province: province, Bearing: bearing, At: now.Add(-age)}
}

func TestOfOneKindAndKeyTheNewestCounts(t *testing.T) {
	hunan := exchange.AdverseFact{Kind: "province-code", Key: "hunan"}
	disputed := exchange.AdverseFact{Kind: "province-code", Key: "hunan", Disputed: true}
	for name, test := range map[string]struct {
		evidence []exchange.Evidence
		want     []exchange.AdverseFact
	}{
		"none":                             {nil, nil},
		"red":                              {[]exchange.Evidence{provinceCode("hunan", exchange.Adverse, 1)}, []exchange.AdverseFact{hunan}},
		"red, then green":                  {[]exchange.Evidence{provinceCode("hunan", exchange.Adverse, 2), provinceCode("hunan", exchange.Clear, 1)}, nil},
		"green, then red":                  {[]exchange.Evidence{provinceCode("hunan", exchange.Clear, 2), provinceCode("hunan", exchange.Adverse, 1)}, []exchange.AdverseFact{hunan}},
		"red, then green elsewhere":        {[]exchange.Evidence{provinceCode("hunan", exchange.Adverse, 2), provinceCode("hubei", exchange.Clear, 1)}, []exchange.AdverseFact{hunan}},
		"red, then nothing either way":     {[]exchange.Evidence{provinceCode("hunan", exchange.Adverse, 2), provinceCode("hunan", exchange.Neutral, 1)}, []exchange.AdverseFact{hunan}},
		"red and green of one instant":     {[]exchange.Evidence{provinceCode("hunan", exchange.Clear, 1), provinceCode("hunan", exchange.Adverse, 1)}, []exchange.AdverseFact{disputed}},
		"red twice":                        {[]exchange.Evidence{provinceCode("hunan", exchange.Adverse, 2), provinceCode("hunan", exchange.Adverse, 1)}, []exchange.AdverseFact{hunan}},
		"a disputed instant, then a green": {[]exchange.Evidence{provinceCode("hunan", exchange.Clear, 2), provinceCode("hunan", exchange.Adverse, 2), provinceCode("hunan", exchange.Clear, 1)}, nil},
	} {
		if got := (exchange.Record{Evidence: test.evidence}).AdverseFacts(); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// A fact that no rule in force judged is never granted, whoever the kind is of.
func TestWhatNobodyJudgesIsRefused(t *testing.T) {
	record := green()
	record.Evidence = append(record.Evidence, exchange.Evidence{Type: "made-up", Bearing: exchange.Adverse, At: now})
	judging := func(f *exchange.Findings) { f.Judged = []string{"made-up"} }
	wantVerdict(t, exchange.Conclude(record, leaves(), enters(), now), exchange.RuleAdverse, exchange.NotEligible, 0)
	wantVerdict(t, exchange.Conclude(record, with(leaves(), judging), enters(), now), "", "", 24*time.Hour)
	wantVerdict(t, exchange.Conclude(record, leaves(), with(enters(), judging), now), "", "", 24*time.Hour)

	record = green()
	record.Declarations = []exchange.Declaration{{Form: "made-up/1", Adverse: true}}
	verdict := exchange.Conclude(record, leaves(), enters(), now)
	wantVerdict(t, verdict, exchange.RuleAdverse, exchange.NotEligible, 0)
	decided, _ := verdict.Refused()
	for _, text := range []exchange.Text{decided.Advice.Title, decided.Advice.Remedy, decided.Advice.Contact} {
		if missing := text.Missing(); len(missing) > 0 {
			t.Errorf("the holder is told nothing in %v", missing)
		}
	}
}
