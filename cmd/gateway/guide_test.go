package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"html"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"crosscode/api/guide"
	"crosscode/config"
	"crosscode/crypto/jose"
	"crosscode/jurisdictions"
)

// guideParts are the sides of a gateway, as far as the guide needs one.
func guideParts(t *testing.T) *parts {
	t.Helper()
	p := &parts{settings: config.Config{Issuer: "https://gateway.example"}, log: quiet()}
	if err := p.openSides(); err != nil {
		t.Fatal(err)
	}
	return p
}

func guidePage(t *testing.T, p *parts) string {
	t.Helper()
	facts, err := p.openGuide()
	if err != nil {
		t.Fatal(err)
	}
	page, err := guide.Page(facts)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// tellsCells fails for every text that is no cell of the page, nor one word of a cell.
func tellsCells(t *testing.T, page, kind string, wanted ...string) {
	t.Helper()
	for _, each := range wanted {
		whole := regexp.MustCompile(`[>, ;]` + regexp.QuoteMeta(html.EscapeString(each)) + `[<,; ]`)
		if !whole.MatchString(page) && !strings.Contains(html.UnescapeString(page), ">"+each+"<") {
			t.Errorf("the guide has no %s %q", kind, each)
		}
	}
}

// Everything that the readers' tables have is on the page: header members, claims, evidence, documents, words, ports and forms.
func TestTheGuideTellsAllThatIsRead(t *testing.T) {
	p := guideParts(t)
	page := guidePage(t, p)
	for _, member := range slices.Concat(jose.OuterHeader(), jose.InnerHeader()) {
		tellsCells(t, page, "header member", append(member.Values, member.Name)...)
	}
	for _, side := range p.sides {
		words := side.Vocabulary()
		tellsCells(t, page, "channel", words.Channels...)
		tellsCells(t, page, "reason", words.Reasons...)
		for colour, subcodes := range words.Subcodes {
			tellsCells(t, page, "subcode", append(subcodes, colour)...)
		}
		for colour := range words.Colours {
			tellsCells(t, page, "colour", colour)
		}
		for _, relations := range words.Relations {
			tellsCells(t, page, "relation", relations...)
		}
		for kind := range words.Documents {
			tellsCells(t, page, "document type", kind)
		}
		for _, port := range words.Ports {
			tellsCells(t, page, "port", string(port.ID))
		}
		for _, form := range words.Forms {
			tellsCells(t, page, "form", form.ID)
			for _, question := range form.Questions {
				tellsCells(t, page, "question", "answers."+question.ID)
			}
		}
	}
	checkSchemaOnPage(t, page, p)
}

func checkSchemaOnPage(t *testing.T, page string, p *parts) {
	t.Helper()
	var vocabularies []jurisdictions.Vocabulary
	for _, side := range p.sides {
		vocabularies = append(vocabularies, side.Vocabulary())
	}
	schema := jurisdictions.ClaimsSchema("x", vocabularies...)
	told := schema.Told()
	for _, form := range schema.Alternatives("evidence") {
		tellsCells(t, page, "evidence type", form.Properties["type"].Const)
		told = append(told, form.Told()...)
	}
	if len(told) < 60 {
		t.Errorf("only %d members are told", len(told))
	}
	for _, member := range told {
		if member.Path != "type" {
			tellsCells(t, page, "member", member.Path)
		}
	}
	tellsCells(t, page, "check", jurisdictions.SchemaSilent()...)
}

// otherBounds are exported bounds that say nothing of what a source's back end makes.
var otherBounds = map[string]string{
	"exchange.MaxRecalls": "how many recalls the gateway keeps", "exchange.MaxShownName": "how much of a name a code shows",
	"jose.MaxPacket": "is exchange.MaxPacket", "jose.MaxClaims": "is exchange.MaxClaims", "jose.MaxPayload": "is of tokens of the gateway's own",
	"jose.MaxBundle": "is of the officers' bundle", "exchange.MaxClaims": "is jurisdictions.MaxClaims",
	"exchange.MaxClosings": "is of the officers' bundle", "exchange.MaxHandoffTests": "is of what the gateway writes",
	"exchange.MaxHandoffInstitution": "is of what the gateway writes",
	"jurisdictions.MaxConsentText":   "is of the texts that a side publishes", "jurisdictions.MaxPorts": "is of ports.yaml",
}

// Every bound of the packages that read packets is told with its value, or it is said above why not.
func TestTheGuideTellsEveryLimit(t *testing.T) {
	page := guidePage(t, guideParts(t))
	told := map[string]limit{}
	for _, each := range guideLimits {
		told[each.constant] = each
	}
	bounds := boundsOf(t, "exchange", "crypto/jose", "crypto/keys", "jurisdictions")
	if len(bounds) < 25 {
		t.Errorf("only %d bounds are found", len(bounds))
	}
	for name, value := range bounds {
		each, known := told[name]
		if _, other := otherBounds[name]; known == other {
			t.Errorf("%s: told %v, excused %v: want one of them", name, known, other)
		}
		if known && value != "" && fmt.Sprint(each.value) != value {
			t.Errorf("%s is %s, the guide says %v", name, value, each.value)
		}
		if _, timed := each.value.(time.Duration); known && !timed && !strings.Contains(page, fmt.Sprintf("<code>%v</code>", each.value)) {
			t.Errorf("%s is not on the page", name)
		}
		delete(told, name)
	}
	if delete(told, "exchange.Leeway"); len(told) > 0 {
		t.Errorf("the guide tells of bounds that are none: %v", told)
	}
}

// boundsOf reads the source for exported constants that begin with Max or Min: their values where these are plain numbers, else "".
func boundsOf(t *testing.T, packages ...string) map[string]string {
	t.Helper()
	bounds := map[string]string{}
	for _, folder := range packages {
		files, err := filepath.Glob(filepath.Join("..", "..", folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, declared := range parsed.Decls {
				addBounds(bounds, filepath.Base(folder), declared)
			}
		}
	}
	return bounds
}

func addBounds(bounds map[string]string, name string, declared ast.Decl) {
	group, is := declared.(*ast.GenDecl)
	if !is || group.Tok != token.CONST {
		return
	}
	for _, spec := range group.Specs {
		values := spec.(*ast.ValueSpec)
		for i, each := range values.Names {
			if !strings.HasPrefix(each.Name, "Max") && !strings.HasPrefix(each.Name, "Min") {
				continue
			}
			bounds[name+"."+each.Name] = ""
			value, err := types.Eval(token.NewFileSet(), nil, token.NoPos, types.ExprString(values.Values[i]))
			if err == nil && value.Value.Kind() == constant.Int {
				bounds[name+"."+each.Name] = value.Value.ExactString()
			}
		}
	}
}

// Each row of the limits has the constant that it names, and not another one.
func TestEachLimitHasItsOwnConstant(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "guide.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	ast.Inspect(parsed, func(node ast.Node) bool {
		row, is := node.(*ast.CompositeLit)
		if !is || len(row.Elts) != 3 {
			return true
		}
		named, isText := row.Elts[0].(*ast.BasicLit)
		if value, isConstant := row.Elts[1].(*ast.SelectorExpr); isText && isConstant {
			rows++
			if name := types.ExprString(value); named.Value != `"`+name+`"` {
				t.Errorf("the row of %s has %s", named.Value, name)
			}
		}
		return true
	})
	if rows != len(guideLimits) {
		t.Errorf("%d rows are found, want %d", rows, len(guideLimits))
	}
}

