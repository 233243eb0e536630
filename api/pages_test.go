package api

import (
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crosscode/exchange"
)

const (
	guangdongPage = "https://h5.guangdong.example"
	// aPacket looks like a compact JWE and is none.
	aPacket = "eyJhbGciOiJSU0EifQ.a2V5.aXY.dGV4dA.dGFnLXRhZy10YWctdGFnLXRhZw"
)

// withPages registers a page of each of two sides, and landings.
func withPages(c *Config) {
	c.Pages = Pages{
		Starts: map[string]Start{
			"macau": {Side: "macau", URL: registered + "/code"}, "elders": {Side: "macau", URL: "https://elders.macau.example/"},
			"yuekang": {Side: "guangdong", URL: guangdongPage + "/"},
		},
		Landings:     map[exchange.Side]string{"guangdong": "https://gd.example/h5", "macau": "https://mo.example:8443/arrive"},
		Verification: Verification{Name: "MP_verify_a1B2c3.txt", Content: "a1B2c3"},
	}
}

// bring is a source's page that posts a packet by a form.
func bring(path, origin, packet string) *http.Request {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{"packet": {packet}}.Encode()))
	request.Header.Set("Content-Type", mediaForm)
	set(request, "Origin", origin)
	set(request, "Sec-Fetch-Site", "cross-site")
	return request
}

func TestPagesOfTheRoutesSourceAloneMayBringAPacket(t *testing.T) {
	for _, each := range []struct {
		name         string
		path         string
		origin, site string
		status       int
	}{
		{"the source's page", "/h5/macau-guangdong", registered, "cross-site", 200},
		{"the source's page of an older browser", "/h5/macau-guangdong", registered, "", 200},
		{"another page of the same source", "/h5/macau-hongkong", "https://elders.macau.example", "cross-site", 200},
		{"the other side's page over its own route", "/h5/guangdong-macau", guangdongPage, "cross-site", 200},
		{"our own page in another language", "/h5/macau-guangdong", issuer, "same-origin", 200},
		{"our own page of an older browser", "/h5/macau-guangdong", issuer, "", 200},
		{"a registered page over another side's route", "/h5/macau-guangdong", guangdongPage, "cross-site", 403},
		{"a registered page over a route whose source has no page", "/h5/hongkong-macau", registered, "cross-site", 403},
		{"a stranger's page", "/h5/macau-guangdong", stranger, "cross-site", 403},
		{"a stranger's page of an older browser", "/h5/macau-guangdong", stranger, "", 403},
		{"a page that hides its origin", "/h5/macau-guangdong", "null", "cross-site", 403},
		{"a page without an origin", "/h5/macau-guangdong", "", "cross-site", 403},
		{"no browser at all", "/h5/macau-guangdong", "", "", 403},
		{"typed into the address bar", "/h5/macau-guangdong", "", "none", 403},
		{"a sibling domain", "/h5/macau-guangdong", "https://other.gateway.example", "same-site", 403},
		{"the source's page in capitals", "/h5/macau-guangdong", strings.ToUpper(registered), "cross-site", 403},
		{"the source's page by http", "/h5/macau-guangdong", "http://page.macau.example", "cross-site", 403},
		{"the source's page on another port", "/h5/macau-guangdong", registered + ":8443", "cross-site", 403},
		{"our origin, as another site claims it", "/h5/macau-guangdong", issuer, "cross-site", 403},
		{"a route that is not there, for anybody", "/h5/macau-taipa", stranger, "cross-site", 404},
	} {
		t.Run(each.name, func(t *testing.T) {
			w := newWorld(t, withPages)
			request := bring(each.path, each.origin, aPacket)
			request.Header.Del("Sec-Fetch-Site")
			set(request, "Sec-Fetch-Site", each.site)
			got := w.want(request, each.status)
			if shown := strings.Contains(string(got.body), aPacket); shown != (each.status == 200) {
				t.Errorf("the packet is in the page: %t", shown)
			}
			if got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("another page may read this one")
			}
		})
	}
}

