package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to become what a test expects; a race-built program on a busy machine is slow.
const patience = 15 * time.Second

// tab is a browser tab with a profile of its own: one person at one device.
type tab struct {
	*testing.T
	*world
	ctx  context.Context
	seen *sightings
}

// newTab opens a tab. When the test ends, what the tab saw is held against what no page of ours may do.
func newTab(t *testing.T, w *world, browser context.Context) *tab {
	t.Helper()
	seen := &sightings{origins: append([]string{w.gateway}, w.sideURLs()...), gateway: w.gateway, urls: map[network.RequestID]string{}}
	ctx, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(seen.note))
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	b := &tab{T: t, world: w, ctx: ctx, seen: seen}
	seen.answerDialog = func() {
		_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: false})
	}
	t.Cleanup(func() {
		b.check()
		cancel()
		closeTab()
	})
	// The first call opens the tab, which lives as long as the context of that call.
	if _, err := chromedp.Call(ctx, audits.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	b.size(phone)
	return b
}

func (w *world) sideURLs() []string {
	var urls []string
	for _, side := range sideNames {
		urls = append(urls, w.sides[side])
	}
	return urls
}

// check holds what the tab saw against what no page of ours may do.
func (b *tab) check() {
	b.Helper()
	cookies, err := chromedp.Call(b.ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		b.Errorf("cookies: %v", err)
	}
	for _, cookie := range cookies.Cookies {
		if !strings.HasPrefix(cookie.Name, "simulation-") {
			b.Errorf("there is a cookie %q, which is no side's", cookie.Name)
		}
	}
	for _, wrong := range b.seen.wrong() {
		b.Error(wrong)
	}
}

// sightings is what happened in a tab that nobody looks at by eye.
type sightings struct {
	mu           sync.Mutex
	origins      []string
	gateway      string
	urls         map[network.RequestID]string
	faults       []string
	posts        []string // URLs of POST requests, in order
	ignore       []string
	answerDialog func()
}

func (s *sightings) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// expect names a fault that this very test is about.
func (s *sightings) expect(part string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ignore = append(s.ignore, part)
}

func (s *sightings) wrong() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for _, one := range s.faults {
		if !slices.ContainsFunc(s.ignore, func(part string) bool { return strings.Contains(one, part) }) {
			found = append(found, one)
		}
	}
	return found
}

// postsTo counts the POST requests to URLs with a part.
func (s *sightings) postsTo(part string) (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, url := range s.posts {
		if strings.Contains(url, part) {
			count++
		}
	}
	return count
}

func (s *sightings) note(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		s.noteLog(e.Entry)
	case *audits.EventIssueAdded:
		s.noteIssue(e.Issue)
	case *runtime.EventExceptionThrown:
		s.fault("an exception in %s: %s", e.ExceptionDetails.URL, exceptionText(e.ExceptionDetails))
	case *page.EventJavascriptDialogOpening:
		s.fault("a script ran: it opened a dialog %q", e.Message)
		go s.answerDialog()
	case *network.EventRequestWillBeSent:
		s.noteRequest(e)
	case *network.EventResponseReceivedExtraInfo:
		s.noteHeaders(e)
	}
}

func exceptionText(details *runtime.ExceptionDetails) string {
	if details.Exception != nil && details.Exception.Description != "" {
		return details.Exception.Description
	}
	return details.Text
}

// noteLog leaves out what the network did: a refusal is an answer 4xx, and a test may cut the line.
func (s *sightings) noteLog(entry *log.Entry) {
	if entry.Source != log.EntrySourceNetwork && entry.Level != log.EntryLevelVerbose && entry.Level != log.EntryLevelInfo {
		s.fault("the browser's log, %s: %s", entry.Source, entry.Text)
	}
}

// meant are issues that are none: «back» passes over a page that led on by itself, and Chromium has not heard of the value
// "bday" that HTML defines.
var meant = []string{"NavigationEntryMarkedSkippable", "FormInputHasWrongButWellIntendedAutocompleteValueError"}

func (s *sightings) noteIssue(issue *audits.InspectorIssue) {
	if policy := issue.Details.ContentSecurityPolicyIssueDetails; policy != nil {
		s.fault("the page broke its Content-Security-Policy: %s %s %+v", policy.ViolatedDirective, policy.BlockedURL, policy.SourceCodeLocation)
		return
	}
	details, _ := json.Marshal(issue.Details)
	if slices.ContainsFunc(meant, func(part string) bool { return strings.Contains(string(details), part) }) {
		return
	}
	s.fault("the browser has an issue with the page: %s %s", issue.Code, details)
}

func (s *sightings) noteRequest(e *network.EventRequestWillBeSent) {
	url := e.Request.URL
	s.urls[e.RequestID] = url
	if e.Request.Method == "POST" {
		s.posts = append(s.posts, url)
	}
	ours := slices.ContainsFunc(s.origins, func(origin string) bool { return strings.HasPrefix(url, origin+"/") })
	if !ours && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:") {
		s.fault("the page asked a third party: %s", url)
	}
	for _, part := range []string{"packet=", "handoff=", "code="} {
		if strings.Contains(url, part) {
			s.fault("a URL holds %s: %.80s", part, url)
		}
	}
}

func (s *sightings) noteHeaders(e *network.EventResponseReceivedExtraInfo) {
	if !strings.HasPrefix(s.urls[e.RequestID], s.gateway+"/") {
		return
	}
	for name := range e.Headers {
		if strings.EqualFold(name, "set-cookie") {
			s.fault("the gateway set a cookie at %s", s.urls[e.RequestID])
		}
	}
}

