package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"crosscode/api/guide"
)

// guideFacts are one row for each table that the page asks for.
func guideFacts() guide.Facts {
	facts := guide.Facts{Schema: []byte("{}\n"), Tables: map[string]guide.Table{}}
	for _, name := range []string{
		"outer", "inner", "members", "evidence", "forms", "documents", "scripts", "folded", "limits", "silent", "sides", "reasons", "ports", "givers",
	} {
		facts.Tables[name] = guide.Table{Head: []string{"name", "of"}, Rows: [][]string{{"the row of " + name, "<b>"}}}
	}
	return facts
}

func TestTheGuideIsServedWithItsFiles(t *testing.T) {
	w := newWorld(t)
	page := w.want(get(guidePath), http.StatusOK)
	if media := page.header.Get("Content-Type"); media != "text/html; charset=utf-8" {
		t.Errorf("the guide is %s", media)
	}
	for name := range guideFacts().Tables {
		if !bytes.Contains(page.body, []byte("the row of "+name)) {
			t.Errorf("the table %s is not on the page", name)
		}
	}
	for _, own := range []string{"65536", "255"} {
		if !bytes.Contains(page.body, []byte("<code>"+own+"</code>")) {
			t.Errorf("the server's own limit %s is not on the page", own)
		}
	}
	if bytes.Contains(page.body, []byte("<b>")) || bytes.Contains(page.body, []byte("<script")) {
		t.Error("a cell is not escaped, or the page has a script")
	}
	specified, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(guide.Examples(), "openapi.yaml", "qr-vectors.json", guide.SchemaFile) {
		file := w.want(get(guidePath+name), http.StatusOK)
		if media := file.header.Get("Content-Type"); strings.HasPrefix(media, "text/javascript") || media == "" {
			t.Errorf("%s is served as %q", name, media)
		}
		if name == "openapi.yaml" && !bytes.Equal(file.body, specified) {
			t.Error("openapi.yaml is not the file")
		}
		if !bytes.Contains(page.body, []byte(`href="/guide/`+name+`"`)) {
			t.Errorf("the page does not lead to %s", name)
		}
		if !bytes.Contains(specified, []byte("`"+name+"`")) {
			t.Errorf("openapi.yaml does not name %s", name)
		}
	}
	w.want(get(guidePath+"guide.html"), http.StatusNotFound)
	w.want(get(guidePath+"..%2fguide.go"), http.StatusNotFound)
}

func TestTheMetadataLeadsToTheGuide(t *testing.T) {
	w := newWorld(t)
	var about struct{ Endpoints map[string]string }
	if err := json.Unmarshal(w.want(get("/.well-known/code-exchange"), http.StatusOK).body, &about); err != nil {
		t.Fatal(err)
	}
	if about.Endpoints["guide"] != issuer+guidePath {
		t.Errorf("the metadata has %v", about.Endpoints)
	}
}

// A table that the page has no place for, or a place without a table, stops the server from starting.
func TestAGuideThatIsNotWholeIsAnError(t *testing.T) {
	for name, change := range map[string]func(tables map[string]guide.Table){
		"a table too many": func(tables map[string]guide.Table) { tables["more"] = tables["outer"] },
		"a table missing":  func(tables map[string]guide.Table) { delete(tables, "outer") },
		"an empty table":   func(tables map[string]guide.Table) { tables["outer"] = guide.Table{Head: []string{"name"}} },
		"a row too short": func(tables map[string]guide.Table) {
			tables["outer"] = guide.Table{Head: []string{"name", "of"}, Rows: [][]string{{"alone"}}}
		},
	} {
		facts := guideFacts()
		change(facts.Tables)
		if _, err := newHandbook(facts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if names := guide.Examples(); !slices.Contains(names, "seal.mjs") {
		t.Errorf("the examples are %v", names)
	}
}