func TestAFormFromAStrangerIsRefusedInPlainWords(t *testing.T) {
	w := newWorld(t, withPages)
	got := string(w.want(bring("/h5/macau-guangdong?lang=en", stranger, aPacket), http.StatusForbidden).body)
	for _, want := range []string{"is not registered here", "Nothing that it sent was read", `href="https://page.macau.example/code"`, "Go to Macau’s page"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(got, stranger) || strings.Contains(got, "/assets/h5.js") {
		t.Error("the page repeats who sent it, or can convert")
	}
}

const pagePolicyForTests = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
	"manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; form-action 'self' https://gd.example https://mo.example:8443; " +
	"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func TestEveryPageIsGuarded(t *testing.T) {
	w := newWorld(t, withPages, func(c *Config) { c.Rate, c.Burst = 0.001, 6 })
	for _, each := range []struct {
		request *http.Request
		status  int
	}{
		{get("/h5/macau-guangdong"), 200},
		{bring("/h5/macau-guangdong", registered, aPacket), 200},
		{bring("/h5/macau-guangdong", stranger, aPacket), 403},
		{get("/h5/macau-taipa"), 404},
		{get("/h5/macau/guangdong"), 404},
		{httptest.NewRequest(http.MethodPut, "/h5/macau-guangdong", nil), 405},
		{bring("/h5/macau-guangdong", registered, "x"), 400},
		{get("/h5/macau-guangdong"), 429},
	} {
		got := w.want(each.request, each.status)
		for name, want := range map[string]string{
			"Content-Security-Policy": pagePolicyForTests, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8",
			"Permissions-Policy":        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains", "Set-Cookie": "", "Content-Language": "en",
		} {
			if values := got.header.Values(name); strings.Join(values, "|") != want {
				t.Errorf("%s %s: %s = %q, want %q", each.request.Method, each.request.URL, name, values, want)
			}
		}
		if each.status == http.StatusTooManyRequests && got.header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
	}
}

func TestNothingSetsACookie(t *testing.T) {
	w := newWorld(t, withPages)
	withdrawn := w.issue("withdrawn")
	for _, request := range []*http.Request{
		get("/h5/macau-guangdong?lang=pt&return=elders"), bring("/h5/macau-guangdong", registered, aPacket), bring("/h5/macau-guangdong", stranger, aPacket),
		get("/assets/style.css"), get("/assets/h5.js"), get("/assets/none.js"), get("/MP_verify_a1B2c3.txt"), get("/none"), get("/v1/consents/macau-guangdong"),
		jose(exchangePath, w.arrive("green")), jose(exchangePath, "none"), get("/v1/bundle"), get("/readyz"),
		jsonPost("/v1/recalls", map[string]string{"receipt": string(withdrawn.Receipt), "full_receipt": withdrawn.FullReceipt, "withdraw_secret": withdrawn.WithdrawSecret}),
	} {
		request.Header.Set("Cookie", "session=1")
		if got := w.do(request); len(got.header.Values("Set-Cookie")) != 0 {
			t.Errorf("%s %s sets a cookie", request.Method, request.URL)
		}
	}
}

func TestNoOtherPageMayAskForAPageByScript(t *testing.T) {
	w := newWorld(t, withPages)
	request := httptest.NewRequest(http.MethodOptions, "/h5/macau-guangdong", nil)
	request.Header.Set("Origin", registered)
	request.Header.Set("Access-Control-Request-Method", "POST")
	if got := w.want(request, http.StatusNoContent).header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("Access-Control-Allow-Origin = %q", got)
	}
}

