package api

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVendoredFilesAreThoseOfTheirPackages: other people's code is byte for byte what was looked at, with its licence, and
// nothing lies beside it.
func TestVendoredFilesAreThoseOfTheirPackages(t *testing.T) {
	folders, err := filepath.Glob("web/vendor/*@*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no vendored packages: %v", err)
	}
	for _, folder := range folders {
		sums, err := os.ReadFile(filepath.Join(folder, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		listed := map[string]string{}
		for line := range strings.Lines(string(sums)) {
			sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
			listed[name] = sum
		}
		if listed["LICENSE"] == "" {
			t.Errorf("%s: no LICENSE is listed", folder)
		}
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != len(listed)+1 {
			t.Errorf("%s: %d files, %d listed", folder, len(entries)-1, len(listed))
		}
		for name, want := range listed {
			data, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				t.Error(err)
				continue
			}
			if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
				t.Errorf("%s/%s is not what SHA256SUMS says", folder, name)
			}
		}
	}
}
