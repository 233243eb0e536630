package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is a program that runs beside this one until it is stopped.
type process struct {
	name   string
	cmd    *exec.Cmd
	log    *tail
	exited chan struct{}
	err    error
}

// start runs a program with its own process group, so that a Ctrl-C at the terminal reaches this program first and the
// others are then stopped in order. What it prints is kept for the case that it fails, and copied to log if there is one.
func start(name string, log io.Writer, program string, args ...string) (*process, error) {
	//nolint:gosec,noctx // the program is the operator's own choice on the command line; it is stopped by signal, not killed with a context
	p := &process{name: name, cmd: exec.Command(program, args...), log: &tail{copy: log}, exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		defer close(p.exited)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// stop asks the program to end and waits for it; after ten seconds it is killed, which is an error.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not stop within 10 s and was killed", p.name)
	}
	if p.err != nil {
		return fmt.Errorf("%s ended badly: %w\n%s", p.name, p.err, p.log)
	}
	return nil
}

// await waits until url answers 200, the program ends, or the context does.
func (p *process) await(ctx context.Context, url string) error {
	ticker := time.NewTicker(25 * time.Millisecond)
	defer ticker.Stop()
	for {
		if answers(ctx, url) {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended before it was ready\n%s", p.name, p.log)
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready: %w\n%s", p.name, ctx.Err(), p.log)
		case <-ticker.C:
		}
	}
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// processes are stopped in the reverse of the order in which they were started.
type processes []*process

func (p processes) stop() error {
	var errs []error
	for i := len(p) - 1; i >= 0; i-- {
		errs = append(errs, p[i].stop())
	}
	return errors.Join(errs...)
}

// freePort asks the system for a loopback port that nobody uses.
func freePort(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// tail keeps the last 4 KiB that were written to it.
type tail struct {
	mu   sync.Mutex
	kept bytes.Buffer
	copy io.Writer
}

const tailSize = 4 << 10

func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept.Write(data)
	if extra := t.kept.Len() - tailSize; extra > 0 {
		t.kept.Next(extra)
	}
	if t.copy != nil {
		_, _ = t.copy.Write(data)
	}
	return len(data), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept.String()
}
