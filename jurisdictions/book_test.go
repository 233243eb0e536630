package jurisdictions

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crosscode/exchange"
)

// passingRecord is of 22 November 2026 10:00, and passes everything of the demonstration's standing version.
func passingRecord() exchange.Record {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, exchange.Zone)
	return exchange.Record{
		Issuer: "guangdong", Route: exchange.Route{From: "guangdong", To: "macau"}, Port: "gongbei", Channel: "app",
		IssuedAt: at, Expires: at.Add(10 * time.Minute),
		Consent: exchange.Consent{By: "self"}, Presenter: exchange.Presenter{Relation: "self"},
		Holder: exchange.Holder{
			Documents: []exchange.Document{{Type: "home-return-permit", Number: "M12345678"}, {Type: "resident-id", Number: "11010119900307803X"}},
			BirthDate: exchange.Date{Year: 1990, Month: 3, Day: 7}, Verified: true,
		},
		Health: exchange.Health{Colour: "green", AsOf: at, Reasons: []string{}},
		Evidence: []exchange.Evidence{
			{Type: "nucleic-acid", Result: "negative", At: at.Add(-30 * time.Hour), Source: "electronic", Institution: "x"},
			{Type: "vaccination", Doses: 3, At: at.AddDate(0, -6, 0), Source: "electronic", Institution: "x"},
		},
		Declarations: []exchange.Declaration{{
			Form: "macau-entry/1", DeclaredAt: at, Answers: map[string]bool{"symptoms": false, "contact_14d": false, "travel_14d": false},
		}},
	}
}

// recordAt moves the record and its evidence, so that it is as good at another time.
func recordAt(now time.Time) exchange.Record {
	record := passingRecord()
	moved := now.Sub(record.IssuedAt)
	record.IssuedAt, record.Expires, record.Health.AsOf = now, record.Expires.Add(moved), now
	for i := range record.Evidence {
		record.Evidence[i].At = record.Evidence[i].At.Add(moved)
	}
	return record
}

func statusOf(t testing.TB, findings exchange.Findings, rule string) exchange.Outcome {
	t.Helper()
	for _, outcome := range findings.Outcomes {
		if outcome.Rule == rule {
			return outcome
		}
	}
	t.Fatalf("%s was not evaluated", rule)
	return exchange.Outcome{}
}

