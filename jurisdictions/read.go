package jurisdictions

import (
	"errors"
	"regexp"
	"slices"
	"time"

	"crosscode/exchange"
)

// How much of each kind a packet may hold. In July 2022 Macau ordered a nucleic-acid test and a rapid test a day for two weeks
// (https://www.gov.mo/zh-hant/news/915885): 28 pieces, beside everything else. A source never has to drop one: 64 pieces with long
// names, in the longest way to write them, keep within MaxClaims.
const (
	MaxDocuments    = 3
	MaxEvidence     = 64
	MaxDeclarations = 8
	MaxReasons      = 8
)

// maxAge bounds a birth date from below; the longest confirmed life was 122 years.
const maxAge = 130

var (
	jtiPattern        = regexp.MustCompile(`\A[A-Za-z0-9_-]{22,64}\z`)
	hashPattern       = regexp.MustCompile(`\A[0-9a-f]{64}\z`)
	purposePattern    = regexp.MustCompile(`\A[a-z_]{1,32}\z`)
	audiencePattern   = regexp.MustCompile(`\Ahttps?://[!-~]{1,200}\z`)
	sidePattern       = regexp.MustCompile(`\A[a-z]{2,16}\z`)
	declaredIDPattern = regexp.MustCompile(`\A[a-z/0-9-]{1,64}\z`)
)

// Read parses a side's claims into a Record: the only way to one. The error is a Failure that names the field and never
// repeats its value:
//
//   - claims-invalid for a member that is missing, unknown, of a wrong type or form, or not a word of the vocabulary;
//   - consent-missing when there is no consent, or when it was given by somebody who could not give it.
//
// Whether the packet is in time and the consent's text in force is for the Record's own methods: Read has no clock, and
// measures facts against the packet's iat.
func Read(claims exchange.Claims, vocabulary Vocabulary, consents Consents) (exchange.Record, error) {
	record, o := read(claims, vocabulary, consents)
	return record, o.first()
}

// ReadAll is Read for a back-end team: it tells every fault of the claims at once, in the order in which Read would meet them, at
// most MaxReadFaults. The first is Read's. Without a fault the record is Read's too.
func ReadAll(claims exchange.Claims, vocabulary Vocabulary, consents Consents) (exchange.Record, []ReadFault) {
	record, o := read(claims, vocabulary, consents)
	return record, o.told()
}

// read gives the zero Record with any fault.
func read(claims exchange.Claims, vocabulary Vocabulary, consents Consents) (exchange.Record, *object) {
	o := open(claims.JSON)
	record := exchange.Record{Issuer: claims.Issuer}
	o.readEnvelope(&record, vocabulary)
	o.readHolder(&record, vocabulary)
	o.readConsent(&record, vocabulary, consents)
	o.readHealth(&record, vocabulary)
	o.readEvidence(&record)
	o.readDeclarations(&record, vocabulary)
	o.end()
	if o.first() != nil {
		return exchange.Record{}, o
	}
	return record, o
}

func (o *object) readEnvelope(record *exchange.Record, vocabulary Vocabulary) {
	issuer := o.match("iss", sidePattern, "a side's id")
	if issuer != string(record.Issuer) || record.Issuer != vocabulary.Side {
		o.refuse("iss", "is not the side that signed")
	}
	record.Audience = o.match("aud", audiencePattern, "one URL")
	o.readTimes(record)
	// 22 characters of base64url are the first that can hold 128 bits.
	record.ID = o.match("jti", jtiPattern, "22 to 64 characters of base64url: at least 128 random bits")
	record.Route = o.route(issuer)
	record.Port = o.port(vocabulary.Ports.On(record.Route))
	record.Channel = o.word("channel", vocabulary.Channels)
}

// readTimes takes the packet's own times; how they stand to the clock is for Record.Live.
func (o *object) readTimes(record *exchange.Record) {
	record.IssuedAt, record.NotBefore, record.Expires = o.seconds("iat"), o.seconds("nbf"), o.seconds("exp")
	if !o.sound("iat", "nbf", "exp") {
		return
	}
	switch {
	case !record.Expires.After(record.IssuedAt), !record.Expires.After(record.NotBefore):
		o.refuse("exp", "must be after iat and nbf")
	case record.Expires.After(record.IssuedAt.Add(exchange.MaxPacketLife)):
		o.refuse("exp", "must be at most %d seconds after iat", int(exchange.MaxPacketLife/time.Second))
	}
	o.latest = record.IssuedAt.Add(exchange.Leeway)
}

func (o *object) route(issuer string) exchange.Route {
	destination := o.match("dst", sidePattern, "a side's id")
	route, err := exchange.NewRoute(issuer, destination)
	if err != nil && o.sound("iss") {
		o.refuse("dst", "must be another side than iss")
	}
	return route
}