// What is no packet is not repeated; what looks like one stands in an attribute, of which it cannot get out.
func TestHostileFormsAreInert(t *testing.T) {
	w := newWorld(t, withPages)
	hostile := []string{
		`"><script>alert(1)</script>`, `' onload=alert(1) x='`, "</template><img src=x onerror=alert(1)>", "javascript:alert(1)", "{{.}}",
		"a.b.c.d.e\"", "a.b.c.d.e\n\n", "a.b.c.d\n.e", "a.b.c.d.é", "\u202ea.b.c.d.e", "a.b.c.d", "a.b.c.d.e.f", "", " " + aPacket,
	}
	for _, packet := range hostile {
		got := w.want(bring("/h5/macau-guangdong", registered, packet), http.StatusBadRequest)
		if packet != "" && strings.Contains(string(got.body), packet) {
			t.Errorf("%q is repeated", packet)
		}
	}
	for _, query := range []string{"lang=%22%3E%3Cscript%3E", "lang=xx&x=%3Cscript%3Ealert(1)", "lang=zh-hant"} {
		got := w.want(get("/h5/macau-guangdong?"+query), http.StatusOK)
		if strings.Contains(string(got.body), "alert(1)") || !strings.Contains(string(got.body), `<html lang="en"`) {
			t.Errorf("%s gets into the page", query)
		}
	}
	page := string(w.want(bring("/h5/macau-guangdong", registered, aPacket), http.StatusOK).body)
	if strings.Count(page, aPacket) != 1 || !strings.Contains(page, ` data-packet="`+aPacket+`"`) {
		t.Error("the packet is not once in the page, in its attribute")
	}
}

func TestTheFormHasOneFieldAndItsLimits(t *testing.T) {
	w := newWorld(t, withPages)
	form := func(body string) *http.Request {
		request := bring("/h5/macau-guangdong", registered, "")
		request = request.Clone(t.Context())
		made := httptest.NewRequest(http.MethodPost, "/h5/macau-guangdong", strings.NewReader(body))
		made.Header = request.Header
		return made
	}
	long := func(size int) string { return aPacket + strings.Repeat("A", size-len(aPacket)) }
	for _, each := range []struct {
		name    string
		request *http.Request
		status  int
	}{
		{"a packet at its limit", form("packet=" + long(exchange.MaxPacket)), 200},
		{"a packet above it", form("packet=" + long(exchange.MaxPacket+1)), 413},
		{"a packet with a line end behind it", form("packet=" + aPacket + "%0D%0A"), 200},
		{"a packet with two", form("packet=" + aPacket + "%0A%0A"), 400},
		{"a body at its limit that is no packet", form("packet=" + strings.Repeat("%41", (maxBody-7)/3)), 400},
		{"a body above it", form("packet=" + strings.Repeat("A", maxBody)), 413},
		{"a second field", form("packet=" + aPacket + "&name=x"), 400},
		{"a second packet", form("packet=" + aPacket + "&packet=" + aPacket), 400},
		{"another field", form("handoff=" + aPacket), 400},
		{"no field", form(""), 400},
		{"no form", form("%zz"), 400},
	} {
		if got := w.do(each.request); got.status != each.status {
			t.Errorf("%s: %d, want %d", each.name, got.status, each.status)
		}
	}
	for _, media := range []string{"", mediaJSON, mediaJOSE, "text/plain", "multipart/form-data; boundary=x"} {
		request := form("packet=" + aPacket)
		request.Header.Del("Content-Type")
		set(request, "Content-Type", media)
		w.want(request, http.StatusUnsupportedMediaType)
	}
	packed := form("packet=" + aPacket)
	packed.Header.Set("Content-Encoding", "gzip")
	w.want(packed, http.StatusUnsupportedMediaType)
}

// Threats T35.
func TestAPacketInTheURLIsRefusedAndKeptNowhere(t *testing.T) {
	w := newWorld(t, withPages)
	for _, query := range []string{"packet=" + aPacket, "handoff=" + aPacket, "lang=en&packet="} {
		got := w.want(get("/h5/macau-guangdong?"+query), http.StatusBadRequest)
		if strings.Contains(string(got.body), aPacket) {
			t.Error("the packet is repeated")
		}
	}
	w.want(bring("/h5/macau-guangdong", registered, aPacket), http.StatusOK)
	if log := w.log.String(); strings.Contains(log, aPacket) || strings.Contains(log, aPacket[:20]) {
		t.Errorf("the log holds the packet: %s", log)
	}
}

