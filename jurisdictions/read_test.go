package jurisdictions_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/jurisdictiontest"
)

// madeAt is when the specimen packets are made: 10:00 in UTC+8.
var madeAt = time.Date(2026, 11, 22, 10, 0, 0, 0, exchange.Zone)

var macauGuangdong = exchange.Route{From: "macau", To: "guangdong"}

// reader is a side's reading without its rules.
type reader struct {
	vocabulary jurisdictions.Vocabulary
	consents   jurisdictions.Consents
}

func (r reader) read(claims map[string]any) (exchange.Record, error) {
	return jurisdictions.Read(jurisdictiontest.Claims(claims), r.vocabulary, r.consents)
}

// newReader reads a side that speaks like Macau and, for amber, like Hong Kong.
func newReader(t testing.TB) reader {
	t.Helper()
	consents, err := jurisdictions.ParseConsents("macau.yaml", []byte(readFile(t, "testdata/consents/macau.yaml")), "macau")
	if err != nil {
		t.Fatal(err)
	}
	vocabulary, err := jurisdictions.Vocabulary{
		Side: "macau", Channels: []string{"web", "app"},
		Colours: map[string]string{
			"green": "green", "yellow": "yellow", "amber": "yellow", "red": "red", "none": "none",
		},
		Subcodes:  map[string][]string{"green": {"g28"}},
		Reasons:   []string{"close-contact", "symptoms"},
		Relations: map[string][]string{"guardian": {"parent", "guardian"}, "agent": {"child", "agent"}},
	}.Complete(jurisdictions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return reader{vocabulary, consents}
}

// specimen is a green packet's claims under the wording in force.
func (r reader) specimen() map[string]any {
	for _, text := range r.consents.For(macauGuangdong, madeAt) {
		if text.Language == "zh-Hant" {
			return jurisdictiontest.SpecimenClaims(macauGuangdong, text, madeAt)
		}
	}
	panic("no wording is in force")
}

func BenchmarkRead(b *testing.B) {
	r := newReader(b)
	claims := jurisdictiontest.Claims(r.specimen())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jurisdictions.Read(claims, r.vocabulary, r.consents); err != nil {
			b.Fatal(err)
		}
	}
}

func TestReadGivesTheWholeRecord(t *testing.T) {
	r := newReader(t)
	claims := jurisdictiontest.With(r.specimen(), "port", "gongbei")
	claims = jurisdictiontest.With(claims, "health.until", "2026-11-22T23:59:59+08:00")
	record, err := r.read(claims)
	if err != nil {
		t.Fatal(err)
	}
	published := record.Consent.Published
	want := exchange.Record{
		Issuer: "macau", Audience: jurisdictiontest.Audience, Route: macauGuangdong, Port: "gongbei", Channel: "web",
		ID: "specimenSPECIMEN0123456789", IssuedAt: madeAt, NotBefore: madeAt, Expires: madeAt.Add(10 * time.Minute),
		Consent: exchange.Consent{
			Text: "macau-guangdong/2", Hash: published.Hash, Language: "zh-Hant", GivenAt: madeAt.Add(-time.Minute),
			Purpose: "code_exchange", Separate: true, By: "self", Published: published,
		},
		Presenter: exchange.Presenter{Relation: "self"},
		Holder: exchange.Holder{
			Documents: []exchange.Document{{Type: "home-return-permit", Number: "M12345678"}, {Type: "macau-bir", Number: "12345678"}},
			Home:      "macau",
			BirthDate: exchange.Date{Year: 1990, Month: 1, Day: 2},
			Name:      exchange.Name{Han: "陳大文", Latin: "CHAN TAI MAN"}, Verified: true,
		},
		Health: exchange.Health{
			Colour: "green", AsOf: madeAt.Add(-5 * time.Minute), Reasons: []string{},
			Until: time.Date(2026, 11, 22, 23, 59, 59, 0, exchange.Zone),
		},
		Evidence: []exchange.Evidence{{
			Type: "nucleic-acid", Result: "negative", At: time.Date(2026, 11, 21, 7, 30, 0, 0, exchange.Zone),
			Institution: "鏡湖醫院", Source: "electronic",
		}},
	}
	if difference := cmp.Diff(want, record); difference != "" {
		t.Errorf("Read (-want +got):\n%s", difference)
	}
	if err := record.Consent.Covers(record.Route, record.IssuedAt, madeAt); err != nil {
		t.Errorf("the consent does not cover its own route: %v", err)
	}
}

// The changes of the tables below.
var with, without, both = jurisdictiontest.Set, jurisdictiontest.Drop, jurisdictiontest.All

type change = jurisdictiontest.Change

// evidence puts one piece of evidence in place of the test.
func evidence(kind string, members ...any) change {
	item := map[string]any{"type": kind}
	for i := 0; i < len(members); i += 2 {
		item[members[i].(string)] = members[i+1]
	}
	return with("evidence", []any{item})
}

func declared(at string, symptoms bool) map[string]any {
	return map[string]any{
		"form": "macau-entry/1", "declared_at": at,
		"answers": map[string]any{"symptoms": symptoms, "contact_14d": false, "travel_14d": false},
	}
}

