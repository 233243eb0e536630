package main

import (
	"fmt"
	"strings"
	"sync"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/guangdong"
	"crosscode/jurisdictions/hongkong"
	"crosscode/jurisdictions/macau"
)

// jurisdiction is a side with its words and its rulebook shelf.
type jurisdiction interface {
	exchange.Jurisdiction
	Rules() *jurisdictions.Shelf
	Vocabulary() jurisdictions.Vocabulary
	Wordings() jurisdictions.Consents
}

// constructors is the one list of concrete sides. A new side is a new folder and a line here.
var constructors = []func(jurisdictions.Options) (jurisdiction, error){
	open(guangdong.New),
	open(macau.New),
	open(hongkong.New),
}

func open[S jurisdiction](construct func(jurisdictions.Options) (S, error)) func(jurisdictions.Options) (jurisdiction, error) {
	return func(options jurisdictions.Options) (jurisdiction, error) { return construct(options) }
}

// sideSet is every side, in the order of constructors.
type sideSet []jurisdiction

func openSides(options jurisdictions.Options) (sideSet, error) {
	var set sideSet
	for _, construct := range constructors {
		side, err := construct(options)
		if err != nil {
			return nil, err
		}
		set = append(set, side)
	}
	for _, side := range set {
		if err := side.Rules().Accept(set.knowsWords); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// knowsWords refuses a rulebook that speaks of a port, a channel or a document that no side has. Such a word is a typo, and
// a rule bound to it would never hold: it would fail open.
func (s sideSet) knowsWords(book *jurisdictions.Book) error {
	var vocabularies []jurisdictions.Vocabulary
	for _, side := range s {
		vocabularies = append(vocabularies, side.Vocabulary())
	}
	if unknown := jurisdictions.Unknown(book.Mentions(), vocabularies...); len(unknown) > 0 {
		return fmt.Errorf("rulebook of %s: no side has %s", book.Side(), strings.Join(unknown, ", "))
	}
	return nil
}

// sideNames lists the ids of the sides, in the order of constructors.
var sideNames = sync.OnceValue(func() []string {
	set, err := openSides(jurisdictions.Options{Log: quiet()})
	if err != nil {
		return nil
	}
	names := make([]string, len(set))
	for i, profile := range set.profiles() {
		names[i] = string(profile.Side)
	}
	return names
})

func (s sideSet) profiles() []exchange.Profile {
	profiles := make([]exchange.Profile, len(s))
	for i, side := range s {
		profiles[i] = side.Profile()
	}
	return profiles
}

func (s sideSet) jurisdictions() map[exchange.Side]exchange.Jurisdiction {
	byID := make(map[exchange.Side]exchange.Jurisdiction, len(s))
	for _, side := range s {
		byID[side.Profile().Side] = side
	}
	return byID
}

func (s sideSet) find(id exchange.Side) (jurisdiction, error) {
	for _, side := range s {
		if side.Profile().Side == id {
			return side, nil
		}
	}
	return nil, fmt.Errorf("there is no side %q; there are %v", id, sideNames())
}
