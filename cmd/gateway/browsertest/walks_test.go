package browsertest

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// walk is one person's way through the pages, and the pages at which it stops.
type walk struct {
	name  string
	takes func(*tab, *stops)
	pages []string
}

// walks are the flows of the published notice (S0) and of the Hong Kong code, and what else there is to see.
var walks = []walk{
	{"a Macau resident converts to the Guangdong code", macauToGuangdong, []string{
		"sides.macau-login", "sides.macau-home", "sides.macau-consent", "gateway.h5-ask", "gateway.h5-pass", "sides.guangdong-arrival",
		"sides.guangdong-shown", "sides.guangdong-inbox", "sides.guangdong-login-linked",
	}},
	{"a mainlander in Macau converts, and opens the mini-program", mainlanderToGuangdong, []string{"sides.guangdong-submitted"}},
	{"a Guangdong resident asks for the Macau code in the mini-program", miniToMacau, []string{
		"sides.mini-login", "sides.mini-home", "sides.mini-notice", "sides.mini-declare", "sides.mini-consent", "sides.mini-result",
		"sides.mini-history",
	}},
	{"a Macau resident uses a Guangdong test for the Macau code", ykmToMacau, []string{
		"sides.guangdong-login", "sides.guangdong-sms", "sides.guangdong-home", "sides.macau-arrival", "sides.macau-shown",
	}},
	{"a Hong Kong resident converts to the Guangdong code", hongKongToGuangdong, []string{
		"sides.hongkong-login", "sides.hongkong-home", "sides.hongkong-consent",
	}},
	{"a Hong Kong resident converts to the Macau code", hongKongToMacau, []string{"sides.hongkong-notice", "sides.hongkong-declare"}},
	{"a Macau resident converts to the Hong Kong code", macauToHongKong, []string{"sides.hongkong-arrival", "sides.hongkong-shown"}},
	{"a Guangdong resident asks for the Hong Kong code", miniToHongKong, nil},
	{"a resident whose code comes with a warning", miniWithAWarning, nil},
	{"a parent adds a child whom nobody has checked", family, []string{"sides.macau-family", "sides.macau-shown-unverified"}},
	{"those who get no code are told why", refusals, []string{
		"gateway.h5-refused", "sides.mini-refused", "sides.macau-shown-red", "sides.hongkong-shown-failed", "sides.macau-history", "sides.macau-faults", "sides.macau-problem",
	}},
	{"a traveller leaves, withdraws, deletes", endings, []string{
		"gateway.h5-start", "gateway.h5-withdraw", "gateway.h5-withdrawn", "gateway.h5-delete", "gateway.h5-deleted", "gateway.h5-expired",
		"gateway.h5-trouble", "gateway.fault",
	}},
	{"an officer sets up the page and checks papers", officerWalk, []string{
		"gateway.officer-setup", "gateway.officer", "gateway.officer-valid", "gateway.officer-match", "gateway.officer-document",
		"gateway.officer-unreadable", "gateway.officer-mismatch", "gateway.officer-refusal", "gateway.officer-cannot",
	}},
}

// pages are all pages at which the walks stop.
func pages() []string {
	var all []string
	for _, one := range walks {
		all = append(all, one.pages...)
	}
	return all
}

// TestWalks takes each walk. At every page of it, in each language, the page is audited; or with -screenshots photographed.
func TestWalks(t *testing.T) {
	for _, one := range walks {
		t.Run(one.name, func(t *testing.T) {
			browser := commonBrowser(t)
			t.Parallel()
			began := time.Now()
			b := newTab(t, shared(t), browser)
			s := &stops{b: b, seen: map[string]bool{}}
			one.takes(b, s)
			for _, page := range one.pages {
				if !s.seen[page] {
					t.Errorf("the walk did not stop at %s", page)
				}
				delete(s.seen, page)
			}
			for page := range s.seen {
				t.Errorf("the walk stopped at %s, which is not in its list", page)
			}
			t.Logf("%s", time.Since(began).Round(time.Millisecond))
		})
	}
	if twice := repeated(pages()); len(twice) > 0 {
		t.Errorf("two walks stop at %v", twice)
	}
}

func repeated(all []string) []string {
	sorted := slices.Sorted(slices.Values(all))
	var twice []string
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			twice = append(twice, sorted[i])
		}
	}
	return twice
}

// choose fills in the login with an invented person of the page's list.
func (b *tab) choose(side, path, specimen string) {
	b.Helper()
	b.open(b.sides[side] + path + "?lang=en")
	b.set("#specimen", specimen)
	b.follow("#use-specimen")
}

