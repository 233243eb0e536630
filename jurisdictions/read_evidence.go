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

// evidenceReaders say which members each type of evidence has. A type has these and no others: above all a visit check has
// no visits (they never leave their side), and a travel card no cities.
var evidenceReaders = map[string]func(o *object, e *exchange.Evidence){
	"nucleic-acid":   readTest,
	"antibody-igg":   readTest,
	"rapid-antigen":  readRapidTest,
	"vaccination":    readVaccination,
	"release-notice": readNotice,
	"health-proof":   readNotice,
	"travel-card":    readTravelCard,
	"visit-check":    readVisitCheck,
	"province-code":  readProvinceCode,
	"city-code":      readCityCode,
	"conversion":     readConversion,
}

var (
	evidenceTypePattern = regexp.MustCompile(`\A[a-z-]{1,32}\z`)
	evidenceNames       = sortedKeys(evidenceReaders)
)

func (o *object) readEvidence(record *exchange.Record) {
	if !o.has("evidence") {
		return
	}
	for _, item := range o.objects("evidence", 0, MaxEvidence) {
		evidence := exchange.Evidence{Type: item.match("type", evidenceTypePattern, "an evidence type")}
		read, known := evidenceReaders[evidence.Type]
		switch {
		case slices.Contains(visitMembers, evidence.Type):
			item.refuse(item.here(), rawVisits)
		case !known:
			item.refuse(item.at("type"), "must be one of %v", evidenceNames)
		default:
			read(item, &evidence)
			item.end()
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
