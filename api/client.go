package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the client
	"encoding/hex"
	"net/http"

	"github.com/labstack/echo/v4"
)

// clientAge is how many seconds a cache may keep the client. The path stays the same when the client changes, and whoever
// wants to be sure of its bytes finds their hash in the metadata.
const clientAge = 300

const (
	mediaScript = "text/javascript; charset=utf-8"
	clientPath  = "/client/"
)

//go:embed web/client/crosscode.js
var clientModule []byte

//go:embed web/client/crosscode.d.ts
var clientTypes []byte

// asset is one file of ours that a browser loads. The zero age makes it ask each time whether the file has changed.
type asset struct {
	media string
	body  []byte
	age   int // seconds
}

// clientAssets are the client for pages and mini-programs in its two forms, and its types.
var clientAssets = map[string]asset{
	"crosscode.js":   {mediaScript, clientModule, clientAge},
	"crosscode.cjs":  {mediaScript, commonJS(clientModule), clientAge},
	"crosscode.d.ts": {"text/plain; charset=utf-8", clientTypes, clientAge},
}

// commonJS turns the module's one export, its last line, into module.exports: a mini-program that is built without ES
// modules requires it. Nothing else of the text changes.
func commonJS(module []byte) []byte {
	at := bytes.LastIndex(module, []byte("\nexport {"))
	if at < 0 {
		panic("the client has no export line")
	}
	turned := append([]byte{}, module[:at]...)
	turned = append(turned, "\nmodule.exports = {"...)
	return append(turned, module[at+len("\nexport {"):]...)
}

// clientCalls serve the client. Any page may load it: it is the same for everybody and holds nothing.
func (s *Server) clientCalls() []call {
	return []call{{method: http.MethodGet, path: clientPath + ":file", handle: s.client, open: true}}
}

func (s *Server) client(c echo.Context) error {
	return serveAsset(c, clientAssets)
}

// serveAsset gives the file that the path names, if it is one of these.
func serveAsset(c echo.Context, assets map[string]asset) error {
	found, known := assets[c.Param("file")]
	if !known {
		return &fault{id: notFound, stage: "asset"}
	}
	return publish(c, found.media, found.body, found.age)
}

// clientInfo tells where the client is, and by which hash a page that serves a copy of it can know it.
type clientInfo struct {
	URL    string `json:"url"`
	SHA256 string `json:"sha256"` // lower-case hex, of the module's bytes
}

func (s *Server) clientInfo() clientInfo {
	sum := sha256.Sum256(clientModule)
	return clientInfo{URL: s.config.Issuer + clientPath + "crosscode.js", SHA256: hex.EncodeToString(sum[:])}
}
