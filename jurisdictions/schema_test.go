package jurisdictions_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"crosscode/exchange"
	"crosscode/jurisdictions"
	"crosscode/jurisdictions/jurisdictiontest"
)

const schemaID = "https://gateway.example/guide/claims.schema.json"

// compiled is the schema of a reader's side as another library understands it.
func compiled(t testing.TB, r reader) *jsonschema.Schema {
	t.Helper()
	written, err := json.Marshal(jurisdictions.ClaimsSchema(schemaID, r.vocabulary))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(written))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(schemaID, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// judged is what both say of the same bytes.
type judged struct{ schema, reader error }

func judge(t testing.TB, r reader, schema *jsonschema.Schema, claims []byte) judged {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(claims))
	if err == nil {
		err = schema.Validate(value)
	}
	_, refused := r.bytes(claims)
	return judged{err, refused}
}

// Every vector, and every way to damage one that is well-formed: what the reader takes the schema takes. A damage of the
// structure, a member that is missing, unknown or of another type, both refuse.
func TestTheSchemaAndTheReaderAgree(t *testing.T) {
	r := newReader(t)
	schema := compiled(t, r)
	read, refused := 0, 0
	for _, vector := range claimsVectors(t) {
		for name, claims := range damages(t, vector) {
			got := judge(t, r, schema, claims)
			switch {
			case got.reader == nil && got.schema != nil:
				t.Errorf("%s, %s: the reader takes it, the schema says %v", vector.name, name, got.schema)
			case got.reader != nil && got.schema == nil && isStructural(name) && !isConsentMissing(got.reader):
				t.Errorf("%s, %s: the schema takes it, the reader says %v", vector.name, name, got.reader)
			case got.reader == nil:
				read++
			case got.schema != nil:
				refused++
			}
		}
	}
	t.Logf("both take %d, both refuse %d", read, refused)
	if read < 50 || refused < 1000 {
		t.Errorf("both take %d and refuse %d: the damages have become too few", read, refused)
	}
}

// isConsentMissing is what becomes of a guardian's consent when its presenter is dropped: one of SchemaSilent.
func isConsentMissing(err error) bool {
	reason, _ := exchange.ReasonOf(err)
	return reason == exchange.ConsentMissing
}

func isStructural(damage string) bool {
	return strings.HasPrefix(damage, "without ") || strings.HasPrefix(damage, "more in ") || strings.HasPrefix(damage, "other type ")
}

// damaged are the vectors that differ most in their members.
var damaged = []string{"everything.txt", "child.txt", "elder.txt", "null-members.txt"}

// damages gives a vector whole, and one of those above with each of its members and entries dropped, null, of another type or value, or
// beside one more.
func damages(t testing.TB, vector claimsVector) map[string][]byte {
	t.Helper()
	made := map[string][]byte{"whole": vector.claims}
	var whole any
	if !slices.Contains(damaged, vector.name) || json.Unmarshal(vector.claims, &whole) != nil {
		return made
	}
	keep := func(name string) {
		written, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		made[name] = written
	}
	damage(whole, "", keep)
	return made
}

func damage(value any, path string, keep func(name string)) {
	switch node := value.(type) {
	case map[string]any:
		node["x-unknown"] = 1
		keep("more in " + path)
		delete(node, "x-unknown")
		for _, name := range slices.Sorted(maps.Keys(node)) {
			kept := node[name]
			at := path + "/" + name
			delete(node, name)
			keep("without " + at)
			for i, other := range otherTypes(kept) {
				node[name] = other
				keep(fmt.Sprintf("other type %d %s", i, at))
			}
			for i, other := range otherValues(kept) {
				node[name] = other
				keep(fmt.Sprintf("other value %d %s", i, at))
			}
			node[name] = kept
			damage(kept, at, keep)
		}
	case []any:
		for i, kept := range node {
			at := path + "/" + strconv.Itoa(i)
			for j, other := range append(otherTypes(kept), nil) {
				node[i] = other
				keep(fmt.Sprintf("other type %d %s", j, at))
			}
			node[i] = kept
			damage(kept, at, keep)
		}
	}
}

