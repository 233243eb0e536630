package main

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// front is the first page: the login, or once somebody has logged in what they can do.
func (v *visit) front() (reply, error) {
	if v.session.holder == nil {
		v.form = v.prefilled(v.people.specimen(v.at, v.r.URL.Query().Get("specimen")))
		return v.loginPage(), nil
	}
	return reply{page: "home", here: v.at.path, body: v.homeBody()}, nil
}

// loginBody is the login page: the fields of the counter's own login, and the list of invented persons to fill them from.
type loginBody struct {
	Fields    []string
	Specimens []specimenPerson
	Chosen    string
	Texts     bool
	Linked    bool
}

func (v *visit) loginPage() reply {
	return reply{page: "login", here: v.at.path, body: loginBody{
		Fields: v.at.login, Specimens: v.at.specimens, Chosen: v.form.Get("specimen"), Texts: v.at.texts, Linked: v.session.linked,
	}}
}

// prefilled is a login form filled in with an invented person. A link names the person's id in the list, never a number.
func (v *visit) prefilled(who traveller) url.Values {
	first := who.Documents[0]
	if v.at.login[0] == "name" { // Hong Kong asks for its own card, which is the last of the documents
		first = who.Documents[len(who.Documents)-1]
	}
	return url.Values{
		"specimen": {who.specimen}, "name": {who.Name.Shown()}, "document": {first.Number}, "method": {first.Type},
		"birth_date": {who.BirthDate}, "issued_on": {who.issuedOn}, "phone": {specimenPhone},
	}
}

// specimenPhone is no number that anybody has: messages to it go to /inbox.
const specimenPhone = "+853 6000 0000"

// logIn compares what was filled in with the one person whom the document names.
func (v *visit) logIn() (reply, error) {
	for _, name := range v.at.login {
		if strings.TrimSpace(v.form.Get(name)) == "" {
			v.faults[name] = "fault.needed." + fields[name].Kind
		}
	}
	if slices.Contains(v.at.login, "phone") && v.faults["phone"] == "" && !isPhone(v.form.Get("phone")) {
		v.faults["phone"] = "fault.phone"
	}
	if len(v.faults) > 0 {
		return v.again(v.loginPage(), nil)
	}
	who, known := v.people.find(v.at, func(one traveller) bool { return v.matches(one, v.at.login) })
	if v.at.texts {
		return v.textLogin(who, known)
	}
	if !known {
		v.faults["document"] = "fault.nobody"
		return v.again(v.loginPage(), nil)
	}
	v.session.become(who)
	v.renew()
	return v.goTo("")
}

// matches compares a person with what stands in those fields of the form that are about persons.
func (v *visit) matches(one traveller, named []string) bool {
	is := map[string]func(string) bool{
		"document":   func(given string) bool { return one.has(given, v.form.Get("method")) },
		"birth_date": one.isBorn,
		"issued_on":  func(given string) bool { return given == one.issuedOn },
		"name":       one.Name.is,
	}
	for _, name := range named {
		if compare := is[name]; compare != nil && !compare(v.form.Get(name)) {
			return false
		}
	}
	return true
}

// phonePattern takes the numbers of the three places, with or without a country code.
var phonePattern = regexp.MustCompile(`^\+?[0-9]{8,15}$`)

func isPhone(given string) bool { return phonePattern.MatchString(tidyPhone(given)) }

func tidyPhone(given string) string { return strings.NewReplacer(" ", "", "-", "").Replace(given) }

func (v *visit) logOut() (reply, error) {
	lang, look := v.session.lang, v.session.look
	v.sessions.end(v.session)
	v.session.mu.Unlock()
	v.start()
	v.session.lang, v.session.look = lang, look
	return v.goTo("")
}

// homeBody is what somebody who has logged in can do, and for whom.
type homeBody struct {
	Holder   traveller
	Subject  traveller
	Family   []traveller
	Chosen   int // in Family; -1: the holder
	Routes   []way
	Brought  bool // a code that came with a handoff
	Health   health
	Evidence []fact
}

func (v *visit) homeBody() homeBody {
	family := v.people.family(*v.session.holder)
	own := v.own(*v.session.subject)
	_, brought := v.people.broughtBy(*v.session.subject, v.now)
	return homeBody{
		Holder: *v.session.holder, Subject: *v.session.subject, Family: family, Routes: v.ways(),
		Chosen: slices.IndexFunc(family, func(one traveller) bool { return one.Key() == v.session.subject.Key() }),
		Health: own.Health, Evidence: own.Evidence, Brought: brought,
	}
}

func (v *visit) ways() []way {
	var all []way
	for _, over := range v.at.routes(v.server.side) {
		all = append(all, wayOf(over))
	}
	return all
}

// routes are the ways that a counter converts to.
func (c counter) routes(from side) []route {
	var all []route
	for _, over := range routes() {
		if over.from.id == from.id && slices.Contains(c.to, over.to.id) {
			all = append(all, over)
		}
	}
	return all
}

// chooseSubject says whose code the next pages are about: the holder's own, or that of one of the family.
func (v *visit) chooseSubject() (reply, error) {
	v.session.subject, v.session.trip = v.session.holder, trip{}
	if v.session.holder == nil {
		return v.goTo("")
	}
	for _, one := range v.people.family(*v.session.holder) {
		if one.Key() == v.form.Get("subject") {
			v.session.subject = &one
		}
	}
	return v.goTo("")
}

