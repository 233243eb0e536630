// Package guide is the packet guide: what a side's back end must know to make a consent packet, on one page. Its prose is
// guide.html; its tables come from whoever has the rules (Facts), so that the page cannot say anything else than what is read.
// The examples on the page are the files of examples, which a test runs against a real gateway.
package guide

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strings"
)

//go:embed guide.html qr-vectors.json examples/seal.mjs examples/seal.py examples/seal.go examples/claims.json examples/package.json
var files embed.FS

// Facts is what the guide tells of a gateway. Its zero value makes no guide.
type Facts struct {
	// Tables are the page's tables by name; guide.html says which there are.
	Tables map[string]Table
	// Schema is the JSON Schema of the claims.
	Schema []byte
}

// Table is one table of the page. The first cell of each row names what the row is about.
type Table struct {
	Head []string
	Rows [][]string
}

// SchemaFile is the name under which the schema is served.
const SchemaFile = "claims.schema.json"

// Files are what is served beside the page, by name: the examples, the vectors of the QR texts and the schema.
func (f Facts) Files() (map[string][]byte, error) {
	served := map[string][]byte{SchemaFile: f.Schema}
	for _, name := range append(Examples(), "qr-vectors.json") {
		body, err := Example(name)
		if err != nil {
			return nil, err
		}
		served[name] = body
	}
	return served, nil
}

// Examples lists the example files.
func Examples() []string {
	return []string{"claims.json", "package.json", "seal.mjs", "seal.py", "seal.go"}
}

// Example gives one of the embedded files.
func Example(name string) ([]byte, error) {
	if slices.Contains(Examples(), name) {
		name = path.Join("examples", name)
	}
	return files.ReadFile(name)
}

// Page is the guide as HTML. A table that the page asks for and nobody gives, or that is given and not shown, is an error.
func Page(facts Facts) ([]byte, error) {
	shown := map[string]bool{}
	shape, err := template.New("guide.html").Funcs(template.FuncMap{
		"table": func(name string) (Table, error) {
			shown[name] = true
			found, given := facts.Tables[name]
			if !given || len(found.Rows) == 0 {
				return Table{}, fmt.Errorf("guide: no table %q", name)
			}
			return found, found.check(name)
		},
		"file": func(name string) (string, error) {
			body, err := Example(name)
			return strings.TrimSpace(string(body)), err
		},
		"vectors": vectors,
	}).ParseFS(files, "guide.html")
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	if err := shape.Execute(&page, facts); err != nil {
		return nil, err
	}
	for name := range facts.Tables {
		if !shown[name] {
			return nil, fmt.Errorf("guide: the table %q is not on the page", name)
		}
	}
	return page.Bytes(), nil
}

func (t Table) check(name string) error {
	for _, row := range t.Rows {
		if len(row) != len(t.Head) {
			return fmt.Errorf("guide: table %q: a row of %d cells, want %d", name, len(row), len(t.Head))
		}
	}
	return nil
}

// Vectors are QR texts with their tokens, and texts that are none.
type Vectors struct {
	About string `json:"about"`
	QR    []struct {
		Token string `json:"token"`
		Text  string `json:"text"`
	} `json:"qr"`
	Bad []string `json:"bad"`
}

func vectors() (Vectors, error) {
	var read Vectors
	data, err := files.ReadFile("qr-vectors.json")
	if err != nil {
		return read, err
	}
	return read, json.Unmarshal(data, &read)
}