func (b *tab) logIn(side, path, specimen string) {
	b.Helper()
	b.choose(side, path, specimen)
	if side == "hongkong" {
		b.click("#address_proof")
	}
	b.follow("#log-in")
	b.see("#show")
}

// logInByText is the login of Guangdong's page for people who arrive: permit, phone, and the code of a text message.
func (b *tab) logInByText(specimen, phone string, s *stops) {
	b.Helper()
	b.choose("guangdong", "/ykm", specimen)
	b.fill("#phone", phone)
	b.follow("#log-in")
	if s != nil {
		s.at("sides.guangdong-sms", "#check-sms")
	}
	b.fill("#sms_code", b.texted("guangdong", phone))
	b.follow("#check-sms")
	b.see("#show")
}

var messageShape = regexp.MustCompile(`(?s)<bdi class="num">([^<]*)</bdi>.*?<p class="text">([^<]*)</p>`)

// texted is the code of the newest message to a phone that has one.
func (b *tab) texted(side, phone string) string {
	b.Helper()
	response, err := http.Get(b.sides[side] + "/inbox")
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	for _, message := range messageShape.FindAllStringSubmatch(html.UnescapeString(string(page)), -1) {
		code := regexp.MustCompile(`\b\d{6}\b`).FindString(message[2])
		if strings.ReplaceAll(message[1], " ", "") == phone && code != "" {
			return code
		}
	}
	b.Fatalf("no message to %s\n%s", phone, page)
	return ""
}

// agree ticks the box, which must be empty, and applies.
func (b *tab) agree() {
	b.Helper()
	b.see("#consent-text")
	if ask[bool](b, "document.querySelector('#agree').checked") {
		b.Error("the tick box of the consent is ticked already")
	}
	b.click("#agree")
	b.leaving(func() { b.click("#apply") })
}

// declare goes through an entry form: its notice, and the answer no to each question.
func (b *tab) declare(notice, form func()) {
	b.Helper()
	b.see("#noticed")
	notice()
	b.click("#noticed")
	b.follow("#go-on")
	form()
	for _, question := range []string{"symptoms", "contact_14d", "travel_14d"} {
		if ask[bool](b, fmt.Sprintf("Boolean(document.querySelector('input[name=%s]:checked'))", question)) {
			b.Errorf("%s is answered already", question)
		}
		b.click("#" + question + "-no")
	}
	b.follow("#go-on")
}

// convert presses the one button of the gateway's page, and waits for the code.
func (b *tab) convert() {
	b.Helper()
	b.click("#convert")
	b.see("#pass .pass-qr svg")
}

// pass carries the handoff to the destination's own page.
func (b *tab) pass() {
	b.Helper()
	b.follow("#handoff button[type=submit]")
	b.see("#itinerary")
}

// arrive fills in Guangdong's itinerary: captcha, code of the text message, city and address.
func (b *tab) arrive(phone string) {
	b.Helper()
	b.follow("#captcha-words")
	b.fill("#phone", phone)
	b.fill("#captcha", sumOf(b, b.text("#captcha-question")))
	b.follow("#text-code")
	b.see("#texted")
	b.fill("#sms_code", b.texted("guangdong", phone))
	b.set("#city", "guangzhou")
	b.fill("#address", "88 Example Road, Tianhe")
	b.follow("#submit-arrival")
}

// sumOf answers "How much is three plus four?".
func sumOf(b *tab, question string) string {
	b.Helper()
	numbers := strings.Fields("zero one two three four five six seven eight nine")
	sum, found := 0, 0
	for _, word := range strings.FieldsFunc(question, func(r rune) bool { return r == ' ' || r == '?' }) {
		if value := slices.Index(numbers, word); value > 0 {
			sum, found = sum+value, found+1
		}
	}
	if found != 2 {
		b.Fatalf("two numbers are asked for in %q", question)
	}
	return strconv.Itoa(sum)
}

func nothing() {}

// S0: 澳門健康碼 → 下载个人资料申请粤康码 → 粤康码(入境人员) → 行程申报 → the code, and the message that must be kept.
func macauToGuangdong(b *tab, s *stops) {
	const phone = "+85360000001"
	b.choose("macau", "/code", "green")
	s.at("sides.macau-login", "#log-in")
	b.choose("macau", "/code", "green")
	b.follow("#log-in")
	s.at("sides.macau-home", "#to-guangdong")
	b.follow("#to-guangdong")
	s.at("sides.macau-consent", "#apply")
	b.agree()
	s.at("gateway.h5-ask", "#convert")
	b.convert()
	s.at("gateway.h5-pass", "#pass .pass-qr svg")
	receipt := b.text("[data-fact=receipt]")
	b.pass()
	s.at("sides.guangdong-arrival", "#submit-arrival")
	b.arrive(phone)
	s.at("sides.guangdong-shown", "#pass[data-code]")
	if got := b.text("#receipt-id"); got != receipt {
		b.Errorf("Guangdong shows the receipt %q, want the one that the gateway showed: %q", got, receipt)
	}
	b.open(b.sides["guangdong"] + "/inbox")
	s.at("sides.guangdong-inbox", "#messages a.link")
	b.follow("#messages a.link")
	s.at("sides.guangdong-login-linked", "#linked")
}

