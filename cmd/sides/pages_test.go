package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheMacauPageMakesAPacketForTheVeryTextThatWasShown(t *testing.T) {
	w := walk(t, "macau")
	w.enter("/code", "green").sees(200, "/code", "Download personal data to apply for the Yuekang Code")
	w.get("/code/to/guangdong").sees(200, "/code/to/guangdong/consent", wording("macau-guangdong", "en"))
	if strings.Contains(w.find(`(<input type="checkbox" id="agree"[^>]*>)`), "checked") {
		t.Error("the tick is there before anybody has ticked")
	}
	w.submit("consent").sees(422, "/code/to/guangdong/consent", "tick the box if you agree")
	w.submit("consent", "agree", "yes", "birth_date", "1990-01-01").sees(422, "/code/to/guangdong/consent", "not what you logged in with")
	w.get("/code/to/guangdong").submit("consent", "agree", "yes", "text_sha256", hexSum([]byte("another"))).sees(422, "/code/to/guangdong/consent", "the text has changed")
	if strings.Contains(w.find(`(<input type="checkbox" id="agree"[^>]*>)`), "checked") {
		t.Error("the tick stays for a text that nobody has seen")
	}
	w.get("/code/to/guangdong").submit("consent", "agree", "yes", "port", "nowhere").sees(422, "/code/to/guangdong/consent", "choose one")
	w.submit("consent", "agree", "yes", "port", "gongbei").sees(200, "/code/to/guangdong/consent")
	action, values := w.form("forward")
	if want := w.gateway.server.URL + "/h5/macau-guangdong?lang=en"; action != want || len(values) != 1 {
		t.Errorf("the packet goes to %s with %d fields, want %s with one", action, len(values), want)
	}
	if policy := w.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' "+w.gateway.server.URL+";") {
		t.Errorf("the policy does not let the form go there: %s", policy)
	}
	made := w.sealedClaims(values.Get("packet"))
	sum := hexSum([]byte(wording("macau-guangdong", "en")))
	if made.Consent != (consent{Text: "macau-guangdong/1", SHA256: sum, Language: "en", GivenAt: inZone(noon), Purpose: "code_exchange", Separate: true, By: "self"}) {
		t.Errorf("the consent is %+v", made.Consent)
	}
	if made.Issuer != "macau" || made.Destination != "guangdong" || made.Port != "gongbei" || made.Channel != "web" ||
		made.Holder.Documents[0].Number != "M1234567801" || made.Presenter != nil || len(made.Declarations) != 0 {
		t.Errorf("the packet says %+v", made)
	}
}

func TestEachSpecimenPersonIsInTheStateOfItsCase(t *testing.T) {
	for side, all := range counters {
		w := walk(t, side)
		for _, at := range all {
			for _, one := range at.specimens {
				w.fresh()
				w.enter(at.path, one.ID)
				if _, err := caseNamed(one.variant); err != nil {
					t.Errorf("%s: %v", one.ID, err)
				}
				if one.variant == "close-contact" {
					w.sees(200, at.path, `data-colour="red"`)
				}
			}
		}
	}
	w := walk(t, "macau")
	w.enter("/code", "stale-test").get("/code/to/guangdong").submit("consent", "agree", "yes")
	_, values := w.form("forward")
	made := w.sealedClaims(values.Get("packet"))
	if want := inZone(noon.Add(-15 * 24 * time.Hour)); made.Evidence[0]["sampled_at"] != want {
		t.Errorf("the stale test was sampled at %v, want %s", made.Evidence[0]["sampled_at"], want)
	}
}

func TestWhoFillsInSomethingElseIsNotLoggedIn(t *testing.T) {
	for _, test := range []struct{ side, path, field, value, says string }{
		{"macau", "/code", "document", "M9999999901", "nobody in the list matches"},
		{"macau", "/code", "birth_date", "1990-01-01", "nobody in the list matches"},
		{"macau", "/code", "birth_date", "", "fill in the date"},
		{"hongkong", "/code", "issued_on", "2018-05-02", "nobody in the list matches"},
		{"hongkong", "/code", "name", "WONG", "nobody in the list matches"},
		{"hongkong", "/code", "address_proof", "", "tick this box"},
		{"guangdong", "/mini", "method", "chinese-passport", "nobody in the list matches"},
		{"guangdong", "/ykm", "phone", "12", "this is no telephone number"},
	} {
		w := walk(t, test.side)
		w.get(test.path)
		changed := []string{test.field, test.value}
		if test.field != "address_proof" {
			changed = append(w.sure(), changed...)
		}
		w.submit("login", changed...).sees(422, test.path+"/login", test.says, `role="alert"`, `aria-invalid="true"`)
		w.get(test.path).sees(200, test.path, `id="login"`)
	}
	// Brackets, spaces, case and the reissue count of a permit are nobody's mistake.
	walk(t, "macau").get("/code").submit("login", "document", " m12345678 ").sees(200, "/code", "陳樣甲")
	walk(t, "hongkong").get("/code").submit("login", "document", "a1234563", "address_proof", "yes").sees(200, "/code", "黃樣甲")
}

