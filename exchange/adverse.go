package exchange

import (
	"slices"
	"strings"
)

// Bearing is whether a piece of evidence speaks for its holder or against. The side that reads a packet decides it, by the
// table of evidence types.
type Bearing string

// The bearings. A neutral piece, such as a result that is still to come, takes nothing back that an older one says.
const (
	Neutral Bearing = ""
	Clear   Bearing = "clear"
	Adverse Bearing = "adverse"
)

// KindDeclaration is the kind of every adverse answer in a form. All other kinds are types of evidence.
const KindDeclaration = "declaration"

// AdverseFact is something signed that speaks against the holder: the newest evidence of its kind and key.
type AdverseFact struct {
	Kind string // "travel-card", or KindDeclaration
	Key  string // the province of a province code, the form of an answer; "" where a kind has no keys
	// Disputed: a piece of the same instant says the opposite. The worse one counts.
	Disputed bool
}

// AdverseFacts lists what speaks against the holder, by kind and key. Of evidence of one kind and key the newest counts, so
// that an older red province code followed by a green one of the same province is none; of one instant the worse counts.
func (r Record) AdverseFacts() []AdverseFact {
	var facts []AdverseFact
	for _, e := range r.Evidence {
		if e.Bearing == Adverse && !r.outdated(e) {
			facts = append(facts, AdverseFact{Kind: e.Type, Key: e.Province, Disputed: r.disputed(e)})
		}
	}
	for _, d := range r.Declarations {
		if d.Adverse {
			facts = append(facts, AdverseFact{Kind: KindDeclaration, Key: d.Form})
		}
	}
	slices.SortFunc(facts, func(a, b AdverseFact) int { return strings.Compare(a.Kind+"\n"+a.Key, b.Kind+"\n"+b.Key) })
	return slices.Compact(facts)
}

// outdated tells whether a newer piece of the same kind and key speaks either way.
func (r Record) outdated(e Evidence) bool {
	return slices.ContainsFunc(r.Evidence, func(other Evidence) bool { return e.rivals(other) && other.At.After(e.At) })
}

func (r Record) disputed(e Evidence) bool {
	return slices.ContainsFunc(r.Evidence, func(other Evidence) bool {
		return e.rivals(other) && other.At.Equal(e.At) && other.Bearing != e.Bearing
	})
}

// rivals tells whether both are about the same thing and neither is neutral. A province is the only key that evidence has.
func (e Evidence) rivals(other Evidence) bool {
	return other.Bearing != Neutral && other.Type == e.Type && other.Province == e.Province
}

// RuleAdverse is the id of what Conclude finds when nobody judged an adverse fact.
const RuleAdverse = "exchange.adverse-evidence"

// unjudged finds an adverse fact that no rule in force of either side judged or waived. It fails closed: what a rulebook did
// not think of is never ignored.
func (b basis) unjudged() (Outcome, bool) {
	for _, fact := range b.record.AdverseFacts() {
		if !slices.Contains(b.green.Judged, fact.Kind) && !slices.Contains(b.entry.Judged, fact.Kind) {
			return Outcome{
				Rule: RuleAdverse, Status: Fails, Reason: NotEligible, Category: "evidence", Advice: adviceAdverse,
			}, true
		}
	}
	return Outcome{}, false
}

// adviceAdverse is told where a packet carries something against its holder that no rule of the route judges.
var adviceAdverse = Advice{
	Title: Text{
		ZhHans: "健康码附带的资料中，有一项对您不利",
		ZhHant: "健康碼附帶的資料中，有一項對您不利",
		En:     "Something that your health code sent speaks against a conversion",
		Pt:     "Um dado enviado pelo seu código de saúde impede a conversão",
	},
	Remedy: Text{
		ZhHans: "此路线没有规则处理这项资料，所以不能转换。请在健康码页面核对检测、行程、其他健康码和申报等资料；如有错误，请先更正再申请。如资料无误，请到口岸人工通道向工作人员说明。",
		ZhHant: "此路線沒有規則處理這項資料，所以不能轉換。請在健康碼頁面核對檢測、行程、其他健康碼和申報等資料；如有錯誤，請先更正再申請。如資料無誤，請到口岸人工通道向工作人員說明。",
		En:     "No rule of this route deals with it, so the code cannot be converted. On the page of your health code check your tests, travel record, other codes and declarations; have mistakes corrected and apply again. If all is right, go to the staffed counter of the checkpoint.",
		Pt:     "Nenhuma regra deste percurso trata esse dado, por isso não há conversão. Na página do seu código de saúde verifique testes, viagens, outros códigos e declarações; peça a correção dos erros e volte a pedir. Se tudo estiver certo, dirija-se ao balcão do posto fronteiriço.",
	},
	Contact: Text{
		ZhHans: "发码地健康码的查询热线",
		ZhHant: "發碼地健康碼的查詢熱線",
		En:     "The enquiry line of your own health code",
		Pt:     "A linha de informações do seu código de saúde",
	},
}
