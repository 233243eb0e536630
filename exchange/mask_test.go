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
