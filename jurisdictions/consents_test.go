package jurisdictions_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/jurisdictions"
)

const newWording = "本人知悉將會離開澳門網頁並轉接到粵康碼。\n傳送信息將會被加密。"

func TestConsentIsFoundByIDLanguageAndHash(t *testing.T) {
	consents := newReader(t).consents
	sum := sha256.Sum256([]byte(newWording))
	hash := hex.EncodeToString(sum[:])
	found := consents.Find("macau-guangdong/2", "zh-Hant", hash)
	want := exchange.ConsentText{
		ID: "macau-guangdong/2", Route: macauGuangdong, Language: "zh-Hant", Text: newWording, Hash: hash,
		From: time.Date(2026, 1, 1, 0, 0, 0, 0, exchange.Zone),
	}
	if found != want {
		t.Errorf("Find = %+v, want %+v", found, want)
	}
	for name, key := range map[string][3]string{
		"another id":             {"macau-guangdong/1", "zh-Hant", hash},
		"another language":       {"macau-guangdong/2", "zh-Hans", hash},
		"no language":            {"macau-guangdong/2", "", hash},
		"another hash":           {"macau-guangdong/2", "zh-Hant", strings.Repeat("0", 64)},
		"the hash in upper case": {"macau-guangdong/2", "zh-Hant", strings.ToUpper(hash)},
	} {
		if found := consents.Find(key[0], key[1], key[2]); found != (exchange.ConsentText{}) {
			t.Errorf("%s: found %s in %s", name, found.ID, found.Language)
		}
	}
}