// Threats T36: where a traveller is led back to is an id.
func TestATravellerIsLedBackByIDAlone(t *testing.T) {
	w := newWorld(t, withPages)
	for _, each := range []struct {
		query  string
		status int
		back   string
	}{
		{"", 200, "https://elders.macau.example/"}, // the first by id
		{"return=macau", 200, "https://page.macau.example/code"},
		{"return=elders", 200, "https://elders.macau.example/"},
		{"return=yuekang", 400, ""}, // another side's
		{"return=none", 400, ""},
		{"return=" + url.QueryEscape("https://page.macau.example/code"), 400, ""},
		{"return=" + url.QueryEscape("//evil.example"), 400, ""},
		{"return=" + url.QueryEscape(`\\evil.example`), 400, ""},
		{"return=javascript:alert(1)", 400, ""},
	} {
		got := w.want(get("/h5/macau-guangdong?"+each.query), each.status)
		if back := regexp.MustCompile(`btn-main" href="([^"]*)"`).FindStringSubmatch(string(got.body)); each.back != "" && (back == nil || back[1] != each.back) {
			t.Errorf("%q leads back to %q, want %s", each.query, back, each.back)
		}
		if strings.Contains(string(got.body), "evil.example") {
			t.Errorf("%q is repeated", each.query)
		}
	}
	chosen := string(w.want(get("/h5/macau-guangdong?return=macau"), http.StatusOK).body)
	if !strings.Contains(chosen, `href="/h5/macau-guangdong?lang=pt&amp;return=macau"`) {
		t.Error("another language forgets where the traveller came from")
	}
}

func TestAPageWithoutARegisteredStartSaysSo(t *testing.T) {
	w := newWorld(t)
	if got := string(w.want(get("/h5/hongkong-macau?lang=en"), http.StatusOK).body); !strings.Contains(got, "Hong Kong has registered no page for this yet") {
		t.Error("the page does not say that nobody can come")
	}
	w.want(bring("/h5/hongkong-macau", registered, aPacket), http.StatusForbidden)
}

func TestTheHandoffIsPostedToTheRegisteredPageOfTheDestination(t *testing.T) {
	w := newWorld(t, withPages)
	for route, want := range map[string]string{
		"macau-guangdong": `action="https://gd.example/h5"`, "hongkong-macau": `action="https://mo.example:8443/arrive"`, "macau-hongkong": "",
	} {
		got := string(w.want(get("/h5/"+route), http.StatusOK).body)
		if strings.Contains(got, `id="handoff"`) != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%s: no form with %s", route, want)
		}
	}
}

func TestTheConsentShownIsTheOneInForce(t *testing.T) {
	w := newWorld(t, withPages)
	for language, words := range map[string]string{"en": "in en", "zh-Hant": "in zh-Hant"} {
		got := string(w.want(get("/h5/macau-guangdong?lang="+language), http.StatusOK).body)
		if !strings.Contains(got, "I agree to macau-guangdong/1 "+words) || strings.Contains(got, "macau-guangdong/2") {
			t.Errorf("%s: not the text in force alone", language)
		}
	}
}