// S0: the same, for those whose own code is in 粤省事: they see 提交成功.
func mainlanderToGuangdong(b *tab, s *stops) {
	b.logIn("macau", "/code", "mainlander")
	b.follow("#to-guangdong")
	b.agree()
	b.convert()
	b.pass()
	b.arrive("+85360000002")
	s.at("sides.guangdong-submitted", "#submitted")
	b.follow("#open-app")
	b.see("#log-in")
}

// S0: 粤省事 → 粤康码 → 申领澳门健康码 → 入澳申报 (notice, form, three questions) → the code.
func miniToMacau(b *tab, s *stops) {
	b.choose("guangdong", "/mini", "green")
	s.at("sides.mini-login", "#log-in")
	b.choose("guangdong", "/mini", "green")
	b.follow("#log-in")
	s.at("sides.mini-home", "#to-macau")
	b.follow("#to-macau")
	b.declare(func() { s.at("sides.mini-notice", "#go-on") }, func() { s.at("sides.mini-declare", "#go-on") })
	s.at("sides.mini-consent", "#apply")
	b.agree()
	b.until("document.querySelector('#exchange').dataset.told === 'yes'")
	s.at("sides.mini-result", "#issued svg")
	b.until("document.querySelector('#exchange').dataset.category === 'valid'")
	b.see("#checked")
	b.follow("#history")
	s.at("sides.mini-history", "#events li[data-what=issued]")
	if n := ask[int](b, "document.querySelectorAll('#events li[data-what=issued]').length"); n != 1 {
		b.Errorf("the history has %d codes, want 1: the page was loaded several times with one packet", n)
	}
}

// miniAsks has a resident log in to the mini-program, ask for the Hong Kong code and get it.
func (b *tab) miniAsks(specimen string) {
	b.Helper()
	b.logIn("guangdong", "/mini", specimen)
	b.follow("#to-hongkong")
	b.agree()
	b.until("document.querySelector('#exchange').dataset.state === 'issued'")
}

func miniToHongKong(b *tab, _ *stops) {
	b.miniAsks("permit-holder")
	b.see("#issued svg")
	if shown := ask[bool](b, "!document.querySelector('#warnings').hidden"); shown {
		b.Error("a code without warnings shows some")
	}
}

func miniWithAWarning(b *tab, _ *stops) {
	b.miniAsks("data-lag")
	b.see("#warnings li")
}

// S0: 粤康码(入境人员) → permit, phone, SMS code → 使用澳康码.
func ykmToMacau(b *tab, s *stops) {
	const phone = "+85360000003"
	b.choose("guangdong", "/ykm", "converted")
	s.at("sides.guangdong-login", "#log-in")
	b.logInByText("converted", phone, s)
	s.at("sides.guangdong-home", "#to-macau")
	b.follow("#to-macau")
	b.declare(nothing, nothing)
	b.agree()
	b.convert()
	b.pass()
	s.at("sides.macau-arrival", "#submit-arrival")
	b.fill("#phone", phone)
	b.follow("#submit-arrival")
	s.at("sides.macau-shown", "#pass[data-code]")
}

func hongKongToGuangdong(b *tab, s *stops) {
	b.choose("hongkong", "/code", "green")
	s.at("sides.hongkong-login", "#log-in")
	b.logIn("hongkong", "/code", "green")
	s.at("sides.hongkong-home", "#to-guangdong")
	b.follow("#to-guangdong")
	s.at("sides.hongkong-consent", "#apply")
	b.agree()
	b.convert()
	b.pass()
	b.arrive("+85360000004")
	b.see("#pass[data-code]")
}

func hongKongToMacau(b *tab, s *stops) {
	b.logIn("hongkong", "/code", "green")
	b.follow("#to-macau")
	b.declare(func() { s.at("sides.hongkong-notice", "#go-on") }, func() { s.at("sides.hongkong-declare", "#go-on") })
	b.agree()
	b.convert()
	b.pass()
	b.fill("#phone", "+85360000005")
	b.follow("#submit-arrival")
	b.see("#pass[data-code]")
}

