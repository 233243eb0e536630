package jurisdictions

import (
	"regexp"
	"slices"

	"crosscode/exchange"
)

// Bounds of the numbers in evidence.
const (
	maxDoses = 10
	maxDays  = 31 // visit records are kept for 31 days, of which 21 are compared (facts.md §1.3)
)

// evidenceKind is what the reader knows of one type of evidence.
type evidenceKind struct {
	// read takes the members that the type has, and no others: above all a visit check has no visits (they never leave their
	// side), and a travel card no cities.
	read func(o *object, e *exchange.Evidence)
	// adverse tells whether it speaks against the holder. It has no default: who adds a type has to think of it.
	adverse func(e exchange.Evidence) bool
}

var evidenceKinds = map[string]evidenceKind{
	"nucleic-acid":   {readTest, positive},
	"antibody-igg":   {readTest, positive},
	"rapid-antigen":  {readRapidTest, positive},
	"vaccination":    {readVaccination, never}, // a dose more or less is for rules that ask for doses
	"release-notice": {readNotice, never},      // that isolation is over
	"health-proof":   {readNotice, never},      // a doctor's word that the holder is well
	"travel-card":    {readTravelCard, atRisk},
	"visit-check":    {readVisitCheck, atRisk},
	"province-code":  {readProvinceCode, otherThanGreen},
	"city-code":      {readCityCode, otherThanGreen},
	"conversion":     {readConversion, never}, // that a code was converted once
}

func positive(e exchange.Evidence) bool { return e.Result == "positive" }

func atRisk(e exchange.Evidence) bool { return e.AtRisk }

// otherThanGreen: the red and the yellow codes of other places count as red (user guide of 粤康码).
func otherThanGreen(e exchange.Evidence) bool { return e.Colour != "green" }

func never(exchange.Evidence) bool { return false }

var (
	evidenceTypePattern = regexp.MustCompile(`\A[a-z-]{1,32}\z`)
	evidenceNames       = sortedKeys(evidenceKinds)
)

func (o *object) readEvidence(record *exchange.Record) {
	if !o.has("evidence") {
		return
	}
	for _, item := range o.objects("evidence", 0, MaxEvidence) {
		evidence := exchange.Evidence{Type: item.match("type", evidenceTypePattern, "an evidence type")}
		kind, known := evidenceKinds[evidence.Type]
		switch {
		case slices.Contains(visitMembers, evidence.Type):
			item.refuse(item.here(), rawVisits)
		case !known:
			item.refuse(item.at("type"), "must be one of %v", evidenceNames)
		default:
			kind.read(item, &evidence)
			item.end()
			evidence.Adverse = kind.adverse(evidence)
		}
		record.Evidence = append(record.Evidence, evidence)
	}
}

// readTest reads a laboratory's test. Its clock starts at sampling, never at the report (facts.md §1.2).
func readTest(o *object, e *exchange.Evidence) {
	e.Result, e.At = o.word("result", results), o.past("sampled_at")
	o.readOrigin(e)
}

// readRapidTest reads a rapid test, which people also take at home: without an institution.
func readRapidTest(o *object, e *exchange.Evidence) {
	e.Result, e.At = o.word("result", results), o.past("sampled_at")
	if o.has("institution") {
		e.Institution = o.institution()
	}
	e.Source = o.word("source", mediums)
}

func readVaccination(o *object, e *exchange.Evidence) {
	e.Doses, e.At = int(o.whole("doses", 1, maxDoses)), o.past("given_at")
	o.readOrigin(e)
}

func readNotice(o *object, e *exchange.Evidence) {
	e.At = o.past("issued_at")
	o.readOrigin(e)
}

func readTravelCard(o *object, e *exchange.Evidence) {
	e.AtRisk, e.At = o.flag("risk_area_14d"), o.past("as_of")
}

func readVisitCheck(o *object, e *exchange.Evidence) {
	e.AtRisk, e.Days, e.At = o.flag("at_risk"), int(o.whole("days", 1, maxDays)), o.past("checked_at")
}

func readProvinceCode(o *object, e *exchange.Evidence) {
	e.Colour, e.Province, e.At = o.word("colour", codeColours), o.word("province", provinces), o.past("as_of")
}

// readCityCode reads a 穗康码 or another city's code. It is carried so that rulebooks can say what it is not: its colour
// stands apart from health.colour and makes nobody green.
func readCityCode(o *object, e *exchange.Evidence) {
	e.Colour, e.At = o.word("colour", codeColours), o.past("as_of")
}

func readConversion(o *object, e *exchange.Evidence) {
	route, err := exchange.ParseRoute(o.text("route", maxRouteText))
	if err != nil {
		o.refuse(o.at("route"), "must be the id of a route")
	}
	e.Route, e.At = route.String(), o.past("converted_at")
}

// readOrigin reads who says so, and on what.
func (o *object) readOrigin(e *exchange.Evidence) {
	e.Institution, e.Source = o.institution(), o.word("source", mediums)
}
