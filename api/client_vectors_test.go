package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	josecrypto "crosscode/crypto/jose"
	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// vectorsFile is the table that three programs must agree on: POST /v1/receipts/verify (here), web/client/crosscode.js
// (client_test.go) and `gateway verify` (package cmd/gateway). Its tokens were signed with keys that are gone.
const vectorsFile = "web/client/testdata/vectors.json"

var writeVectors = flag.Bool("write-vectors", false, "sign "+vectorsFile+" anew, with fresh keys")

// vectors are what is shown to an officer and what the officer must be told, by name.
type vectors struct {
	About    string          `json:"about"`
	Pins     []string        `json:"pins"`
	Bundle   exchange.Token  `json:"bundle"` // of every exhibit
	Exhibits []exhibitVector `json:"exhibits"`
	Bundles  []bundleVector  `json:"bundles"`
	QR       []qrVector      `json:"qr"`
	BadQR    []string        `json:"bad_qr"`
}

type exhibitVector struct {
	Name      string            `json:"name"`
	At        time.Time         `json:"at"`
	Specimens bool              `json:"specimens,omitempty"`
	Code      string            `json:"code,omitempty"`
	Receipt   string            `json:"receipt,omitempty"`
	Full      string            `json:"full,omitempty"`
	Category  exchange.Category `json:"category"`
	Finding   *finding          `json:"finding,omitempty"` // its title is left out
}

// bundleVector is a bundle, and why it is refused; an empty reason: it is not, and Next are the pins that follow.
type bundleVector struct {
	Name     string   `json:"name"`
	Token    string   `json:"token"`
	Pins     []string `json:"pins"`
	At       int64    `json:"at_ms"`
	LastSeen int64    `json:"last_seen,omitempty"`
	Reason   string   `json:"reason"`
	Next     []string `json:"next,omitempty"`
}

type qrVector struct {
	Token exchange.Token `json:"token"`
	Text  string         `json:"text"`
}

var vectorProfiles = []exchange.Profile{
	{Side: "guangdong", Key: "gd", Type: "gd-code+jwt", Tag: "gd"},
	{Side: "macau", Key: "mo", Type: "mo-code+jwt", Tag: "mo"},
	{Side: "hongkong", Key: "hk", Type: "hk-code+jwt", Tag: "hk"},
}

// office signs like a gateway, with real keys of its own that end with the test.
type office struct {
	t        testing.TB
	ring     *keys.Embedded
	now      time.Time
	closings []exchange.Closing
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, now: time.Date(2026, 11, 22, 12, 0, 0, 0, exchange.Zone)}
	specs := []keys.Spec{}
	for _, name := range []string{"gd", "mo", "hk", exchange.ReceiptKey, exchange.BundleKey} {
		specs = append(specs, keys.Spec{Name: name, Algorithm: keys.ES256})
	}
	ring, err := keys.InitEmbedded(filepath.Join(t.TempDir(), "keys.json"), specs, func() time.Time { return o.now })
	if err != nil {
		t.Fatal(err)
	}
	o.ring = ring
	return o
}

// papers are what one traveller has in hand.
type papers struct {
	code, receipt, full, id string
}

// issue signs the papers of a traveller from Macau to Guangdong; change may alter what is decided on.
func (o *office) issue(packet string, change ...func(*exchange.Record, *exchange.Findings, *exchange.Terms)) papers {
	o.t.Helper()
	document := exchange.Document{Type: "home-return-permit", Number: plantedDocument}
	record := exchange.Record{
		Issuer: "macau", Audience: issuer, Route: macauToGuangdong, Port: "gongbei", ID: packet,
		IssuedAt: o.now, NotBefore: o.now, Expires: o.now.Add(exchange.MaxPacketLife),
		Holder: exchange.Holder{
			Documents: []exchange.Document{document}, BirthDate: exchange.Date{Year: 1990, Month: 1, Day: 2},
			Name: exchange.Name{Han: plantedHan, Latin: plantedLatin}, Verified: true,
		},
	}
	entry := exchange.Findings{
		Rulebook:   exchange.RulebookRef{Version: "guangdong/2026-01-01T00:00+08:00", SHA256: strings.Repeat("0", 64), Confidence: "assumed"},
		Outcomes:   []exchange.Outcome{{Rule: "guangdong.entry.cap", Status: exchange.Pass, Reason: exchange.NotEligible, Until: o.now.Add(24 * time.Hour)}},
		Shows:      exchange.Shows{Document: document, SampledOn: exchange.Date{Year: 2026, Month: 11, Day: 21}},
		NotGranted: []string{"quarantine-waiver"},
	}
	key := exchange.NewReplayKey("macau", packet)
	terms := exchange.Terms{Key: key, IssuedAt: o.now, Source: vectorProfiles[1], Destination: vectorProfiles[0]}
	for _, each := range change {
		each(&record, &entry, &terms)
	}
	green := exchange.Findings{Outcomes: []exchange.Outcome{{Rule: "macau.green.colour", Status: exchange.Pass}}}
	drafts, err := exchange.Conclude(record, green, entry, o.now).Drafts(terms)
	if err != nil {
		o.t.Fatal(err)
	}
	signed, err := josecrypto.NewSigner(o.ring).Sign(o.t.Context(), drafts)
	if err != nil {
		o.t.Fatal(err)
	}
	return papers{string(signed.Code), string(signed.Receipt), string(signed.FullReceipt), terms.Key.CodeID()}
}

