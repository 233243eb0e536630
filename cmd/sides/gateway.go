package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"crosscode/exchange/clock"
)

// gateway is the gateway as a side sees it: an address.
type gateway struct {
	base string // without a slash at the end; also the aud of packets unless told otherwise
	http *http.Client
	kept *kept
}

// kept holds what the gateway publishes for a moment, so that a burst of packets does not use up the gateway's limit for
// this address.
type kept struct {
	mu    sync.Mutex
	pages map[string]page
}

type page struct {
	data    []byte
	fetched time.Time
}

// keepFor is short, so that new keys and texts are seen at once by human measure.
const keepFor = 5 * time.Second

// The most bytes of an answer that are read. A bundle with 50,000 recalls is a few megabytes.
const (
	maxAnswer = 256 << 10
	maxBundle = 8 << 20
)

// gatewayTimeout bounds one call, connecting included.
const gatewayTimeout = 5 * time.Second

func newGateway(base string) gateway {
	return gateway{base: strings.TrimRight(base, "/"), kept: &kept{pages: map[string]page{}}, http: &http.Client{
		Timeout: gatewayTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the gateway redirects, which it never does")
		},
	}}
}

// keys fetches the gateway's key set.
func (g gateway) keys(ctx context.Context) ([]jose.JSONWebKey, error) {
	data, err := g.published(ctx, g.base+"/.well-known/jwks.json", maxSet)
	if err != nil {
		return nil, err
	}
	return parseKeySet(data)
}

// consents fetches the consent texts of a route.
func (g gateway) consents(ctx context.Context, over route) (publishedConsents, error) {
	data, err := g.published(ctx, g.base+"/v1/consents/"+over.id(), maxAnswer)
	if err != nil {
		return publishedConsents{}, err
	}
	return parseConsents(data, over)
}

// published is get, with an answer that is at most keepFor old. Failures are not kept.
func (g gateway) published(ctx context.Context, url string, most int64) ([]byte, error) {
	g.kept.mu.Lock()
	defer g.kept.mu.Unlock()
	if known := g.kept.pages[url]; clock.Now().Sub(known.fetched) < keepFor {
		return known.data, nil
	}
	data, err := g.get(ctx, url, most)
	if err == nil {
		g.kept.pages[url] = page{data: data, fetched: clock.Now()}
	}
	return data, err
}

// post sends a token and gives the answer's status and body.
func (g gateway) post(ctx context.Context, path, token string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.base+path, strings.NewReader(token))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/jose")
	return g.do(request, maxAnswer)
}

func (g gateway) get(ctx context.Context, url string, most int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	status, body, err := g.do(request, most)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %d %s", url, status, http.StatusText(status))
	}
	return body, nil
}

func (g gateway) do(request *http.Request, most int64) (int, []byte, error) {
	response, err := g.http.Do(request) //nolint:gosec // the gateway that the command line names
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err != nil {
		return 0, nil, err
	}
	if int64(len(body)) > most {
		return 0, nil, fmt.Errorf("%s %s: more than %d bytes", request.Method, request.URL, most)
	}
	return response.StatusCode, body, nil
}
