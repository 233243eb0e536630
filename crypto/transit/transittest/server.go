package transittest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// startTime is how long a server may take to answer.
const startTime = 30 * time.Second

// server is a Vault that this process has started.
type server struct {
	folder    string // data, log, ready file, audit log
	arguments []string
	command   *exec.Cmd
	lifeline  io.Closer // devvault stops when this closes, so that it never outlives the test binary
	addresses []string
	token     string
}

// devvault starts a server of our own in a folder. The listen address is fixed by the first start.
func devvault(folder string, chosen settings) (*server, error) {
	s := &server{folder: folder, arguments: []string{"--stdin", "--data", filepath.Join(folder, "data")}}
	if chosen.tls {
		s.arguments = append(s.arguments, "--tls")
	}
	if chosen.audit {
		s.arguments = append(s.arguments, "--audit", s.auditFile())
	}
	listen := []string{"127.0.0.1:0"}
	if chosen.standby {
		listen = append(listen, "127.0.0.1:0")
	}
	return s, s.launch(listen)
}

func (s *server) auditFile() string { return filepath.Join(s.folder, "audit.log") }
func (s *server) logFile() string   { return filepath.Join(s.folder, "server.log") }

// launch runs the program and waits until it answers.
func (s *server) launch(listen []string, more ...string) error {
	program, err := Program(os.Stderr)
	if err != nil {
		return err
	}
	ready := filepath.Join(s.folder, "ready")
	_ = os.Remove(ready) // of an earlier start
	arguments := append([]string{"--listen", listen[0], "--ready-file", ready}, s.arguments...)
	if len(listen) > 1 {
		arguments = append(arguments, "--standby", listen[1])
	}
	if err := s.run(program, append(arguments, more...)); err != nil {
		return err
	}
	if err := s.await(func() bool { _, err := os.Stat(ready); return err == nil }); err != nil {
		return err
	}
	written, err := os.ReadFile(ready)
	if err != nil {
		return err
	}
	s.addresses = strings.Fields(string(written))
	token, err := os.ReadFile(filepath.Join(s.folder, "data", "root-token"))
	s.token = string(token)
	return err
}

func (s *server) run(program string, arguments []string) error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()             // the child has its own descriptor
	command := exec.Command(program, arguments...) //nolint:gosec,noctx // our own program; its lifeline ends it
	command.Stdout, command.Stderr = log, log
	if s.lifeline, err = command.StdinPipe(); err != nil {
		return err
	}
	s.command = command
	return command.Start()
}

func (s *server) await(there func() bool) error {
	for end := time.Now().Add(startTime); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if there() {
			return nil
		}
		if log := s.log(); strings.Contains("\n"+log, "\ndevvault: ") {
			s.kill()
			return fmt.Errorf("the server does not start:\n%s", log)
		}
	}
	s.kill()
	return fmt.Errorf("the server does not answer after %s:\n%s", startTime, s.log())
}

func (s *server) log() string {
	log, _ := os.ReadFile(s.logFile()) // for a message only
	return string(log)
}

// kill ends the process at once (SIGKILL) and reaps it. A second kill does nothing.
func (s *server) kill() {
	if s.command == nil {
		return
	}
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
	_ = s.lifeline.Close() // closed already if the process has ended
	s.command = nil
}

// relaunch starts the same server again: same data, same addresses.
func (s *server) relaunch(more ...string) error {
	if s.command != nil {
		return errors.New("the server still runs")
	}
	listen := make([]string, len(s.addresses))
	for i, address := range s.addresses {
		_, listen[i], _ = strings.Cut(address, "://")
	}
	return s.launch(listen, more...)
}

func (s *server) signal(signal syscall.Signal) error {
	if s.command == nil {
		return errors.New("the server does not run")
	}
	return s.command.Process.Signal(signal)
}

// vaultDev starts HashiCorp's program in its development mode: in memory, unsealed, with a root token of our choice.
func vaultDev(program, folder string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &server{folder: folder, addresses: []string{"http://" + address}, token: "dev-" + random()}
	err = s.run(program, []string{
		"server", "-dev", "-dev-no-store-token", "-dev-listen-address=" + address, "-dev-root-token-id=" + s.token,
	})
	if err != nil {
		return nil, err
	}
	return s, s.await(func() bool { return accepts(s.addresses[0], s.token) })
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// accepts tells whether the server knows its root token already, which comes after its being unsealed.
func accepts(address, token string) bool {
	request, err := http.NewRequest(http.MethodGet, address+"/v1/auth/token/lookup-self", nil) //nolint:noctx // bounded by the client's timeout
	if err != nil {
		return false
	}
	request.Header.Set("X-Vault-Token", token)
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
