package api

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"crosscode/exchange"
)

var specification = sync.OnceValues(func() (*openapi3.T, error) {
	openapi3filter.RegisterBodyDecoder(mediaJOSE, openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder(mediaKeySet, openapi3filter.JSONBodyDecoder)
	for _, media := range []string{"text/html", "text/css", "text/javascript", "image/svg+xml", "text/plain", "application/manifest+json"} {
		openapi3filter.RegisterBodyDecoder(media, openapi3filter.PlainBodyDecoder)
	}
	return openapi3.NewLoader().LoadFromFile("openapi.yaml")
})

var specifiedRoutes = sync.OnceValues(func() (routers.Router, error) {
	loaded, err := specification()
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(loaded)
})

// holdToSpecification fails unless the answer to a specified call is what openapi.yaml says. The legacy router knows a
// path by its template.
func holdToSpecification(t testing.TB, request *http.Request, got answered) {
	t.Helper()
	router, err := specifiedRoutes()
	if err != nil {
		t.Fatal(err)
	}
	bare := request.Clone(t.Context())
	bare.Body = http.NoBody
	route, parameters, err := router.FindRoute(bare)
	if err != nil {
		return // not a call: 404, 405 and preflights
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: bare, PathParams: parameters, Route: route},
		Status:                 got.status, Header: got.header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), input.SetBodyBytes(got.body)); err != nil {
		t.Errorf("%s %s answered %d against openapi.yaml: %v", request.Method, request.URL.Path, got.status, err)
	}
}

func TestTheSpecificationIsValid(t *testing.T) {
	loaded, err := specification()
	if err != nil {
		t.Fatal(err)
	}
	if err := loaded.Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEveryRouteIsSpecifiedAndTheReverse(t *testing.T) {
	loaded, err := specification()
	if err != nil {
		t.Fatal(err)
	}
	var specified, served []string
	for path, item := range loaded.Paths.Map() {
		for method := range item.Operations() {
			specified = append(specified, method+" "+path)
		}
	}
	for _, route := range newWorld(t).server.echo.Routes() {
		served = append(served, route.Method+" "+template(route.Path))
	}
	slices.Sort(specified)
	slices.Sort(served)
	if !slices.Equal(specified, served) {
		t.Errorf("openapi.yaml has\n%s\nthe server has\n%s", strings.Join(specified, "\n"), strings.Join(served, "\n"))
	}
}

// template turns echo's ":route" into "{route}".
func template(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if name, found := strings.CutPrefix(segment, ":"); found {
			segments[i] = "{" + name + "}"
		}
	}
	return strings.Join(segments, "/")
}

func TestEveryRouteIsInThePackageComment(t *testing.T) {
	comment, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range newWorld(t).server.echo.Routes() {
		if !strings.Contains(string(comment), template(route.Path)) {
			t.Errorf("doc.go does not name %s", template(route.Path))
		}
	}
}

func TestTheSpecifiedReasonsAreTheVocabulary(t *testing.T) {
	var reasons []string
	for _, reason := range exchange.Reasons() {
		reasons = append(reasons, string(reason))
	}
	wantEnum(t, "Reason", reasons)
}

func TestTheSpecifiedCategoriesAndOutcomesAreTheTables(t *testing.T) {
	texts, err := loadTable(issuer)
	if err != nil {
		t.Fatal(err)
	}
	wantEnum(t, "Outcome", []string{outcomeRefused, outcomeRetry, outcomeFailed})
	loaded, err := specification()
	if err != nil {
		t.Fatal(err)
	}
	enum := loaded.Components.Schemas["Finding"].Value.Properties["category"].Value.Enum
	if len(enum) != len(texts.Categories) {
		t.Errorf("openapi.yaml has %d categories, problems.yaml %d", len(enum), len(texts.Categories))
	}
	for _, category := range enum {
		if _, listed := texts.Categories[exchange.Category(category.(string))]; !listed {
			t.Errorf("problems.yaml has no category %s", category)
		}
	}
}

func wantEnum(t *testing.T, schema string, want []string) {
	t.Helper()
	loaded, err := specification()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, value := range loaded.Components.Schemas[schema].Value.Enum {
		got = append(got, value.(string))
	}
	if !slices.Equal(got, want) {
		t.Errorf("openapi.yaml's %s is %v, want %v", schema, got, want)
	}
}

// The contract test must be able to fail.
func TestAnAnswerOutsideTheSpecificationIsNoticed(t *testing.T) {
	noticing := &recordingT{TB: t}
	holdToSpecification(noticing, get("/livez"), answered{
		status: http.StatusOK, header: http.Header{"Content-Type": {mediaJSON}}, body: []byte(`{"status":"live","host":"7"}`),
	})
	if !noticing.failed {
		t.Error("an unspecified member passed")
	}
}

type recordingT struct {
	testing.TB
	failed bool
}

func (r *recordingT) Errorf(string, ...any) { r.failed = true }