// issued moves the packet's iat by some seconds; nbf and exp stay.
func issued(seconds int64) change { return with("iat", madeAt.Unix()+seconds) }

// born makes the holder exactly that old on the day of the consent, plus some days.
func born(years, days int) change {
	return with("holder.birth_date", exchange.DateOf(madeAt.AddDate(-years, 0, -days)).String())
}

func consentBy(by, presenter string) change {
	return both(with("consent.by", by), with("presenter", map[string]any{"relation": presenter}))
}

// refusals is every way in which one member can be wrong: the field that the error names, and what it says.
var refusals = []struct {
	name   string
	change change
	field  string
	says   string
}{
	// the packet's own members
	{"another issuer than the signer", with("iss", "guangdong"), "iss", "not the side that signed"},
	{"no audience", without("aud"), "aud", "required"},
	{"two audiences", with("aud", []any{"https://gateway.example", "https://other.example"}), "aud", "a string"},
	{"an audience that is no URL", with("aud", "gateway"), "aud", "URL"},
	{"no destination", without("dst"), "dst", "required"},
	{"a destination with a capital", with("dst", "Guangdong"), "dst", "side's id"},
	{"a destination that is the source", with("dst", "macau"), "dst", "another side"},
	{"a port of another route", with("port", "outer-harbour"), "port", "not a port"},
	{"a port that nobody knows", with("port", "atlantis"), "port", "not a port"},
	{"a port that is no id", with("port", "../gongbei"), "port", "not a port"},
	{"no channel", without("channel"), "channel", "required"},
	{"a channel of another side", with("channel", "h5"), "channel", "one of"},
	{"no jti", without("jti"), "jti", "required"},
	{"a jti of 126 bits", with("jti", strings.Repeat("A", 21)), "jti", "128"},
	{"a jti of 65 characters", with("jti", strings.Repeat("A", 65)), "jti", "128"},
	{"a jti in plain base64", with("jti", "specimen/SPECIMEN+0123456789"), "jti", "base64url"},

	// NumericDates
	{"no iat", without("iat"), "iat", "required"},
	{"no nbf", without("nbf"), "nbf", "required"},
	{"no exp", without("exp"), "exp", "required"},
	{"iat in milliseconds", with("iat", madeAt.UnixMilli()), "iat", "milliseconds"},
	{"nbf in milliseconds", with("nbf", madeAt.UnixMilli()), "nbf", "milliseconds"},
	{"exp in milliseconds", with("exp", madeAt.UnixMilli()), "exp", "milliseconds"},
	{"iat as a string", with("iat", "1795312800"), "iat", "whole number"},
	{"iat with a fraction", with("iat", 1795312800.5), "iat", "2^53"},
	{"iat with an exponent", with("iat", json.RawMessage("1.7953128e9")), "iat", "2^53"},
	{"iat below zero", with("iat", -1), "iat", "2^53"},
	{"iat at 2^53", with("iat", int64(1)<<53), "iat", "2^53"},
	{"iat beyond int64", with("iat", json.RawMessage("99999999999999999999")), "iat", "2^53"},
	{"exp 601 s after iat", issued(-1), "exp", "600 seconds"},
	{"exp at iat", with("exp", madeAt.Unix()), "exp", "after iat"},
	{"exp at nbf", with("nbf", madeAt.Unix()+600), "exp", "after iat and nbf"},

	// consent and presenter
	{"a consent that is a list", with("consent", []any{}), "consent", "an object"},
	{"a consent text without number", with("consent.text", "macau-guangdong"), "consent.text", "route, slash, number"},
	{"a hash in capitals", with("consent.sha256", strings.Repeat("A", 64)), "consent.sha256", "64 lower-case"},
	{"a short hash", with("consent.sha256", strings.Repeat("a", 63)), "consent.sha256", "64 lower-case"},
	{"a language that nobody publishes", with("consent.lang", "zh-HK"), "consent.lang", "one of"},
	{"a consent without a time", without("consent.given_at"), "consent.given_at", "required"},
	{"a consent time without offset", with("consent.given_at", "2026-11-22T09:59:00"), "consent.given_at", "no offset"},
	{"a consent without its separate mark", without("consent.separate"), "consent.separate", "required"},
	{"a separate mark that is a number", with("consent.separate", 1), "consent.separate", "true or false"},
	{"a purpose that is a sentence", with("consent.purpose", "code exchange"), "consent.purpose", "purpose"},
	{"consent by nobody we know", with("consent.by", "robot"), "consent.by", "one of"},
	{"a member that consents do not have", with("consent.bundled", true), "consent", "not known"},
	{"a presenter that is a neighbour", with("presenter", map[string]any{"relation": "neighbour"}), "presenter.relation", "one of"},
	{"a presenter with a name", with("presenter", map[string]any{"relation": "self", "name": "X"}), "presenter", "not known"},

	// the holder
	{"no holder", without("holder"), "holder", "required"},
	{"no documents", with("holder.documents", []any{}), "holder.documents", "1 to 3"},
	{"documents that are an object", with("holder.documents", map[string]any{}), "holder.documents", "a list"},
	{"a document that is a string", with("holder.documents[0]", "M12345678"), "holder.documents[0]", "an object"},
	{"four documents", with("holder.documents", []any{1, 2, 3, 4}), "holder.documents", "1 to 3"},
	{"two documents of one type", with("holder.documents[1]", map[string]any{"type": "home-return-permit", "number": "H12345678"}), "holder.documents[1].type", "twice"},
	{"a document of an unknown type", with("holder.documents[0].type", "driving-licence"), "holder.documents[0].type", "not a known"},
	{"a document without a number", without("holder.documents[0].number"), "holder.documents[0].number", "required"},
	{"a wrong number", with("holder.documents[0].number", "M1234567"), "holder.documents[0].number", "form"},
	{"a wrong check digit", with("holder.documents[1]", map[string]any{"type": "hkid", "number": "A1234564"}), "holder.documents[1].number", "check digit"},
	{"a number of another birth date", with("holder.documents[1]", map[string]any{"type": "resident-id", "number": "11010119900307803X"}), "holder.documents[1].number", "birth date"},
	{"a document with its issue date", with("holder.documents[0].issued", "2020-01-01"), "holder.documents[0]", "not known"},
	{"a birth date with a time", with("holder.birth_date", "1990-01-02T00:00:00+08:00"), "holder.birth_date", "10 characters"},
	{"a birth date that is no day", with("holder.birth_date", "1990-02-30"), "holder.birth_date", "a day"},
	{"a birth date written short", with("holder.birth_date", "1990-1-2"), "holder.birth_date", "a day"},
	{"a birth date of tomorrow", born(0, -1), "holder.birth_date", "130 years"},
	{"a birth date 131 years ago", born(131, 0), "holder.birth_date", "130 years"},
	{"no assurance", without("holder.assurance"), "holder.assurance", "required"},
	{"an assurance of another word", with("holder.assurance", "face"), "holder.assurance", "one of"},
	{"a phone number", with("holder.phone", "66123456"), "holder", "not known"},

	// the name (T39)
	{"no name in any script", with("holder.name", map[string]any{}), "holder.name", "han or latin"},
	{"an empty name", with("holder.name.han", ""), "holder.name.han", "no letter of its script"},
	{"a name in a third script", with("holder.name.kana", "チン"), "holder.name", "not known"},
	{"a name with a right-to-left override", with("holder.name.latin", "CHAN \u202EIAT"), "holder.name.latin", "letters"},
	{"a name with an isolate", with("holder.name.han", "陳\u2066大文"), "holder.name.han", "letters"},
	{"a name with a zero-width space", with("holder.name.han", "陳\u200B大文"), "holder.name.han", "letters"},
	{"a name with a zero-width joiner", with("holder.name.latin", "CHAN\u200D TAI"), "holder.name.latin", "letters"},
	{"a name with a byte-order mark", with("holder.name.latin", "\uFEFFCHAN"), "holder.name.latin", "letters"},
	{"a name with a soft hyphen", with("holder.name.latin", "CH\u00ADAN"), "holder.name.latin", "letters"},
	{"a name with a newline", with("holder.name.latin", "CHAN\nTAI"), "holder.name.latin", "letters"},
	{"a name with a NUL", with("holder.name.latin", "CHAN\x00"), "holder.name.latin", "letters"},
	{"a name with a variation selector", with("holder.name.han", "葛\U000E0100"), "holder.name.han", "letters"},
	{"a name with a filler that looks like nothing", with("holder.name.han", "陳\u3164"), "holder.name.han", "letters"},
	{"a Cyrillic letter that looks Latin", with("holder.name.latin", "СHAN"), "holder.name.latin", "letters"},
	{"a character for private use", with("holder.name.han", "陳\uE000"), "holder.name.han", "U+E000 (for private use) as character 2"},
	{"an override and where it is", with("holder.name.latin", "CHAN \u202EIAT"), "holder.name.latin", "U+202E (turns the direction of writing) as character 6"},
	{"an unknown member that is null", with("quota", nil), "claims", "not known"},
	{"a radical that looks like an ideograph", with("holder.name.han", "⼀文"), "holder.name.han", "letters"},
	{"Latin in the Han name", with("holder.name.han", "CHAN"), "holder.name.han", "letters"},
	{"Han in the Latin name", with("holder.name.latin", "陳"), "holder.name.latin", "letters"},
	{"a Han name of 81 characters", with("holder.name.han", strings.Repeat("陳", 81)), "holder.name.han", "80"},
	{"a Latin name of 201 characters", with("holder.name.latin", strings.Repeat("A", 201)), "holder.name.latin", "200"},

	// health
	{"no health", without("health"), "health", "required"},
	{"no colour", without("health.colour"), "health.colour", "required"},
	{"a colour in capitals", with("health.colour", "GREEN"), "health.colour", "one of"},
	{"a colour that is null", with("health.colour", nil), "health.colour", "required"},
	{"no reasons, which is not the same as none known", without("health.reasons"), "health.reasons", "required"},
	{"an unknown reason", with("health.reasons", []any{"bad-luck"}), "health.reasons[0]", "one of"},
	{"a reason twice", with("health.reasons", []any{"symptoms", "symptoms"}), "health.reasons[1]", "once"},
	{"a reason that is a number", with("health.reasons", []any{"symptoms", 7}), "health.reasons[1]", "one of"},
	{"a subcode of another colour", both(with("health.colour", "red"), with("health.subcode", "g28")), "health.subcode", "one of"},
	{"an unknown subcode", with("health.subcode", "g29"), "health.subcode", "one of"},
	{"no as_of", without("health.as_of"), "health.as_of", "required"},
	{"a colour of the future", with("health.as_of", "2026-11-22T10:01:01+08:00"), "health.as_of", "later than the packet"},
	{"an end before its beginning", with("health.until", "2026-11-22T09:55:00+08:00"), "health.until", "after health.as_of"},
	{"a health fact of the wrong case", with("health.Colour", "green"), "health", "lower case"},

	// times with offset
	{"a time without offset", with("health.as_of", "2026-11-22T09:55:00"), "health.as_of", "no offset"},
	{"a time without offset but with a fraction", with("health.as_of", "2026-11-22T09:55:00.5"), "health.as_of", "no offset"},
	{"the offset that means unknown", with("health.as_of", "2026-11-22T09:55:00-00:00"), "health.as_of", "no offset"},
	{"a time with a space", with("health.as_of", "2026-11-22 09:55:00+08:00"), "health.as_of", "RFC 3339"},
	{"a time with a decimal comma", with("health.as_of", "2026-11-22T09:55:00,5+08:00"), "health.as_of", "RFC 3339"},
	{"a time with a short hour", with("health.as_of", "2026-11-22T9:55:00+08:00"), "health.as_of", "RFC 3339"},
	{"a time without seconds", with("health.as_of", "2026-11-22T09:55+08:00"), "health.as_of", "no seconds"},
	{"a time of the year 1", with("health.as_of", "0001-01-01T00:00:00Z"), "health.as_of", "this century"},
	{"a day that does not exist", with("health.as_of", "2026-11-31T09:55:00+08:00"), "health.as_of", "RFC 3339"},
	{"a number for a time", with("health.as_of", madeAt.Unix()), "health.as_of", "a string"},

	// evidence
	{"evidence that is an object", with("evidence", map[string]any{}), "evidence", "a list"},
	{"65 pieces of evidence", with("evidence", make([]any, 65)), "evidence", "0 to 64"},
	{"evidence without a type", with("evidence", []any{map[string]any{"result": "negative"}}), "evidence[0].type", "required"},
	{"an unknown type of evidence", evidence("horoscope"), "evidence[0].type", "one of"},
	{"a test without a result", without("evidence[0].result"), "evidence[0].result", "required"},
	{"a test with a result of no known word", with("evidence[0].result", "阴性"), "evidence[0].result", "one of"},
	{"a test by report time", both(without("evidence[0].sampled_at"), with("evidence[0].reported_at", "2026-11-21T12:00:00+08:00")), "evidence[0].sampled_at", "required"},
	{"a sampling time without offset", with("evidence[0].sampled_at", "2026-11-21T07:30:00"), "evidence[0].sampled_at", "no offset"},
	{"a test of the future", with("evidence[0].sampled_at", "2026-11-22T10:01:01+08:00"), "evidence[0].sampled_at", "later than the packet"},
	{"a test on parchment", with("evidence[0].source", "parchment"), "evidence[0].source", "one of"},
	{"a test with doses", with("evidence[0].doses", 3), "evidence[0]", "not known"},
	{"a vaccination with no dose", evidence("vaccination", "doses", 0, "given_at", "2022-01-01T09:00:00+08:00", "institution", "X", "source", "paper"), "evidence[0].doses", "1 to 10"},
	{"a travel card with its cities", evidence("travel-card", "risk_area_14d", false, "as_of", "2026-11-22T09:00:00+08:00", "cities", []any{"zhuhai"}), "evidence[0]", "not known"},
	{"a visit check of 32 days", evidence("visit-check", "at_risk", false, "days", 32, "checked_at", "2026-11-22T09:00:00+08:00"), "evidence[0].days", "1 to 31"},
	{"a visit check with raw visits", evidence("visit-check", "at_risk", false, "days", 21, "checked_at", "2026-11-22T09:00:00+08:00", "visits", []any{map[string]any{"place": "Mong Kok"}}), "evidence[0]", "raw visit records"},
	{"visit records as evidence", evidence("visits", "places", []any{}), "evidence[0]", "raw visit records"},
	{"raw visits beside the health", with("health.visit_records", []any{}), "health", "raw visit records"},
	{"raw visits beside everything", with("visits", []any{}), "claims", "raw visit records"},
	{"a province that is none", evidence("province-code", "colour", "green", "province", "atlantis", "as_of", "2026-11-22T09:00:00+08:00"), "evidence[0].province", "one of"},
	{"a city code with a QR text", evidence("city-code", "colour", "green", "as_of", "2026-11-22T09:00:00+08:00", "qr", "gz:1234"), "evidence[0]", "not known"},
	{"a conversion of no route", evidence("conversion", "route", "macau", "converted_at", "2026-11-22T09:00:00+08:00"), "evidence[0].route", "id of a route"},

	// declarations
	{"nine declarations", with("declarations", make([]any, 9)), "declarations", "0 to 8"},
	{"a form that nobody asks", with("declarations", []any{both(with("form", "macau-entry/9"))(declared("2026-11-22T09:58:00+08:00", false))}), "declarations[0].form", "any side asks"},
	{"a declaration of the future", with("declarations", []any{declared("2026-11-22T10:01:01+08:00", false)}), "declarations[0].declared_at", "later than the packet"},
	{"a question without an answer", with("declarations", []any{without("answers.symptoms")(declared("2026-11-22T09:58:00+08:00", false))}), "declarations[0].answers.symptoms", "required"},
	{"an answer to no question", with("declarations", []any{with("answers.happy", true)(declared("2026-11-22T09:58:00+08:00", false))}), "declarations[0].answers", "not known"},
	{"an answer in words", with("declarations", []any{with("answers.symptoms", "no")(declared("2026-11-22T09:58:00+08:00", false))}), "declarations[0].answers.symptoms", "true or false"},
	{"two latest declarations", with("declarations", []any{declared("2026-11-22T09:58:00+08:00", true), declared("2026-11-22T01:58:00Z", false)}), "declarations[1].declared_at", "latest"},

	// members of no meaning
	{"an unknown member", with("quota", 7), "claims", "not known"},
	{"a member of the wrong case", with("ISS", "macau"), "claims", "lower case"},
}

