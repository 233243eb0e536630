package journal

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"crosscode/exchange"
)

// aftermath is what a crash or a hand left: the journal's bytes and the head file's.
type aftermath struct {
	data, head []byte
}

func (a aftermath) write(t *testing.T) string {
	t.Helper()
	path := fresh(t)
	for name, content := range map[string][]byte{path: a.data, path + headSuffix: a.head} {
		if content == nil {
			continue
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// headAt is the head file as it stood after so many lines.
func headAt(t *testing.T, lines [][]byte, count int) []byte {
	t.Helper()
	summary, err := Verify(bytes.NewReader(bytes.Join(lines[:count], nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	slots := bytes.Repeat([]byte{0}, 2*slotSize)
	copy(slots[int(summary.Head.Seq%2)*slotSize:], summary.Head.slot())
	return slots
}

func TestOpenGoesOnAfterACrash(t *testing.T) {
	path := written(t, 6)
	data, head := read(t, path), read(t, path+headSuffix)
	lines := slices.Collect(bytes.Lines(data))
	spoilt := bytes.Clone(head)
	copy(spoilt[:slotSize], bytes.Repeat([]byte("x"), slotSize)) // the slot of line 6
	half := slices.Concat(data, lines[5][:77])
	cases := map[string]struct {
		aftermath
		lines, recovered int
	}{
		"nothing was lost":                               {aftermath{data, head}, 6, 0},
		"half a line was written":                        {aftermath{half, head}, 7, 1},
		"all of a line but its newline was written":      {aftermath{data[:len(data)-1], headAt(t, lines, 5)}, 6, 1},
		"half of the very first line was written":        {aftermath{lines[0][:50], headAt(t, lines, 0)}, 1, 1},
		"the head lags one line behind":                  {aftermath{data, headAt(t, lines, 5)}, 6, 0},
		"the head lags far behind":                       {aftermath{data, headAt(t, lines, 1)}, 6, 0},
		"the head was never written after line 0":        {aftermath{data, headAt(t, lines, 0)}, 6, 0},
		"the head lags behind, and half a line":          {aftermath{half, headAt(t, lines, 3)}, 7, 1},
		"the head's last slot was spoilt":                {aftermath{data, spoilt}, 6, 0},
		"both files were made and nothing written":       {aftermath{[]byte{}, headAt(t, lines, 0)}, 0, 0},
		"the journal was made, but not yet its head":     {aftermath{[]byte{}, nil}, 0, 0},
		"the head file was cut in its unwritten slot":    {aftermath{data[:0], headAt(t, lines, 0)[:slotSize+10]}, 0, 0},
		"the head of an even line, its odd slot missing": {aftermath{data, headAt(t, lines, 6)[:slotSize]}, 6, 0},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			path := test.write(t)
			file := reopen(t, path)
			fill(t, file, 1)
			summary, err := VerifyFile(path)
			if err != nil || summary.Lines != test.lines+1 || summary.Recovered != test.recovered {
				t.Errorf("%+v, %v, want %d lines, %d recovered", summary, err, test.lines+1, test.recovered)
			}
		})
	}
}

func TestOpenRefusesABrokenTailAndSaysWhatToDo(t *testing.T) {
	path := written(t, 6)
	data, head := read(t, path), read(t, path+headSuffix)
	lines := slices.Collect(bytes.Lines(data))
	changed := bytes.Clone(data)
	changed[len(data)-100] ^= 1
	behind := bytes.Clone(data)
	behind[len(data)-len(lines[5])-100] ^= 1
	other := read(t, func() string {
		path := fresh(t)
		file := reopen(t, path, Sync(false))
		for range 6 {
			if err := file.Finish(t.Context(), entry(exchange.EventVoid)); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}())
	other = append(other, make([]byte, 500)...)
	cases := map[string]aftermath{
		"the last line was cut":                  {data[:len(data)-len(lines[5])], head},
		"half of the last line was cut":          {data[:len(data)-50], head},
		"everything was cut":                     {[]byte{}, head},
		"the last line was changed":              {changed, head},
		"a line behind the head was changed":     {behind, headAt(t, lines, 3)},
		"a line behind the head is missing":      {slices.Concat(data[:len(data)-len(lines[4])-len(lines[5])], lines[5]), headAt(t, lines, 3)},
		"another journal was put in its place":   {other, head},
		"the head file is missing":               {data, nil},
		"the head file is empty":                 {data, []byte{}},
		"the head file is nonsense":              {data, bytes.Repeat([]byte("x"), 2*slotSize)},
		"something that is no line was appended": {slices.Concat(data, bytes.Repeat([]byte{0}, MaxLine+1)), head},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			path := test.write(t)
			_, err := Open(path)
			if err == nil || !strings.Contains(err.Error(), "journal verify") || !strings.Contains(err.Error(), "begins a new journal") {
				t.Fatalf("Open = %v, want a refusal that says what to do", err)
			}
			if got := read(t, path); !bytes.Equal(got, test.data) {
				t.Error("Open changed the evidence")
			}
		})
	}
}

// After a failed fsync nothing in the file can be relied on, so the journal must not recover by itself.
func TestADiskThatDoesNotSyncBreaksTheJournal(t *testing.T) {
	file := reopen(t, fresh(t))
	fill(t, file, 2)
	if err := file.data.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := file.Intend(t.Context(), entry(exchange.EventIntent))
		if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable {
			t.Errorf("Intend = %v, want %s", err, exchange.Unavailable)
		}
	}
	if file.broken == nil {
		t.Error("the journal does not know that it is broken")
	}
}

func FuzzVerify(f *testing.F) {
	path := fresh(f)
	file, err := Open(path, Sync(false))
	if err != nil {
		f.Fatal(err)
	}
	fill(f, file, 3)
	if err := file.Close(); err != nil {
		f.Fatal(err)
	}
	data := read(f, path)
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		summary, err := Verify(bytes.NewReader(data), nil)
		if err == nil && int64(len(data)) != summary.Head.Offset {
			t.Errorf("%d bytes were verified, %d were there", summary.Head.Offset, len(data))
		}
	})
}

func FuzzParseHead(f *testing.F) {
	head := Head{Seq: 7, Hash: genesis, Offset: 4711}
	f.Add(head.slot())
	f.Add(append(head.slot(), Head{Seq: 8, Hash: genesis, Offset: 5000}.slot()...))
	f.Add([]byte("00000000000000000007"))
	f.Fuzz(func(t *testing.T, data []byte) {
		head, err := parseHead(data)
		if err == nil && !bytes.Contains(data, head.slot()) {
			t.Errorf("parseHead(%q) = %v, which is not in it", data, head)
		}
	})
}
