package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"crosscode/exchange/clock"
)

// programs is the folder of the two real programs that the scripts run.
var programs string

func TestMain(m *testing.M) {
	os.Exit(withPrograms(m))
}

func withPrograms(m *testing.M) int {
	folder, err := os.MkdirTemp("", "crosscode-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	rules, err := os.MkdirTemp(folder, "rules-")
	if err == nil {
		err = openToday(rules)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	args := slices.Concat([]string{"build"}, raceFlag, clock.LinkerFlags())
	args = append(args, "-o", folder+string(filepath.Separator), "crosscode/cmd/gateway", "crosscode/cmd/sides")
	if output, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, output)
		return 1
	}
	programs = folder
	return m.Run()
}

// TestScripts runs each script in testdata/script against the real programs.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			// what the shell's date must add to be at the programs' day
			env.Setenv("SHIFT", strconv.Itoa(int(clock.Offset().Seconds())))
			env.Setenv("RULES", todaysRules) // rules.overrides of the scripts whose gateway issues codes
			env.Setenv("PATH", programs+string(os.PathListSeparator)+env.Getenv("PATH"))
			rulebooks, err := filepath.Abs("../../jurisdictions")
			env.Setenv("RULEBOOKS", rulebooks) // the folders of the sides
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"window":  awaitWindow,
			"ports":   choosePorts,
			"await":   awaitURL,
			"http":    callHTTP,
			"field":   extractField,
			"settle":  settle,
			"settled": settlesWith,
		},
		RequireExplicitExec: true,
	})
}
