package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var transcript = regexp.MustCompile("(?s)<!-- transcript: (.*?) -->\n```console\n(.*?)```")

// TestREADMETranscripts runs each command that the README shows the output of, and holds the output to it. In the README
// an ellipsis stands for the rest of a word or, alone on a line, for any number of lines.
func TestREADMETranscripts(t *testing.T) {
	readme := readFile(t, "README.md")
	shown := transcript.FindAllStringSubmatch(readme, -1)
	if len(shown) == 0 {
		t.Fatal("the README shows no transcript")
	}
	for _, found := range shown {
		t.Run(found[1], func(t *testing.T) {
			args := strings.Fields(found[1])
			args = append(args, "--sides", filepath.Join(programs, "sides"))
			output, err := exec.Command(filepath.Join(programs, args[0]), args[1:]...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			if !pattern(found[2]).MatchString(string(output)) {
				t.Errorf("the output is not as in the README:\n%s", output)
			}
		})
	}
}

func pattern(shown string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.TrimSpace(shown))
	quoted = strings.ReplaceAll(quoted, "\n…\n", "\n(?s:.*)\n")
	quoted = strings.ReplaceAll(quoted, "…", "[^\n]*")
	return regexp.MustCompile("^" + quoted + `\s*$`)
}

// TestREADMECommandsExist holds the two commands of the README, and the demo's recipe, to the Makefile.
func TestREADMECommandsExist(t *testing.T) {
	readme, makefile := readFile(t, "README.md"), readFile(t, "Makefile")
	for _, target := range regexp.MustCompile(`\bmake ([a-z]+)\b`).FindAllStringSubmatch(readme, -1) {
		if !strings.Contains(makefile, "\n"+target[1]+":") {
			t.Errorf("the README speaks of make %s, which the Makefile does not have", target[1])
		}
	}
	for _, want := range []string{"$ make demo", "$ make test"} {
		if !strings.Contains(readme, want) {
			t.Errorf("the README does not show %q", want)
		}
	}
	if !strings.Contains(makefile, "$(BIN)/gateway demo --sides $(BIN)/sides") {
		t.Error("make demo does not run what the transcript test runs")
	}
}

// TestREADMELinksLead holds every relative link of the README to a file or folder.
func TestREADMELinksLead(t *testing.T) {
	for _, link := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(readFile(t, "README.md"), -1) {
		if _, err := os.Stat(filepath.Join("..", "..", link[1])); err != nil {
			t.Errorf("the README links to %s: %v", link[1], err)
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