func TestPagesSpeakFourLanguages(t *testing.T) {
	w := newWorld(t, withPages)
	seen := map[string]bool{}
	for _, language := range exchange.Languages() {
		for _, request := range []*http.Request{
			get("/h5/macau-guangdong?lang=" + language), bring("/h5/macau-guangdong?lang="+language, stranger, aPacket),
			bring("/h5/macau-guangdong?lang="+language, registered, "x"), get("/h5/macau-taipa?lang=" + language),
		} {
			request.Header.Set("Accept-Language", "fr") // what is asked for goes before what the browser likes
			got := w.do(request)
			page := string(got.body)
			if !strings.Contains(page, `<html lang="`+language+`"`) || got.header.Get("Content-Language") != language {
				t.Errorf("%s %s is not in %s", request.Method, request.URL, language)
			}
			if strings.ContainsAny(page, "{}") {
				t.Errorf("%s %s: a placeholder is left", request.Method, request.URL)
			}
			title := regexp.MustCompile(`<h1[^>]*>.*</h1>`).FindString(page)
			if title == "" || seen[title] {
				t.Errorf("%s %s: %q is the title in two languages", request.Method, request.URL, title)
			}
			seen[title] = true
		}
	}
	for accept, want := range map[string]string{"zh-MO": "zh-Hant", "zh-CN": "zh-Hans", "pt-PT,en;q=0.5": "pt", "fr": "en", "": "en"} {
		request := get("/h5/macau-guangdong")
		set(request, "Accept-Language", accept)
		if got := w.want(request, http.StatusOK).header.Get("Content-Language"); got != want {
			t.Errorf("Accept-Language %q gets %s, want %s", accept, got, want)
		}
	}
	if got := w.want(get("/v1/consents/macau-taipa?lang=pt"), http.StatusNotFound).header.Get("Content-Language"); got != "en" {
		t.Errorf("an API call obeys ?lang=: %s", got)
	}
}

var usedKey = regexp.MustCompile(`\.T "([a-z0-9.-]+)"`)

// The keys that no template names one by one: they are looked up by what they end in.
var keyFamilies = []string{"side.", "port.", "pass.not.", "fault.", "withdrawn.", "deleted.", "expired."}

