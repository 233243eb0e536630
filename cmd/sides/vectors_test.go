package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// gatewayVectors is the table that the gateway's own verifiers are held to: what is shown to an officer, and what the officer
// must be told.
type gatewayVectors struct {
	Pins     []pin  `json:"pins"`
	Bundle   string `json:"bundle"`
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
	Bundles []struct {
		Name   string `json:"name"`
		Token  string `json:"token"`
		Pins   []pin  `json:"pins"`
		At     int64  `json:"at_ms"`
		Reason string `json:"reason"`
	} `json:"bundles"`
}

func readGatewayVectors(t *testing.T) gatewayVectors {
	t.Helper()
	data, err := os.ReadFile("../../api/web/client/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors gatewayVectors
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors.Exhibits) < 100 || len(vectors.Bundles) < 30 {
		t.Fatalf("%d exhibits, %d bundles, %v", len(vectors.Exhibits), len(vectors.Bundles), err)
	}
	return vectors
}

// TestEveryExhibitIsJudgedAsTheGatewayJudgesIt compares two programs that share no code. This one refuses to look at anything
// with a bundle of another day. It does not hold a full receipt to the one form that the gateway writes: its hash is signed.
func TestEveryExhibitIsJudgedAsTheGatewayJudgesIt(t *testing.T) {
	vectors, compared := readGatewayVectors(t), map[string]int{}
	for _, each := range vectors.Exhibits {
		trusted, err := readBundle(vectors.Bundle, vectors.Pins, each.At, time.Time{})
		if err != nil || strings.HasPrefix(each.Name, "a full receipt ") && strings.HasSuffix(each.Name, ", for which a receipt vouches") {
			continue
		}
		compared[each.Category]++
		found := trusted.examine(shownIn(each.Code, each.Receipt, each.Full), each.At, each.Specimens)
		if string(found.verdict) != each.Category {
			t.Errorf("%s: %s, want %s", each.Name, found.sentence(), each.Category)
		}
		for _, instant := range []string{each.Finding.Since, each.Finding.Reopened} {
			if !strings.Contains(found.why, instant) {
				t.Errorf("%s: %s, want it to say %s", each.Name, found.sentence(), instant)
			}
		}
	}
	if compared["unreadable"] < 45 || compared["valid"] < 10 || compared["route-closed"] < 11 {
		t.Errorf("only these were compared: %v", compared)
	}
}

// shownIn reads QR texts first, as the command does; what is none stays as it is, and is unreadable.
func shownIn(code, receipt, full string) exhibit {
	shown := exhibit{code: shownToken(code), receipt: shownToken(receipt)}
	if full != "" {
		shown.full = []byte(full)
	}
	return shown
}

func shownToken(text string) string {
	if token, err := scanned(text); err == nil && strings.HasPrefix(text, qrPrefix) {
		return token
	}
	return text
}

// TestABundleMustSayWhichRoutesAreClosed: what this program does not know of a closing it leaves out, and then more is closed.
func TestABundleMustSayWhichRoutesAreClosed(t *testing.T) {
	compared := 0
	for _, each := range readGatewayVectors(t).Bundles {
		if !strings.HasPrefix(each.Name, "closings: ") || each.Name == "closings: an unknown member" {
			continue
		}
		compared++
		if _, err := readBundle(each.Token, each.Pins, time.UnixMilli(each.At), time.Time{}); (err == nil) != (each.Reason == "") {
			t.Errorf("%s: %v, want %q", each.Name, err, each.Reason)
		}
	}
	if compared < 12 {
		t.Errorf("only %d bundles were compared", compared)
	}
}
