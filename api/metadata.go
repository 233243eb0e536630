package api

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

// metadata is what a side's back end needs to begin: in the manner of RFC 8414.
type metadata struct {
	Issuer         string                     `json:"issuer"`
	Endpoints      map[string]string          `json:"endpoints"`
	Routes         []string                   `json:"routes"`
	Ports          map[string][]portName      `json:"ports"`       // by route id
	PacketKeys     map[exchange.Side][]string `json:"packet_keys"` // kids for packets from each side, newest first
	Packet         layer                      `json:"packet"`
	Signed         layer                      `json:"signed"`
	Codes          []codeForm                 `json:"codes"`
	Limits         limits                     `json:"limits"`
	Languages      []string                   `json:"languages"`
	ConsentPurpose string                     `json:"consent_purpose"`
	Specimen       bool                       `json:"specimen"`
	Client         clientInfo                 `json:"client"`
}

// portName is what a packet's "port" may say on a route, and what people call it.
type portName struct {
	ID   exchange.Port `json:"id"`
	Name exchange.Text `json:"name"`
}

// layer says how one layer of a packet is made.
type layer struct {
	Type       string   `json:"typ"`
	Algorithms []string `json:"alg"`
	Encryption []string `json:"enc,omitempty"`
}

// codeForm is how one side's codes are signed.
type codeForm struct {
	Side exchange.Side `json:"side"`
	Type string        `json:"typ"`
	Tag  string        `json:"tag"`
}

// limits are bytes, seconds or characters, as the names say.
type limits struct {
	BodyBytes           int `json:"body_bytes"`
	PacketBytes         int `json:"packet_bytes"`
	AnswerBytes         int `json:"answer_bytes"`
	PacketLifeSeconds   int `json:"packet_life_seconds"`
	LeewaySeconds       int `json:"leeway_seconds"`
	ConsentAgeSeconds   int `json:"consent_age_seconds"`
	IdempotencyKeyChars int `json:"idempotency_key_characters"`
}

// keySet gives the gateway's public keys.
func (s *Server) keySet(c echo.Context) error {
	set, err := s.config.KeySet()
	if err != nil {
		return exchange.Fail(exchange.Unavailable, "key-set", err)
	}
	return publish(c, mediaKeySet, set, metadataAge)
}

func (s *Server) metadata(c echo.Context) error {
	set, err := s.config.KeySet()
	if err != nil {
		return exchange.Fail(exchange.Unavailable, "key-set", err)
	}
	keys, err := readKeys(set)
	if err != nil {
		return err
	}
	return publish(c, mediaJSON, encode(s.describe(keys)), metadataAge)
}

// describe leaves out how packets are sealed when there are no keys to seal to.
func (s *Server) describe(keys []packetKey) metadata {
	about := metadata{
		Issuer: s.config.Issuer, Endpoints: s.endpoints(), Routes: []string{}, Ports: map[string][]portName{}, PacketKeys: map[exchange.Side][]string{},
		Packet: layer{Type: "consent-packet+jwe", Algorithms: algorithms(keys), Encryption: []string{"A256GCM"}},
		Signed: layer{Type: "consent-packet+jwt", Algorithms: []string{"ES256", "EdDSA"}},
		Limits: limits{
			BodyBytes: maxBody, PacketBytes: exchange.MaxPacket, AnswerBytes: maxAnswer,
			PacketLifeSeconds: int(exchange.MaxPacketLife / time.Second), LeewaySeconds: int(exchange.Leeway / time.Second),
			ConsentAgeSeconds: int(exchange.MaxConsentAge / time.Second), IdempotencyKeyChars: maxIdempotencyKey,
		},
		Languages: exchange.Languages(), ConsentPurpose: exchange.Purpose, Specimen: s.config.Specimen, Client: s.clientInfo(),
	}
	for _, route := range s.routes {
		if !s.config.Listed(route) {
			continue
		}
		about.Routes = append(about.Routes, route.String())
		about.Ports[route.String()] = s.portNames(route)
	}
	for _, side := range s.sides {
		profile := s.config.Sides[side].Profile()
		about.Codes = append(about.Codes, codeForm{Side: side, Type: profile.Type, Tag: profile.Tag})
		about.PacketKeys[side] = kids(keys, packetKeyPrefix+profile.Tag+".")
	}
	return about
}

func (s *Server) portNames(route exchange.Route) []portName {
	names := []portName{}
	for _, port := range s.portsOn(route) {
		names = append(names, portName{ID: port.ID, Name: port.Name})
	}
	return names
}

func (s *Server) endpoints() map[string]string {
	return map[string]string{
		"exchange": s.config.Issuer + "/v1/exchange", "verify": s.config.Issuer + "/v1/receipts/verify",
		"bundle": s.config.Issuer + "/v1/bundle", "recalls": s.config.Issuer + "/v1/recalls",
		"rules": s.config.Issuer + "/v1/rules", "consents": s.config.Issuer + "/v1/consents/{route}",
		"jwks": s.config.Issuer + "/.well-known/jwks.json", "guide": s.config.Issuer + guidePath,
	}
}

// packetKeyPrefix begins the kid of each key that packets are sealed to: "packet-mo.3.k7Qd2A".
const packetKeyPrefix = "packet-"

// packetKey is the part of a JWK that the metadata tells.
type packetKey struct {
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg"`
}

// readKeys picks the packet keys out of our own key set.
func readKeys(set []byte) ([]packetKey, error) {
	var parsed struct {
		Keys []packetKey `json:"keys"`
	}
	if err := json.Unmarshal(set, &parsed); err != nil {
		return nil, exchange.Fail(exchange.Unavailable, "key-set", err)
	}
	return slices.DeleteFunc(parsed.Keys, func(key packetKey) bool { return !strings.HasPrefix(key.KeyID, packetKeyPrefix) }), nil
}

// algorithms lists how packets may be sealed. One P-256 key serves both forms of ECDH-ES.
func algorithms(keys []packetKey) []string {
	offered := []string{}
	for _, key := range keys {
		offered = append(offered, key.Algorithm)
		if key.Algorithm == "ECDH-ES" {
			offered = append(offered, "ECDH-ES+A256KW")
		}
	}
	slices.Sort(offered)
	return slices.Compact(offered)
}

// kids lists the key ids with a prefix, the newest version first.
func kids(keys []packetKey, prefix string) []string {
	found := []string{}
	for _, key := range keys {
		if strings.HasPrefix(key.KeyID, prefix) {
			found = append(found, key.KeyID)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return version(b) - version(a) })
	return found
}

// version is the number between a kid's two dots; 0 if there is none.
func version(kid string) int {
	parts := strings.Split(kid, ".")
	if len(parts) != 3 {
		return 0
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	return number
}
