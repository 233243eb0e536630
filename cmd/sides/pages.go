package main

import (
	"crypto/subtle"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// pages are a side's own web pages. They stand for what the real side has, and say SIMULATION on every one of them.
//
// What they remember is in memory, and by a random session id in a cookie that scripts cannot read. It is a cookie and no
// hidden field so that reload, back, a link and another language all work without a script; and its path is that of the
// pages which need it, since cookies know no ports: on one machine the gateway, which uses none, is never sent it.
type pages struct {
	server   *server
	people   *register
	sessions *sessions
	inbox    *inbox
	used     *usedHandoffs
}

func newPages(of *server) *pages {
	return &pages{
		server: of, people: newRegister(of.side, of.clock()), sessions: newSessions(), inbox: &inbox{},
		used: &usedHandoffs{until: map[string]time.Time{}},
	}
}

// counter is one family of pages with a login of its own: the two web pages of Macau and Hong Kong, and in Guangdong the
// mini-program and the page for people who arrive.
type counter struct {
	name string // in the names of texts, such as "title.mini"
	path string // of all its pages but entry and landing; also the path of its cookie
	// entry is another address of its first page; landing is where handoffs arrive.
	entry, landing string
	channel        string   // of its packets
	login          []string // the fields of its login form
	to             []string // the sides to which it converts
	// texts: the login wants the code of a text message as well. direct: it calls the gateway from its own page, as a
	// mini-program does, instead of sending the holder there.
	texts, direct bool
	// app are the documents of people who arrive but show their code in an app of this side's, not on this page (S0).
	app       []string
	specimens []specimenPerson
}

var counters = map[string][]counter{
	"guangdong": {
		{name: "mini", path: "/mini", channel: "app", login: []string{"method", "document"}, to: []string{"macau", "hongkong"},
			direct: true, specimens: miniSpecimens},
		{name: "ykm", path: "/ykm", entry: "/h5", landing: "/h5", channel: "h5", login: []string{"document", "phone"},
			to: []string{"macau"}, texts: true, app: []string{"resident-id", "chinese-passport"}, specimens: ykmSpecimens},
	},
	"macau": {{name: "macau", path: "/code", landing: "/arrive", channel: "web", login: []string{"document", "birth_date"},
		to: []string{"guangdong", "hongkong"}, specimens: macauSpecimens}},
	"hongkong": {{name: "hongkong", path: "/code", landing: "/arrive", channel: "web",
		login: []string{"name", "document", "issued_on", "address_proof"}, to: []string{"guangdong", "macau"},
		specimens: hongKongSpecimens}},
}

// call is one page or form of every counter, below its path.
type call struct {
	pattern string
	answer  func(*visit) (reply, error)
}

var calls = []call{
	{"GET ", (*visit).front},
	{"GET /{$}", (*visit).front},
	{"POST /login", (*visit).logIn},
	{"GET /sms", (*visit).askSMS},
	{"POST /sms", (*visit).checkSMS},
	{"POST /logout", (*visit).logOut},
	{"POST /subject", (*visit).chooseSubject},
	{"POST /show", (*visit).show},
	{"GET /shown", (*visit).shown},
	{"GET /family", (*visit).family},
	{"POST /family", (*visit).addMember},
	{"GET /history", (*visit).history},
	{"GET /to/{to}", (*visit).begin},
	{"GET /to/{to}/notice", (*visit).notice},
	{"POST /to/{to}/notice", (*visit).takeNotice},
	{"GET /to/{to}/declare", (*visit).declare},
	{"POST /to/{to}/declare", (*visit).takeDeclaration},
	{"GET /to/{to}/consent", (*visit).consent},
	{"POST /to/{to}/consent", (*visit).takeConsent},
	{"GET /result", (*visit).result},
	{"POST /record", (*visit).record},
	{"GET /arrival", (*visit).arrival},
	{"POST /arrival", (*visit).takeArrival},
	{"GET /captcha.png", (*visit).captchaImage},
	{"GET /submitted", (*visit).submitted},
}

// mount adds the pages to a side's calls.
func (p *pages) mount(mux *http.ServeMux) {
	mux.Handle("GET /{$}", http.RedirectHandler("/inbox", http.StatusSeeOther))
	mux.Handle("GET /web/{file}", p.bounded(http.HandlerFunc(serveAsset)))
	mux.Handle("GET /mini/crosscode.js", p.bounded(http.HandlerFunc(p.serveClient)))
	own := counters[p.server.side.id]
	mux.Handle("GET /inbox", p.answering(counter{name: "inbox", path: "/inbox"}, "GET /inbox", (*visit).showInbox))
	for _, at := range own {
		for _, one := range calls {
			method, below, _ := strings.Cut(one.pattern, " ")
			pattern := method + " " + at.path + below
			mux.Handle(pattern, p.answering(at, pattern, one.answer))
		}
		if at.entry != "" {
			mux.Handle("GET "+at.entry, http.RedirectHandler(at.path, http.StatusSeeOther))
		}
		if at.landing != "" {
			mux.Handle("POST "+at.landing, p.answering(at, "POST "+at.landing, (*visit).land))
			mux.Handle("GET "+at.landing+"/m/{link}", p.answering(at, "GET "+at.landing+"/m/{link}", (*visit).followLink))
		}
	}
}

// openToOthers are the calls that pages elsewhere may send a form to: each checks by itself who that is.
func (p *pages) openToOthers() []string {
	var patterns []string
	for _, at := range counters[p.server.side.id] {
		if at.landing != "" {
			patterns = append(patterns, "POST "+at.landing)
		}
	}
	return patterns
}

// visit is one request to one of the pages, with its session, which is this request's alone until it is answered.
type visit struct {
	*pages
	at      counter
	w       http.ResponseWriter
	r       *http.Request
	session *session
	form    url.Values
	faults  map[string]string // field to text id
	now     time.Time
}

// reply is what is sent: the way to another page, a page, or bytes of a media type.
type reply struct {
	to     string
	page   string // the template
	status int    // 0: 200
	here   string // the page's own GET address, to which the links to other languages lead
	body   any
	// calls: the page sends a form to the gateway, or calls it.
	calls bool
	media string
	bytes []byte
}

// answering is a page's way out: what it gives is turned into HTML, and one line is logged, of closed words alone.
func (p *pages) answering(at counter, pattern string, answer func(*visit) (reply, error)) http.Handler {
	return p.bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{pages: p, at: at, w: w, r: r, faults: map[string]string{}, now: p.server.clock()}
		made, err := v.safely(answer)
		var no refused
		reason := ""
		if err != nil {
			no = p.server.refusal(err)
			reason = no.reason
			made = reply{page: "problem", status: no.status, here: at.path, body: no.reason}
		}
		status := v.send(made)
		if v.session != nil {
			v.session.mu.Unlock()
		}
		p.server.log.Info("answered", "call", pattern, "status", status, "reason", reason)
	}))
}

