package exchange_test

import (
	"slices"
	"testing"
	"time"

	"crosscode/exchange"
)

// What is newer stands in the place of what is older, in whatever order they are written; of one instant nothing gives way.
func TestWhatStandsInThePlaceOfWhat(t *testing.T) {
	piece := func(kind, result string, hour int) exchange.Evidence {
		return exchange.Evidence{Type: kind, Result: result, At: now.Add(time.Duration(hour) * time.Hour), Adverse: result == "positive"}
	}
	province := func(name string, bad bool, hour int) exchange.Evidence {
		return exchange.Evidence{Type: "province-code", Province: name, Adverse: bad, At: now.Add(time.Duration(hour) * time.Hour)}
	}
	for name, test := range map[string]struct {
		evidence     []exchange.Evidence
		adverse      []string
		contradicted bool // the first of them
	}{
		"nothing":                          {nil, nil, false},
		"a negative test":                  {[]exchange.Evidence{piece("nucleic-acid", "negative", 0)}, nil, false},
		"a positive test":                  {[]exchange.Evidence{piece("nucleic-acid", "positive", 0)}, []string{"nucleic-acid"}, false},
		"positive, later negative":         {[]exchange.Evidence{piece("nucleic-acid", "positive", 0), piece("nucleic-acid", "negative", 1)}, nil, false},
		"positive, later pending":          {[]exchange.Evidence{piece("nucleic-acid", "positive", 0), piece("nucleic-acid", "pending", 1)}, []string{"nucleic-acid"}, false},
		"both at one instant":              {[]exchange.Evidence{piece("nucleic-acid", "positive", 0), piece("nucleic-acid", "negative", 0)}, []string{"nucleic-acid"}, true},
		"both, and a later negative":       {[]exchange.Evidence{piece("nucleic-acid", "positive", 0), piece("nucleic-acid", "negative", 0), piece("nucleic-acid", "negative", 1)}, nil, false},
		"two kinds at one instant":         {[]exchange.Evidence{piece("rapid-antigen", "positive", 0), piece("nucleic-acid", "negative", 0)}, []string{"rapid-antigen"}, true},
		"rapid, later rapid negative":      {[]exchange.Evidence{piece("rapid-antigen", "positive", 0), piece("rapid-antigen", "negative", 1)}, []string{"rapid-antigen"}, false},
		"rapid, later laboratory negative": {[]exchange.Evidence{piece("rapid-antigen", "positive", 0), piece("nucleic-acid", "negative", 1)}, nil, false},
		"antibodies beside a negative":     {[]exchange.Evidence{piece("antibody-igg", "positive", 0), piece("nucleic-acid", "negative", 0)}, []string{"antibody-igg"}, false},
		"an older red of the province":     {[]exchange.Evidence{province("hunan", true, 0), province("hunan", false, 1)}, nil, false},
		"an older red of another":          {[]exchange.Evidence{province("hubei", true, 0), province("hunan", false, 1)}, []string{"province-code"}, false},
		"two bad ones are one kind":        {[]exchange.Evidence{province("hubei", true, 0), province("hunan", true, 1)}, []string{"province-code"}, false},
	} {
		for _, turned := range []bool{false, true} {
			record, first := exchange.Record{Evidence: slices.Clone(test.evidence)}, 0
			if turned {
				slices.Reverse(record.Evidence)
				first = len(record.Evidence) - 1
			}
			if got := record.Adverse(); !slices.Equal(got, test.adverse) {
				t.Errorf("%s (turned %t): adverse %v, want %v", name, turned, got, test.adverse)
			}
			if first >= 0 && len(record.Evidence) > 0 && record.Contradicted(first) != test.contradicted {
				t.Errorf("%s (turned %t): contradicted %t", name, turned, !test.contradicted)
			}
		}
	}
}

// A fact that speaks against the holder is refused unless some rule of either side has judged it.
func TestAnAdverseFactThatNobodyJudges(t *testing.T) {
	judges := func(kinds ...string) func(*exchange.Findings) {
		return func(f *exchange.Findings) { f.Judged = kinds }
	}
	none := judges()
	card := exchange.Evidence{Type: "travel-card", AtRisk: true, Adverse: true, At: now}
	declared := exchange.Declaration{Form: "macau-entry/1", Adverse: []string{"symptoms"}}
	for name, test := range map[string]struct {
		green, entry func(*exchange.Findings)
		evidence     []exchange.Evidence
		declarations []exchange.Declaration
		refused      bool
	}{
		"nothing adverse":           {none, none, nil, nil, false},
		"nobody judges it":          {none, none, []exchange.Evidence{card}, nil, true},
		"another kind is judged":    {judges("visit-check"), judges("declaration"), []exchange.Evidence{card}, nil, true},
		"the source judges it":      {judges("travel-card"), none, []exchange.Evidence{card}, nil, false},
		"the destination judges it": {none, judges("travel-card"), []exchange.Evidence{card}, nil, false},
		"a declaration":             {none, judges("travel-card"), []exchange.Evidence{card}, []exchange.Declaration{declared}, true},
		"a declaration judged":      {none, judges("travel-card", exchange.KindDeclaration), []exchange.Evidence{card}, []exchange.Declaration{declared}, false},
	} {
		record := green()
		record.Evidence, record.Declarations = test.evidence, test.declarations
		decided, refused := exchange.Conclude(record, with(leaves(), test.green), with(enters(), test.entry), now).Refused()
		if refused != test.refused || refused && (decided.Rule != exchange.RuleAdverse || len(decided.Advice.Remedy.Missing()) > 0) {
			t.Errorf("%s: refused %t by %q", name, refused, decided.Rule)
		}
	}
}
