package jurisdictions

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

// explained asks the demonstration's rules on both ends: its green rules know nothing of sides.
func explained(t *testing.T, record exchange.Record, now time.Time) Explanation {
	t.Helper()
	text := string(bookFile(t, "demonstration.yaml"))
	source := strings.NewReplacer("side: macau", "side: guangdong", "guangdong-macau", "macau-guangdong", "hongkong-macau", "hongkong-guangdong").Replace(text)
	book, err := Parse("source.yaml", []byte(source), "guangdong")
	if err != nil {
		t.Fatal(err)
	}
	return Explain(record, record.Route, now, book, demonstration(t))
}

func TestExplainConcludesAsTheGatewayDoes(t *testing.T) {
	record := passingRecord()
	e := explained(t, record, record.IssuedAt)
	if !e.Granted || e.Until.Format(time.RFC3339) != "2026-11-23T10:00:00+08:00" || e.Decided != nil {
		t.Errorf("granted %t until %v, decided by %+v", e.Granted, e.Until, e.Decided)
	}
	if e.Shows.Document != "resident-id" || e.Shows.SampledOn != "2026-11-21" {
		t.Errorf("shows %+v", e.Shows)
	}
}

// TestExplainOneMinuteBeforeTheRuleChanged: on 8 June 2021 at 09:59 no version was in force here, at 10:00 two days were.
func TestExplainAtAnyTime(t *testing.T) {
	for now, want := range map[string]string{
		"2021-06-08T09:59:00+08:00": "guangdong.green.route route-not-configured",
		"2021-06-08T10:00:00+08:00": "macau.entry.negative-test not-eligible",
		"2021-07-10T00:00:00+08:00": "macau.entry.zhuhai-antigen not-eligible",
		"2023-03-27T00:00:00+08:00": "guangdong.green.closed route-closed",
	} {
		at := instant(t, now)
		record := recordAt(at)
		record.Evidence[0].At = at.Add(-3 * 24 * time.Hour)
		e := explained(t, record, at)
		if e.Granted || e.Decided == nil || e.Decided.Rule+" "+string(e.Decided.Reason) != want {
			t.Errorf("at %s: decided %+v, want %s", now, e.Decided, want)
		}
	}
}

func TestExplainShowsEveryRuleWithItsTextAndCause(t *testing.T) {
	record := passingRecord()
	record.Evidence = nil
	e := explained(t, record, record.IssuedAt)
	if len(e.Green.Rules) != 2 || len(e.Entry.Rules) != 5 {
		t.Fatalf("%d green rules and %d entry rules", len(e.Green.Rules), len(e.Entry.Rules))
	}
	test := e.Entry.Rules[1]
	if test.Status != exchange.Errored || !test.Blocks || test.Cause != "latest: there is no evidence of this type" ||
		test.Parameters["length"] != 7 || test.Title.En != "A sentence." {
		t.Errorf("got %+v", test)
	}
	if cap := e.Entry.Rules[4]; cap.Until == nil || cap.Status != exchange.Pass {
		t.Errorf("got %+v", cap)
	}
	if _, err := json.Marshal(e); err != nil {
		t.Error(err)
	}
}

func TestExplainPrintsForPeople(t *testing.T) {
	record := passingRecord()
	record.Holder.Verified = false
	var page strings.Builder
	if err := explained(t, record, record.IssuedAt).Print(&page, "zh-Hant"); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"guangdong-macau at 2026-11-22T10:00:00+08:00\n",
		"\nguangdong/2026-01-01T00:00+08:00 (assumed)\n  pass           guangdong.green.colour\n",
		"\n  pass           macau.entry.negative-test (length 7, paper false, unit days_after_sampling_day)\n",
		"\n  fail (warns only) macau.entry.unverified\n                   句子\n",
		"\n                   until 2026-11-23T10:00:00+08:00\n",
		"\ngranted until 2026-11-23T10:00:00+08:00, document resident-id, sampled on 2026-11-21\nthe end is set by macau.entry.cap of macau/2026-01-01T00:00+08:00\n",
	} {
		if !strings.Contains(page.String(), line) {
			t.Errorf("missing %q in\n%s", line, page.String())
		}
	}
	record.Health.Colour = ""
	page.Reset()
	if err := explained(t, record, record.IssuedAt).Print(&page, "en"); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"  error          guangdong.green.colour\n", "health.colour is not known\n", "\nrefused: not-green, decided by guangdong.green.colour\n  A sentence.\n"} {
		if !strings.Contains(page.String(), line) {
			t.Errorf("missing %q in\n%s", line, page.String())
		}
	}
}

// TestAnExplanationHoldsNothingThatNamesTheHolder: not even for the operator who has the claims anyway.
func TestAnExplanationHoldsNothingThatNamesTheHolder(t *testing.T) {
	record := passingRecord()
	record.Holder.Name = exchange.Name{Han: "陳大文", Latin: "CHAN TAI MAN"}
	data, err := json.Marshal(explained(t, record, record.IssuedAt))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"陳大文", "CHAN", "M12345678", "11010119900307803X", "1990"} {
		if strings.Contains(string(data), secret) {
			t.Errorf("the explanation holds %s", secret)
		}
	}
}
