package exchange_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "crosscode"

// nested are modules of their own inside the repository. Their files are not this module's, so they are not looked at here.
var nested = []string{"cmd/devvault"}

// direction says what a package may import of ours, by the longest prefix of its path that is listed. A path that ends in
// "/..." stands for everything below as well. A package with no line here fails the test.
var direction = map[string][]string{
	"exchange":                      {},
	"exchange/clock":                {},
	"exchange/store":                {"exchange"},
	"exchange/journal":              {"exchange", "exchange/clock"},
	"exchange/exchangetest":         {"exchange"},
	"exchange/exchangetest/skipped": {},
	"jurisdictions":                 {"exchange", "exchange/clock"},
	"jurisdictions/*":               {"exchange", "jurisdictions"},
	"crypto/keys":                   {},
	"crypto/keys/keystest":          {"crypto/keys"},
	"crypto/transit":                {"crypto/keys", "exchange/clock"},
	// starts a real Vault for tests, and compares with bare clients: no program imports them
	"crypto/transit/transittest": {"exchange/exchangetest/skipped"},
	"crypto/transit/benchvault":  {"crypto/...", "exchange"},
	"crypto/jose":                {"crypto/keys", "exchange"},
	"crypto/trust":               {"crypto/keys", "exchange", "exchange/clock"},
	"config":                     {},
	"config/vault":               {},
	"api":                        {"exchange", "exchange/clock", "api/..."},
	"cmd/gateway":                {"exchange/...", "jurisdictions/...", "crypto/...", "config/...", "api/..."},
	// the sides share nothing with the gateway but the clock, which has no logic that could be wrong on both ends
	"cmd/sides": {"exchange/clock"},
}

// homes are the prescribed libraries, each with the only packages that may import it.
var homes = map[string][]string{
	"github.com/lestrrat-go/jwx":    {"crypto/jose", "crypto/keys"},
	"github.com/hashicorp/vault":    {"crypto/transit", "crypto/transit/transittest"},
	"github.com/go-resty/resty":     {"crypto/trust"},
	"github.com/sony/gobreaker":     {"crypto/trust", "crypto/transit"},
	"cel.dev/cel-go":                {"jurisdictions"},
	"github.com/google/cel-go":      {},
	"github.com/labstack/echo":      {"api"},
	"github.com/go-jose/go-jose":    {"cmd/sides", "api/guide/examples"}, // the examples are shown, and in no program
	"github.com/knadh/koanf":        {"config"},
	"github.com/alecthomas/kong":    {"cmd/gateway", "cmd/sides"},
	"github.com/redis/go-redis":     {"exchange/redis"},
	"github.com/getkin/kin-openapi": {},
}

// topLevel are the folders that the repository may have, beside those that begin with a dot.
var topLevel = []string{"api", "cmd", "config", "crypto", "exchange", "jurisdictions"}

// maxFunction is the most lines of a function.
const maxFunction = 80

// source is one parsed file that is compiled into a program, not a test.
type source struct {
	name string // "exchange/gateway.go"
	pkg  string // "exchange"
	file *ast.File
	set  *token.FileSet
}

func (s source) line(node ast.Node) string {
	return s.name + ":" + strconv.Itoa(s.set.Position(node.Pos()).Line)
}

// sources parses every non-test Go file of the module. It lists the packages that it saw, so that nothing is left out
// unnoticed.
func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	packages := map[string]bool{}
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel("..", name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if entry.IsDir() {
			return descend(relative, entry)
		}
		if !strings.HasSuffix(relative, ".go") || strings.HasSuffix(relative, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		found = append(found, source{name: relative, pkg: path.Dir(relative), file: file, set: set})
		packages[path.Dir(relative)] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files in %v; left out as modules of their own: %v", len(found), slices.Sorted(maps.Keys(packages)), nested)
	return found
}

// descend keeps the walk out of folders that the go command leaves out, and of nested modules.
func descend(relative string, entry fs.DirEntry) error {
	hidden := relative != "." && (strings.HasPrefix(entry.Name(), ".") || strings.HasPrefix(entry.Name(), "_"))
	if hidden || entry.Name() == "testdata" || slices.Contains(nested, relative) {
		return fs.SkipDir
	}
	return nil
}

// allowed is what pkg may import of ours; known is false if no line speaks of it.
func allowed(pkg string) (imports []string, known bool) {
	if imports, known = direction[pkg]; known {
		return imports, true
	}
	for folder := pkg; folder != "."; folder = path.Dir(folder) {
		if imports, known = direction[path.Dir(folder)+"/*"]; known {
			return imports, true
		}
		if imports, known = direction[folder]; known && strings.HasPrefix(pkg, "api/") {
			return imports, true
		}
	}
	return nil, false
}

func covered(list []string, imported string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		folder, below := strings.CutSuffix(entry, "/...")
		return imported == folder || below && strings.HasPrefix(imported, folder+"/")
	})
}

