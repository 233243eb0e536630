package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

const (
	mediaProblem = "application/problem+json"
	mediaKeySet  = "application/jwk-set+json"
)

// encode writes an answer's JSON. HTML characters stay as they are: every answer is nosniff, and escaping would swell the
// full receipt. The types that come here always encode.
func encode(value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic("encoding an answer")
	}
	return buffer.Bytes()
}

// write sends a whole body at once. A caller who has gone away is nobody's fault.
func write(c echo.Context, status int, media string, body []byte) {
	c.Response().Header().Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	_ = c.Blob(status, media, body)
}

// reply sends JSON that is for this caller alone.
func reply(c echo.Context, value any) error {
	write(c, http.StatusOK, mediaJSON, encode(value))
	return nil
}

// publish sends what everybody may read and keep for some seconds, or 304 when the caller has these very bytes.
func publish(c echo.Context, media string, body []byte, maxAge int) error {
	header, sum := c.Response().Header(), sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	header.Set("ETag", tag)
	header.Set(echo.HeaderCacheControl, "public, max-age="+strconv.Itoa(maxAge))
	if matches(c.Request().Header.Values("If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	write(c, http.StatusOK, media, body)
	return nil
}

// matches compares entity tags weakly, as RFC 9110 §13.1.2 asks for If-None-Match.
func matches(wanted []string, tag string) bool {
	for _, each := range strings.Split(strings.Join(wanted, ","), ",") {
		each = strings.TrimPrefix(strings.TrimSpace(each), "W/")
		if each == tag || each == "*" {
			return true
		}
	}
	return false
}

// hostOf is the host of a URL without its port.
func hostOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return parsed.Hostname()
}
