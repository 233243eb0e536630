package browsertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"crosscode/exchange/clock"
)

// TestMain builds the two real programs, and starts the four processes that most tests share when the first test asks.
func TestMain(m *testing.M) {
	os.Exit(withPrograms(m))
}

// programs is the folder of the two real programs.
var programs string

func withPrograms(m *testing.M) int {
	folder, err := os.MkdirTemp("", "crosscode-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	programs = filepath.Join(folder, "bin")
	args := slices.Concat([]string{"build"}, raceFlag, clock.LinkerFlags())
	args = append(args, "-o", programs+string(filepath.Separator), "crosscode/cmd/gateway", "crosscode/cmd/sides")
	if output, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, output)
		return 1
	}
	everyone = newWorld(filepath.Join(folder, "shared"))
	defer closeShared()
	return m.Run()
}

// everyone is the world of the tests that change nothing for the others.
var everyone *world

// shared is that world, running.
func shared(t *testing.T) *world {
	t.Helper()
	awaitNewDay(t)
	everyone.once.Do(func() { everyone.fault = everyone.start() })
	if everyone.fault != nil {
		t.Fatal(everyone.fault)
	}
	return everyone
}

// awaitNewDay sits out the last minutes of a day in UTC+8: every Hong Kong code ends at 23:59, so none can be shown then.
func awaitNewDay(t *testing.T) {
	t.Helper()
	now := clock.Now().In(time.FixedZone("UTC+8", 8*60*60))
	midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location())
	if wait := midnight.Sub(now); wait <= 3*time.Minute {
		t.Logf("Hong Kong's codes end at 23:59: waiting %s for the new day", wait.Round(time.Second))
		time.Sleep(wait)
	}
}

func closeShared() {
	if err := everyone.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// ownWorld is a world for one test, which may stop and cut things in it.
func ownWorld(t *testing.T, changes ...string) *world {
	t.Helper()
	awaitNewDay(t)
	w := newWorld(t.TempDir())
	w.changes = changes
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// sideNames are in the order of their ports in config/example.yaml.
var sideNames = []string{"guangdong", "macau", "hongkong"}

// world is four running processes: the gateway with the configuration of `make run`, on other ports, and the three sides.
type world struct {
	once    sync.Once
	fault   error
	folder  string
	changes []string          // of the configuration: old and new text in turn
	gateway string            // its URL as the browser knows it
	behind  string            // where it listens, if something stands in front of it
	sides   map[string]string // URLs
	pin     string
	running map[string]*process
	log     printed
}

func newWorld(folder string) *world {
	return &world{folder: folder, sides: map[string]string{}, running: map[string]*process{}}
}

func (w *world) start() error {
	for _, step := range []func() error{w.configure, w.makeKeys, w.startSides, w.startGateway} {
		if err := step(); err != nil {
			return errors.Join(err, w.stop())
		}
	}
	return nil
}

func (w *world) configFile() string { return filepath.Join(w.folder, "config", "gateway.yaml") }

// configure takes config/example.yaml and puts other ports and another folder into it, so that what is tested is what
// `make run` serves.
func (w *world) configure() error {
	example, err := os.ReadFile(filepath.Join("..", "..", "..", "config", "example.yaml"))
	if err != nil {
		return err
	}
	replace := []string{"../.run/", w.folder + "/run/"}
	for _, folder := range []string{"config", "run"} {
		if err := os.MkdirAll(filepath.Join(w.folder, folder), 0o750); err != nil {
			return err
		}
	}
	address, admin, err := freePorts()
	if err != nil {
		return err
	}
	if w.behind == "" {
		w.behind = address
	}
	if w.gateway == "" {
		w.gateway = "http://" + w.behind
	}
	replace = append(replace, "issuer: http://127.0.0.1:8080", "issuer: "+w.gateway, "listen: 127.0.0.1:8080", "listen: "+w.behind, "127.0.0.1:9090", admin)
	for i, side := range sideNames {
		if w.sides[side] == "" {
			address, _, err := freePorts()
			if err != nil {
				return err
			}
			w.sides[side] = "http://" + address
		}
		replace = append(replace, fmt.Sprintf("http://127.0.0.1:%d", 8081+i), w.sides[side])
	}
	text := strings.NewReplacer(replace...).Replace(string(example))
	for i := 0; i < len(w.changes); i += 2 {
		if !strings.Contains(text, w.changes[i]) {
			return fmt.Errorf("config/example.yaml has no %q", w.changes[i])
		}
		text = strings.ReplaceAll(text, w.changes[i], w.changes[i+1])
	}
	return os.WriteFile(w.configFile(), []byte(text), 0o600)
}

func (w *world) makeKeys() error {
	if _, err := w.run("gateway", "keys", "init", "--config", w.configFile(), "--if-missing"); err != nil {
		return err
	}
	pin, err := w.run("gateway", "keys", "list", "--config", w.configFile(), "--thumbprint", "bundle")
	w.pin = strings.TrimSpace(pin)
	return err
}

// run runs one of the programs to its end and gives what it printed.
func (w *world) run(program string, args ...string) (string, error) {
	var complaint strings.Builder
	command := exec.Command(filepath.Join(programs, program), args...)
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", program, args[0], err, output, complaint.String())
	}
	return string(output), nil
}

func (w *world) data(side string) string { return filepath.Join(w.folder, side) }

func (w *world) startSides() error {
	for _, side := range sideNames {
		address := strings.TrimPrefix(w.sides[side], "http://")
		if err := w.launch(side, "sides", "serve", "--side", side, "--listen", address, "--gateway", w.gateway,
			"--pin", w.pin, "--data", w.data(side)); err != nil {
			return err
		}
	}
	for _, side := range sideNames {
		if err := w.running[side].await(w.sides[side] + "/livez"); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) startGateway() error {
	if err := w.launch("gateway", "gateway", "serve", "--config", w.configFile()); err != nil {
		return err
	}
	return w.running["gateway"].await("http://" + w.behind + "/readyz")
}

func (w *world) launch(name, program string, args ...string) error {
	p := &process{name: name, log: new(printed), exited: make(chan struct{})}
	p.cmd = exec.Command(filepath.Join(programs, program), args...)
	p.cmd.Stdout, p.cmd.Stderr = io.MultiWriter(p.log, &w.log), io.MultiWriter(p.log, &w.log)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	w.running[name] = p
	go func() {
		defer close(p.exited)
		p.err = p.cmd.Wait()
	}()
	return nil
}

func (w *world) stop() error {
	var faults []error
	for name, p := range w.running {
		faults = append(faults, p.stop())
		delete(w.running, name)
	}
	return errors.Join(faults...)
}

// stopGateway takes the network away from everything that needs the gateway.
func (w *world) stopGateway(t *testing.T) {
	t.Helper()
	if err := w.running["gateway"].stop(); err != nil {
		t.Fatal(err)
	}
	delete(w.running, "gateway")
}

// process is one of the four.
type process struct {
	name   string
	cmd    *exec.Cmd
	log    *printed
	exited chan struct{}
	err    error
}

func (p *process) await(url string) error {
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(20 * time.Millisecond) {
		if response, err := http.Get(url); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended before it was ready\n%s", p.name, p.log)
		default:
		}
	}
	return fmt.Errorf("%s is not ready after 30 s\n%s", p.name, p.log)
}

func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not stop within 20 s and was killed", p.name)
	}
	if p.err != nil {
		return fmt.Errorf("%s ended badly: %w\n%s", p.name, p.err, p.log)
	}
	return nil
}

