package exchange

import "slices"

// KindDeclaration is what Record.Adverse calls an answer of a form that speaks against the holder, whichever form it is.
const KindDeclaration = "declaration"

// Adverse lists, each once and in order, the kinds of all that the source has signed and that speaks against the holder now:
// types of evidence, and KindDeclaration. A fact in whose place a newer one stands is left out.
//
// The colour of the source's own code is not among them: the source's rules judge it whatever else there is.
func (r Record) Adverse() []string {
	var kinds []string
	for i, evidence := range r.Evidence {
		if evidence.Adverse && !r.Superseded(i) && !slices.Contains(kinds, evidence.Type) {
			kinds = append(kinds, evidence.Type)
		}
	}
	if slices.ContainsFunc(r.Declarations, func(d Declaration) bool { return len(d.Adverse) > 0 }) {
		kinds = append(kinds, KindDeclaration)
	}
	return kinds
}

// Superseded tells whether newer evidence stands in the place of the i-th: of the same type and province, later, and with a
// result. A rapid test that is positive gives way to a later negative laboratory test alone, which is how it is confirmed.
// Of two of one instant neither gives way.
func (r Record) Superseded(i int) bool {
	return slices.ContainsFunc(r.Evidence, r.Evidence[i].givesWayTo)
}

func (e Evidence) givesWayTo(later Evidence) bool {
	if !later.At.After(e.At) || later.Result == "pending" {
		return false
	}
	if e.Type == "rapid-antigen" && e.Adverse {
		return later.Type == "nucleic-acid" && !later.Adverse
	}
	return later.Type == e.Type && later.Province == e.Province
}

// Contradicted tells whether another piece of evidence, as new as the i-th, says the opposite, so that nobody can tell which
// of them counts. Two kinds of test contradict each other like two of one kind.
func (r Record) Contradicted(i int) bool {
	return !r.Superseded(i) && slices.ContainsFunc(r.Evidence, r.Evidence[i].contradicts)
}

func (e Evidence) contradicts(other Evidence) bool {
	same := e.Type == other.Type && e.Province == other.Province || e.findsVirus() && other.findsVirus()
	told := e.Result != "pending" && other.Result != "pending"
	return same && told && e.At.Equal(other.At) && e.Adverse != other.Adverse
}

func (e Evidence) findsVirus() bool { return e.Type == "nucleic-acid" || e.Type == "rapid-antigen" }

// adviceAdverse is for what no rule has words of its own for.
var adviceAdverse = Advice{
	Title: Text{
		ZhHans: "健康码资料中有一项对您不利，而这条路线没有规则能判断它",
		ZhHant: "健康碼資料中有一項對您不利，而這條路線沒有規則能判斷它",
		En:     "Your health code carries something that speaks against you, and no rule of this route can judge it",
		Pt:     "O seu código de saúde contém algo desfavorável que nenhuma regra deste percurso sabe avaliar",
	},
	Remedy: Text{
		ZhHans: "请在自己的健康码页面核对检测、行程和申报各项。如有误，请申请更正；如属实，请等该项解除后再申请，或到口岸人工通道办理。",
		ZhHant: "請在自己的健康碼頁面核對檢測、行程和申報各項。如有誤，請申請更正；如屬實，請等該項解除後再申請，或到口岸人工通道辦理。",
		En:     "Look at the tests, travel and declarations on the page of your health code. If one is wrong, have it corrected; if it is right, apply once it is lifted, or go to the staffed counter of the checkpoint.",
		Pt:     "Veja os testes, as viagens e as declarações na página do seu código de saúde. Se algo estiver errado, peça a correção; se estiver certo, peça o código quando isso for levantado, ou dirija-se ao balcão do posto fronteiriço.",
	},
	Contact: contactOwnCode,
}

// contactOwnCode is whom to ask where the answer rests with no side's rule in particular.
var contactOwnCode = Text{
	ZhHans: "发出您的健康码的部门",
	ZhHant: "發出您的健康碼的部門",
	En:     "The service that issues your own health code",
	Pt:     "O serviço que emite o seu código de saúde",
}