func TestWrongClaimsAreRefusedByField(t *testing.T) {
	r := newReader(t)
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			claims := jurisdictiontest.Claims(test.change(r.specimen()))
			claims.Issuer = "macau"
			_, err := jurisdictions.Read(claims, r.vocabulary, r.consents)
			wantFailure(t, err, exchange.ClaimsInvalid, test.field, test.says)
		})
	}
}

func wantFailure(t *testing.T, err error, reason exchange.Reason, field, says string) {
	t.Helper()
	var failure *exchange.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("error %v, want %s of %s", err, reason, field)
	}
	if failure.Reason != reason || failure.Field != field || !strings.Contains(failure.Error(), says) {
		t.Errorf("error %v, want %s of %s with %q", err, reason, field, says)
	}
}

func TestWhatIsAllowed(t *testing.T) {
	r := newReader(t)
	for _, test := range []struct {
		name   string
		change change
		holds  func(exchange.Record) bool
	}{
		{"no port", without("port"), func(r exchange.Record) bool { return r.Port == "" }},
		{"an empty port", with("port", ""), func(r exchange.Record) bool { return r.Port == "" }},
		{"a route that is not ours yet, at a port we do not know", both(with("dst", "taiwan"), with("port", "kinmen")), func(r exchange.Record) bool { return r.Route.To == "taiwan" }},
		{"a jti of 22 characters", with("jti", strings.Repeat("A", 22)), func(r exchange.Record) bool { return len(r.ID) == 22 }},
		{"a jti of 64 characters", with("jti", strings.Repeat("-", 64)), func(r exchange.Record) bool { return len(r.ID) == 64 }},
		{"exp 600 s after iat", with("exp", madeAt.Unix()+600), func(r exchange.Record) bool { return r.Expires.Sub(r.IssuedAt) == exchange.MaxPacketLife }},
		{"amber is yellow", with("health.colour", "amber"), func(r exchange.Record) bool { return r.Health.Colour == "yellow" }},
		{"the code that could not be shown is not red", with("health.colour", "none"), func(r exchange.Record) bool { return r.Health.Colour == "none" }},
		{"green with sub-code g28", with("health.subcode", "g28"), func(r exchange.Record) bool { return r.Health.Subcode == "g28" }},
		{"an empty sub-code", with("health.subcode", ""), func(r exchange.Record) bool { return r.Health.Subcode == "" }},
		{"a reason", with("health.reasons", []any{"close-contact"}), func(r exchange.Record) bool { return r.Health.Reasons[0] == "close-contact" }},
		{"a time in UTC is the next day in UTC+8", with("evidence[0].sampled_at", "2026-11-20T23:30:00Z"), func(r exchange.Record) bool { return exchange.DateOf(r.Evidence[0].At).Day == 21 }},
		{"a time with a fraction", with("health.as_of", "2026-11-22T09:55:00.123456789+08:00"), func(r exchange.Record) bool { return r.Health.AsOf.Nanosecond() == 123456789 }},
		{"a colour exactly 60 s ahead", with("health.as_of", "2026-11-22T10:01:00+08:00"), func(r exchange.Record) bool { return r.Health.AsOf.After(r.IssuedAt) }},
		{"a declaration exactly 60 s ahead", with("declarations", []any{declared("2026-11-22T10:01:00+08:00", false)}), func(r exchange.Record) bool { return len(r.Declarations) == 1 }},
		{"a sampling day exactly 60 s ahead", with("evidence[0].sampled_at", "2026-11-22T10:01:00+08:00"), func(r exchange.Record) bool { return len(r.Evidence) == 1 }},
		{"born on the packet's own day", both(born(0, 0), consentBy("guardian", "parent")), func(r exchange.Record) bool { return r.Holder.Age(madeAt) == 0 }},
		{"130 years old", born(130, 0), func(r exchange.Record) bool { return r.Holder.Age(madeAt) == 130 }},
		{"a name of minorities", with("holder.name.han", "买买提·吐尔逊"), func(r exchange.Record) bool { return r.Holder.Name.Han != "" }},
		{"a name with the zero", with("holder.name.han", "張〇"), func(r exchange.Record) bool { return r.Holder.Name.Han != "" }},
		{"a Portuguese name", with("holder.name.latin", "João d'Assunção-Araújo, Jr."), func(r exchange.Record) bool { return r.Holder.Name.Latin != "" }},
		{"a Han name alone", without("holder.name.latin"), func(r exchange.Record) bool { return r.Holder.Name.Latin == "" }},
		{"a Latin name alone", without("holder.name.han"), func(r exchange.Record) bool { return r.Holder.Name.Han == "" }},
		{"names at their caps", both(with("holder.name.han", strings.Repeat("陳", 40)), with("holder.name.latin", strings.Repeat("A", 100))), func(r exchange.Record) bool { return len(r.Holder.Name.Latin) == 100 }},
		{"an unverified family member", with("holder.assurance", "unverified"), func(r exchange.Record) bool { return !r.Holder.Verified }},
		{"no evidence and no declarations", both(without("evidence"), without("declarations")), func(r exchange.Record) bool { return len(r.Evidence)+len(r.Declarations) == 0 }},
		{"a rapid test at home", evidence("rapid-antigen", "result", "negative", "sampled_at", "2026-11-22T08:00:00+08:00", "source", "electronic"), func(r exchange.Record) bool { return r.Evidence[0].Result == "negative" }},
		{"a paper report", with("evidence[0].source", "paper"), func(r exchange.Record) bool { return r.Evidence[0].Source == "paper" }},
		{"a vaccination", evidence("vaccination", "doses", 3, "given_at", "2022-01-01T09:00:00+08:00", "institution", "第一人民医院（分院）", "source", "paper"), func(r exchange.Record) bool { return r.Evidence[0].Doses == 3 }},
		{"a release notice", evidence("release-notice", "issued_at", "2026-11-01T09:00:00+08:00", "institution", "CDC 2", "source", "paper"), func(r exchange.Record) bool { return !r.Evidence[0].At.IsZero() }},
		{"a travel card", evidence("travel-card", "risk_area_14d", true, "as_of", "2026-11-22T09:00:00+08:00"), func(r exchange.Record) bool { return r.Evidence[0].AtRisk }},
		{"a visit check", evidence("visit-check", "at_risk", false, "days", 21, "checked_at", "2026-11-22T09:00:00+08:00"), func(r exchange.Record) bool { return r.Evidence[0].Days == 21 }},
		{"another province's code", evidence("province-code", "colour", "red", "province", "hubei", "as_of", "2026-11-22T09:00:00+08:00"), func(r exchange.Record) bool { return r.Evidence[0].Province == "hubei" }},
		{"a city code is carried, and does not touch the colour", both(with("health.colour", "red"), evidence("city-code", "colour", "green", "as_of", "2026-11-22T09:00:00+08:00")), func(r exchange.Record) bool { return r.Health.Colour == "red" && r.Evidence[0].Colour == "green" }},
		{"an earlier conversion", evidence("conversion", "route", "macau-guangdong", "converted_at", "2026-11-01T09:00:00+08:00"), func(r exchange.Record) bool { return r.Evidence[0].Route == "macau-guangdong" }},
		{"of several declarations the latest counts", with("declarations", []any{declared("2026-11-22T09:57:00+08:00", true), declared("2026-11-22T09:59:00+08:00", false), declared("2026-11-22T01:58:00Z", true)}), func(r exchange.Record) bool {
			return len(r.Declarations) == 1 && !r.Declarations[0].Answers["symptoms"] && len(r.Declarations[0].Answers) == 3
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			record, err := r.read(test.change(r.specimen()))
			if err != nil {
				t.Fatal(err)
			}
			if !test.holds(record) {
				t.Errorf("the record does not say so: %+v", record)
			}
		})
	}
}

