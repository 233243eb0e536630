package jurisdictions

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong with a file that an operator wrote.
type Fault struct {
	File    string
	Line    int // from 1; 0 when the fault belongs to no line, such as a missing file
	Message string
}

// String is "file:line: message", as compilers print it.
func (f Fault) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Message
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message)
}

// Faults is everything that is wrong with a file, sorted by line, each fault once. As an error it prints one a line.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// sorted puts the faults in the order in which somebody reads the file. What an alias repeats is said once.
func (f Faults) sorted() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	seen := make(map[Fault]bool, len(f))
	return slices.DeleteFunc(f, func(fault Fault) bool {
		twice := seen[fault]
		seen[fault] = true
		return twice
	})
}

// orNil turns no faults into no error: a nil Faults in an error variable would not be nil.
func (f Faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	return f.sorted()
}
