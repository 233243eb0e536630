package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"crosscode/exchange/clock"
)

// noon is the instant at which the stand-in gateway signs, unless a test says otherwise.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, zone)

// standIn is what these tests have for a gateway: real keys, real tokens, and the five calls that a side makes.
type standIn struct {
	t      *testing.T
	server *httptest.Server
	keys   map[string]jose.JSONWebKey // private, by name
	pin    string

	mu      sync.Mutex
	recalls []recall
	closed  []closing
	posted  []string // tokens that came to /v1/recalls
}

var standInKeys = sync.OnceValue(func() map[string]jose.JSONWebKey {
	keys := map[string]jose.JSONWebKey{}
	for _, one := range sides {
		private, _ := rsa.GenerateKey(rand.Reader, 2048)
		keys["packet-"+one.tag] = named("packet-"+one.tag, 1, private, "enc", string(jose.RSA_OAEP_256))
	}
	for _, name := range []string{"gd", "mo", "hk", "receipt", "bundle", "other"} {
		private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		keys[name] = named(name, 1, private, "sig", string(jose.ES256))
	}
	return keys
})

func named(name string, version int, private crypto.PrivateKey, use, algorithm string) jose.JSONWebKey {
	key := jose.JSONWebKey{Key: private, Use: use, Algorithm: algorithm}
	sum, _ := key.Thumbprint(crypto.SHA256)
	key.KeyID = keyID{name: name, version: version, tail: base64.RawURLEncoding.EncodeToString(sum)[:6]}.String()
	return key
}

func newStandIn(t *testing.T) *standIn {
	t.Helper()
	s := &standIn{t: t, keys: standInKeys()}
	s.pin, _ = thumbprint(s.keys["bundle"])
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(s.jwks()) })
	mux.HandleFunc("GET /v1/consents/{route}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(consentsAnswer(r.PathValue("route")))
	})
	mux.Handle("GET /moved", http.RedirectHandler("/v1/bundle", http.StatusFound))
	mux.HandleFunc("GET /v1/bundle", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, s.bundle(clock.Now(), nil))
	})
	mux.HandleFunc("POST /v1/recalls", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.posted = append(s.posted, r.Header.Get("Content-Type")+" "+string(body))
		w.WriteHeader(http.StatusNoContent)
	})
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	return s
}

func (s *standIn) jwks() []byte {
	set := jose.JSONWebKeySet{}
	for name, key := range s.keys {
		if name != "other" {
			set.Keys = append(set.Keys, key.Public())
		}
	}
	data, _ := json.Marshal(set)
	return data
}

// wordings are the texts that the stand-in publishes; one in force, one announced for later.
func wording(route, language string) string { return "I agree to " + route + " (" + language + ")." }

func consentsAnswer(route string) []byte {
	texts := map[string]any{}
	for _, language := range []string{"zh-Hans", "zh-Hant", "en", "pt"} {
		texts[language] = map[string]any{"text": wording(route, language), "sha256": hexSum([]byte(wording(route, language)))}
	}
	data, _ := json.Marshal(map[string]any{
		"route": route, "purpose": "code_exchange", "max_age_seconds": 600,
		"consents": []any{
			map[string]any{"id": route + "/1", "from": "2020-05-10T10:00:00+08:00", "until": "2080-01-01T00:00:00+08:00", "texts": texts},
			map[string]any{"id": route + "/2", "from": "2080-01-01T00:00:00+08:00", "texts": texts},
		},
	})
	return data
}

// bundle is a genuine one, issued at an instant; change may edit its claims before it is signed.
func (s *standIn) bundle(at time.Time, change func(map[string]any)) string {
	var keys []jose.JSONWebKey
	for name, key := range s.keys {
		if key.Use == "sig" && name != "other" {
			keys = append(keys, key.Public())
		}
	}
	var profiles []map[string]any
	for _, one := range sides {
		profiles = append(profiles, map[string]any{"side": one.id, "key": one.codeKey, "typ": one.codeType, "tag": one.tag})
	}
	s.mu.Lock()
	recalls := append([]recall{}, s.recalls...)
	s.mu.Unlock()
	claims := map[string]any{
		"iss": "http://gateway.example", "iat": at.Unix(), "soft": at.Add(6 * time.Hour).Unix(), "exp": at.Add(24 * time.Hour).Unix(),
		"profiles": profiles, "keys": keys, "recalls": wire(recalls), "closings": s.closings(), "specimen": true,
	}
	if change != nil {
		change(claims)
	}
	return s.sign("bundle", typeBundle, claims)
}