func TestAResidentOfMacauArrivesInGuangdong(t *testing.T) {
	w := walk(t, "guangdong")
	w.post("/h5", url.Values{"handoff": {w.comes("macau-guangdong")}}, w.gateway.server.URL)
	w.sees(200, "/ykm/arrival", "陳樣本", "M12345678", `id="captcha-image"`, `alt="A picture of five digits`)
	w.get("/ykm/captcha.png")
	if w.header.Get("Content-Type") != "image/png" || !strings.HasPrefix(w.html, "\x89PNG") {
		t.Error("the captcha is no picture")
	}
	itinerary := []string{"city", "zhuhai", "address", "1 Specimen Road"}
	w.get("/ykm/arrival").submit("itinerary", append(itinerary, "do", "submit")...).sees(422, "/ykm/arrival", "have a code sent to you first")
	w.submit("itinerary", "do", "text", "captcha", "0").sees(422, "/ykm/arrival", "not right; here is another one")

	w.submit("itinerary", "do", "words", "city", "zhuhai").sees(200, "/ykm/arrival", `<option value="zhuhai" selected>`)
	w.submit("itinerary", "do", "text", "captcha", w.answer()).sees(200, "/ykm/arrival", `id="texted"`)
	w.submit("itinerary", append(itinerary, "do", "submit", "sms_code", w.texted(), "phone", "+86 13800000000")...).sees(422, "/ykm/arrival", "sent to another telephone")
	w.submit("itinerary", "phone", specimenPhone, "sms_code", w.texted(), "do", "submit", "city", "").sees(422, "/ykm/arrival", "Destination city of the day: choose one")
	w.submit("itinerary", "sms_code", w.texted(), "do", "submit", "city", "zhuhai", "address", "1").sees(422, "/ykm/arrival", "fill in the full address")
	w.submit("itinerary", append(itinerary, "do", "submit", "sms_code", w.texted())...).sees(200, "/ykm/shown", "Yuekang Code", "陳樣本")
	if w.find(`data-code="([^"]*)"`) == "" || !strings.Contains(w.html, "2026-11-23 08:00 ") {
		t.Error("the code or its end is not shown")
	}
	receipt := w.find(`data-receipt="([^"]*)"`)

	// The guidance message leads to the login and no further; the history is there after it.
	link, err := url.Parse(w.get("/inbox").find(`<a class="link" href="([^"]*)"`))
	if err != nil || link.RawQuery != "" {
		t.Errorf("the link is %s, %v", link, err)
	}
	w.fresh()
	w.get(link.Path).sees(200, "/ykm", `id="linked"`, `id="login"`)
	w.submit("login", "document", "M12345678").sees(200, "/ykm/sms").submit("sms", "sms_code", w.texted()).sees(200, "/ykm")
	w.get("/ykm/history").sees(200, "/ykm/history", receipt, `data-what="arrived"`)
	w.get("/h5/m/AAAA").sees(404, "/h5/m/AAAA", "does not work")
}

func TestAMainlanderWhoArrivesOpensTheApp(t *testing.T) {
	w := walk(t, "guangdong")
	paper := document{"resident-id", residentNumber("440106", "1990-01-02", "801")}
	w.post("/h5", url.Values{"handoff": {w.comes("macau-guangdong", paper)}}, "").sees(200, "/ykm/arrival", paper.Number)
	w.get("/ykm/arrival?captcha=words").submit("itinerary", "do", "text", "captcha", w.answer())
	w.submit("itinerary", "do", "submit", "sms_code", w.texted(), "city", "zhuhai", "address", "1 Specimen Road")
	w.sees(200, "/ykm/submitted", "Submitted", `href="/mini/"`)
}

func TestTheOtherTwoSidesAskLessOfWhoArrives(t *testing.T) {
	for side, over := range map[string]string{"macau": "guangdong-macau", "hongkong": "macau-hongkong"} {
		w := walk(t, side)
		w.post("/arrive", url.Values{"handoff": {w.comes(over)}}, "").sees(200, "/code/arrival", "陳樣本")
		if strings.Contains(w.html, "captcha") {
			t.Errorf("%s asks for a captcha", side)
		}
		w.submit("itinerary", "do", "submit", "address", "1 Specimen Road").sees(200, "/code/shown", "data-code=")
	}
}

