package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// traveller is somebody whose code the pages can show or convert.
type traveller struct {
	holder
	// specimen is the id in the page's list, variant the case of cases.go that is this person's state.
	specimen, variant string
	issuedOn          string // of the first document; asked in Hong Kong
	relation, By      string // of the presenter to this person, and who consents: "" and "self" for themselves
}

// Key is the document that stands for the person: of a home return permit the part that is for life, as in facts.md §1.4.
func (p traveller) Key() string {
	if len(p.Documents) == 0 {
		return ""
	}
	return canonicalNumber(p.Documents[0])
}

// canonicalNumber is a number without what people write or leave out: spaces, brackets, case, a permit's reissue count.
func canonicalNumber(of document) string {
	number := tidyNumber(of.Number)
	if of.Type == "home-return-permit" && len(number) > 9 {
		number = number[:9]
	}
	return number
}

func tidyNumber(number string) string {
	return strings.NewReplacer(" ", "", "(", "", ")", "", "（", "", "）", "", "/", "", "-", "").Replace(strings.ToUpper(number))
}

// has finds the person's document with this number, of this type or, with no type, of any.
func (p traveller) has(number, kind string) bool {
	for _, one := range p.Documents {
		given := canonicalNumber(document{Type: one.Type, Number: number})
		if given == canonicalNumber(one) && (kind == "" || kind == one.Type) {
			return true
		}
	}
	return false
}

// knownBirth is the known part of a birth date. Registries hold people whose day or month of birth nobody knows, and some write 00
// for it: "1950-00-00" is "1950".
func knownBirth(date string) string {
	return strings.TrimSuffix(strings.TrimSuffix(date, "-00"), "-00")
}

// isBorn tells whether somebody wrote this birth date, or a day within as much of it as is known.
func (h holder) isBorn(written string) bool {
	known := knownBirth(h.BirthDate)
	rest, within := strings.CutPrefix(knownBirth(written), known)
	return known != "" && within && (rest == "" || rest[0] == '-')
}

// Shown is a name in every script that it is known in.
func (n name) Shown() string { return strings.TrimSpace(n.Han + " " + n.Latin) }

// is tells whether somebody wrote this name, in either script.
func (n name) is(written string) bool {
	written = strings.Join(strings.Fields(written), " ")
	return written != "" && (written == n.Han || strings.EqualFold(written, n.Latin) || strings.EqualFold(written, n.Shown()))
}

// specimenPerson is a person of a page's list. Each is in the state of a case of cases.go, so that what the gateway makes
// of it can be looked up there.
type specimenPerson struct {
	ID, variant string
	papers      func(index int, birth string) []document
	converted   bool // has converted a Macau code to a Guangdong code three days ago
}

var macauSpecimens = []specimenPerson{
	{ID: "green", variant: "green", papers: macauPapers}, {ID: "mainlander", variant: "green", papers: mainlandPapers},
	{ID: "stale-test", variant: "stale-test", papers: macauPapers}, {ID: "no-test", variant: "no-test", papers: macauPapers},
	{ID: "positive", variant: "positive", papers: macauPapers}, {ID: "close-contact", variant: "close-contact", papers: macauPapers},
	{ID: "yellow", variant: "yellow", papers: macauPapers}, {ID: "none", variant: "none", papers: macauPapers},
	{ID: "conflict", variant: "conflict", papers: macauPapers},
	{ID: "foreign-passport", variant: "foreign-passport", papers: macauPapers},
}

var hongKongSpecimens = []specimenPerson{
	{ID: "green", variant: "green", papers: hongKongPapers}, {ID: "stale-test", variant: "stale-test", papers: hongKongPapers},
	{ID: "paper-test", variant: "paper-test", papers: hongKongPapers}, {ID: "unvaccinated", variant: "unvaccinated", papers: hongKongPapers},
	{ID: "no-visit-check", variant: "no-visit-check", papers: hongKongPapers}, {ID: "risky-visit", variant: "risky-visit", papers: hongKongPapers},
	{ID: "yellow", variant: "yellow", papers: hongKongPapers}, {ID: "close-contact", variant: "close-contact", papers: hongKongPapers},
	{ID: "none", variant: "none", papers: hongKongPapers},
}