// forge signs anything with one of the office's keys: what only a mistake of the gateway's own could make.
func (o *office) forge(key, header, claims string) string {
	o.t.Helper()
	signer, err := o.ring.Signer(key)
	if err != nil {
		o.t.Fatal(err)
	}
	input := encode64([]byte(strings.ReplaceAll(header, "KID", signer.Public().KeyID))) + "." + encode64([]byte(claims))
	signature, err := signer.Sign(o.t.Context(), sha256.Sum256([]byte(input)))
	if err != nil {
		o.t.Fatal(err)
	}
	return input + "." + encode64(signature)
}

func headerOf(typ string) string { return `{"alg":"ES256","kid":"KID","typ":"` + typ + `"}` }

func (o *office) code(claims string) string { return o.forge("gd", headerOf("gd-code+jwt"), claims) }

func (o *office) receipt(claims string) string {
	return o.forge(exchange.ReceiptKey, headerOf(exchange.ReceiptType), claims)
}

// ending is what the full receipts of issue say of the code's end.
const ending = `"ends_by":{"rule":"guangdong.entry.cap","version":"guangdong/2026-01-01T00:00+08:00"}`

// vouching signs a lean receipt anew, for another full one.
func (o *office) vouching(receipt, full string) string {
	o.t.Helper()
	sum, claims := sha256.Sum256([]byte(full)), payload(receipt)
	own := claims[strings.Index(claims, `"h":"`):][:len(`"h":"`)+43]
	return o.receipt(o.replaced(claims, own, `"h":"`+encode64(sum[:])))
}

