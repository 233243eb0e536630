package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// walker is a browser without scripts on a side's real pages: it keeps cookies, follows links, and fills in forms as they
// were sent, hidden fields included.
type walker struct {
	*landingPage
	t      *testing.T
	home   *httptest.Server
	client *http.Client
	moved  atomic.Int64 // how far the side's clock has been moved, in nanoseconds

	status int
	header http.Header
	at     string // the address after redirects, without scheme and host
	html   string
}

func walk(t *testing.T, side string) *walker {
	t.Helper()
	w := &walker{landingPage: newLandingPage(t, side), t: t}
	w.clock = func() time.Time { return noon.Add(time.Duration(w.moved.Load())) }
	w.home = httptest.NewUnstartedServer(nil)
	w.home.Start()
	t.Cleanup(w.home.Close)
	w.ownURL = w.home.URL
	w.home.Config.Handler = w.handler()
	w.fresh()
	return w
}

// fresh is another browser on the same pages.
func (w *walker) fresh() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.client = &http.Client{Jar: jar}
}

func (w *walker) later(by time.Duration) { w.moved.Add(int64(by)) }

func (w *walker) do(request *http.Request) *walker {
	w.t.Helper()
	if request.Header.Get("Accept-Language") == "" {
		request.Header.Set("Accept-Language", "en")
	}
	response, err := w.client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	w.status, w.header, w.html, w.at = response.StatusCode, response.Header, string(body), response.Request.URL.RequestURI()
	if strings.HasPrefix(w.header.Get("Content-Type"), "text/html") && !strings.Contains(w.html, "SIMULATION") {
		w.t.Errorf("%s %s is not marked as a simulation", request.Method, w.at)
	}
	return w
}

func (w *walker) get(path string) *walker {
	w.t.Helper()
	request, err := http.NewRequest(http.MethodGet, w.home.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(request)
}

func (w *walker) post(path string, values url.Values, origin string) *walker {
	w.t.Helper()
	request, err := http.NewRequest(http.MethodPost, w.home.URL+path, strings.NewReader(values.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	return w.do(request)
}

var (
	inputPattern  = regexp.MustCompile(`<(input|select|button)\b([^>]*)>`)
	optionPattern = regexp.MustCompile(`<option value="([^"]*)" selected>`)
	attribute     = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
)

// submit sends the page's form of this id, changed by name, value, name, value …; an empty value leaves a field out.
func (w *walker) submit(id string, changed ...string) *walker {
	w.t.Helper()
	action, values := w.form(id)
	for i := 0; i < len(changed); i += 2 {
		values.Del(changed[i])
		if changed[i+1] != "" {
			values.Set(changed[i], changed[i+1])
		}
	}
	return w.post(action, values, w.home.URL)
}

// form is a form's action and what stands in it.
func (w *walker) form(id string) (string, url.Values) {
	w.t.Helper()
	found := regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*id="` + id + `".*?</form>`).FindStringSubmatch(w.html)
	if found == nil {
		w.t.Fatalf("%s has no form %s:\n%s", w.at, id, w.html)
	}
	values := url.Values{}
	for _, place := range inputPattern.FindAllStringSubmatchIndex(found[0], -1) {
		tag, inner := found[0][place[2]:place[3]], found[0][place[4]:place[5]]
		attributes := map[string]string{}
		for _, one := range attribute.FindAllStringSubmatch(inner, -1) {
			attributes[one[1]] = html.UnescapeString(one[2])
		}
		ticked := strings.HasSuffix(inner, " checked") || strings.Contains(inner, " checked ")
		choice := attributes["type"] == "checkbox" || attributes["type"] == "radio"
		if tag == "button" || choice && !ticked || attributes["name"] == "" {
			continue
		}
		value := attributes["value"]
		if tag == "select" {
			value = ""
			rest := found[0][place[1]:]
			if one := optionPattern.FindStringSubmatch(rest[:strings.Index(rest, "</select>")]); one != nil {
				value = html.UnescapeString(one[1])
			}
		}
		values.Add(attributes["name"], value)
	}
	return html.UnescapeString(found[1]), values
}

// press sends a form that has no id but ends in this address.
func (w *walker) press(action string) *walker {
	w.t.Helper()
	return w.post(action, url.Values{"token": {w.token()}}, w.home.URL)
}

func (w *walker) token() string {
	found := regexp.MustCompile(`name="token" value="([^"]*)"`).FindStringSubmatch(w.html)
	if found == nil {
		w.t.Fatalf("%s has no form token:\n%s", w.at, w.html)
	}
	return found[1]
}

// sees fails unless the page is this one and shows all of these.
func (w *walker) sees(status int, at string, shown ...string) *walker {
	w.t.Helper()
	if w.status != status || w.at != at {
		w.t.Fatalf("the page is %d %s, want %d %s:\n%s", w.status, w.at, status, at, w.html)
	}
	for _, one := range shown {
		if !strings.Contains(w.html, one) {
			w.t.Fatalf("%s does not show %q:\n%s", w.at, one, w.html)
		}
	}
	return w
}

// find is what the pattern's one group finds on the page.
func (w *walker) find(pattern string) string {
	w.t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(w.html)
	if found == nil {
		w.t.Fatalf("%s does not show %s:\n%s", w.at, pattern, w.html)
	}
	return html.UnescapeString(found[1])
}

// texted is the newest code in the inbox, which is another tab: the page stays.
func (w *walker) texted() string {
	w.t.Helper()
	status, header, at, page := w.status, w.header, w.at, w.html
	defer func() { w.status, w.header, w.at, w.html = status, header, at, page }()
	return w.get("/inbox").find(`Your code is ([0-9]{6})`)
}

// enter logs in as one of the list.
func (w *walker) enter(path, specimen string) *walker {
	w.t.Helper()
	w.get(path+"?specimen="+specimen).submit("login", w.sure()...)
	if strings.HasSuffix(w.at, "/sms") {
		w.submit("sms", "sms_code", w.texted())
	}
	return w.sees(http.StatusOK, path)
}

func (w *walker) sure() []string {
	if strings.Contains(w.html, `name="address_proof"`) {
		return []string{"address_proof", "yes"}
	}
	return nil
}

// sealedClaims opens a packet with the gateway's key and gives what the side signed.
func (w *walker) sealedClaims(packet string) claims {
	w.t.Helper()
	inner := open(w.t, packet, w.gateway.keys["packet-"+w.side.tag])
	signed, err := jose.ParseSignedCompact(inner, gatewayAlgorithms)
	if err != nil {
		w.t.Fatal(err)
	}
	var made claims
	if err := json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &made); err != nil {
		w.t.Fatal(err)
	}
	return made
}