// printed is what processes wrote.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(data)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// freePorts asks the system for two loopback ports that nobody uses.
func freePorts() (first, second string, err error) {
	var found [2]string
	for i := range found {
		listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer listener.Close()
		found[i] = listener.Addr().String()
	}
	return found[0], found[1], nil
}

// answer is what POST /v1/exchange says.
type answer struct {
	Outcome     string `json:"outcome"`
	Reason      string `json:"reason"`
	Code        string `json:"code"`
	CodeID      string `json:"code_id"`
	Receipt     string `json:"receipt"`
	FullReceipt string `json:"full_receipt"`
	Handoff     string `json:"handoff"`
	ValidUntil  string `json:"valid_until"`
	QR          struct {
		Code    string `json:"code"`
		Receipt string `json:"receipt"`
	} `json:"qr"`
}

// sealed is a packet that a side made, and its id.
type sealed struct {
	Packet string `json:"packet"`
	ID     string `json:"jti"`
	from   string
	route  string
}

// seal has a side make a packet of one of its cases.
func (w *world) seal(t *testing.T, from, to, variant string) sealed {
	t.Helper()
	return w.sealWish(t, from, to, map[string]any{"to": to, "case": variant})
}

func (w *world) sealWish(t *testing.T, from, to string, wish map[string]any) sealed {
	t.Helper()
	made := sealed{from: from, route: from + "-" + to}
	w.post(t, w.sides[from]+"/packets", "application/json", wish, &made)
	if made.Packet == "" {
		t.Fatalf("%s made no packet of %v", from, wish)
	}
	return made
}

// bring takes a packet to the gateway without a browser.
func (w *world) bring(t *testing.T, packet string) answer {
	t.Helper()
	var said answer
	w.post(t, w.gateway+"/v1/exchange", "application/jose", packet, &said)
	return said
}

// issue is a code over a route, made without a browser.
func (w *world) issue(t *testing.T, from, to string) answer {
	t.Helper()
	said := w.bring(t, w.seal(t, from, to, "green").Packet)
	if said.Outcome != "issued" {
		t.Fatalf("%s → %s: %s %s", from, to, said.Outcome, said.Reason)
	}
	return said
}

func (w *world) post(t *testing.T, url, media string, body, into any) {
	t.Helper()
	var sent []byte
	if text, plain := body.(string); plain {
		sent = []byte(text)
	} else {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	response, err := http.Post(url, media, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	reply, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(reply, into); err != nil {
		t.Fatalf("%s: %d %s", url, response.StatusCode, reply)
	}
}
