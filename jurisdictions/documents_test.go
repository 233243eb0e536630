package jurisdictions_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"crosscode/exchange"
	"crosscode/jurisdictions"
)

func embeddedDocuments(t testing.TB) jurisdictions.Documents {
	t.Helper()
	documents, err := jurisdictions.LoadDocuments(jurisdictions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

// documentVector is one line of testdata/documents: a number, a birth date and what comes of it.
type documentVector struct {
	place, kind, number string
	born                exchange.Date
	canonical, says     string
}

func documentVectors(t *testing.T) []documentVector {
	t.Helper()
	files, err := filepath.Glob("testdata/documents/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("testdata/documents has %d files, want one for each type", len(files))
	}
	var vectors []documentVector
	for _, file := range files {
		kind := strings.TrimSuffix(filepath.Base(file), ".txt")
		for i, line := range strings.Split(readFile(t, file), "\n") {
			if named, is := strings.CutPrefix(line, "type: "); is {
				kind = named
			} else if line != "" && !strings.HasPrefix(line, "#") {
				vectors = append(vectors, parseDocumentVector(t, kind, file+":"+strconv.Itoa(i+1), line))
			}
		}
	}
	return vectors
}

func parseDocumentVector(t *testing.T, kind, place, line string) documentVector {
	t.Helper()
	vector := documentVector{place: place, kind: kind, born: exchange.Date{Year: 1990, Month: 1, Day: 2}}
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		t.Fatalf("%s: %v", place, err)
	}
	vector.number, _ = strconv.Unquote(quoted)
	columns := strings.SplitN(line[len(quoted):], "|", 3)
	if born := strings.TrimSpace(columns[1]); born != "-" {
		if vector.born, err = exchange.ParseDate(born); err != nil {
			t.Fatalf("%s: %v", place, err)
		}
	}
	switch expect := strings.TrimSpace(columns[2]); expect[:2] {
	case "= ":
		vector.canonical = expect[2:]
	case "! ":
		vector.says = expect[2:]
	default:
		t.Fatalf("%s: expects neither a number nor an error", place)
	}
	return vector
}

func readFile(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestDocumentVectors(t *testing.T) {
	documents, seen := embeddedDocuments(t), map[string]bool{}
	for _, vector := range documentVectors(t) {
		got, err := documents.Parse(vector.kind, vector.number, vector.born)
		seen[vector.kind] = true
		switch {
		case vector.says == "" && (err != nil || got != exchange.Document{Type: vector.kind, Number: vector.canonical}):
			t.Errorf("%s: got %+v, %v, want %s", vector.place, got, err, vector.canonical)
		case vector.says != "" && (err == nil || !strings.Contains(err.Error(), vector.says)):
			t.Errorf("%s: got %+v, %v, want an error about %q", vector.place, got, err, vector.says)
		case errors.Is(err, jurisdictions.ErrDocumentFormat) || errors.Is(err, jurisdictions.ErrDocumentChecksum):
			if !strings.Contains(err.Error(), ": want ") || len(vector.number) > 3 && strings.Contains(err.Error(), vector.number) {
				t.Errorf("%s: %v, want the form that is wanted, and not the number", vector.place, err)
			}
		case err != nil && len(vector.number) > 3 && strings.Contains(err.Error(), vector.number):
			t.Errorf("%s: the error repeats the number", vector.place)
		}
	}
	for kind := range documents {
		if !seen[kind] {
			t.Errorf("no vector tries %s", kind)
		}
	}
}

func TestNumberAtItsLengthCap(t *testing.T) {
	documents := embeddedDocuments(t)
	padding := strings.Repeat(" ", jurisdictions.MaxDocumentNumber-len("M12345678"))
	if _, err := documents.Parse("home-return-permit", "M12345678"+padding, exchange.Date{}); err != nil {
		t.Errorf("a number of %d characters: %v", jurisdictions.MaxDocumentNumber, err)
	}
	if _, err := documents.Parse("home-return-permit", "M12345678 "+padding, exchange.Date{}); err == nil {
		t.Errorf("a number of %d characters was taken", jurisdictions.MaxDocumentNumber+1)
	}
}

// A mistyped digit must never make a number of somebody else: both check digits catch every single change.
func TestSingleChangedDigitIsCaught(t *testing.T) {
	documents := embeddedDocuments(t)
	valid := map[string][]string{}
	for _, vector := range documentVectors(t) {
		if vector.canonical != "" {
			valid[vector.kind] = append(valid[vector.kind], vector.canonical)
		}
	}
	for _, kind := range []string{"resident-id", "residence-permit", "hkid"} {
		rapid.Check(t, func(t *rapid.T) {
			number := []byte(rapid.SampledFrom(valid[kind]).Draw(t, "number"))
			place := rapid.IntRange(0, len(number)-1).Draw(t, "place")
			digits := strings.ReplaceAll("0123456789XA", string(number[place]), "")
			if kind == "hkid" && number[place] >= 'B' {
				return // the property is of digits; a changed letter is caught only mostly
			}
			number[place] = rapid.SampledFrom([]byte(digits)).Draw(t, "digit")
			if _, err := documents.Parse(kind, string(number), bornIn(string(number))); err == nil {
				t.Fatalf("%s was taken with place %d changed", kind, place)
			}
		})
	}
}

// bornIn is the birth date that a resident's number claims, so that only the check digit can catch a change in it.
func bornIn(number string) exchange.Date {
	if len(number) != 18 {
		return exchange.Date{}
	}
	digits := number[6:14]
	date, _ := exchange.ParseDate(digits[:4] + "-" + digits[4:6] + "-" + digits[6:])
	return date
}

// Any resident's number with the right check digit is read, whatever its area, day and sequence.
func TestResidentNumberWithItsOwnCheckDigitIsTaken(t *testing.T) {
	documents := embeddedDocuments(t)
	rapid.Check(t, func(t *rapid.T) {
		area := rapid.SampledFrom([]string{"110101", "440301", "500154", "659001"}).Draw(t, "area")
		day := rapid.Int64Range(0, 40_000).Draw(t, "day")
		born := exchange.DateOf(exchange.Date{Year: 1900, Month: 1, Day: 1}.Start().AddDate(0, 0, int(day)))
		body := area + strings.ReplaceAll(born.String(), "-", "") + rapid.StringMatching(`[0-9]{3}`).Draw(t, "sequence")
		taken := 0
		for _, check := range "0123456789X" {
			if _, err := documents.Parse("resident-id", body+string(check), born); err == nil {
				taken++
			}
		}
		if taken != 1 {
			t.Fatalf("%d check digits were taken, want exactly one", taken)
		}
	})
}

func TestDocumentFormatsOfTheOperatorTakeThePlaceOfOurs(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, jurisdictions.DocumentsFile)
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("documents:\n  - {type: macau-passport, pattern: 'M[AB][0-9]{7}', form: MA or MB and seven digits, source: a notice, confidence: official}\n")
	documents, err := jurisdictions.LoadDocuments(jurisdictions.Options{Overrides: folder})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := documents.Parse("macau-passport", "MB1234567", exchange.Date{}); err != nil {
		t.Errorf("the operator's format was not used: %v", err)
	}
	write("documents:\n  - {type: macau-passport, pattern: 'M[', form: none, check: luhn, source: a notice, confidence: rumour, colour: red}\n")
	_, err = jurisdictions.LoadDocuments(jurisdictions.Options{Overrides: folder})
	for _, want := range []string{file + ":2:", "RE2", "luhn", "rumour", "colour"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a bad file: %v, want all faults, %q among them", err, want)
		}
	}
}

