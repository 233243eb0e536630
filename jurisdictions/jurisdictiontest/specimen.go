package jurisdictiontest

import (
	"time"

	"crosscode/exchange"
)

// Audience is the gateway that specimen packets are for.
const Audience = "https://gateway.example"

// The name in every specimen.
const (
	CanaryHan   = "陳大文"
	CanaryLatin = "CHAN TAI MAN"
)

// Canaries lists everything personal in the specimens: a test that finds one of them in an error, a log or a receipt has
// found a leak.
func Canaries() []string {
	list := []string{CanaryHan, CanaryLatin, "TAI MAN", "1990-01-02", "19900102"}
	for _, person := range people {
		for _, document := range person.documents {
			list = append(list, document.number)
		}
	}
	return list
}

// Sides are the sides for which there are specimens.
func Sides() []exchange.Side { return []exchange.Side{"guangdong", "macau", "hongkong"} }

type document struct{ kind, number string }

// people is whom each side's specimens speak of, and how they logged in.
var people = map[exchange.Side]struct {
	channel    string
	documents  []document
	bringsMore bool // a vaccination record and a visit check
}{
	"guangdong": {"app", []document{{"travel-permit", "C12345678"}, {"resident-id", "110101199001022016"}}, false},
	"macau":     {"web", []document{{"home-return-permit", "M1234567801"}, {"macau-bir", "12345678"}}, false},
	"hongkong":  {"web", []document{{"home-return-permit", "H8765432101"}, {"hkid", "A1234563"}}, true},
}

// forms is what each destination asks to be declared.
var forms = map[exchange.Side]struct {
	id        string
	questions []string
}{
	"macau": {"macau-entry/1", []string{"symptoms", "contact_14d", "travel_14d"}},
}

// GreenClaims is a packet's claims, made at an instant, for an adult who meets every rule of the standing version from one
// side to another: green five minutes ago and on the same day, a negative test sampled at 07:30 UTC+8 the day before, and what else a
// destination asks. It panics if the source publishes no consent for the route.
func GreenClaims(source exchange.Jurisdiction, destination exchange.Side, at time.Time) map[string]any {
	route := exchange.Route{From: source.Profile().Side, To: destination}
	for _, text := range source.Consents(route, at) {
		if text.Language == "zh-Hant" && !at.Before(text.From) {
			return SpecimenClaims(route, text, at)
		}
	}
	panic("specimen: no consent is published for " + route.String())
}

// SpecimenClaims is GreenClaims under a given wording of the consent.
func SpecimenClaims(route exchange.Route, text exchange.ConsentText, at time.Time) map[string]any {
	return map[string]any{
		"iss": string(route.From), "aud": Audience, "dst": string(route.To), "channel": people[route.From].channel,
		"jti": "specimenSPECIMEN0123456789", "iat": at.Unix(), "nbf": at.Unix(), "exp": at.Add(exchange.MaxPacketLife).Unix(),
		"consent": map[string]any{
			"text": text.ID, "sha256": text.Hash, "lang": text.Language, "given_at": Instant(at.Add(-time.Minute)),
			"purpose": exchange.Purpose, "separate": true, "by": "self",
		},
		"holder":   holder(route.From),
		"health":   map[string]any{"colour": "green", "as_of": Instant(colourSeen(at)), "reasons": []any{}},
		"evidence": evidence(route.From, at), "declarations": declarations(route.To, at),
	}
}

// colourSeen is five minutes before at, or the beginning of its day: a colour of yesterday ended with that day in Hong Kong.
func colourSeen(at time.Time) time.Time {
	seen, today := at.Add(-5*time.Minute), exchange.DateOf(at).Start()
	if seen.Before(today) {
		return today
	}
	return seen
}

// evidence is a negative test, and what Hong Kong's holders bring beside it when they leave.
func evidence(source exchange.Side, at time.Time) []any {
	list := []any{map[string]any{
		"type": "nucleic-acid", "result": "negative", "sampled_at": Instant(MorningBefore(at)),
		"institution": "鏡湖醫院", "source": "electronic",
	}}
	if !people[source].bringsMore {
		return list
	}
	return append(list,
		map[string]any{
			"type": "vaccination", "doses": 3, "given_at": Instant(at.AddDate(-1, 0, 0)), "institution": "Kwai Chung Hospital",
			"source": "electronic",
		},
		map[string]any{"type": "visit-check", "at_risk": false, "days": 21, "checked_at": Instant(at.Add(-time.Hour))},
	)
}

func holder(side exchange.Side) map[string]any {
	documents := []any{}
	for _, document := range people[side].documents {
		documents = append(documents, map[string]any{"type": document.kind, "number": document.number})
	}
	return map[string]any{
		"documents": documents, "birth_date": "1990-01-02", "assurance": "verified",
		"name": map[string]any{"han": CanaryHan, "latin": CanaryLatin},
	}
}

func declarations(destination exchange.Side, at time.Time) []any {
	form, asks := forms[destination]
	if !asks {
		return []any{}
	}
	answers := map[string]any{}
	for _, question := range form.questions {
		answers[question] = false
	}
	return []any{map[string]any{"form": form.id, "declared_at": Instant(at.Add(-2 * time.Minute)), "answers": answers}}
}

// Instant writes a time as claims do: RFC 3339 with the offset of UTC+8.
func Instant(at time.Time) string { return at.In(exchange.Zone).Format(time.RFC3339) }

// MorningBefore is 07:30 UTC+8 of the day before at: as UTC it is still the day before that, so that a test whose day is
// counted in UTC goes wrong.
func MorningBefore(at time.Time) time.Time {
	return exchange.DateOf(at).Start().AddDate(0, 0, -1).Add(7*time.Hour + 30*time.Minute)
}
