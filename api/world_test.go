package api

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"crosscode/exchange"
	"crosscode/exchange/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The planted facts of every traveller. None of them may be found in a log, a metric or a problem.
const (
	plantedHan      = "陳大文"
	plantedLatin    = "CHAN TAI MAN"
	plantedDocument = "M12345678"
	plantedBirth    = "1990-01-02"
	plantedLab      = "Kiang Wu Hospital Laboratory"
)

var macauToGuangdong = exchange.Route{From: "macau", To: "guangdong"}

const issuer = "https://gateway.example"

// traveller is one packet in the hands of somebody, and what will happen to it on its path.
type traveller struct {
	record      exchange.Record
	open        error
	verify      error
	read        error
	entry       exchange.Outcome // replaces the destination's first rule when it has a Rule
	panicAt     string
	noKey       bool
	manyWarning int
}

// world is a real gateway and a real store behind a real server; the cryptography of packets and the rules are played.
type world struct {
	sides      map[exchange.Side]exchange.Jurisdiction
	t          testing.TB
	server     *Server
	store      *store.Memory
	notary     *notary
	log        *syncBuffer
	metrics    *prometheus.Registry
	travellers map[string]*traveller // by packet, which is also the record's id

	mu     sync.Mutex
	now    time.Time
	outage map[string]bool // by part: "replays", "recalls", "journal", "signer", "sealer", "exhibits", "bundle", "keys", "ready"
	source error           // of SourceRecall
	panics map[string]bool
	busy   func() // called inside the signer
	shut   map[exchange.Route][]exchange.Window
}

// newWorld builds a world at 22 November 2026, 10:00 UTC+8; change may alter its config.
func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	return newWorldAt(t, time.Date(2026, 11, 22, 10, 0, 0, 0, exchange.Zone), change...)
}

// newWorldAt builds a world at an instant. Its store has been there for ten minutes: it refuses packets from before its own
// beginning, so a world that was built on another day and moved would refuse every packet.
func newWorldAt(t testing.TB, at time.Time, change ...func(*Config)) *world {
	t.Helper()
	w := &world{
		t: t, notary: newNotary(t), log: &syncBuffer{}, metrics: prometheus.NewRegistry(), travellers: map[string]*traveller{},
		now: at.Add(-10 * time.Minute), outage: map[string]bool{}, panics: map[string]bool{},
	}
	w.store = store.New(w.clock)
	w.advance(10 * time.Minute)
	config := w.config()
	for _, each := range change {
		each(&config)
	}
	server, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	w.server = server
	return w
}

