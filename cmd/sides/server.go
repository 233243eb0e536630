package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/go-jose/go-jose/v4"
	stricter "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxBody is the most bytes of a request's body; it is the first thing that is checked.
const maxBody = 64 << 10

// server is one side's HTTP face.
type server struct {
	side       side
	keys       *keyStore
	gateway    gateway
	ownURL     string // the aud of handoffs
	gatewayURL string // the aud of packets
	pins       []pin  // of the bundle's key; none: handoffs are checked with the gateway's key set
	clock      func() time.Time
	log        *slog.Logger
}

// handler is all calls behind the limits and checks that hold for each of them.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request) (any, error){
		"GET /.well-known/jwks.json": s.jwks,
		"POST /packets":              s.packet,
		"POST /handoffs":             s.handoff,
		"POST /keys/rotate":          s.rotate,
		"DELETE /keys/{kid}":         s.remove,
		"GET /livez":                 s.livez,
	} {
		mux.Handle(pattern, s.answering(pattern, handle))
	}
	own := newPages(s)
	own.mount(mux)
	// A page elsewhere must not turn keys or seal packets through somebody's browser; it may hand over a traveller.
	guard := http.NewCrossOriginProtection()
	guard.AddInsecureBypassPattern("POST /handoffs")
	for _, pattern := range own.openToOthers() {
		guard.AddInsecureBypassPattern(pattern)
	}
	return http.MaxBytesHandler(s.local(guard.Handler(mux)), maxBody)
}

// local refuses every request that was not made to this machine by name: against DNS rebinding, loopback alone does not
// help.
func (s *server) local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			http.Error(w, "this simulation serves on loopback only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLoopback tells whether a host, with or without a port, is this machine.
func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// refused is an answer that says no.
type refused struct {
	status int
	reason string // a closed word, which the log may have
	detail string // for the caller; empty: the reason says it all
}

func (r refused) Error() string { return r.reason }

// answering turns what a call gives into JSON, and writes the one log line: pattern, status and reason are all from closed
// sets, so that nothing personal can be in it.
func (s *server) answering(pattern string, call func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.clock()
		answer, err := s.safely(call, r)
		status, reason := http.StatusOK, ""
		if err != nil {
			no := s.refusal(err)
			status, reason = no.status, no.reason
			answer = map[string]any{"simulation": true, "reason": no.reason, "detail": no.detail}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Simulation", "not a real back end")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer) // the caller has gone: there is nobody to tell
		s.log.Info("answered", "call", pattern, "status", status, "reason", reason,
			"took", s.clock().Sub(began).Round(time.Microsecond).String())
	})
}

// refusal is what an error is answered with. What is no refusal is a fault of this side's own, and told to its log alone.
func (s *server) refusal(err error) refused {
	var no refused
	if errors.As(err, &no) {
		return no
	}
	s.log.Error("fault", "error", err.Error())
	return refused{status: http.StatusInternalServerError, reason: "internal"}
}

// safely keeps a fault in one call from ending the program. The panic's own value may quote the request and is not logged.
func (s *server) safely(call func(*http.Request) (any, error), r *http.Request) (answer any, err error) {
	defer func() {
		if recover() != nil {
			s.log.Error("panic", "stack", string(debug.Stack()))
			err = refused{status: http.StatusInternalServerError, reason: "internal"}
		}
	}()
	return call(r)
}

func (s *server) livez(*http.Request) (any, error) {
	return map[string]any{"simulation": true, "side": s.side.id, "status": "live"}, nil
}

func (s *server) jwks(*http.Request) (any, error) { return s.keys.published() }

// packetRequest asks for a packet: a case, or claims of the caller's own.
type packetRequest struct {
	To      string         `json:"to"`
	Case    string         `json:"case"`
	Port    string         `json:"port"`
	Channel string         `json:"channel"`
	Lang    string         `json:"lang"`
	Alg     string         `json:"alg"`
	KeyAlg  string         `json:"key_alg"`
	At      time.Time      `json:"at"`
	Claims  jsontext.Value `json:"claims"`
}

// packetAnswer is a packet, and what should come of it.
type packetAnswer struct {
	Simulation bool   `json:"simulation"`
	Packet     string `json:"packet"`
	ID         string `json:"jti,omitempty"`
	Expected   string `json:"expected,omitempty"`
	// Obstacle is what a problem should name; Marked: a code should say that the holder is not verified.
	Obstacle string `json:"expected_obstacle,omitempty"`
	Marked   bool   `json:"expected_unverified,omitempty"`
	Note     string `json:"note"`
}

func (s *server) packet(r *http.Request) (any, error) {
	asked, err := readPacketRequest(r)
	if err != nil {
		return nil, err
	}
	payload, answer, err := s.payload(r.Context(), asked)
	if err != nil {
		return nil, badUsage(err)
	}
	keys, err := s.gateway.keys(r.Context())
	if err != nil {
		return nil, unavailable(err)
	}
	answer.Packet, err = sealPacket(payload, s.side, s.keys, keys, algorithms{sign: asked.Alg, seal: asked.KeyAlg})
	if err != nil {
		return nil, refused{status: http.StatusConflict, reason: "no-packet", detail: err.Error()}
	}
	return answer, nil
}