// bundle publishes a bundle with these recalls and the office's closings.
func (o *office) bundle(recalls ...exchange.Recall) (exchange.Token, exchange.Bundle) {
	o.t.Helper()
	publisher := josecrypto.NewPublisher(josecrypto.PublisherConfig{
		Ring: o.ring, Recalls: liveRecalls{live: recalls}, Issuer: issuer, Profiles: vectorProfiles, Clock: func() time.Time { return o.now },
		Closings: func(time.Time) []exchange.Closing { return o.closings },
	})
	token, bundle, err := publisher.Bundle(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return token, bundle
}

// liveRecalls are the recalls of a bundle.
type liveRecalls struct {
	exchange.Recalls
	live []exchange.Recall
}

func (r liveRecalls) Live(context.Context) ([]exchange.Recall, error) { return r.live, nil }

func (r liveRecalls) Recalled(_ context.Context, code string, source exchange.Side, at time.Time) (bool, error) {
	for _, each := range r.live {
		if each.Voids(code, source, at) {
			return true, nil
		}
	}
	return false, nil
}

func payload(token string) string { return segment(token, 1) }

func segment(token string, at int) string {
	decoded, err := decode64(strings.Split(token, ".")[at])
	if err != nil {
		panic(err)
	}
	return string(decoded)
}

// replaced changes one part of a claim set, and fails if there is no such part.
func (o *office) replaced(text, from, to string) string {
	o.t.Helper()
	if !strings.Contains(text, from) {
		o.t.Fatalf("no %s in %s", from, text)
	}
	return strings.Replace(text, from, to, 1)
}

// signVectors makes the table anew.
func signVectors(t testing.TB) vectors {
	t.Helper()
	o := newOffice(t)
	o.closings = o.closedRoutes()
	recalled := o.issue("recalled")
	token, bundle := o.bundle(
		exchange.Recall{Code: recalled.id, Until: o.now.Add(24 * time.Hour)},
		exchange.Recall{Side: "hongkong", Before: o.now, Until: o.now.Add(24 * time.Hour)},
	)
	o.closings = nil
	made := vectors{
		About: "Made by go test ./api -run TestVectors -write-vectors. What is shown to an officer, and what the officer must be told. " +
			"Every exhibit is checked with the bundle and the pins; at is the officer's clock.",
		Pins: josecrypto.Pins(bundle), Bundle: token, Exhibits: o.exhibits(recalled), Bundles: o.bundles(),
	}
	mine := o.issue("qr")
	for _, each := range []exchange.Token{"-", "..", "a.b", "zzzzzz", "-----", exchange.Token(mine.code), exchange.Token(mine.receipt)} {
		made.QR = append(made.QR, qrVector{each, exchange.QRText(each)})
	}
	made.BadQR = []string{
		"", "xc:/", "xc:/1", "xc:/65", "xc:/99999999999", "xc:/12a4", "xc:/ 12", "XC:/12", "xc:/000000000001", "https://skm.example/s?c=1",
		"xc:/" + strings.Repeat("0", 4093), "xc:/１２",
	}
	return made
}

// exhibits is the table of what may be shown. The times are those of a code that lives from 12:00 to 12:00 the day after.
func (o *office) exhibits(recalled papers) []exhibitVector {
	mine, other := o.issue("mine"), o.issue("other")
	specimen := o.issue("specimen", func(_ *exchange.Record, _ *exchange.Findings, terms *exchange.Terms) { terms.Specimen = true })
	refused := o.issue("refused", func(_ *exchange.Record, entry *exchange.Findings, _ *exchange.Terms) {
		entry.Outcomes[0].Status = exchange.Fails
	})
	fromHongKong := o.issue("hk", func(record *exchange.Record, _ *exchange.Findings, terms *exchange.Terms) {
		record.Issuer, record.Route, record.Port = "hongkong", exchange.Route{From: "hongkong", To: "guangdong"}, "shenzhen-bay"
		terms.Source = vectorProfiles[2]
	})
	later := &office{t: o.t, ring: o.ring, now: o.now.Add(time.Second)}
	afterRecall := later.issue("hk-later", func(record *exchange.Record, _ *exchange.Findings, terms *exchange.Terms) {
		record.Issuer, record.Route = "hongkong", exchange.Route{From: "hongkong", To: "guangdong"}
		terms.Source = vectorProfiles[2]
	})
	var table []exhibitVector
	at := func(after time.Duration, name string, shown papers, want exchange.Category) {
		table = append(table, exhibitVector{
			Name: name, At: o.now.Add(after), Code: shown.code, Receipt: shown.receipt, Full: shown.full, Category: want,
		})
	}
	show := func(name string, shown papers, want exchange.Category) { at(time.Hour, name, shown, want) }
	qr := func(token string) string { return exchange.QRText(exchange.Token(token)) }

	show("a code", papers{code: mine.code}, exchange.CategoryValid)
	show("a receipt", papers{receipt: mine.receipt}, exchange.CategoryValid)
	show("a code and its receipt", papers{code: mine.code, receipt: mine.receipt}, exchange.CategoryValid)
	show("all three", mine, exchange.CategoryValid)
	show("a receipt and its full one", papers{receipt: mine.receipt, full: mine.full}, exchange.CategoryValid)
	show("their QR texts", papers{code: qr(mine.code), receipt: qr(mine.receipt)}, exchange.CategoryValid)

	show("another holder's receipt", papers{code: mine.code, receipt: other.receipt}, exchange.CategoryMismatch)
	show("another holder's code with all papers", papers{code: other.code, receipt: mine.receipt, full: mine.full}, exchange.CategoryMismatch)
	show("another holder's full receipt", papers{receipt: mine.receipt, full: other.full}, exchange.CategoryMismatch)
	show("a full receipt with a space more", papers{receipt: mine.receipt, full: mine.full + " "}, exchange.CategoryMismatch)
	show("a full receipt without its receipt", papers{code: mine.code, full: mine.full}, exchange.CategoryMismatch)
	show("a code beside a refusal", papers{code: mine.code, receipt: refused.receipt}, exchange.CategoryMismatch)
	spoiltBy := map[string]string{
		"with a space after a comma":       o.replaced(mine.full, `,"outcome"`, `, "outcome"`),
		"with a member in another case":    o.replaced(mine.full, `"outcome"`, `"Outcome"`),
		"with an unknown member":           o.replaced(mine.full, `{"jti"`, `{"x":1,"jti"`),
		"with a member twice":              o.replaced(mine.full, `"outcome":`, `"outcome":"refused","outcome":`),
		"with an escape nobody needs":      o.replaced(mine.full, `"quarantine-waiver"`, `"quarantine\u002dwaiver"`),
		"with an empty optional member":    o.replaced(mine.full, `"rulebooks"`, `"fields_sha256":"","rulebooks"`),
		"with null for what ends the code": o.replaced(mine.full, ending, `"ends_by":null`),
		"with an end by no version":        o.replaced(mine.full, ending, `"ends_by":{"rule":"guangdong.entry.cap","version":""}`),
		"with an end of more members":      o.replaced(mine.full, ending, `"ends_by":{"rule":"guangdong.entry.cap","version":"guangdong/2026-01-01T00:00+08:00","x":1}`),
		"with the time in another form":    o.replaced(mine.full, `12:00:00+08:00"`, `12:00:00.0+08:00"`),
		"that says that it was refused":    o.replaced(mine.full, `"outcome":"issued"`, `"outcome":"refused"`),
		"that speaks of another code":      o.replaced(mine.full, mine.id, other.id),
		"that vouches for another token":   o.replaced(mine.full, `"code_sha256":"`, `"code_sha256":"0`),
	}
	for _, name := range slices.Sorted(maps.Keys(spoiltBy)) {
		spoilt := spoiltBy[name]
		show("a full receipt "+name+", for which a receipt vouches", papers{
			code: mine.code, receipt: o.vouching(mine.receipt, spoilt), full: spoilt,
		}, exchange.CategoryMismatch)
	}
	at(1000*time.Hour, "papers that do not belong together, long ago", papers{code: mine.code, receipt: other.receipt}, exchange.CategoryMismatch)

	at(-61*time.Second, "61 s before it was issued", papers{code: mine.code}, exchange.CategoryNotYetValid)
	at(-60*time.Second, "60 s before it was issued", papers{code: mine.code}, exchange.CategoryValid)
	at(24*time.Hour+60*time.Second, "60 s after its end", mine, exchange.CategoryValid)
	at(24*time.Hour+61*time.Second, "61 s after its end", mine, exchange.CategoryExpired)
	at(24*time.Hour+60*time.Second+time.Millisecond, "a millisecond later than that", papers{receipt: mine.receipt}, exchange.CategoryExpired)

	show("a recalled code", papers{code: recalled.code}, exchange.CategoryRecalled)
	show("a recalled code's receipt", papers{receipt: recalled.receipt}, exchange.CategoryRecalled)
	at(100*time.Hour, "a recalled code that has expired", recalled, exchange.CategoryRecalled)
	show("a code of the last second that a source recalled", papers{code: fromHongKong.code}, exchange.CategoryRecalled)
	show("its receipt", papers{receipt: fromHongKong.receipt}, exchange.CategoryRecalled)
	show("a code of the second after", papers{code: afterRecall.code}, exchange.CategoryValid)

	show("a refusal", papers{receipt: refused.receipt}, exchange.CategoryRefusal)
	show("a refusal with its full receipt", papers{receipt: refused.receipt, full: refused.full}, exchange.CategoryRefusal)
	at(1000*time.Hour, "a refusal of long ago", papers{receipt: refused.receipt}, exchange.CategoryRefusal)
	show("a specimen", papers{code: specimen.code}, exchange.CategorySpecimen)
	show("a specimen's receipt", papers{receipt: specimen.receipt}, exchange.CategorySpecimen)
	at(25*time.Hour, "a specimen that has expired", specimen, exchange.CategoryExpired)
	show("a specimen, where specimens are asked for", specimen, exchange.CategoryValid)
	table[len(table)-1].Specimens = true

	unverified := func(record *exchange.Record, _ *exchange.Findings, _ *exchange.Terms) { record.Holder.Verified = false }
	child := o.issue("unverified", unverified)
	refusedChild := o.issue("unverified-refused", unverified, func(_ *exchange.Record, entry *exchange.Findings, _ *exchange.Terms) {
		entry.Outcomes[0].Status = exchange.Fails
	})
	show("an unverified holder's code", papers{code: child.code}, exchange.CategoryValid)
	show("an unverified holder's receipt", papers{receipt: child.receipt}, exchange.CategoryValid)
	show("all papers of an unverified holder", child, exchange.CategoryValid)
	show("an unverified holder's refusal", papers{receipt: refusedChild.receipt, full: refusedChild.full}, exchange.CategoryRefusal)
	show("an unverified holder's code beside a receipt without the mark", papers{
		code: child.code, receipt: o.receipt(o.replaced(payload(child.receipt), `,"u":true`, "")),
	}, exchange.CategoryMismatch)
	show("a code without the mark beside an unverified holder's receipt", papers{
		code: o.code(o.replaced(payload(child.code), `,"u":true`, "")), receipt: child.receipt,
	}, exchange.CategoryMismatch)

	silent := o.replaced(child.full, `,"unverified":true`, "")
	show("an unverified holder's full receipt without the mark, for which a receipt vouches", papers{
		code: child.code, receipt: o.vouching(child.receipt, silent), full: silent,
	}, exchange.CategoryMismatch)

	table = append(table, o.closedExhibits()...)
	foreign := o.unreadable(mine)
	for _, name := range slices.Sorted(maps.Keys(foreign)) {
		show(name, foreign[name], exchange.CategoryUnreadable)
	}
	return table
}

// closedRoutes close each route but those to Guangdong in another way, counted from the bundle's instant.
func (o *office) closedRoutes() []exchange.Closing {
	route := func(from, to exchange.Side) exchange.Route { return exchange.Route{From: from, To: to} }
	window := func(from, until time.Duration) exchange.Window {
		closed := exchange.Window{From: o.now.Add(from)}
		if until != 0 {
			closed.Until = o.now.Add(until)
		}
		return closed
	}
	return []exchange.Closing{
		{Route: route("guangdong", "macau"), Window: window(time.Hour, 0)},
		{Route: route("guangdong", "hongkong"), Window: window(time.Hour, 2*time.Hour)},
		{Route: route("macau", "hongkong")},
		{Route: route("hongkong", "macau"), Window: window(-time.Hour, -time.Second)},
		{Route: route("hongkong", "macau"), Window: window(3*time.Hour, 4*time.Hour)},
		{Route: route("hongkong", "macau"), Window: window(5*time.Hour, 0)},
	}
}

// over issues over another route than Macau's to Guangdong.
func over(source, destination int) func(*exchange.Record, *exchange.Findings, *exchange.Terms) {
	return func(record *exchange.Record, _ *exchange.Findings, terms *exchange.Terms) {
		terms.Source, terms.Destination = vectorProfiles[source], vectorProfiles[destination]
		record.Issuer, record.Port = terms.Source.Side, ""
		record.Route = exchange.Route{From: terms.Source.Side, To: terms.Destination.Side}
	}
}

// closedExhibits are papers of closed routes. A closing counts from its first second on, with no leeway, for every code from
// before its end, and is told before whatever the code's own times say.
func (o *office) closedExhibits() []exhibitVector {
	const guangdong, macau, hongkong = 0, 1, 2
	specimen := func(_ *exchange.Record, _ *exchange.Findings, terms *exchange.Terms) { terms.Specimen = true }
	refuse := func(_ *exchange.Record, entry *exchange.Findings, _ *exchange.Terms) {
		entry.Outcomes[0].Status = exchange.Fails
	}
	after := func(by time.Duration) *office { return &office{t: o.t, ring: o.ring, now: o.now.Add(by)} }
	open := o.issue("closed-later", over(guangdong, macau))
	other := o.issue("closed-later-other", over(guangdong, macau))
	briefly := o.issue("closed-for-an-hour", over(guangdong, hongkong))
	var table []exhibitVector
	at := func(after time.Duration, name string, shown papers, want exchange.Category) {
		table = append(table, exhibitVector{
			Name: "a closed route: " + name, At: o.now.Add(after), Code: shown.code, Receipt: shown.receipt, Full: shown.full, Category: want,
		})
	}
	at(time.Hour-time.Second, "a second before it closes", open, exchange.CategoryValid)
	at(time.Hour-time.Millisecond, "a millisecond before it closes", open, exchange.CategoryValid)
	at(time.Hour, "as it closes", open, exchange.CategoryRouteClosed)
	at(time.Hour, "as it closes, the code alone", papers{code: open.code}, exchange.CategoryRouteClosed)
	at(time.Hour, "as it closes, the receipt alone", papers{receipt: open.receipt}, exchange.CategoryRouteClosed)
	at(100*time.Hour, "long after", open, exchange.CategoryRouteClosed)
	at(2*time.Hour, "a code that was issued while it was closed", after(90*time.Minute).issue("while", over(guangdong, macau)), exchange.CategoryRouteClosed)
	at(time.Hour, "a specimen", o.issue("closed-specimen", over(guangdong, macau), specimen), exchange.CategoryRouteClosed)
	at(time.Hour, "another holder's receipt", papers{code: open.code, receipt: other.receipt}, exchange.CategoryMismatch)
	at(time.Hour, "a refusal", papers{receipt: o.issue("closed-refused", over(guangdong, macau), refuse).receipt}, exchange.CategoryRefusal)

	at(2*time.Hour-time.Millisecond, "a millisecond before it opens again", briefly, exchange.CategoryRouteClosed)
	at(2*time.Hour, "as it opens again, a code from before", briefly, exchange.CategoryRouteClosed)
	at(24*time.Hour, "hours after it opened again, a code from before", briefly, exchange.CategoryRouteClosed)
	at(3*time.Hour, "open again, a code of the last second", after(2*time.Hour-time.Second).issue("last-second", over(guangdong, hongkong)), exchange.CategoryRouteClosed)
	at(3*time.Hour, "open again, a code of its first second", after(2*time.Hour).issue("first-second", over(guangdong, hongkong)), exchange.CategoryValid)

	always := o.issue("closed-always", over(macau, hongkong))
	at(0, "since nobody knows when", always, exchange.CategoryRouteClosed)
	at(-2*time.Minute, "since nobody knows when, before it was issued", papers{code: always.code}, exchange.CategoryRouteClosed)

	at(3*time.Hour, "a code that is recalled as well", o.issue("closed-recalled", over(hongkong, macau)), exchange.CategoryRecalled)
	twice := after(time.Second).issue("closed-twice", over(hongkong, macau))
	at(2*time.Hour, "a code from after it opened", twice, exchange.CategoryValid)
	at(4*time.Hour, "once, and open again", twice, exchange.CategoryRouteClosed)
	at(5*time.Hour, "twice: the second closing is told", twice, exchange.CategoryRouteClosed)
	return table
}

// unreadable are papers that are not ours, or that the gateway never writes although its key could.
func (o *office) unreadable(mine papers) map[string]papers {
	claims, lean := payload(mine.code), payload(mine.receipt)
	dot := strings.LastIndexByte(mine.code, '.')
	input, signature := mine.code[:dot], mine.code[dot+1:]
	flipped := []byte(segment(mine.code, 2))
	flipped[40] ^= 1
	longName := fmt.Sprintf(`"n":"%s"`, strings.Repeat("a", 2048))
	name := claims[strings.Index(claims, `"n":"`):]
	name = name[:strings.Index(name, `",`)+1]
	return map[string]papers{
		"nothing":                            {},
		"a full receipt alone":               {full: mine.full},
		"a full receipt over its limit":      {receipt: mine.receipt, full: strings.Repeat(" ", exchange.MaxFullReceipt+1)},
		"a code id":                          {code: mine.id},
		"a receipt in the code's place":      {code: mine.receipt},
		"a code in the receipt's place":      {receipt: mine.code},
		"a good code with a bad receipt":     {code: mine.code, receipt: "aa.bb.cc"},
		"a changed signature":                {code: input + "." + encode64(flipped)},
		"a changed payload":                  {code: mine.code[:strings.IndexByte(mine.code, '.')+1] + encode64([]byte(o.replaced(claims, "M****", "N****"))) + "." + signature},
		"no signature":                       {code: input + "."},
		"a signature cut short":              {code: input + "." + encode64(flipped[:63])},
		"alg none":                           {code: encode64([]byte(`{"alg":"none","typ":"gd-code+jwt"}`)) + "." + encode64([]byte(claims)) + "."},
		"alg in another case":                {code: o.forge("gd", `{"alg":"es256","kid":"KID","typ":"gd-code+jwt"}`, claims)},
		"a further header":                   {code: o.forge("gd", `{"alg":"ES256","crit":[],"kid":"KID","typ":"gd-code+jwt"}`, claims)},
		"a header twice":                     {code: o.forge("gd", `{"alg":"ES256","alg":"ES256","kid":"KID","typ":"gd-code+jwt"}`, claims)},
		"an unknown kid":                     {code: o.forge("gd", `{"alg":"ES256","kid":"gd.9.AAAAAA","typ":"gd-code+jwt"}`, claims)},
		"another side's key":                 {code: o.forge("mo", headerOf("gd-code+jwt"), claims)},
		"the receipt's key":                  {code: o.forge(exchange.ReceiptKey, headerOf("gd-code+jwt"), claims)},
		"another side's typ":                 {code: o.forge("mo", headerOf("mo-code+jwt"), claims)},
		"a typ of nobody":                    {code: o.forge("gd", headerOf("xx-code+jwt"), claims)},
		"an unknown claim":                   {code: o.code(o.replaced(claims, `{`, `{"vip":true,`))},
		"a claim that every object inherits": {code: o.code(o.replaced(claims, `{`, `{"constructor":"x",`))},
		"a claim twice":                      {code: o.code(o.replaced(claims, `"n":`, `"n":"x","n":`))},
		"a claim in another case":            {code: o.code(o.replaced(claims, `"exp":`, `"EXP":`))},
		"a time that is text":                {code: o.code(o.replaced(claims, `"iat":`, `"iat":"1","x":`))},
		"a time with a fraction":             {code: o.code(o.replaced(claims, `,"n"`, `.5,"n"`))},
		"half a surrogate pair":              {code: o.code(o.replaced(claims, `"n":"`, `"n":"\ud800`))},
		"claims that are not UTF-8":          {code: o.code(o.replaced(claims, `"n":"`, "\"n\":\"\xff"))},
		"something behind the claims":        {code: o.code(claims + "{}")},
		"claims that are a list":             {code: o.code("[" + claims + "]")},
		"a code without an id":               {code: o.code(o.replaced(claims, mine.id, ""))},
		"a code over the longest":            {code: o.code(o.replaced(claims, name, longName))},
		"a side that is not served":          {code: o.code(o.replaced(claims, `"mo-gd"`, `"tw-gd"`))},
		"a route without a destination":      {code: o.code(o.replaced(claims, `"mo-gd"`, `"mo"`))},
		"a receipt that says neither":        {receipt: o.receipt(o.replaced(lean, `"o":"issued"`, `"o":"perhaps"`))},
		"a receipt of no code":               {receipt: o.receipt(o.replaced(lean, mine.id, ""))},
		"padding":                            {code: mine.code + "=="},
		"a line break inside":                {code: mine.code[:20] + "\n" + mine.code[20:]},
		"a line break behind":                {code: mine.code + "\n"},
		"the other alphabet":                 {code: o.otherAlphabet(mine.code)},
		"a set bit that nobody reads":        {code: strayBit(mine.code)},
		"four segments":                      {code: mine.code + ".AA"},
		"JSON":                               {code: `{"payload":"` + strings.Split(mine.code, ".")[1] + `"}`},
		"a foreign QR text":                  {code: "https://skm.example/s?c=1"},
		"a QR text with a letter":            {code: exchange.QRPrefix + "12a"},
		"a QR text with an odd digit":        {code: exchange.QRText(exchange.Token(mine.code)) + "1"},
		"a QR text past the longest":         {code: exchange.QRPrefix + strings.Repeat("0", 4096)},
		"a bundle in the code's place":       {code: o.forge(exchange.BundleKey, headerOf(exchange.BundleType), claims)},
		"a signature over another header":    {code: encode64([]byte(headerOf("hk-code+jwt"))) + mine.code[strings.IndexByte(mine.code, '.'):]},
	}
}

// otherAlphabet writes a token's signature with + and /; it signs until there is a character to change.
func (o *office) otherAlphabet(token string) string {
	for claims := payload(token); ; claims += " " {
		again := o.code(claims)
		if changed := strings.NewReplacer("-", "+", "_", "/").Replace(again); changed != again {
			return changed
		}
	}
}

// strayBit sets an unused bit of the signature's last character: 64 bytes leave four of them.
func strayBit(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last|1])
}