func imports(t *testing.T, s source) []string {
	t.Helper()
	var paths []string
	for _, spec := range s.file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, imported)
	}
	return paths
}

func TestImportsPointInward(t *testing.T) {
	for _, source := range sources(t) {
		list, known := allowed(source.pkg)
		if !known {
			t.Errorf("%s: the direction of imports has no line for package %s", source.name, source.pkg)
		}
		for _, imported := range imports(t, source) {
			ours, isOurs := strings.CutPrefix(imported, module+"/")
			if isOurs && !covered(list, ours) {
				t.Errorf("%s imports %s; %s may import %v", source.name, ours, source.pkg, list)
			}
		}
	}
}

func TestEachLibraryHasOneHome(t *testing.T) {
	for _, source := range sources(t) {
		for _, imported := range imports(t, source) {
			for library, home := range homes {
				if covered([]string{library + "/..."}, imported) && !slices.Contains(home, source.pkg) {
					t.Errorf("%s imports %s, whose home is %v", source.name, imported, home)
				}
			}
		}
	}
}

func TestTheDomainImportsTheStandardLibraryOnly(t *testing.T) {
	for _, source := range sources(t) {
		if !covered([]string{"exchange/..."}, source.pkg) {
			continue
		}
		for _, imported := range imports(t, source) {
			first, _, _ := strings.Cut(imported, "/")
			if first != module && strings.Contains(first, ".") {
				t.Errorf("%s imports %s", source.name, imported)
			}
			if imported == "net/http" {
				t.Errorf("%s imports net/http: the domain knows no transport", source.name)
			}
		}
	}
}

func TestNoOtherTopLevelFolders(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !slices.Contains(topLevel, entry.Name()) {
			t.Errorf("folder %s is none of %v", entry.Name(), topLevel)
		}
	}
}

func TestNestedModulesAreModules(t *testing.T) {
	for _, folder := range nested {
		if _, err := os.Stat(filepath.Join("..", folder)); os.IsNotExist(err) {
			t.Logf("%s does not exist", folder)
			continue
		}
		if _, err := os.Stat(filepath.Join("..", folder, "go.mod")); err != nil {
			t.Errorf("%s is left out as a module of its own, and is none: %v", folder, err)
		}
	}
}

func TestNoFunctionIsLong(t *testing.T) {
	for _, source := range sources(t) {
		for _, declaration := range source.file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := source.set.Position(function.End()).Line - source.set.Position(function.Pos()).Line + 1
			if lines > maxFunction {
				t.Errorf("%s: %s has %d lines, want at most %d", source.line(function), function.Name.Name, lines, maxFunction)
			}
		}
	}
}

// sides are the ids of the concrete sides: the folders below jurisdictions.
func sides(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("..", "jurisdictions"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, entry := range entries {
		if entry.IsDir() && entry.Name() != "jurisdictiontest" && entry.Name() != "testdata" {
			ids = append(ids, entry.Name())
		}
	}
	if len(ids) < 3 {
		t.Fatalf("sides %v: want at least three", ids)
	}
	return ids
}

// A new side is a folder and one line of wiring. Code that asks which side or route it is dealing with would need a second
// change, and would be forgotten.
func TestNobodyAsksWhichSideItIs(t *testing.T) {
	ids := sides(t)
	for _, source := range sources(t) {
		if parent, side := path.Split(source.pkg); parent == "jurisdictions/" && slices.Contains(ids, side) {
			continue
		}
		ast.Inspect(source.file, func(node ast.Node) bool {
			for _, text := range asked(node) {
				if names(ids, text) {
					t.Errorf("%s branches on %q", source.line(node), text)
				}
			}
			return true
		})
	}
}

// asked are the string literals that a node compares something with.
func asked(node ast.Node) []string {
	switch node := node.(type) {
	case *ast.BinaryExpr:
		if node.Op == token.EQL || node.Op == token.NEQ {
			return literals(node.X, node.Y)
		}
	case *ast.CaseClause:
		return literals(node.List...)
	}
	return nil
}

// literals looks through a conversion such as exchange.Side("macau") as well.
func literals(expressions ...ast.Expr) []string {
	var texts []string
	for _, expression := range expressions {
		if call, ok := expression.(*ast.CallExpr); ok {
			texts = append(texts, literals(call.Args...)...)
		}
		if literal, ok := expression.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// names tells whether text is the id of a side, or of a route from or to one.
func names(ids []string, text string) bool {
	from, to, isRoute := strings.Cut(text, "-")
	return slices.Contains(ids, text) || isRoute && slices.Contains(ids, from) && slices.Contains(ids, to)
}
