// Package skipped is the one way in which a test is left out because the machine lacks something that it needs.
//
// `go test` shows the output of a passing package to nobody, so a newcomer would take a run without a browser for a whole one.
// A test that is left out therefore writes a line into the file that SKIP_REPORT names, and `make test` prints that file last. With
// CI=true nothing may be lacking, and the test fails instead.
package skipped

import (
	"os"
	"strings"
	"testing"
)

// Test leaves the test out. Lacking is what the machine does not have ("Chromium"), get is how to get it ("apt-get install
// chromium"). With CI=true the test fails.
func Test(t testing.TB, lacking, get string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CANNOT BE TESTED: there is no %s here; %s", lacking, get)
	}
	if err := Report(lacking, get, t.Name()); err != nil {
		t.Fatal(err)
	}
	t.Skipf("SKIPPED: there is no %s here; %s", lacking, get)
}

// Report writes one line into the report: what is lacking, how to get it and which test was left out, with tabs between
// them. Without SKIP_REPORT it does nothing.
func Report(lacking, get, test string) error {
	path := os.Getenv("SKIP_REPORT")
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // named by the person who runs the tests
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(strings.Join([]string{lacking, get, test}, "\t") + "\n")
	return err
}
