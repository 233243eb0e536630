package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The files of a data folder that TLS needs.
const (
	authorityFile   = "ca.pem"
	certificateFile = "server.pem"
	serverKeyFile   = "server-key.pem"
)

// tlsConfig makes the authority and the certificate at the first start. The authority's key is forgotten at once.
func tlsConfig(folder string) (*tls.Config, error) {
	certificate, key := filepath.Join(folder, certificateFile), filepath.Join(folder, serverKeyFile)
	if _, err := os.Stat(certificate); err != nil {
		if err := makeCertificates(folder); err != nil {
			return nil, err
		}
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

func makeCertificates(folder string) error {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority := template("devvault authority")
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	server := template("devvault")
	server.DNSNames = []string{"localhost"}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for name, signed := range map[string]*x509.Certificate{authorityFile: authority, certificateFile: server} {
		holder := serverKey
		if signed.IsCA {
			holder = authorityKey
		}
		der, err := x509.CreateCertificate(rand.Reader, signed, authority, &holder.PublicKey, authorityKey)
		if err != nil {
			return err
		}
		if err := writePEM(filepath.Join(folder, name), "CERTIFICATE", der); err != nil {
			return err
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return err
	}
	return writePEM(filepath.Join(folder, serverKeyFile), "PRIVATE KEY", der)
}

func template(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // never fails (crypto/rand)
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
