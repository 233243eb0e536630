package jurisdictions

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHistorySaysWhatEachVersionChanged(t *testing.T) {
	versions := demonstration(t).Versions()
	got := map[string][]string{}
	for _, v := range versions {
		for _, c := range v.Changes {
			before, _ := json.Marshal(c.Before)
			after, _ := json.Marshal(c.After)
			line := strings.Join([]string{c.Kind, c.Part, c.Rule, string(before), string(after)}, " ")
			got[v.ID] = append(got[v.ID], strings.Join(strings.Fields(strings.ReplaceAll(line, "null", "-")), " "))
		}
	}
	const documents = `{"*":["home-return-permit"],"app":["resident-id","home-return-permit"]}`
	want := map[string][]string{
		"macau/2021-06-08T10:00+08:00": {
			`rule-added green macau.green.colour - {}`,
			`rule-added green macau.green.as-of - {"minutes":15}`,
			`route-opened guangdong-macau - -`,
			`documents-changed guangdong-macau {} ` + documents,
			`not-granted-changed guangdong-macau {"not_granted":-} {"not_granted":["quarantine-waiver"]}`,
			`rule-added guangdong-macau macau.entry.negative-test - {"length":2,"paper":true,"unit":"days_after_sampling_day"}`,
			`rule-added guangdong-macau macau.entry.cap - {}`,
		},
		"macau/2021-07-10T00:00+08:00": {
			`parameters-changed guangdong-macau macau.entry.negative-test {"length":2,"paper":true,"unit":"days_after_sampling_day"} {"length":7,"paper":true,"unit":"days_after_sampling_day"}`,
			`rule-added guangdong-macau macau.entry.zhuhai-antigen - {"hours":6}`,
		},
		"macau/2023-03-27T00:00+08:00": {`closed - -`},
	}
	reopened := got["macau/2026-01-01T00:00+08:00"]
	delete(got, "macau/2026-01-01T00:00+08:00")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(reopened) == 0 || reopened[0] != "reopened - -" {
		t.Errorf("the standing version: %v", reopened)
	}
	last := versions[len(versions)-1]
	if last.Until != nil || last.Confidence != "assumed" || versions[0].Note != "seven days became two" || versions[0].Source == "" {
		t.Errorf("got %+v", versions)
	}
}

func TestARuleThatIsSwitchedOffOrGoneIsRemoved(t *testing.T) {
	before := []use{{rule: &rule{id: "macau.entry.a"}}, {rule: &rule{id: "macau.entry.b"}}, {rule: &rule{id: "macau.entry.c"}, off: true}}
	after := []use{{rule: &rule{id: "macau.entry.a"}, off: true}, {rule: &rule{id: "macau.entry.c"}}}
	got := ruleChanges("green", before, after)
	want := []Change{
		{Kind: RuleAdded, Part: "green", Rule: "macau.entry.c"},
		{Kind: RuleRemoved, Part: "green", Rule: "macau.entry.a"},
		{Kind: RuleRemoved, Part: "green", Rule: "macau.entry.b"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestARouteCanBeRemoved(t *testing.T) {
	got := changes(&version{entry: map[string]*entry{"guangdong-macau": {}}}, &version{})
	if diff := cmp.Diff([]Change{{Kind: RouteRemoved, Part: "guangdong-macau"}}, got); diff != "" {
		t.Error(diff)
	}
}
