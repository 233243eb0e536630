package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// syncBuffer is a log that processes write while the test reads.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(data)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// household is the real program with --all on free ports.
type household struct {
	command   *exec.Cmd
	addresses map[string]string
	data      string
	log       *syncBuffer
}

func startAll(t *testing.T, gateway string) *household {
	t.Helper()
	h := &household{addresses: map[string]string{}, data: t.TempDir(), log: &syncBuffer{}}
	args := []string{"serve", "--all", "--gateway", gateway, "--data", h.data}
	for _, one := range sides {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		h.addresses[one.id] = listener.Addr().String()
		listener.Close()
		args = append(args, "--listen", one.id+"="+h.addresses[one.id])
	}
	h.command = exec.Command("sides", args...)
	h.command.Stderr = h.log
	if err := h.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.command.Process.Kill() })
	for _, address := range h.addresses {
		h.eventually(t, "to listen at "+address, func() bool { return live(address) })
	}
	return h
}

func (h *household) eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for the sides %s\n%s", what, h.log)
		}
	}
}

func live(address string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/livez", nil)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func (h *household) allSilent() bool {
	for _, address := range h.addresses {
		if live(address) {
			return false
		}
	}
	return true
}

func TestTheThreeSidesRunInTheirOwnProcessesWithTheirOwnKeysAndStopCleanly(t *testing.T) {
	gateway := newStandIn(t)
	h := startAll(t, gateway.server.URL)
	for i, one := range sides {
		to := sides[(i+1)%len(sides)]
		inner := open(t, h.packet(t, one.id, to.id), gateway.keys["packet-"+one.tag])
		signer, err := mustKeys(t, h.data, one.id).signer("ES256")
		if err != nil {
			t.Fatal(err)
		}
		if kid := headerOf(t, inner)["kid"]; kid != signer.KeyID || !strings.HasPrefix(signer.KeyID, one.id+"-sign.1.") {
			t.Errorf("%s signs with %v", one.id, kid)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(h.data, "*.keys.json")); len(files) != 3 {
		t.Errorf("the key files are %v", files)
	}
	if err := h.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := h.command.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, h.log)
	}
	if !h.allSilent() || strings.Count(h.log.String(), "msg=stopped") != 3 {
		t.Errorf("not all three stopped:\n%s", h.log)
	}
}

func (h *household) packet(t *testing.T, from, to string) string {
	t.Helper()
	response, err := http.Post("http://"+h.addresses[from]+"/packets", "application/json", strings.NewReader(fmt.Sprintf(`{"to":%q}`, to)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, _ := io.ReadAll(response.Body)
	var answer packetAnswer
	if err := json.Unmarshal(data, &answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", response.StatusCode, data)
	}
	return answer.Packet
}

func TestTheSidesStopWhenTheirParentIsKilled(t *testing.T) {
	h := startAll(t, "http://127.0.0.1:1")
	if err := h.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.command.Wait() // it was killed: that is what it says
	h.eventually(t, "to stop", h.allSilent)
}

func TestThisProgramImportsNothingOfOurs(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, data, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range parsed.Imports {
			path := strings.Trim(imported.Path.Value, `"`)
			if path == "crosscode/exchange/clock" || path == "crosscode/exchange/exchangetest/skipped" {
				continue // the time of day and the report of skipped tests: neither could hide a mistake of the gateway's
			}
			if path == "crosscode" || strings.HasPrefix(path, "crosscode/") || strings.Contains(path, "lestrrat-go") {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
}
