package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// exchanges is how often the tab has asked for a code.
func (b *tab) exchanges() int { return b.seen.postsTo("/v1/exchange") }

// oneCode holds the gateway to one code for a packet: whoever brings it again without the page's key gets none.
func (b *tab) oneCode(packet sealed) {
	b.Helper()
	if again := b.bring(b.T, packet.Packet); again.Reason != "replayed" {
		b.Errorf("a stranger with the same packet is told %s %s, want replayed", again.Outcome, again.Reason)
	}
	if kept := ask[int](b, fmt.Sprintf("JSON.parse(sessionStorage['crosscode.h5.%s']).filter((each) => each.stage === 'issued').length", packet.route)); kept != 1 {
		b.Errorf("the page keeps %d codes, want 1", kept)
	}
}

// code is the code that the page shows, as the id of its receipt.
func (b *tab) code() string {
	b.Helper()
	b.see("#pass .pass-qr svg")
	return b.text("[data-fact=receipt]")
}

// TestTwiceIsOnce does what impatient people do: each of them gets the one code, and nothing is lost.
func TestTwiceIsOnce(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	w := shared(t)
	t.Run("double tap", func(t *testing.T) {
		b := newTab(t, w, browser)
		packet := b.seal(t, "macau", "guangdong", "green")
		b.carry(packet, "en")
		b.see("#convert")
		b.do(chromedp.DoubleClick(chromedp.CSS("#convert")))
		b.code()
		if n := b.exchanges(); n != 1 {
			t.Errorf("%d exchanges, want 1", n)
		}
		b.oneCode(packet)
	})
	t.Run("reload before and after", func(t *testing.T) {
		b := newTab(t, w, browser)
		packet := b.seal(t, "macau", "guangdong", "green")
		b.carry(packet, "en")
		b.see("#convert")
		b.do(chromedp.Reload())
		b.convert()
		first := b.code()
		b.do(chromedp.Reload())
		if again := b.code(); again != first {
			t.Errorf("after a reload the receipt is %s, want %s", again, first)
		}
		if n := b.seen.postsTo("/h5/macau-guangdong"); n != 1 {
			t.Errorf("the packet was posted %d times, want once: a reload must not post it again", n)
		}
		if n := b.exchanges(); n != 1 {
			t.Errorf("%d exchanges, want 1", n)
		}
		b.oneCode(packet)
	})
	t.Run("back from the destination's page", func(t *testing.T) {
		b := newTab(t, w, browser)
		packet := b.seal(t, "macau", "guangdong", "green")
		b.carry(packet, "en")
		b.convert()
		first := b.code()
		b.pass()
		b.leaving(func() { b.do(chromedp.NavigateBack()) })
		if again := b.code(); again != first {
			t.Errorf("after going back the receipt is %s, want %s", again, first)
		}
		b.oneCode(packet)
	})
	t.Run("back to the source's page, which posts the same packet again", func(t *testing.T) {
		b := newTab(t, w, browser)
		packet := b.seal(t, "macau", "guangdong", "green")
		b.carry(packet, "en")
		b.convert()
		first := b.code()
		b.carry(packet, "pt")
		if again := b.code(); again != first {
			t.Errorf("the same packet has the receipt %s, want %s", again, first)
		}
		b.oneCode(packet)
	})
	t.Run("a deleted code does not come back with its packet", func(t *testing.T) {
		b := newTab(t, w, browser)
		packet := b.seal(t, "macau", "guangdong", "green")
		b.carry(packet, "en")
		b.convert()
		b.click("#pass [data-delete]")
		b.click("#delete-yes")
		b.see("#deleted")
		b.keepsNothingOf(packet)
		b.carry(packet, "en")
		b.see("#deleted")
	})
}

// keepsNothingOf looks for a traveller in what the tab still has.
func (b *tab) keepsNothingOf(packet sealed) {
	b.Helper()
	kept := ask[string](b, "JSON.stringify({...sessionStorage}) + JSON.stringify({...localStorage}) + document.documentElement.outerHTML")
	for _, secret := range []string{packet.Packet[:200], "CHAN", "陳", "5678"} {
		if strings.Contains(kept, secret) {
			b.Errorf("the tab keeps %.30q", secret)
		}
	}
}

// TestThePacketLeavesThePage holds the page to where it may have the packet: not in its address, and after the first
// moment not in its text either.
func TestThePacketLeavesThePage(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	b := newTab(t, shared(t), browser)
	packet := b.seal(t, "macau", "hongkong", "green")
	b.carry(packet, "en")
	b.see("#convert")
	if strings.Contains(ask[string](b, "location.href + document.documentElement.outerHTML"), packet.Packet[:100]) {
		t.Error("the packet is still in the page")
	}
}

