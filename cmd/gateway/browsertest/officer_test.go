package browsertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"crosscode/exchange/clock"
)

// installed opens the officers' page with the gateway's key set, and waits for its bundle.
func (b *tab) installed() {
	b.Helper()
	b.open(b.gateway + "/officer/?lang=en#pin=" + b.pin)
	b.click("#setup-form button[type=submit]")
	b.see("#desk")
	b.until("document.querySelector('#bundle-until').textContent !== ''")
}

// paste gives the page the text of a QR code, as a hand-held scanner or a person does.
func (b *tab) paste(text string) {
	b.Helper()
	b.see("#text")
	b.script("document.querySelector('#text').focus()")
	if _, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: text}); err != nil {
		b.Fatal(err)
	}
	b.do(chromedp.Click(chromedp.CSS("#text-form button")))
}

// asFastAsAScanner dates the keys a millisecond apart, as a scanner's are. The page tells a scanner by that, and a busy machine
// hands keys over with pauses in which the page would take the rest for a new text.
func asFastAsAScanner() chromedp.KeyOption {
	began, keys := time.Now(), 0
	return func(key *input.DispatchKeyEventParams) {
		keys++
		key.Timestamp = input.TimeSinceEpoch(float64(began.UnixMilli()+int64(keys)) / 1000)
	}
}

// verdict waits until the page has judged, and holds it to a category.
func (b *tab) verdict(category string) {
	b.Helper()
	b.until(fmt.Sprintf("document.querySelector('#verdict').dataset.category === %q", category))
	if word := b.text("#verdict-word"); word == "" {
		b.Errorf("the verdict %s has no word", category)
	}
	if !b.sees("#verdict .verdict-shape") {
		b.Errorf("the verdict %s has no shape", category)
	}
}

func (b *tab) next() {
	b.Helper()
	b.click("#next")
	b.until("document.querySelector('#verdict').dataset.category === ''")
}

// tailOf is what an officer reads on the document whose masked number the page shows.
func tailOf(masked string) string { return masked[strings.LastIndexByte(masked, '*')+1:] }

// officerWalk looks at each thing that the officers' page can say.
func officerWalk(b *tab, s *stops) {
	green, other := b.issue(b.T, "macau", "guangdong"), b.issue(b.T, "macau", "guangdong")
	refused := b.bring(b.T, b.seal(b.T, "macau", "guangdong", "stale-test").Packet)
	b.open(b.gateway + "/officer/?lang=en#pin=" + b.pin)
	s.at("gateway.officer-setup", "#setup-form")
	b.click("#setup-form button[type=submit]")
	b.until("document.querySelector('#bundle-until').textContent !== ''")
	b.until("document.documentElement.dataset.stored === 'true'")
	s.at("gateway.officer", "#camera")
	// What is shown stays while it is looked at.
	b.script("const clear = document.querySelector('#clear'); clear.value = '0'; clear.dispatchEvent(new Event('change'))")
	for _, shown := range []struct {
		page, category string
		texts          []string
	}{
		{"gateway.officer-valid", "valid", []string{green.QR.Code, green.QR.Receipt}},
		{"gateway.officer-unreadable", "unreadable", []string{tampered(green.QR.Code)}},
		{"gateway.officer-mismatch", "mismatch", []string{green.QR.Code, other.QR.Receipt}},
		{"gateway.officer-refusal", "refusal", []string{refused.QR.Receipt}},
	} {
		for _, text := range shown.texts {
			b.paste(text)
			b.until("document.querySelector('#verdict').dataset.category !== ''")
		}
		b.verdict(shown.category)
		s.at(shown.page, "#next")
		b.next()
	}
	b.paste(green.QR.Code)
	b.verdict("valid")
	b.fill("#tail", "5678")
	b.until("document.querySelector('#tail-says').dataset.says === 'match'")
	s.at("gateway.officer-match", "#next")
	b.fill("#tail", "0000")
	b.verdict("document")
	s.at("gateway.officer-document", "#next")
	b.next()
	b.script("localStorage['crosscode.officer.trust'] = JSON.stringify({pins: ['" + strings.Repeat("A", 43) + "'], lastSeen: 0})")
	b.open(b.gateway + "/officer/?lang=en")
	b.see("#notes .note-stop")
	b.paste(green.QR.Code)
	b.verdict("cannot")
	s.at("gateway.officer-cannot", "#next")
}

// tampered is a QR text with one digit changed, in the middle of what is signed.
func tampered(text string) string {
	middle := len(text) / 2
	digit := '0' + (text[middle]-'0'+1)%10
	return text[:middle] + string(digit) + text[middle+1:]
}

