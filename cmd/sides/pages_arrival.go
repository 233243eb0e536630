package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// landed is a traveller who has come with a handoff and has not yet answered this side's own form.
type landed struct {
	arrival
	done bool
}

// usedHandoffs are the receipts whose handoffs have been opened here, so that each works once.
type usedHandoffs struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// take is false for a handoff that has been taken before. A handoff lives ten minutes; it is remembered for an hour.
func (u *usedHandoffs) take(receipt string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for other, until := range u.until {
		if now.After(until) {
			delete(u.until, other)
		}
	}
	if _, before := u.until[receipt]; before {
		return false
	}
	u.until[receipt] = now.Add(time.Hour)
	return true
}

// land opens the handoff that the gateway's page sends as a form, checks it against the receipt, and leads to the form.
func (v *visit) land() (reply, error) {
	from := v.r.Header.Get("Origin")
	if from != "" && from != originOf(v.server.gateway.base) && from != originOf(v.server.ownURL) {
		return reply{}, refused{status: http.StatusForbidden, reason: "origin-refused"}
	}
	found, err := v.server.handoff(v.r)
	if err != nil {
		return reply{}, err
	}
	arrived, _ := found.(arrival)
	if !v.used.take(arrived.ReceiptID, v.now) {
		return reply{}, refused{status: http.StatusConflict, reason: "handoff-used"}
	}
	v.session.landed = &landed{arrival: arrived}
	return v.goTo("/arrival")
}

// who is the person of a handoff, as far as the gateway vouches for it. Whom the other side has not compared with the
// document is not verified here either: filling in a form compares nothing.
func (l landed) who() traveller {
	return traveller{
		holder: holder{
			Documents: l.Documents, BirthDate: l.BirthDate, Name: name{Han: l.Name["han"], Latin: l.Name["latin"]}, Assurance: l.Assurance,
		},
		specimen: "arrived", variant: "green", By: "self",
	}
}

// arrivalBody is the form of people who arrive: what came with the handoff, and what this side asks beyond it.
type arrivalBody struct {
	Arrival  arrival
	Who      traveller
	Asks     []string
	Question string // the captcha in words; empty: the picture
	Texted   bool
	Until    time.Time
}

func (v *visit) arrival() (reply, error) {
	if v.session.landed == nil || v.session.landed.done {
		return v.goTo("")
	}
	asked := v.r.URL.Query().Get("captcha")
	if asked != "" || v.session.captcha.answer == "" {
		v.session.captcha.renew(asked == "words")
	}
	v.form = url.Values{"phone": {specimenPhone}}
	return v.arrivalPage(), nil
}

func (v *visit) arrivalPage() reply {
	arrived := v.session.landed.arrival
	until, _ := time.Parse(time.RFC3339, arrived.ValidUntil)
	return reply{page: "arrival", here: v.on("/arrival"), body: arrivalBody{
		Arrival: arrived, Who: v.session.landed.who(), Asks: arrived.Asks, Until: until,
		Question: v.session.captcha.question(v.session.lang), Texted: v.session.sms != nil,
	}}
}

// takeArrival is the form's two buttons: one has a code texted, for a captcha; the other sends the form, with that code.
func (v *visit) takeArrival() (reply, error) {
	if v.session.landed == nil || v.session.landed.done {
		return v.goTo("")
	}
	if !isPhone(v.form.Get("phone")) {
		v.faults["phone"] = "fault.phone"
	}
	switch v.form.Get("do") {
	case "picture", "words": // another question, and nothing of the form is lost
		clear(v.faults)
		v.session.captcha.renew(v.form.Get("do") == "words")
		v.form.Del("captcha")
		return v.arrivalPage(), nil
	case "text":
		return v.textArrival()
	}
	v.checkArrival()
	if len(v.faults) > 0 {
		return v.again(v.arrivalPage(), nil)
	}
	return v.admit()
}

func (v *visit) textArrival() (reply, error) {
	if v.faults["phone"] == "" {
		if wrong := v.session.captcha.take(v.form.Get("captcha"), v.now); wrong != "" {
			v.faults["captcha"] = wrong
		} else if !v.textCode(tidyPhone(v.form.Get("phone"))) {
			v.faults["phone"] = "fault.sms-many"
		}
	}
	v.form.Del("captcha")
	if len(v.faults) > 0 {
		return v.again(v.arrivalPage(), nil)
	}
	return v.arrivalPage(), nil
}

// checkArrival checks what the side asks for. The code of the message is looked at last: each look is one of its few tries.
func (v *visit) checkArrival() {
	asked := v.session.landed.Asks
	if slices.Contains(asked, "destination_city") && (v.form.Get("city") == "" || !slices.Contains(cities, v.form.Get("city"))) {
		v.faults["city"] = "fault.needed.select"
	}
	where := strings.TrimSpace(v.form.Get("address"))
	wanted := slices.Contains(asked, "street_address") || slices.Contains(asked, "address")
	if length := len([]rune(where)); wanted && (length < 5 || length > maxFieldText) {
		v.faults["address"] = "fault.address"
	}
	if slices.Contains(asked, "sms_code") && len(v.faults) == 0 {
		if wrong := v.session.sms.take(v.form.Get("sms_code"), tidyPhone(v.form.Get("phone")), v.now); wrong != "" {
			v.faults["sms_code"] = wrong
		}
	}
}

// admit remembers who has come, sends the guidance message, and shows the code: here, or in the side's own app to those
// who have that.
func (v *visit) admit() (reply, error) {
	arrived := v.session.landed
	who, phone := arrived.who(), tidyPhone(v.form.Get("phone"))
	arrived.done = true
	v.people.arrive(who, arrived.arrival, v.now)
	v.people.note(who, event{At: v.now, What: "arrived", Who: who.Name.Shown(), Route: arrived.Route, Receipt: arrived.ReceiptID})
	v.people.keepPhone(who, phone)
	v.sendGuidance(phone)
	v.session.become(who)
	v.renew()
	if slices.Contains(v.at.app, who.Documents[0].Type) {
		return v.goTo("/submitted")
	}
	return v.goTo("/shown")
}

// submitted is what those see who show their code in the side's own app.
func (v *visit) submitted() (reply, error) {
	if v.session.landed == nil || !v.session.landed.done {
		return v.goTo("")
	}
	return reply{page: "submitted", here: v.on("/submitted"), body: v.session.landed.arrival}, nil
}
