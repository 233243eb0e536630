package api

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

// Pages is what the travellers' pages need of the operator.
type Pages struct {
	// Starts are the sides' own pages that travellers come from, by id. Their origins alone may post a packet to /h5/, for the
	// routes of their own side. A traveller is led back to one by its id, never by a URL (threats T36).
	Starts map[string]Start
	// Landings are the URLs to which a traveller's browser posts a handoff, by destination. None: the code is shown and leads
	// nowhere.
	Landings map[exchange.Side]string
	// Verification is the file by which WeChat checks whose domain this is. An empty name: no such file.
	Verification Verification
}

// Start is a page of a side from which travellers come with a packet.
type Start struct {
	Side exchange.Side
	URL  string
}

// Verification is a file at the root of the domain: one segment of a path, and its one line.
type Verification struct{ Name, Content string }

func (p Pages) check(sides map[exchange.Side]exchange.Jurisdiction) []error {
	var faults []error
	for id, start := range p.Starts {
		if _, known := sides[start.Side]; !known {
			faults = append(faults, fmt.Errorf("start %q: no such side", id))
		}
		if err := checkOrigin(originOf(start.URL)); err != nil {
			faults = append(faults, fmt.Errorf("start %q: %w", id, err))
		}
	}
	for side, page := range p.Landings {
		if err := checkOrigin(originOf(page)); err != nil {
			faults = append(faults, fmt.Errorf("landing of %q: %w", side, err))
		}
	}
	if name := p.Verification.Name; name != "" && (strings.ContainsAny(name, "/:*") || path.Ext(name) != ".txt") {
		faults = append(faults, errors.New("verification: not a file name"))
	}
	return faults
}

// The pages' own files. They are the same for everybody.
//
//go:embed web/style.css web/page.js web/h5.js web/mark.svg
var assets embed.FS

//go:embed web/base.html web/h5.html web/fault.html
var templates embed.FS

//go:embed web/pages.yaml
var pagesFile []byte

// assetTypes are the kinds of file that are served, and nothing else is.
var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// assetAge is how long a browser may use a file without asking, in seconds. Pages and files of two versions must not live
// together for long.
const assetAge = 60

// pagePolicy is what one kind of page needs beyond the rest.
type pagePolicy struct {
	// trustedTypes is the value of the trusted-types directive: "'none'", or the names of the policies that a page's library
	// makes.
	trustedTypes string
	camera       bool
}

// plainPage makes no script from text, and uses no device.
var plainPage = &pagePolicy{trustedTypes: "'none'"}

// pages are the parsed templates, their words and their policy.
type pages struct {
	words   words
	h5      *html.Template
	fault   *html.Template
	targets string                            // form-action: ourselves and the destinations, in order
	starts  map[exchange.Side]map[string]bool // origins that may post, by source side
	ids     map[exchange.Side][]string        // of the starts of a side, sorted
}

func newPages(config Config) (pages, error) {
	made := pages{starts: map[exchange.Side]map[string]bool{}, ids: map[exchange.Side][]string{}}
	var err error
	if made.words, err = loadWords(pagesFile, "pages.yaml"); err != nil {
		return made, err
	}
	if made.h5, err = html.ParseFS(templates, "web/base.html", "web/h5.html"); err != nil {
		return made, err
	}
	if made.fault, err = html.ParseFS(templates, "web/base.html", "web/fault.html"); err != nil {
		return made, err
	}
	for _, id := range slices.Sorted(maps.Keys(config.Pages.Starts)) {
		start := config.Pages.Starts[id]
		if made.starts[start.Side] == nil {
			made.starts[start.Side] = map[string]bool{}
		}
		made.starts[start.Side][originOf(start.URL)] = true
		made.ids[start.Side] = append(made.ids[start.Side], id)
	}
	made.targets = strings.Join(append([]string{"'self'"}, landingOrigins(config.Pages)...), " ")
	return made, nil
}

// landingOrigins are the places that a form may be sent to. Whole origins: a browser that follows a redirect within the
// destination's own site does not look at the path again, some not at all.
func landingOrigins(config Pages) []string {
	var origins []string
	for _, page := range config.Landings {
		origins = append(origins, originOf(page))
	}
	slices.Sort(origins)
	return slices.Compact(origins)
}

// pageCalls are the travellers' pages and their files.
func (s *Server) pageCalls() []call {
	calls := []call{
		{method: http.MethodGet, path: "/h5/:route", handle: s.h5, page: plainPage},
		{method: http.MethodPost, path: "/h5/:route", handle: s.h5, page: plainPage, takes: []string{mediaForm}, from: s.mayBring},
		{method: http.MethodGet, path: "/assets/:name", handle: s.asset},
	}
	if name := s.config.Pages.Verification.Name; name != "" {
		calls = append(calls, call{method: http.MethodGet, path: "/" + name, handle: s.verification})
	}
	return calls
}

// asset serves one of our own files by its name.
func (s *Server) asset(c echo.Context) error {
	name := c.Param("name")
	media, known := assetTypes[path.Ext(name)]
	body, err := assets.ReadFile("web/" + name)
	if !known || err != nil {
		return &fault{id: notFound, stage: "asset"}
	}
	c.Response().Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	return publish(c, media, body, assetAge)
}

