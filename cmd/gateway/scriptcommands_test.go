package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"crosscode/crypto/jose"
	"crosscode/exchange/clock"
)

// choosePorts sets each named variable to a free loopback address: `ports GATEWAY MACAU`.
func choosePorts(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		address, err := unusedPort()
		ts.Check(err)
		ts.Setenv(name, address)
	}
}

var chosen sync.Map // addresses that a script has been given

// unusedPort gives no address twice: the system may, while no program listens yet on the one that was given before.
func unusedPort() (string, error) {
	for {
		address, err := freePort(context.Background())
		if _, taken := chosen.LoadOrStore(address, true); err != nil || !taken {
			return address, err
		}
	}
}

// awaitURL waits until a URL answers 200: `await http://$GATEWAY/readyz`. With `!` it waits until it no longer does.
func awaitURL(ts *testscript.TestScript, negated bool, args []string) {
	poll(ts, func() bool { return answers(context.Background(), args[0]) != negated })
}

// awaitWindow waits until the next bundle has a later date than the last: bundles are dated at the beginning of a window.
func awaitWindow(*testscript.TestScript, bool, []string) {
	now := clock.Now()
	time.Sleep(now.Truncate(jose.PublishEvery).Add(jose.PublishEvery).Sub(now) + 100*time.Millisecond)
}

// callHTTP makes one call and holds its status: `http 200 POST URL answer.json body.txt Content-Type:application/jose …`.
// A body file of - is no body.
func callHTTP(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 4 {
		ts.Fatalf("usage: http STATUS METHOD URL ANSWER [BODY [HEADER:VALUE]...]")
	}
	var body []byte
	if len(args) > 4 && args[4] != "-" {
		body = bytes.TrimSpace([]byte(ts.ReadFile(args[4])))
	}
	request, err := http.NewRequestWithContext(context.Background(), args[1], args[2], bytes.NewReader(body))
	ts.Check(err)
	for _, header := range args[min(5, len(args)):] {
		name, value, _ := strings.Cut(header, ":")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	reply, err := io.ReadAll(response.Body)
	ts.Check(err)
	writeFile(ts, args[3], reply)
	if strconv.Itoa(response.StatusCode) != args[0] {
		ts.Fatalf("%s %s answered %d, want %s:\n%s", args[1], args[2], response.StatusCode, args[0], reply)
	}
}

// extractField writes one member of a JSON file to another file: `field answer.json qr.code code.txt`.
func extractField(ts *testscript.TestScript, _ bool, args []string) {
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &value))
	for _, name := range strings.Split(args[1], ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	text, ok := value.(string)
	if !ok {
		ts.Fatalf("%s has no text at %s", args[0], args[1])
	}
	writeFile(ts, args[2], []byte(text))
	ts.Setenv("FIELD", text)
}

func writeFile(ts *testscript.TestScript, name string, data []byte) {
	ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o600))
}

// settle posts a packet until it is no longer told to come back: `settle URL packet.txt`.
func settle(ts *testscript.TestScript, _ bool, args []string) {
	packet := bytes.TrimSpace([]byte(ts.ReadFile(args[1])))
	poll(ts, func() bool {
		response, err := http.Post(args[0], "application/jose", bytes.NewReader(packet))
		ts.Check(err)
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// settlesWith gets a URL until its body holds a text: `settled URL text`.
func settlesWith(ts *testscript.TestScript, _ bool, args []string) {
	poll(ts, func() bool {
		response, err := http.Get(args[0])
		ts.Check(err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		ts.Check(err)
		return strings.Contains(string(body), args[1])
	})
}

func poll(ts *testscript.TestScript, done func() bool) {
	for range 300 {
		if done() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("no change within 30 s")
}