// Who may consent for whom, on the day of the consent: a day makes the difference at 14, 18 and 60. What stands in the way
// is named, since each obstacle has another remedy.
func TestWhoMayConsent(t *testing.T) {
	r := newReader(t)
	const none exchange.Obstacle = ""
	met := map[exchange.Obstacle]bool{}
	for _, test := range []struct {
		name     string
		change   change
		obstacle exchange.Obstacle
		field    string // "" for a consent that counts
	}{
		{"an adult for herself", born(30, 0), none, ""},
		{"an adult for herself, said outright", both(born(30, 0), consentBy("self", "self")), none, ""},
		{"an adult, presented by a parent", both(born(30, 0), consentBy("self", "parent")), exchange.PresenterUnexplained, "presenter.relation"},
		{"a parent for a child", both(born(10, 0), consentBy("guardian", "parent")), none, ""},
		{"a guardian for a child", both(born(10, 0), consentBy("guardian", "guardian")), none, ""},
		{"a child for itself", born(10, 0), exchange.ChildNeedsGuardian, "consent.by"},
		{"a child for itself, presented by a parent", both(born(10, 0), consentBy("self", "parent")), exchange.ChildNeedsGuardian, "consent.by"},
		{"an agent for a child", both(born(10, 0), consentBy("agent", "agent")), exchange.ChildNeedsGuardian, "consent.by"},
		{"an agent for a holder of 13", both(born(14, -1), consentBy("agent", "agent")), exchange.ChildNeedsGuardian, "consent.by"},
		{"a guardian who does not present", both(born(10, 0), with("consent.by", "guardian")), exchange.GuardianUnnamed, "presenter.relation"},
		{"a guardian's consent, presented by an agent", both(born(10, 0), consentBy("guardian", "agent")), exchange.GuardianUnnamed, "presenter.relation"},
		{"a guardian who does not present a holder of 17", both(born(18, -1), with("consent.by", "guardian")), exchange.GuardianUnnamed, "presenter.relation"},
		{"for itself the day before 14", born(14, -1), exchange.ChildNeedsGuardian, "consent.by"},
		{"for itself on the day of 14", born(14, 0), none, ""},
		{"an agent on the day of 14", both(born(14, 0), consentBy("agent", "agent")), exchange.AgentNotAllowed, "consent.by"},
		{"a parent for a holder of 17", both(born(18, -1), consentBy("guardian", "parent")), none, ""},
		{"a parent for a holder of 18", both(born(18, 0), consentBy("guardian", "parent")), exchange.GuardianForAdult, "consent.by"},
		{"a guardian who does not present a holder of 18", both(born(18, 0), with("consent.by", "guardian")), exchange.GuardianForAdult, "consent.by"},
		{"a daughter for an elder of 60", both(born(60, 0), consentBy("agent", "child")), none, ""},
		{"a daughter the day before 60", both(born(60, -1), consentBy("agent", "child")), exchange.AgentNotAllowed, "consent.by"},
		{"an agent who does not present", both(born(60, 0), with("consent.by", "agent")), exchange.AgentUnnamed, "presenter.relation"},
		{"an agent's consent, presented by a parent", both(born(60, 0), consentBy("agent", "parent")), exchange.AgentUnnamed, "presenter.relation"},
		{"an elder for himself", born(60, 0), none, ""},
		{"no consent at all", without("consent"), none, "consent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := r.read(test.change(r.specimen()))
			if test.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantFailure(t, err, exchange.ConsentMissing, test.field, "")
			var failure *exchange.Failure
			if errors.As(err, &failure) && failure.Obstacle != test.obstacle {
				t.Errorf("the obstacle is %q, want %q", failure.Obstacle, test.obstacle)
			}
			met[test.obstacle] = true
		})
	}
	for _, obstacle := range exchange.Obstacles() {
		if !met[obstacle] {
			t.Errorf("no packet meets %s", obstacle)
		}
	}
}