func TestConsentsInForceAndAnnounced(t *testing.T) {
	consents := newReader(t).consents
	turn := time.Date(2026, 1, 1, 0, 0, 0, 0, exchange.Zone)
	for _, test := range []struct {
		name  string
		route exchange.Route
		now   time.Time
		want  []string // ids of the English texts
	}{
		{"a nanosecond before the turn the old one is in force and the new one announced", macauGuangdong, turn.Add(-time.Nanosecond), []string{"macau-guangdong/1", "macau-guangdong/2"}},
		{"at the turn the old one is history", macauGuangdong, turn, []string{"macau-guangdong/2"}},
		{"each route has its own", exchange.Route{From: "macau", To: "hongkong"}, turn, []string{"macau-hongkong/1"}},
		{"another side's routes are not here", exchange.Route{From: "guangdong", To: "macau"}, turn, nil},
	} {
		var got []string
		for _, text := range consents.For(test.route, test.now) {
			if text.Language == "en" {
				got = append(got, text.ID)
			}
		}
		if strings.Join(got, " ") != strings.Join(test.want, " ") {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestBadConsentsAreNotTaken(t *testing.T) {
	good := readFile(t, "testdata/consents/macau.yaml")
	for _, test := range []struct{ name, old, new, says string }{
		{"another side's file", "side: macau", "side: hongkong", "macau.yaml:2: file.side: want macau"},
		{"a route from elsewhere", "route: macau-hongkong", "route: guangdong-hongkong", "a route from macau"},
		{"an id of another route", "id: macau-hongkong/1", "id: macau-guangdong/3", "the route, a slash and a number"},
		{"an id without a number", "id: macau-hongkong/1", "id: macau-hongkong", "the route, a slash and a number"},
		{"an id twice", "id: macau-guangdong/2", "id: macau-guangdong/1", "stands twice"},
		{"an end at its beginning", "until: 2026-01-01T00:00+08:00", "until: 2020-05-10T10:00+08:00", "not after from"},
		{"a time in another zone", "from: 2020-05-10T10:00+08:00", "from: 2020-05-10T02:00Z", "a minute in UTC+8"},
		{"a language that is missing", "      pt: O texto antigo.\n", "", "pt is missing"},
		{"a fifth language", "      pt: O texto antigo.", "      pt: O texto antigo.\n      fr: L'ancien.", `unknown key "fr"`},
		{"a text of nothing", "en: The old wording.", `en: " "`, "empty"},
		{"a decomposed text", "en: The old wording.", `en: "Jose\u0301"`, "not NFC"},
		{"an invisible character", "en: The old wording.", `en: "The old\u200b wording."`, "cannot be seen"},
		{"a line break at the end, which nobody sees", "en: The old wording.", `en: "The old wording.\n"`, "cannot be seen"},
		{"a text of 8 KiB and one byte", "en: The old wording.", "en: " + strings.Repeat("x", jurisdictions.MaxConsentText+1), "longer than"},
		{"an unknown key", "consents:", "consent:", `unknown key "consent"`},
		{"a key twice", "side: macau", "side: macau\nside: macau", "twice"},
		{"not YAML", "consents:", "consents: [", "not YAML"},
	} {
		data := strings.Replace(good, test.old, test.new, 1)
		if data == good {
			t.Fatalf("%s: nothing was changed", test.name)
		}
		_, err := jurisdictions.ParseConsents("macau.yaml", []byte(data), "macau")
		if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "macau.yaml") {
			t.Errorf("%s: %v, want a fault with file and %q", test.name, err, test.says)
		}
	}
}

func TestAllFaultsOfConsentsAtOnce(t *testing.T) {
	_, err := jurisdictions.ParseConsents("macau.yaml", []byte("side: hongkong\ncolour: red\nconsents:\n  - {id: x, route: y, from: z, texts: {}}\n"), "macau")
	for _, want := range []string{"macau.yaml:1:", "macau.yaml:2:", "macau.yaml:4: consent.id", "macau.yaml:4: consent.route", "consent.from", "pt is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("faults %v, want %q among them", err, want)
		}
	}
}

const goodForms = `side: macau
forms:
  - id: macau-entry/1
    route_to: macau
    questions:
      - {id: symptoms, adverse: true, text: {zh-Hans: 一, zh-Hant: 一, en: One, pt: Um}}
      - {id: contact_14d, adverse: false, text: {zh-Hans: 二, zh-Hant: 二, en: Two, pt: Dois}}
`

func TestForms(t *testing.T) {
	forms, err := jurisdictions.ParseForms("macau/forms.yaml", []byte(goodForms), "macau")
	if err != nil {
		t.Fatal(err)
	}
	form, found := forms.Find("macau-entry/1")
	if !found || form.AskedBy != "macau" || len(form.Questions) != 2 || form.Questions[1].ID != "contact_14d" || !form.Questions[0].Adverse || form.Questions[1].Adverse || form.Questions[1].Pt != "Dois" {
		t.Errorf("Find = %+v, %t", form, found)
	}
	if _, found := forms.Find("macau-entry/2"); found {
		t.Error("found a form that nobody wrote")
	}
	if asked := forms.AskedBy("guangdong"); asked == nil || len(asked) != 0 {
		t.Errorf("Guangdong asks %v", asked)
	}
	for _, test := range []struct{ name, old, new, says string }{
		{"a question that does not say which answer is adverse", "adverse: true, ", "", "macau/forms.yaml:6: question: adverse is missing"},
		{"another side's file", "side: macau", "side: hongkong", "macau/forms.yaml:1: file.side"},
		{"asked by another side", "route_to: macau", "route_to: guangdong", "form.route_to: want macau"},
		{"an id of another side", "id: macau-entry/1", "id: guangdong-entry/1", "form.id"},
		{"a question twice", "id: contact_14d", "id: symptoms", "question.id"},
		{"a question with a hyphen", "id: contact_14d", "id: contact-14d", "question.id"},
		{"a language that is missing", ", pt: Um}}", "}}", "pt is missing"},
		{"an unknown key", "questions:", "asks:", `unknown key "asks"`},
	} {
		_, err := jurisdictions.ParseForms("macau/forms.yaml", []byte(strings.Replace(goodForms, test.old, test.new, 1)), "macau")
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want a fault about %q", test.name, err, test.says)
		}
	}
}

// Every folder's forms are known to every side, and no two forms have one id.
func TestAllForms(t *testing.T) {
	forms, err := jurisdictions.AllForms()
	if err != nil || len(forms) == 0 {
		t.Fatalf("AllForms: %d forms, %v", len(forms), err)
	}
	seen := map[string]bool{}
	for _, form := range forms {
		if seen[form.ID] {
			t.Errorf("%s stands twice", form.ID)
		}
		seen[form.ID] = true
	}
}

func TestUnknownWordsOfARulebook(t *testing.T) {
	vocabulary := newReader(t).vocabulary
	mentions := jurisdictions.Mentions{
		Ports: []exchange.Port{"gongbei", "gongbai"}, Channels: []string{"web", "fax"}, Documents: []string{"hkid", "hk-id"},
	}
	want := "port gongbai, channel fax, document hk-id"
	if got := strings.Join(jurisdictions.Unknown(mentions, vocabulary), ", "); got != want {
		t.Errorf("Unknown = %s, want %s", got, want)
	}
}
