package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"crosscode/exchange"
)

// mediaOf is the request's media type without parameters; "" when there is none or more than one.
func mediaOf(request *http.Request) string {
	values := request.Header.Values("Content-Type")
	if len(values) != 1 {
		return ""
	}
	media, _, err := mime.ParseMediaType(values[0])
	if err != nil {
		return ""
	}
	return media
}

// readBody reads at most maxBody bytes. What a Content-Length promises is believed only when it is too much.
func readBody(w http.ResponseWriter, request *http.Request) ([]byte, error) {
	if request.ContentLength > maxBody {
		w.Header().Set("Connection", "close")
		return nil, exchange.Fail(exchange.TooLarge, "body", nil)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, exchange.Fail(exchange.TooLarge, "body", nil)
	case err != nil: // too slow, or cut off
		w.Header().Set("Connection", "close")
		return nil, &fault{id: requestTimeout, stage: "body"}
	}
	return body, nil
}

// decode reads a JSON body into a struct of strings: exact member names, each at most once, none unknown, valid UTF-8,
// nothing behind the object. A value that is not a string is refused where it begins, so depth needs no limit of its own.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into, json.RejectUnknownMembers(true)); err != nil {
		return &fault{id: badRequest, stage: "json"}
	}
	return nil
}

// maxIdempotencyKey is the most characters of an Idempotency-Key.
const maxIdempotencyKey = 255

// idempotencyKey gives the request's key, or "" when it has none. It must be visible ASCII, sent once.
func idempotencyKey(request *http.Request) (string, error) {
	values := request.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	foreign := func(r rune) bool { return r < '!' || r > '~' }
	if len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, foreign) {
		return "", exchange.Fail(exchange.PacketRefused, "idempotency-key", nil)
	}
	return key, nil
}