// A packet may be well-formed and yet agree to nothing: then the record shows no published text, and Covers refuses it.
func TestConsentThatNobodyPublished(t *testing.T) {
	r := newReader(t)
	for _, test := range []struct {
		name   string
		change change
		reason exchange.Reason
	}{
		{"another hash", with("consent.sha256", strings.Repeat("0", 64)), exchange.ConsentMissing},
		{"the hash of another language", with("consent.lang", "en"), exchange.ConsentMissing},
		{"an unpublished number", with("consent.text", "macau-guangdong/3"), exchange.ConsentMissing},
		{"another purpose", with("consent.purpose", "marketing"), exchange.ConsentMissing},
		{"bundled with other matters", with("consent.separate", false), exchange.ConsentMissing},
		{"given a day before", with("consent.given_at", "2026-11-21T10:00:00+08:00"), exchange.ConsentExpired},
		{"given a day later", with("consent.given_at", "2026-11-23T10:00:00+08:00"), exchange.ConsentMissing},
		{"the wording of another route", both(with("consent.text", "macau-hongkong/1"), with("consent.lang", "en"), with("consent.sha256", "49721faa8421febb20dcbfb1501817c14af322c3323990fead880c2c9b360363")), exchange.WrongRoute},
	} {
		t.Run(test.name, func(t *testing.T) {
			record, err := r.read(test.change(r.specimen()))
			if err != nil {
				t.Fatal(err)
			}
			err = record.Consent.Covers(record.Route, record.IssuedAt, madeAt)
			if reason, _ := exchange.ReasonOf(err); reason != test.reason {
				t.Errorf("Covers gives %v, want %s", err, test.reason)
			}
		})
	}
}

