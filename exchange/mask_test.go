package exchange_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"crosscode/exchange"
)

func TestMaskedNames(t *testing.T) {
	for _, test := range []struct{ han, latin, want string }{
		{"陳大文", "CHAN TAI MAN", "陳*文 CHAN T* M*"},
		{"陳文", "", "陳*"},
		{"陳", "", "陳*"},
		{"歐陽大文", "", "歐*文"},
		{"", "CHAN TAI MAN", "CHAN T* M*"},
		{"", "SUHARTO", "S*"},
		{"", "ANA MARIA  DA SILVA", "ANA M* D* S*"},
		{"", "", ""},
		{"陳大文", "WOLFESCHLEGELSTEINHAUSEN TAI", "陳*文 WOLFESCHLEGELST*"},
		{"阿卜杜拉·买买提", "", "阿*提"},
		{"阿卜杜热合曼·买买提", "ABUDUREHEMANMAIMAITI MAIMAITI", "阿*提 ABUDUREHEMANMAI*"},
		{"瑪利亞", "MARIA MADALENA MARGARIDA MATILDE MENDES", "瑪*亞 MARIA M* M* M*"},
		{"", "MARIA MADALENA MARGARIDA MATILDE MENDES", "MARIA M* M* M* M*"},
		// Issue 8: these were cut to "阿*提 ABUDUREHEMANMAIM" and "瑪*亞 MARIA M* M* M* M", as if they were whole.
		{"阿卜杜热合曼麦麦提", "ABUDUREHEMANMAIMAITI AILI", "阿*提 ABUDUREHEMANMAI*"},
		{"瑪利亞", "MARIA MADALENA MARGARIDA MATILDE MENDES MORAIS", "瑪*亞 MARIA M* M* M*"},
		{"", "S", "S*"},
		{"", "MUTHU S/O RAMAN", "MUTHU S* R*"},
		{"阿·", "", "阿*"},
		{`陳"大\文`, "CHAN \"TAI\" MAN", "陳*文 CHAN T* M*"},
	} {
		if got := (exchange.Name{Han: test.han, Latin: test.latin}).Mask(); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.han, test.latin, got, test.want)
		}
	}
}

func TestMaskedDocuments(t *testing.T) {
	for number, want := range map[string]string{
		"M12345678": "M****5678", "11010119900307803X": "1****803X", "12345678": "1****5678", "A123456": "****56",
		"1": "****1", "": "", "AB": "****AB",
	} {
		if got := (exchange.Document{Number: number}).Mask(); got != want {
			t.Errorf("%q: %q, want %q", number, got, want)
		}
	}
}

// Whatever a side lets through as a name or a number, a code has room for its mask.
func TestMasksFitACode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := exchange.Name{Han: rapid.String().Draw(t, "han"), Latin: rapid.String().Draw(t, "latin")}
		masked := name.Mask()
		written, err := json.Marshal(masked)
		if err != nil || !utf8.ValidString(masked) {
			t.Fatalf("%q: %v", masked, err)
		}
		// Of <, > and &, which this encoder escapes and the drafts' does not, there is one byte each.
		plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(written))
		if len(plain) > exchange.MaxShownName+2 {
			t.Fatalf("%q takes %d bytes, want at most %d", masked, len(plain)-2, exchange.MaxShownName)
		}
		number := exchange.Document{Number: rapid.String().Draw(t, "number")}.Mask()
		if utf8.RuneCountInString(number) > 9 || !utf8.ValidString(number) {
			t.Fatalf("masked number %q", number)
		}
	})
}

// formerMask is the mask of the first version: the same words, cut at MaxShownName bytes wherever that fell.
func formerMask(name exchange.Name) string {
	han, latin := []rune(name.Han), strings.Fields(name.Latin)
	text := ""
	switch {
	case len(han) > 2:
		text = string(han[0]) + "*" + string(han[len(han)-1])
	case len(han) > 0:
		text = string(han[0]) + "*"
	}
	for i, word := range latin {
		if i > 0 || len(latin) == 1 {
			first, _ := utf8.DecodeRuneInString(word)
			word = string(first) + "*"
		}
		text += " " + word
	}
	text = strings.TrimSpace(text)
	for len(text) > exchange.MaxShownName {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return strings.TrimSpace(text)
}

// registeredNames are as registries have them, and mixed: Han of every plane with separators, Latin of every length with accents.
func registeredNames() *rapid.Generator[exchange.Name] {
	han := rapid.StringOfN(rapid.SampledFrom([]rune("陳大文歐陽阿卜杜拉买提䶮𠮷𱍐·- ()")), 0, 12, -1)
	word := rapid.StringOfN(rapid.SampledFrom([]rune("ABCDEFMNRÃÉạỄ'-./,()·")), 1, 30, -1)
	anything := rapid.StringOfN(rapid.SampledFrom([]rune("陳·𠮷AéỄ -'")), 0, 40, -1)
	return rapid.Custom(func(t *rapid.T) exchange.Name {
		if rapid.Bool().Draw(t, "mixed") {
			return exchange.Name{Han: anything.Draw(t, "han"), Latin: anything.Draw(t, "latin")}
		}
		return exchange.Name{Han: strings.TrimSpace(han.Draw(t, "han")), Latin: strings.Join(rapid.SliceOfN(word, 0, 6).Draw(t, "words"), " ")}
	})
}

// The mask shows nothing that the first version did not, is cut at a word, and has a star wherever something is missing.
func TestAMaskRevealsNoMoreThanBefore(t *testing.T) {
	letters := strings.NewReplacer("*", "", " ", "")
	rapid.Check(t, func(t *rapid.T) {
		name := registeredNames().Draw(t, "name")
		mask, former := name.Mask(), formerMask(name)
		if !strings.HasPrefix(letters.Replace(former), letters.Replace(mask)) {
			t.Fatalf("%+v: %q, before %q: it shows another character", name, mask, former)
		}
		latin := strings.Fields(strings.TrimPrefix(mask, exchange.Name{Han: name.Han}.Mask()))
		whole := strings.Fields(name.Latin)
		if letters.Replace(mask) != letters.Replace(name.Han+name.Latin) && !strings.Contains(mask, "*") {
			t.Fatalf("%+v: %q looks like a whole name", name, mask)
		}
		switch {
		case len(whole) == 0:
			if len(latin) != 0 {
				t.Fatalf("%+v: %q has words of nobody", name, mask)
			}
		case len(latin) < len(whole) && !strings.HasSuffix(mask, "*"):
			t.Fatalf("%+v: %q lacks words, and does not say so", name, mask)
		case len(latin) > 1 && latin[0] != whole[0]:
			t.Fatalf("%+v: %q is not cut at a word", name, mask)
		case len(latin) == 1 && !strings.HasPrefix(whole[0], strings.TrimSuffix(latin[0], "*")):
			t.Fatalf("%+v: %q is not the beginning of the first word", name, mask)
		}
		for _, initial := range latin[min(1, len(latin)):] {
			if utf8.RuneCountInString(initial) != 2 || !strings.HasSuffix(initial, "*") {
				t.Fatalf("%+v: %q has more of a word than its initial", name, mask)
			}
		}
	})
}
