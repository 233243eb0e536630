package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

// languages are the four of every text, by BCP 47 tag, and what each calls itself.
var languages = []struct{ Tag, Name string }{
	{"zh-Hant", "繁體中文"}, {"zh-Hans", "简体中文"}, {"en", "English"}, {"pt", "Português"},
}

// catalogue are all texts of the pages: id, language, text.
var catalogue = sync.OnceValue(func() map[string]map[string]string {
	data, err := web.ReadFile("web/words.yaml")
	if err != nil {
		panic(err)
	}
	var all map[string]map[string]string
	if err := yaml.Unmarshal(data, &all); err != nil {
		panic(err)
	}
	return all
})

// matcher takes zh-HK, zh-MO and zh-TW for zh-Hant, and whatever it does not know for English.
var matcher = language.NewMatcher([]language.Tag{
	language.English, language.MustParse("zh-Hant"), language.MustParse("zh-Hans"), language.Portuguese,
})

// languageOf is the language that was chosen by ?lang=, before, or in the browser's settings.
func languageOf(r *http.Request, before string) string {
	for _, one := range languages {
		if r.URL.Query().Get("lang") == one.Tag {
			return one.Tag
		}
	}
	if before != "" {
		return before
	}
	_, index := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return []string{"en", "zh-Hant", "zh-Hans", "pt"}[index]
}

// looks are how the pages can look beside their usual self.
var looks = []string{"plain", "large", "contrast"}

func lookOf(r *http.Request, before string) string {
	if asked := r.URL.Query().Get("look"); slices.Contains(looks, asked) {
		return asked
	}
	if before == "" {
		return "plain"
	}
	return before
}

// sheet is what every template is given.
type sheet struct {
	Lang, Look    string
	Side, Counter string
	Home, Here    string // the counter's first page, and this page's own GET address
	Token         string
	Gateway       string
	Page          string
	LoggedIn      bool
	Links         []link // to the side's own first pages
	Faults        map[string]string
	Body          any
	form          url.Values
}

// link is a first page and the name of its counter.
type link struct{ Path, Name string }

func (v *visit) sheet(made reply) sheet {
	s := sheet{
		Lang: languageOf(v.r, ""), Look: "plain", Side: v.server.side.id, Counter: v.at.name, Home: v.at.path, Here: made.here,
		Gateway: v.server.gateway.base, Page: made.page, Faults: v.faults, Body: made.body, form: v.form,
	}
	for _, one := range counters[v.server.side.id] {
		s.Links = append(s.Links, link{Path: one.path, Name: one.name})
	}
	if v.session != nil {
		s.Lang, s.Look, s.Token, s.LoggedIn = v.session.lang, v.session.look, v.session.token, v.session.holder != nil
	}
	return s
}

// render makes the page. It is made whole before a byte is sent, so that no fault leaves half a page.
func (s sheet) render(page string) ([]byte, error) {
	var buffer bytes.Buffer
	err := templates()[page].ExecuteTemplate(&buffer, "layout", s)
	return buffer.Bytes(), err
}

// T is a text in the page's language; pairs are the places in it and what comes there: {code} and the code.
func (s sheet) T(id string, pairs ...string) string { return textIn(s.Lang, id, pairs...) }