// Every time in a packet is of its past: sixty seconds ahead is two clocks, sixty-one is a fact that nobody can vouch for.
func TestNoFactIsOfTheFuture(t *testing.T) {
	r := newReader(t)
	var everything map[string]any
	for _, vector := range claimsVectors(t) {
		if vector.name == "everything.txt" {
			if err := json.Unmarshal(vector.claims, &everything); err != nil {
				t.Fatal(err)
			}
		}
	}
	tried := 0
	for _, path := range jurisdictiontest.Paths(everything) {
		text, _ := jurisdictiontest.Value(everything, path).(string)
		if _, err := time.Parse(time.RFC3339, text); err != nil || path == "health.until" || path == "consent.given_at" {
			continue
		}
		tried++
		at := func(seconds int) error {
			moved := jurisdictiontest.Instant(madeAt.Add(time.Duration(seconds) * time.Second))
			_, err := r.read(jurisdictiontest.With(everything, path, moved))
			return err
		}
		if err := at(60); err != nil {
			t.Errorf("%s 60 s ahead: %v", path, err)
		}
		wantFailure(t, at(61), exchange.ClaimsInvalid, path, "later than the packet")
	}
	if tried < 14 {
		t.Errorf("only %d times were tried, want health, all types of evidence and two declarations", tried)
	}
}

