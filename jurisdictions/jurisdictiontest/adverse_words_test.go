package jurisdictiontest_test

import (
	"testing"

	"crosscode/jurisdictions"
)

// spoken are the words and flags that evidence can hold, by member, and whether each speaks against the holder. This is the
// suite's own list, to which the reader's table is held: a word that it takes for harmless by mistake, and that no rule looks at,
// shows only here.
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

// speaksAgainst is what the suite's own list says of evidence.
func speaksAgainst(evidence map[string]any) bool {
	for member, value := range evidence {
		if spoken[member][value] {
			return true
		}
	}
	return false
}
