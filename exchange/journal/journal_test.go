package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosscode/exchange"
	"crosscode/exchange/exchangetest"
)

func TestJournal(t *testing.T) {
	exchangetest.Journal(t, func(t *testing.T) (exchange.Journal, func() []exchange.Entry) {
		path := fresh(t)
		file := reopen(t, path)
		t.Cleanup(func() {
			if _, err := VerifyFile(path); err != nil {
				t.Error(err)
			}
		})
		return file, func() []exchange.Entry { return entries(t, path) }
	})
}

func fresh(t testing.TB) string { return filepath.Join(t.TempDir(), "journal.jsonl") }

func reopen(t testing.TB, path string, options ...Option) *File {
	t.Helper()
	file, err := Open(path, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func entries(t testing.TB, path string) []exchange.Entry {
	t.Helper()
	var found []exchange.Entry
	for sealed := range bytes.Lines(read(t, path)) {
		line, _, err := open(sealed)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, line.At)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, exchange.Entry{
			Event: line.Event, At: at, Receipt: line.Receipt, Route: line.Route, Port: line.Port, Rulebooks: line.Rulebooks,
			Rules: line.Rules, Reason: line.Reason, KeyIDs: line.KeyIDs,
		})
	}
	return found
}

func entry(event exchange.Event) exchange.Entry {
	return exchange.Entry{
		Event: event, At: exchangetest.Start.UTC(), Receipt: "AAAAAAAAAAAAAAAAAAAAAA", Route: "macau-guangdong", Port: "gongbei",
		Rulebooks: []string{"macau/2026-01-01T00:00+08:00"}, Rules: []string{"macau.green.colour"},
		Reason: exchange.NotGreen, KeyIDs: []string{"receipt.1.AbCdEf"},
	}
}

// written is a closed journal of so many lines: intent, issued, intent, issued, …
func written(t testing.TB, lines int) string {
	t.Helper()
	path := fresh(t)
	file, err := Open(path, Sync(false))
	if err != nil {
		t.Fatal(err)
	}
	fill(t, file, lines)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func fill(t testing.TB, file *File, lines int) {
	t.Helper()
	for i := range lines {
		event := []exchange.Event{exchange.EventIntent, exchange.EventIssued}[i%2]
		if err := file.Intend(context.Background(), entry(event)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALineReadsAsItIsDocumented(t *testing.T) {
	path := written(t, 1)
	want := `{"seq":1,"at":"2026-11-22T10:00:00+08:00","event":"intent","receipt":"AAAAAAAAAAAAAAAAAAAAAA",` +
		`"route":"macau-guangdong","port":"gongbei","rulebooks":["macau/2026-01-01T00:00+08:00"],` +
		`"rules":["macau.green.colour"],"reason":"not-green","kids":["receipt.1.AbCdEf"],"prev":"` + genesis + `","hash":"`
	if got := string(read(t, path)); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\"}\n") {
		t.Errorf("line 1 = %s\nwant        %s…", got, want)
	}
}

func TestBothFilesAreForTheOwnerOnly(t *testing.T) {
	path := written(t, 1)
	for _, name := range []string{path, path + headSuffix} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", filepath.Base(name), info.Mode(), err)
		}
	}
	if err := os.Chmod(path, 0o622); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("Open of a journal that others can write = %v, want what to do", err)
	}
}

func TestOnlyOneProcessWritesAJournal(t *testing.T) {
	path := fresh(t)
	reopen(t, path)
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second Open = %v, want that it is in use", err)
	}
}

func TestAJournalGoesOnWhereItEnded(t *testing.T) {
	path := fresh(t)
	for want := 4; want <= 12; want += 4 {
		file, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, file, 4)
		if err := errors.Join(file.Close(), file.Close()); err != nil {
			t.Fatal(err)
		}
		summary, err := VerifyFile(path)
		if err != nil || summary.Lines != want || summary.Open() != 0 || summary.Issued != want/2 {
			t.Errorf("%+v, %v, want %d lines", summary, err, want)
		}
	}
}

