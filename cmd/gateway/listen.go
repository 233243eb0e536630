package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"time"

	"crosscode/exchange/clock"
)

// tlsConfig is nil for plain HTTP.
func (p *parts) tlsConfig() (*tls.Config, error) {
	certificate, err := p.certificate()
	if err != nil || certificate == nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12, Time: clock.Now}, nil
}

// certificate is nil for plain HTTP.
func (p *parts) certificate() (*tls.Certificate, error) {
	settings := p.settings.TLS
	switch {
	case settings.Cert != "":
		certificate, err := tls.LoadX509KeyPair(settings.Cert, settings.Key)
		return &certificate, err
	case settings.Dev:
		issuer, err := url.Parse(p.settings.Issuer)
		if err != nil {
			return nil, err
		}
		p.log.Warn("serving with a certificate made at this start, which no browser trusts")
		return selfSigned(issuer.Hostname(), p.clock())
	default:
		return nil, nil
	}
}

// selfSigned makes a certificate for one host that lasts a day.
func selfSigned(host string, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Crosscode development"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if address := net.ParseIP(host); address != nil {
		template.IPAddresses = []net.IP{address}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
