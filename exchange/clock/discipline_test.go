package clock

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// measures are the names of variables that hold the beginning or the end of a wait. time.Now may be read into one of them,
// and compared with one: a duration needs no date, and a shifted clock would measure the same.
var measures = []string{"began", "begun", "start", "started", "asked", "before", "after", "deadline", "end", "next"}

// pauses are folders whose code counts pauses, rates and waits with package time, and judges dates by an injected clock.
var pauses = []string{"crypto/transit", "crypto/vault"}

// TestNobodyElseReadsTheClock looks at every Go file of the module, tests too. A date that comes from time.Now cannot be
// shifted, so a test that rots would not be found.
func TestNobodyElseReadsTheClock(t *testing.T) {
	const root = "../.."
	files := 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		relative, _ := filepath.Rel(root, name)
		relative = filepath.ToSlash(relative)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && relative != "." || entry.Name() == "node_modules" || relative == "cmd/devvault" || relative == "exchange/clock"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		files++
		for _, line := range dated(t, name) {
			if !slices.ContainsFunc(pauses, func(folder string) bool { return strings.HasPrefix(relative, folder+"/") }) {
				t.Errorf("%s:%s reads package time's clock; use clock.Now, or name the variable as one of %v", relative, line, measures)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 300 {
		t.Fatalf("only %d files were read", files)
	}
}

// The test above must be able to fail.
func TestTheDisciplineFindsADate(t *testing.T) {
	for _, source := range []string{
		"x := time.Now()", "c.Clock = time.Now", "f(time.Now().Unix())", "if time.Until(ends) > 0 {}", "keep(time.Now().Add(1))",
	} {
		if found := datedIn(t, "x.go", "package p\nfunc f() {\n"+source+"\n}\n"); len(found) == 0 {
			t.Errorf("%s is not found", source)
		}
	}
	for _, source := range []string{
		"began := time.Now()", "took := time.Since(began)", "deadline := time.Now().Add(1)", "if time.Now().After(deadline) {}",
		"v.started = time.Now()", "x := clock.Now()",
	} {
		if found := datedIn(t, "x.go", "package p\nfunc f() {\n"+source+"\n}\n"); len(found) > 0 {
			t.Errorf("%s is refused", source)
		}
	}
}

func dated(t *testing.T, name string) []string { return datedIn(t, name, nil) }

// datedIn lists the lines on which package time's clock is read as a date.
func datedIn(t *testing.T, name string, source any) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	measured := map[ast.Node]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.AssignStmt:
			for i, right := range node.Rhs {
				if i < len(node.Lhs) && isMeasure(node.Lhs[i]) {
					measured[reading(right)] = true
				}
			}
		case *ast.CallExpr: // time.Now().After(deadline), time.Since(began), time.Until(deadline)
			for _, argument := range node.Args {
				if isMeasure(argument) {
					measured[reading(node)], measured[node.Fun] = true, true
				}
			}
		}
		return true
	})
	var lines []string
	ast.Inspect(file, func(node ast.Node) bool {
		if isClock(node) && !measured[node] {
			lines = append(lines, strings.TrimPrefix(set.Position(node.Pos()).String(), name+":"))
		}
		return true
	})
	return lines
}

// reading finds the time.Now at the root of time.Now().Add(…).
func reading(node ast.Node) ast.Node {
	for {
		switch inner := node.(type) {
		case *ast.CallExpr:
			node = inner.Fun
		case *ast.SelectorExpr:
			if isClock(inner) {
				return inner
			}
			node = inner.X
		default:
			return node
		}
	}
}

func isClock(node ast.Node) bool {
	selected, is := node.(*ast.SelectorExpr)
	if !is {
		return false
	}
	from, is := selected.X.(*ast.Ident)
	return is && from.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, selected.Sel.Name)
}

func isMeasure(node ast.Expr) bool {
	switch node := node.(type) {
	case *ast.Ident:
		return slices.Contains(measures, node.Name)
	case *ast.SelectorExpr:
		return slices.Contains(measures, node.Sel.Name)
	}
	return false
}
