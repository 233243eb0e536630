package jurisdictions

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"

	"crosscode/exchange"
)

// MaxConsentText is the most bytes of one wording in one language.
const MaxConsentText = 8 << 10

// Consents is every wording that a side has published, in each language. The zero value has published none.
//
// A wording is never edited: a changed text gets the next number, and the old one an end. What a holder agreed to can
// then be shown years later from the id and hash in the receipt.
type Consents []exchange.ConsentText

var consentIDPattern = regexp.MustCompile(`\A([a-z]{2,16}-[a-z]{2,16})/[1-9][0-9]{0,3}\z`)

// Find gives what is published under id and language, if its hash is the given one, else the zero value. It does not ask
// for a route: agreement to another route is wrong-route, which says more than consent-missing.
func (c Consents) Find(id, language, hash string) exchange.ConsentText {
	for _, text := range c {
		if text.ID == id && text.Language == language && text.Hash == hash {
			return text
		}
	}
	return exchange.ConsentText{}
}

// For lists the wordings of a route that are in force at now or announced, by start and then in the order of
// exchange.Languages.
func (c Consents) For(route exchange.Route, now time.Time) []exchange.ConsentText {
	published := []exchange.ConsentText{}
	for _, text := range c {
		if text.Route == route && (text.Until.IsZero() || now.Before(text.Until)) {
			published = append(published, text)
		}
	}
	slices.SortStableFunc(published, func(a, b exchange.ConsentText) int { return a.From.Compare(b.From) })
	return published
}

// ParseConsents reads a side's consents.yaml; its error is Faults, all at once.
func ParseConsents(file string, data []byte, side exchange.Side) (Consents, error) {
	s := &sheet{file: file}
	var consents Consents
	if root := s.open(data); root != nil {
		b := s.sideBlock(root, side, "consents!")
		for _, node := range b.list("consents") {
			consents = s.consent(consents, s.block(node, "consent", "id!", "route!", "from!", "until", "texts!"), side)
		}
	}
	if err := s.faults.orNil(); err != nil {
		return nil, err
	}
	return consents, nil
}

// sideBlock reads the top of a side's file, which says whose it is: a file in the wrong folder is a fault.
func (s *sheet) sideBlock(root *yaml.Node, side exchange.Side, keys ...string) block {
	b := s.block(root, "file", append([]string{"side!"}, keys...)...)
	if b.has("side") && b.text("side") != string(side) {
		s.fault(b.lineOf("side"), "file.side: want %s", side)
	}
	return b
}

func (s *sheet) consent(consents Consents, b block, side exchange.Side) Consents {
	id, routeID := b.text("id"), b.text("route")
	route, err := exchange.ParseRoute(routeID)
	if err != nil || route.From != side {
		s.fault(b.lineOf("route"), "consent.route: want a route from %s", side)
	}
	if parts := consentIDPattern.FindStringSubmatch(id); parts == nil || parts[1] != routeID {
		s.fault(b.lineOf("id"), "consent.id: want the route, a slash and a number")
	}
	if slices.ContainsFunc(consents, func(text exchange.ConsentText) bool { return text.ID == id }) {
		s.fault(b.lineOf("id"), "consent.id: stands twice")
	}
	from, until := b.minute("from"), b.minute("until")
	if !until.IsZero() && !until.After(from) {
		s.fault(b.lineOf("until"), "consent.until: not after from")
	}
	for language, text := range b.wordings("texts") {
		consents = append(consents, exchange.ConsentText{
			ID: id, Route: route, Language: exchange.Languages()[language], Text: text, Hash: hashText(text), From: from, Until: until,
		})
	}
	return consents
}

// wordings reads a text in each of exchange.Languages, in their order.
func (b block) wordings(key string) []string {
	if !b.has(key) {
		return nil
	}
	var keys []string
	for _, language := range exchange.Languages() {
		keys = append(keys, language+"!")
	}
	texts := b.block(b.values[key], b.name(key), keys...)
	var wordings []string
	for _, language := range exchange.Languages() {
		text := texts.text(language)
		if len(text) > MaxConsentText || !cleanText(text) {
			b.fault(texts.lineOf(language), "%s: longer than %d bytes, not NFC, or with characters that cannot be seen",
				texts.name(language), MaxConsentText)
		}
		wordings = append(wordings, text)
	}
	return wordings
}

// cleanText tells whether what is hashed is what is seen: NFC, nothing invisible but line breaks inside, no blank ends.
func cleanText(text string) bool {
	invisible := func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }
	return norm.NFC.IsNormalString(text) && !strings.ContainsFunc(text, invisible) && strings.TrimSpace(text) == text
}

// hashText is the hash that a packet and a receipt carry: lower-case hex SHA-256 of the text's UTF-8 bytes.
func hashText(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
