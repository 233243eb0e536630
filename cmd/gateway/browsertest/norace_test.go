//go:build !race

package browsertest

var raceFlag []string