// safely keeps a fault in one page from ending the program; the panic's own value may be personal and is not logged.
func (v *visit) safely(answer func(*visit) (reply, error)) (made reply, err error) {
	defer func() {
		if recover() != nil {
			v.server.log.Error("panic", "stack", string(debug.Stack()))
			err = refused{status: http.StatusInternalServerError, reason: "internal"}
		}
	}()
	if err := v.enter(); err != nil {
		return reply{}, err
	}
	return answer(v)
}

// enter reads the form and finds the session. A form of ours carries the session's token, so that no page elsewhere can
// send one in its visitor's name, not even one on another port of this machine, which SameSite takes for the same site.
func (v *visit) enter() error {
	if v.r.Method == http.MethodPost && v.r.URL.Path == v.at.landing {
		v.start() // its body is read by the handoff's own parser
		v.session.lang = languageOf(v.r, "")
		return nil
	}
	if err := v.r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return refused{status: http.StatusRequestEntityTooLarge, reason: "too-large"}
		}
		return refused{status: http.StatusBadRequest, reason: "bad-request"}
	}
	v.form = v.r.PostForm
	known := v.sessions.find(v.cookie(), v.now)
	if v.r.Method == http.MethodPost {
		if known == nil || subtle.ConstantTimeCompare([]byte(known.token), []byte(v.form.Get("token"))) != 1 {
			return refused{status: http.StatusForbidden, reason: "session-over"}
		}
	}
	if known == nil {
		v.start()
	} else {
		known.mu.Lock()
		v.session = known
	}
	v.session.lang = languageOf(v.r, v.session.lang)
	v.session.look = lookOf(v.r, v.session.look)
	return nil
}