// People as registries hold them arrive on each side, and travel on: a birth date that is known in part, names as long as there are,
// and nobody verified them.
func TestPeopleAsRegistriesHoldThemArriveAndTravelOn(t *testing.T) {
	long := map[string]string{"han": strings.Repeat("样本", 40), "latin": strings.TrimSpace(strings.Repeat("SPECIMEN ", 22))}
	for born, shown := range map[string]string{
		"1950": "1950 (month and day unknown)", "1950-07": "1950-07 (day unknown)", "1950-00-00": "1950 (month and day unknown)", "1950-07-31": "1950-07-31",
	} {
		for side, over := range map[string]string{"guangdong": "macau-guangdong", "macau": "guangdong-macau", "hongkong": "macau-hongkong"} {
			w := walk(t, side)
			made := w.gateway.vouching(w.gateway.issueTo("unverified", mustRoute(t, over), w.clock(), w.ownURL), func(fields *handoffFields) {
				fields.BirthDate, fields.Name = born, long
				fields.Documents = []document{{"home-return-permit", "M87654321"}}
			})
			landing, counter := "/arrive", "/code"
			if side == "guangdong" {
				landing, counter = "/h5", "/ykm"
			}
			w.post(landing, url.Values{"handoff": {w.gateway.handoff(w.key, made)}}, "")
			w.sees(200, counter+"/arrival", ">"+shown+"<", long["han"]+" "+long["latin"], "Identity not verified: check the document")
			if side == "guangdong" {
				w.get("/ykm/arrival?captcha=words").submit("itinerary", "do", "text", "captcha", w.answer())
			}
			answers := []string{"do", "submit", "city", "zhuhai", "address", "1 Specimen Road"}
			if side == "guangdong" {
				answers = append(answers, "sms_code", w.texted())
			}
			w.submit("itinerary", answers...).sees(200, counter+"/shown", long["latin"], "Identity not verified: check the document")
			if side == "guangdong" {
				w.get("/ykm")
				if on := w.toMacau("/ykm"); on.Holder.BirthDate != born || on.Holder.Name.Latin != long["latin"] || on.Holder.Assurance != "unverified" {
					t.Errorf("born %s travels on as %+v", born, on.Holder)
				}
			}
		}
	}
}

func TestABirthDateIsComparedAsFarAsItIsKnown(t *testing.T) {
	for known, written := range map[string]map[string]bool{
		"1950":       {"1950": true, "1950-07": true, "1950-07-31": true, "1950-00-00": true, "1951": false, "195": false, "": false, "19500731": false},
		"1950-07-00": {"1950-07": true, "1950-07-31": true, "1950": false, "1950-08-01": false},
		"1950-07-31": {"1950-07-31": true, "1950-07": false, "1950-07-30": false, "": false},
		"":           {"": false, "1950": false},
	} {
		for given, want := range written {
			if got := (holder{BirthDate: known}).isBorn(given); got != want {
				t.Errorf("born %q, written %q: %t", known, given, got)
			}
		}
	}
}

func TestAHandoffIsTakenOnceFromTheGatewayAloneAndUnchanged(t *testing.T) {
	w := walk(t, "guangdong")
	g := w.gateway
	token := w.comes("macau-guangdong")
	w.post("/h5", url.Values{"handoff": {token}}, "https://evil.example").sees(403, "/h5", `data-reason="origin-refused"`)
	w.post("/h5", url.Values{"handoff": {token}}, "null").sees(403, "/h5")
	w.post("/h5", url.Values{"handoff": {token}}, g.server.URL).sees(200, "/ykm/arrival")
	w.post("/h5", url.Values{"handoff": {token}}, g.server.URL).sees(409, "/h5", `data-reason="handoff-used"`)
	w.fresh()
	w.post("/h5", url.Values{"handoff": {token}}, g.server.URL).sees(409, "/h5", `data-reason="handoff-used"`)
	made := g.issue(mustRoute(t, "macau-guangdong"), noon, w.ownURL)
	made.fields = strings.Replace(made.fields, "陳樣本", "陳樣品", 1)
	w.post("/h5", url.Values{"handoff": {g.handoff(w.key, made)}}, g.server.URL).sees(422, "/h5", `data-reason="fields-not-vouched-for"`)
	if strings.Contains(w.html, "陳樣品") {
		t.Error("the refusal shows the exchanged name")
	}
	w.post("/h5", url.Values{"handoff": {"x"}}, g.server.URL).sees(422, "/h5", `data-reason="handoff-refused"`)
	w.post("/h5", url.Values{"handoff": {token}, "x": {"y"}}, g.server.URL).sees(400, "/h5", `data-reason="bad-request"`)
	w.get("/ykm/arrival").sees(200, "/ykm", `id="login"`)
}

