package api

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"crosscode/exchange"
)

//go:embed web/officer web/vendor
var officerFiles embed.FS

// officerPath is where the officers' page is installed from, and the whole scope of its service worker.
const officerPath = "/officer/"

// qrFolder is the vendored QR decoder, for browsers without a BarcodeDetector. Its files import each other by relative path.
const qrFolder = "qr@0.7.0"

// workerName is the service worker, before whose text the list of what it keeps is written.
const workerName = "sw.js"

// officerMedia are the kinds of file that the officers' page is made of, and nothing else is served.
var officerMedia = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": mediaScript, ".json": mediaJSON,
	".svg": "image/svg+xml", ".png": "image/png", ".webmanifest": "application/manifest+json",
}

// officerPage may use the camera, and may name one script by a string: its service worker.
var officerPage = &pagePolicy{trustedTypes: "crosscode-officer", camera: true}

// officerAssets and qrAssets are the page's files, as they are written, and the decoder's. A browser asks for them each time:
// the service worker keeps them, and a file of another release must not come between.
var (
	qrAssets      = filesOf(path.Join("web/vendor", qrFolder))
	officerAssets = filesOf("web/officer")
)

// filesOf reads the served files of an embedded folder. The embedded files are there whenever the program is.
func filesOf(folder string) map[string]asset {
	entries, err := officerFiles.ReadDir(folder)
	if err != nil {
		panic(err)
	}
	found := map[string]asset{}
	for _, entry := range entries {
		media, served := officerMedia[path.Ext(entry.Name())]
		if !served {
			continue
		}
		body, err := fs.ReadFile(officerFiles, path.Join(folder, entry.Name()))
		if err != nil {
			panic(err)
		}
		found[entry.Name()] = asset{media: media, body: body}
	}
	return found
}

// shell is all that the page needs without a network, by path, with what it consists of.
func shell(page map[string]asset) map[string][]byte {
	files := map[string][]byte{officerPath: page["index.html"].body, clientPath + "crosscode.js": clientModule}
	for name, each := range page {
		if name != workerName && name != "index.html" {
			files[officerPath+name] = each.body
		}
	}
	for name, each := range qrAssets {
		files["/vendor/"+qrFolder+"/"+name] = each.body
	}
	style, err := assets.ReadFile("web/style.css")
	if err != nil {
		panic(err)
	}
	files["/assets/style.css"] = style
	return files
}

// withWorker writes the shell's list and the hash of all its bytes before the service worker's text. A browser takes a
// worker for a new one when its bytes differ, so a release that changes any file replaces all of them together.
func withWorker(page map[string]asset) map[string]asset {
	files, sum := shell(page), sha256.New()
	paths := slices.Sorted(maps.Keys(files))
	for _, name := range paths {
		each := sha256.Sum256(files[name])
		sum.Write([]byte(name))
		sum.Write(each[:])
	}
	sum.Write(page[workerName].body)
	version := base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12])
	list := encode(map[string]any{"version": version, "files": paths})
	script := "const SHELL = " + strings.TrimSpace(string(list)) + ";\n" + string(page[workerName].body)
	page[workerName] = asset{media: mediaScript, body: []byte(script)}
	return page
}

// withPorts adds the names of all ports of the server's routes to the page's sentences, so that no port shows as its id.
func (s *Server) withPorts(page map[string]asset) (map[string]asset, error) {
	for _, language := range exchange.Languages() {
		file, words := "texts."+language+".json", map[string]string{}
		if err := json.Unmarshal(page[file].body, &words); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, route := range s.routes {
			for _, port := range s.portsOn(route) {
				words["port."+string(port.ID)] = port.Name.In(language)
			}
		}
		page[file] = asset{media: mediaJSON, body: encode(words)}
	}
	return page, nil
}

// officerCalls are the officers' page with its files, and the decoder that it loads.
func (s *Server) officerCalls() []call {
	return []call{
		{method: http.MethodGet, path: officerPath, handle: s.officer, page: officerPage},
		{method: http.MethodGet, path: officerPath + ":file", handle: s.officerFile, page: officerPage},
		{method: http.MethodGet, path: "/vendor/" + qrFolder + "/:file", handle: s.vendored},
	}
}

func (s *Server) officer(c echo.Context) error {
	index := s.officerAssets["index.html"]
	return publish(c, index.media, index.body, index.age)
}

func (s *Server) officerFile(c echo.Context) error { return serveAsset(c, s.officerAssets) }

func (s *Server) vendored(c echo.Context) error { return serveAsset(c, qrAssets) }
