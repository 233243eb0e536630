package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// officerVectors is the table that package api keeps: what is shown to an officer, and what the officer must be told.
type officerVectors struct {
	Pins     []string `json:"pins"`
	Bundle   string   `json:"bundle"`
	Exhibits []struct {
		Name      string    `json:"name"`
		At        time.Time `json:"at"`
		Specimens bool      `json:"specimens"`
		Code      string    `json:"code"`
		Receipt   string    `json:"receipt"`
		Full      string    `json:"full"`
		Category  string    `json:"category"`
		Finding   struct {
			Since    string `json:"since"`
			Reopened string `json:"reopened"`
		} `json:"finding"`
	} `json:"exhibits"`
}

// TestVerifySaysWhatTheServerAndTheOfficersPageSay goes through the table that POST /v1/receipts/verify and crosscode.js are
// held to. This command refuses to look at anything with a bundle that is too old, or from the future.
func TestVerifySaysWhatTheServerAndTheOfficersPageSay(t *testing.T) {
	data, err := os.ReadFile("../../api/web/client/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors officerVectors
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors.Exhibits) < 80 {
		t.Fatalf("%d exhibits, %v", len(vectors.Exhibits), err)
	}
	folder, compared, closed := t.TempDir(), 0, 0
	keep := func(name, text string) string {
		kept := filepath.Join(folder, name)
		if err := os.WriteFile(kept, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return kept
	}
	bundle := keep("bundle", vectors.Bundle)
	var pins []pin
	for _, one := range vectors.Pins {
		pins = append(pins, pin(one))
	}
	for _, each := range vectors.Exhibits {
		command := verifyCommand{
			Bundle: bundle, Pin: pins, Code: each.Code, Receipt: each.Receipt, Specimen: each.Specimens, At: each.At,
		}
		if each.Full != "" {
			command.Full = keep("full", each.Full)
		}
		var out bytes.Buffer
		err := command.Run(streams{out: &out})
		if err != nil && strings.Contains(err.Error(), "the bundle is refused") {
			continue
		}
		compared++
		said, rest, _ := strings.Cut(out.String(), "\n")
		if said != each.Category || (err == nil) != (said == "valid") {
			t.Errorf("%s: %s, %v, want %s", each.Name, said, err, each.Category)
		}
		for _, instant := range []string{each.Finding.Since, each.Finding.Reopened} {
			if !strings.Contains(rest, instant) {
				t.Errorf("%s: %s, want it to say %s", each.Name, rest, instant)
			}
			if instant != "" {
				closed++
			}
		}
	}
	if closed < 12 {
		t.Errorf("only %d instants of closings were told", closed)
	}
	if compared < 75 {
		t.Errorf("only %d exhibits were compared", compared)
	}
}
