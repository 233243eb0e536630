package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// issued is what should come of a packet that gets a code; every other expectation is a reason id of the gateway's.
const issued = "issued"

// variant is one named packet: the green one of its route, with something changed.
type variant struct {
	name string
	// says is what is changed from the green packet.
	says string
	// leads is what the standing rulebooks should make of it; except tells the routes for which it is something else.
	leads  string
	except map[string]string
	// obstacle is what a problem must name beside its reason; marked: the code must say that the holder is not verified.
	obstacle string
	marked   bool
	// only are the sources, and into the destinations, for which the case makes sense; empty: all of them.
	only, into []string
	// channel is the login that the case needs; empty: the side's usual one.
	channel string
	// strayConsent: the holder agreed to the text of another route.
	strayConsent bool
	edit         func(*draft)
}

var (
	fromGuangdong = []string{"guangdong"}
	fromMacau     = []string{"macau"}
	fromHongKong  = []string{"hongkong"}
)

// variants are all cases, in the order of the path that a packet takes.
var variants = slices.Concat(greenVariants, claimVariants, timeVariants, consentVariants, colourVariants, testVariants,
	entryVariants, documentVariants, registryVariants, familyVariants)

var greenVariants = []variant{
	{name: "green", leads: issued, says: "nothing: a green code and all that the destination asks"},
}

var claimVariants = []variant{
	{name: "unknown-member", leads: "claims-invalid", says: "a member that does not belong there: a phone number on a travel card",
		edit: func(d *draft) {
			d.add(fact{"type": "travel-card", "risk_area_14d": false, "as_of": d.ago(checkAge), "phone": "none"})
		}},
	{name: "raw-visits", leads: "claims-invalid", says: "the visit check carries the visited places themselves", edit: rawVisits},
	{name: "bad-document", leads: "claims-invalid", says: "a document number that no authority gives out",
		edit: func(d *draft) { d.Holder.Documents[0].Number = "X000" }},
	{name: "no-offset", leads: "claims-invalid", says: "a sampling time without an offset from UTC",
		edit: func(d *draft) {
			d.change("nucleic-acid", func(test fact) { test["sampled_at"] = strings.TrimSuffix(d.ago(10*time.Hour), "+08:00") })
		}},
	{name: "future-test", leads: "claims-invalid", says: "a test sampled an hour after the packet was made",
		edit: func(d *draft) { d.sampled(-time.Hour) }},
	{name: "milliseconds", leads: "claims-invalid", says: "iat, nbf and exp in milliseconds",
		edit: func(d *draft) { d.IssuedAt, d.NotBefore, d.Expires = d.IssuedAt*1000, d.NotBefore*1000, d.Expires*1000 }},
	{name: "long-life", leads: "claims-invalid", says: "exp a second later than ten minutes after iat",
		edit: func(d *draft) { d.Expires = d.IssuedAt + 601 }},
}

var timeVariants = []variant{
	{name: "expired", leads: "packet-expired", says: "made 20 minutes ago", edit: func(d *draft) { d.shift(-20 * time.Minute) }},
	{name: "not-yet-valid", leads: "not-yet-valid", says: "nbf in five minutes",
		edit: func(d *draft) { d.NotBefore += 300 }},
}

var consentVariants = []variant{
	{name: "wrong-consent", leads: "consent-missing", says: "the hash of another wording",
		edit: func(d *draft) { d.Consent.SHA256 = hexSum([]byte("another wording")) }},
	{name: "old-consent", leads: "consent-expired", says: "consent given half an hour before",
		edit: func(d *draft) { d.Consent.GivenAt = d.ago(30 * time.Minute) }},
	{name: "bundled-consent", leads: "consent-missing", says: "consent ticked together with other matters",
		edit: func(d *draft) { d.Consent.Separate = false }},
	{name: "wrong-route", leads: "wrong-route", says: "consent to the source's other route", strayConsent: true},
	{name: "other-purpose", leads: "consent-missing", says: "consent to something other than code_exchange",
		edit: func(d *draft) { d.Consent.Purpose = "research" }},
}