// The page is well-formed: every element is closed, ids are unique, and links within the page lead somewhere. It runs nothing.
func TestTheGuideIsWellFormed(t *testing.T) {
	page := guidePage(t, guideParts(t))
	if size := len(page); size > 256<<10 {
		t.Errorf("the page has %d bytes", size)
	}
	ids, links := map[string]bool{}, []string{}
	decoder := xml.NewDecoder(bytes.NewReader([]byte(page)))
	decoder.Entity = xml.HTMLEntity
	for {
		read, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		element, is := read.(xml.StartElement)
		if !is {
			continue
		}
		if element.Name.Local == "script" || element.Name.Local == "style" {
			t.Errorf("the page has a <%s>", element.Name.Local)
		}
		for _, attribute := range element.Attr {
			switch {
			case attribute.Name.Local == "id" && ids[attribute.Value]:
				t.Errorf("the id %s stands twice", attribute.Value)
			case attribute.Name.Local == "id":
				ids[attribute.Value] = true
			case attribute.Name.Local == "href":
				links = append(links, attribute.Value)
			case strings.HasPrefix(attribute.Name.Local, "on") || attribute.Name.Local == "style":
				t.Errorf("<%s> has %s", element.Name.Local, attribute.Name.Local)
			}
		}
	}
	for _, link := range links {
		if id, within := strings.CutPrefix(link, "#"); within && !ids[id] {
			t.Errorf("%s leads nowhere", link)
		}
	}
}