// bundles is the table of bundles, of which a second key is announced in the last.
func (o *office) bundles() []bundleVector {
	token, bundle := o.bundle()
	pins, text := josecrypto.Pins(bundle), string(token)
	claims := payload(text)
	sign := func(claims string) string { return o.forge(exchange.BundleKey, headerOf(exchange.BundleType), claims) }
	at := func(after time.Duration) int64 { return o.now.Add(after).UnixMilli() }
	issued := o.now.Unix()
	codePin, err := keys.Thumbprint(o.public("gd").Key)
	if err != nil {
		o.t.Fatal(err)
	}
	table := []bundleVector{
		{Name: "fresh", Token: text, At: at(0), Next: pins},
		{Name: "60 s before it was issued", Token: text, At: at(-60 * time.Second), Next: pins},
		{Name: "more than 60 s before it was issued", Token: text, At: at(-60*time.Second - time.Millisecond), Reason: "future"},
		{Name: "a millisecond before its end", Token: text, At: at(24*time.Hour - time.Millisecond), Next: pins},
		{Name: "at its end", Token: text, At: at(24 * time.Hour), Reason: "stale"},
		{Name: "seen before", Token: text, At: at(0), LastSeen: issued, Next: pins},
		{Name: "older than one already seen", Token: text, At: at(0), LastSeen: issued + 1, Reason: "rolled-back"},
		{Name: "an end of its own that comes sooner", Token: sign(o.replaced(claims, fmt.Sprint(issued+24*3600), fmt.Sprint(issued+60))), At: at(time.Minute), Reason: "stale"},
		{Name: "an end of its own that comes later", Token: sign(o.replaced(claims, fmt.Sprint(issued+24*3600), fmt.Sprint(issued+99*3600))), At: at(24 * time.Hour), Reason: "stale"},
		{Name: "another pin", Token: text, Pins: []string{strings.Repeat("A", 43)}, At: at(0), Reason: "unreadable"},
		{Name: "the pin of a code's key", Token: o.forge("gd", headerOf(exchange.BundleType), claims), Pins: []string{codePin}, At: at(0), Reason: "unreadable"},
		{Name: "signed by a code's key", Token: o.forge("gd", headerOf(exchange.BundleType), claims), At: at(0), Reason: "unreadable"},
		{Name: "another typ", Token: o.forge(exchange.BundleKey, headerOf(exchange.ReceiptType), claims), At: at(0), Reason: "unreadable"},
		{Name: "an unknown member", Token: sign(o.replaced(claims, `{`, `{"x":1,`)), At: at(0), Reason: "unreadable"},
		{Name: "a member twice", Token: sign(o.replaced(claims, `{`, `{"iat":1,`)), At: at(0), Reason: "unreadable"},
		{Name: "no keys", Token: sign(`{"iss":"x","iat":1,"soft":2,"exp":3,"profiles":[],"keys":[],"recalls":[],"closings":[]}`), At: at(0), Reason: "unreadable"},
		{Name: "a key whose kid is another's", Token: sign(o.replaced(claims, `"kid":"`+o.public("gd").KeyID, `"kid":"`+o.public("mo").KeyID)), At: at(0), Reason: "unreadable"},
		{Name: "a key with a private member", Token: sign(o.replaced(claims, `"kty":"EC"`, `"d":"AA","kty":"EC"`)), At: at(0), Reason: "unreadable"},
		{Name: "a key that is no point of the curve", Token: sign(o.replaced(claims, `"y":"`, `"y":"`+strings.Repeat("A", 43)+`","z":"`)), At: at(0), Reason: "unreadable"},
		{Name: "nothing", Token: "", At: at(0), Reason: "unreadable"},
	}
	listed := func(name, closings, reason string) {
		token := sign(o.replaced(claims, `"closings":[]`, closings))
		each := bundleVector{Name: "closings: " + name, Token: token, At: at(0), Reason: reason}
		if reason == "" {
			each.Next = pins
		}
		table = append(table, each)
	}
	listed("a route", `"closings":[{"r":"mo-gd","since":5,"until":6},{"r":"mo-gd","since":0},{"r":"mo-gd","since":7}]`, "")
	listed("a route of nobody", `"closings":[{"r":"x","since":5}]`, "")
	listed("absent", `"specimen":false`, "unreadable")
	listed("null", `"closings":null`, "unreadable")
	listed("an object", `"closings":{}`, "unreadable")
	listed("a text in the list", `"closings":["mo-gd"]`, "unreadable")
	listed("without a route", `"closings":[{"since":5}]`, "unreadable")
	listed("an unknown member", `"closings":[{"r":"mo-gd","since":5,"port":"gongbei"}]`, "unreadable")
	listed("a member twice", `"closings":[{"r":"mo-gd","since":5,"since":6}]`, "unreadable")
	listed("before 1970", `"closings":[{"r":"mo-gd","since":-5}]`, "unreadable")
	listed("an end with the beginning", `"closings":[{"r":"mo-gd","since":5,"until":5}]`, "unreadable")
	listed("an end before 1970", `"closings":[{"r":"mo-gd","since":0,"until":-5}]`, "unreadable")
	listed("a time with a fraction", `"closings":[{"r":"mo-gd","since":5.5}]`, "unreadable")
	listed("a time that is text", `"closings":[{"r":"mo-gd","since":"5"}]`, "unreadable")
	for i := range table {
		if table[i].Pins == nil {
			table[i].Pins = pins
		}
	}
	return append(table, o.announcement(pins)...)
}

