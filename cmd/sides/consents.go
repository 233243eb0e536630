package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// consentText is one published wording in one language.
type consentText struct {
	ID       string // "macau-guangdong/1"
	Language string
	Text     string
}

// publishedConsents is the answer of GET /v1/consents/{route}, as far as a page needs it.
type publishedConsents struct {
	Route    string             `json:"route"`
	Consents []publishedConsent `json:"consents"`
}

type publishedConsent struct {
	ID    string               `json:"id"`
	From  time.Time            `json:"from"`
	Until *time.Time           `json:"until"` // in force until just before; absent: no end
	Texts map[string]published `json:"texts"` // by language
}

type published struct {
	Text   string `json:"text"`
	SHA256 string `json:"sha256"` // lower-case hex
}

var errConsents = errors.New("not the consent texts of this route")

// parseConsents reads the texts, and holds each against the hash that is published with it: a page must never show one
// text and sign another one's hash.
func parseConsents(data []byte, over route) (publishedConsents, error) {
	var answer publishedConsents
	if err := json.Unmarshal(data, &answer); err != nil || answer.Route != over.id() {
		return publishedConsents{}, fmt.Errorf("%w (%s)", errConsents, over.id())
	}
	for _, one := range answer.Consents {
		for language, text := range one.Texts {
			if hexSum([]byte(text.Text)) != text.SHA256 {
				return publishedConsents{}, fmt.Errorf("%w: %s in %s has another text's hash", errConsents, one.ID, language)
			}
		}
	}
	return answer, nil
}

// in is the wording in force at an instant, in one language.
func (p publishedConsents) in(language string, at time.Time) (consentText, error) {
	for _, one := range p.Consents {
		begun := !at.Before(one.From)
		over := one.Until != nil && !at.Before(*one.Until)
		if text, there := one.Texts[language]; there && begun && !over {
			return consentText{ID: one.ID, Language: language, Text: text.Text}, nil
		}
	}
	return consentText{}, fmt.Errorf("consent over %s: no text in %s is in force at %s", p.Route, language, inZone(at))
}