var miniSpecimens = []specimenPerson{
	{ID: "green", variant: "green", papers: mainlandPapers}, {ID: "permit-holder", variant: "green", papers: macauPapers},
	{ID: "passport-holder", variant: "green", papers: passportPapers}, {ID: "stale-test", variant: "stale-test", papers: mainlandPapers},
	{ID: "close-contact", variant: "close-contact", papers: mainlandPapers},
	{ID: "other-province", variant: "other-province", papers: mainlandPapers},
	{ID: "risk-area", variant: "risk-area", papers: mainlandPapers}, {ID: "data-lag", variant: "data-lag", papers: mainlandPapers},
	{ID: "city-code", variant: "city-code", papers: mainlandPapers}, {ID: "none", variant: "none", papers: mainlandPapers},
}

var ykmSpecimens = []specimenPerson{
	{ID: "green", variant: "green", papers: permitPapers}, {ID: "converted", variant: "green", papers: permitPapers, converted: true},
	{ID: "stale-test", variant: "stale-test", papers: permitPapers, converted: true},
	{ID: "close-contact", variant: "close-contact", papers: permitPapers, converted: true},
}

func macauPapers(index int, _ string) []document {
	return []document{
		{"home-return-permit", fmt.Sprintf("M%08d01", 12345678+index)}, {"macau-bir", fmt.Sprintf("12345%02d(8)", 67+index)},
	}
}

func permitPapers(index int, birth string) []document { return macauPapers(index, birth)[:1] }

func hongKongPapers(index int, _ string) []document {
	return []document{{"home-return-permit", fmt.Sprintf("H%08d02", 12345678+index)}, {"hkid", hkid(123456 + index)}}
}

func mainlandPapers(index int, birth string) []document {
	return []document{
		{"resident-id", residentNumber("440106", birth, fmt.Sprintf("%03d", 801+2*index))}, {"travel-permit", fmt.Sprintf("C%08d", 12345678+index)},
	}
}

func passportPapers(index int, _ string) []document {
	return []document{{"chinese-passport", fmt.Sprintf("E%08d", 12345678+index)}}
}

// hkid makes a Hong Kong identity card number of prefix A: weights 9 to 2 over blank, letter and digits, modulo 11.
func hkid(digits int) string {
	number := fmt.Sprintf("%06d", digits)
	sum := 36*9 + 10*8
	for i, digit := range number {
		sum += int(digit-'0') * (7 - i)
	}
	return fmt.Sprintf("A%s(%c)", number, "0123456789A"[(11-sum%11)%11])
}

// The names of a list: 样 means specimen, and the ten stems count them.
var (
	stems   = []rune("甲乙丙丁戊己庚辛壬癸")
	pinyin  = []string{"JIA", "YI", "BING", "DING", "WU", "JI", "GENG", "XIN", "REN", "GUI"}
	yueying = []string{"KAP", "UT", "PENG", "TENG", "MOU", "KEI", "KANG", "SAN", "IAM", "KWAI"}
)

// specimenName is a name as it is usual where the first document is given out.
func specimenName(papers []document, index int) name {
	switch {
	case papers[0].Type != "home-return-permit":
		return name{Han: "李样" + string(stems[index]), Latin: "LI YANG" + pinyin[index]}
	case strings.HasPrefix(papers[0].Number, "H"):
		return name{Han: "黃樣" + string(stems[index]), Latin: "WONG YEUNG " + yueying[index]}
	default:
		return name{Han: "陳樣" + string(stems[index]), Latin: "CHAN IEONG " + yueying[index]}
	}
}

// The most persons who arrive, members of a family and events that are remembered; for how long events are.
const (
	maxArrived  = 500
	maxMembers  = 8
	maxEvents   = 100
	historyLife = 3 * 24 * time.Hour
)

// register is what a side knows of people. It forgets everything when the process ends.
type register struct {
	mu        sync.Mutex
	listed    map[string][]traveller // by counter
	arrived   map[string]traveller
	phones    map[string]string
	converted map[string]time.Time // from Macau to Guangdong
	members   map[string][]traveller
	events    map[string][]event
	received  map[string]arrival
}

func newRegister(of side, now time.Time) *register {
	r := &register{
		listed: map[string][]traveller{}, arrived: map[string]traveller{}, phones: map[string]string{}, converted: map[string]time.Time{},
		members: map[string][]traveller{}, events: map[string][]event{}, received: map[string]arrival{},
	}
	for _, at := range counters[of.id] {
		for i, one := range at.specimens {
			made := newSpecimen(one, i, now)
			r.listed[at.name] = append(r.listed[at.name], made)
			if one.converted {
				r.converted[made.Key()] = now.Add(-conversionAge)
			}
		}
	}
	return r
}

