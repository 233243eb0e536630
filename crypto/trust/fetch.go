package trust

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/go-resty/resty/v2"

	"crosscode/crypto/keys"
	"crosscode/exchange/clock"
)

// maxHeader is how many bytes of an answer's header are read.
const maxHeader = 16 << 10

// newFetch makes the one way in which a source's set can be had.
func newFetch(source Source, timeout time.Duration) (func(context.Context) ([]byte, error), error) {
	switch {
	case (source.URL == "") == (source.File == ""):
		return nil, errors.New("needs either a URL or a file")
	case source.File != "" && (source.CAFile != "" || source.ServerName != ""):
		return nil, errors.New("a CA file and a server name go with an https URL")
	case source.File != "":
		return func(context.Context) ([]byte, error) { return readFile(source.File) }, nil
	}
	target, err := parseURL(source)
	if err != nil {
		return nil, err
	}
	config, err := tlsConfig(source, target)
	if err != nil {
		return nil, err
	}
	client := newClient(config, timeout)
	return func(ctx context.Context) ([]byte, error) { return get(ctx, client, target.String()) }, nil
}

func parseURL(source Source) (*url.URL, error) {
	target, err := url.Parse(source.URL)
	switch {
	case err != nil || target.Hostname() == "" || target.Opaque != "":
		return nil, errors.New("not an absolute URL")
	case target.User != nil || target.RawQuery != "" || target.ForceQuery || target.Fragment != "":
		return nil, errors.New("a URL with a user, a query or a fragment")
	case target.Scheme == "https" && source.CAFile == "":
		return nil, errors.New("an https URL needs a CA file")
	case target.Scheme == "https":
		return target, nil
	case target.Scheme != "http" || !loopbackHost(target.Hostname()):
		return nil, errors.New("must be https, or http on a loopback host")
	case source.CAFile != "" || source.ServerName != "":
		return nil, errors.New("a CA file and a server name go with an https URL")
	}
	return target, nil
}

// tlsConfig trusts the pinned authorities and nobody else, the system's included. It is nil for plain http.
func tlsConfig(source Source, target *url.URL) (*tls.Config, error) {
	if target.Scheme != "https" {
		return nil, nil
	}
	data, err := os.ReadFile(source.CAFile)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	authorities, err := parseAuthorities(data)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	name := source.ServerName
	if name == "" {
		name = target.Hostname()
	}
	return &tls.Config{RootCAs: authorities, ServerName: name, MinVersion: tls.VersionTLS12, Time: clock.Now}, nil
}

// parseAuthorities refuses a file of which one block cannot be used. x509.CertPool would pass over that block in silence.
func parseAuthorities(data []byte) (*x509.CertPool, error) {
	authorities := x509.NewCertPool()
	for found := 0; ; found++ {
		block, rest := pem.Decode(data)
		if block == nil && found > 0 && len(bytes.TrimSpace(rest)) == 0 {
			return authorities, nil
		}
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("must hold PEM certificates and nothing else")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		authorities.AddCert(certificate)
		data = rest
	}
}

// newClient makes a client that calls what it is told to and nothing else. It keeps no connection: at one call in five
// minutes nothing is gained by one, and each call then proves the side's identity anew.
func newClient(secure *tls.Config, timeout time.Duration) *resty.Client {
	dialer := &net.Dialer{Timeout: timeout, ControlContext: control(secure == nil)}
	return resty.NewWithClient(&http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy of the environment would see, and choose, whom we call
			DialContext:            dialer.DialContext,
			TLSClientConfig:        secure,
			TLSHandshakeTimeout:    timeout,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
		},
		// The redirect becomes the answer, which is not 200: a failed fetch.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).
		// resty would inflate and read the whole body before anybody could object.
		SetDoNotParseResponse(true).
		SetLogger(silence{}).
		SetHeaders(map[string]string{"Accept": "application/jwk-set+json, application/json", "User-Agent": "crosscode"})
}

func get(ctx context.Context, client *resty.Client, target string) ([]byte, error) {
	response, err := client.R().SetContext(ctx).Get(target)
	if err != nil {
		return nil, classify(ctx, err)
	}
	body := response.RawBody()
	defer func() { _ = body.Close() }() // read-only: nothing is lost
	switch status := response.StatusCode(); {
	case status >= 300 && status < 400:
		return nil, &fault{Redirect, fmt.Errorf("status %d", status)}
	case status != http.StatusOK:
		return nil, &fault{Answer, fmt.Errorf("status %d", status)}
	case response.Header().Get("Content-Encoding") != "":
		return nil, &fault{Answer, errors.New("a compressed body, which was not asked for")}
	}
	data, err := readSet(body)
	if err != nil {
		return nil, classify(ctx, err)
	}
	return fitting(data)
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file") // a pipe would block for ever
	}
	if err != nil {
		return nil, &fault{File, err}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, &fault{File, err}
	}
	defer func() { _ = file.Close() }() // read-only: nothing is lost
	data, err := readSet(file)
	if err != nil {
		return nil, &fault{File, err}
	}
	return fitting(data)
}

// readSet reads at most what a set may be long, and one byte more, which is enough to know that it is too long.
func readSet(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, keys.MaxSetBytes+1)) }

func fitting(data []byte) ([]byte, error) {
	if len(data) > keys.MaxSetBytes {
		return nil, &fault{TooLarge, fmt.Errorf("more than %d bytes", keys.MaxSetBytes)}
	}
	return data, nil
}

// silence keeps resty from writing to standard error; this package logs what matters.
type silence struct{}

func (silence) Errorf(string, ...any) {}
func (silence) Warnf(string, ...any)  {}
func (silence) Debugf(string, ...any) {}
