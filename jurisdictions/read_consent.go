package jurisdictions

import (
	"errors"
	"regexp"
	"slices"

	"crosscode/exchange"
)

// Ages that the law and the sides' pages name, in whole years on the day of the consent in UTC+8.
const (
	// childAge: below it, consent is the guardian's (PIPL 31).
	childAge = 14
	// adultAge: from it on, nobody has a guardian whom the claims could show.
	adultAge = 18
	// elderAge: from it on, an agent may act: elders without a smartphone (Law on the Rights of the Elderly, art. 2).
	elderAge = 60
)

var consentTextPattern = regexp.MustCompile(`\A[a-z]{2,16}-[a-z]{2,16}/[0-9]{1,4}\z`)

var errNoConsent = errors.New("there is none")

// readConsent takes the holder's own act and who performed it. A packet without consent lacks more than a member, so the
// reason is consent-missing.
func (o *object) readConsent(record *exchange.Record, vocabulary Vocabulary, consents Consents) {
	if !o.has("consent") {
		o.withhold("consent", errNoConsent)
	}
	consent := o.child("consent")
	record.Consent = exchange.Consent{
		Text:     consent.match("text", consentTextPattern, "the id of a consent text: route, slash, number"),
		Hash:     consent.match("sha256", hashPattern, "64 lower-case hexadecimal digits"),
		Language: consent.word("lang", exchange.Languages()),
		GivenAt:  consent.instant("given_at"),
		Purpose:  consent.match("purpose", purposePattern, "a purpose's id"),
		Separate: consent.flag("separate"),
		By:       consent.word("by", consentGivers),
	}
	consent.end()
	record.Consent.Published = consents.Find(record.Consent.Text, record.Consent.Language, record.Consent.Hash)
	record.Presenter = o.presenter(vocabulary)
	o.checkGiver(*record, vocabulary.Relations)
}

// presenter is the holder when the claims name nobody else.
func (o *object) presenter(vocabulary Vocabulary) exchange.Presenter {
	if !o.has("presenter") {
		return exchange.Presenter{Relation: relationSelf}
	}
	allowed := []string{relationSelf}
	for _, by := range consentGivers {
		allowed = append(allowed, vocabulary.Relations[by]...)
	}
	presenter := o.child("presenter")
	relation := presenter.word("relation", allowed)
	presenter.end()
	return exchange.Presenter{Relation: relation}
}

// checkGiver holds who consented against who presents and how old the holder is. It stands before every rule: without a
// consent that counts, nothing may be processed (PIPL 31), not even to find out what a rule would say.
func (o *object) checkGiver(record exchange.Record, relations map[string][]string) {
	if !o.sound("consent", "consent.by", "consent.given_at", "presenter", "presenter.relation", "holder", "holder.birth_date") {
		return
	}
	age := record.Holder.Age(record.Consent.GivenAt)
	obstacle, field, why := obstacleOf(record.Consent.By, record.Presenter.Relation, age, relations)
	if obstacle != "" {
		o.fail(field, &exchange.Failure{
			Reason: exchange.ConsentMissing, Stage: "read", Field: field, Obstacle: obstacle, Cause: errors.New(why),
		})
	}
}

// obstacleOf finds what stands between a consent and the person who gave it. The field is the one that a source must
// change.
func obstacleOf(by, presenter string, age int, relations map[string][]string) (obstacle exchange.Obstacle, field, why string) {
	const giver, shower = "consent.by", "presenter.relation"
	fits := slices.Contains(relations[by], presenter)
	switch {
	case by == byGuardian && age >= adultAge:
		return exchange.GuardianForAdult, giver, "a holder of 18 or more has no guardian whom the claims could show"
	case by == byGuardian && !fits:
		return exchange.GuardianUnnamed, shower, "a guardian consented, so the presenter must be a parent or guardian"
	case by != byGuardian && age < childAge:
		return exchange.ChildNeedsGuardian, giver, "a child under 14 needs a guardian's consent, shown by a parent or guardian"
	case by == byAgent && age < elderAge:
		return exchange.AgentNotAllowed, giver, "an agent acts for a holder of 60 or more alone"
	case by == byAgent && !fits:
		return exchange.AgentUnnamed, shower, "an agent consented, and the presenter says who it is"
	case by == bySelf && presenter != relationSelf:
		return exchange.PresenterUnexplained, shower, "the holder consented in person, but somebody else presents"
	}
	return "", "", ""
}

func (o *object) withhold(field string, why error) {
	o.fail(field, &exchange.Failure{Reason: exchange.ConsentMissing, Stage: "read", Field: field, Cause: why})
}