func (w *world) config() Config {
	sides := map[exchange.Side]exchange.Jurisdiction{
		"guangdong": &side{w, exchange.Profile{Side: "guangdong", Key: "gd", Type: "gd-code+jwt", Tag: "gd"}},
		"macau":     &side{w, exchange.Profile{Side: "macau", Key: "mo", Type: "mo-code+jwt", Tag: "mo"}},
		"hongkong":  &side{w, exchange.Profile{Side: "hongkong", Key: "hk", Type: "hk-code+jwt", Tag: "hk"}},
	}
	w.sides = sides
	return Config{
		Issuer: issuer, Sides: sides, Exhibits: exhibits{w}, Recalls: recallStore{w},
		Exchanger: &exchange.Gateway{
			Opener: opener{w}, Verifier: verifier{w}, Sides: sides, Replays: replayStore{w}, Recalls: recallStore{w},
			Journal: journal{w}, Signer: signer{w}, Sealer: sealer{w}, Clock: w.clock,
			Landings: map[exchange.Side]string{"guangdong": "https://gd.example/landing"},
		},
		SourceRecall: func(context.Context, exchange.Token) (exchange.Recall, error) {
			return exchange.Recall{Side: "macau", Before: w.clock(), Until: w.clock().Add(time.Hour)}, w.source
		},
		Bundle: func(context.Context) (exchange.Token, exchange.Bundle, error) {
			return "header.bundle.signature", exchange.Bundle{}, w.down("bundle")
		},
		KeySet: func() ([]byte, error) {
			return []byte(`{"keys":[{"kty":"RSA","kid":"packet-mo.1.aaaaaa","alg":"RSA-OAEP-256"},{"kty":"EC","kid":"packet-mo.10.bbbbbb","alg":"ECDH-ES"},` +
				`{"kty":"EC","kid":"mo.1.cccccc","alg":"ES256"},{"kty":"RSA","kid":"packet-gd.1.dddddd","alg":"RSA-OAEP-256"}]}`), w.down("keys")
		},
		Ready: func(context.Context) error { return w.down("ready") },
		Guide: guideFacts(),
		Clock: w.clock, Log: slog.New(slog.NewJSONHandler(w.log, nil)), Metrics: w.metrics,
		Origins: []string{"https://page.macau.example"},
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(by)
}

// down is an outage of a part, or its panic with a name in it.
func (w *world) down(part string) error {
	if w.panics[part] {
		panic(plantedHan + " " + plantedDocument)
	}
	if w.outage[part] {
		return exchange.Fail(exchange.Unavailable, part, errors.New("not there"))
	}
	return nil
}

// arrive registers a packet of a green traveller from Macau to Guangdong; change may alter what happens to it.
func (w *world) arrive(packet string, change ...func(*traveller)) string {
	now := w.clock()
	text := exchange.ConsentText{ID: "macau-guangdong/1", Route: macauToGuangdong, Language: "zh-Hant", Text: "同意", Hash: hash("同意"), From: now.Add(-time.Hour)}
	arrived := &traveller{record: exchange.Record{
		Issuer: "macau", Audience: issuer, Route: macauToGuangdong, Port: "gongbei", Channel: "web", ID: packet,
		IssuedAt: now, NotBefore: now, Expires: now.Add(10 * time.Minute),
		Consent: exchange.Consent{
			Text: text.ID, Hash: text.Hash, Language: text.Language, GivenAt: now, Purpose: exchange.Purpose, Separate: true, By: "self", Published: text,
		},
		Holder: exchange.Holder{
			Documents: []exchange.Document{{Type: "home-return-permit", Number: plantedDocument}},
			BirthDate: exchange.Date{Year: 1990, Month: 1, Day: 2}, Name: exchange.Name{Han: plantedHan, Latin: plantedLatin}, Verified: true,
		},
		Health:   exchange.Health{Colour: "green", AsOf: now},
		Evidence: []exchange.Evidence{{Type: "nucleic-acid", Result: "negative", At: now.Add(-24 * time.Hour), Institution: plantedLab, Source: "electronic"}},
	}}
	for _, each := range change {
		each(arrived)
	}
	w.travellers[packet] = arrived
	return packet
}

func (w *world) at(stage string, packet string) *traveller {
	found := w.travellers[packet]
	if found != nil && found.panicAt == stage {
		panic(plantedHan + " " + plantedDocument)
	}
	return found
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// The parts of the gateway.

type (
	opener      struct{ w *world }
	verifier    struct{ w *world }
	signer      struct{ w *world }
	sealer      struct{ w *world }
	journal     struct{ w *world }
	exhibits    struct{ w *world }
	recallStore struct{ w *world }
	replayStore struct{ w *world }
)

func (o opener) Open(_ context.Context, packet exchange.Packet) (exchange.Signed, error) {
	found := o.w.at("open", string(packet))
	if found == nil {
		return exchange.Signed{}, exchange.Fail(exchange.PacketRefused, "compact", errors.New(string(packet)))
	}
	signed := exchange.Signed{Compact: string(packet)}
	if source, known := o.w.sides[found.record.Issuer]; known {
		signed.PacketKey = source.Profile().PacketKey()
	}
	return signed, found.open
}

func (v verifier) Verify(_ context.Context, signed exchange.Signed) (exchange.Claims, error) {
	found := v.w.at("verify", signed.Compact)
	return exchange.Claims{Issuer: found.record.Issuer, JSON: []byte(signed.Compact)}, found.verify
}

func (s signer) Sign(_ context.Context, drafts *exchange.Drafts) (signed exchange.Signatures, err error) {
	if s.w.busy != nil {
		s.w.busy()
	}
	if err := s.w.down("signer"); err != nil {
		return signed, err
	}
	input := ""
	if drafts.Code() != nil {
		signed.Code, input = s.w.notary.sign(drafts.Code())
	}
	lean, full, err := drafts.Receipt(input)
	if err != nil {
		return signed, err
	}
	signed.Receipt, _ = s.w.notary.sign(lean)
	signed.FullReceipt = full
	return signed, nil
}

func (s sealer) Seal(_ context.Context, _ exchange.Side, handoff exchange.Handoff) (exchange.Token, error) {
	if err := s.w.down("sealer"); err != nil {
		return "", err
	}
	for _, each := range s.w.travellers {
		if each.noKey {
			return "", exchange.ErrNoHandoffKey
		}
	}
	plain, _ := json.Marshal(handoff)
	return exchange.Token("header.key.iv." + encode64(plain) + ".tag"), nil // as long as a real one
}

func (j journal) Intend(context.Context, exchange.Entry) error { return j.w.down("journal") }
func (j journal) Finish(context.Context, exchange.Entry) error { return nil }

func (r recallStore) Recall(ctx context.Context, recall exchange.Recall) error {
	return errors.Join(r.w.down("recalls"), r.w.store.Recall(ctx, recall))
}

func (r recallStore) Recalled(ctx context.Context, code string, source exchange.Side, at time.Time) (bool, error) {
	if err := r.w.down("recalls"); err != nil {
		return false, err
	}
	return r.w.store.Recalled(ctx, code, source, at)
}

func (r recallStore) Live(ctx context.Context) ([]exchange.Recall, error) { return r.w.store.Live(ctx) }

func (r replayStore) Reserve(ctx context.Context, reservation exchange.Reservation) (exchange.Lease, error) {
	if err := r.w.down("replays"); err != nil {
		return exchange.Lease{}, err
	}
	return r.w.store.Reserve(ctx, reservation)
}

func (r replayStore) Commit(ctx context.Context, claim exchange.Lease, until time.Time) error {
	return r.w.store.Commit(ctx, claim, until)
}

func (r replayStore) Release(ctx context.Context, claim exchange.Lease) error {
	return r.w.store.Release(ctx, claim)
}

func (e exhibits) Exhibit(code, receipt exchange.Token, full []byte) (exchange.Exhibit, error) {
	if err := e.w.down("exhibits"); err != nil {
		return exchange.Exhibit{}, err
	}
	shown := exchange.Exhibit{FullReceipt: full}
	if code != "" {
		var claims exchange.CodeClaims
		input, err := e.w.notary.check(code, "-code+jwt", &claims)
		if err != nil {
			return exchange.Exhibit{}, err
		}
		shown.Code, shown.CodeSigningInput = &claims, input
	}
	if receipt != "" {
		var claims exchange.ReceiptClaims
		if _, err := e.w.notary.check(receipt, exchange.ReceiptType, &claims); err != nil {
			return exchange.Exhibit{}, err
		}
		shown.Receipt = &claims
	}
	return shown, nil
}

// notary signs and checks ES256 with keys of its own.
type notary struct {
	keys map[string]*ecdsa.PrivateKey
}

func newNotary(t testing.TB) *notary {
	made := &notary{keys: map[string]*ecdsa.PrivateKey{}}
	for _, name := range []string{"gd", "mo", "hk", exchange.ReceiptKey} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		made.keys[name] = key
	}
	return made
}

func (n *notary) sign(draft *exchange.Draft) (exchange.Token, string) {
	header := `{"alg":"ES256","kid":"` + draft.Key() + `.1.k7Qd2A","typ":"` + draft.Type() + `"}`
	input := encode64([]byte(header)) + "." + encode64(draft.Claims())
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, n.keys[draft.Key()], digest[:])
	if err != nil {
		panic(err)
	}
	return exchange.Token(input + "." + encode64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))), input
}

