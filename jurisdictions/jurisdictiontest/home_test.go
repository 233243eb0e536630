package jurisdictiontest_test

import (
	"strings"
	"testing"

	"crosscode/jurisdictions/jurisdictiontest"
)

// Whose document it is decides who must convert first and who may log in, and the documents alone say it.
func TestWhoseDocumentItIs(t *testing.T) {
	all := sides(t)
	papers := func(texts ...string) jurisdictiontest.Change {
		var documents []any
		for _, text := range texts {
			kind, number, _ := strings.Cut(text, " ")
			documents = append(documents, map[string]any{"type": kind, "number": number})
		}
		return jurisdictiontest.Set("holder.documents", documents)
	}
	const resident, travel = "resident-id 110101199001022016", "travel-permit C12345678"
	converted := also(map[string]any{"type": "conversion", "route": "macau-guangdong", "converted_at": jurisdictiontest.Instant(jurisdictiontest.MorningBefore(jurisdictiontest.Now))})
	for _, test := range []struct {
		name, route, channel string
		change               jurisdictiontest.Change
		rule                 string // "" is a grant
	}{
		{"a Hong Kong permit needs no conversion", "guangdong-macau", "h5", papers("home-return-permit H12345678"), ""},
		{"so does its new form", "guangdong-macau", "h5", papers("home-return-permit HA1234567"), ""},
		{"a Macau permit does", "guangdong-macau", "h5", papers("home-return-permit M12345678"), "macau.entry.convert-first"},
		{"so does its new form, too", "guangdong-macau", "h5", papers("home-return-permit MA1234567"), "macau.entry.convert-first"},
		{"a Hong Kong passport beside it changes nothing", "guangdong-macau", "h5", papers("home-return-permit M12345678", "hk-passport K12345678"), "macau.entry.convert-first"},
		{"nor does an identity card", "guangdong-macau", "h5", papers("hkid A1234563", "home-return-permit M12345678"), "macau.entry.convert-first"},
		{"a Macau permit that was converted", "guangdong-macau", "h5", jurisdictiontest.All(papers("home-return-permit M12345678"), converted), ""},
		{"documents of nobody's home", "guangdong-macau", "h5", papers("other PAPER0001"), "macau.entry.unsupported-document"},
		{"a lone travel permit", "guangdong-macau", "app", papers(travel), "guangdong.green.login-document"},
		{"a lone travel permit", "guangdong-hongkong", "app", papers(travel), "guangdong.green.login-document"},
		{"beside a Macau card", "guangdong-macau", "app", papers(travel, "macau-bir 12345678"), "guangdong.green.login-document"},
		{"beside the identity card", "guangdong-macau", "app", papers(travel, resident), ""},
		{"beside the identity card", "guangdong-hongkong", "app", papers(travel, resident), ""},
		{"beside a passport", "guangdong-hongkong", "app", papers(travel, "chinese-passport E12345678"), ""},
		{"beside a home return permit", "guangdong-macau", "app", papers(travel, "home-return-permit M12345678"), ""},
		{"the identity card alone", "guangdong-macau", "app", papers(resident), ""},
	} {
		route := routeOf(t, test.route)
		change := jurisdictiontest.All(jurisdictiontest.Set("channel", test.channel), test.change)
		verdict := judged(t, all, route, jurisdictiontest.Now, change)
		if decided, _ := verdict.Refused(); decided.Rule != test.rule {
			t.Errorf("%s, %s: decided by %q, want %q", test.route, test.name, decided.Rule, test.rule)
		}
		if _, _, entry := verdict.Basis(); test.rule == "" && strings.Contains(test.name, "beside") && entry.Shows.Document.Type == "" {
			t.Errorf("%s, %s: nothing is printed", test.route, test.name)
		}
	}
}
