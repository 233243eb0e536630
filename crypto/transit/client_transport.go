package transit

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
	"net/netip"
	"net/url"
	"os"
	"time"
)

// connectTime is for one connection, and again for its TLS handshake. Vault is near.
const connectTime = time.Second

// newTransport gives the base URL and the way to it. HTTP/1.1 only: there, a request that times out closes its connection,
// whereas HTTP/2 would send the next one down the same dead line.
func newTransport(config ClientConfig) (base string, transport *http.Transport, err error) {
	target, err := url.Parse(config.Address)
	if err != nil {
		return "", nil, errors.New("the address is not a URL")
	}
	dialer := &net.Dialer{Timeout: min(config.Timeout, connectTime), KeepAlive: 5 * time.Second}
	transport = &http.Transport{
		Proxy:                  nil, // a proxy of the environment would see the tokens
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    min(config.Timeout, connectTime),
		ResponseHeaderTimeout:  config.Timeout,
		MaxIdleConnsPerHost:    32,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 16 << 10,
		DisableCompression:     true,
		Protocols:              new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(true)
	if target.Scheme == "unix" {
		if target.Host != "" || target.Path == "" || config.CAFile != "" || config.ServerName != "" {
			return "", nil, errors.New("a socket's address is unix:///path, without CA file and server name")
		}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", target.Path)
		}
		return "http://localhost", transport, nil
	}
	if transport.TLSClientConfig, err = tlsConfig(config, target); err != nil {
		return "", nil, err
	}
	return target.Scheme + "://" + target.Host, transport, nil
}

// tlsConfig trusts the pinned authorities and nobody else, the system's included. It is nil for plain http.
func tlsConfig(config ClientConfig, target *url.URL) (*tls.Config, error) {
	switch {
	case target.Hostname() == "" || target.User != nil || target.RawQuery != "" || target.Fragment != "" || len(target.Path) > 1:
		return nil, errors.New("the address must be a scheme, a host and a port, and nothing else")
	case target.Scheme == "http" && !loopback(target.Hostname()):
		return nil, errors.New("the address must be https, or http on a loopback host: tokens must not travel in the clear")
	case target.Scheme == "http" && (config.CAFile != "" || config.ServerName != ""):
		return nil, errors.New("a CA file and a server name go with an https address")
	case target.Scheme == "http":
		return nil, nil
	case target.Scheme != "https":
		return nil, errors.New("the address must be https, http or unix")
	case config.CAFile == "":
		return nil, errors.New("an https address needs a CA file")
	}
	data, err := os.ReadFile(config.CAFile)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	authorities, err := parseAuthorities(data)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	name := config.ServerName
	if name == "" {
		name = target.Hostname()
	}
	return &tls.Config{RootCAs: authorities, ServerName: name, MinVersion: tls.VersionTLS12}, nil
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && address.IsLoopback())
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

var errTooLong = errors.New("the answer is too long")

// bounded keeps every answer below maxAnswer, whoever reads it: HashiCorp's client reads failed ones whole.
type bounded struct {
	next http.RoundTripper
	idle interface{ CloseIdleConnections() }
}

// RoundTrip makes the request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err == nil {
		response.Body = &boundedBody{ReadCloser: response.Body, left: maxAnswer}
	}
	return response, err
}

// CloseIdleConnections is what http.Client asks of a transport.
func (b bounded) CloseIdleConnections() { b.idle.CloseIdleConnections() }

type boundedBody struct {
	io.ReadCloser
	left int
}

// Read gives errTooLong instead of a byte too many.
func (b *boundedBody) Read(p []byte) (int, error) {
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if n > b.left {
		return b.left, errTooLong
	}
	b.left -= n
	return n, err
}