func (n *notary) check(token exchange.Token, typ string, claims any) (string, error) {
	parts := strings.Split(string(token), ".")
	if len(parts) != 3 {
		return "", errors.New("not a JWS")
	}
	var header struct{ Kid, Typ string }
	raw, _ := base64.RawURLEncoding.DecodeString(parts[0])
	if err := json.Unmarshal(raw, &header); err != nil || !strings.HasSuffix(header.Typ, typ) {
		return "", errors.New("another kind of token")
	}
	name, _, _ := strings.Cut(header.Kid, ".")
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if key := n.keys[name]; key == nil || len(signature) != 64 ||
		!ecdsa.Verify(&key.PublicKey, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return "", errors.New("the signature does not hold")
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	return parts[0] + "." + parts[1], json.Unmarshal(payload, claims)
}

func encode64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// side plays a jurisdiction with two rules.
type side struct {
	w       *world
	profile exchange.Profile
}

// Shut gives what the world's rulebooks have closed.
func (s *side) Shut(route exchange.Route, from, until time.Time) []exchange.Window {
	return slices.DeleteFunc(slices.Clone(s.w.shut[route]), func(w exchange.Window) bool { return !w.Overlaps(from, until) })
}

func said(words string) exchange.Text {
	return exchange.Text{ZhHans: words + "（简）", ZhHant: words + "（繁）", En: words + " (en)", Pt: words + " (pt)"}
}

func rule(id string, status exchange.Status, reason exchange.Reason) exchange.Outcome {
	return exchange.Outcome{Rule: id, Status: status, Reason: reason, Category: "test", Advice: exchange.Advice{
		Title: said("title of " + id), Remedy: said("remedy of " + id), Contact: said("contact of " + id),
	}}
}

func (s *side) book() exchange.RulebookRef {
	return exchange.RulebookRef{Version: string(s.profile.Side) + "/2026-01-01T00:00+08:00", SHA256: hash(string(s.profile.Side)), Confidence: "assumed"}
}

func (s *side) Profile() exchange.Profile { return s.profile }

func (s *side) Read(claims exchange.Claims) (exchange.Record, error) {
	found := s.w.at("read", string(claims.JSON))
	return found.record, found.read
}

func (s *side) Green(record exchange.Record, _ time.Time) exchange.Findings {
	s.w.at("green", record.ID)
	return exchange.Findings{Rulebook: s.book(), Outcomes: []exchange.Outcome{rule("macau.green.colour", exchange.Pass, exchange.NotGreen)}}
}

func (s *side) Admit(record exchange.Record, _ exchange.Route, now time.Time) exchange.Findings {
	found := s.w.at("admit", record.ID)
	first := rule("guangdong.entry.negative-test", exchange.Pass, exchange.NotEligible)
	if found.entry.Rule != "" {
		first = found.entry
	}
	limit := rule("guangdong.entry.cap", exchange.Pass, exchange.NotEligible)
	limit.Until = now.Add(24 * time.Hour)
	outcomes := []exchange.Outcome{first, limit}
	for range found.manyWarning {
		warned := rule("guangdong.entry.warned", exchange.Fails, exchange.NotEligible)
		warned.Warn = true
		outcomes = append(outcomes, warned)
	}
	return exchange.Findings{
		Rulebook: s.book(), Outcomes: outcomes, NotGranted: []string{"quarantine-waiver"},
		Shows: exchange.Shows{Document: record.Holder.Documents[0], SampledOn: exchange.DateOf(now)},
	}
}

func (s *side) InUse() exchange.Rulebook           { return s }
func (s *side) Changes(_, _ time.Time) []time.Time { return nil }

func (s *side) Editions(route exchange.Route, now time.Time) []exchange.Edition {
	part := "green"
	if route.To == s.profile.Side {
		part = "entry"
	}
	until := now.Truncate(24 * time.Hour).Add(48 * time.Hour)
	current := exchange.Edition{
		RulebookRef: s.book(), Side: s.profile.Side, Part: part, From: until.Add(-90 * 24 * time.Hour).UTC(), Until: &until, Source: "https://gov.example/1",
		Rules: []exchange.RuleText{{
			ID: string(s.profile.Side) + "." + part + ".colour", Reason: exchange.NotGreen, Category: "colour", Condition: `health.colour == "green"`,
			Parameters: map[string]any{"length": 2}, Advice: rule("x", exchange.Pass, "").Advice,
		}},
	}
	announced := exchange.Edition{RulebookRef: s.book(), Side: s.profile.Side, Part: part, From: until, Closed: true, Source: "https://gov.example/2"}
	return []exchange.Edition{current, announced}
}

func (s *side) Contact() exchange.Text { return said("help line of " + string(s.profile.Side)) }

func (s *side) Ports(route exchange.Route) []exchange.PortText {
	return []exchange.PortText{{
		ID: "gongbei", Kind: "land", Cities: map[exchange.Side]string{route.From: "one", route.To: "two"},
		Name:   exchange.Text{ZhHans: "拱北／关闸", ZhHant: "拱北／關閘", En: "Gongbei / Border Gate", Pt: "Gongbei / Portas do Cerco"},
		Opened: "2020-01-01", Source: "https://gov.example/3", Confidence: "official",
		Service: []exchange.PortService{{From: "2020-01-01", Open: "06:00-01:00", Source: "https://gov.example/3", Confidence: "press"}},
	}}
}

func (s *side) Consents(route exchange.Route, now time.Time) []exchange.ConsentText {
	from := now.Truncate(24 * time.Hour)
	var texts []exchange.ConsentText
	for _, version := range []string{"/1", "/2"} {
		for _, language := range exchange.Languages() {
			words := "I agree to " + route.String() + version + " in " + language
			texts = append(texts, exchange.ConsentText{
				ID: route.String() + version, Route: route, Language: language, Text: words, Hash: hash(words), From: from, Until: from.Add(48 * time.Hour),
			})
		}
		from = from.Add(48 * time.Hour)
	}
	return texts
}

// Requests and answers.

// answered is one answer, whole.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// member reads one member of a JSON answer, "" if it is not there.
func (a answered) member(path ...string) string {
	var value any
	_ = json.Unmarshal(a.body, &value)
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	text, _ := value.(string)
	return text
}

func jose(path, packet string) *http.Request {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(packet))
	request.Header.Set("Content-Type", mediaJOSE)
	return request
}