func TestTheCodeOfAMessageWorksOnceForAFewTriesAndMinutes(t *testing.T) {
	w := walk(t, "guangdong")
	w.get("/ykm").submit("login").sees(200, "/ykm/sms")
	code := w.texted()
	other := "000000"
	if code == other {
		other = "000001"
	}
	w.submit("sms", "sms_code", other).sees(422, "/ykm/sms", "this is not the code")
	w.submit("sms", "sms_code", other).submit("sms", "sms_code", other).sees(422, "/ykm/sms", "no longer works")
	w.submit("sms", "sms_code", code).sees(422, "/ykm/sms", "no longer works")

	w.get("/ykm").submit("login")
	w.later(smsLife + time.Second)
	w.submit("sms", "sms_code", w.texted()).sees(422, "/ykm/sms", "too old")
	w.get("/ykm").submit("login").submit("sms", "sms_code", w.texted()).sees(200, "/ykm", "陳樣甲")

	// Another phone than the first gets nothing, and the page does not say so.
	w.fresh()
	w.get("/ykm").submit("login", "phone", "+853 6000 0009").sees(200, "/ykm/sms")
	w.submit("sms", "sms_code", w.texted()).sees(422, "/ykm/sms", "this is not the code")
	w.get("/ykm").submit("login", "document", "M99999999").sees(200, "/ykm/sms")

	for range maxSMSAnHour {
		w.get("/ykm").submit("login")
	}
	w.sees(422, "/ykm/login", "too many messages")
	w.later(time.Hour)
	w.submit("login").sees(200, "/ykm/sms")
}

func TestTooManyWrongCaptchasArePausedFor(t *testing.T) {
	w := walk(t, "guangdong")
	w.post("/h5", url.Values{"handoff": {w.comes("macau-guangdong")}}, "").get("/ykm/arrival?captcha=words")
	for range maxCaptchas {
		w.submit("itinerary", "do", "text", "captcha", "99").sees(422, "/ykm/arrival", "not right")
	}
	w.submit("itinerary", "do", "text", "captcha", w.answer()).sees(422, "/ykm/arrival", "try again in ten minutes")
	w.later(captchaPause)
	w.submit("itinerary", "do", "text", "captcha", w.answer()).sees(200, "/ykm/arrival", `id="texted"`)
	var picture captcha
	picture.renew(false)
	first := picture.answer
	if wrong := picture.take(first, noon); wrong != "" || picture.take(first, noon) == "" {
		t.Errorf("the answer %s is %q, and works twice", first, wrong)
	}
}

// toMacau walks the entry form and its consent, and gives the packet of the next page.
func (w *walker) toMacau(path string, answers ...string) claims {
	w.t.Helper()
	w.get(path+"/to/macau").sees(200, path+"/to/macau/notice").submit("notice").sees(422, path+"/to/macau/notice", "tick this box")
	w.submit("notice", "noticed", "yes").sees(200, path+"/to/macau/declare")
	w.submit("declare").sees(422, path+"/to/macau/declare", "choose one")
	all := append([]string{"symptoms", "no", "contact_14d", "no", "travel_14d", "no"}, answers...)
	w.submit("declare", append(all, "name", "SOMEBODY ELSE")...).sees(422, path+"/to/macau/declare", "not what you logged in with")
	w.get(path+"/to/macau/declare").submit("declare", all...).sees(200, path+"/to/macau/consent", wording(w.side.id+"-macau", "en"))
	w.submit("consent", "agree", "yes")
	if strings.HasSuffix(w.at, "/result") {
		return w.sealedClaims(w.find(`data-packet="([^"]*)"`))
	}
	_, values := w.form("forward")
	return w.sealedClaims(values.Get("packet"))
}

func TestTheArrivalsPageConvertsToMacauAfterAFirstConversion(t *testing.T) {
	w := walk(t, "guangdong")
	w.enter("/ykm", "green").sees(200, "/ykm", "Use the Macau Health Code")
	made := w.toMacau("/ykm", "symptoms", "yes")
	if made.Channel != "h5" || len(made.Declarations) != 1 || !made.Declarations[0].Answers["symptoms"] || made.Declarations[0].Answers["travel_14d"] {
		t.Errorf("the packet says %+v", made)
	}
	converted := func(made claims) bool {
		return slices.ContainsFunc(made.Evidence, func(one fact) bool { return one["type"] == "conversion" })
	}
	if converted(made) {
		t.Error("somebody who never converted has a conversion")
	}
	w.post("/h5", url.Values{"handoff": {w.comes("macau-guangdong")}}, "").get("/ykm/arrival?captcha=words")
	w.submit("itinerary", "do", "text", "captcha", w.answer())
	w.submit("itinerary", "do", "submit", "sms_code", w.texted(), "city", "zhuhai", "address", "1 Specimen Road").sees(200, "/ykm/shown")
	w.fresh()
	w.enter("/ykm", "green")
	if !converted(w.toMacau("/ykm")) {
		t.Error("the conversion of the arrival has been forgotten")
	}
}

