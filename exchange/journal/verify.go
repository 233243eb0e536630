package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"crosscode/exchange"
)

// Fault is where a journal's chain breaks.
type Fault struct {
	Line    int // from 1; for a cut at the end, the first line that is missing
	Problem string
}

func (f *Fault) Error() string { return fmt.Sprintf("line %d: %s", f.Line, f.Problem) }

// Summary is what a sound journal holds.
type Summary struct {
	Lines                            int
	Intents, Issued, Refused, Voided int
	Recovered                        int // halves of lines that a crash left and Open cut off
	First, Last                      time.Time
	Head                             Head // keep a copy elsewhere
}

// Open is how many intents have no outcome: transcodes in flight, or cut short by a crash.
func (s Summary) Open() int { return s.Intents - s.Issued - s.Refused - s.Voided }

// String is the summary for people.
func (s Summary) String() string {
	if s.Lines == 0 {
		return "the journal is sound and empty"
	}
	return fmt.Sprintf("the journal is sound: %d lines from %s to %s\n"+
		"%d intents: %d issued, %d refused, %d void, %d without an outcome; %d recoveries\nhead: %s",
		s.Lines, s.First.Format(time.RFC3339), s.Last.Format(time.RFC3339),
		s.Intents, s.Issued, s.Refused, s.Voided, s.Open(), s.Recovered, s.Head)
}

// VerifyFile verifies the journal at path against the head file beside it. A journal that is being written may be verified;
// lines that came after the head was read are checked like the rest.
func VerifyFile(path string) (Summary, error) {
	head, err := ReadHead(path)
	if err != nil {
		return Summary{}, err
	}
	file, err := os.Open(path)
	if err != nil {
		return Summary{}, err
	}
	defer file.Close()
	return Verify(file, &head)
}

// Verify reads a whole journal and finds any change, cut or reordering: the error is then a *Fault with the line's number.
// A cut at the end is found with a head only, which may be an older one, kept elsewhere; nil means that there is none.
// Lines are read one at a time, each of at most MaxLine bytes.
func Verify(r io.Reader, head *Head) (Summary, error) {
	summary, err := verify(bufio.NewReaderSize(r, MaxLine), Head{Hash: genesis}, head)
	if err != nil {
		return summary, err
	}
	if head != nil && summary.Head.Seq < head.Seq {
		return summary, &Fault{Line: summary.Lines + 1, Problem: fmt.Sprintf("the journal was cut: its head is line %d", head.Seq)}
	}
	return summary, nil
}

// verify checks the lines of r, the first of which must follow last, and that the line which head names is the one it
// means.
func verify(r *bufio.Reader, last Head, head *Head) (Summary, error) {
	summary := Summary{Head: last}
	for {
		sealed, err := r.ReadSlice('\n')
		number := int(summary.Head.Seq) + 1 //nolint:gosec // a line number; no file has 2^63 lines
		switch {
		case err == io.EOF && len(sealed) == 0:
			return summary, nil
		case err == io.EOF:
			return summary, &Fault{Line: number, Problem: errTorn.Error()}
		case errors.Is(err, bufio.ErrBufferFull):
			return summary, &Fault{Line: number, Problem: fmt.Sprintf("longer than %d bytes", MaxLine)}
		case err != nil:
			return summary, err
		}
		if err := summary.add(sealed, head); err != nil {
			return summary, &Fault{Line: number, Problem: err.Error()}
		}
	}
}

var errTorn = errors.New("half a line: the journal was cut, or the gateway crashed and has not been started since")

func (s *Summary) add(sealed []byte, head *Head) error {
	line, hash, err := open(sealed)
	switch {
	case err != nil:
		return err
	case line.Seq != s.Head.Seq+1:
		return fmt.Errorf("has number %d: lines are missing, repeated or in another order", line.Seq)
	case line.Prev != s.Head.Hash:
		return errors.New("does not follow the line before it")
	case head != nil && head.Seq == line.Seq && head.Hash != hash:
		return errors.New("is not the line that the head names: the chain was written anew")
	}
	at, err := time.Parse(time.RFC3339, line.At)
	if err != nil {
		return errLine
	}
	if s.Lines == 0 {
		s.First = at
	}
	s.Lines++
	s.Last = at
	s.Head = Head{Seq: line.Seq, Hash: hash, Offset: s.Head.Offset + int64(len(sealed))}
	return s.count(line.Event)
}

func (s *Summary) count(event exchange.Event) error {
	switch event {
	case exchange.EventIntent:
		s.Intents++
	case exchange.EventIssued:
		s.Issued++
	case exchange.EventRefused:
		s.Refused++
	case exchange.EventVoid:
		s.Voided++
	case eventRecovered:
		s.Recovered++
	default:
		return fmt.Errorf("unknown event")
	}
	return nil
}