func jsonPost(path string, body any) *http.Request {
	written, raw := body.(string)
	if !raw {
		written = string(encode(body))
	}
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(written))
	request.Header.Set("Content-Type", mediaJSON)
	return request
}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

// do sends a request through the whole server and holds the answer to openapi.yaml.
func (w *world) do(request *http.Request) answered {
	w.t.Helper()
	recorder := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(recorder, request)
	result := recorder.Result()
	body, err := io.ReadAll(result.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	got := answered{status: result.StatusCode, header: result.Header, body: body}
	holdToSpecification(w.t, request, got)
	return got
}

// want fails unless the answer has this status.
func (w *world) want(request *http.Request, status int) answered {
	w.t.Helper()
	got := w.do(request)
	if got.status != status {
		w.t.Fatalf("%s %s = %d %.300s, want %d", request.Method, request.URL.Path, got.status, got.body, status)
	}
	return got
}

// issue exchanges a fresh packet for a code.
func (w *world) issue(packet string) issued {
	w.t.Helper()
	got := w.want(jose(exchangePath, w.arrive(packet)), http.StatusOK)
	var parsed issued
	if err := json.Unmarshal(got.body, &parsed); err != nil {
		w.t.Fatal(err)
	}
	return parsed
}

// syncBuffer is a buffer for logs.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// lines are the log's lines.
func (b *syncBuffer) lines() []map[string]any {
	var lines []map[string]any
	for line := range strings.Lines(b.String()) {
		var parsed map[string]any
		_ = json.Unmarshal([]byte(line), &parsed)
		lines = append(lines, parsed)
	}
	return lines
}
