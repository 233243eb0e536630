package main

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// A code of a text message works once, for smsLife, and for so many tries; a phone gets so many messages in an hour.
const (
	smsLife       = 5 * time.Minute
	maxSMSTries   = 3
	maxSMSAnHour  = 10
	maxMessages   = 100
	guidanceLife  = 7 * 24 * time.Hour
	maxCaptchas   = 10
	captchaPause  = 10 * time.Minute
	captchaDigits = 5
)

// message is a text message in the local inbox. Nothing is sent anywhere.
type message struct {
	At       time.Time
	To, Text string
	Link     string
}

// inbox holds the newest messages, and to whom the links in them lead.
type inbox struct {
	mu       sync.Mutex
	messages []message
	links    map[string]time.Time // opaque and random, with its end; it leads to a login and says nothing of anybody
}

func (i *inbox) all() []message {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]message(nil), i.messages...)
}

// send puts a message into the inbox, unless the phone has had too many.
func (i *inbox) send(one message) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	recent := 0
	for _, other := range i.messages {
		if other.To == one.To && one.At.Sub(other.At) < time.Hour {
			recent++
		}
	}
	if recent >= maxSMSAnHour {
		return false
	}
	i.messages = append([]message{one}, i.messages...)
	i.messages = i.messages[:min(len(i.messages), maxMessages)]
	return true
}

// link makes the end of an address for a message.
func (i *inbox) link(now time.Time) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.links == nil || len(i.links) >= maxMessages {
		i.links = map[string]time.Time{}
	}
	made := rand.Text()
	i.links[made] = now.Add(guidanceLife)
	return made
}

func (i *inbox) leads(link string, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	until, known := i.links[link]
	return known && now.Before(until)
}

// smsCode is the code of a message, for one phone.
type smsCode struct {
	code, phone string
	until       time.Time
	tries       int
}

// textCode sends a new code, which puts an end to the one before.
func (v *visit) textCode(phone string) bool {
	number, _ := rand.Int(rand.Reader, big.NewInt(1_000_000)) // does not fail (Go 1.24 and later)
	made := &smsCode{code: fmt.Sprintf("%06d", number), phone: phone, until: v.now.Add(smsLife)}
	v.session.sms = nil
	if !v.inbox.send(message{At: v.now, To: phone, Text: textIn(v.session.lang, "sms.code."+v.at.name, "{code}", made.code)}) {
		return false
	}
	v.session.sms = made
	return true
}

// take tells whether this is the code, and if not the text of what is wrong.
func (c *smsCode) take(given, phone string, now time.Time) (wrong string) {
	switch {
	case c == nil:
		return "fault.sms-none"
	case c.tries >= maxSMSTries:
		return "fault.sms-tries"
	case now.After(c.until):
		return "fault.sms-late"
	case c.phone != phone:
		return "fault.sms-phone"
	}
	c.tries++
	if subtle.ConstantTimeCompare([]byte(given), []byte(c.code)) == 1 {
		c.tries = maxSMSTries // once
		return ""
	}
	if c.tries >= maxSMSTries {
		return "fault.sms-tries"
	}
	return "fault.sms-wrong"
}

// textLogin is the first half of a login by phone. What it answers does not tell whether there is such a person with such
// a phone; only the code does.
func (v *visit) textLogin(who traveller, known bool) (reply, error) {
	phone := tidyPhone(v.form.Get("phone"))
	v.session.waiting, v.session.sms = nil, nil
	if known && v.people.reachable(who, phone) {
		v.session.waiting = &who
		if !v.textCode(phone) {
			v.faults["phone"] = "fault.sms-many"
			return v.again(v.loginPage(), nil)
		}
	}
	return v.goTo("/sms")
}

func (v *visit) askSMS() (reply, error) {
	if v.session.holder != nil {
		return v.goTo("")
	}
	return reply{page: "sms", here: v.on("/sms")}, nil
}

func (v *visit) checkSMS() (reply, error) {
	who, sms := v.session.waiting, v.session.sms
	wrong := "fault.sms-wrong"
	if who != nil && sms != nil {
		wrong = sms.take(v.form.Get("sms_code"), sms.phone, v.now)
	}
	if wrong != "" {
		v.faults["sms_code"] = wrong
		return v.again(v.askSMS())
	}
	v.people.keepPhone(*who, sms.phone)
	v.session.become(*who)
	v.renew()
	return v.goTo("")
}

// sendGuidance tells the traveller, as S0 has it, how to come back: a link to the login that must be kept.
func (v *visit) sendGuidance(phone string) {
	address := v.server.ownURL + v.at.landing + "/m/" + v.inbox.link(v.now)
	v.inbox.send(message{At: v.now, To: phone, Text: textIn(v.session.lang, "sms.guidance"), Link: address})
}

// followLink leads from the message to the login; what the link cannot do is log anybody in.
func (v *visit) followLink() (reply, error) {
	if !v.inbox.leads(v.r.PathValue("link"), v.now) {
		return reply{}, refused{status: http.StatusNotFound, reason: "no-link"}
	}
	v.session.linked = true
	return v.goTo("")
}