func TestEverySentenceIsTranslatedAndUsed(t *testing.T) {
	catalogue, err := loadWords(pagesFile, "pages.yaml")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, name := range []string{"base.html", "h5.html", "fault.html"} {
		text, err := fs.ReadFile(templates, "web/"+name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range usedKey.FindAllStringSubmatch(string(text), -1) {
			used[found[1]] = true
			if _, known := catalogue[found[1]]; !known {
				t.Errorf("%s uses %s, which is not there", name, found[1])
			}
		}
	}
	texts, err := loadTable(issuer)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(catalogue)) {
		sentence := catalogue[key]
		family := slices.ContainsFunc(keyFamilies, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
		if !family && !used[key] {
			t.Errorf("%s is said nowhere", key)
		}
		if !family && (sentence.En == sentence.Pt || sentence.En == sentence.ZhHans) {
			t.Errorf("%s is not translated", key)
		}
		for _, language := range exchange.Languages() {
			if placeholders(sentence.In(language)) != placeholders(sentence.En) {
				t.Errorf("%s: %s names other placeholders than en", key, language)
			}
		}
		if id, isFault := strings.CutPrefix(key, "fault."); isFault {
			id = id[:strings.LastIndex(id, ".")]
			if _, known := texts.Problems[id]; !known {
				t.Errorf("%s belongs to no problem", key)
			}
		}
	}
}

// placeholders are whether a text has any that name the route's sides. Which of the two forms a language needs is its own
// matter.
func placeholders(text string) bool { return strings.Contains(text, "{") }

func TestAnIncompleteCatalogueIsRefused(t *testing.T) {
	for name, data := range map[string]string{
		"a language is missing":   "a: {zh-Hans: 一, zh-Hant: 一, en: one}",
		"a language too many":     "a: {zh-Hans: 一, zh-Hant: 一, en: one, pt: um, fr: un}",
		"a key twice":             "a: {zh-Hans: 一, zh-Hant: 一, en: one, pt: um}\na: {zh-Hans: 一, zh-Hant: 一, en: one, pt: um}",
		"no catalogue":            "- a",
		"an empty sentence in it": `a: {zh-Hans: 一, zh-Hant: 一, en: one, pt: ""}`,
	} {
		if _, err := loadWords([]byte(data), "x.yaml"); err == nil {
			t.Errorf("%s: it passes", name)
		}
	}
	catalogue, _ := loadWords([]byte("a: {zh-Hans: 一, zh-Hant: 一, en: 'one {x}', pt: um}"), "x.yaml")
	if got, err := catalogue.in("en", "a", "{x}", "two"); err != nil || got != "one two" {
		t.Errorf("in = %q, %v", got, err)
	}
	if _, err := catalogue.in("en", "b"); err == nil {
		t.Error("a key that is not there passes")
	}
}

var (
	inlineScript = regexp.MustCompile(`<script(?: type="module")?>|\son[a-z]+=|javascript:|<style|\sstyle=`)
	foreignLink  = regexp.MustCompile(`(?:src|href)="(?:https?:)?//`)
)

// What the policy forbids is not tried, so that its reports mean something.
func TestTemplatesHaveNothingInlineAndNothingForeign(t *testing.T) {
	for _, name := range []string{"base.html", "h5.html", "fault.html"} {
		text, err := fs.ReadFile(templates, "web/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if found := inlineScript.FindString(string(text)) + foreignLink.FindString(string(text)); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
	for _, name := range []string{"page.js", "h5.js"} {
		text, err := fs.ReadFile(assets, "web/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|https?://[^w]|document\.cookie`).FindString(string(text)); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
}

func TestThePagesFilesAreServed(t *testing.T) {
	w := newWorld(t)
	for name, media := range map[string]string{
		"style.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "h5.js": "text/javascript; charset=utf-8", "mark.svg": "image/svg+xml",
	} {
		got := w.want(get("/assets/"+name), http.StatusOK)
		if got.header.Get("Content-Type") != media || got.header.Get("Cache-Control") != "public, max-age=60" || got.header.Get("ETag") == "" ||
			got.header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: %v", name, got.header)
		}
		again := get("/assets/" + name)
		again.Header.Set("If-None-Match", got.header.Get("ETag"))
		w.want(again, http.StatusNotModified)
	}
	for _, name := range []string{"base.html", "pages.yaml", "none.css", "..%2fapi.go", "%2e%2e/go.mod", "client", ""} {
		w.want(get("/assets/"+name), http.StatusNotFound)
	}
}

func TestTheVerificationFileIsThereOnlyWhereItIsConfigured(t *testing.T) {
	with, without := newWorld(t, withPages), newWorld(t)
	got := with.want(get("/MP_verify_a1B2c3.txt"), http.StatusOK)
	if string(got.body) != "a1B2c3" || got.header.Get("Content-Type") != "text/plain; charset=us-ascii" {
		t.Errorf("%v %q", got.header, got.body)
	}
	with.want(get("/MP_verify_other.txt"), http.StatusNotFound)
	without.want(get("/MP_verify_a1B2c3.txt"), http.StatusNotFound)
}

func TestPagesThatCannotBeRegistered(t *testing.T) {
	w := newWorld(t)
	for name, spoil := range map[string]func(*Pages){
		"a start of no side":              func(p *Pages) { p.Starts = map[string]Start{"x": {Side: "taipa", URL: registered}} },
		"a start over plain http":         func(p *Pages) { p.Starts = map[string]Start{"x": {Side: "macau", URL: "http://page.example/"}} },
		"a start that is a script":        func(p *Pages) { p.Starts = map[string]Start{"x": {Side: "macau", URL: "javascript:alert(1)"}} },
		"a landing over plain http":       func(p *Pages) { p.Landings = map[exchange.Side]string{"macau": "http://page.example/"} },
		"a verification file in a folder": func(p *Pages) { p.Verification = Verification{Name: "a/b.txt"} },
		"a verification file for all":     func(p *Pages) { p.Verification = Verification{Name: ":x.txt"} },
		"a verification file with markup": func(p *Pages) { p.Verification = Verification{Name: "a.html"} },
	} {
		config := w.config()
		spoil(&config.Pages)
		if config.check() == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestASideWithoutWordsIsCalledByItsID(t *testing.T) {
	w := newWorld(t)
	stands := w.server.routeWords(exchange.Route{From: "macau", To: "taipa"}, "en")
	if !slices.Equal(stands, []string{"{from}", "Macau", "{to}", "taipa", "{fromcode}", "Macau Health Code", "{tocode}", "taipa"}) {
		t.Errorf("%q", stands)
	}
}