func TestAClosedJournalIsUnavailable(t *testing.T) {
	file := reopen(t, fresh(t))
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	err := file.Intend(t.Context(), entry(exchange.EventIntent))
	if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable {
		t.Errorf("Intend = %v, want %s", err, exchange.Unavailable)
	}
}

// Verify must find every change, whatever the place, and name its line. Ten lines; the damage is done to their bytes.
func TestVerifyFinds(t *testing.T) {
	path := written(t, 10)
	lines := slices.Collect(bytes.Lines(read(t, path)))
	without := func(from, to int) [][]byte { return slices.Concat(lines[:from], lines[to:]) }
	swapped := slices.Clone(lines)
	swapped[4], swapped[5] = swapped[5], swapped[4]
	changed := func(i int, from, to string) [][]byte {
		clone := slices.Clone(lines)
		clone[i] = bytes.Replace(clone[i], []byte(from), []byte(to), 1)
		return clone
	}
	long := slices.Clone(lines)
	long[3] = append(bytes.Repeat([]byte("x"), MaxLine), '\n')
	// A line that was sealed anew hashes to what it says; only its neighbours tell.
	resealed := func(i int, seq uint64, prev string) [][]byte {
		encoded, err := wire(entry(exchange.EventVoid))
		if err != nil {
			t.Fatal(err)
		}
		clone := slices.Clone(lines)
		clone[i], _ = seal(nil, encoded, Head{Seq: seq - 1, Hash: prev})
		return clone
	}
	before := func(i int) string {
		_, hash, err := open(lines[i-1])
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	cases := map[string]struct {
		lines [][]byte
		line  int
	}{
		"a line sealed anew":                   {resealed(4, 5, before(4)), 6},
		"the last line sealed anew":            {resealed(9, 10, before(9)), 10},
		"a line sealed anew with a new number": {resealed(9, 11, before(9)), 10},
		"a changed reason":                     {changed(2, "not-green", "not-greem"), 3},
		"a changed time":                       {changed(0, "10:00:00", "10:00:01"), 1},
		"a changed hash":                       {changed(9, `"hash":"`, `"hash":"f`), 10},
		"an added space":                       {changed(6, `"seq":`, `"seq": `), 7},
		"a number changed to the next":         {changed(6, `"seq":7`, `"seq":8`), 7},
		"the first line cut":                   {without(0, 1), 1},
		"the first half cut":                   {without(0, 5), 1},
		"a line cut from the middle":           {without(4, 5), 5},
		"the last line cut":                    {without(9, 10), 10},
		"the second half cut":                  {without(5, 10), 6},
		"everything cut":                       {nil, 1},
		"two lines in another order":           {swapped, 5},
		"a line twice":                         {slices.Concat(lines[:5], lines[4:]), 6},
		"half a line at the end":               {append(slices.Clone(lines[:9]), lines[9][:100]), 10},
		"an empty line":                        {slices.Concat(lines[:3], [][]byte{[]byte("\n")}, lines[3:]), 4},
		"a line that is too long":              {long, 4},
		"no journal at all":                    {[][]byte{[]byte("hello\n")}, 1},
		"a line that ends in CR LF":            {changed(1, "}\n", "}\r\n"), 2},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			head, err := ReadHead(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Verify(bytes.NewReader(bytes.Join(test.lines, nil)), &head)
			var fault *Fault
			if !errors.As(err, &fault) || fault.Line != test.line {
				t.Errorf("Verify = %v, want a fault in line %d", err, test.line)
			}
		})
	}
}

func TestVerifyFindsAnyChangedByte(t *testing.T) {
	path := written(t, 6)
	data := read(t, path)
	head, err := ReadHead(path)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(data)
		place := rapid.IntRange(0, len(data)-1).Draw(t, "place")
		changed[place] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		if _, err := Verify(bytes.NewReader(changed), &head); err == nil {
			t.Fatalf("byte %d was changed and not found", place)
		}
	})
}