// What no tree can hold: bytes that are not one object.
func TestBrokenBytes(t *testing.T) {
	r := newReader(t)
	good := string(jurisdictiontest.JSON(r.specimen()))
	for name, data := range map[string]string{
		"nothing":                    "",
		"null":                       "null",
		"a list":                     "[" + good + "]",
		"a string":                   `"macau"`,
		"two objects":                good + good,
		"half an object":             good[:len(good)/2],
		"a name twice":               strings.Replace(good, `"iss":`, `"iss":"macau","iss":`, 1),
		"a name twice, deep inside":  strings.Replace(good, `"colour":`, `"colour":"red","colour":`, 1),
		"a name twice, once escaped": strings.Replace(good, `"colour":`, `"\u0063olour":"red","colour":`, 1),
		"invalid UTF-8":              strings.Replace(good, "CHAN", "CH\xffN", 1),
		"half a surrogate pair":      strings.Replace(good, "CHAN", `CH\ud800N`, 1),
		"a comment":                  strings.Replace(good, "{", "{/* */", 1),
		"NaN":                        strings.Replace(good, "true", "NaN", 1),
		"32 KiB and one byte":        good + strings.Repeat(" ", jurisdictions.MaxClaims+1-len(good)),
		"five thousand brackets":     strings.Repeat("[", 5000),
	} {
		_, err := jurisdictions.Read(exchange.Claims{Issuer: "macau", JSON: []byte(data)}, r.vocabulary, r.consents)
		if reason, _ := exchange.ReasonOf(err); reason != exchange.ClaimsInvalid {
			t.Errorf("%s: %v, want claims-invalid", name, err)
		}
	}
	padded := good + strings.Repeat(" ", jurisdictions.MaxClaims-len(good))
	if _, err := jurisdictions.Read(exchange.Claims{Issuer: "macau", JSON: []byte(padded)}, r.vocabulary, r.consents); err != nil {
		t.Errorf("32 KiB exactly: %v", err)
	}
}

