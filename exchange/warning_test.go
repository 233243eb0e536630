package exchange_test

import (
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

func shortLife(verdict exchange.Verdict) (exchange.Outcome, bool) {
	for _, warned := range verdict.Warnings() {
		if warned.Rule == exchange.RuleShortLife {
			return warned, true
		}
	}
	return exchange.Outcome{}, false
}

func told(text exchange.Text) []string {
	return []string{text.ZhHans, text.ZhHant, text.En, text.Pt}
}

// A code that lives less than ten minutes says so, and why, in four languages, whatever sets its end.
func TestACodeOfAShortLifeSaysWhyItEnds(t *testing.T) {
	advised := pass("guangdong.entry.test", now.Add(9*time.Minute))
	advised.Advice = exchange.Advice{
		Title:   exchange.Text{ZhHans: "检测简", ZhHant: "檢測繁", En: "test en", Pt: "teste pt"},
		Remedy:  exchange.Text{ZhHans: "再测简", ZhHant: "再測繁", En: "again en", Pt: "de novo pt"},
		Contact: exchange.Text{ZhHans: "电话", ZhHant: "電話", En: "phone", Pt: "telefone"},
	}
	ends := green()
	ends.Health.Until = now.Add(9 * time.Minute)
	for name, test := range map[string]struct {
		verdict exchange.Verdict
		why     exchange.Text
	}{
		"a rule with advice": {exchange.Conclude(green(), leaves(), enters(advised), now), advised.Advice.Title},
		"the source's code": {exchange.Conclude(ends, leaves(), enters(), now), exchange.Text{
			ZhHans: "出发地的健康码", ZhHant: "出發地的健康碼", En: "health code of the place you come from", Pt: "código de saúde do local de partida",
		}},
		"a version without words": {exchange.Judge(green(), eras{{}}, wordless{eras{day, {from: now.Add(9 * time.Minute), closed: true}}}, now), exchange.Text{
			ZhHans: "通关规则", ZhHant: "通關規則", En: "The rules of this route change", Pt: "As regras deste percurso mudam",
		}},
	} {
		warned, found := shortLife(test.verdict)
		if !found || !warned.Warn || warned.Blocks() {
			t.Errorf("%s: warned %v: %+v", name, found, warned)
			continue
		}
		for i, why := range told(test.why) {
			title, remedy := told(warned.Advice.Title)[i], told(warned.Advice.Remedy)[i]
			if at := test.verdict.Until().Format(time.DateTime); !strings.Contains(title, at) || !strings.Contains(remedy, why) {
				t.Errorf("%s: %q, %q; want %s and %q", name, title, remedy, at, why)
			}
		}
	}
}

// wordless is a rulebook whose rules say nothing to the holder.
type wordless struct{ eras }

func (w wordless) Admit(record exchange.Record, _ exchange.Route, now time.Time) exchange.Findings {
	findings := w.judge(record, now)
	for i := range findings.Outcomes {
		findings.Outcomes[i].Advice = exchange.Advice{}
	}
	return findings
}