// Every type says whose home it tells, alone and beside others; the home return permit decides by its first letter.
func TestHomeIsWhatTheDocumentsSay(t *testing.T) {
	documents := embeddedDocuments(t)
	alone := map[string]string{
		"resident-id 110101199001022016": "mainland", "travel-permit C12345678": "mainland", "chinese-passport E12345678": "mainland",
		"residence-permit 810000199408230021": "hongkong", "home-return-permit H12345678": "hongkong", "home-return-permit M12345678": "macau",
		"home-return-permit HA1234567": "hongkong", "home-return-permit MA1234567": "macau", "hk-passport K12345678": "hongkong",
		"macau-passport MA1234567": "macau", "hkid A1234563": "hongkong", "macau-bir 12345678": "macau", "foreign-passport X1234567": "foreign",
		"taiwan-permit 12345678": "taiwan", "other PAPER0001": "",
	}
	parse := func(text string) exchange.Document {
		kind, number, _ := strings.Cut(text, " ")
		born := exchange.Date{Year: 1990, Month: 1, Day: 2}
		if kind == "residence-permit" {
			born = exchange.Date{Year: 1994, Month: 8, Day: 23}
		}
		document, err := documents.Parse(kind, number, born)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return document
	}
	seen := map[string]bool{}
	for text, want := range alone {
		document := parse(text)
		seen[document.Type] = true
		if got := documents.Home([]exchange.Document{document}); got != want || want != "" && !slices.Contains(jurisdictions.Homes(), want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
		for other := range alone {
			permit := parse("home-return-permit M12345678")
			if beside := parse(other); beside.Type != permit.Type {
				if got := documents.Home([]exchange.Document{beside, permit}); got != "macau" {
					t.Errorf("a Macau permit beside %s: %q", other, got)
				}
			}
		}
	}
	for kind := range documents {
		if !seen[kind] {
			t.Errorf("%s: nobody says whose home it tells", kind)
		}
	}
	for together, want := range map[string]string{
		"macau-bir 12345678,hkid A1234563": "", "hkid A1234563,macau-bir 12345678": "", "hkid A1234563,macau-bir 12345678,hk-passport K12345678": "",
		"macau-bir 12345678,foreign-passport X1234567": "macau", "resident-id 110101199001022016,travel-permit C12345678": "mainland",
		"home-return-permit H12345678,taiwan-permit 12345678": "hongkong", "residence-permit 810000199408230021,taiwan-permit 12345678": "", "hkid A1234563,chinese-passport E12345678": "hongkong", "": "",
	} {
		var list []exchange.Document
		for _, text := range strings.FieldsFunc(together, func(r rune) bool { return r == ',' }) {
			list = append(list, parse(text))
		}
		if got := documents.Home(list); got != want {
			t.Errorf("%s: %q, want %q", together, got, want)
		}
	}
}

// Whoever sends a number in another form is told which form is wanted, for every type.
func TestARefusedNumberIsToldItsForm(t *testing.T) {
	documents := embeddedDocuments(t)
	for kind := range documents {
		_, err := documents.Parse(kind, "?", exchange.Date{})
		if err == nil || !strings.Contains(err.Error(), ": want ") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