// announcement rotates the bundle's key: who saw the announcement follows, who did not is stopped.
func (o *office) announcement(installed []string) []bundleVector {
	if _, err := o.ring.Rotate(exchange.BundleKey, false); err != nil {
		o.t.Fatal(err)
	}
	token, bundle := o.bundle()
	both := josecrypto.Pins(bundle)
	begin := o.now
	o.now = begin.Add(keys.Overlap)
	next, _ := o.bundle()
	at := o.now.UnixMilli()
	o.now = begin
	return []bundleVector{
		{Name: "the old key announces a new one", Token: string(token), Pins: installed, At: begin.UnixMilli(), Next: both},
		{Name: "the new key, to who saw the announcement", Token: string(next), Pins: both, At: at, Next: both},
		{Name: "the new key, to who did not", Token: string(next), Pins: installed, At: at, Reason: "unreadable"},
	}
}

func (o *office) public(name string) keys.Public {
	for _, key := range o.ring.Public() {
		if key.Name == name {
			return key
		}
	}
	o.t.Fatalf("no key %s", name)
	return keys.Public{}
}

// judged is a server that verifies with the vectors' bundle alone.
func (v vectors) judged(t testing.TB, clock func() time.Time, specimens bool) *world {
	t.Helper()
	bundle, reader, err := josecrypto.ReadBundle(v.Bundle, v.Pins)
	if err != nil {
		t.Fatal(err)
	}
	tags, recalls := map[string]exchange.Side{}, liveRecalls{}
	for _, profile := range bundle.Profiles {
		tags[profile.Tag] = profile.Side
	}
	for _, each := range bundle.Recalls {
		recalls.live = append(recalls.live, exchange.Recall{Code: each.Code, Side: tags[each.Tag], Before: time.Unix(each.Before, 0)})
	}
	w := newWorld(t, func(c *Config) {
		c.Exhibits, c.Recalls, c.Clock, c.Specimen = reader, recalls, clock, specimens
		c.Rate, c.Burst = 1e6, 1e6
	})
	w.shut = shutBy(bundle.Closings, tags)
	return w
}

