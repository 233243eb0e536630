package exchange

import "time"

// ShortLife is how long a code should live at least: a traveller needs some minutes to the checkpoint. One that lives less
// is issued all the same, with a warning that says why.
const ShortLife = 10 * time.Minute

// warnings are the rules that were not met and refuse nobody.
func (b basis) warnings() []Outcome {
	var warned []Outcome
	for _, findings := range []Findings{b.green, b.entry} {
		for _, outcome := range findings.Outcomes {
			if outcome.Warn && outcome.Status != Pass && outcome.Status != NotInForce {
				warned = append(warned, outcome)
			}
		}
	}
	return warned
}

func (r refusal) Warnings() []Outcome { return r.warnings() }

func (g grant) Warnings() []Outcome {
	warned := g.warnings()
	if g.short() {
		warned = append(warned, g.end.shortLife())
	}
	return warned
}

func (g grant) short() bool { return g.end.At.Sub(g.at) < ShortLife }

// shortLife tells until when the code can be used, why it ends, and what to do: that rule's own advice is what the
// holder would be told if the packet came after the end.
func (e End) shortLife() Outcome {
	at, why := e.At.In(Zone).Format(time.DateTime), e.By.Advice
	if why.Title == (Text{}) {
		why = adviceChange
		if e.By.Rule == RuleSourceCodeEnd {
			why = adviceSourceCodeEnd
		}
	}
	return Outcome{
		Rule: RuleShortLife, Status: Fails, Warn: true, Reason: e.By.Reason, Category: "validity",
		Advice: Advice{
			Title: Text{
				ZhHans: "此码即将失效：有效期只到 " + at + "（UTC+8）",
				ZhHant: "此碼即將失效：有效期只到 " + at + "（UTC+8）",
				En:     "This code ends soon: it is good only until " + at + " (UTC+8)",
				Pt:     "Este código termina em breve: só vale até " + at + " (UTC+8)",
			},
			Remedy: Text{
				ZhHans: "失效原因：" + why.Title.ZhHans + "。" + why.Remedy.ZhHans,
				ZhHant: "失效原因：" + why.Title.ZhHant + "。" + why.Remedy.ZhHant,
				En:     "Why it ends then: " + why.Title.En + ". " + why.Remedy.En,
				Pt:     "Motivo: " + why.Title.Pt + ". " + why.Remedy.Pt,
			},
			Contact: why.Contact,
		},
	}
}

// adviceSourceCodeEnd is for a code that ends with the source's own.
var adviceSourceCodeEnd = Advice{
	Title: Text{
		ZhHans: "出发地的健康码届时到期",
		ZhHant: "出發地的健康碼屆時到期",
		En:     "The health code of the place you come from ends then",
		Pt:     "O código de saúde do local de partida termina nessa altura",
	},
	Remedy: Text{
		ZhHans: "请在此之前过关；来不及的话，请先更新出发地的健康码，再重新申请转换。",
		ZhHant: "請在此之前過關；來不及的話，請先更新出發地的健康碼，再重新申請轉換。",
		En:     "Cross before then. If that is too soon, renew that health code first and convert it again.",
		Pt:     "Passe a fronteira antes disso. Se não for possível, renove primeiro esse código de saúde e volte a convertê-lo.",
	},
	Contact: contactOwnCode,
}

// adviceChange is for a code that ends where a version begins in which no rule says a word of its own.
var adviceChange = Advice{
	Title: Text{
		ZhHans: "通关规则届时更改",
		ZhHant: "通關規則屆時更改",
		En:     "The rules of this route change then",
		Pt:     "As regras deste percurso mudam nessa altura",
	},
	Remedy: Text{
		ZhHans: "请在此之前过关；来不及的话，请先查看新的通关规则，再重新申请转换。",
		ZhHant: "請在此之前過關；來不及的話，請先查看新的通關規則，再重新申請轉換。",
		En:     "Cross before then. If that is too soon, read the new rules first and convert again.",
		Pt:     "Passe a fronteira antes disso. Se não for possível, leia primeiro as novas regras e volte a converter.",
	},
	Contact: contactOwnCode,
}