// closings is never absent: an empty list says that no route is closed.
func (s *standIn) closings() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	written := []map[string]any{}
	for _, one := range s.closed {
		written = append(written, map[string]any{"r": one.Route, "since": one.Since})
	}
	return written
}

// wire writes recalls as the gateway does, without the members that a recall does not have.
func wire(recalls []recall) []map[string]any {
	written := []map[string]any{}
	for _, one := range recalls {
		if one.Code != "" {
			written = append(written, map[string]any{"c": one.Code, "exp": one.Expires})
		} else {
			written = append(written, map[string]any{"s": one.Tag, "b": one.Before, "exp": one.Expires})
		}
	}
	return written
}

func (s *standIn) sign(key, typ string, claims any) string {
	s.t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := sign(payload, s.keys[key], typ)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// transcript is all that one issued code comes with.
type transcript struct {
	code, receipt, full, fields string
	id                          string // of the code
}

// issue makes a code over a route, until 20 hours after an instant; the fields are for an audience.
func (s *standIn) issue(over route, at time.Time, audience string) transcript {
	return s.issueTo("verified", over, at, audience)
}

// issueTo is issue for a holder of some assurance.
func (s *standIn) issueTo(assured string, over route, at time.Time, audience string) transcript {
	s.t.Helper()
	id, receiptID := newID(), newID()
	tag := over.from.tag + "-" + over.to.tag
	shared := map[string]any{
		"iat": at.Unix(), "exp": at.Add(20 * time.Hour).Unix(), "r": tag, "p": "gongbei", "n": "陳*本 CHAN I* P*", "d": "M****5678", "sp": true,
	}
	if assured == "unverified" {
		shared["u"] = true
	}
	made := transcript{id: id}
	made.code = s.sign(over.to.codeKey, over.to.codeType, with(shared, "iss", over.to.id, "jti", id, "t", "2026-11-22"))
	made.fields = s.fields(at, audience, assured)
	full, _ := json.Marshal(map[string]any{
		"jti": receiptID, "outcome": "issued", "route": over.id(), "code_id": id, "code_sha256": signingInputSum(made.code),
		"fields_sha256": hexSum([]byte(made.fields)), "not_granted": []string{"quarantine-waiver"}, "rules": []any{}, "specimen": true, "unverified": assured == "unverified",
	})
	made.full = string(full)
	sum := sha256.Sum256(full)
	made.receipt = s.sign("receipt", typeReceipt, with(shared, "jti", receiptID, "o", "issued", "c", id,
		"h", base64.RawURLEncoding.EncodeToString(sum[:])))
	return made
}

func (s *standIn) fields(at time.Time, audience, assured string) string {
	fields, _ := json.Marshal(handoffFields{
		Salt: newID(), Audience: audience, Expires: at.Add(10 * time.Minute).Unix(), Name: map[string]string{"han": "陳樣本"},
		Documents: []document{{"home-return-permit", "M12345678"}}, BirthDate: "1990-01-02", Assurance: assured,
		Tests: []handoffTest{{"nucleic-acid", "negative", "2026-11-22", laboratory}},
	})
	return string(fields)
}

// with is the claims and some more members, given as name, value, name, value …
func with(claims map[string]any, more ...any) map[string]any {
	merged := map[string]any{}
	for name, value := range claims {
		merged[name] = value
	}
	for i := 0; i < len(more); i += 2 {
		merged[more[i].(string)] = more[i+1]
	}
	return merged
}

// handoff seals what a browser would carry.
func (s *standIn) handoff(to jose.JSONWebKey, made transcript) string {
	s.t.Helper()
	payload, _ := json.Marshal(handoff{Code: made.code, Receipt: made.receipt, FullReceipt: made.full, Fields: made.fields})
	return s.sealed(to, payload)
}

func (s *standIn) sealed(to jose.JSONWebKey, payload []byte) string {
	s.t.Helper()
	encrypter, err := jose.NewEncrypter(jose.A256GCM,
		jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: to.Public().Key, KeyID: to.KeyID},
		new(jose.EncrypterOptions).WithType(typeHandoff))
	if err != nil {
		s.t.Fatal(err)
	}
	object, err := encrypter.Encrypt(payload)
	if err != nil {
		s.t.Fatal(err)
	}
	token, _ := object.CompactSerialize()
	return token
}

func mustRoute(t *testing.T, id string) route {
	t.Helper()
	from, to, _ := strings.Cut(id, "-")
	over, err := newRoute(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return over
}
