package jurisdictions

import (
	"strings"

	"crosscode/exchange"
)

// adviceNotConfigured is told where a rulebook has nothing to say: a route that nobody has configured, or a time for
// which there is no version. It is the one advice that no rulebook can bring along.
var adviceNotConfigured = exchange.Advice{
	Title: exchange.Text{
		ZhHans: "此路线目前没有转码规则",
		ZhHant: "此路線目前沒有轉碼規則",
		En:     "There are no rules for converting a code on this route",
		Pt:     "Não há regras para converter um código neste percurso",
	},
	Remedy: exchange.Text{
		ZhHans: "无法转码。请在出发前查询目的地的入境要求，或在口岸向工作人员查询。",
		ZhHant: "無法轉碼。請在出發前查詢目的地的入境要求，或在口岸向工作人員查詢。",
		En:     "No code can be issued. Check the destination's entry requirements before you travel, or ask an officer at the port.",
		Pt:     "Não é possível emitir um código. Consulte os requisitos de entrada do destino antes de viajar ou pergunte a um agente no posto fronteiriço.",
	},
	Contact: exchange.Text{
		ZhHans: "目的地卫生部门的查询热线",
		ZhHant: "目的地衞生部門的查詢熱線",
		En:     "The enquiry line of the destination's health authority",
		Pt:     "A linha de informações da autoridade de saúde do destino",
	},
}

// adviceGap is told where it is not known what was asked at that time: a rulebook has a version or an entry that says so.
var adviceGap = exchange.Advice{
	Title: exchange.Text{
		ZhHans: "这段时间的通关规则记录不全",
		ZhHant: "這段時間的通關規則紀錄不全",
		En:     "The record of the rules of this time has a gap",
		Pt:     "O registo das regras deste período tem uma lacuna",
	},
	Remedy: exchange.Text{
		ZhHans: "当时的要求未能查明，因此不能转码。请向目的地卫生部门查询，或在口岸向工作人员查询。",
		ZhHant: "當時的要求未能查明，因此不能轉碼。請向目的地衞生部門查詢，或在口岸向工作人員查詢。",
		En:     "What was required then is not known, so no code can be issued. Ask the destination's health authority, or an officer at the checkpoint.",
		Pt:     "Não se sabe o que então se exigia, pelo que não é possível emitir um código. Consulte a autoridade de saúde do destino ou um agente no posto fronteiriço.",
	},
	Contact: adviceNotConfigured.Contact,
}

// elsewhere adds to an advice the ports at which the rule does not hold. It is said by the engine and not by a rulebook, so
// that nobody is sent to another checkpoint where there is none.
func elsewhere(advice exchange.Advice, ports Ports) exchange.Advice {
	if len(ports) == 0 {
		return advice
	}
	names := func(in func(exchange.Text) string, between string) string {
		var list []string
		for _, port := range ports {
			list = append(list, in(port.Name))
		}
		return strings.Join(list, between)
	}
	advice.Remedy.ZhHans += "此项要求不适用于下列口岸，也可改由其中一处过关（该处的其他要求不变）：" + names(func(t exchange.Text) string { return t.ZhHans }, "、") + "。"
	advice.Remedy.ZhHant += "此項要求不適用於下列口岸，也可改由其中一處過關（該處的其他要求不變）：" + names(func(t exchange.Text) string { return t.ZhHant }, "、") + "。"
	advice.Remedy.En += " This does not hold at the following checkpoints, so you can also cross at one of them (their other rules stay): " + names(func(t exchange.Text) string { return t.En }, ", ") + "."
	advice.Remedy.Pt += " Isto não se aplica nos postos seguintes, pelo que também pode passar por um deles (as outras regras mantêm-se): " + names(func(t exchange.Text) string { return t.Pt }, ", ") + "."
	return advice
}
