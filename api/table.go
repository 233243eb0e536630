package api

import (
	"bytes"
	_ "embed" // problems.yaml
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"crosscode/exchange"
)

//go:embed problems.yaml
var problemsFile []byte

// text is what one problem says, and how.
type text struct {
	Status  int           `yaml:"status"`
	Outcome string        `yaml:"outcome"`
	Contact string        `yaml:"contact"`
	Title   exchange.Text `yaml:"title"`
	Detail  exchange.Text `yaml:"detail"`
	Remedy  exchange.Text `yaml:"remedy"`
}

// obstacleText is what one of several faults that share a reason says, in the place of the reason's words.
type obstacleText struct {
	Title  exchange.Text `yaml:"title"`
	Detail exchange.Text `yaml:"detail"`
	Remedy exchange.Text `yaml:"remedy"`
}

func (w obstacleText) in(language string) (title, detail, remedy string) {
	return w.Title.In(language), w.Detail.In(language), w.Remedy.In(language)
}

// The outcomes that a body can state. A mini-program sees every status as a success, so the outcome stands in the body.
const (
	outcomeIssued  = "issued"
	outcomeRefused = "refused" // this packet gets no code
	outcomeRetry   = "retry"   // the same request may be sent again
	outcomeFailed  = "failed"  // the request itself was wrong, or the gateway was
)

// table is problems.yaml after checking.
type table struct {
	Contacts   map[string]exchange.Text            `yaml:"contacts"`
	Problems   map[string]text                     `yaml:"problems"`
	Obstacles  map[exchange.Obstacle]obstacleText  `yaml:"obstacles"`
	Holders    obstacleText                        `yaml:"holders"` // of claims-invalid, where the holder can mend it
	Categories map[exchange.Category]exchange.Text `yaml:"categories"`
	types      string                              // the URL under which each problem type is described
	uniform    []byte                              // the one body of packet-refused
}

// loadTable reads problems.yaml. Its errors are faults of the program, found by the first test that makes a Server.
func loadTable(issuer string) (*table, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(problemsFile))
	decoder.KnownFields(true)
	loaded := &table{types: issuer + "/problems/"}
	if err := decoder.Decode(loaded); err != nil {
		return nil, fmt.Errorf("problems.yaml: %w", err)
	}
	if err := loaded.check(); err != nil {
		return nil, fmt.Errorf("problems.yaml: %w", err)
	}
	loaded.uniform = loaded.writeUniform()
	return loaded, nil
}

func (t *table) check() error {
	faults := t.missing()
	for id, entry := range t.Problems {
		if !slices.Contains([]string{outcomeRefused, outcomeRetry, outcomeFailed}, entry.Outcome) || entry.Status < 400 {
			faults = append(faults, fmt.Errorf("%s: status or outcome", id))
		}
		if _, known := t.Contacts[entry.Contact]; !known {
			faults = append(faults, fmt.Errorf("%s: contact", id))
		}
	}
	for _, id := range exchange.Obstacles() {
		if _, listed := t.Obstacles[id]; !listed {
			faults = append(faults, fmt.Errorf("%s is not listed", id))
		}
	}
	if len(t.Obstacles) != len(exchange.Obstacles()) {
		faults = append(faults, errors.New("an obstacle is listed that nothing meets"))
	}
	for _, id := range problemIDs() {
		if _, listed := t.Problems[id]; !listed {
			faults = append(faults, fmt.Errorf("%s is not listed", id))
		}
	}
	if len(t.Problems) != len(problemIDs()) {
		faults = append(faults, errors.New("a problem is listed that nothing answers with"))
	}
	return errors.Join(faults...)
}

// missing finds every sentence that lacks a language.
func (t *table) missing() (faults []error) {
	complete := func(where string, sentences ...exchange.Text) {
		for i, sentence := range sentences {
			for _, language := range sentence.Missing() {
				faults = append(faults, fmt.Errorf("%s, sentence %d, has no %s", where, i+1, language))
			}
		}
	}
	for id, its := range t.Problems {
		complete(id, its.Title, its.Detail, its.Remedy)
	}
	complete("holders", t.Holders.Title, t.Holders.Detail, t.Holders.Remedy)
	for id, its := range t.Obstacles {
		complete(string(id), its.Title, its.Detail, its.Remedy)
	}
	for name, sentence := range t.Contacts {
		complete("contacts."+name, sentence)
	}
	for name, sentence := range t.Categories {
		complete("categories."+string(name), sentence)
	}
	return faults
}

// problemIDs lists every id that a problem can have: the reasons, then the faults of HTTP.
func problemIDs() []string {
	ids := []string{badRequest, recallRefused, originRefused, notFound, methodNotAllowed, requestTimeout, internal}
	for _, reason := range exchange.Reasons() {
		ids = append(ids, string(reason))
	}
	return ids
}