// otherTypes are values of other JSON types than the value has.
func otherTypes(of any) (others []any) {
	if of == nil {
		return nil // any type may stand for an absent member
	}
	for _, each := range []any{"text", json.Number("7"), true, map[string]any{}, []any{map[string]any{"x": 1}}} {
		if fmt.Sprintf("%T", each) != fmt.Sprintf("%T", of) && !isNumber(each, of) {
			others = append(others, each)
		}
	}
	return others
}

func isNumber(a, b any) bool {
	_, first := a.(json.Number)
	_, second := b.(float64)
	return first && second
}

// otherValues are values of the same type, or null, which is as if the member were not there.
func otherValues(of any) []any {
	switch value := of.(type) {
	case string:
		return []any{nil, "", "x", value + "x", value + "\n", " " + value, strings.ToUpper(value), strings.ToLower(value), strings.Repeat("9", 300)}
	case float64:
		return []any{nil, -1, 0, 1.5, 1e11, 1 << 53, value + 1}
	case []any:
		return []any{nil, []any{}, slices.Repeat(value, 70)}
	case bool:
		return []any{nil, !value}
	}
	return []any{nil}
}

// What the schema cannot say is listed, and each line of the list has an example that the schema takes and the reader refuses.
func TestWhatTheSchemaCannotSayIsListed(t *testing.T) {
	r := newReader(t)
	schema := compiled(t, r)
	examples := silentExamples()
	if listed := jurisdictions.SchemaSilent(); len(listed) != len(examples) {
		t.Errorf("%d checks are listed and %d have an example", len(listed), len(examples))
	}
	for _, said := range jurisdictions.SchemaSilent() {
		for _, each := range examples[said] {
			got := judge(t, r, schema, each(r))
			if got.schema != nil || got.reader == nil {
				t.Errorf("%s: the schema says %v, the reader %v", said, got.schema, got.reader)
			}
		}
		if len(examples[said]) == 0 {
			t.Errorf("%s: no example", said)
		}
	}
}

// silentExamples gives claims for each line of SchemaSilent.
func silentExamples() map[string][]func(reader) []byte {
	changed := func(changes ...change) []func(reader) []byte {
		var made []func(reader) []byte
		for _, each := range changes {
			made = append(made, func(r reader) []byte { return jurisdictiontest.Claims(each(r.specimen())).JSON })
		}
		return made
	}
	text := func(from, to string) func(reader) []byte {
		return func(r reader) []byte {
			return bytes.Replace(jurisdictiontest.Claims(r.specimen()).JSON, []byte(from), []byte(to), 1)
		}
	}
	at := func(value string) change { return with("health.as_of", value) }
	twice := with("declarations", []any{declared("2026-11-22T09:58:00+08:00", true), declared("2026-11-22T09:58:00+08:00", false)})
	institution := evidence("nucleic-acid", "result", "negative", "sampled_at", "2026-11-21T07:30:00+08:00", "source", "paper",
		"institution", strings.Repeat("x", jurisdictions.MaxClaims))
	return map[string][]func(reader) []byte{
		fmt.Sprintf("claims are at most %d bytes long, and no name stands twice in one object", jurisdictions.MaxClaims): changed(institution),
		"a whole number is written without sign, fraction or exponent":                                                   {text(`"iat":1795312800`, `"iat":1795312800.0`)},
		"exp is after iat and nbf, and at most 600 seconds after iat":                                                    changed(issued(-1), with("nbf", madeAt.Unix()+600)),
		"dst is another side than iss": changed(with("dst", "macau")),
		"a time is one of the calendar, from 2000 to 2099, and its offset is not -00:00": changed(
			at("2026-02-30T10:00:00+08:00"), at("1999-01-01T10:00:00+08:00"), at("2026-11-22T01:55:00-00:00")),
		"no fact is later than iat, give or take 60 seconds; health.until is after health.as_of": changed(
			at("2026-11-22T10:01:01+08:00"), with("health.until", "2026-11-22T09:55:00+08:00")),
		"a birth date is a day of the calendar within the last 130 years":         changed(with("holder.birth_date", "1990-02-30"), born(131, 0)),
		"a name has letters of its own script alone, and separators between them": changed(with("holder.name.latin", "陳")),
		"a number has the form of its document type, its check digit, and the holder's birth date where it holds one": changed(
			with("holder.documents[0].number", "M1234567")),
		"no two documents are of one type":                                      changed(with("holder.documents[1]", map[string]any{"type": "home-return-permit", "number": "H12345678"})),
		"health.subcode is one of the colour's own":                             changed(both(with("health.colour", "red"), with("health.subcode", "g28"))),
		"who consented fits the holder's age and the presenter's relation":      changed(consentBy("self", "parent")),
		"no two declarations of one form are of one instant":                    changed(twice),
		"evidence.route of a conversion is the id of a route between two sides": changed(evidence("conversion", "route", "macau", "converted_at", "2026-11-01T09:00:00+08:00")),
	}
}