var colourVariants = []variant{
	{name: "red", leads: "not-green", says: "a red code, confirmed case", edit: colour("red", "confirmed")},
	{name: "yellow", leads: "not-green", says: "a yellow code (Hong Kong: amber)", edit: yellow},
	{name: "none", leads: "source-colour-unavailable", says: "the side shows no colour at all (亮码失败)", edit: colour("none")},
	{name: "close-contact", leads: "not-green", says: "a red code, close contact", edit: colour("red", "close-contact")},
	{name: "conflict", leads: "source-conflict", says: "a green code with a reason for red", edit: colour("green", "close-contact")},
	{name: "data-lag", leads: issued, only: fromGuangdong, says: "a green code whose health status says high risk (S4 Q6)",
		edit: colour("green", "high-risk-status")},
	{name: "other-province", leads: "not-green", only: fromGuangdong, says: "a red code, for another province's red code",
		edit: func(d *draft) {
			colour("red", "other-province")(d)
			d.add(fact{"type": "province-code", "colour": "red", "province": "hunan", "as_of": d.ago(time.Hour)})
		}},
	{name: "sub-code", leads: issued, only: fromMacau, says: "a green code with sub-code g28 (mixed pool positive)",
		edit: func(d *draft) { d.Health.Subcode = "g28" }},
	{name: "old-code", leads: "not-green", says: "a colour that is 20 minutes old",
		edit: func(d *draft) { d.Health.AsOf = d.ago(20 * time.Minute) }},
	{name: "city-code", leads: "not-eligible", only: fromGuangdong, says: "a Guangzhou city code (穗康码) instead of a health code",
		edit: func(d *draft) { d.add(fact{"type": "city-code", "colour": "green", "as_of": d.ago(time.Hour)}) }},
}

var testVariants = []variant{
	{name: "no-test", leads: "not-eligible", says: "no nucleic-acid test", edit: func(d *draft) { d.drop("nucleic-acid") }},
	{name: "stale-test", leads: "not-eligible", says: "sampled 15 days ago",
		edit: func(d *draft) { d.sampled(15 * 24 * time.Hour) }},
	{name: "positive", leads: "not-eligible", says: "a positive test under a code that is still green",
		edit: func(d *draft) { d.tested("positive") }},
	{name: "pending", leads: "not-eligible", says: "a test without a result yet", edit: func(d *draft) { d.tested("pending") }},
	{name: "retest", leads: issued, says: "a positive test ten days ago, and a negative one since",
		edit: func(d *draft) { d.add(test(d.ago(240*time.Hour), "positive", "electronic")) }},
	{name: "paper-test", leads: issued, except: hongKongRoutes("not-eligible"), says: "a test report on paper",
		edit: func(d *draft) { d.change("nucleic-acid", func(test fact) { test["source"] = "paper" }) }},
	{name: "zulu-test", leads: issued, says: "the sampling time written with the offset Z instead of +08:00",
		edit: func(d *draft) {
			d.change("nucleic-acid", func(test fact) {
				test["sampled_at"] = d.at.Add(-10 * time.Hour).UTC().Format(time.RFC3339)
			})
		}},
}

var entryVariants = []variant{
	{name: "yes-symptoms", leads: "not-eligible", into: fromMacau, says: "yes to the entry form's question about symptoms",
		edit: func(d *draft) { d.answer("symptoms", true) }},
	{name: "no-declaration", leads: "not-eligible", into: fromMacau, says: "without the entry form",
		edit: func(d *draft) { d.Declarations = []statements{} }},
	{name: "newest-declaration", leads: issued, into: fromMacau, says: "an older declaration with symptoms, and a newer one without",
		edit: olderDeclaration},
	{name: "risky-card", leads: "not-eligible", says: "a travel card that shows a high-risk area in 14 days, whether or not the route asks for one",
		edit: func(d *draft) { d.add(fact{"type": "travel-card", "risk_area_14d": true, "as_of": d.ago(riskAge)}) }},
	{name: "red-province", leads: "not-eligible", except: outOfGuangdong("not-green"), says: "another province's code is red",
		edit: provinceCodes("red")},
	{name: "older-red-province", leads: issued, says: "another province's code was red, and is green now", edit: provinceCodes("red", "green")},
	{name: "risky-check", leads: "not-eligible", says: "a visit check that found a high-risk place, whether or not the route asks for one",
		edit: func(d *draft) {
			d.add(fact{"type": "visit-check", "at_risk": true, "days": 21, "checked_at": d.ago(riskAge)})
		}},
	{name: "two-results", leads: "not-eligible", says: "a negative and a positive result of one sampling",
		edit: func(d *draft) {
			for _, result := range []string{"negative", "positive"} {
				d.add(fact{"type": "nucleic-acid", "result": result, "sampled_at": d.ago(riskAge), "institution": "Lab", "source": "electronic"})
			}
		}},
	{name: "antibodies", leads: issued, says: "antibodies were found, which say nothing of an infection now",
		edit: func(d *draft) {
			d.add(fact{"type": "antibody-igg", "result": "positive", "sampled_at": d.ago(riskAge), "institution": "Lab", "source": "electronic"})
		}},
	{name: "unvaccinated", leads: "not-eligible", only: fromHongKong, says: "no vaccination record",
		edit: func(d *draft) { d.drop("vaccination") }},
	{name: "no-visit-check", leads: "not-eligible", only: fromHongKong, says: "no visit check",
		edit: func(d *draft) { d.drop("visit-check") }},
	{name: "risky-visit", leads: "not-eligible", only: fromHongKong, says: "the visit check found a high-risk place",
		edit: func(d *draft) { d.change("visit-check", func(check fact) { check["at_risk"] = true }) }},
	{name: "risk-area", leads: "not-eligible", only: fromGuangdong, says: "the travel card shows a high-risk area in 14 days",
		edit: func(d *draft) { d.change("travel-card", func(card fact) { card["risk_area_14d"] = true }) }},
	{name: "convert-first", leads: "convert-first", only: fromGuangdong, into: fromMacau, channel: "h5",
		says: "a Macau resident on 粤康码's page for people who arrive, who never converted the Macau code",
		edit: func(d *draft) { d.drop("conversion") }},
	{name: "converted", leads: issued, only: fromGuangdong, into: fromMacau, channel: "h5",
		says: "the same resident, after converting the Macau code once", edit: func(*draft) {}},
}