// port takes an optional port. One that the route does not have is refused: it would slip past every port's rules.
func (o *object) port(listed Ports) exchange.Port {
	if !o.has("port") {
		return ""
	}
	port, err := exchange.ParsePort(o.text("port", maxPort))
	if err != nil || len(listed) > 0 && port != "" && !listed.Has(port) {
		o.refuse("port", "is not a port of this route; its ports are %v", listed.IDs())
	}
	return port
}

func (o *object) readHolder(record *exchange.Record, vocabulary Vocabulary) {
	holder := o.child("holder")
	record.Holder = exchange.Holder{
		BirthDate: holder.birthDate(record.IssuedAt),
		Name:      holder.name(),
		Verified:  holder.word("assurance", assurances) == verified,
	}
	for _, document := range holder.objects("documents", 1, MaxDocuments) {
		holder.readDocument(&record.Holder, document, vocabulary.Documents)
	}
	record.Holder.Home = vocabulary.Documents.Home(record.Holder.Documents)
	holder.end()
}

// birthDate bounds the age by the youngest reading of a date that is known in part.
func (o *object) birthDate(issuedAt time.Time) exchange.Date {
	born := o.birthday("birth_date")
	age := (exchange.Holder{BirthDate: born}).Age(issuedAt)
	unborn := exchange.DateOf(issuedAt).Before(born.First())
	if o.sound("iat", o.at("birth_date")) && (unborn || age > maxAge) {
		o.refuse(o.at("birth_date"), "must be within the last %d years", maxAge)
	}
	return born
}

func (o *object) readDocument(holder *exchange.Holder, document *object, known Documents) {
	kind, number := document.match("type", documentTypePattern, "a document type"), document.text("number", MaxDocumentNumber)
	document.end()
	if !o.sound(document.at("type"), document.at("number")) {
		return
	}
	parsed, err := known.Parse(kind, number, holder.BirthDate)
	switch {
	case errors.Is(err, ErrDocumentType):
		o.refuse(document.at("type"), "%w", err)
	case errors.Is(err, ErrDocumentBirth) && !o.sound(o.at("birth_date")): // the date is at fault, and has been told
	case err != nil:
		o.refuse(document.at("number"), "%w", err)
	case slices.ContainsFunc(holder.Documents, func(d exchange.Document) bool { return d.Type == kind }):
		o.refuse(document.at("type"), "stands twice; each document is of another type")
	}
	holder.Documents = append(holder.Documents, parsed)
}

func (o *object) readHealth(record *exchange.Record, vocabulary Vocabulary) {
	health := o.child("health")
	record.Health = exchange.Health{
		Colour:  vocabulary.Colours[health.word("colour", sortedKeys(vocabulary.Colours))],
		AsOf:    health.past("as_of"),
		Reasons: health.words("reasons", vocabulary.Reasons, MaxReasons),
	}
	if health.has("subcode") {
		record.Health.Subcode = health.word("subcode", append([]string{""}, vocabulary.Subcodes[record.Health.Colour]...))
	}
	if health.has("until") {
		record.Health.Until = health.instant("until")
		if health.sound(health.at("as_of")) && !record.Health.Until.After(record.Health.AsOf) {
			health.refuse("health.until", "must be after health.as_of")
		}
	}
	health.end()
}

// readDeclarations keeps the latest declaration of each form: 最新申报为准. Two at one instant contradict that rule.
func (o *object) readDeclarations(record *exchange.Record, vocabulary Vocabulary) {
	if !o.has("declarations") {
		return
	}
	for _, item := range o.objects("declarations", 0, MaxDeclarations) {
		declared := item.declaration(vocabulary.Forms)
		i := slices.IndexFunc(record.Declarations, func(d exchange.Declaration) bool { return d.Form == declared.Form })
		switch {
		case i < 0:
			record.Declarations = append(record.Declarations, declared)
		case item.sound(item.at("declared_at")) && declared.DeclaredAt.Equal(record.Declarations[i].DeclaredAt):
			item.refuse(item.at("declared_at"), "is that of another declaration of this form; which of them is the latest cannot be told")
		case declared.DeclaredAt.After(record.Declarations[i].DeclaredAt):
			record.Declarations[i] = declared
		}
	}
}

func (o *object) declaration(forms Forms) exchange.Declaration {
	declared := exchange.Declaration{
		Form:       o.match("form", declaredIDPattern, "the id of a form"),
		DeclaredAt: o.past("declared_at"),
		Answers:    map[string]bool{},
	}
	form, known := forms.Find(declared.Form)
	answers := o.child("answers")
	if !known {
		o.refuse(o.at("form"), "is not a form that any side asks")
		return declared
	}
	for _, question := range form.Questions {
		if declared.Answers[question.ID] = answers.flag(question.ID); declared.Answers[question.ID] == question.Adverse {
			declared.Adverse = append(declared.Adverse, question.ID)
		}
	}
	answers.end()
	o.end()
	return declared
}
