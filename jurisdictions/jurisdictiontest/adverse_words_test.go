package jurisdictiontest_test

import (
	"testing"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/jurisdictiontest"
)

// spoken are the words and flags that evidence can hold, by member, and whether each speaks against the holder. This is the
// suite's own list: the tests above ask the reader's table what is adverse, so a word that it takes for harmless by mistake,
// and that no rule looks at, shows only here.
var spoken = map[string]map[any]bool{
	"result":        {"negative": false, "pending": false, "positive": true},
	"colour":        {"green": false, "yellow": true, "red": true, "none": true},
	"risk_area_14d": {false: false, true: true},
	"at_risk":       {false: false, true: true},
}

// waivedTypes are those that a rule with a source lets pass over every route: antibodies are left by a vaccination as well.
var waivedTypes = map[string]bool{"antibody-igg": true}

// The list has every word that the reader knows, so that a new one cannot be forgotten.
func TestEveryWordIsForOrAgainst(t *testing.T) {
	for member, words := range spoken {
		known := jurisdictions.EvidenceWords(member)
		for _, word := range known {
			if _, listed := words[word]; !listed {
				t.Errorf("%s %s: does it speak against the holder?", member, word)
			}
		}
		if known != nil && len(known) != len(words) {
			t.Errorf("%s: the list has words that nobody signs", member)
		}
	}
}

// Over every route, evidence that holds a word against its holder is refused, and its twins without are granted. A city
// code is left to its own rule where it is not adverse: some routes take none of any colour.
func TestWhatSpeaksAgainstTheHolderIsRefused(t *testing.T) {
	all, tried := sides(t), 0
	for from := range all {
		for to := range all {
			route := exchange.Route{From: from, To: to}
			if from == to {
				continue
			}
			for _, kind := range jurisdictions.EvidenceTypes() {
				for _, evidence := range everyEvidence(t, kind, jurisdictiontest.Now) {
					against := speaksAgainst(evidence)
					decided, refused := judged(t, all, route, jurisdictiontest.Now, also(evidence)).Refused()
					if tried++; refused != against && (against || kind != "city-code") {
						t.Errorf("%s, %v: refused %t by %q", route, evidence, refused, decided.Rule)
					}
				}
			}
		}
	}
	if tried < 6*len(jurisdictions.EvidenceTypes()) {
		t.Errorf("only %d were tried", tried)
	}
}

func speaksAgainst(evidence map[string]any) bool {
	for member, value := range evidence {
		if spoken[member][value] {
			return !waivedTypes[evidence["type"].(string)]
		}
	}
	return false
}