// readers are the methods with which the reader takes a member by its name.
var readers = []string{"has", "text", "match", "word", "words", "flag", "whole", "seconds", "instant", "past", "birthday", "child", "list", "objects", "script"}

// A member that the reader learns to take must be in the schema, even if no vector has it. The form of the reader's own source
// is looked at, since an optional member shows in no other way.
func TestEveryMemberThatIsReadIsInTheSchema(t *testing.T) {
	known := map[string]bool{}
	var gather func(schema *jurisdictions.Schema)
	gather = func(schema *jurisdictions.Schema) {
		if schema == nil {
			return
		}
		for name, inner := range schema.Properties {
			known[name] = true
			gather(inner)
		}
		for _, inner := range slices.Concat(schema.AnyOf, schema.AllOf, []*jurisdictions.Schema{schema.Items, schema.Then}) {
			gather(inner)
		}
	}
	gather(jurisdictions.ClaimsSchema(schemaID, newReader(t).vocabulary))
	taken := membersTaken(t)
	if len(taken) < 45 {
		t.Errorf("only %d members are found in the reader's source: %v", len(taken), taken)
	}
	for _, name := range taken {
		if !known[name] {
			t.Errorf("the reader takes %q, which the schema does not have", name)
		}
	}
}

func membersTaken(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("read*.go")
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]bool{}
	for _, file := range append(files, "claims.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			if name, found := memberTaken(node); found {
				taken[name] = true
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(taken))
}

func memberTaken(node ast.Node) (string, bool) {
	called, is := node.(*ast.CallExpr)
	if !is || len(called.Args) == 0 {
		return "", false
	}
	method, is := called.Fun.(*ast.SelectorExpr)
	if !is || !slices.Contains(readers, method.Sel.Name) {
		return "", false
	}
	literal, is := called.Args[0].(*ast.BasicLit)
	if !is || literal.Kind != token.STRING {
		return "", false
	}
	name, err := strconv.Unquote(literal.Value)
	return name, err == nil
}

// The types of evidence that the reader knows, by its own words, are those of the schema, and the fullest vector has each.
func TestEveryEvidenceTypeIsInTheSchema(t *testing.T) {
	r := newReader(t)
	_, err := r.read(evidence("no-such-type")(r.specimen()))
	if err == nil {
		t.Fatal("an unknown type of evidence is read")
	}
	_, rest, _ := strings.Cut(err.Error(), "one of [")
	listed, _, _ := strings.Cut(rest, "]")
	types := strings.Fields(listed)
	if len(types) < 11 {
		t.Fatalf("the reader lists %v", types)
	}
	var known []string
	for _, each := range jurisdictions.ClaimsSchema(schemaID, r.vocabulary).Properties["evidence"].AnyOf[0].Items.AnyOf {
		if len(each.Properties) < 2 {
			t.Errorf("%s has no members", each.Properties["type"].Const)
		}
		known = append(known, each.Properties["type"].Const)
	}
	if !slices.Equal(types, known) {
		t.Errorf("the reader has %v, the schema %v", types, known)
	}
	record, err := r.bytes(fullest(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range types {
		if !slices.ContainsFunc(record.Evidence, func(e exchange.Evidence) bool { return e.Type == kind }) {
			t.Errorf("everything.txt has no %s", kind)
		}
	}
}

func fullest(t *testing.T) []byte {
	t.Helper()
	for _, vector := range claimsVectors(t) {
		if vector.name == "everything.txt" {
			return vector.claims
		}
	}
	t.Fatal("there is no everything.txt")
	return nil
}
