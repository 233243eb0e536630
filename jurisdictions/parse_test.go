package jurisdictions

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"crosscode/exchange"
)

func demonstration(t testing.TB) *Book {
	t.Helper()
	return parsed(t, string(bookFile(t, "demonstration.yaml")))
}

func bookFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "books", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parsed(t testing.TB, text string) *Book {
	t.Helper()
	book, err := Parse("book.yaml", []byte(text), "macau")
	if err != nil {
		t.Fatalf("faults:\n%v", err)
	}
	return book
}

func faultsOf(t testing.TB, text string) Faults {
	t.Helper()
	_, err := Parse("book.yaml", []byte(text), "macau")
	var faults Faults
	if err != nil && !errors.As(err, &faults) {
		t.Fatalf("not Faults: %v", err)
	}
	return faults
}

func TestTheDemonstrationBookIsFaultless(t *testing.T) {
	if faults := demonstration(t).Lint(); len(faults) > 0 {
		t.Errorf("lint:\n%v", faults)
	}
}

// TestEveryFaultIsFoundAtOnce holds what Parse finds to the "# fault:" comments of each file, both ways.
func TestEveryFaultIsFoundAtOnce(t *testing.T) {
	files, err := filepath.Glob("testdata/books/faults/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors (%v)", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found := faultsOf(t, string(data))
			if !slices.IsSortedFunc(found, func(a, b Fault) int { return a.Line - b.Line }) {
				t.Error("faults are not sorted by line")
			}
			for _, missing := range unmatched(&found, expected(string(data))) {
				t.Errorf("not found: %v", missing)
			}
			for _, fault := range found {
				t.Errorf("not expected: %v", fault)
			}
		})
	}
}

// expected reads the comments; a Fault's message is then a part of what must be found.
func expected(text string) Faults {
	var faults Faults
	for i, line := range strings.Split(text, "\n") {
		if _, comment, found := strings.Cut(line, "# fault: "); found {
			for _, message := range strings.Split(comment, " | ") {
				faults = append(faults, Fault{Line: i + 1, Message: message})
			}
		}
	}
	return faults
}

// unmatched takes every wanted fault out of found and gives those that were not there.
func unmatched(found *Faults, wanted Faults) Faults {
	return slices.DeleteFunc(wanted, func(want Fault) bool {
		i := slices.IndexFunc(*found, func(got Fault) bool {
			return got.Line == want.Line && strings.Contains(got.Message, want.Message)
		})
		if i >= 0 {
			*found = slices.Delete(*found, i, i+1)
		}
		return i >= 0
	})
}