// Whom the other side has not compared with the document stays unverified here: on the form, on the code that is shown, and
// in the packet for the way back.
func TestWhoArrivesUnverifiedStaysUnverified(t *testing.T) {
	for assured, marked := range map[string]bool{"verified": false, "unverified": true} {
		w := walk(t, "guangdong")
		permit := document{"home-return-permit", "M87654321"}
		w.post("/h5", url.Values{"handoff": {w.comesAs(assured, "macau-guangdong", permit)}}, "").get("/ykm/arrival?captcha=words")
		sees := func(where string) {
			t.Helper()
			if strings.Contains(w.html, "Identity not verified: check the document") != marked {
				t.Errorf("%s: %s says otherwise:\n%s", assured, where, w.html)
			}
		}
		sees("the form")
		w.submit("itinerary", "do", "text", "captcha", w.answer())
		w.submit("itinerary", "do", "submit", "sms_code", w.texted(), "city", "zhuhai", "address", "1 Specimen Road").sees(200, "/ykm/shown")
		sees("the code")
		if strings.Contains(w.html, "pass-unverified") != marked {
			t.Errorf("%s: the code is drawn otherwise", assured)
		}
		w.get("/ykm")
		if made := w.toMacau("/ykm"); made.Holder.Assurance != assured {
			t.Errorf("somebody who came %s goes back %s", assured, made.Holder.Assurance)
		}
	}
}

func TestTheMiniProgramKeepsItsPacketOverAReloadAndTellsItsHistory(t *testing.T) {
	w := walk(t, "guangdong")
	w.enter("/mini", "green")
	made := w.toMacau("/mini")
	if made.Channel != "app" || made.Holder.Documents[0].Type != "resident-id" {
		t.Errorf("the packet says %+v", made)
	}
	packet, key := w.find(`data-packet="([^"]*)"`), w.find(`data-key="([^"]*)"`)
	if policy := w.header.Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self' "+w.gateway.server.URL+";") {
		t.Errorf("the policy does not let the client call the gateway: %s", policy)
	}
	w.get("/mini/result")
	if w.find(`data-packet="([^"]*)"`) != packet || w.find(`data-key="([^"]*)"`) != key {
		t.Error("a reload makes another packet")
	}
	told := url.Values{"token": {w.token2()}, "outcome": {"refused"}, "reason": {"not-eligible"}, "receipt_id": {"receipt-1"}}
	w.post("/mini/record", told, w.home.URL).sees(204, "/mini/record")
	w.post("/mini/record", told, w.home.URL).sees(204, "/mini/record")
	w.post("/mini/record", url.Values{"outcome": {"issued"}}, w.home.URL).sees(403, "/mini/record")
	w.get("/mini/history").sees(200, "/mini/history", `data-what="refused" data-receipt="receipt-1"`, "the destination&#39;s conditions are not met")
	if strings.Count(w.html, `data-receipt="receipt-1"`) != 1 {
		t.Error("what was told twice stands there twice")
	}
	told.Set("receipt_id", "<b>")
	w.post("/mini/record", told, w.home.URL).sees(400, "/mini/record")
	w.later(historyLife + time.Second)
	w.get("/mini/history").get("/mini").enter("/mini", "green").get("/mini/history").sees(200, "/mini/history", "Nothing in the last three days")
}

// token2 is the token where a page has it for its script.
func (w *walker) token2() string { return w.find(`data-token="([^"]*)"`) }

func TestTheHistoryHasCodesThatWereShownAndThoseThatCouldNotBe(t *testing.T) {
	w := walk(t, "macau")
	w.enter("/code", "none").press("/code/show").sees(200, "/code/shown", "No code to show")
	w.get("/code/history").sees(200, "/code/history", `class="card event failed" data-what="shown"`)
	w.get("/code").enter2("green").press("/code/show").sees(200, "/code/shown", `data-colour="green"`, "<svg")
	w.get("/code/history").sees(200, "/code/history", `class="card event" data-what="shown"`)
	w.get("/code").enter2("close-contact").press("/code/show").sees(200, "/code/shown", `data-colour="red"`, "Close contact", "How it ends")
}

// enter2 logs out first.
func (w *walker) enter2(specimen string) *walker {
	w.t.Helper()
	w.press("/code/logout")
	return w.enter("/code", specimen)
}