// comes hands over what the gateway would, with these documents in its fields.
func (w *walker) comes(over string, papers ...document) string {
	w.t.Helper()
	return w.comesAs("verified", over, papers...)
}

// comesAs is comes for a holder of some assurance.
func (w *walker) comesAs(assured, over string, papers ...document) string {
	w.t.Helper()
	g := w.gateway
	made := g.issueTo(assured, mustRoute(w.t, over), w.clock(), w.ownURL)
	if len(papers) > 0 {
		made = g.vouching(made, func(fields *handoffFields) { fields.Documents = papers })
	}
	return g.handoff(w.key, made)
}

// vouching changes the fields of a transcript and has the gateway sign for them.
func (s *standIn) vouching(made transcript, change func(*handoffFields)) transcript {
	s.t.Helper()
	var fields handoffFields
	var full, lean map[string]any
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(made.receipt, ".")[1])
	for data, into := range map[string]any{made.fields: &fields, made.full: &full, string(payload): &lean} {
		if err := json.Unmarshal([]byte(data), into); err != nil {
			s.t.Fatal(err)
		}
	}
	change(&fields)
	data, _ := json.Marshal(fields)
	made.fields = string(data)
	full["fields_sha256"] = hexSum(data)
	data, _ = json.Marshal(full)
	made.full = string(data)
	sum := sha256.Sum256(data)
	lean["h"] = base64.RawURLEncoding.EncodeToString(sum[:])
	made.receipt = s.sign("receipt", typeReceipt, lean)
	return made
}

// answer solves the captcha in words.
func (w *walker) answer() string {
	w.t.Helper()
	numbers := strings.Fields(textIn("en", "numbers"))
	sum := 0
	for _, word := range []string{w.find(`How much is ([a-z]+) plus`), w.find(`plus ([a-z]+)\?`)} {
		for i, number := range numbers {
			if number == word {
				sum += i + 1
			}
		}
	}
	return strconv.Itoa(sum)
}
