package browsertest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/chromedp/chromedp"

	"crosscode/exchange/clock"
)

// hostile are names that want to be more than text.
var hostile = []string{
	`<script>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`,
	`"><svg onload=alert(1)>`,
	`</title></script><script>alert(1)//`,
	`' autofocus onfocus='alert(1)`,
	`javascript:alert(1)`,
	`{{.}}${alert(1)}`,
	"\u202eNAHC\u202c TAI",
	"CH\u200bAN\u200d\ufeff",
	"\u2066CHAN\u2069\u200f",
}

// planted looks for whatever a planted string may have become besides text.
const planted = `[...document.querySelectorAll('script:not([src]), [onerror], [onload], [onfocus], img[src="x"], iframe, object, embed')]
	.map((each) => each.outerHTML).join('\n')`

func (b *tab) inert(where string) {
	b.Helper()
	if found := ask[string](b, planted); found != "" {
		b.Errorf("%s: a planted string became an element: %s", where, found)
	}
}

// TestHostileNames has travellers with such names ask for a code. The gateway takes none of them, and the page that says
// so is as any other.
func TestHostileNames(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	w := shared(t)
	b := newTab(t, w, browser)
	claims := w.printedClaims(t)
	for _, name := range hostile {
		b.carry(w.sealWish(t, "macau", "guangdong", map[string]any{"claims": named(claims, name, name, "")}), "en")
		b.click("#convert")
		b.see("#refused")
		b.inert("the refusal")
		b.script("sessionStorage.clear()")
	}
	b.carry(w.sealWish(t, "macau", "guangdong", map[string]any{"claims": named(claims, "陳大文", "CHAN TAI MAN", "")}), "en")
	b.convert() // it was the names
}

// TestOddNames has a traveller take the whole way whose name and laboratory have all the punctuation that is let through.
func TestOddNames(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	w := shared(t)
	// The first apostrophe is typographic: the reader folds it, so that every page and code has the plain one.
	const written, latin, laboratory = `D’ANJOU-O'BRIEN, J. ''--''`, `D'ANJOU-O'BRIEN, J. ''--''`, `"Lab" '&#x3c;{{.}}\u0022;/*--*/#%@!&lt;`
	b := newTab(t, w, browser)
	b.carry(w.sealWish(t, "macau", "guangdong", map[string]any{"claims": named(w.printedClaims(t), "陳大文", written, laboratory)}), "en")
	b.convert()
	b.inert("the code's page")
	b.click("#image")
	b.see("#picture img")
	code := ask[string](b, "JSON.parse(sessionStorage['crosscode.h5.macau-guangdong'])[0].answer.qr.code")
	b.pass()
	b.inert("the destination's form")
	b.wants("#arrived-name", latin)
	b.arrive("+85360000007")
	b.inert("the destination's code")
	b.wants("body", latin)
	b.wants("body", laboratory)
	officer := newTab(t, w, browser)
	officer.installed()
	officer.paste(code)
	officer.verdict("valid")
	officer.inert("the officers' page")
}

// TestHostileAnswers puts such strings where a broken gateway or somebody at the device could: into all that the traveller's
// page has kept of an answer.
func TestHostileAnswers(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	b := newTab(t, shared(t), browser)
	const kept = "crosscode.h5.macau-guangdong"
	b.carry(b.seal(t, "macau", "guangdong", "green"), "en")
	b.convert()
	b.script(fmt.Sprintf("sessionStorage.genuine = sessionStorage[%q]", kept))
	for _, name := range hostile {
		b.script(fmt.Sprintf(`const name = %q, entries = JSON.parse(sessionStorage.genuine), answer = entries[0].answer;
			const url64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
			const [header, payload, signature] = answer.code.split('.');
			const claims = {...JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/'))), n: name, d: name, t: name, p: name};
			answer.code = [header, url64(JSON.stringify(claims)), signature].join('.');
			answer.receipt_id = name;
			answer.not_granted = [name];
			answer.warnings = [{title: name, remedy: name}];
			sessionStorage[%[2]q] = JSON.stringify(entries)`, name, kept))
		b.open(b.gateway + "/h5/macau-guangdong?lang=en")
		b.see("#pass")
		b.inert("the code's page")
		for _, place := range []string{"#name", "[data-fact=document]", "[data-fact=test]", "[data-fact=port]", "[data-fact=receipt]", "#not", "#warning-list"} {
			if got := ask[string](b, fmt.Sprintf("document.querySelector(%q).textContent", place)); !strings.Contains(got, name) {
				t.Errorf("%s says %q, want %q in it", place, got, name)
			}
		}
		b.click("#image")
		b.see("#picture img")
		b.script(fmt.Sprintf(`const name = %q, entries = JSON.parse(sessionStorage[%[2]q]);
			entries[0] = {...entries[0], stage: 'refused', answer: {outcome: 'refused', title: name, detail: name, remedy: name, contact: name, receipt_id: name, reason: name}};
			sessionStorage[%[2]q] = JSON.stringify(entries)`, name, kept))
		b.open(b.gateway + "/h5/macau-guangdong?lang=en")
		b.see("#refused")
		b.inert("the refusal")
	}
}

