package exchange_test

import (
	"slices"
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
			ZhHans: "出发地的健康码已到期", ZhHant: "出發地的健康碼已到期", En: "has ended", Pt: "já terminou",
		}},
		"a version without words": {exchange.Judge(green(), open("macau"), open("guangdong", edition{from: 540, closed: true}), now), exchange.Text{
			ZhHans: "通关规则已更改", ZhHant: "通關規則已更改", En: "rules of this route have changed", Pt: "regras deste percurso mudaram",
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

func TestOnlyAShortLifeIsWarnedOf(t *testing.T) {
	for life, want := range map[time.Duration]bool{
		0: true, time.Minute: true, exchange.ShortLife - time.Second: true, exchange.ShortLife: false, time.Hour: false,
	} {
		verdict := exchange.Conclude(green(), leaves(), enters(pass("guangdong.entry.test", now.Add(life))), now)
		_, warned := shortLife(verdict)
		full, err := exchange.ParseFullReceipt(sign(t, draft(t, verdict, terms()), "1").full)
		if err != nil {
			t.Fatal(err)
		}
		noted := slices.Contains(full.Rules, exchange.RuleVerdict{Rule: exchange.RuleShortLife, Status: exchange.Fails})
		if warned != want || noted != want {
			t.Errorf("a life of %s: warned %t, noted in the receipt %t, want %t", life, warned, noted, want)
		}
	}
	refused := exchange.Conclude(green(), leaves(fail("macau.green.colour", exchange.NotGreen)), enters(), now)
	if _, warned := shortLife(refused); warned {
		t.Error("a refusal is warned of its short life")
	}
}