// TestOfficerVerdicts gives the page what travellers bring, by every way in.
func TestOfficerVerdicts(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	b := newTab(t, shared(t), browser)
	b.installed()
	green, hongKong := b.issue(t, "macau", "guangdong"), b.issue(t, "guangdong", "hongkong")
	for _, shown := range []struct {
		name, text, category string
	}{
		{"a code", green.QR.Code, "valid"},
		{"a code as a token", green.Code, "valid"},
		{"a receipt alone", hongKong.QR.Receipt, "valid"},
		{"a code with one digit changed", tampered(green.QR.Code), "unreadable"},
		{"a code without its end", green.QR.Code[:len(green.QR.Code)-22], "unreadable"},
		{"an advertisement", "https://example.com/", "unreadable"},
		{"markup", `<img src=x onerror="alert(1)"><script>alert(2)</script>`, "unreadable"},
		{"a script's address", "javascript:alert(1)", "unreadable"},
	} {
		began := time.Now()
		b.paste(shown.text)
		b.verdict(shown.category)
		t.Logf("%s: %s, %s after it was pasted", shown.name, shown.category, time.Since(began).Round(time.Millisecond))
		b.next()
	}
	t.Run("a hand-held scanner types", func(*testing.T) {
		b.script("document.activeElement.blur()")
		if _, err := chromedp.Run(b.ctx, chromedp.KeyEvent(green.QR.Code+"\r", asFastAsAScanner())); err != nil {
			t.Fatal(err)
		}
		b.verdict("valid")
		b.next()
	})
	t.Run("a photo is taken", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "photo.png")
		if err := os.WriteFile(file, pngOf(t, photograph(t, green.QR.Code, view{angle: 0.2, noise: 20}, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		b.do(chromedp.SetUploadFiles(chromedp.CSS("#photo"), []string{file}))
		b.verdict("valid")
		b.next()
	})
	t.Run("nothing of a traveller is kept", func(*testing.T) { b.keepsNothing(green) })
	t.Run("the tally counts", func(t *testing.T) {
		for category, want := range map[string]string{"valid": "5", "unreadable": "5", "total": "10"} {
			if got := ask[string](b, fmt.Sprintf("document.querySelector('[data-count=%q] dd').textContent", category)); got != want {
				t.Errorf("%s: %s, want %s", category, got, want)
			}
		}
	})
}

// keepsNothing looks for what was scanned in all that the page can keep things in.
func (b *tab) keepsNothing(shown answer) {
	b.Helper()
	kept := ask[string](b, `(async () => {
		const found = [JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage}), document.documentElement.outerHTML,
			location.href, JSON.stringify(await indexedDB.databases())];
		for (const name of await caches.keys()) {
			for (const request of await (await caches.open(name)).keys()) found.push(request.url);
		}
		return found.join('\n');
	})()`)
	for _, secret := range []string{shown.Code, shown.QR.Code, shown.QR.Receipt, shown.CodeID, "CHAN", "陳", "5678"} {
		if strings.Contains(kept, secret) {
			b.Errorf("the page keeps %.40q", secret)
		}
	}
}

// skewed makes every page of the tab believe in another time. It must be called before the page is opened.
func (b *tab) skewed(by time.Duration) {
	b.Helper()
	script := fmt.Sprintf(`{
		const Real = Date, by = %d;
		self.Date = class Date extends Real {
			constructor(...parts) { if (parts.length > 0) super(...parts); else super(Real.now() + by); }
			static now() { return Real.now() + by; }
		};
	}`, by.Milliseconds())
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		b.Fatal(err)
	}
}

// TestOfficerClock moves the device's clock.
func TestOfficerClock(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	w := shared(t)
	hongKong := w.issue(t, "guangdong", "hongkong")
	ends, err := time.Parse(time.RFC3339, hongKong.ValidUntil)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []struct {
		name           string
		by             time.Duration
		note, category string
	}{
		{"a quarter of an hour fast", 15 * time.Minute, "warn", "valid"},
		{"past the code's end", clock.Until(ends) + 2*time.Minute, "warn", "expired"},
		{"a day and an hour fast", 25 * time.Hour, "stop", "cannot"},
		{"an hour slow", -time.Hour, "stop", "cannot"},
	} {
		t.Run(set.name, func(t *testing.T) {
			b := newTab(t, w, browser)
			b.skewed(set.by)
			b.open(b.gateway + "/officer/?lang=en#pin=" + b.pin)
			b.click("#setup-form button[type=submit]")
			b.see("#notes .note-" + set.note)
			b.paste(hongKong.QR.Code)
			b.verdict(set.category)
		})
	}
}