func TestEveryRuleIsEvaluatedAndSaysWhatItFound(t *testing.T) {
	book, record := demonstration(t), passingRecord()
	record.Health.Colour, record.Holder.Verified, record.Evidence = "red", false, nil
	var got []string
	for _, findings := range []exchange.Findings{book.Green(record, record.IssuedAt), book.Admit(record, record.Route, record.IssuedAt)} {
		for _, o := range findings.Outcomes {
			got = append(got, o.Rule+" "+string(o.Status))
		}
	}
	want := []string{
		"macau.green.colour fail", "macau.green.as-of pass", "macau.entry.documents pass", "macau.entry.negative-test error",
		"macau.entry.declaration pass", "macau.entry.unverified fail", "macau.entry.cap pass",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnOutcomeCarriesWhatHolderAndOfficerAreTold(t *testing.T) {
	book, record := demonstration(t), passingRecord()
	pass := statusOf(t, book.Admit(record, record.Route, record.IssuedAt), "macau.entry.negative-test")
	if pass.Reason != exchange.NotEligible || pass.Category != "test" || pass.Advice.Title.En != "A sentence." {
		t.Errorf("got %+v", pass)
	}
	if got, want := pass.Until.Format(time.RFC3339), "2026-11-28T23:59:59+08:00"; got != want {
		t.Errorf("until %s, want %s", got, want)
	}
	record.Evidence[0].Result = "positive"
	if failed := statusOf(t, book.Admit(record, record.Route, record.IssuedAt), "macau.entry.negative-test"); !failed.Until.IsZero() || !failed.Blocks() {
		t.Errorf("a failure has an end or does not block: %+v", failed)
	}
	record.Holder.Verified = false
	if warning := statusOf(t, book.Admit(record, record.Route, record.IssuedAt), "macau.entry.unverified"); !warning.Warn || warning.Blocks() {
		t.Errorf("a warning blocks: %+v", warning)
	}
}

func TestWhereNoRulesAreInForceOneOutcomeFails(t *testing.T) {
	book := demonstration(t)
	into := exchange.Route{From: "guangdong", To: "macau"}
	for name, test := range map[string]struct {
		now, rule, version string
		route              exchange.Route
		reason             exchange.Reason
	}{
		"a second before the first version":  {"2021-06-08T09:59:59+08:00", "macau.entry.route", "macau/none", into, exchange.RouteNotConfigured},
		"the first second of a closed time":  {"2023-03-27T00:00:00+08:00", "macau.entry.closed", "macau/2023-03-27T00:00+08:00", into, exchange.RouteClosed},
		"the last second of a closed time":   {"2025-12-31T23:59:59+08:00", "macau.entry.closed", "macau/2023-03-27T00:00+08:00", into, exchange.RouteClosed},
		"a route that the version has not":   {"2021-06-08T10:00:00+08:00", "macau.entry.route", "macau/2021-06-08T10:00+08:00", exchange.Route{From: "hongkong", To: "macau"}, exchange.RouteNotConfigured},
		"a route to another side altogether": {"2026-06-08T10:00:00+08:00", "macau.entry.route", "macau/2026-01-01T00:00+08:00", exchange.Route{From: "macau", To: "guangdong"}, exchange.RouteNotConfigured},
	} {
		t.Run(name, func(t *testing.T) {
			now := instant(t, test.now)
			findings := book.Admit(recordAt(now), test.route, now)
			if len(findings.Outcomes) != 1 || findings.Rulebook.Version != test.version || findings.Shows.Document.Type != "" {
				t.Fatalf("got %+v", findings)
			}
			o := findings.Outcomes[0]
			if o.Rule != test.rule || o.Reason != test.reason || o.Category != "route" || !o.Blocks() || len(o.Advice.Title.Missing()) > 0 {
				t.Errorf("got %+v", o)
			}
		})
	}
	for now, want := range map[string]string{"2021-06-08T09:59:59+08:00": "macau.green.route", "2023-03-27T00:00:00+08:00": "macau.green.closed"} {
		if o := book.Green(passingRecord(), instant(t, now)).Outcomes; len(o) != 1 || o[0].Rule != want || !o[0].Blocks() {
			t.Errorf("Green at %s: %+v, want %s", now, o, want)
		}
	}
}

// TestVersionsChangeToTheMinute: a test of three days ago is too old from 8 June 2021 10:00, and good again from 10 July.
func TestVersionsChangeToTheMinute(t *testing.T) {
	book := demonstration(t)
	for now, want := range map[string]exchange.Status{
		"2021-06-08T10:00:00+08:00":        exchange.Fails,
		"2021-07-09T23:59:59.999+08:00":    exchange.Fails,
		"2021-07-10T00:00:00+08:00":        exchange.Pass,
		"2021-07-09T16:00:00Z":             exchange.Pass,
		"2023-03-26T23:59:59.999999+08:00": exchange.Pass,
	} {
		at := instant(t, now)
		record := recordAt(at)
		record.Evidence[0].At = at.Add(-3 * 24 * time.Hour)
		if got := statusOf(t, book.Admit(record, record.Route, at), "macau.entry.negative-test").Status; got != want {
			t.Errorf("at %s: %s, want %s", now, got, want)
		}
	}
}

func TestTheDocumentFollowsTheChannel(t *testing.T) {
	book := demonstration(t)
	permit := exchange.Document{Type: "home-return-permit", Number: "M12345678"}
	resident := exchange.Document{Type: "resident-id", Number: "11010119900307803X"}
	for name, test := range map[string]struct {
		channel string
		has     []exchange.Document
		prints  exchange.Document
		status  exchange.Status
	}{
		"the first of the table's order, not of the packet's": {"app", []exchange.Document{permit, resident}, resident, exchange.Pass},
		"the second where the first is not there":             {"app", []exchange.Document{permit}, permit, exchange.Pass},
		"another channel by the star":                         {"h5", []exchange.Document{resident, permit}, permit, exchange.Pass},
		"a channel nobody named by the star":                  {"", []exchange.Document{permit}, permit, exchange.Pass},
		"a document that the channel does not take":           {"h5", []exchange.Document{resident}, exchange.Document{}, exchange.Fails},
		"no document":                        {"app", nil, exchange.Document{}, exchange.Fails},
		"the star is no channel of a packet": {"*", []exchange.Document{resident}, exchange.Document{}, exchange.Fails},
	} {
		t.Run(name, func(t *testing.T) {
			record := passingRecord()
			record.Channel, record.Holder.Documents = test.channel, test.has
			findings := book.Admit(record, record.Route, record.IssuedAt)
			outcome := statusOf(t, findings, "macau.entry.documents")
			if findings.Shows.Document != test.prints || outcome.Status != test.status || outcome.Reason != exchange.DocumentNotAccepted {
				t.Errorf("prints a %q, %s", findings.Shows.Document.Type, outcome.Status)
			}
		})
	}
}

func TestTheCodeShowsTheSamplingDayOfThePassingRule(t *testing.T) {
	book, record := demonstration(t), passingRecord()
	record.Evidence[0].At = instant(t, "2026-11-19T16:00:00Z") // midnight of the 20th in UTC+8
	findings := book.Admit(record, record.Route, record.IssuedAt)
	if got := findings.Shows.SampledOn.String(); got != "2026-11-20" {
		t.Errorf("sampled on %q", got)
	}
	if got := findings.NotGranted; !slices.Equal(got, []string{"quarantine-waiver"}) {
		t.Errorf("not granted: %v", got)
	}
	record.Evidence[0].Result = "pending"
	if got := book.Admit(record, record.Route, record.IssuedAt).Shows.SampledOn; got != (exchange.Date{}) {
		t.Errorf("a failed rule's sample is shown: %v", got)
	}
	if got := book.Green(record, record.IssuedAt); got.Shows != (exchange.Shows{}) || got.NotGranted != nil {
		t.Errorf("a source decides what a code shows: %+v", got)
	}
}

func TestAPacketWithoutAPortMustPassEveryPortsRules(t *testing.T) {
	book, now := demonstration(t), instant(t, "2022-12-20T10:00:00+08:00")
	for port, want := range map[exchange.Port]exchange.Status{"gongbei": exchange.Fails, "": exchange.Fails, "hzmb": exchange.NotInForce} {
		record := recordAt(now)
		record.Port = port
		if got := statusOf(t, book.Admit(record, record.Route, now), "macau.entry.zhuhai-antigen").Status; got != want {
			t.Errorf("port %q: %s, want %s", port, got, want)
		}
	}
}

// TestAnUnknownFactIsAnError reads every fact of a view in which nothing is known.
func TestAnUnknownFactIsAnError(t *testing.T) {
	nothing := &view{
		now: time.Unix(0, 0), evidence: []evidenceFacts{{Type: "vaccination"}, {}}, declarations: []declarationFacts{{}},
		holder: holderFacts{Documents: []*documentFacts{{}}},
	}
	for expression, known := range map[string]bool{
		`packet.issued_at < now`: false, `packet.channel != "x"`: false, `packet.route != "x"`: false, `packet.source != "x"`: false,
		`packet.destination != "x"`: false, `packet.port == ""`: true,
		`holder.age > 3`: false, `!holder.verified`: true, `holder.documents[0].type != "x"`: false,
		`presenter.relation != "x"`: false, `consent.by != "x"`: false,
		`health.colour != "red"`: false, `health.subcode != "g28"`: false, `health.as_of < now`: false, `health.reasons.size() == 0`: false,
		`evidence[0].type == "vaccination"`: true, `evidence[0].result != "positive"`: false, `evidence[0].at < now`: false,
		`evidence[0].source != "paper"`: false, `evidence[0].institution != "x"`: false, `!evidence[0].at_risk`: false,
		`evidence[0].days < 3`: false, `evidence[0].doses < 3`: false, `evidence[0].colour != "red"`: false,
		`evidence[0].province != "x"`: false, `evidence[0].route != "x"`: false, `evidence[1].type != "vaccination"`: false,
		`declarations[0].form != "x"`: false, `declarations[0].declared_at < now`: false, `declarations[0].answers.size() == 0`: false,
		`!has(health.colour) && !has(holder.age) && !has(evidence[0].at) && has(packet.port)`: true,
		`latest(evidence, "nucleic-acid").result != "positive"`:                               false,
		`[1, 2].exists(i, health.colour == "green" || i == 2)`:                                true,
	} {
		p, flaws := compile(expressions(), expression, cel.BoolType)
		if len(flaws) > 0 {
			t.Errorf("%s: %v", expression, flaws)
			continue
		}
		holds, err := p.holds(nothing)
		if (err == nil) != known || known && !holds {
			t.Errorf("%s: %t, %v; known: %t", expression, holds, err, known)
		}
	}
}

func TestRunTimeTroubleBlocks(t *testing.T) {
	text := string(bookFile(t, "demonstration.yaml"))
	for name, test := range map[string]struct{ old, new, cause string }{
		"an end that cannot be computed":    {`until: 'now + duration("24h")'`, `until: 'health.as_of + duration("24h")'`, "health.as_of is not known"},
		"a sample that is not there":        {`    until: 'now + duration("24h")'`, "    until: 'now'\n    sampled_at: 'latest(evidence, \"conversion\").at'", "there is no evidence of this type"},
		"a condition that cannot be judged": {`    require: 'true'`, "    when: 'health.as_of < now'\n    require: 'true'", "health.as_of is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(text, test.old, test.new, 1)
			i := strings.Index(changed, "      - {name: a day,")
			changed = changed[:i] + "      - {name: a day, at: 2026-11-22T10:00:00+08:00, given: {health: {as_of: 2026-11-22T09:00:00+08:00}, evidence: [{type: conversion, at: 2026-11-22T09:00:00+08:00}]}, then: pass}\n" +
				"      - {name: nothing known, at: 2026-11-22T10:00:00+08:00, then: error}\n" + changed[i+strings.Index(changed[i:], "\n")+1:]
			changed = strings.ReplaceAll(changed, "{rule: entry.cap}", "{rule: entry.cap}\n          - {rule: entry.end}")
			changed = strings.Replace(changed, "versions:", "  entry.end: {reason: not-eligible, category: validity, require: 'true', until: 'now', advice: *advice, examples: [{name: x, at: 2026-11-22T10:00:00+08:00, then: pass}]}\nversions:", 1)
			book, record := parsed(t, changed), passingRecord()
			record.Health.AsOf = time.Time{}
			a := book.admit(&record, record.Route, record.IssuedAt)
			i = slices.IndexFunc(a.Outcomes, func(o exchange.Outcome) bool { return o.Rule == "macau.entry.cap" })
			o := a.Outcomes[i]
			if o.Status != exchange.Errored || !o.Blocks() || !o.Until.IsZero() || !strings.Contains(a.causes[i].Error(), test.cause) {
				t.Errorf("got %+v, cause %v", o, a.causes[i])
			}
		})
	}
}

// TestAnExpressionThatCostsTooMuchIsStopped: what the estimate did not reckon with is counted at run time.
func TestAnExpressionThatCostsTooMuchIsStopped(t *testing.T) {
	p, flaws := compile(expressions(), `evidence.all(a, evidence.all(b, a.at <= b.at || b.at <= a.at))`, cel.BoolType)
	if len(flaws) > 0 {
		t.Fatal(flaws)
	}
	for length, stopped := range map[int]bool{maxItems: false, 500: true} {
		record := passingRecord()
		record.Evidence = slices.Repeat(record.Evidence[:1], length)
		holds, err := p.holds(newView(&record, record.Route, record.IssuedAt))
		if holds == stopped || (err != nil) != stopped || stopped && !strings.Contains(err.Error(), "cost limit") {
			t.Errorf("%d items: %t, %v", length, holds, err)
		}
	}
}

func TestAViewIsLargeFromTheFirstItemThatNoEstimateReckonedWith(t *testing.T) {
	answers := func(n int) map[string]bool {
		all := map[string]bool{}
		for i := range n {
			all[string(rune('a'+i))] = true
		}
		return all
	}
	for name, lengthen := range map[string]func(r *exchange.Record, n int){
		"evidence":     func(r *exchange.Record, n int) { r.Evidence = make([]exchange.Evidence, n) },
		"declarations": func(r *exchange.Record, n int) { r.Declarations = make([]exchange.Declaration, n) },
		"documents":    func(r *exchange.Record, n int) { r.Holder.Documents = make([]exchange.Document, n) },
		"reasons":      func(r *exchange.Record, n int) { r.Health.Reasons = make([]string, n) },
		"answers":      func(r *exchange.Record, n int) { r.Declarations[0].Answers = answers(n) },
	} {
		for n, want := range map[int]bool{0: false, maxItems: false, maxItems + 1: true} {
			record := passingRecord()
			lengthen(&record, n)
			if got := newView(&record, record.Route, record.IssuedAt).large; got != want {
				t.Errorf("%d %s: large %t", n, name, got)
			}
		}
	}
}

func TestEditionsAreTheOneInForceAndThoseAnnounced(t *testing.T) {
	book := demonstration(t)
	into, out := exchange.Route{From: "guangdong", To: "macau"}, exchange.Route{From: "macau", To: "hongkong"}
	for name, test := range map[string]struct {
		route exchange.Route
		now   string
		want  []string
	}{
		"entry, all of them":          {into, "2021-01-01T00:00:00+08:00", []string{"entry 2021-06-08 2", "entry 2021-07-10 3", "entry 2023-03-27 0", "entry 2026-01-01 4"}},
		"a window's last second":      {into, "2021-07-09T23:59:59+08:00", []string{"entry 2021-06-08 2", "entry 2021-07-10 3", "entry 2023-03-27 0", "entry 2026-01-01 4"}},
		"its end":                     {into, "2021-07-10T00:00:00+08:00", []string{"entry 2021-07-10 3", "entry 2023-03-27 0", "entry 2026-01-01 4"}},
		"green":                       {out, "2026-01-01T00:00:00+08:00", []string{"green 2026-01-01 2"}},
		"a route that came late":      {exchange.Route{From: "hongkong", To: "macau"}, "2021-07-01T00:00:00+08:00", []string{"entry 2023-03-27 0", "entry 2026-01-01 4"}},
		"a route between other sides": {exchange.Route{From: "hongkong", To: "guangdong"}, "2021-07-01T00:00:00+08:00", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := []string{}
			for _, e := range book.Editions(test.route, instant(t, test.now)) {
				got = append(got, e.Part+" "+e.From.Format(time.DateOnly)+" "+string(rune('0'+len(e.Rules))))
				if e.Rules == nil || e.SHA256 != book.SHA256() || e.Side != "macau" || e.Closed != (len(e.Rules) == 0) {
					t.Errorf("got %+v", e)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnEditionShowsRulesAsPeopleReadThem(t *testing.T) {
	edition := demonstration(t).Editions(exchange.Route{From: "guangdong", To: "macau"}, instant(t, "2022-01-01T00:00:00Z"))[0]
	rule := edition.Rules[1]
	if rule.ID != "macau.entry.zhuhai-antigen" || !slices.Equal(rule.Ports, []exchange.Port{"gongbei", "qingmao"}) ||
		!maps.Equal(rule.Parameters, map[string]any{"hours": 6}) || !strings.HasPrefix(rule.Condition, "evidence.exists(") {
		t.Errorf("got %+v", rule)
	}
	if got := edition.Rules[0].Condition; !strings.HasPrefix(got, "!(holder.age >= 3) || (latest(") {
		t.Errorf("a rule with when reads %q", got)
	}
}

func TestMentionsListsTheWordsThatMustExistElsewhere(t *testing.T) {
	want := Mentions{Ports: []exchange.Port{"gongbei", "qingmao"}, Channels: []string{"app"}, Documents: []string{"home-return-permit", "resident-id"}}
	if diff := cmp.Diff(want, demonstration(t).Mentions()); diff != "" {
		t.Error(diff)
	}
}

// forgotten takes facts out of a record, each with even chance. It only forgets: it changes no fact into another.
func forgotten(t *rapid.T, r exchange.Record) exchange.Record {
	forget := func(what string) bool { return rapid.Bool().Draw(t, "forget "+what) }
	if forget("colour") {
		r.Health.Colour = ""
	}
	if forget("as-of") {
		r.Health.AsOf = time.Time{}
	}
	if forget("birth date") {
		r.Holder.BirthDate = exchange.Date{}
	}
	if forget("verified") {
		r.Holder.Verified = false
	}
	if forget("port") {
		r.Port = ""
	}
	r.Evidence = slices.Clone(r.Evidence)
	for i := range r.Evidence {
		if forget("result") {
			r.Evidence[i].Result = ""
		}
		if forget("date") {
			r.Evidence[i].At = time.Time{}
		}
		if forget("source") {
			r.Evidence[i].Source = ""
		}
		if forget("type") {
			r.Evidence[i].Type = ""
		}
	}
	if forget("evidence") {
		r.Evidence = nil
	}
	if forget("declarations") {
		r.Declarations = nil
	}
	return r
}

// randomRecord is good or bad in each respect.
func randomRecord(t *rapid.T) exchange.Record {
	r := passingRecord()
	r.Health.Colour = rapid.SampledFrom([]string{"green", "yellow", "red", "none"}).Draw(t, "colour")
	r.Health.AsOf = r.IssuedAt.Add(-time.Duration(rapid.IntRange(-2, 20).Draw(t, "minutes")) * time.Minute)
	r.Holder.BirthDate.Year = rapid.IntRange(1930, 2026).Draw(t, "born")
	r.Holder.Verified = rapid.Bool().Draw(t, "verified")
	r.Port = rapid.SampledFrom([]exchange.Port{"", "gongbei", "hzmb"}).Draw(t, "port")
	r.Evidence[0].Result = rapid.SampledFrom([]string{"negative", "positive", "pending"}).Draw(t, "result")
	r.Evidence[0].Source = rapid.SampledFrom([]string{"electronic", "paper"}).Draw(t, "source")
	r.Evidence[0].At = r.IssuedAt.Add(-time.Duration(rapid.IntRange(-1, 300).Draw(t, "hours")) * time.Hour)
	answers := map[string]bool{}
	for _, question := range []string{"symptoms", "contact_14d", "travel_14d"} {
		answers[question] = rapid.Bool().Draw(t, question)
	}
	r.Declarations[0].Answers = answers
	return r
}

// TestForgettingAFactNeverTurnsARuleGreen: for the demonstration's rules, none of which asks that something be absent, a
// rule that let nobody pass with all facts does not let them pass with fewer.
func TestForgettingAFactNeverTurnsARuleGreen(t *testing.T) {
	book := demonstration(t)
	rapid.Check(t, func(t *rapid.T) {
		record := randomRecord(t)
		less := forgotten(t, record)
		now := record.IssuedAt
		before := append(book.Green(record, now).Outcomes, book.Admit(record, record.Route, now).Outcomes...)
		after := append(book.Green(less, now).Outcomes, book.Admit(less, record.Route, now).Outcomes...)
		for i := range before {
			unblocked := before[i].Blocks() && !after[i].Blocks()
			passes := before[i].Status != exchange.Pass && after[i].Status == exchange.Pass
			if unblocked || passes {
				t.Fatalf("%s: %s with all facts, %s with fewer", before[i].Rule, before[i].Status, after[i].Status)
			}
		}
	})
}

func TestAnErrorAlwaysBlocksUnlessItOnlyWarns(t *testing.T) {
	book := demonstration(t)
	rapid.Check(t, func(t *rapid.T) {
		record := forgotten(t, randomRecord(t))
		for _, o := range book.Admit(record, record.Route, record.IssuedAt).Outcomes {
			if o.Status == exchange.Errored && (!o.Blocks() && !o.Warn || !o.Until.IsZero()) {
				t.Fatalf("got %+v", o)
			}
		}
	})
}

func TestDecidingTwiceDecidesTheSame(t *testing.T) {
	book, again := demonstration(t), demonstration(t)
	rapid.Check(t, func(t *rapid.T) {
		record := forgotten(t, randomRecord(t))
		a, b := book.Admit(record, record.Route, record.IssuedAt), again.Admit(record, record.Route, record.IssuedAt)
		if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(book.Green(record, record.IssuedAt), again.Green(record, record.IssuedAt)) {
			t.Fatalf("%+v\n%+v", a, b)
		}
	})
}

// TestACodeEndsNoLaterThanAnyRuleSays: within the test's validity and within the cap of 24 hours.
func TestACodeEndsNoLaterThanAnyRuleSays(t *testing.T) {
	book := demonstration(t)
	granted := 0
	rapid.Check(t, func(t *rapid.T) {
		record := randomRecord(t)
		now := record.IssuedAt
		green, entry := book.Green(record, now), book.Admit(record, record.Route, now)
		verdict := exchange.Conclude(record, green, entry, now)
		if _, refused := verdict.Refused(); refused {
			return
		}
		granted++
		last, err := ValidUntil(record.Evidence[0].At, DaysAfterSamplingDay, 7)
		tested := record.Holder.Age(now) >= 3
		if until := verdict.Until(); err != nil || !until.After(now) || until.After(now.Add(24*time.Hour)) || tested && until.After(last) {
			t.Fatalf("ends at %s, the test at %s", until, last)
		}
	})
	if record := passingRecord(); granted == 0 {
		verdict := exchange.Conclude(record, book.Green(record, record.IssuedAt), book.Admit(record, record.Route, record.IssuedAt), record.IssuedAt)
		if decided, refused := verdict.Refused(); refused {
			t.Errorf("even the passing record is refused by %s", decided.Rule)
		}
	}
}

func TestABookIsAskedByManyAtOnce(t *testing.T) {
	book, record := demonstration(t), passingRecord()
	want := book.Admit(record, record.Route, record.IssuedAt)
	var group sync.WaitGroup
	errs := make(chan error, 16)
	for range cap(errs) {
		group.Go(func() {
			for range 50 {
				if !reflect.DeepEqual(book.Admit(record, record.Route, record.IssuedAt), want) || len(book.Lint()) > 0 {
					errs <- errors.New("another answer")
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}