// verification is what WeChat asks for before it lets a mini-program show our pages.
func (s *Server) verification(c echo.Context) error {
	write(c, http.StatusOK, "text/plain; charset=us-ascii", []byte(s.config.Pages.Verification.Content))
	return nil
}

// securePage sets the policy under which a browser shows a page (threats T35, T38): scripts and styles from our own files
// alone, no script from text, forms to ourselves and the destinations only, no frame around it. Referrer-Policy is
// strict-origin, since no-referrer makes the destination see `Origin: null`.
func (s *Server) securePage(header http.Header, policy pagePolicy) {
	camera := "camera=()"
	if policy.camera {
		camera = "camera=(self)"
	}
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "+
		"connect-src 'self'; manifest-src 'self'; worker-src 'self'; media-src 'self' blob:; form-action "+s.pages.targets+"; "+
		"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types "+policy.trustedTypes)
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Referrer-Policy", "strict-origin")
	header.Set("Permissions-Policy", camera+", display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
	header.Add(echo.HeaderVary, "Accept-Language")
}

// languageAsked is the language that ?lang= names, for pages, or the one that the browser likes best. It is kept nowhere.
func languageAsked(request *http.Request) string {
	if !isPage(request) {
		return languageOf(request)
	}
	if wanted := request.URL.Query().Get("lang"); slices.Contains(exchange.Languages(), wanted) {
		return wanted
	}
	return languageOf(request)
}

// pagePaths begin the paths whose answers, faults included, are pages.
var pagePaths = []string{"/h5/", "/officer/"}

func isPage(request *http.Request) bool {
	return slices.ContainsFunc(pagePaths, func(prefix string) bool { return strings.HasPrefix(request.URL.Path, prefix) })
}

func (s *Server) wantsPage(c echo.Context) bool { return isPage(c.Request()) }

// languageLink leads to the same page in another language.
type languageLink struct {
	Language, Name, URL string
	Current             bool
}

// languageNames are what speakers call their language.
var languageNames = map[string]string{"zh-Hans": "简体中文", "zh-Hant": "繁體中文", "en": "English", "pt": "Português"}

// view is what every page is made from. The templates ask it for words, so a missing one is an error and not a gap.
type view struct {
	Language  string
	Languages []languageLink
	Specimen  bool
	RequestID string
	// Home is the page that the service's name leads to; none: it leads nowhere.
	Home   string
	words  words
	stands []string // placeholders and what they stand for
}

// T is one of the page's sentences.
func (v view) T(key string) (string, error) { return v.words.in(v.Language, key, v.stands...) }

func (s *Server) view(c echo.Context) view {
	made := view{Language: visitOf(c).language, Specimen: s.config.Specimen, RequestID: visitOf(c).id, words: s.pages.words}
	for _, language := range exchange.Languages() {
		made.Languages = append(made.Languages, languageLink{
			Language: language, Name: languageNames[language], URL: inLanguage(c.Request().URL, language), Current: language == made.Language,
		})
	}
	return made
}

// inLanguage is the address of a page in another language. Of the query only what a page of ours understands is kept.
func inLanguage(address *url.URL, language string) string {
	query := url.Values{"lang": {language}}
	if start := address.Query().Get("return"); startPattern.MatchString(start) {
		query.Set("return", start)
	}
	return (&url.URL{Path: address.Path, RawQuery: query.Encode()}).String()
}

// show renders a page whole before it sends anything: half a page must not look like one.
func (s *Server) show(c echo.Context, status int, shape *html.Template, with any) error {
	var page bytes.Buffer
	if err := shape.ExecuteTemplate(&page, "base", with); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	c.Response().Header().Set("Content-Language", visitOf(c).language)
	write(c, status, "text/html; charset=utf-8", page.Bytes())
	return nil
}

// faultView is a page that says what is wrong.
type faultView struct {
	view
	Title, Detail, Remedy, Contact string
	Starts                         []startLink
}

// failPage says what is wrong in the visitor's language. Nothing that was sent is repeated.
func (s *Server) failPage(c echo.Context, found diagnosis) {
	entry, header := s.table.Problems[found.id], c.Response().Header()
	s.securePage(header, *plainPage)
	drop(header, "ETag")
	header.Set(echo.HeaderCacheControl, "no-store")
	if entry.Outcome == outcomeRetry {
		retryAfter(header)
	}
	route, err := s.routeParam(c)
	told := s.faultView(c, found.id, route)
	if err == nil {
		told.Starts, told.stands = s.startsOf(route.From), s.routeWords(route, visitOf(c).language)
	}
	if err := s.show(c, entry.Status, s.pages.fault, told); err != nil {
		write(c, http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("Internal error\n"))
	}
}

// faultView is what a page says about a problem.
func (s *Server) faultView(c echo.Context, id string, route exchange.Route) faultView {
	entry, language := s.table.Problems[id], visitOf(c).language
	told := faultView{
		view: s.view(c), Title: entry.Title.In(language), Detail: entry.Detail.In(language), Remedy: entry.Remedy.In(language),
		Contact: s.contact(entry.Contact, route, language),
	}
	told.reword(id)
	return told
}

// reword puts a page's own sentences in the place of the table's, which speak to programs, where there are any.
func (v *faultView) reword(id string) {
	for part, sentence := range map[string]*string{"title": &v.Title, "detail": &v.Detail, "remedy": &v.Remedy} {
		if better, err := v.T("fault." + id + "." + part); err == nil {
			*sentence = better
		}
	}
}
