package main

import (
	"strings"
	"time"
)

// The specimen persons are invented, and their names say so: 样本 means specimen. Their numbers are well-formed, with the
// right check digits where there are such, so that they fail nowhere by accident.
//
// Birth dates are counted back from the packet's own clock, so that a child of eight stays one.

// family is how the holders of one side are named, and which documents they have.
type family struct {
	adult, child, elder name
	documents           func(birthDate string) []document
}

var families = map[string]family{
	"guangdong": {
		adult: name{Han: "李样本", Latin: "LI YANGBEN"},
		child: name{Han: "李小样", Latin: "LI XIAOYANG"},
		elder: name{Han: "李老样", Latin: "LI LAOYANG"},
		documents: func(birthDate string) []document {
			return []document{{"resident-id", residentNumber("440106", birthDate, "803")}, {"travel-permit", "C12345678"}}
		},
	},
	"macau": {
		adult: name{Han: "陳樣本", Latin: "CHAN IEONG PUN"},
		child: name{Han: "陳小樣", Latin: "CHAN SIO IEONG"},
		elder: name{Han: "陳老樣", Latin: "CHAN LOU IEONG"},
		documents: func(string) []document {
			return []document{{"home-return-permit", "M1234567801"}, {"macau-bir", "1234567(8)"}}
		},
	},
	"hongkong": {
		adult: name{Han: "黃樣本", Latin: "WONG YEUNG PUN"},
		child: name{Han: "黃小樣", Latin: "WONG SIU YEUNG"},
		elder: name{Han: "黃老樣", Latin: "WONG LO YEUNG"},
		documents: func(string) []document {
			return []document{{"home-return-permit", "H1234567802"}, {"hkid", "A123456(3)"}}
		},
	},
}

// The ages at which something changes: consent is a guardian's under 14 (PIPL 31), and a minor is under 18 (Civil Code 17).
const (
	adultAge      = 36
	infantAge     = 2
	childAge      = 8
	lastChildAge  = 13
	minorAge      = 15
	youngAdultAge = 19
	elderAge      = 85
)

// born is the birth date of somebody who is so many whole years old at an instant, and a month.
func born(at time.Time, age int) string {
	return at.In(zone).AddDate(-age, -1, 0).Format(time.DateOnly)
}

// specimenHolder is a side's holder of an age, with the documents that the channel logs in with.
func specimenHolder(of side, channel string, at time.Time, age int) holder {
	named := families[of.id]
	person := holder{BirthDate: born(at, age), Name: named.adult, Assurance: "verified"}
	switch {
	case age < 14:
		person.Name = named.child
	case age >= 60:
		person.Name = named.elder
	}
	person.Documents = documents(of, channel, person.BirthDate)
	return person
}

// documents are what holders log in with: on 粤康码's page for people who arrive with a home return permit alone (S0 Q1),
// elsewhere with their side's own card beside the document that they cross with.
func documents(of side, channel, birthDate string) []document {
	if channel == "h5" {
		return []document{{"home-return-permit", "M1234567801"}}
	}
	return families[of.id].documents(birthDate)
}

// residentNumber makes an 18-digit number by GB 11643: area, birth date, sequence, check digit.
func residentNumber(area, birthDate, sequence string) string {
	digits := area + strings.ReplaceAll(birthDate, "-", "") + sequence
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += weight * int(digits[i]-'0')
	}
	return digits + "10X98765432"[sum%11:sum%11+1]
}