// start begins a session and tells the browser its id.
func (v *visit) start() {
	v.session = v.sessions.begin(v.now)
	v.session.mu.Lock()
	v.tell()
}

// renew gives the session of somebody who has just proved who they are another id, so that nobody can have set it before.
func (v *visit) renew() {
	v.sessions.renew(v.session)
	v.tell()
}

func (v *visit) tell() {
	http.SetCookie(v.w, &http.Cookie{ //nolint:gosec // not Secure: the simulation is http on loopback alone
		Name: v.cookieName(), Value: v.session.id, Path: v.at.path, HttpOnly: true,
		// Lax and no more: a traveller comes from the gateway's page, and is at once sent on to a page of ours.
		SameSite: http.SameSiteLaxMode,
	})
}

// cookieName differs by side: the sides of one machine are one host to a browser.
func (v *visit) cookieName() string { return "simulation-" + v.server.side.id + "-" + v.at.name }

func (v *visit) cookie() string {
	cookie, err := v.r.Cookie(v.cookieName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

// on is the address of a page of this counter's.
func (v *visit) on(below string) string { return v.at.path + below }

func (v *visit) goTo(below string) (reply, error) { return reply{to: v.on(below)}, nil }

// again shows a form again with what is wrong with it.
func (v *visit) again(shown reply, err error) (reply, error) {
	shown.status = http.StatusUnprocessableEntity
	return shown, err
}

// bounded sets what every page and file is sent with.
func (p *pages) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		// no-referrer would make the Origin of the form to the gateway null.
		header.Set("Referrer-Policy", "strict-origin")
		header.Set("Simulation", "not a real back end")
		header.Set("Content-Security-Policy", p.policy(false))
		next.ServeHTTP(w, r)
	})
}

// policy lets a page load its own files alone, and send forms and calls to itself, or to the gateway as well.
func (p *pages) policy(calls bool) string {
	gateway := ""
	if calls {
		gateway = " " + originOf(p.server.gateway.base)
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'" + gateway +
		"; form-action 'self'" + gateway + "; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// originOf is the scheme, host and port of a URL.
func originOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host
}

// send writes a reply and gives the status that was sent.
func (v *visit) send(made reply) int {
	if made.to != "" {
		http.Redirect(v.w, v.r, made.to, http.StatusSeeOther)
		return http.StatusSeeOther
	}
	media, body := made.media, made.bytes
	if made.page != "" {
		media, body = "text/html; charset=utf-8", v.render(&made)
	}
	if made.calls {
		v.w.Header().Set("Content-Security-Policy", v.policy(true))
	}
	if made.status == 0 {
		made.status = http.StatusOK
	}
	if body != nil {
		v.w.Header().Set("Content-Type", media)
	}
	v.w.WriteHeader(made.status)
	_, _ = v.w.Write(body) // the caller has gone: there is nobody to tell
	return made.status
}

// render makes a page's HTML. A fault in a template names the template's own fields, nothing of the visitor's.
func (v *visit) render(made *reply) []byte {
	body, err := v.sheet(*made).render(made.page)
	if err != nil {
		v.server.log.Error("fault", "page", made.page, "error", err.Error())
		made.status = http.StatusInternalServerError
		return []byte("SIMULATION: internal error")
	}
	return body
}

//go:embed web
var web embed.FS

// serveAsset sends one of the embedded files that pages load; the templates and texts are none of them.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	media, known := map[string]string{
		"side.css": "text/css; charset=utf-8", "forward.js": "text/javascript; charset=utf-8",
		"mini.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	}[name]
	data, err := fs.ReadFile(web, "web/"+name)
	if !known || err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Cache-Control", "max-age=60")
	_, _ = w.Write(data) //nolint:gosec // an embedded file of the list above, not what the request says
}

// templates are parsed once: each page is the layout with the page's own main part.
var templates = sync.OnceValue(func() map[string]*template.Template {
	layout := template.Must(template.ParseFS(web, "web/layout.html"))
	files, _ := fs.Glob(web, "web/page-*.html")
	parsed := map[string]*template.Template{}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "web/page-"), ".html")
		parsed[name] = template.Must(template.Must(layout.Clone()).ParseFS(web, file))
	}
	return parsed
})