// TestLostAnswers cuts the line after the gateway has decided.
func TestLostAnswers(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	w, line := onWire(t)
	t.Run("one answer is lost", func(t *testing.T) {
		b := newTab(t, w, browser)
		packet := b.seal(t, "macau", "guangdong", "green")
		b.carry(packet, "en")
		line.lose.Store(1)
		b.convert()
		if n := b.exchanges(); n < 2 {
			t.Errorf("%d exchanges: no answer was lost", n)
		}
		b.oneCode(packet)
	})
	t.Run("every answer is lost, and the traveller tries again", func(t *testing.T) {
		b := newTab(t, w, browser)
		packet := b.seal(t, "macau", "guangdong", "green")
		b.carry(packet, "en")
		line.lose.Store(1000)
		b.click("#convert")
		b.see("#trouble")
		line.lose.Store(0)
		b.click("#retry")
		b.code()
		b.oneCode(packet)
	})
	t.Run("the page is reloaded while it waits", func(t *testing.T) {
		b := newTab(t, w, browser)
		packet := b.seal(t, "macau", "guangdong", "green")
		b.carry(packet, "en")
		line.hold.Lock()
		b.click("#convert")
		b.see("#working")
		b.do(chromedp.Reload())
		b.see("#working")
		line.hold.Unlock()
		b.code()
		b.oneCode(packet)
	})
	journal, err := os.ReadFile(filepath.Join(w.folder, "run", "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	for _, line := range regexp.MustCompile(`"event":"issued","receipt":"([^"]+)"`).FindAllStringSubmatch(string(journal), -1) {
		codes[line[1]] = true
	}
	if len(codes) != 3 {
		t.Errorf("the journal has %d codes, want one for each of the three packets\n%s", len(codes), journal)
	}
}

// TestPagesElsewhere has pages send a packet that they have no business with. The packet is as good as before.
func TestPagesElsewhere(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	w := shared(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>elsewhere</title>")
	}))
	defer elsewhere.Close()
	for _, from := range []struct{ name, page string }{
		{"an unregistered origin", elsewhere.URL + "/"},
		{"the page of another side", w.sides["hongkong"] + "/livez"},
		{"a page without an origin", "data:text/html,<!doctype html><title>none</title>"},
	} {
		t.Run(from.name, func(t *testing.T) {
			b := newTab(t, w, browser)
			b.seen.origins = append(b.seen.origins, elsewhere.URL)
			packet := b.seal(t, "macau", "guangdong", "green")
			b.post(from.page, b.gateway+"/h5/macau-guangdong?lang=en", "packet", packet.Packet)
			b.see("h1")
			if b.sees("#convert") {
				t.Error("the page takes the packet")
			}
			if status := ask[int](b, "performance.getEntriesByType('navigation')[0].responseStatus"); status != http.StatusForbidden {
				t.Errorf("the gateway answered %d, want 403", status)
			}
			if strings.Contains(ask[string](b, "document.documentElement.outerHTML"), packet.Packet[:100]) {
				t.Error("the refusal repeats the packet")
			}
			if said := b.bring(t, packet.Packet); said.Outcome != "issued" {
				t.Errorf("the packet is used up: %s %s", said.Outcome, said.Reason)
			}
		})
	}
}

// TestTheCodeCanBeKept saves the code as a picture, reads that picture, and prints the sheet.
func TestTheCodeCanBeKept(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	b := newTab(t, shared(t), browser)
	b.carry(b.seal(t, "macau", "guangdong", "green"), "zh-Hant")
	b.convert()
	want := ask[string](b, "JSON.parse(sessionStorage['crosscode.h5.macau-guangdong'])[0].answer.qr.code")
	b.click("#image")
	b.see("#picture img")
	data := ask[string](b, `(() => {
		const image = document.querySelector('#picture img'), canvas = document.createElement('canvas');
		canvas.width = image.naturalWidth;
		canvas.height = image.naturalHeight;
		canvas.getContext('2d').drawImage(image, 0, 0);
		return canvas.toDataURL().split(',')[1];
	})()`)
	if got := scanned(t, data); got != want {
		t.Errorf("the picture's code reads %.60q, want %.60q", got, want)
	}
	sheet, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	pages := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(sheet, -1))
	if pages < 1 || pages > 2 {
		t.Errorf("the sheet has %d pages, want one or two", pages)
	}
	t.Logf("the sheet is a PDF of %d pages and %d bytes", pages, len(sheet))
}
