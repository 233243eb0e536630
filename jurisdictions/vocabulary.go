package jurisdictions

import (
	"errors"
	"slices"

	"crosscode/exchange"
)

// Vocabulary is the words that one side signs. Every list is closed: a word that is not in it is claims-invalid, so that
// no rule ever meets a word that its author did not know of.
//
// All words are lower case; a word of several parts has hyphens ("close-contact"), as everywhere in the claims' values.
type Vocabulary struct {
	// Side is the side whose packets are read with these words.
	Side exchange.Side
	// Contact is the help line of the side's health code, as its rulebook's advice names it.
	Contact exchange.Text
	// Channels is how a holder can log in at the side: it decides which documents a destination takes (S0 Q1).
	Channels []string
	// Colours maps each word the side has for a colour onto the word that rulebooks know: green, yellow, red or none
	// (亮码失败: no code was shown, which is not the same as red). Hong Kong's "amber" is yellow.
	Colours map[string]string
	// Subcodes lists the subcodes by rulebook colour, such as Macau's g28; no subcode at all is always allowed.
	Subcodes map[string][]string
	// Reasons is why a colour is what it is.
	Reasons []string
	// Relations lists who may show a packet for the holder, by who gave the consent: "guardian" or "agent". Consent by
	// "self" needs no presenter.
	Relations map[string][]string

	// Documents, Forms and Ports are the same for every side; Complete fills them in.
	//
	// A port that the route does not have would slip past every rule that is bound to a port, so it is refused; no port at all
	// is allowed, and then all ports' rules hold. A route that has no ports has nothing to check against: it is refused further
	// along the path.
	Documents Documents
	Forms     Forms
	Ports     Ports
}

// Complete adds what is not the side's own: the document formats, which options may override, the forms of all
// destinations, which holders answer on their own side's page, and the ports of all borders.
func (v Vocabulary) Complete(options Options) (Vocabulary, error) {
	var problems [3]error
	v.Documents, problems[0] = LoadDocuments(options)
	v.Forms, problems[1] = AllForms()
	v.Ports, problems[2] = AllPorts()
	return v, errors.Join(problems[:]...)
}

// Common words of the claims; those that differ from side to side are in each side's vocabulary.go.
const (
	bySelf, byGuardian, byAgent = "self", "guardian", "agent"
	relationSelf                = "self"
	verified, unverified        = "verified", "unverified"
)

var (
	consentGivers = []string{bySelf, byGuardian, byAgent}
	assurances    = []string{verified, unverified}
	results       = []string{"negative", "positive", "pending"}
	mediums       = []string{"electronic", "paper"}
	codeColours   = []string{"green", "yellow", "red", "none"}
)

// provinces are the 31 province-level divisions of GB/T 2260 whose codes 粤康码 looks at (外省健康码), in pinyin; Shaanxi and
// Shanxi as GB/T 2260 tells them apart.
var provinces = []string{
	"anhui", "beijing", "chongqing", "fujian", "gansu", "guangdong", "guangxi", "guizhou", "hainan", "hebei", "heilongjiang",
	"henan", "hubei", "hunan", "inner-mongolia", "jiangsu", "jiangxi", "jilin", "liaoning", "ningxia", "qinghai", "shaanxi",
	"shandong", "shanghai", "shanxi", "sichuan", "tianjin", "tibet", "xinjiang", "yunnan", "zhejiang",
}

// Unknown lists the words of a rulebook that none of the vocabularies has: ports, channels and document types. Such a word
// is a typo, and a rule bound to it would never hold. The vocabularies must be complete, and those of all sides.
func Unknown(mentions Mentions, vocabularies ...Vocabulary) []string {
	unknown := []string{}
	seek := func(kind, word string, has func(Vocabulary) bool) {
		if !slices.ContainsFunc(vocabularies, has) {
			unknown = append(unknown, kind+" "+word)
		}
	}
	for _, port := range mentions.Ports {
		seek("port", string(port), func(v Vocabulary) bool { return v.Ports.Has(port) })
	}
	for _, channel := range mentions.Channels {
		seek("channel", channel, func(v Vocabulary) bool { return slices.Contains(v.Channels, channel) })
	}
	for _, document := range mentions.Documents {
		seek("document", document, func(v Vocabulary) bool { return v.Documents[document].pattern != nil })
	}
	return unknown
}

// EvidenceTypes lists what evidence a packet may hold, sorted.
func EvidenceTypes() []string { return slices.Clone(evidenceNames) }

// EvidenceWords lists the words that a member of evidence may have; nil for one that is no closed list.
func EvidenceWords(member string) []string {
	return slices.Clone(map[string][]string{
		"result": results, "colour": codeColours, "source": mediums, "province": provinces,
	}[member])
}
