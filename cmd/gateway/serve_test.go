package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStopFinishesWhatWasTakenIn stops the gateway while a packet is half received: no new connection is taken, and the
// packet in hand is answered.
func TestStopFinishesWhatWasTakenIn(t *testing.T) {
	s, _ := openStage(t)
	sealed, _ := askForCase(t, s, "macau", packetWish{To: "guangdong", Case: "green"})
	address := strings.TrimPrefix(s.gateway, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	half := len(sealed.Packet) / 2
	fmt.Fprintf(conn, "POST /v1/exchange HTTP/1.1\r\nHost: %s\r\nContent-Type: application/jose\r\nContent-Length: %d\r\n\r\n%s",
		address, len(sealed.Packet), sealed.Packet[:half])
	time.Sleep(200 * time.Millisecond)
	gateway := s.running[len(s.running)-1]
	if err := gateway.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	refusesConnections(t, address)
	fmt.Fprint(conn, sealed.Packet[half:])
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the packet in hand was answered with %d, want 200", response.StatusCode)
	}
	select {
	case <-gateway.exited:
	case <-time.After(drainTime):
		t.Error("the gateway has not stopped")
	}
	if gateway.err != nil {
		t.Errorf("the gateway ended with %v\n%s", gateway.err, gateway.log)
	}
}

func refusesConnections(t *testing.T, address string) {
	t.Helper()
	for range 100 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("a stopping gateway still takes connections")
}

// TestServesTLSItself starts the gateway with a certificate of its own making.
func TestServesTLSItself(t *testing.T) {
	folder := t.TempDir()
	address, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "gateway.yaml")
	text := fmt.Sprintf(demoConfig, "https://"+address, address, fmt.Sprintf(demoTrust, "macau", "http://127.0.0.1:1", "")+
		fmt.Sprintf(demoTrust, "guangdong", "http://127.0.0.1:2", ""))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(programs, "gateway")
	if _, err := run1(t.Context(), program, "keys", "init", "--config", file, "--agreement"); err != nil {
		t.Fatal(err)
	}
	gateway, err := start("gateway", nil, program, "serve", "--config", file, "--tls-dev")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gateway.stop(); err != nil {
			t.Error(err)
		}
	})
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
	}}
	response := eventually(t, client, "https://"+address+"/readyz", gateway)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.TLS.Version != tls.VersionTLS13 || response.ProtoMajor != 2 {
		t.Errorf("%s over %s, TLS %x, want 200 over HTTP/2 and TLS 1.3", response.Status, response.Proto, response.TLS.Version)
	}
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}}
	if _, err := old.Get("https://" + address + "/readyz"); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
}

func eventually(t *testing.T, client *http.Client, url string, p *process) *http.Response {
	t.Helper()
	for range 200 {
		if response, err := client.Get(url); err == nil {
			return response
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not answer\n%s", url, p.log)
	return nil
}
