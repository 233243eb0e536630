package browsertest

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// press types a key or a text on the keyboard.
func (b *tab) press(keys string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.KeyEvent(keys)); err != nil {
		b.Fatal(err)
	}
}

// focused says what has the focus, and whether a person can tell: it is in the picture and has a ring round it.
const focused = `(() => {
	const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
	const label = at.tagName === 'INPUT' && at.classList.contains('hide') ? document.querySelector('label[for=' + at.id + ']') : at;
	const shown = getComputedStyle(label);
	return {
		id: at.id, name: at.tagName.toLowerCase() + (at.type ? '[' + at.type + ']' : '') + ' ' + (at.innerText || at.id).trim().slice(0, 30),
		// Within a date field the browser draws the ring by itself, round the button that opens its calendar.
		ring: at.type === 'date' || shown.outlineStyle !== 'none' && parseFloat(shown.outlineWidth) >= 2 || shown.boxShadow !== 'none',
		seen: box.bottom > 0 && box.top < innerHeight && box.width > 0,
		body: at === document.body, stop: at.tabIndex >= 0,
	};
})()`

type focus struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Ring bool   `json:"ring"`
	Seen bool   `json:"seen"`
	Body bool   `json:"body"`
	Stop bool   `json:"stop"`
}

// tabTo presses Tab until an element has the focus. Everything that gets it on the way must show it.
func (b *tab) tabTo(selector string) {
	b.Helper()
	b.see(selector)
	for range 60 {
		b.press(kb.Tab)
		at := ask[focus](b, focused)
		if at.Body {
			continue // the browser's own bar
		}
		if !at.Ring || !at.Seen {
			b.Errorf("%q has the focus, but it does not show (ring %t, in the picture %t)", at.Name, at.Ring, at.Seen)
		}
		if ask[bool](b, fmt.Sprintf("document.activeElement.matches(%q)", selector)) {
			return
		}
	}
	b.Fatalf("the Tab key does not lead to %s\n%s", selector, b.where())
}

// TestKeyboardTraveller walks from the source's page to the destination's with nothing but a keyboard.
func TestKeyboardTraveller(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	b := newTab(t, shared(t), browser)
	b.size(desktop)
	b.open(b.sides["macau"] + "/code?lang=en")
	b.press(kb.Tab)
	if first := ask[focus](b, focused); first.Name == "" || !ask[bool](b, "document.activeElement.matches('a.skip')") {
		t.Errorf("the first stop is %q, want the link that skips to the content", first.Name)
	}
	b.tabTo("#log-in")
	b.leaving(func() { b.press(kb.Enter) })
	b.tabTo("#to-guangdong")
	b.leaving(func() { b.press(kb.Enter) })
	b.tabTo("#agree")
	b.press(" ")
	b.tabTo("#apply")
	b.leaving(func() { b.press(kb.Enter) })
	b.see("#convert")
	b.tabTo("a.skip")
	b.tabTo("#convert")
	b.press(kb.Enter)
	b.see("#pass")
	if !ask[bool](b, "document.activeElement.id === 'pass-title'") {
		t.Error("after the exchange the focus is not on the new heading")
	}
	b.tabTo("#withdraw")
	b.press(kb.Enter)
	if !ask[bool](b, "document.activeElement.closest('#withdraw-ask') !== null") {
		t.Error("the question does not get the focus")
	}
	b.tabTo("#withdraw-no")
	b.press(kb.Enter)
	if !ask[bool](b, "document.activeElement.id === 'withdraw'") {
		t.Error("after «no» the focus is not back at the button")
	}
	b.script("document.querySelector('#pass-title').focus()")
	b.tabTo("#handoff button[type=submit]")
	b.leaving(func() { b.press(kb.Enter) })
	b.see("#itinerary")
	b.tabTo("#phone")
	b.tabTo("#captcha-words")
	b.tabTo("#city")
	b.press("g")
	b.tabTo("#submit-arrival")
}

// TestKeyboardOfficer sets the page up and checks a code with nothing but a keyboard.
func TestKeyboardOfficer(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	b := newTab(t, shared(t), browser)
	b.size(desktop)
	green := b.issue(t, "macau", "guangdong")
	b.open(b.gateway + "/officer/?lang=en")
	b.tabTo("#pin")
	b.press("not a thumbprint" + kb.Enter)
	b.see("#pin-fault")
	b.script("document.activeElement.select()")
	b.press(b.pin + kb.Enter)
	b.see("#desk")
	b.until("document.querySelector('#bundle-until').textContent !== ''")
	b.tabTo("#text")
	if _, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: green.QR.Code}); err != nil {
		t.Fatal(err)
	}
	b.press(kb.Enter)
	b.verdict("valid")
	if !ask[bool](b, "document.activeElement.id === 'tail'") {
		b.tabTo("#tail")
	}
	b.press("5678")
	b.until("document.querySelector('#tail-says').dataset.says === 'match'")
	b.tabTo("#next")
	b.press(kb.Enter)
	b.until("document.querySelector('#verdict').dataset.category === ''")
	b.tabTo("summary")
	b.press(kb.Enter)
	b.tabTo("#sound")
	b.press(" ")
	b.tabTo("#languages button[lang=pt]")
	b.press(kb.Enter)
	b.until("document.documentElement.lang === 'pt'")
}
