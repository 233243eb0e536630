package api

import (
	_ "embed" // openapi.yaml
	"maps"
	"net/http"
	"path"
	"strconv"

	"github.com/labstack/echo/v4"

	"crosscode/api/guide"
)

// guidePath is the packet guide, for the teams that build a side's back end.
const guidePath = "/guide/"

//go:embed openapi.yaml
var openapiFile []byte

// guideMedia are the kinds of file beside the guide. Programs are shown as text, and never run by a browser.
var guideMedia = map[string]string{
	".json": mediaJSON, ".yaml": "text/plain; charset=utf-8", ".mjs": "text/plain; charset=utf-8", ".py": "text/plain; charset=utf-8",
	".go": "text/plain; charset=utf-8",
}

// handbook is the guide, rendered once.
type handbook struct {
	page   []byte
	assets map[string]asset
}

// newHandbook adds to the facts the limits that are this package's own.
func newHandbook(facts guide.Facts) (handbook, error) {
	limits := facts.Tables["limits"]
	limits.Rows = append(limits.Rows[:len(limits.Rows):len(limits.Rows)],
		[]string{strconv.Itoa(maxBody), "bytes of a request's body, which is not compressed"},
		[]string{strconv.Itoa(maxIdempotencyKey), "characters of an Idempotency-Key"},
	)
	facts.Tables = maps.Clone(facts.Tables)
	facts.Tables["limits"] = limits
	page, err := guide.Page(facts)
	if err != nil {
		return handbook{}, err
	}
	files, err := facts.Files()
	if err != nil {
		return handbook{}, err
	}
	made := handbook{page: page, assets: map[string]asset{"openapi.yaml": {guideMedia[".yaml"], openapiFile, metadataAge}}}
	for name, body := range files {
		made.assets[name] = asset{guideMedia[path.Ext(name)], body, metadataAge}
	}
	return made, nil
}

// guideCalls are the packet guide and the files beside it: the same for everybody.
func (s *Server) guideCalls() []call {
	return []call{
		{method: http.MethodGet, path: guidePath, handle: s.guidePage, page: plainPage},
		{method: http.MethodGet, path: guidePath + ":file", handle: s.guideFile, open: true},
	}
}

func (s *Server) guidePage(c echo.Context) error {
	return publish(c, "text/html; charset=utf-8", s.handbook.page, metadataAge)
}

func (s *Server) guideFile(c echo.Context) error { return serveAsset(c, s.handbook.assets) }