func TestHongKongAsksForItsOwnConditionsAndSendsTheVisitCheckAlone(t *testing.T) {
	w := walk(t, "hongkong")
	w.enter("/code", "green").sees(200, "/code", "Visit check (the outcome alone is sent", "3 doses")
	made := w.toMacau("/code")
	for _, one := range made.Evidence {
		if one["type"] == "visit-check" && len(one) != 4 {
			t.Errorf("the visit check says more than its outcome: %v", one)
		}
	}
	if len(made.Evidence) != 3 || made.Holder.Documents[1].Type != "hkid" {
		t.Errorf("the packet says %+v", made)
	}
	w.get("/code/to/guangdong").sees(200, "/code/to/guangdong/consent", wording("hongkong-guangdong", "en"))
}

func TestAParentShowsAnUnverifiedChildsCodeOnWhiteAndConsents(t *testing.T) {
	w := walk(t, "macau")
	w.enter("/code", "green").get("/code/family").submit("add").sees(200, "/code/family", "陳小樣", "Unverified")
	w.get("/code").submit("subjects", "subject", w.find(`id="subject-0" value="([^"]*)"`)).sees(200, "/code", `<bdi>陳小樣`)
	w.press("/code/show").sees(200, "/code/shown", "pass-unverified", "A code on white")
	w.get("/code/to/guangdong").sees(200, "/code/to/guangdong/consent", "I am the guardian").submit("consent", "agree", "yes")
	_, values := w.form("forward")
	made := w.sealedClaims(values.Get("packet"))
	if made.Presenter == nil || made.Presenter.Relation != "parent" || made.Consent.By != "guardian" || made.Holder.Assurance != "unverified" {
		t.Errorf("the packet says %+v", made)
	}
	w.get("/code/family?example=elder").submit("add", "verified", "yes").get("/code")
	w.submit("subjects", "subject", w.find(`id="subject-1" value="([^"]*)"`)).get("/code/to/guangdong").submit("consent", "agree", "yes")
	_, values = w.form("forward")
	if made := w.sealedClaims(values.Get("packet")); made.Presenter.Relation != "child" || made.Consent.By != "agent" || made.Holder.Assurance != "verified" {
		t.Errorf("the packet says %+v", made)
	}
	w.get("/code/family").submit("add", "birth_date", "1980-01-01").sees(422, "/code/family", "a child is under 18")
	w.get("/code/family?example=elder").submit("add", "birth_date", "1990-01-01").sees(422, "/code/family", "an elder is 60 or more")
	w.get("/code/family").submit("add", "name", "").sees(422, "/code/family", "fill this in")
	for range maxMembers - 2 {
		w.get("/code/family").submit("add").sees(200, "/code/family")
	}
	w.get("/code/family").submit("add").sees(422, "/code/family", "eight members at most")
}

func TestAHostileNameStaysText(t *testing.T) {
	w := walk(t, "macau")
	for _, name := range []string{`<img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`, "{{.}}", "a\u202Egnp.exe", "zero\u200bwidth"} {
		w.enter("/code", "green").get("/code/family").submit("add", "name", name).sees(200, "/code/family")
		if strings.Contains(w.html, "<img") || strings.Contains(w.html, "<script") {
			t.Errorf("%q became a tag:\n%s", name, w.html)
		}
		w.press("/code/logout")
	}
	g := w.gateway
	made := g.vouching(g.issue(mustRoute(t, "guangdong-macau"), noon, w.ownURL), func(f *handoffFields) { f.Name["latin"] = `<script>alert(1)</script>` })
	w.post("/arrive", url.Values{"handoff": {g.handoff(w.key, made)}}, "").sees(200, "/code/arrival", "&lt;script&gt;")
}

