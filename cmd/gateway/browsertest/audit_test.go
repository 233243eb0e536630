package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// languages are the four of every page.
var languages = []string{"zh-Hans", "zh-Hant", "en", "pt"}

// speak shows the page in a language, by its own link or button, and waits until it is as before.
func (b *tab) speak(language, ready string) {
	b.Helper()
	if ask[string](b, "document.documentElement.lang") != language {
		link, button := fmt.Sprintf("a[hreflang=%q]", language), fmt.Sprintf("#languages button[lang=%q]", language)
		if ask[bool](b, fmt.Sprintf("Boolean(document.querySelector(%q))", link)) {
			b.open(ask[string](b, fmt.Sprintf("document.querySelector(%q).href", link)))
		} else {
			b.click(button)
		}
		b.until(fmt.Sprintf("document.documentElement.lang === %q", language))
	}
	b.see(ready)
}

// axe is the text of axe-core.
var axe = sync.OnceValue(func() string {
	text, err := os.ReadFile(axeFile)
	if err != nil {
		return "" // the browser is not started without it
	}
	return string(text)
})

// violation is a rule of axe's that an element of the page breaks.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// everyRule is WCAG 2.2 up to level AA; looksOnly is what another look of the same page can change.
const (
	everyRule = `{type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}`
	looksOnly = `{type: 'rule', values: ['color-contrast', 'target-size', 'link-in-text-block']}`
)

// axe gives what axe-core finds wrong, a line for each element and rule.
func (b *tab) axe(rules string) (wrong []string) {
	b.Helper()
	if !ask[bool](b, "typeof axe === 'object'") {
		b.script(axe())
	}
	found := ask[string](b, `axe.run(document, {runOnly: `+rules+`, resultTypes: ['violations']}).then((r) => JSON.stringify(r.violations))`)
	var violations []violation
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.Fatal(err)
	}
	for _, each := range violations {
		for _, node := range each.Nodes {
			wrong = append(wrong, fmt.Sprintf("axe %s (%s): %s\n%s", each.ID, each.Help, node.HTML, node.Summary))
		}
	}
	return wrong
}

// fits gives what is wider than a window of this size, so that people had to scroll sideways (WCAG 1.4.10).
func (b *tab) fits(at screen) (wrong []string) {
	b.Helper()
	b.size(at)
	wide := ask[string](b, `(() => {
		const width = document.documentElement.clientWidth;
		if (document.scrollingElement.scrollWidth <= width) return '';
		return [...document.body.querySelectorAll('*')].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > width + 0.5)
			.map((e) => e.tagName + '#' + e.id + '.' + e.className + ' ends at ' + Math.round(e.getBoundingClientRect().right)).join('; ') || 'something';
	})()`)
	if wide != "" {
		wrong = append(wrong, fmt.Sprintf("wider than %d CSS pixels: %s", at.width, wide))
	}
	return wrong
}

// speaks gives where the page does not speak its language: the root says another, or a text's id stands for the text.
func (b *tab) speaks(language string) (wrong []string) {
	b.Helper()
	if got := ask[string](b, "document.documentElement.lang"); got != language {
		wrong = append(wrong, fmt.Sprintf("it says that it is in %q, want %q", got, language))
	}
	missing := ask[[]string](b, `(document.body.innerText.match(/(^|\s)[a-z][a-z-]*(\.[a-z_-]{2,})+(?=\s|$)/gm) || []).map((each) => each.trim())`)
	if len(missing) > 0 {
		wrong = append(wrong, fmt.Sprintf("it shows the ids of texts: %v", missing))
	}
	return wrong
}

// looks are the ways in which a page is for people who see less: the classes on <html> by which it has them.
var looks = map[bool][]string{
	true:  {"look-large", "look-contrast"}, // of the sides' pages
	false: {"large", "contrast"},
}

// audit is what is asked of every page, in one language.
func (b *tab) audit(page, language string) {
	b.Helper()
	tell := func(look string, wrong []string) {
		b.Helper()
		for _, each := range wrong {
			b.Errorf("%s in %s%s: %s", page, language, look, each)
		}
	}
	b.size(phone)
	tell("", b.speaks(language))
	tell("", b.axe(everyRule))
	tell("", b.fits(narrow))
	tell("", b.fits(zoomed))
	sides := ask[bool](b, "document.documentElement.classList.contains('look-plain')")
	for _, look := range looks[sides] {
		b.script(fmt.Sprintf("document.documentElement.classList.remove('look-plain'); document.documentElement.classList.add(%q)", look))
		tell(", "+look, b.fits(narrow))
		if language == "en" { // colours and sizes of targets are the same in each
			tell(", "+look, b.axe(looksOnly))
		}
		b.script(fmt.Sprintf("document.documentElement.classList.remove(%q)", look))
	}
	if sides {
		b.script("document.documentElement.classList.add('look-plain')")
	}
	b.size(phone)
}

