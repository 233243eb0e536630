package transittest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// reportEvery is how often a build that takes long says how far it is.
const reportEvery = 15 * time.Second

// Program gives the path of devvault and builds it first, once for each process. Packages that are tested at the same time
// wait for one another. A build that takes longer than a few seconds reports to progress.
func Program(progress io.Writer) (string, error) {
	building.Do(func() { built, buildErr = build(progress) })
	return built, buildErr
}

var (
	building sync.Once
	built    string
	buildErr error
)

func build(progress io.Writer) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, ".bin")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(folder, "devvault.lock")).Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	program := filepath.Join(folder, "devvault")
	command := exec.Command("go", "build", "-v", "-o", program, ".") //nolint:gosec,noctx // our own program; ends with the test
	command.Dir = filepath.Join(root, "cmd", "devvault")
	command.Env = append(os.Environ(), "GOWORK=off")
	return program, watched(command, progress)
}

// moduleRoot asks the go command, since a test runs in its package's folder and -trimpath hides where the source is.
func moduleRoot() (string, error) {
	printed, err := exec.Command("go", "env", "GOMOD").Output() //nolint:noctx // reads one setting
	path := strings.TrimSpace(string(printed))
	if err == nil && filepath.Base(path) != "go.mod" {
		err = errors.New("not inside the module")
	}
	return filepath.Dir(path), err
}

// watched runs a build. Its -v output, a line for each compiled package, tells how far it is.
func watched(command *exec.Cmd, progress io.Writer) error {
	output := &lineCounter{}
	command.Stdout, command.Stderr = output, output
	begun := time.Now()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(reportEvery)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				fmt.Fprintf(progress, "transittest: building devvault: %d packages compiled in %s (the first build takes about six minutes)\n",
					output.lines(), time.Since(begun).Round(time.Second))
			}
		}
	}()
	err := command.Run()
	close(stop)
	<-stopped
	if err != nil {
		return fmt.Errorf("building devvault: %w\n%s", err, output.text())
	}
	return nil
}

// lineCounter keeps what is written, for several goroutines.
type lineCounter struct {
	mutex sync.Mutex
	kept  bytes.Buffer
}

// Write keeps the bytes.
func (c *lineCounter) Write(p []byte) (int, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.kept.Write(p)
}

func (c *lineCounter) lines() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return bytes.Count(c.kept.Bytes(), []byte("\n"))
}

func (c *lineCounter) text() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.kept.String()
}
