package api

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"crosscode/exchange"
)

// words are what pages say: a sentence in four languages for each key. {from} and its like stand for words of the page.
type words map[string]exchange.Text

// loadWords reads a catalogue: YAML of keys, each with a text in every language. The error tells all faults at once; they are
// faults of the program, found by the first test that makes a Server.
func loadWords(data []byte, file string) (words, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	loaded := words{}
	if err := decoder.Decode(&loaded); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(loaded)) {
		for _, language := range loaded[key].Missing() {
			faults = append(faults, fmt.Errorf("%s: %s has no %s", file, key, language))
		}
	}
	return loaded, errors.Join(faults...)
}

// in gives a key's sentence in a language, with the words that its placeholders stand for. A key that is not there is an
// error, so that no page is ever shown with a hole in it.
func (w words) in(language, key string, stands ...string) (string, error) {
	sentence, known := w[key]
	if !known {
		return "", fmt.Errorf("there is no text %q", key)
	}
	return strings.NewReplacer(stands...).Replace(sentence.In(language)), nil
}