// shutBy gives a bundle's closings as a rulebook would hold them.
func shutBy(closings []exchange.BundleClosing, tags map[string]exchange.Side) map[exchange.Route][]exchange.Window {
	shut := map[exchange.Route][]exchange.Window{}
	for _, each := range closings {
		from, to, _ := strings.Cut(each.Route, "-")
		var window exchange.Window
		if each.Since != 0 {
			window.From = time.Unix(each.Since, 0)
		}
		if each.Until != 0 {
			window.Until = time.Unix(each.Until, 0)
		}
		route := exchange.Route{From: tags[from], To: tags[to]}
		shut[route] = append(shut[route], window)
	}
	return shut
}

// judge gives what POST /v1/receipts/verify says of each exhibit, without its title.
func (v vectors) judge(t testing.TB) []finding {
	t.Helper()
	var now time.Time
	worlds := map[bool]*world{}
	for _, specimens := range []bool{false, true} {
		worlds[specimens] = v.judged(t, func() time.Time { return now }, specimens)
	}
	found := make([]finding, len(v.Exhibits))
	for i, each := range v.Exhibits {
		now = each.At
		got := worlds[each.Specimens].want(jsonPost("/v1/receipts/verify", shown{each.Code, each.Receipt, each.Full}), http.StatusOK)
		if err := json.Unmarshal(got.body, &found[i]); err != nil {
			t.Fatal(err)
		}
		found[i].Title = ""
	}
	return found
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	data, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var read vectors
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Exhibits) < 80 || len(read.Bundles) < 20 {
		t.Fatalf("%d exhibits and %d bundles: the table has lost some", len(read.Exhibits), len(read.Bundles))
	}
	return read
}