var documentVariants = []variant{
	{name: "foreign-passport", leads: "document-not-accepted", says: "a foreign passport", edit: only("foreign-passport", "X1234567")},
	{name: "taiwan-permit", leads: "document-not-accepted", says: "a Taiwan resident's travel permit", edit: only("taiwan-permit", "12345678")},
	{name: "lone-travel-permit", leads: "document-not-accepted", only: fromGuangdong,
		says: "a travel permit to Hong Kong and Macau with nothing beside it that logs in", edit: only("travel-permit", "C12345678")},
	{name: "hongkong-permit", leads: issued, only: fromGuangdong, into: fromMacau, channel: "h5",
		says: "a Hong Kong resident's permit on 粤康码's page for people who arrive, never converted", edit: func(d *draft) {
			d.drop("conversion")
			only("home-return-permit", "H12345678")(d)
		}},
	{name: "other-document", leads: "document-not-accepted", says: "a document of no known type", edit: only("other", "ABC123")},
}

// registryVariants are people as registries hold them.
var registryVariants = []variant{
	{name: "daily-tests", leads: issued, says: "64 pieces of evidence: three tests a day of laboratories with long names, and the longest name", edit: dailyTests},
	{name: "birth-month", leads: issued, says: "a holder whose day of birth no registry knows: 1990-07",
		edit: func(d *draft) { d.Holder.BirthDate = d.Holder.BirthDate[:len("2006-01")] }},
	{name: "birth-year", leads: issued, says: "a holder of whose birth only the year is known, with zeros for the rest: 1990-00-00",
		edit: func(d *draft) { d.Holder.BirthDate = d.Holder.BirthDate[:len("2006")] + "-00-00" }},
	{name: "long-name", leads: issued, says: "a name of 80 Han characters and 200 Latin ones", edit: longName},
}