// Whoever can write both files can write a new chain; a head that was kept elsewhere finds even that.
func TestAnOlderHeadFindsAChainThatWasWrittenAnew(t *testing.T) {
	kept, err := ReadHead(written(t, 4))
	if err != nil {
		t.Fatal(err)
	}
	path := fresh(t)
	file := reopen(t, path)
	other := entry(exchange.EventIntent)
	other.Reason = exchange.RouteClosed
	for range 6 {
		if err := file.Intend(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := VerifyFile(path); err != nil {
		t.Fatal(err)
	}
	_, err = Verify(bytes.NewReader(read(t, path)), &kept)
	var fault *Fault
	if !errors.As(err, &fault) || fault.Line != 4 {
		t.Errorf("Verify against the kept head = %v, want a fault in line 4", err)
	}
}

func TestALineTakesAtMost8KiB(t *testing.T) {
	file := reopen(t, fresh(t), Sync(false))
	most := entry(exchange.EventIntent)
	encoded, err := wire(most)
	if err != nil {
		t.Fatal(err)
	}
	most.Receipt += strings.Repeat("x", MaxLine-maxPlace-len(encoded))
	if err := file.Intend(t.Context(), most); err != nil {
		t.Errorf("the longest entry: %v", err)
	}
	most.Receipt += "x"
	if err := file.Intend(t.Context(), most); err == nil {
		t.Error("a longer entry was written")
	}
	if err := file.Intend(t.Context(), entry(exchange.EventVoid)); err != nil {
		t.Errorf("the entry after one that was too long: %v", err)
	}
	if summary, err := VerifyFile(file.data.Name()); err != nil || summary.Lines != 2 {
		t.Errorf("%+v, %v, want two lines", summary, err)
	}
}

func TestVerifyWritesASummary(t *testing.T) {
	summary, err := VerifyFile(written(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	want := "the journal is sound: 3 lines from 2026-11-22T10:00:00+08:00 to 2026-11-22T10:00:00+08:00\n" +
		"2 intents: 1 issued, 0 refused, 0 void, 1 without an outcome; 0 recoveries\nhead: 00000000000000000003 "
	if got := summary.String(); !strings.HasPrefix(got, want) {
		t.Errorf("summary:\n%s\nwant:\n%s…", got, want)
	}
}

// Nothing but the listed members may ever be in a line: an entry has nothing of the holder's.
func TestALineHasNoOtherMembers(t *testing.T) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(read(t, written(t, 1)), &members); err != nil {
		t.Fatal(err)
	}
	for name := range members {
		if !strings.Contains(" seq at event receipt route port rulebooks rules reason kids prev hash ", " "+name+" ") {
			t.Errorf("member %q is not documented", name)
		}
	}
}

func TestConcurrentEntriesShareWrites(t *testing.T) {
	path := fresh(t)
	file := reopen(t, path)
	<-file.turn // somebody is writing
	var runs sync.WaitGroup
	for range 50 {
		runs.Go(func() {
			if err := file.Intend(context.Background(), entry(exchange.EventIntent)); err != nil {
				t.Error(err)
			}
		})
	}
	for waiting := 0; waiting < 50; time.Sleep(time.Millisecond) {
		file.mu.Lock()
		if file.next != nil {
			waiting = len(file.next.lines)
		}
		file.mu.Unlock()
	}
	file.flush()
	if summary, err := VerifyFile(path); err != nil || summary.Lines != 50 {
		t.Errorf("one flush: %+v, %v, want 50 lines", summary, err)
	}
	file.turn <- struct{}{}
	runs.Wait()
}

func BenchmarkIntend(b *testing.B) {
	for _, sync := range []bool{true, false} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("sync=%t/writers=%d", sync, writers), func(b *testing.B) {
				file := reopen(b, fresh(b), Sync(sync))
				b.ReportAllocs()
				b.SetParallelism(writers)
				b.RunParallel(func(loop *testing.PB) {
					for loop.Next() {
						if err := file.Intend(context.Background(), entry(exchange.EventIntent)); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