// screen is the size of a window in CSS pixels.
type screen struct {
	name          string
	width, height int64
	scale         float64
}

var (
	phone   = screen{"phone", 390, 844, 1}
	desktop = screen{"desktop", 1100, 800, 1}
	// narrow is WCAG 1.4.10's width: 1280 pixels at 400 %.
	narrow = screen{"narrow", 320, 640, 1}
	// zoomed is a window of 1280 pixels at 200 %.
	zoomed = screen{"zoomed", 640, 450, 2}
)

func (b *tab) size(s screen) {
	b.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.width, Height: s.height, DeviceScaleFactor: s.scale,
	})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatalf("%v\n%s", err, b.where())
	}
}

// open goes to a URL and waits until the page has loaded.
func (b *tab) open(url string) {
	b.Helper()
	b.do(chromedp.Navigate(url))
	b.until("document.readyState === 'complete'")
}

// ask evaluates JavaScript in the page.
func ask[T any](b *tab, script string) T {
	b.Helper()
	found, err := tryAsk[T](b, script)
	if err != nil {
		b.Fatalf("%v\n%s", err, b.where())
	}
	return found
}

func tryAsk[T any](b *tab, script string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

func (b *tab) script(script string) {
	b.Helper()
	ask[bool](b, "(() => {"+script+";\n return true})()")
}

// until waits for a condition in whatever page is there by then.
func (b *tab) until(condition string) {
	b.Helper()
	for began := time.Now(); time.Since(began) < patience; time.Sleep(15 * time.Millisecond) {
		if met, err := tryAsk[bool](b, "Boolean("+condition+")"); err == nil && met {
			return
		}
	}
	b.Fatalf("it never became true: %s\n%s", condition, b.where())
}

// visible is a condition: the element is there and can be seen.
func visible(selector string) string {
	return fmt.Sprintf("(document.querySelector(%[1]q) && document.querySelector(%[1]q).checkVisibility() && document.querySelector(%[1]q).getClientRects().length > 0)", selector)
}

func (b *tab) see(selector string) {
	b.Helper()
	b.until(visible(selector))
}

func (b *tab) sees(selector string) bool {
	b.Helper()
	return ask[bool](b, "Boolean("+visible(selector)+")")
}

// where says what the tab shows, for a test that has failed.
func (b *tab) where() string {
	seen, err := tryAsk[string](b, "location.href + ' «' + document.title + '»\\n' + (document.body ? document.body.innerText : '')")
	if err != nil {
		return err.Error()
	}
	if folder := os.Getenv("CROSSCODE_TEST_PICTURES"); folder != "" {
		if picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100)); err == nil {
			_ = os.WriteFile(folder+"/"+strings.ReplaceAll(b.Name(), "/", "-")+".png", picture, 0o600)
		}
	}
	return "the tab shows " + seen
}

// click presses the mouse's button on an element.
func (b *tab) click(selector string) {
	b.Helper()
	b.see(selector)
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// follow clicks on what leads to another page, and waits for that.
func (b *tab) follow(selector string) {
	b.Helper()
	b.see(selector)
	b.leaving(func() { b.do(chromedp.Click(chromedp.CSS(selector))) })
}

// leaving does something after which another page is there.
func (b *tab) leaving(act func()) {
	b.Helper()
	b.script("window.before = true")
	act()
	b.until("!window.before && document.readyState === 'complete'")
}

// fill types into an empty field, with the keyboard's events.
func (b *tab) fill(selector, text string) {
	b.Helper()
	b.see(selector)
	b.script(fmt.Sprintf("const field = document.querySelector(%q); field.focus(); field.select && field.select()", selector))
	_, err := chromedp.Run(b.ctx, chromedp.KeyEvent(text))
	if err != nil {
		b.Fatal(err)
	}
}

// set gives a field of a kind that is not typed into (date, select, tick, radio) its value.
func (b *tab) set(selector, value string) {
	b.Helper()
	b.see(selector)
	b.script(fmt.Sprintf("const field = document.querySelector(%q); field.value = %q; field.dispatchEvent(new Event('input', {bubbles: true})); field.dispatchEvent(new Event('change', {bubbles: true}))", selector, value))
}

func (b *tab) text(selector string) string {
	b.Helper()
	b.see(selector)
	return ask[string](b, fmt.Sprintf("document.querySelector(%q).innerText", selector))
}

func (b *tab) wants(selector, text string) {
	b.Helper()
	if got := b.text(selector); !strings.Contains(got, text) {
		b.Errorf("%s says %q, want %q in it", selector, got, text)
	}
}

// post sends a form from a page of this origin, as the side's own page would.
func (b *tab) post(from, to, field, value string) {
	b.Helper()
	b.open(from)
	b.leaving(func() {
		b.script(fmt.Sprintf(`const form = document.createElement('form');
			form.method = 'post'; form.action = %q;
			const input = document.createElement('input');
			input.type = 'hidden'; input.name = %q; input.value = %q;
			form.append(input); document.body.append(form); form.submit()`, to, field, value))
	})
}

// carry brings a packet to the gateway's page from the side's registered origin.
func (b *tab) carry(packet sealed, language string) {
	b.Helper()
	b.post(b.sides[packet.from]+"/livez", b.gateway+"/h5/"+packet.route+"?lang="+language, "packet", packet.Packet)
}