// TestOfficerRecalledAndSpecimen has a code withdrawn by its side, and a gateway in real use that is shown a specimen.
func TestOfficerRecalledAndSpecimen(t *testing.T) {
	browser := commonBrowser(t)
	w := ownWorld(t)
	packet := w.seal(t, "macau", "guangdong", "green")
	recalled, green := w.bring(t, packet.Packet), w.issue(t, "macau", "guangdong")
	if _, err := w.run("sides", "recall", "--side", "macau", "--packet", packet.ID, "--gateway", w.gateway, "--data", w.data("macau")); err != nil {
		t.Fatal(err)
	}
	t.Parallel() // the minute that a recall may take passes while other tests run
	w.awaitBundle(t, "the recall", func(bundle told) bool { return len(bundle.Recalls) > 0 })
	b := newTab(t, w, browser)
	b.installed()
	b.paste(recalled.QR.Code)
	b.verdict("recalled")
	b.next()
	b.paste(recalled.QR.Receipt)
	b.verdict("recalled")
	b.next()
	b.paste(green.QR.Code)
	b.verdict("valid")
	b.see("#specimen")

	w.stopGateway(t)
	w.changes = []string{"specimen: true", "specimen: false"}
	for _, step := range []func() error{w.configure, w.startGateway} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	atWork := newTab(t, w, browser)
	atWork.installed()
	atWork.paste(green.QR.Code)
	atWork.verdict("specimen")
	atWork.see("#specimen")
}

// told is what a bundle says against codes.
type told struct {
	Recalls  []any `json:"recalls"`
	Closings []any `json:"closings"`
}

// awaitBundle waits until the gateway's bundle tells something: within a minute, as it promises.
func (w *world) awaitBundle(t *testing.T, what string, tells func(told) bool) {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(250 * time.Millisecond) {
		response, err := http.Get(w.gateway + "/v1/bundle")
		if err != nil {
			t.Fatal(err)
		}
		token, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		var bundle told
		if claimsOf(t, string(token), &bundle); tells(bundle) {
			t.Logf("%s is in the bundle after %s", what, time.Since(began).Round(time.Second))
			return
		}
	}
	t.Fatalf("%s is not in the bundle after a minute", what)
}

// claimsOf reads a token without asking who signed it.
func claimsOf(t *testing.T, token string, into any) {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, into); err != nil {
		t.Fatal(err)
	}
}

// TestOfficerWithoutNetwork stops the gateway under an installed page, and opens the page again.
func TestOfficerWithoutNetwork(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	w := ownWorld(t)
	b := newTab(t, w, browser)
	b.installed()
	b.until("document.documentElement.dataset.stored === 'true'")
	green := w.issue(t, "hongkong", "guangdong")
	w.stopGateway(t)
	b.open(w.gateway + "/officer/")
	b.see("#desk")
	b.until("navigator.serviceWorker.controller !== null")
	b.speak("zh-Hant", "#desk")
	b.paste(green.QR.Code)
	b.verdict("valid")
	b.paste(green.QR.Receipt)
	b.until("document.querySelector('#facts').textContent.length > 0")
	b.verdict("valid")
	b.fill("#tail", tailOf(masked(t, green.Code)))
	b.until("document.querySelector('#tail-says').dataset.says === 'match'")
	b.click("#renew")
	b.see("#desk")
}

// masked is the document on a code.
func masked(t *testing.T, token string) string {
	t.Helper()
	var claims struct {
		Document string `json:"d"`
	}
	claimsOf(t, token, &claims)
	return claims.Document
}

// TestOfficerCamera holds a code before the camera, as people do.
func TestOfficerCamera(t *testing.T) {
	equipped(t)
	w := shared(t)
	green := w.issue(t, "macau", "guangdong")
	for _, held := range []struct {
		name     string
		text     string
		view     view
		category string
	}{
		{"upright", green.QR.Code, view{}, "valid"},
		{"tilted", green.QR.Code, view{angle: 0.45, lean: 0.18}, "valid"},
		{"in a noisy picture", green.QR.Code, view{angle: -0.15, noise: 45}, "valid"},
		{"a receipt", green.QR.Receipt, view{angle: 1.6, noise: 15}, "valid"},
		{"tampered", tampered(green.QR.Code), view{angle: 0.1}, "unreadable"},
	} {
		t.Run(held.name, func(t *testing.T) {
			video := filepath.Join(t.TempDir(), "camera.y4m")
			if err := os.WriteFile(video, filmed(t, held.text, held.view), 0o600); err != nil {
				t.Fatal(err)
			}
			b := newTab(t, w, ownBrowser(t,
				chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("use-fake-device-for-media-stream", true),
				chromedp.Flag("use-file-for-fake-video-capture", video)))
			b.installed()
			b.script(`const video = document.querySelector('#video'), verdict = document.querySelector('#verdict');
				video.addEventListener('playing', () => { window.playing = performance.now(); }, {once: true});
				new MutationObserver(() => { if (verdict.dataset.category) window.judged ??= performance.now(); })
					.observe(verdict, {attributes: true})`)
			b.click("#camera")
			b.verdict(held.category)
			t.Logf("from the first picture to the verdict: %.0f ms", ask[float64](b, "window.judged - window.playing"))
			b.click("#camera")
			b.until("document.querySelector('#video').srcObject === null")
		})
	}
}