// written gives a fresh table as it is kept, with what the server finds beside what is wanted.
func (v vectors) written(t testing.TB) []byte {
	t.Helper()
	for i, found := range v.judge(t) {
		if found.Category != v.Exhibits[i].Category {
			t.Errorf("%s: %s, want %s", v.Exhibits[i].Name, found.Category, v.Exhibits[i].Category)
		}
		v.Exhibits[i].Finding = &found
	}
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

func TestVectorsAreWhatTheServerSays(t *testing.T) {
	if *writeVectors {
		if err := os.WriteFile(vectorsFile, signVectors(t).written(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept := readVectors(t)
	for i, found := range kept.judge(t) {
		each := kept.Exhibits[i]
		if found.Category != each.Category || each.Finding == nil || !sameFinding(found, *each.Finding) {
			t.Errorf("%s: %+v, want %s %+v", each.Name, found, each.Category, each.Finding)
		}
	}
}

func sameFinding(a, b finding) bool {
	return string(encode(a)) == string(encode(b))
}

func TestBundleVectorsAreWhatReadBundleSays(t *testing.T) {
	for _, table := range [][]bundleVector{readVectors(t).Bundles, signVectors(t).Bundles} {
		for _, each := range table {
			reason, next := bundleReason(each)
			if reason != each.Reason || strings.Join(next, " ") != strings.Join(each.Next, " ") {
				t.Errorf("%s: %q %v, want %q %v", each.Name, reason, next, each.Reason, each.Next)
			}
		}
	}
}

// bundleReason says in one word what package jose and exchange.Bundle make of a bundle.
func bundleReason(v bundleVector) (reason string, next []string) {
	bundle, _, err := josecrypto.ReadBundle(exchange.Token(v.Token), v.Pins)
	if err != nil {
		return "unreadable", nil
	}
	lastSeen := time.Time{}
	if v.LastSeen != 0 {
		lastSeen = time.Unix(v.LastSeen, 0)
	}
	err = bundle.Check(time.UnixMilli(v.At), lastSeen)
	switch {
	case err == nil:
		return "", josecrypto.Pins(bundle)
	case errors.Is(err, exchange.ErrBundleStale):
		return "stale", nil
	case errors.Is(err, exchange.ErrBundleRolledBack):
		return "rolled-back", nil
	case errors.Is(err, exchange.ErrBundleFuture):
		return "future", nil
	}
	return "unknown", nil
}

func TestQRVectorsAreWhatPackageExchangeSays(t *testing.T) {
	kept := readVectors(t)
	for _, each := range kept.QR {
		if got := exchange.QRText(each.Token); got != each.Text {
			t.Errorf("QRText(%s) = %s, want %s", each.Token, got, each.Text)
		}
	}
	for _, text := range kept.BadQR {
		if token, err := exchange.ParseQRText(text); err == nil {
			t.Errorf("ParseQRText(%.40q) = %s, want an error", text, token)
		}
	}
}

func decode64(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }
