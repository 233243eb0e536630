package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// trip is a conversion under way: from the notice of the entry form, where the destination has one, over the form itself
// to the consent, which is given on a page of its own.
type trip struct {
	to       string
	noticed  bool
	declared time.Time
	answers  map[string]bool
	packet   string
	key      string // Idempotency-Key of the packet: a reload asks for the same answer again
	told     bool   // the page has told what became of it
}

// questions are those of the entry form macau-entry/1, in its order.
var questions = []string{"symptoms", "contact_14d", "travel_14d"}

// travel finds the route, and whether everything before this page has been done; if not, the way there.
func (v *visit) travel(after func(trip) bool) (route, string) {
	over, err := newRoute(v.server.side.id, v.r.PathValue("to"))
	if err != nil || !slices.Contains(v.at.to, over.to.id) || v.session.holder == nil {
		return route{}, v.at.path
	}
	if v.session.trip.to != over.to.id || !after(v.session.trip) {
		return route{}, v.on("/to/" + over.to.id)
	}
	return over, ""
}

func always(trip) bool { return true }

// begin starts a conversion at the first of its pages.
func (v *visit) begin() (reply, error) {
	v.session.trip = trip{to: v.r.PathValue("to")}
	over, elsewhere := v.travel(always)
	if elsewhere != "" {
		return reply{to: elsewhere}, nil
	}
	if asksForm(over, v.now) {
		return v.goTo("/to/" + over.to.id + "/notice")
	}
	return v.goTo("/to/" + over.to.id + "/consent")
}

// asksForm tells whether the destination has an entry form that is answered before the packet is made.
func asksForm(over route, now time.Time) bool { return len(greenDeclarations(over, now)) > 0 }

// way is a route as the templates know it: its id and that of its destination.
type way struct{ ID, To string }

func wayOf(over route) way { return way{ID: over.id(), To: over.to.id} }

// tripBody is what the pages of a conversion show.
type tripBody struct {
	Route     way
	Subject   traveller
	Questions []string
	Ports     []string
	Port      string
	Text      consentText
	Sum       string // SHA-256 of the text
	Made      claims // what would be sent
	Check     bool   // the page asks for document and birth date
	Direct    bool
	Action    string
	Packet    string
}

func (v *visit) tripPage(page string, over route) reply {
	return reply{page: page, here: v.on("/to/" + over.to.id + "/" + page), body: tripBody{
		Route: wayOf(over), Subject: *v.session.subject, Questions: questions,
	}}
}

func (v *visit) notice() (reply, error) {
	over, elsewhere := v.travel(always)
	if elsewhere != "" {
		return reply{to: elsewhere}, nil
	}
	return v.tripPage("notice", over), nil
}

func (v *visit) takeNotice() (reply, error) {
	over, elsewhere := v.travel(always)
	if elsewhere != "" {
		return reply{to: elsewhere}, nil
	}
	if v.form.Get("noticed") == "" {
		v.faults["noticed"] = "fault.needed.tick"
		return v.again(v.tripPage("notice", over), nil)
	}
	v.session.trip.noticed = true
	return v.goTo("/to/" + over.to.id + "/declare")
}

func hasNoticed(t trip) bool { return t.noticed }

// declare is the entry form, filled in with what the holder logged in with; the questions are empty.
func (v *visit) declare() (reply, error) {
	over, elsewhere := v.travel(hasNoticed)
	if elsewhere != "" {
		return reply{to: elsewhere}, nil
	}
	who := v.session.subject
	v.form = url.Values{
		"name": {who.Name.Shown()}, "birth_date": {who.BirthDate}, "document": {who.Documents[0].Number}, "phone": {specimenPhone},
	}
	return v.tripPage("declare", over), nil
}

// takeDeclaration keeps the answers. Name, birth date and document must be those of the login: the side signs what it
// knows. The phone stays here and is not kept.
func (v *visit) takeDeclaration() (reply, error) {
	over, elsewhere := v.travel(hasNoticed)
	if elsewhere != "" {
		return reply{to: elsewhere}, nil
	}
	v.compare("name", "birth_date", "document")
	if !isPhone(v.form.Get("phone")) {
		v.faults["phone"] = "fault.phone"
	}
	answers := map[string]bool{}
	for _, one := range questions {
		answers[one] = v.form.Get(one) == "yes"
		if v.form.Get(one) == "" {
			v.faults[one] = "fault.needed.radio"
		}
	}
	if len(v.faults) > 0 {
		return v.again(v.tripPage("declare", over), nil)
	}
	v.session.trip.declared, v.session.trip.answers = v.now, answers
	return v.goTo("/to/" + over.to.id + "/consent")
}

// compare marks those fields in which something else stands than at the login.
func (v *visit) compare(names ...string) {
	for _, name := range names {
		if !v.matches(*v.session.subject, []string{name}) {
			v.faults[name] = "fault.differs"
		}
	}
}

// isReady: where there is an entry form, it has been answered.
func (v *visit) isReady(t trip) bool {
	over, err := newRoute(v.server.side.id, t.to)
	return err == nil && (!asksForm(over, v.now) || !t.declared.IsZero())
}

// consent shows the published text, to the letter, beside an empty tick box and a button of its own (threats T19, PIPL 23,
// 29 and 39).
func (v *visit) consent() (reply, error) {
	over, elsewhere := v.travel(v.isReady)
	if elsewhere != "" {
		return reply{to: elsewhere}, nil
	}
	if !asksForm(over, v.now) {
		who := v.session.subject
		v.form = url.Values{"document": {who.Documents[0].Number}, "birth_date": {who.BirthDate}}
	}
	return v.consentPage(over)
}

