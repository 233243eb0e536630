package main

import (
	"slices"
	"strings"
	"time"
)

// What the green packet of a route holds, and how a case changes it.

// Ages of green evidence, well within every limit that any route has had.
const (
	testAge        = 10 * time.Hour
	vaccinationAge = 120 * 24 * time.Hour
	checkAge       = 20 * time.Minute
	declarationAge = 30 * time.Minute
	conversionAge  = 3 * 24 * time.Hour
)

const laboratory = "Specimen Laboratory"

func test(sampledAt, result, source string) fact {
	return fact{"type": "nucleic-acid", "result": result, "sampled_at": sampledAt, "institution": laboratory, "source": source}
}

// knownBy is what a side knows of its holders beside a test.
var knownBy = map[string]func(at time.Time) []fact{
	"guangdong": func(at time.Time) []fact {
		return []fact{{"type": "travel-card", "risk_area_14d": false, "as_of": inZone(at.Add(-checkAge))}}
	},
	"hongkong": func(at time.Time) []fact {
		return []fact{vaccination(at), {"type": "visit-check", "at_risk": false, "days": 21, "checked_at": inZone(at.Add(-checkAge))}}
	},
}

// greenEvidence is what the source knows of its holder: a test everywhere; on the mainland the travel card, in Hong Kong
// the vaccination record and the visit check that converting its code asks for.
func greenEvidence(over route, channel string, at time.Time) []fact {
	evidence := []fact{test(inZone(at.Add(-testAge)), "negative", "electronic")}
	if more := knownBy[over.from.id]; more != nil {
		evidence = append(evidence, more(at)...)
	}
	if channel == "h5" {
		evidence = append(evidence, fact{
			"type": "conversion", "route": "macau-guangdong", "converted_at": inZone(at.Add(-conversionAge)),
		})
	}
	return evidence
}

func vaccination(at time.Time) fact {
	return fact{
		"type": "vaccination", "doses": 3, "given_at": inZone(at.Add(-vaccinationAge)), "institution": laboratory, "source": "electronic",
	}
}

// greenDeclarations is the Macau entry form for those who go there; the other two sides ask their questions on their own
// pages, after the handoff.
func greenDeclarations(over route, at time.Time) []statements {
	if form := askedBy[over.to.id]; form != nil {
		return []statements{form(inZone(at.Add(-declarationAge)))}
	}
	return []statements{}
}

// askedBy is the form that a side asks of those who come, on the source's page.
var askedBy = map[string]func(declaredAt string) statements{"macau": entryForm}

func entryForm(declaredAt string) statements {
	return statements{Form: "macau-entry/1", DeclaredAt: declaredAt, Answers: map[string]bool{
		"symptoms": false, "contact_14d": false, "travel_14d": false,
	}}
}

// draft is a packet's claims while a case changes them.
type draft struct {
	claims
	at   time.Time // in UTC+8
	over route
}

// ago is an instant before the packet was made, in RFC 3339 with +08:00.
func (d *draft) ago(before time.Duration) string { return inZone(d.at.Add(-before)) }

// change edits every piece of evidence of one type.
func (d *draft) change(kind string, edit func(fact)) {
	for _, piece := range d.Evidence {
		if piece["type"] == kind {
			edit(piece)
		}
	}
}

func (d *draft) drop(kind string) {
	d.Evidence = slices.DeleteFunc(d.Evidence, func(piece fact) bool { return piece["type"] == kind })
}

func (d *draft) add(pieces ...fact) { d.Evidence = append(d.Evidence, pieces...) }

// sampled dates the test.
func (d *draft) sampled(before time.Duration) {
	d.change("nucleic-acid", func(test fact) { test["sampled_at"] = d.ago(before) })
}

func (d *draft) tested(result string) {
	d.change("nucleic-acid", func(test fact) { test["result"] = result })
}

func (d *draft) answer(question string, yes bool) {
	for _, form := range d.Declarations {
		form.Answers[question] = yes
	}
}

// shift moves the packet's own times, and the consent with them.
func (d *draft) shift(by time.Duration) {
	seconds := int64(by / time.Second)
	d.IssuedAt, d.NotBefore, d.Expires = d.IssuedAt+seconds, d.NotBefore+seconds, d.Expires+seconds
	d.Consent.GivenAt = d.ago(2*time.Minute - by)
	d.Health.AsOf = d.ago(-by)
	d.at = d.at.Add(by)
}

// olderDeclaration comes second in the list: the newest counts, not the last.
func olderDeclaration(d *draft) {
	older := entryForm(d.ago(declarationAge + time.Hour))
	older.Answers["symptoms"] = true
	d.Declarations = append(d.Declarations, older)
}

// rawVisits is what must never leave a side.
func rawVisits(d *draft) {
	d.drop("visit-check")
	d.add(fact{
		"type": "visit-check", "at_risk": false, "days": 21, "checked_at": d.ago(checkAge),
		"visits": []fact{{"place": "Specimen Restaurant", "at": d.ago(5 * time.Hour)}},
	})
}

func colour(shown string, reasons ...string) func(*draft) {
	return func(d *draft) {
		d.Health.Colour = shown
		d.Health.Reasons = append([]string{}, reasons...)
	}
}

// middle is each side's word for its second colour, with a reason of its own for it.
var middle = map[string]struct{ colour, reason string }{
	"guangdong": {"yellow", "other-province"},
	"macau":     {"yellow", "general-contact"},
	"hongkong":  {"amber", "recent-arrival"},
}

func yellow(d *draft) {
	shown := middle[d.over.from.id]
	colour(shown.colour, shown.reason)(d)
}

// mostPieces is how many pieces of evidence a packet may have.
const mostPieces = 64

// dailyTests fills the packet up with tests of three kinds a day, and with the longest name.
func dailyTests(d *draft) {
	longName(d)
	const institution = "澳門特別行政區政府衛生局疾病預防控制中心公共衛生化驗所核酸檢測實驗室（氹仔）"
	kinds := []string{"rapid-antigen", "antibody-igg", "nucleic-acid"}
	for i := 0; len(d.Evidence) < mostPieces; i++ {
		day := time.Duration(1 + i/len(kinds))
		d.add(fact{
			"type": kinds[i%len(kinds)], "result": "negative", "sampled_at": d.ago(testAge + day*24*time.Hour),
			"institution": institution, "source": "electronic",
		})
	}
}

// longName is as long as a name may be in each script.
func longName(d *draft) {
	d.Holder.Name.Han = strings.Repeat("样本", 20) + "·" + strings.Repeat("样本", 19) + "人"
	d.Holder.Name.Latin = "SPECIMEN " + strings.TrimSpace(strings.Repeat("BARTHOLOMEU ", 15)) + strings.Repeat("S", 12)
}

// only leaves the holder one document.
func only(kind, number string) func(*draft) {
	return func(d *draft) { d.Holder.Documents = []document{{Type: kind, Number: number}} }
}

// person makes the holder one of another age, for whom somebody else may consent and present.
func person(age int, by, relation string) func(*draft) {
	return func(d *draft) {
		d.Holder = specimenHolder(d.over.from, d.Channel, d.at, age)
		d.Consent.By = by
		if relation != "" {
			d.Presenter = &presenter{Relation: relation}
		}
	}
}

// unverified is person, whom the side has not compared with a document.
func unverified(age int, by, relation string) func(*draft) {
	return func(d *draft) {
		person(age, by, relation)(d)
		d.Holder.Assurance = "unverified"
	}
}