// printedClaims are those of a green packet as its side would seal them.
func (w *world) printedClaims(t *testing.T) map[string]any {
	t.Helper()
	printed, err := w.run("sides", "seal", "--print-claims", "--from", "macau", "--to", "guangdong", "--case", "green",
		"--gateway", w.gateway, "--data", w.data("macau"))
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal([]byte(printed), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// named gives the claims an id of their own, another name of the holder and, unless it is empty, of the laboratory.
func named(claims map[string]any, han, latin, laboratory string) map[string]any {
	claims["jti"] = rand.Text()[:22]
	holder, _ := claims["holder"].(map[string]any)
	holder["name"] = map[string]any{"han": han, "latin": latin}
	evidence, _ := claims["evidence"].([]any)
	for _, each := range evidence {
		if fact, _ := each.(map[string]any); fact["institution"] != nil && laboratory != "" {
			fact["institution"] = laboratory
		}
	}
	return claims
}

// TestHostileFields types such strings into every field of the sides' pages, which show them again.
func TestHostileFields(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	b := newTab(t, shared(t), browser)
	fillAll := func(name, submit string) {
		b.script(fmt.Sprintf(`for (const field of document.querySelectorAll('main form[method=post] input[type=text], main form[method=post] input[type=tel]')) {
			field.removeAttribute('maxlength'); field.value = %q; }`, name))
		b.follow(submit)
	}
	for _, name := range hostile {
		b.open(b.sides["macau"] + "/code?lang=en")
		fillAll(name, "#log-in")
		b.see("#faults")
		b.inert("the login")
	}
	b.logIn("macau", "/code", "positive")
	for _, name := range hostile[:6] {
		b.open(b.sides["macau"] + "/code/family?lang=en")
		b.script(fmt.Sprintf("document.querySelector('#name').value = %q", name))
		b.follow("#add-member")
		b.inert("the family page")
		if !strings.Contains(b.text("#members"), name) {
			t.Errorf("the family page does not show %q as text", name)
		}
	}
	b.open(b.sides["macau"] + "/code")
	b.click("#subject-0")
	b.follow("#choose-subject")
	b.inert("the home page")
	b.wants("h1", hostile[0])
	b.follow("#show")
	b.inert("the code page")
	b.open(b.sides["macau"] + "/code/history")
	b.wants("#events", hostile[0])
	b.inert("the history")
}

// TestExchangedHandoff puts somebody else's fields beside a genuine code and receipt, sealed as the gateway would: anybody
// can seal to a public key. The destination takes none of it.
func TestExchangedHandoff(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	w := shared(t)
	mine, other := w.issue(t, "macau", "guangdong"), w.issue(t, "hongkong", "guangdong")
	fields, err := json.Marshal(map[string]any{
		"salt": "AAAAAAAAAAAAAAAAAAAAAA", "aud": w.sides["guangdong"], "exp": clock.Now().Add(5 * time.Minute).Unix(),
		"name": map[string]string{"han": "別人", "latin": "SOMEBODY ELSE"}, "birth_date": "1990-01-01",
		"documents": []map[string]string{{"type": "home-return-permit", "number": "M9999999901"}}, "tests": []any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, exchanged := range []struct {
		name, reason string
		handoff      map[string]string
	}{
		{"the fields of another person", "fields-not-vouched-for", map[string]string{
			"code": mine.Code, "receipt": mine.Receipt, "full_receipt": mine.FullReceipt, "fields": string(fields)}},
		{"the code of another person", "code-and-receipt-differ", map[string]string{
			"code": other.Code, "receipt": mine.Receipt, "full_receipt": mine.FullReceipt, "fields": string(fields)}},
		{"the full receipt of another person", "", map[string]string{
			"code": mine.Code, "receipt": mine.Receipt, "full_receipt": other.FullReceipt, "fields": string(fields)}},
	} {
		t.Run(exchanged.name, func(t *testing.T) {
			b := newTab(t, w, browser)
			b.carry(b.seal(t, "macau", "guangdong", "green"), "en")
			b.convert()
			b.script(fmt.Sprintf("document.querySelector('#handoff').elements.handoff.value = %q", w.sealedTo(t, "guangdong", exchanged.handoff)))
			b.follow("#handoff button[type=submit]")
			b.see("#problem")
			if got := ask[string](b, "document.querySelector('#problem').dataset.reason"); exchanged.reason != "" && got != exchanged.reason {
				t.Errorf("the destination says %q, want %q", got, exchanged.reason)
			}
			if text := ask[string](b, "document.body.innerText"); strings.Contains(text, "SOMEBODY") || strings.Contains(text, "別人") {
				t.Error("the destination shows what nobody vouches for")
			}
		})
	}
	t.Run("a genuine handoff works once", func(t *testing.T) {
		b := newTab(t, w, browser)
		b.carry(b.seal(t, "macau", "guangdong", "green"), "en")
		b.convert()
		handoff := ask[string](b, "document.querySelector('#handoff').elements.handoff.value")
		b.pass()
		thief := newTab(t, w, browser)
		thief.post(w.gateway+"/livez", w.sides["guangdong"]+"/h5", "handoff", handoff)
		thief.see("#problem")
	})
}

// sealedTo seals a handoff to a side's published key.
func (w *world) sealedTo(t *testing.T, side string, handoff map[string]string) string {
	t.Helper()
	response, err := http.Get(w.sides[side] + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	found := slices.IndexFunc(set.Keys, func(key jose.JSONWebKey) bool {
		_, elliptic := key.Key.(*ecdsa.PublicKey)
		return key.Use == "enc" && elliptic
	})
	if found < 0 {
		t.Fatalf("%s publishes no key for handoffs", side)
	}
	to := set.Keys[found]
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: to.Key, KeyID: to.KeyID},
		new(jose.EncrypterOptions).WithType("handoff+jwe"))
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(handoff)
	if err != nil {
		t.Fatal(err)
	}
	object, err := encrypter.Encrypt(content)
	if err != nil {
		t.Fatal(err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestTheTestsSee breaks the policy of a page in each way that the other tests are to notice, so that their silence means
// something.
func TestTheTestsSee(t *testing.T) {
	browser := commonBrowser(t)
	t.Parallel()
	for _, broken := range []struct{ name, script, noticed string }{
		{"an inline script", "const s = document.createElement('script'); s.append('window.ran = true'); document.body.append(s)", "Content-Security-Policy"},
		{"markup from text", "try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); } catch { /* Trusted Types */ }", "Content-Security-Policy"},
		{"an inline style", "document.body.setAttribute('style', 'color: red')", "Content-Security-Policy"},
		{"a third party", "new Image().src = 'https://third-party.example/x.png'", "third party"},
		{"an exception", "setTimeout(() => { throw new Error('boom'); })", "boom"},
		{"a dialog", "setTimeout(() => alert(1))", "dialog"},
		{"a packet in a URL", "fetch('/livez?packet=abc')", "packet="},
	} {
		t.Run(broken.name, func(t *testing.T) {
			b := newTab(t, shared(t), browser)
			b.open(b.gateway + "/h5/macau-guangdong?lang=en")
			b.see("#start")
			b.script(broken.script)
			for began := time.Now(); len(b.seen.wrong()) == 0 && time.Since(began) < patience; time.Sleep(10 * time.Millisecond) {
				b.do(chromedp.Sleep(10 * time.Millisecond))
			}
			time.Sleep(100 * time.Millisecond) // one fault may be told in several ways
			faults := strings.Join(b.seen.wrong(), "\n")
			if !strings.Contains(faults, broken.noticed) {
				t.Errorf("nobody noticed: %q", faults)
			}
			b.seen.expect("")
		})
	}
}