func TestWhatIsNoRulebookAtAll(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"an empty file":            {"", "book.yaml: not YAML: empty"},
		"comments alone":           {"# nothing\n", "book.yaml: not YAML: empty"},
		"broken YAML":              {"side: macau\n\t- x", "book.yaml:2: not YAML: found a tab character that violates indentation"},
		"bytes that are not UTF-8": {"side: \xff", "book.yaml: not UTF-8"},
		"two documents":            {"side: macau\nrules: {}\nversions: [{}]\n---\nside: macau\n", "book.yaml:4: a second document: a file holds one"},
		"a list":                   {"- side", "book.yaml:1: file: want a mapping"},
		"another side's":           {"side: hongkong", "book.yaml:1: file.side: want macau"},
		"a file of over 1 MiB":     {strings.Repeat("#", maxFile+1), fmt.Sprintf("book.yaml: larger than %d bytes", maxFile)},
		"an undefined alias":       {"side: *nobody", "book.yaml: not YAML: unknown anchor 'nobody' referenced"},
		"no versions":              {"side: macau\nrules: {}\nversions: []", "book.yaml:3: versions: none"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := faultsOf(t, test.text).Error(); !strings.Contains(got, test.want) {
				t.Errorf("got\n%s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAFileOfExactlyOneMebibyteIsRead(t *testing.T) {
	text := string(bookFile(t, "demonstration.yaml")) + "#"
	parsed(t, text+strings.Repeat("x", maxFile-len(text)))
}

func TestAliasesCannotUnfoldWithoutEnd(t *testing.T) {
	text := "side: macau\nrules: {}\nversions:\n- &v {green: &g [" + strings.Repeat("{rule: a}, ", 500) + "], entry: {}}\n"
	faults := faultsOf(t, text+strings.Repeat("- *v\n", 2000))
	if !strings.Contains(faults.Error(), "unfolds to more than 200000 values") {
		t.Errorf("got %d faults, none of them the bound", len(faults))
	}
	if got := faultsOf(t, "side: macau\nrules: &r {<<: *r}\nversions: []").Error(); !strings.Contains(got, "merges more than 8 deep") {
		t.Errorf("a merge of itself: got\n%s", got)
	}
}

func TestLintFindsWhatExamplesDoNotShow(t *testing.T) {
	text := string(bookFile(t, "demonstration.yaml"))
	for name, test := range map[string]struct{ old, new, want string }{
		"a rule that stumbles over other evidence": {
			`evidence.exists(e, e.type == "rapid-antigen" && e.result == "negative"`,
			`evidence.all(e, e.result != "positive") && evidence.exists(e, e.type == "rapid-antigen"`,
			`an error when there is also city-code evidence: evidence.result is not known`,
		},
		"green rules that are content with nothing": {
			"    green: &green\n      - {rule: green.colour}\n      - {rule: green.as-of, with: {minutes: 15}}",
			"    green: &green\n      - {rule: green.colour, off: true}\n      - {rule: green.as-of, with: {minutes: 15}, off: true}",
			"version macau/2021-06-08T10:00+08:00: green for a holder of whom nothing is known",
		},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(text, test.old, test.new, 1)
			if changed == text {
				t.Fatal("nothing was changed")
			}
			if got := parsed(t, changed).Lint().Error(); !strings.Contains(got, test.want) {
				t.Errorf("got\n%s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAFaultIsPrintedAsCompilersDo(t *testing.T) {
	faults := Faults{{"b.yaml", 2, "second"}, {"b.yaml", 1, "first"}, {"b.yaml", 2, "second"}, {"b.yaml", 0, "whole file"}}
	if got, want := faults.sorted().Error(), "b.yaml: whole file\nb.yaml:1: first\nb.yaml:2: second"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := (Faults{}).orNil(); err != nil {
		t.Errorf("no fault is an error: %v", err)
	}
}

// TestTheEngineKnowsTheEvidenceThatIsRead keeps the reading of packets and the rules from drifting apart.
func TestTheEngineKnowsTheEvidenceThatIsRead(t *testing.T) {
	if got := evidenceTypes(); !slices.Equal(got, evidenceNames) {
		t.Errorf("rules know %v, packets may hold %v", got, evidenceNames)
	}
}

func TestWhatIsBuiltInKeepsToTheListsOfRulebooks(t *testing.T) {
	book := demonstration(t)
	route := exchange.Route{From: "guangdong", To: "macau"}
	for _, v := range []*version{nil, {closed: true}, {unknown: true}, {entry: map[string]*entry{route.String(): {gap: &gap{}}}}} {
		for _, outcome := range book.shut(v, partEntry, route).Outcomes {
			if short := strings.TrimPrefix(outcome.Rule, "macau."); !slices.Contains(builtInRules, short) {
				t.Errorf("%s is not kept for the engine", outcome.Rule)
			}
			if !slices.Contains(Categories(), outcome.Category) || !slices.Contains(exchange.Refusals(), outcome.Reason) {
				t.Errorf("%s: category %q, reason %q", outcome.Rule, outcome.Category, outcome.Reason)
			}
		}
	}
	for _, text := range []exchange.Text{
		adviceNotConfigured.Title, adviceNotConfigured.Remedy, adviceNotConfigured.Contact, adviceGap.Title, adviceGap.Remedy,
		adviceGap.Contact,
	} {
		if missing := text.Missing(); len(missing) > 0 {
			t.Errorf("built-in advice lacks %v", missing)
		}
	}
}

// FuzzParse: whatever the bytes, Parse gives a book or faults, and a book can be asked. Fuzz it with -fuzzminimizetime 1x:
// CEL's pools make coverage vary from run to run, and minimising would take all the time.
func FuzzParse(f *testing.F) {
	seeds, err := filepath.Glob("testdata/books/*.yaml")
	vectors, err2 := filepath.Glob("testdata/books/faults/*.yaml")
	if seeds = append(seeds, vectors...); errors.Join(err, err2) != nil || len(seeds) < 2 {
		f.Fatalf("no seeds: %v", errors.Join(err, err2))
	}
	for _, seed := range seeds {
		data, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		book, err := Parse("fuzz.yaml", data, "macau")
		var faults Faults
		if err != nil && (!errors.As(err, &faults) || len(faults) == 0) {
			t.Fatalf("an error without faults: %v", err)
		}
		if err == nil {
			record := passingRecord()
			book.Green(record, record.IssuedAt)
			book.Admit(record, record.Route, record.IssuedAt)
			book.Lint()
			book.Versions()
		}
	})
}
