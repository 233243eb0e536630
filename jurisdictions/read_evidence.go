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

// evidenceKind is one type of evidence: which members it has, and what of it speaks for its holder or against.
type evidenceKind struct {
	read    func(o *object, e *exchange.Evidence)
	bearing func(e exchange.Evidence) exchange.Bearing
}

// evidenceKinds is the table of all types. A type has the members that its reader reads and no others: above all a visit
// check has no visits (they never leave their side), and a travel card no cities.
//
// Every type says what is adverse, neutral where nothing of it can be. An IgG antibody is left by a past infection or by a
// vaccination alike, so it speaks neither way; a vaccination, a notice and a conversion are only ever signed in favour.
var evidenceKinds = map[string]evidenceKind{
	"nucleic-acid":   {readTest, bearingOfTest},
	"antibody-igg":   {readTest, neutral},
	"rapid-antigen":  {readRapidTest, bearingOfTest},
	"vaccination":    {readVaccination, neutral},
	"release-notice": {readNotice, neutral},
	"health-proof":   {readNotice, neutral},
	"travel-card":    {readTravelCard, bearingOfRisk},
	"visit-check":    {readVisitCheck, bearingOfRisk},
	"province-code":  {readProvinceCode, bearingOfColour},
	"city-code":      {readCityCode, bearingOfColour},
	"conversion":     {readConversion, neutral},
}

func neutral(exchange.Evidence) exchange.Bearing { return exchange.Neutral }

// bearingOfTest takes a result that is still to come for nothing, so that it hides no older one.
func bearingOfTest(e exchange.Evidence) exchange.Bearing {
	switch e.Result {
	case "positive":
		return exchange.Adverse
	case "negative":
		return exchange.Clear
	}
	return exchange.Neutral
}

func bearingOfRisk(e exchange.Evidence) exchange.Bearing { return adverseIf(e.AtRisk) }

// bearingOfColour counts red and yellow of another place as red, as the user guide of 粤康码 does (外省健康码红黄码人员). A code that
// shows no colour is not known to be green, so it counts with them.
func bearingOfColour(e exchange.Evidence) exchange.Bearing { return adverseIf(e.Colour != "green") }

func adverseIf(adverse bool) exchange.Bearing {
	if adverse {
		return exchange.Adverse
	}
	return exchange.Clear
}

// bearingOf is what evidence of the type says; a type that is not in the table, which no packet can have, is adverse.
func bearingOf(e exchange.Evidence) exchange.Bearing {
	if kind, known := evidenceKinds[e.Type]; known {
		return kind.bearing(e)
	}
	return exchange.Adverse
}

// EvidenceTypes lists every type of evidence that a packet may hold, sorted.
func EvidenceTypes() []string { return slices.Clone(evidenceNames) }

// adverseKinds lists the kinds that rules may judge or waive: the declarations, and each type of evidence.
func adverseKinds() []string { return append(evidenceTypes(), exchange.KindDeclaration) }

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
			evidence.Bearing = kind.bearing(evidence)
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
	route, err := exchange.ParseRoute(o.text("route", 40))
	if err != nil {
		o.refuse(o.at("route"), "must be the id of a route")
	}
	e.Route, e.At = route.String(), o.past("converted_at")
}

// readOrigin reads who says so, and on what.
func (o *object) readOrigin(e *exchange.Evidence) {
	e.Institution, e.Source = o.institution(), o.word("source", mediums)
}