var familyVariants = []variant{
	{name: "child", leads: issued, says: "a child of eight, shown by a parent who consented", edit: person(childAge, "guardian", "parent")},
	{name: "infant", leads: issued, only: fromHongKong, says: "a child of two without a vaccination record", edit: func(d *draft) {
		person(infantAge, "guardian", "parent")(d)
		d.drop("vaccination")
	}},
	{name: "child-alone", leads: "consent-missing", obstacle: "child-needs-guardian",
		says: "a child of eight who consented alone", edit: person(childAge, "self", "")},
	{name: "child-agent", leads: "consent-missing", obstacle: "child-needs-guardian",
		says: "a child of 13 for whom an agent consented", edit: person(lastChildAge, "agent", "agent")},
	{name: "guardian-unnamed", leads: "consent-missing", obstacle: "guardian-unnamed",
		says: "a child of eight, a guardian's consent, and nobody named as presenter", edit: person(childAge, "guardian", "")},
	{name: "guardian-for-adult", leads: "consent-missing", obstacle: "guardian-for-adult",
		says: "an adult for whom a guardian consented", edit: person(adultAge, "guardian", "parent")},
	{name: "agent-for-adult", leads: "consent-missing", obstacle: "agent-not-allowed",
		says: "an adult under 60 for whom an agent consented", edit: person(adultAge, "agent", "agent")},
	{name: "agent-unnamed", leads: "consent-missing", obstacle: "agent-unnamed",
		says: "a holder of 85, an agent's consent, and nobody named as presenter", edit: person(elderAge, "agent", "")},
	{name: "stray-presenter", leads: "consent-missing", obstacle: "presenter-unexplained",
		says: "an adult who consented in person, shown by a spouse", edit: person(adultAge, "self", "spouse")},
	{name: "elder", leads: issued, says: "a holder of 85 whose child acts as agent", edit: person(elderAge, "agent", "child")},
	{name: "unverified-child", leads: issued, marked: true, except: intoHongKong("not-eligible"),
		says: "a child whom the side has not compared with a document", edit: unverified(childAge, "guardian", "parent")},
	{name: "unverified-minor", leads: issued, marked: true, except: intoHongKong("not-eligible"),
		says: "the same at 15: a minor, who could consent alone", edit: unverified(minorAge, "guardian", "parent")},
	{name: "unverified-minor-alone", leads: "not-eligible", says: "the same at 15 without a guardian", edit: unverified(minorAge, "self", "")},
	{name: "unverified-adult", leads: "not-eligible", says: "a holder of 19 whom the side has not compared with a document",
		edit: unverified(youngAdultAge, "self", "")},
}

// hongKongRoutes is an exception for the four routes from and to Hong Kong, intoHongKong for the two to it.
func hongKongRoutes(leads string) map[string]string {
	return map[string]string{
		"guangdong-hongkong": leads, "macau-hongkong": leads, "hongkong-guangdong": leads, "hongkong-macau": leads,
	}
}

func intoHongKong(leads string) map[string]string {
	return map[string]string{"guangdong-hongkong": leads, "macau-hongkong": leads}
}

// outOfGuangdong is an exception for its two routes to others.
func outOfGuangdong(leads string) map[string]string {
	return map[string]string{"guangdong-hongkong": leads, "guangdong-macau": leads}
}

// riskAge is how old the adverse facts are: newer than what the specimens have of the same type.
const riskAge = 90 * time.Second

// provinceCodes adds codes of one province, the last of them the newest.
func provinceCodes(colours ...string) func(*draft) {
	return func(d *draft) {
		for i, colour := range colours {
			age := riskAge + time.Duration(len(colours)-i)*time.Minute
			d.add(fact{"type": "province-code", "colour": colour, "province": "hunan", "as_of": d.ago(age)})
		}
	}
}

// expected is what should come of the case over a route.
func (v variant) expected(over route) string { return cmp.Or(v.except[over.id()], v.leads) }

func (v variant) appliesTo(over route) bool {
	return (len(v.only) == 0 || slices.Contains(v.only, over.from.id)) && (len(v.into) == 0 || slices.Contains(v.into, over.to.id))
}

func (v variant) routeIDs() []string {
	var ids []string
	for _, over := range routes() {
		if v.appliesTo(over) {
			ids = append(ids, over.id())
		}
	}
	return ids
}

// caseNamed finds a case; an unknown name is a usage error with the nearest one and the whole list.
func caseNamed(name string) (variant, error) {
	var names []string
	nearest, distance := "", len(name)+1
	for _, one := range variants {
		if one.name == name {
			return one, nil
		}
		names = append(names, one.name)
		if d := edits(name, one.name); d < distance {
			nearest, distance = one.name, d
		}
	}
	return variant{}, usagef("no case %q; did you mean %s? There are: %s", name, nearest, strings.Join(names, ", "))
}

// edits is the Levenshtein distance of two short names.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

type casesCommand struct{}

// Run prints one line for each case: name, routes, what it should lead to, what is changed.
func (casesCommand) Run(_ context.Context, std streams) error {
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CASE\tOVER\tLEADS TO\tWHAT IS CHANGED FROM GREEN")
	for _, one := range variants {
		over := strings.Join(one.routeIDs(), " ")
		if len(one.routeIDs()) == len(routes()) {
			over = "all routes"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", one.name, over, one.outcomes(), one.says)
	}
	return table.Flush()
}

func (v variant) outcomes() string {
	text := v.leads
	for _, over := range v.routeIDs() {
		if other := v.except[over]; other != "" {
			text += fmt.Sprintf(" (%s: %s)", over, other)
		}
	}
	return text
}