func newSpecimen(one specimenPerson, index int, now time.Time) traveller {
	birth := now.In(zone).AddDate(-adultAge, -1, -index).Format(time.DateOnly)
	papers := one.papers(index, birth)
	return traveller{
		holder: holder{
			Documents: papers, BirthDate: birth, Name: specimenName(papers, index), Assurance: "verified",
		},
		specimen: one.ID, variant: one.variant, By: "self", issuedOn: fmt.Sprintf("2018-05-%02d", 1+index),
	}
}

// papers are the kinds of document that the person of this id in the list has; one who is not in it came with a permit.
func (c counter) papers(id string) func(int, string) []document {
	for _, one := range c.specimens {
		if one.ID == id {
			return one.papers
		}
	}
	return permitPapers
}

// specimen is the person of this id in a counter's list; the first one for an id that is not in it.
func (r *register) specimen(at counter, id string) traveller {
	for _, one := range r.listed[at.name] {
		if one.specimen == id {
			return one
		}
	}
	return r.listed[at.name][0]
}

// find is the one person, of those listed and those who arrived, for whom the test holds.
func (r *register) find(at counter, holds func(traveller) bool) (traveller, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.listed[at.name] {
		if holds(one) {
			return one, true
		}
	}
	for _, one := range r.arrived {
		if at.landing != "" && holds(one) {
			return one, true
		}
	}
	return traveller{}, false
}

// firstConversions are the routes that somebody must have come by once before the code of the page that they arrived at
// can be converted back.
var firstConversions = map[string]bool{"macau-guangdong": true}

// arrive remembers somebody who has come with a handoff, with the code that they brought. Whoever is in a list already
// stays in the state of that list.
func (r *register) arrive(who traveller, with arrival, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.arrived) >= maxArrived {
		clear(r.arrived)
		clear(r.received)
	}
	r.arrived[who.Key()] = who
	r.received[who.Key()] = with
	if firstConversions[with.Route] {
		r.converted[who.Key()] = now
	}
}

// broughtBy is the code that somebody came with, as long as it is valid.
func (r *register) broughtBy(who traveller, now time.Time) (arrival, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	with, known := r.received[who.Key()]
	until, err := time.Parse(time.RFC3339, with.ValidUntil)
	return with, known && err == nil && now.Before(until)
}

// convertedAt is when somebody first converted a Macau code to a Guangdong code here.
func (r *register) convertedAt(who traveller) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, known := r.converted[who.Key()]
	return at, known
}

// reachable tells whether a text message may go to this phone for this person: their own, or their first.
func (r *register) reachable(who traveller, phone string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.phones[who.Key()]
	return known == "" || known == phone
}

func (r *register) keepPhone(who traveller, phone string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.phones) < maxArrived {
		r.phones[who.Key()] = phone
	}
}

// family is whom somebody has added.
func (r *register) family(of traveller) []traveller {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]traveller(nil), r.members[of.Key()]...)
}

// join adds somebody to a family, unless it is full.
func (r *register) join(of, member traveller) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members[of.Key()]) >= maxMembers {
		return false
	}
	r.members[of.Key()] = append(r.members[of.Key()], member)
	return true
}

// event is one line of a holder's history.
type event struct {
	At      time.Time
	What    string // the text event.<What>
	Who     string
	Route   string
	Failed  bool
	Reason  string // the gateway's or the colour's
	Receipt string // the receipt's id
}

// note adds an event. One with a receipt that is there already is the same one, told again after a reload.
func (r *register) note(of traveller, one event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.events[of.Key()]
	for _, other := range kept {
		if one.Receipt != "" && other.Receipt == one.Receipt {
			return
		}
	}
	kept = append([]event{one}, kept...)
	r.events[of.Key()] = kept[:min(len(kept), maxEvents)]
}

// last are the events of the last three days, the newest first.
func (r *register) last(of traveller, now time.Time) []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var recent []event
	for _, one := range r.events[of.Key()] {
		if now.Sub(one.At) <= historyLife {
			recent = append(recent, one)
		}
	}
	return recent
}
