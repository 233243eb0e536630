package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"crosscode/exchange"
	"crosscode/exchange/clock"
	"crosscode/jurisdictions"
)

// todaysRules is the folder of rulebooks that the tests' gateways read in place of the built-in ones; empty where those are
// open today. It is a value of rules.overrides.
var todaysRules string

// overridesVariable is rules.overrides in the environment, which every process that the tests start inherits.
const overridesVariable = "CROSSCODE_RULES_OVERRIDES"

// openToday sees to it that real packets can be taken on the day of the tests' clock. No code is issued in a closed period of
// the shipped rulebooks, so a run that is shifted into one would test refusals alone. There each gateway gets the same
// rulebooks with the standing version from the period's beginning on: the rules of today, on that day.
func openToday(folder string) error {
	opened, err := openOn(clock.Now(), folder)
	if err != nil || len(opened) == 0 {
		return err
	}
	fmt.Fprintf(os.Stderr, "the rulebooks of %v are closed on %s: the gateways of these tests have the standing rules on that day\n",
		opened, exchange.DateOf(clock.Now()))
	todaysRules = folder
	return os.Setenv(overridesVariable, folder)
}

// openOn writes into the folder the rulebook of each side whose shipped one is closed at the instant, and lists those sides.
func openOn(now time.Time, folder string) (opened []exchange.Side, err error) {
	set, err := openSides(jurisdictions.Options{Log: quiet()})
	if err != nil {
		return nil, err
	}
	for _, side := range set {
		id, versions := side.Profile().Side, side.Rules().Current().Versions()
		for i := range len(versions) - 1 {
			if !versions[i].Closed || now.Before(versions[i].From) || !now.Before(versions[i+1].From) {
				continue
			}
			if err := writeEarly(folder, string(id), versions[i+1].From, versions[i].From.Add(time.Minute)); err != nil {
				return nil, fmt.Errorf("%s: %w", id, err)
			}
			opened = append(opened, id)
		}
	}
	return opened, nil
}

// writeEarly writes a side's shipped rulebook into the folder with an earlier boundary between two versions: where the
// older one says its end, and where the newer one begins.
func writeEarly(folder, side string, old, early time.Time) error {
	book, err := os.ReadFile(filepath.Join("..", "..", "jurisdictions", side, "rulebook.yaml"))
	if err != nil {
		return err
	}
	written := func(instant time.Time) string {
		return instant.In(exchange.Zone).Format("2006-01-02T15:04-07:00") + "\n"
	}
	for _, boundary := range []string{"  - from: ", "    until: "} {
		if n := bytes.Count(book, []byte(boundary+written(old))); n != 1 {
			return fmt.Errorf("%q stands %d times in the rulebook, want once", boundary+written(old), n)
		}
		book = bytes.Replace(book, []byte(boundary+written(old)), []byte(boundary+written(early)), 1)
	}
	return os.WriteFile(filepath.Join(folder, side+".yaml"), book, 0o600)
}

// TestAClosedDayIsOpenedForTheTests: whatever day the tests are shifted to, they have rules that can grant.
func TestAClosedDayIsOpenedForTheTests(t *testing.T) {
	for day, want := range map[string]int{"2023-03-28": 3, "2025-10-22": 3, "2025-12-31": 3, "2026-01-01": 0, "2028-01-01": 0} {
		folder := t.TempDir()
		noon, err := time.ParseInLocation("2006-01-02 15:04", day+" 12:00", exchange.Zone)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := openOn(noon, folder); err != nil || len(opened) != want {
			t.Fatalf("%s: the rules of %v are opened, %v; want %d sides", day, opened, err, want)
		}
		set, err := openSides(jurisdictions.Options{Overrides: folder, Log: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		for _, side := range set {
			if versions := side.Rules().Current().Versions(); closedOn(versions, noon) {
				t.Errorf("%s is still closed on %s", side.Profile().Side, day)
			}
		}
	}
}

func closedOn(versions []jurisdictions.Version, now time.Time) bool {
	closed := true
	for _, version := range versions {
		if !now.Before(version.From) {
			closed = version.Closed
		}
	}
	return closed
}