func TestAnotherSidesClaimsAreNotRead(t *testing.T) {
	r := newReader(t)
	claims := jurisdictiontest.Claims(r.specimen())
	for _, issuer := range []exchange.Side{"guangdong", "", "Macau"} {
		claims.Issuer = issuer
		_, err := jurisdictions.Read(claims, r.vocabulary, r.consents)
		wantFailure(t, err, exchange.ClaimsInvalid, "iss", "")
	}
}

// canary stands for something personal that the source put where it does not belong.
const canary = "Canary7Value"

// No failure may repeat what was sent: each member in turn holds a planted value, or a planted name beside it.
func TestFailuresRepeatNothing(t *testing.T) {
	r := newReader(t)
	base := jurisdictiontest.With(r.specimen(), "declarations", []any{declared("2026-11-22T09:58:00+08:00", false)})
	planted := []any{canary, canary + "\u202E", []any{canary}, map[string]any{canary: canary}, canary + strings.Repeat("x", 300)}
	for _, path := range jurisdictiontest.Paths(base) {
		for _, value := range planted {
			wantSilence(t, r, path, jurisdictiontest.With(base, path, value))
		}
		if _, is := jurisdictiontest.Value(base, path).(map[string]any); is {
			wantSilence(t, r, path, jurisdictiontest.With(base, path+"."+canary, "x"))
		}
	}
	for _, test := range refusals {
		wantSilence(t, r, test.name, test.change(base))
	}
}

func wantSilence(t *testing.T, r reader, place string, claims map[string]any) {
	t.Helper()
	given := jurisdictiontest.Claims(claims)
	given.Issuer = "macau"
	_, err := jurisdictions.Read(given, r.vocabulary, r.consents)
	if err == nil {
		return
	}
	told := fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err))
	for _, secret := range append(jurisdictiontest.Canaries(), canary, strings.ToLower(canary)) {
		if strings.Contains(told, secret) {
			t.Errorf("%s: the error repeats what was sent: %s", place, told)
		}
	}
}
