//go:build race

package browsertest

// raceFlag builds the programs with the race detector whenever the tests run with it.
var raceFlag = []string{"-race"}
