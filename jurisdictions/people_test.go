package jurisdictions_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/jurisdictiontest"
)

// People as registries, keyboards and laboratories write them: what is written differently and means the same is read, and
// the record has one form of it.
func TestPeopleAreReadAsTheyAreWritten(t *testing.T) {
	han := func(r exchange.Record) string { return r.Holder.Name.Han }
	latin := func(r exchange.Record) string { return r.Holder.Name.Latin }
	born := func(r exchange.Record) string { return r.Holder.BirthDate.String() }
	laboratory := func(r exchange.Record) string { return r.Evidence[0].Institution }
	sampled := func(r exchange.Record) string { return r.Evidence[0].At.Format(time.RFC3339Nano) }
	day := func(r exchange.Record) string { return exchange.DateOf(r.Evidence[0].At).String() }
	port := func(r exchange.Record) string { return string(r.Port) }
	for _, test := range []struct {
		name   string
		change change
		got    func(exchange.Record) string
		want   string
	}{
		{"a katakana middle dot", with("holder.name.han", "阿卜杜拉\u30FB买买提"), han, "阿卜杜拉·买买提"},
		{"a bullet", with("holder.name.han", "阿卜杜拉\u2022买买提"), han, "阿卜杜拉·买买提"},
		{"a hyphenation point", with("holder.name.han", "阿卜杜拉\u2027买买提"), han, "阿卜杜拉·买买提"},
		{"a full-width dot", with("holder.name.han", "阿卜杜拉\uFF0E买买提"), han, "阿卜杜拉·买买提"},
		{"ideographic blanks", with("holder.name.han", "\u3000陳\u3000大文"), han, "陳 大文"},
		{"CJK Extension I", with("holder.name.han", "陳\U0002EBF0"), han, "陳\U0002EBF0"},
		{"CJK Extension J", with("holder.name.han", "陳\U000323B0"), han, "陳\U000323B0"},
		{"a Han name of 80 characters", with("holder.name.han", strings.Repeat("陳", 80)), han, strings.Repeat("陳", 80)},
		{"S/O", with("holder.name.latin", "MUTHU S/O RAMAN"), latin, "MUTHU S/O RAMAN"},
		{"a backtick", with("holder.name.latin", "D`SOUZA"), latin, "D'SOUZA"},
		{"a modifier apostrophe", with("holder.name.latin", "O\u02BCNEIL"), latin, "O'NEIL"},
		{"a typographic apostrophe", with("holder.name.latin", "O\u2019NEIL"), latin, "O'NEIL"},
		{"U+2010", with("holder.name.latin", "ANA\u2010MARIA"), latin, "ANA-MARIA"},
		{"full-width Latin", with("holder.name.latin", "ＣＨＡＮ　ＴＡＩ"), latin, "CHAN TAI"},
		{"decomposed", with("holder.name.latin", "JOSE\u0301"), latin, "JOSÉ"},
		{"blanks at the ends and two between", with("holder.name.latin", " CHAN  TAI "), latin, "CHAN TAI"},
		{"a Latin name of 200 characters", with("holder.name.latin", strings.Repeat("A", 200)), latin, strings.Repeat("A", 200)},

		{"a laboratory with signs", with("evidence[0].institution", "Lab + № 1 ① 37°"), laboratory, "Lab + No 1 1 37°"},
		{"a laboratory in full-width letters", with("evidence[0].institution", "ＫＩＮＧＭＥＤ　実験室 ラボ "), laboratory, "KINGMED 実験室 ラボ"},
		{"a laboratory with what cannot be seen", with("evidence[0].institution", "鏡湖\u200B\u202E醫院\n"), laboratory, "鏡湖醫院"},
		{"a laboratory of 300 characters", with("evidence[0].institution", strings.Repeat("院", 300)), laboratory, strings.Repeat("院", 200)},
		{"a laboratory without a name", with("evidence[0].institution", " "), laboratory, ""},

		{"born in a year", with("holder.birth_date", "1950"), born, "1950"},
		{"born in a year, with zeros", with("holder.birth_date", "1950-00-00"), born, "1950"},
		{"born in a month", with("holder.birth_date", "1950-07"), born, "1950-07"},
		{"born in a month, with zeros", with("holder.birth_date", "1950-07-00"), born, "1950-07"},

		{"an optional member that is null", with("port", nil), port, ""},
		{"a leap second keeps its day", with("evidence[0].sampled_at", "2026-11-20T23:59:60+08:00"), day, "2026-11-20"},
		{"a small t and z", with("evidence[0].sampled_at", "2026-11-20t23:59:59z"), sampled, "2026-11-20T23:59:59Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newReader(t)
			record, err := r.read(test.change(r.specimen()))
			if err != nil {
				t.Fatal(err)
			}
			if got := test.got(record); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// Whoever is known to have been born in 1950 may have been born on its last day, and is taken to be as young as that.
func TestAgesTakeTheYoungestReading(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, exchange.Zone)
	for born, want := range map[string]int{"1950": 75, "1950-11": 75, "1950-10": 76, "1950-00-00": 75, "2012": 13, "2012-11": 13, "2026": 0, "2012-02": 14} {
		date, err := exchange.ParseBirthDate(born)
		if err != nil {
			t.Fatal(err)
		}
		if got := (exchange.Holder{BirthDate: date}).Age(now); got != want {
			t.Errorf("born %s: %d, want %d", born, got, want)
		}
	}
	for _, born := range []string{"", "00", "195", "1950-13", "1950-00-05", "1950-7", "0000", "1950-00-00-00"} {
		if date, err := exchange.ParseBirthDate(born); err == nil && date.Year > 0 {
			t.Errorf("%q is read as %s", born, date)
		}
	}
}

// What an ID and a birth date both know must agree; what one of them does not know cannot disagree.
func TestAnIDAndAPartlyKnownBirthDate(t *testing.T) {
	for born, good := range map[string]bool{"1990": true, "1990-03": true, "1990-03-07": true, "1991": false, "1990-04": false, "1990-03-08": false} {
		r := newReader(t)
		change := both(with("holder.birth_date", born), with("holder.documents[0]", map[string]any{"type": "resident-id", "number": "11010119900307803X"}))
		if _, err := r.read(change(r.specimen())); (err == nil) != good {
			t.Errorf("born %s: %v, want good: %t", born, err, good)
		}
	}
}

// Two weeks of daily tests of two kinds and all else that a source may know: none of it has to be dropped, not even where a library
// writes each ideograph as an escape of six bytes, and the holder has three documents and the longest names.
func TestSixtyFourPiecesOfEvidence(t *testing.T) {
	r := newReader(t)
	evidence := []any{}
	for i := range jurisdictions.MaxEvidence {
		kind := []string{"nucleic-acid", "rapid-antigen"}[i%2]
		at := madeAt.Add(-time.Duration(i+1) * 12 * time.Hour)
		evidence = append(evidence, map[string]any{
			"type": kind, "result": "negative", "sampled_at": at.Format(time.RFC3339), "source": "electronic",
			"institution": "澳門特別行政區政府衛生局疾病預防控制中心公共衛生化驗所核酸檢測實驗室（氹仔）",
		})
	}
	change := both(with("evidence", evidence), with("holder.name.han", strings.Repeat("陳", jurisdictions.MaxHanName)),
		with("holder.name.latin", strings.Repeat("Ã", jurisdictions.MaxLatinName)))
	claims := jurisdictiontest.Claims(change(r.specimen()))
	for name, data := range map[string][]byte{"as UTF-8": claims.JSON, "as escapes": escaped(claims.JSON)} {
		record, err := jurisdictions.Read(exchange.Claims{Issuer: claims.Issuer, JSON: data}, r.vocabulary, r.consents)
		if err != nil || len(record.Evidence) != jurisdictions.MaxEvidence {
			t.Errorf("%s, %d bytes of claims: %d pieces, %v", name, len(data), len(record.Evidence), err)
		}
		t.Logf("%s: %d bytes of claims, the limit is %d", name, len(data), jurisdictions.MaxClaims)
	}
}

// escaped writes every character beyond ASCII as \uXXXX, like Python's json.dumps.
func escaped(data []byte) []byte {
	var text []byte
	for _, unit := range string(data) {
		if unit < utf8.RuneSelf {
			text = append(text, byte(unit))
			continue
		}
		for _, half := range utf16.Encode([]rune{unit}) {
			text = fmt.Appendf(text, "\\u%04x", half)
		}
	}
	return text
}

// A back-end team is told everything at once, each with its pointer, and the first is what the gateway answers with.
func TestAllFaultsAreToldAtOnce(t *testing.T) {
	r := newReader(t)
	change := both(with("holder.name.latin", "СHAN"), without("health.as_of"), with("evidence[0].result", "阴性"),
		with("holder.documents[0].number", "M1"), with("channel", "fax"), with("quota", 7), without("consent.separate"))
	claims := jurisdictiontest.Claims(change(r.specimen()))
	_, faults := jurisdictions.ReadAll(claims, r.vocabulary, r.consents)
	var pointers []string
	for _, fault := range faults {
		pointers = append(pointers, fault.Pointer)
		if strings.Contains(fault.Why, "СHAN") || strings.Contains(fault.Why, "阴性") {
			t.Errorf("%s repeats a value: %s", fault.Pointer, fault.Why)
		}
	}
	want := "/channel /holder/name/latin /holder/documents/0/number /consent/separate /health/as_of /evidence/0/result "
	if got := strings.Join(pointers, " "); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	claims.JSON = []byte("[]")
	if _, faults := jurisdictions.ReadAll(claims, r.vocabulary, r.consents); len(faults) != 1 || faults[0].Pointer != "" {
		t.Errorf("a list for claims: %v", faults)
	}
}
