package clock

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// measures are the names of variables that hold the beginning or the end of a wait. time.Now may be read into one of them,
// and compared with one: a duration needs no date, and a shifted clock would measure the same.
var measures = []string{"began", "begun", "start", "started", "asked", "before", "after", "deadline", "end", "next"}

// pauses are folders whose code counts pauses, rates and waits with package time, and judges dates by an injected clock.
var pauses = []string{"crypto/transit"}

// TestNobodyElseReadsTheClock looks at every Go file of the module, tests too. A date that comes from time.Now cannot be
// shifted, so a test that rots would not be found. The guide's examples are programs of others, who have no such seam; their test is
// left out, and says so, where the clock is shifted.
func TestNobodyElseReadsTheClock(t *testing.T) {
	const root = "../.."
	files := 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		relative, _ := filepath.Rel(root, name)
		relative = filepath.ToSlash(relative)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && relative != "." || entry.Name() == "node_modules" || relative == "cmd/devvault" || relative == "api/guide/examples" || relative == "exchange/clock"):
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

// devices are the scripts that read a device's own clock, and why no wrong clock makes a code valid there. Everything else in a
// page has its instants from the server.
var devices = map[string]string{
	"api/web/h5.js":               "once, to learn how far the traveller's clock is off the server's",
	"api/web/client/crosscode.js": "the default of the option now; the caller gives another",
	"api/web/officer/device.js":   "the officer's device works without network; a bundle from the future or a stale one is refused",
	"api/web/officer/officer.js":  "as above; the page warns when the device's clock is off the server's",
	"cmd/sides/web/mini.js":       "a simulated mini-program",
}

var deviceClock = regexp.MustCompile(`\bDate\.now\b|\bnew Date\(\s*\)|[^.\w]Date\(\s*\)|\bperformance\.(now|timeOrigin)\b`)

// TestNoOtherScriptReadsADevicesClock looks at every script and page that a browser gets, but not at tests and what others wrote.
func TestNoOtherScriptReadsADevicesClock(t *testing.T) {
	const root = "../.."
	read := map[string]bool{}
	for _, folder := range []string{"api/web", "cmd/sides/web"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && slices.Contains([]string{"vendor", "testdata", "node_modules"}, entry.Name()):
				return fs.SkipDir
			case entry.IsDir() || strings.Contains(name, ".test.") || !slices.Contains([]string{".js", ".mjs", ".html"}, filepath.Ext(name)):
				return nil
			}
			text, err := os.ReadFile(name)
			relative, _ := filepath.Rel(root, name)
			if deviceClock.Match(text) {
				read[filepath.ToSlash(relative)] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for script := range read {
		if devices[script] == "" {
			t.Errorf("%s reads the device's clock; take the instant from the server, or say in devices why it is safe", script)
		}
	}
	for script := range devices {
		if !read[script] {
			t.Errorf("%s is listed, and does not read the device's clock", script)
		}
	}
}

// The test above must be able to fail.
func TestTheDisciplineFindsADevicesClock(t *testing.T) {
	for _, script := range []string{"Date.now()", "f(Date.now)", "new Date()", "x = new Date( )", "'' + Date()", "performance.now()"} {
		if !deviceClock.MatchString(script) {
			t.Errorf("%s is not found", script)
		}
	}
	for _, script := range []string{"Date.parse(text)", "new Date(instant)", "showDate()", "page.dataset.now"} {
		if deviceClock.MatchString(script) {
			t.Errorf("%s is refused", script)
		}
	}
}

// TestTheDisciplineFindsADate: the test of the Go files must be able to fail, too.
func TestTheDisciplineFindsADate(t *testing.T) {
	for _, source := range []string{
		"x := time.Now()", "c.Clock = time.Now", "f(time.Now().Unix())", "if time.Until(ends) > 0 {}", "keep(time.Now().Add(1))",
	} {
		if found := datedIn(t, "x.go", "package p\nfunc f() {\n"+source+"\n}\n"); len(found) == 0 {
			t.Errorf("%s is not found", source)
		}
	}
	if found := datedIn(t, "x.go", "package p\nimport t \"time\"\nvar x = t.Now\n"); len(found) == 0 {
		t.Error("package time under another name is not found")
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
	for _, imported := range file.Imports {
		if imported.Path.Value == `"time"` && imported.Name != nil {
			return []string{set.Position(imported.Pos()).String()} // under another name its clock could not be found below
		}
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
