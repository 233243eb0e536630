package skipped_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"crosscode/exchange/exchangetest/skipped"
)

// needed are the commands of `make test` that every machine with Go and a C compiler has. The newcomer below has no others:
// no Chromium, no Node.js and no npm.
var needed = []string{"make", "sh", "go", "gcc", "as", "ld", "awk", "rm", "mkdir", "cmp", "cp", "cat", "test"}

// newcomer gives the environment of somebody who has just cloned the repository.
func newcomer(t *testing.T) []string {
	t.Helper()
	path := t.TempDir()
	for _, name := range needed {
		found, err := exec.LookPath(name)
		if err != nil {
			skipped.Test(t, name, "apt-get install make gcc")
		}
		if err := os.Symlink(found, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	kept := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains([]string{"PATH", "CI", "CHROMIUM", "SKIP_REPORT", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"}, name)
	})
	return append(kept, "PATH="+path, "SKIP_VAULT=1")
}

// TestMakeTestEndsWithWhatWasSkipped runs the recipe of `make test` for one test on a machine without a browser. It passes,
// and its last line says what it left out and how to get it.
func TestMakeTestEndsWithWhatWasSkipped(t *testing.T) {
	command := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-C", "../../..", "test",
		"BIN="+t.TempDir(), "PACKAGES=./cmd/gateway/browsertest -run ^TestTheAuditSees$$")
	command.Env = newcomer(t)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("make test without a browser: %v\n%s", err, output)
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "SKIPPED: ") || !strings.Contains(last, "there is no Chromium here. To run: apt-get install chromium") {
		t.Errorf("the last line is %q, in\n%s", last, output)
	}
}