func textIn(lang, id string, pairs ...string) string {
	text, known := catalogue()[id][lang]
	if !known {
		return id
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Or is the first text that there is: a counter's own, or the general one.
func (s sheet) Or(ids ...string) string {
	for _, id := range ids {
		if s.Has(id) {
			return s.T(id)
		}
	}
	return ids[len(ids)-1]
}

// Has tells whether there is such a text.
func (s sheet) Has(id string) bool { return catalogue()[id] != nil }

// Time writes an instant in UTC+8 and says so.
func (s sheet) Time(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04") + " (UTC+8)" }

// Birth writes a birth date, and says which part of it nobody knows.
func (s sheet) Birth(date string) string {
	switch known := knownBirth(date); len(known) {
	case len("2006"):
		return s.T("birth.year", "{date}", known)
	case len("2006-01"):
		return s.T("birth.month", "{date}", known)
	default:
		return known
	}
}

// Languages lists the four languages.
func (s sheet) Languages() []struct{ Tag, Name string } { return languages }

// Looks lists the ways a page can look.
func (s sheet) Looks() []string { return looks }

// field is one field of a form as a template shows it.
type field struct {
	Name, Kind, Label, Hint, Value, Fault string
	Autocomplete, Mode                    string
	Most                                  int
	Options                               []option
}

type option struct {
	Value, Label string
	Chosen       bool
}

// maxFieldText is the most characters of a field: enough for a name or an address, and no more.
const maxFieldText = 120

// maxNames is a name as long as a handoff can bring it: 80 Han characters, a blank and 200 Latin ones.
const maxNames = 281

// fields are how each field is filled in. Those of kind radio and select have the options option.<name>.<value>.
var fields = map[string]field{
	"name":          {Kind: "text", Autocomplete: "name", Most: maxNames},
	"document":      {Kind: "text", Autocomplete: "off", Most: 32},
	"birth_date":    {Kind: "date", Autocomplete: "bday"},
	"issued_on":     {Kind: "date", Autocomplete: "off"},
	"phone":         {Kind: "tel", Autocomplete: "tel", Mode: "tel", Most: 20},
	"captcha":       {Kind: "text", Autocomplete: "off", Mode: "numeric", Most: 8},
	"sms_code":      {Kind: "text", Autocomplete: "one-time-code", Mode: "numeric", Most: 6},
	"address":       {Kind: "text", Autocomplete: "street-address"},
	"address_proof": {Kind: "tick"},
	"noticed":       {Kind: "tick"},
	"agree":         {Kind: "tick"},
	"verified":      {Kind: "tick"},
	"method":        {Kind: "radio", Options: values("resident-id", "home-return-permit", "chinese-passport")},
	"kind":          {Kind: "radio", Options: values("child", "elder")},
	"symptoms":      {Kind: "radio", Options: values("no", "yes")},
	"contact_14d":   {Kind: "radio", Options: values("no", "yes")},
	"travel_14d":    {Kind: "radio", Options: values("no", "yes")},
	"city":          {Kind: "select", Options: values(cities...)},
}

// cities are the 21 of Guangdong, by their official codes' order.
var cities = []string{
	"", "guangzhou", "shaoguan", "shenzhen", "zhuhai", "shantou", "foshan", "jiangmen", "zhanjiang", "maoming", "zhaoqing", "huizhou",
	"meizhou", "shanwei", "heyuan", "yangjiang", "qingyuan", "dongguan", "zhongshan", "chaozhou", "jieyang", "yunfu",
}

func values(all ...string) []option {
	made := make([]option, len(all))
	for i, one := range all {
		made[i] = option{Value: one}
	}
	return made
}

// Field is a field with its texts, what was filled in, and what is wrong with that.
func (s sheet) Field(name string) field {
	f := fields[name]
	f.Name, f.Value = name, s.form.Get(name)
	f.Label = s.Or("field."+name+"."+s.Counter, "field."+name)
	if s.Has("hint." + name) {
		f.Hint = s.T("hint." + name)
	}
	if s.Faults[name] != "" {
		f.Fault = s.T(s.Faults[name])
	}
	if f.Most == 0 {
		f.Most = maxFieldText
	}
	if f.Kind == "date" && len(f.Value) < len(time.DateOnly) && f.Value != "" {
		f.Kind = "text" // a browser's date field cannot hold a month or a year
	}
	options := make([]option, len(f.Options))
	for i, one := range f.Options {
		label := s.Or("option."+name+"."+one.Value, "option."+one.Value)
		options[i] = option{Value: one.Value, Label: label, Chosen: one.Value == f.Value}
	}
	f.Options = options
	return f
}

// Labelled is a field whose label is another text than usual.
func (s sheet) Labelled(name, label string) field {
	f := s.Field(name)
	f.Label = label
	return f
}

// FaultNames are the fields that are wrong, in the order of their names.
func (s sheet) FaultNames() []string {
	var names []string
	for name := range s.Faults {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Lines are the lines of a text, one for each point.
func (s sheet) Lines(id string) []string { return strings.Split(s.T(id), "\n") }

// said is a part of what a piece of evidence says; Whole: it stays on one line.
type said struct {
	Text  string
	Whole bool
}

// Fact is what a piece of evidence says, in words.
func (s sheet) Fact(piece fact) []said {
	all := []said{{Text: s.Or(fmt.Sprint("evidence.", piece["type"]), "evidence.other")}}
	for _, member := range []string{"result", "colour"} {
		if piece[member] != nil {
			all = append(all, said{Text: s.T(fmt.Sprint(member, ".", piece[member]))})
		}
	}
	if piece["doses"] != nil {
		all = append(all, said{Text: s.T("doses", "{n}", fmt.Sprint(piece["doses"]))})
	}
	for _, member := range []string{"risk_area_14d", "at_risk"} {
		if risk, there := piece[member].(bool); there {
			all = append(all, said{Text: s.T(map[bool]string{true: "risk.yes", false: "risk.no"}[risk])})
		}
	}
	for _, member := range []string{"sampled_at", "given_at", "as_of", "checked_at", "converted_at"} {
		if at, err := time.Parse(time.RFC3339, fmt.Sprint(piece[member])); err == nil {
			all = append(all, said{Text: s.Time(at), Whole: true})
		}
	}
	if piece["source"] == "paper" {
		all = append(all, said{Text: s.T("source.paper")})
	}
	return all
}