func (v *visit) consentPage(over route) (reply, error) {
	texts, err := v.server.gateway.consents(v.r.Context(), over)
	if err != nil {
		return reply{}, unavailable(err)
	}
	text, err := texts.in(v.session.lang, v.now)
	if err != nil {
		return reply{}, unavailable(err)
	}
	shown := v.tripPage("consent", over)
	body, _ := shown.body.(tripBody)
	body.Text, body.Sum = text, hexSum([]byte(text.Text))
	body.Made = v.claims(over, text)
	body.Check, body.Direct = !asksForm(over, v.now), v.at.direct
	body.Ports, body.Port = portsOf(over), v.form.Get("port")
	shown.body = body
	return shown, nil
}

// takeConsent makes the packet, for a consent to the very text that was shown.
func (v *visit) takeConsent() (reply, error) {
	over, elsewhere := v.travel(v.isReady)
	if elsewhere != "" {
		return reply{to: elsewhere}, nil
	}
	shown, err := v.consentPage(over)
	if err != nil {
		return reply{}, err
	}
	body, _ := shown.body.(tripBody)
	if body.Check {
		v.compare("document", "birth_date")
	}
	switch {
	case v.form.Get("agree") == "":
		v.faults["agree"] = "fault.agree"
	case v.form.Get("text_sha256") != body.Sum:
		v.faults["agree"] = "fault.text-changed"
	}
	if !slices.Contains(body.Ports, v.form.Get("port")) {
		v.faults["port"] = "fault.needed.select"
	}
	if len(v.faults) > 0 {
		v.form.Del("agree") // nobody has agreed to what the page shows now
		return v.again(shown, nil)
	}
	if err := v.makePacket(over, body.Text); err != nil {
		return reply{}, err
	}
	if v.at.direct {
		return v.goTo("/result")
	}
	return v.forward(over), nil
}

func (v *visit) makePacket(over route, text consentText) error {
	payload, err := marshal(v.claims(over, text))
	if err != nil {
		return err
	}
	keys, err := v.server.gateway.keys(v.r.Context())
	if err != nil {
		return unavailable(err)
	}
	packet, err := sealPacket(payload, v.server.side, v.server.keys, keys, algorithms{sign: "ES256"})
	if err != nil {
		return refused{status: http.StatusConflict, reason: "no-packet", detail: err.Error()}
	}
	v.session.trip.packet, v.session.trip.key, v.session.trip.told = packet, rand.Text()+rand.Text(), false
	return nil
}

// forward is the page that carries the packet to the gateway, as a form, so that it stands in no address.
func (v *visit) forward(over route) reply {
	v.people.note(*v.session.holder, event{At: v.now, What: "sent", Who: v.session.subject.Name.Shown(), Route: over.id()})
	return reply{page: "forward", here: v.at.path, calls: true, body: tripBody{
		Route: wayOf(over), Packet: v.session.trip.packet,
		Action: fmt.Sprintf("%s/h5/%s?lang=%s", v.server.gateway.base, over.id(), v.session.lang),
	}}
}

// crossings are the ports between two sides, by their tags in alphabetical order.
var crossings = map[string][]string{
	"gd-mo": {"gongbei", "qingmao", "hengqin", "hzmb"},
	"gd-hk": {"shenzhen-bay", "hzmb"},
	"hk-mo": {"hzmb"},
}

// portsOf are the ports to choose from; "" is any.
func portsOf(over route) []string {
	tags := []string{over.from.tag, over.to.tag}
	slices.Sort(tags)
	return append([]string{""}, crossings[strings.Join(tags, "-")]...)
}

// claims are those of the person's packet as of now: the state of the person's case, the consent that was just given, and
// the answers to the form.
func (v *visit) claims(over route, text consentText) claims {
	who := *v.session.subject
	wanted := wish{over: over, terms: terms{
		port: v.form.Get("port"), channel: v.at.channel, language: text.Language, audience: v.server.gatewayURL, at: v.now,
	}}
	made := &draft{at: v.now.In(zone), over: over, claims: wanted.green(text)}
	made.Holder = who.holder
	made.Consent.GivenAt, made.Consent.By = inZone(v.now), who.By
	if who.relation != "" {
		made.Presenter = &presenter{Relation: who.relation}
	}
	made.drop("conversion")
	if at, converted := v.people.convertedAt(who); converted && v.at.channel == "h5" {
		made.add(fact{"type": "conversion", "route": "macau-guangdong", "converted_at": inZone(at)})
	}
	if asksForm(over, v.now) && v.session.trip.answers != nil {
		made.Declarations = []statements{{
			Form: "macau-entry/1", DeclaredAt: inZone(v.session.trip.declared), Answers: v.session.trip.answers,
		}}
	}
	return v.inState(who, made)
}

// inState changes the claims as the person's case says.
func (v *visit) inState(who traveller, made *draft) claims {
	found, err := caseNamed(who.variant)
	if err == nil && found.edit != nil && found.appliesTo(made.over) {
		made.Holder.Documents = slices.Clone(made.Holder.Documents)
		found.edit(made)
	}
	return made.claims
}

// own is what the side itself knows of a person now, for the pages that show its own code.
func (v *visit) own(who traveller) claims {
	over := v.at.routes(v.server.side)[0]
	wanted := wish{over: over, terms: terms{channel: v.at.channel, at: v.now}}
	made := &draft{at: v.now.In(zone), over: over, claims: wanted.green(consentText{})}
	made.Holder = who.holder
	made.drop("conversion")
	return v.inState(who, made)
}
