package jurisdictiontest

import (
	"testing"

	"crosscode/exchange"
)

// Change makes other claims of some claims, and leaves the old ones as they are.
type Change func(map[string]any) map[string]any

// Set is With as a Change.
func Set(path string, value any) Change {
	return func(claims map[string]any) map[string]any { return With(claims, path, value) }
}

// Drop is Without as a Change.
func Drop(path string) Change {
	return func(claims map[string]any) map[string]any { return Without(claims, path) }
}

// All makes several changes, one after the other.
func All(changes ...Change) Change {
	return func(claims map[string]any) map[string]any {
		for _, change := range changes {
			claims = change(claims)
		}
		return claims
	}
}

// Leaving gives a function that tries one difference from the side's green specimen at Now, as far as the side's own rules
// go, and wants a grant (no reason) or that reason.
func Leaving(t *testing.T, side Subject, destination exchange.Side) func(name string, change Change, reason exchange.Reason) {
	t.Helper()
	s := &suite{Subject: side, id: side.Profile().Side}
	return func(name string, change Change, reason exchange.Reason) {
		t.Helper()
		verdict, err := s.asSource(change(s.green(destination)), Now)
		if got, failed := exchange.ReasonOf(err); failed {
			if got != reason {
				t.Errorf("%s: %v, want %q", name, err, reason)
			}
			return
		}
		if reason == "" {
			wantGrant(t, name, verdict, err)
			return
		}
		wantRefusal(t, name, verdict, err, reason)
	}
}

// ProvinceCode is evidence of another province's code, looked at on the day before Now.
func ProvinceCode(colour string) map[string]any {
	return map[string]any{"type": "province-code", "colour": colour, "province": "hubei", "as_of": Instant(MorningBefore(Now))}
}