// TestTheAuditSees spoils a page in each way that the audit is to notice.
func TestTheAuditSees(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	b := newTab(t, shared(t), browser)
	for _, spoilt := range []struct {
		name, script, noticed string
		look                  func() []string
	}{
		{"a picture without words", "const i = new Image(); i.src = '/assets/mark.svg'; document.querySelector('main').append(i)", "image-alt",
			func() []string { return b.axe(everyRule) }},
		{"a button without a name", "document.querySelector('main').append(document.createElement('button'))", "button-name",
			func() []string { return b.axe(everyRule) }},
		{"faint letters", "document.querySelector('main h1, main section:not([hidden]) h1').style.color = '#eee'", "color-contrast",
			func() []string { return b.axe(looksOnly) }},
		{"a wide block", "const p = document.querySelector('main .lead'); p.style.width = '700px'", "wider than 320",
			func() []string { return b.fits(narrow) }},
		{"a missing text", "document.querySelector('main .lead').textContent = 'start.lead'", "start.lead",
			func() []string { return b.speaks("en") }},
		{"another language", "document.documentElement.lang = 'pt'", "want",
			func() []string { return b.speaks("en") }},
	} {
		b.open(b.gateway + "/h5/macau-guangdong?lang=en")
		b.see("#start")
		if before := spoilt.look(); len(before) > 0 {
			t.Errorf("%s: the page is wrong before: %v", spoilt.name, before)
		}
		b.script(spoilt.script)
		if after := strings.Join(spoilt.look(), "\n"); !strings.Contains(after, spoilt.noticed) {
			t.Errorf("%s: nobody noticed: %q", spoilt.name, after)
		}
	}
}

// TestLooks presses the buttons for larger type and more contrast, and opens the page again.
func TestLooks(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	b := newTab(t, shared(t), browser)
	size := func() float64 {
		return ask[float64](b, "parseFloat(getComputedStyle(document.documentElement).fontSize)")
	}
	b.open(b.gateway + "/h5/macau-guangdong?lang=en")
	plain := size()
	b.click("[data-mode=large]")
	b.click("[data-mode=contrast]")
	b.do(chromedp.Reload())
	b.see("[data-mode=contrast][aria-pressed=true]")
	if large := size(); large < 1.2*plain {
		t.Errorf("the type of the gateway's page is %.1f px, larger it is %.1f px", plain, large)
	}
	b.open(b.sides["hongkong"] + "/code?lang=en")
	plain = size()
	b.follow("#look-large")
	if large := size(); large < 1.2*plain {
		t.Errorf("the type of the side's page is %.1f px, larger it is %.1f px", plain, large)
	}
	b.follow("#look-contrast")
	b.see("html.look-contrast")
}

// stops are what happens at each page of a walk: an audit, or a picture.
type stops struct {
	b    *tab
	seen map[string]bool
}

// at stops at a page in every language; ready is what must be on it before it is looked at. The walk goes on in English.
func (s *stops) at(page, ready string) {
	s.b.Helper()
	s.see(page)
	s.b.see(ready) // a page on the way here may have led on by itself
	for _, language := range s.languages() {
		s.b.speak(language, ready)
		s.look(page, language)
	}
	s.b.speak("en", ready)
}

// here stops at a page that is gone after a reload: in the language that it is in.
func (s *stops) here(page, language, ready string) {
	s.b.Helper()
	s.see(page)
	s.b.see(ready)
	s.look(page, language)
}

func (s *stops) see(page string) {
	if !strings.Contains(page, ".") {
		s.b.Fatalf("%q is not the name of a page: it has no owner", page)
	}
	s.seen[page] = true
}

func (s *stops) languages() []string {
	if *refresh {
		return pictureLanguages
	}
	return languages
}

func (s *stops) look(page, language string) {
	s.b.Helper()
	if *refresh {
		s.b.photograph(page, language)
		return
	}
	s.b.audit(page, language)
}