func readPacketRequest(r *http.Request) (packetRequest, error) {
	asked := packetRequest{Case: "green", Alg: "ES256"}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/json" {
		return asked, refused{status: http.StatusUnsupportedMediaType, reason: "unsupported-media", detail: "send application/json"}
	}
	if err := stricter.UnmarshalRead(r.Body, &asked, stricter.RejectUnknownMembers(true)); err != nil {
		return asked, refused{status: http.StatusBadRequest, reason: "bad-request",
			detail: "want {to, case, port, channel, lang, alg, key_alg, at} or {claims, alg, key_alg}, each once"}
	}
	if asked.Alg != string(jose.ES256) && asked.Alg != string(jose.EdDSA) {
		return asked, refused{status: http.StatusBadRequest, reason: "bad-request", detail: "alg: ES256 or EdDSA"}
	}
	return asked, nil
}

func (s *server) payload(ctx context.Context, asked packetRequest) ([]byte, packetAnswer, error) {
	at := asked.At
	if at.IsZero() {
		at = s.clock()
	}
	answer := packetAnswer{Simulation: true, Note: "the claims as they were given"}
	if asked.Claims != nil {
		payload, _ := complete(asked.Claims, s.side, s.gatewayURL, at)
		return payload, answer, nil
	}
	chosen := terms{port: asked.Port, channel: asked.Channel, language: asked.Lang, audience: s.gatewayURL, at: at}
	wanted, err := newWish(s.side.id, asked.To, asked.Case, chosen)
	if err != nil {
		return nil, answer, err
	}
	texts, err := s.gateway.consents(ctx, wanted.consentRoute())
	if err != nil {
		return nil, answer, unavailable(err)
	}
	made, err := wanted.claims(texts)
	if err != nil {
		return nil, answer, unavailable(err)
	}
	answer.ID, answer.Expected, answer.Note = made.ID, wanted.variant.expected(wanted.over), wanted.note(made)
	answer.Obstacle, answer.Marked = wanted.variant.obstacle, wanted.variant.marked && answer.Expected == issued
	payload, err := marshal(made)
	return payload, answer, err
}

// unavailable is a gateway that could not be asked.
func unavailable(err error) error {
	return refused{status: http.StatusBadGateway, reason: "gateway-unavailable", detail: err.Error()}
}

// badUsage is a question that makes no sense; anything else stays what it is.
func badUsage(err error) error {
	var usage usageError
	if errors.As(err, &usage) {
		return refused{status: http.StatusBadRequest, reason: "bad-request", detail: err.Error()}
	}
	return err
}

func (s *server) handoff(r *http.Request) (any, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, refused{status: http.StatusRequestEntityTooLarge, reason: "too-large"}
	}
	token, err := tokenIn(mediaType, body)
	if err != nil {
		return nil, refused{status: http.StatusBadRequest, reason: "bad-request", detail: "want a form or JSON with handoff alone"}
	}
	opened, err := openHandoff(token, s.keys)
	if err != nil {
		return nil, refused{status: http.StatusUnprocessableEntity, reason: refusalOf(err)}
	}
	trusted, err := s.trust(r.Context())
	if err != nil {
		return nil, unavailable(err)
	}
	shown, err := landing{side: s.side, audience: s.ownURL, trust: trusted, now: s.clock()}.arrive(opened)
	if err != nil {
		return nil, refused{status: http.StatusUnprocessableEntity, reason: refusalOf(err), detail: err.Error()}
	}
	return shown, nil
}

// trust is the pinned bundle with its recalls and closings, or the gateway's key set where no pin was given.
func (s *server) trust(ctx context.Context) (trust, error) {
	if len(s.pins) > 0 {
		token, err := s.gateway.get(ctx, s.gateway.base+"/v1/bundle", maxBundle)
		if err != nil {
			return trust{}, err
		}
		return readBundle(string(token), s.pins, s.clock(), time.Time{})
	}
	keys, err := s.gateway.keys(ctx)
	return online(keys), err
}

func (s *server) rotate(r *http.Request) (any, error) {
	name, known := map[string]string{"": keySign, "sig": keySign, "sig-ed": keySignEd, "enc": keyHandoff}[r.URL.Query().Get("use")]
	if !known {
		return nil, refused{status: http.StatusBadRequest, reason: "bad-request", detail: "use: sig, sig-ed or enc"}
	}
	kid, err := s.keys.rotate(name)
	return map[string]any{"simulation": true, "kid": kid}, err
}

func (s *server) remove(r *http.Request) (any, error) {
	err := s.keys.remove(r.PathValue("kid"))
	if errors.Is(err, errUnknown) {
		return nil, refused{status: http.StatusNotFound, reason: "not-found"}
	}
	return map[string]any{"simulation": true, "removed": true}, err
}

// formValue takes the one value of a form's only field.
func formValue(body []byte, name string) (string, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil || len(values) != 1 || len(values[name]) != 1 {
		return "", errToken
	}
	return values.Get(name), nil
}
