package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	stricter "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// packetLife is how long a packet lives unless its case says otherwise; 600 s is the most a gateway takes.
const packetLife = 600 * time.Second

// claims is the payload of a packet. Times in JOSE claims are NumericDate seconds, all others RFC 3339 with +08:00.
type claims struct {
	Issuer       string       `json:"iss"`
	Audience     string       `json:"aud"`
	Destination  string       `json:"dst"`
	Port         string       `json:"port,omitempty"`
	Channel      string       `json:"channel"`
	ID           string       `json:"jti"`
	IssuedAt     int64        `json:"iat"`
	NotBefore    int64        `json:"nbf"`
	Expires      int64        `json:"exp"`
	Consent      consent      `json:"consent"`
	Presenter    *presenter   `json:"presenter,omitempty"`
	Holder       holder       `json:"holder"`
	Health       health       `json:"health"`
	Evidence     []fact       `json:"evidence"`
	Declarations []statements `json:"declarations"`
}

type consent struct {
	Text     string `json:"text"`
	SHA256   string `json:"sha256"` // lower-case hex, of the text that was shown
	Language string `json:"lang"`
	GivenAt  string `json:"given_at"`
	Purpose  string `json:"purpose"`
	Separate bool   `json:"separate"`
	By       string `json:"by"`
}

type presenter struct {
	Relation string `json:"relation"`
}

type holder struct {
	Documents []document `json:"documents"`
	BirthDate string     `json:"birth_date"`
	Name      name       `json:"name"`
	Assurance string     `json:"assurance"`
}

type document struct {
	Type   string `json:"type"`
	Number string `json:"number"`
}

type name struct {
	Han   string `json:"han,omitempty"`
	Latin string `json:"latin,omitempty"`
}

type health struct {
	Colour  string   `json:"colour"`
	Subcode string   `json:"subcode,omitempty"`
	AsOf    string   `json:"as_of"`
	Until   string   `json:"until,omitempty"`
	Reasons []string `json:"reasons"`
}

// fact is one piece of evidence. It is a map, since a case may put in it what no gateway should accept.
type fact map[string]any

// statements is one answered form.
type statements struct {
	Form       string          `json:"form"`
	DeclaredAt string          `json:"declared_at"`
	Answers    map[string]bool `json:"answers"`
}

// statement is the consent to a text: by the holder, two minutes before the packet was made.
func (t consentText) statement(at time.Time) consent {
	sum := sha256.Sum256([]byte(t.Text))
	return consent{
		Text: t.ID, SHA256: hex.EncodeToString(sum[:]), Language: t.Language, GivenAt: inZone(at.Add(-2 * time.Minute)),
		Purpose: "code_exchange", Separate: true, By: "self",
	}
}

// newID is 128 random bits in base64url.
func newID() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // does not fail (Go 1.24 and later)
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// marshal writes claims without escaping <, > and &, which no packet needs.
func marshal(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// complete adds those of iss, aud, jti, iat, nbf and exp that somebody's claims lack, and changes no other byte: not the
// order, not the white space, not a name that is there twice. What is not a JSON object is left as it is.
func complete(given []byte, from side, audience string, at time.Time) (completed []byte, added []string) {
	var present map[string]jsontext.Value
	tolerant := jsontext.AllowDuplicateNames(true)
	if err := stricter.Unmarshal(given, &present, tolerant, jsontext.AllowInvalidUTF8(true)); err != nil || present == nil {
		return given, nil
	}
	missing := []struct {
		name  string
		value any
	}{
		{"iss", from.id}, {"aud", audience}, {"jti", newID()}, {"iat", at.Unix()}, {"nbf", at.Unix()},
		{"exp", at.Add(packetLife).Unix()},
	}
	var members bytes.Buffer
	for _, one := range missing {
		if _, there := present[one.name]; there {
			continue
		}
		value, _ := json.Marshal(one.value) // a string or an int64
		fmt.Fprintf(&members, "%q:%s,", one.name, value)
		added = append(added, one.name)
	}
	return insert(given, members.Bytes(), len(present) == 0), added
}

// insert puts members, each with a comma behind it, after the object's opening brace.
func insert(object, members []byte, empty bool) []byte {
	if len(members) == 0 {
		return object
	}
	if empty {
		members = bytes.TrimSuffix(members, []byte(","))
	}
	brace := bytes.IndexByte(object, '{')
	return bytes.Join([][]byte{object[:brace+1], members, object[brace+1:]}, nil)
}
