package jose

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	errJSON   = errors.New("not one strict JSON object: unique member names, valid UTF-8, nothing behind it")
	errDepth  = errors.New("JSON nested deeper than 8 levels")
	errMember = errors.New("a header name that is not allowed here")
	errText   = errors.New("a header value that is not a string")
)

// walk reads one JSON object and nothing behind it, and calls member for each of its own members with the decoder placed
// before the value. What member does not read is checked and skipped. The decoder refuses repeated names at every level,
// and bytes and escapes that are not UTF-8.
func walk(data []byte, member func(name string, decoder *jsontext.Decoder) error) error {
	if depth(data) > MaxDepth {
		return errDepth
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(data))
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != '{' {
		return errJSON
	}
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadToken()
		if err != nil {
			return errJSON
		}
		if err := member(name.String(), decoder); err != nil {
			return err
		}
	}
	if _, err := decoder.ReadToken(); err != nil {
		return errJSON
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return errJSON
	}
	return nil
}

// skip checks a value and drops it.
func skip(decoder *jsontext.Decoder) error {
	if decoder.SkipValue() != nil {
		return errJSON
	}
	return nil
}

// text reads a value that must be a string.
func text(decoder *jsontext.Decoder) (string, error) {
	if decoder.PeekKind() != '"' {
		return "", errText
	}
	token, err := decoder.ReadToken()
	if err != nil {
		return "", errJSON
	}
	return token.String(), nil
}

// depth counts the levels of brackets outside strings. It reads data that may not be JSON at all: what it counts wrongly
// the decoder refuses.
func depth(data []byte) int {
	level, deepest, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch character := data[i]; {
		case quoted && character == '\\':
			i++
		case character == '"':
			quoted = !quoted
		case quoted:
		case character == '{', character == '[':
			level++
			deepest = max(deepest, level)
		case character == '}', character == ']':
			level--
		}
	}
	return deepest
}
