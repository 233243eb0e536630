package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/jurisdictiontest"
	"crosscode/jurisdictions/macau"
)

// menders says of every field that the reader can name who can put it right. A field that comes to the claims comes to this list.
var menders = map[string]string{
	"claims": "source", "iss": "source", "aud": "source", "dst": "source", "jti": "source", "iat": "source", "nbf": "source", "exp": "source",
	"port": "source", "channel": "source",
	"consent": "source", "consent.text": "source", "consent.sha256": "source", "consent.lang": "source", "consent.given_at": "source",
	"consent.purpose": "source", "consent.separate": "source", "consent.by": "source",
	"presenter": "source", "presenter.relation": "source",
	"holder": "source", "holder.assurance": "source",
	"holder.birth_date": "holder", "holder.name": "holder", "holder.name.han": "holder", "holder.name.latin": "holder",
	"holder.documents": "holder", "holder.documents[]": "holder", "holder.documents[].type": "holder", "holder.documents[].number": "holder",
	"health": "source", "health.colour": "source", "health.subcode": "source", "health.as_of": "source", "health.until": "source",
	"health.reasons": "source", "health.reasons[]": "source",
	"declarations": "source", "declarations[]": "source", "declarations[].form": "source", "declarations[].declared_at": "source",
	"declarations[].answers": "source", "declarations[].answers.symptoms": "source", "declarations[].answers.contact_14d": "source",
	"declarations[].answers.travel_14d": "source",
	"evidence":                          "source", "evidence[]": "source", "evidence[].type": "source", "evidence[].result": "source", "evidence[].source": "source",
	"evidence[].institution": "source", "evidence[].sampled_at": "source", "evidence[].given_at": "source", "evidence[].issued_at": "source",
	"evidence[].as_of": "source", "evidence[].checked_at": "source", "evidence[].converted_at": "source", "evidence[].doses": "source",
	"evidence[].days": "source", "evidence[].risk_area_14d": "source", "evidence[].at_risk": "source", "evidence[].colour": "source",
	"evidence[].province": "source", "evidence[].route": "source",
}

// everythingClaims has every member that claims can have.
func everythingClaims(t *testing.T) map[string]any {
	t.Helper()
	data, err := os.ReadFile("../jurisdictions/testdata/claims/everything.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(data), "\n\n")
	var claims map[string]any
	if err := json.Unmarshal([]byte(text), &claims); err != nil {
		t.Fatal(err)
	}
	claims["presenter"] = map[string]any{"relation": "self"}
	return jurisdictiontest.With(claims, "health.reasons", []any{"symptoms"})
}

var entryNumber = regexp.MustCompile(`\[\d+\]`)

// faultyFields breaks every member of the full claims in every way, and gives the fields that the reader then names.
func faultyFields(t *testing.T) map[string]string {
	t.Helper()
	side, err := macau.New(jurisdictions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	try := func(claims map[string]any) {
		_, err := side.Read(jurisdictiontest.Claims(claims))
		var failure *exchange.Failure
		if errors.As(err, &failure) && failure.Reason == exchange.ClaimsInvalid {
			fields[entryNumber.ReplaceAllString(failure.Field, "[]")] = failure.Field
		}
	}
	full := everythingClaims(t)
	if _, err := side.Read(jurisdictiontest.Claims(full)); err != nil {
		t.Fatal("the full claims are not good: ", err)
	}
	try(jurisdictiontest.With(full, "unknown", 1))
	for _, path := range jurisdictiontest.Paths(full) {
		try(jurisdictiontest.Without(full, path))
		for _, value := range []any{nil, true, -1, "\u202E", "", []any{}, []any{1}, map[string]any{}, strings.Repeat("x", 300)} {
			try(jurisdictiontest.With(full, path, value))
		}
		if _, object := jurisdictiontest.Value(full, path).(map[string]any); object {
			try(jurisdictiontest.With(full, path+".unknown", 1))
		}
	}
	return fields
}

// A remedy follows the field: what the source's back end wrote is never told to the holder as something to check.
func TestEveryFieldHasSomebodyWhoCanMendIt(t *testing.T) {
	w, fields := newWorld(t), faultyFields(t)
	for field := range menders {
		if fields[field] == "" {
			t.Errorf("%s is in the list, and nothing makes the reader name it", field)
		}
	}
	for kind, field := range fields {
		want, listed := menders[kind]
		if !listed {
			t.Errorf("who mends %s? It is not in the list", kind)
			continue
		}
		packet := w.arrive(kind, func(v *traveller) { v.read = exchange.Invalid(field, "planted") })
		got := w.want(jose(exchangePath, packet), http.StatusUnprocessableEntity)
		told := got.member("title") + got.member("detail") + got.member("remedy")
		if got.member("mended_by") != want || got.member("field") != field || strings.Contains(told, "document") != (want == "holder") {
			t.Errorf("%s: %s, want it mended by the %s", kind, got.body, want)
		}
	}
}

// Whoever cannot mend it is told whom to show which number: the one under which the log has the field.
func TestTheNumberToShowIsInTheLog(t *testing.T) {
	for _, field := range []string{"evidence[0].institution", "holder.name.latin", "made up: " + plantedHan, ""} {
		for _, language := range exchange.Languages() {
			w := newWorld(t)
			request := jose(exchangePath, w.arrive("packet", func(v *traveller) { v.read = exchange.Invalid(field, "planted") }))
			request.Header.Set("Accept-Language", language)
			got := w.want(request, http.StatusUnprocessableEntity)
			number, contact := got.member("request_id"), said("help line of macau").In(language)
			if len(number) != 22 || got.member("contact") != contact || !strings.HasSuffix(got.member("remedy"), contact) ||
				!strings.Contains(got.member("remedy"), number) || strings.ContainsAny(got.member("remedy"), "{}") {
				t.Errorf("%q in %s: %s", field, language, got.body)
			}
			logged := w.log.String()
			if !strings.Contains(logged, `"request_id":"`+number+`"`) || strings.Contains(logged, `"field":"`+field+`"`) != strings.Contains(field, ".") {
				t.Errorf("%q: the log has %s", field, logged)
			}
			wantNone(t, "the log", logged)
		}
	}
}

// Each side's holders are told of its own help line, as soon as the packet says whose it is.
func TestTheContactIsTheSourcesOwn(t *testing.T) {
	for _, source := range jurisdictiontest.Sides() {
		w := newWorld(t)
		for _, reason := range []exchange.Reason{exchange.ClaimsInvalid, exchange.ConsentMissing, exchange.ConsentExpired, exchange.NotYetValid, exchange.PacketExpired} {
			packet := w.arrive(string(reason), func(v *traveller) {
				v.record.Issuer, v.read = source, exchange.Fail(reason, "read", nil)
			})
			got := w.want(jose(exchangePath, packet), w.server.table.Problems[string(reason)].Status)
			if want := said("help line of " + string(source)).En; got.member("contact") != want {
				t.Errorf("%s from %s: contact %q, want %q", reason, source, got.member("contact"), want)
			}
		}
		if got := w.want(jose(exchangePath, "nobody's"), http.StatusBadRequest); got.member("contact") != w.server.table.Contacts["source"].En {
			t.Errorf("a packet of nobody is sent to %q", got.member("contact"))
		}
	}
}
