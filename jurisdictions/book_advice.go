package jurisdictions

import "crosscode/exchange"

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