// show is 亮码: it is remembered, failures included, and then shown.
func (v *visit) show() (reply, error) {
	if v.session.holder == nil {
		return v.goTo("")
	}
	shown := v.own(*v.session.subject).Health
	failed := shown.Colour == "none"
	done := event{At: v.now, What: "shown", Who: v.session.subject.Name.Shown(), Failed: failed, Reason: shown.Colour}
	if with, brought := v.people.broughtBy(*v.session.subject, v.now); brought {
		done = event{At: v.now, What: "shown-brought", Who: done.Who, Route: with.Route}
	}
	v.people.note(*v.session.holder, done)
	return v.goTo("/shown")
}

// shownBody is a code on the screen: the side's own colour code, or the code that came with a handoff.
type shownBody struct {
	Subject traveller
	Health  health
	At      time.Time
	QR      qrImage
	Brought *arrival
	Until   time.Time
	Texted  bool // the guidance message has just been sent
}

func (v *visit) shown() (reply, error) {
	if v.session.holder == nil {
		return v.goTo("")
	}
	shown := shownBody{Subject: *v.session.subject, Health: v.own(*v.session.subject).Health, At: v.now}
	text := "SIMULATION " + v.server.side.id + " " + shown.Health.Colour + " " + newID()
	if with, brought := v.people.broughtBy(shown.Subject, v.now); brought {
		shown.Brought, text = &with, qrTextOf(with.Code)
		shown.Texted = v.session.landed != nil
		shown.Until, _ = time.Parse(time.RFC3339, with.ValidUntil)
	}
	var err error
	shown.QR, err = newQRImage(text)
	return reply{page: "shown", here: v.on("/shown"), body: shown}, err
}

// familyBody is the list of members and the form that adds one.
type familyBody struct {
	Members []traveller
	Example string
}

func (v *visit) family() (reply, error) {
	if v.session.holder == nil {
		return v.goTo("")
	}
	kind := "child"
	if v.r.URL.Query().Get("example") == "elder" {
		kind = "elder"
	}
	v.form = v.exampleMember(kind)
	return v.familyPage(kind), nil
}

func (v *visit) familyPage(example string) reply {
	return reply{page: "family", here: v.on("/family"), body: familyBody{
		Members: v.people.family(*v.session.holder), Example: example,
	}}
}

// ages are those of the invented members of a family.
var ages = map[string]int{"child": childAge, "elder": elderAge}

// exampleMember is an invented child or elder with a document of the kind that the holder has.
func (v *visit) exampleMember(kind string) url.Values {
	named := families[v.server.side.id]
	names := map[string]name{"child": named.child, "elder": named.elder}
	birth := born(v.now, ages[kind])
	index := 30 + len(v.people.family(*v.session.holder))
	papers := v.at.papers(v.session.holder.specimen)(index, birth)
	return url.Values{
		"kind": {kind}, "name": {names[kind].Shown()}, "birth_date": {birth}, "document": {papers[0].Number},
	}
}

// addMember adds a child or an elder. Whose document nobody has compared is unverified, and has a code on white (S4).
func (v *visit) addMember() (reply, error) {
	if v.session.holder == nil {
		return v.goTo("")
	}
	kind := v.form.Get("kind")
	birth, err := time.Parse(time.DateOnly, v.form.Get("birth_date"))
	age := wholeYears(birth, v.now.In(zone))
	switch {
	case err != nil || age < 0 || age > 130:
		v.faults["birth_date"] = "fault.date"
	case kind == "child" && age >= 18:
		v.faults["birth_date"] = "fault.no-child"
	case kind == "elder" && age < 60:
		v.faults["birth_date"] = "fault.no-elder"
	}
	for _, name := range []string{"kind", "name", "document"} {
		if given := v.form.Get(name); strings.TrimSpace(given) == "" || len([]rune(given)) > maxFieldText {
			v.faults[name] = "fault.needed." + fields[name].Kind
		}
	}
	if len(v.faults) > 0 {
		return v.again(v.familyPage(kind), nil)
	}
	if !v.people.join(*v.session.holder, v.member(kind)) {
		v.faults["name"] = "fault.full"
		return v.again(v.familyPage(kind), nil)
	}
	return v.goTo("/family")
}

// member is the person of the form: shown by the parent or child who has logged in, who also consents.
func (v *visit) member(kind string) traveller {
	added := traveller{
		holder: holder{
			Documents: []document{{v.session.holder.Documents[0].Type, v.form.Get("document")}}, BirthDate: v.form.Get("birth_date"),
			Name: splitName(v.form.Get("name")), Assurance: "unverified",
		},
		variant: "green", relation: "parent", By: "guardian",
	}
	if kind == "elder" {
		added.relation, added.By = "child", "agent"
	}
	if v.form.Get("verified") != "" {
		added.Assurance = "verified"
	}
	return added
}

// splitName takes the words with Han characters for the Han name and the others for the Latin one.
func splitName(written string) name {
	var han, latin []string
	for _, word := range strings.Fields(written) {
		if strings.ContainsFunc(word, func(r rune) bool { return r >= 0x3400 && r < 0xA000 }) {
			han = append(han, word)
		} else {
			latin = append(latin, word)
		}
	}
	return name{Han: strings.Join(han, ""), Latin: strings.Join(latin, " ")}
}

func wholeYears(birth, now time.Time) int {
	years := now.Year() - birth.Year()
	if now.Month() < birth.Month() || now.Month() == birth.Month() && now.Day() < birth.Day() {
		years--
	}
	return years
}

func (v *visit) history() (reply, error) {
	if v.session.holder == nil {
		return v.goTo("")
	}
	return reply{page: "history", here: v.on("/history"), body: v.people.last(*v.session.holder, v.now)}, nil
}

// showInbox is the phone of this side's travellers: every text message that the pages have sent.
func (v *visit) showInbox() (reply, error) {
	return reply{page: "inbox", here: "/inbox", status: http.StatusOK, body: v.inbox.all()}, nil
}