func macauToHongKong(b *tab, s *stops) {
	b.logIn("macau", "/code", "green")
	b.follow("#to-hongkong")
	b.agree()
	b.convert()
	b.pass()
	s.at("sides.hongkong-arrival", "#submit-arrival")
	b.fill("#phone", "+85360000006")
	b.fill("#address", "8 Example Street, Wan Chai")
	b.follow("#submit-arrival")
	s.at("sides.hongkong-shown", "#pass[data-code]")
}

func family(b *tab, s *stops) {
	b.logIn("macau", "/code", "green")
	b.follow("#family")
	b.follow("#example-child")
	b.follow("#add-member")
	s.at("sides.macau-family", "#members li")
	b.follow("#back")
	b.click("#subject-0")
	b.follow("#choose-subject")
	b.see("#unverified")
	b.follow("#show")
	s.at("sides.macau-shown-unverified", "#unverified")
	b.follow("#back")
	b.follow("#to-guangdong")
	b.agree()
	b.convert()
}

func refusals(b *tab, s *stops) {
	b.logIn("macau", "/code", "close-contact")
	b.follow("#show")
	s.at("sides.macau-shown-red", "#reasons")
	b.follow("#back")
	b.follow("#history")
	s.at("sides.macau-history", "#events li")

	b.logOut()
	b.logIn("macau", "/code", "stale-test")
	b.follow("#to-guangdong")
	b.follow("#apply") // without a tick
	b.see("#faults")
	for _, language := range s.languages() {
		b.open(b.sides["macau"] + "/code/to/guangdong/consent?lang=" + language)
		b.follow("#apply")
		s.here("sides.macau-faults", language, "#agree-fault")
	}
	b.open(b.sides["macau"] + "/code/to/guangdong/consent?lang=en")
	b.agree()
	b.click("#convert")
	b.see("#refused")
	s.at("gateway.h5-refused", "#refused [data-refused=remedy]")
	for _, language := range s.languages() {
		b.open(b.sides["macau"] + "/arrive/m/none?lang=" + language)
		s.here("sides.macau-problem", language, "#problem")
	}

	b.logIn("guangdong", "/mini", "close-contact")
	b.follow("#to-hongkong")
	b.agree()
	s.at("sides.mini-refused", "#refused")

	b.logIn("hongkong", "/code", "none")
	b.follow("#show")
	s.at("sides.hongkong-shown-failed", "#pass[data-colour=none]")
}

func (b *tab) logOut() {
	b.Helper()
	b.open(b.sides["macau"] + "/code")
	b.follow("#log-out")
}

func endings(b *tab, s *stops) {
	b.open(b.gateway + "/h5/macau-guangdong?lang=en")
	s.at("gateway.h5-start", "#start")

	for _, language := range s.languages() {
		b.carry(b.seal(b.T, "macau", "guangdong", "green"), language)
		b.convert()
		b.click("#pass [data-delete]")
		s.here("gateway.h5-delete", language, "#delete-yes")
		b.click("#delete-yes")
		s.here("gateway.h5-deleted", language, "#deleted")
		b.carry(b.seal(b.T, "macau", "guangdong", "green"), language)
		b.convert()
		b.click("#withdraw")
		s.here("gateway.h5-withdraw", language, "#withdraw-yes")
		b.click("#withdraw-yes")
		b.see("#withdrawn")
	}
	s.at("gateway.h5-withdrawn", "#withdrawn")

	for _, language := range s.languages() {
		b.carry(b.seal(b.T, "macau", "hongkong", "green"), language)
		b.convert()
		// What is kept says that the code ended a second ago; the page then forgets it.
		b.script(`const kept = JSON.parse(sessionStorage['crosscode.h5.macau-hongkong']);
			kept[0].answer.valid_until = new Date(Date.now() - 1000).toISOString();
			sessionStorage['crosscode.h5.macau-hongkong'] = JSON.stringify(kept)`)
		b.open(b.gateway + "/h5/macau-hongkong?lang=" + language)
		s.here("gateway.h5-expired", language, "#expired")
	}

	b.carry(b.seal(b.T, "hongkong", "guangdong", "green"), "en")
	b.script(`const kept = JSON.parse(sessionStorage['crosscode.h5.hongkong-guangdong']);
		kept[0].stage = 'stuck';
		sessionStorage['crosscode.h5.hongkong-guangdong'] = JSON.stringify(kept)`)
	b.open(b.gateway + "/h5/hongkong-guangdong?lang=en")
	s.at("gateway.h5-trouble", "#retry")
	b.click("#retry")
	b.see("#pass .pass-qr svg")

	b.open(b.gateway + "/h5/macau-nowhere?lang=en")
	s.at("gateway.fault", "h1")
}