func TestEveryPageIsClosedToScriptsFramesAndOtherPages(t *testing.T) {
	w := walk(t, "macau")
	w.get("/code").submit("login")
	for _, path := range []string{"/code", "/code/family", "/code/history", "/code/shown", "/code/to/guangdong/consent", "/inbox", "/web/side.css", "/code/nowhere"} {
		w.get(path)
		if path == "/code/nowhere" {
			continue
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
				"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
			"Referrer-Policy": "strict-origin", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
			"Simulation": "not a real back end",
		} {
			if got := w.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>|javascript:`).FindString(w.html); inline != "" && path != "/web/side.css" {
			t.Errorf("%s has %q inline", path, inline)
		}
	}
	for _, name := range []string{"words.yaml", "layout.html", "..%2fpages.go"} {
		if w.get("/web/" + name); w.status != http.StatusNotFound {
			t.Errorf("/web/%s is answered %d", name, w.status)
		}
	}
}

func TestAFormFromAnywhereElseChangesNothing(t *testing.T) {
	w := walk(t, "macau")
	w.enter("/code", "green")
	w.post("/code/logout", url.Values{"token": {"A"}}, w.home.URL).sees(403, "/code/logout", `data-reason="session-over"`)
	w.get("/code").sees(200, "/code", "陳樣甲")
	token := w.token()
	if w.post("/code/logout", url.Values{"token": {token}}, "http://127.0.0.1:1"); w.status != http.StatusForbidden {
		t.Errorf("a form of another port is answered %d", w.status)
	}
	w.fresh()
	w.get("/code").post("/code/logout", url.Values{"token": {token}}, w.home.URL).sees(403, "/code/logout")
	cookie := w.header.Values("Set-Cookie")
	if len(cookie) != 0 {
		t.Errorf("a refused form sets %v", cookie)
	}
}

func TestTheCookieIsForItsOwnPagesAloneAndChangesAtTheLogin(t *testing.T) {
	w := walk(t, "guangdong")
	w.get("/mini/")
	before := w.header.Get("Set-Cookie")
	for _, want := range []string{"simulation-guangdong-mini=", "; Path=/mini; HttpOnly; SameSite=Lax"} {
		if !strings.Contains(before, want) {
			t.Errorf("the cookie is %q, without %q", before, want)
		}
	}
	home, _ := url.Parse(w.home.URL + "/mini")
	id := w.client.Jar.Cookies(home)[0].Value
	w.submit("login").sees(200, "/mini")
	if w.client.Jar.Cookies(home)[0].Value == id {
		t.Error("the session has the id from before the login")
	}
	for _, path := range []string{"/", "/h5", "/v1/exchange", "/officer/", "/ykm"} {
		other, _ := url.Parse(w.home.URL + path)
		for _, cookie := range w.client.Jar.Cookies(other) {
			if cookie.Name == "simulation-guangdong-mini" {
				t.Errorf("the cookie is sent to %s", path)
			}
		}
	}
	w.later(sessionLife + time.Second)
	w.get("/mini").sees(200, "/mini", `id="login"`)
}

func TestTheClientIsServedWhenItIsTheOneThatTheGatewayPublishes(t *testing.T) {
	w := walk(t, "guangdong")
	script, published := "export const a = 1;", ""
	inner := w.gateway.server.Config.Handler
	w.gateway.server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/client/crosscode.js":
			fmt.Fprint(rw, script)
		case "/.well-known/code-exchange":
			fmt.Fprintf(rw, `{"issuer":"x","client":{"url":"x","sha256":%q}}`, published)
		default:
			inner.ServeHTTP(rw, r)
		}
	})
	if w.get("/mini/crosscode.js"); w.status != http.StatusBadGateway || strings.Contains(w.html, "export") {
		t.Errorf("a client with another hash is answered %d %s", w.status, w.html)
	}
	published = hexSum([]byte(script))
	clear(w.server.gateway.kept.pages) // what is kept is five seconds old at most; the test does not wait for that
	if w.get("/mini/crosscode.js"); w.status != http.StatusOK || w.html != script {
		t.Errorf("the client is answered %d %s", w.status, w.html)
	}
}

func TestAPageWithoutItsGatewaySaysThatNothingWasSent(t *testing.T) {
	w := walk(t, "macau")
	w.enter("/code", "green")
	w.gateway.server.Close()
	w.get("/code/to/guangdong").sees(502, "/code/to/guangdong/consent", "Nothing has been sent")
}

func TestThePagesOfAJourneyAreNotReachedOutOfOrder(t *testing.T) {
	w := walk(t, "guangdong")
	for _, path := range []string{"/mini/to/macau", "/mini/shown", "/mini/family", "/mini/history", "/mini/result", "/mini/arrival", "/mini/submitted"} {
		w.get(path).sees(200, "/mini", `id="login"`)
	}
	w.enter("/mini", "green")
	w.get("/mini/to/macau/consent").sees(200, "/mini/to/macau/notice")
	w.get("/mini/to/macau/declare").sees(200, "/mini/to/macau/notice")
	w.get("/mini/to/guangdong").sees(200, "/mini")
	w.get("/mini/to/nowhere").sees(200, "/mini")
}

func TestALanguageAndALookStayChosen(t *testing.T) {
	w := walk(t, "macau")
	w.get("/code?lang=pt&look=contrast").sees(200, "/code?lang=pt&look=contrast", `<html lang="pt" class="look-contrast`)
	w.submit("login").sees(200, "/code", `<html lang="pt" class="look-contrast`)
	w.get("/code/to/guangdong").sees(200, "/code/to/guangdong/consent", wording("macau-guangdong", "pt"))
	for accept, want := range map[string]string{"zh-MO": "zh-Hant", "zh-CN": "zh-Hans", "pt-PT": "pt", "fr": "en", "zh-HK,en;q=0.5": "zh-Hant"} {
		r := httptest.NewRequest(http.MethodGet, "/code", nil)
		r.Header.Set("Accept-Language", accept)
		if got := languageOf(r, ""); got != want {
			t.Errorf("%s gets %s, want %s", accept, got, want)
		}
	}
}

// Every text that a page asks for is there in four languages, and none is there for nothing.
func TestEveryTextIsThereInFourLanguages(t *testing.T) {
	asked := regexp.MustCompile(`\.T "([a-z][a-z0-9._-]*)"|"(fault\.[a-z.-]*[a-z])"`)
	var sources []string
	for _, pattern := range []string{"web/*.html", "pages*.go"} {
		files, _ := filepath.Glob(pattern)
		sources = append(sources, files...)
	}
	for _, file := range sources {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range asked.FindAllStringSubmatch(string(data), -1) {
			if id := found[1] + found[2]; catalogue()[id] == nil {
				t.Errorf("%s asks for %s, which there is not", file, id)
			}
		}
	}
	for id, texts := range catalogue() {
		for _, one := range languages {
			if strings.TrimSpace(texts[one.Tag]) == "" {
				t.Errorf("%s is missing in %s", id, one.Tag)
			}
		}
		if len(texts) != len(languages) {
			t.Errorf("%s has %d languages", id, len(texts))
		}
	}
	for _, id := range composedTexts() {
		if catalogue()[id] == nil {
			t.Errorf("%s is missing", id)
		}
	}
}

// composedTexts are the ids that are put together from others.
func composedTexts() []string {
	var ids []string
	for name, one := range fields {
		if !strings.HasPrefix(name, "sms") && name != "captcha" {
			ids = append(ids, "field."+name)
		}
		if slices.Contains([]string{"text", "date", "tel", "tick", "radio", "select"}, one.Kind) {
			ids = append(ids, "fault.needed."+one.Kind)
		}
	}
	for _, all := range counters {
		for _, at := range all {
			ids = append(ids, "title."+at.name, "code.own."+at.name, "login.title."+at.name)
			for _, one := range at.specimens {
				ids = append(ids, "specimen."+one.ID)
			}
		}
	}
	for _, over := range routes() {
		ids = append(ids, "route."+over.id(), "convert."+over.to.id, "apply."+over.to.id, "code."+over.to.id)
		for _, port := range portsOf(over)[1:] {
			ids = append(ids, "port."+port)
		}
	}
	for name := range templates() {
		ids = append(ids, "page."+name)
	}
	return ids
}

func TestTheQRTextIsTheOneThatIsScanned(t *testing.T) {
	for length := range 40 {
		token := strings.Repeat("aZ.-_9", 7)[:length]
		if got, err := scanned(qrTextOf(token)); length > 0 && (err != nil || got != token) {
			t.Errorf("%q comes back as %q, %v", token, got, err)
		}
	}
	image, err := newQRImage(qrTextOf(strings.Repeat("a", 300)))
	if err != nil || image.Size < 40 || !strings.HasPrefix(image.Path, "M") {
		t.Errorf("the image is %d modules, %v", image.Size, err)
	}
}

func TestNothingPersonalOfThePagesIsLogged(t *testing.T) {
	w := walk(t, "guangdong")
	w.enter("/ykm", "green").press("/ykm/show").get("/ykm/history")
	w.post("/h5", url.Values{"handoff": {w.comes("macau-guangdong")}}, "").submit("itinerary", "do", "text", "captcha", "陳")
	w.get("/ykm/nowhere/M12345678")
	w.home.Close() // a page is sent before its line is written
	log := w.log.String()
	if strings.Count(log, "msg=answered") < 6 {
		t.Fatalf("the log has not got a line for each page:\n%s", log)
	}
	for _, personal := range []string{"陳", "M1234", "6000", "CHAN", "127.0.0.1"} {
		if strings.Contains(log, personal) {
			t.Errorf("the log holds %q:\n%s", personal, log)
		}
	}
}

func TestTheDocumentationNamesEveryPage(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range calls {
		_, below, _ := strings.Cut(one.pattern, " /")
		first, _, _ := strings.Cut(below, "/")
		if named := strings.TrimSuffix("PATH/"+strings.TrimPrefix(first, "{$}"), "/"); !strings.Contains(string(text), named) {
			t.Errorf("doc.go does not name %s", named)
		}
	}
	for side, all := range counters {
		for _, at := range all {
			if !strings.Contains(string(text), side+strings.Repeat(" ", 11-len(side))+at.path) {
				t.Errorf("doc.go does not name %s of %s", at.path, side)
			}
		}
	}
}
