package main

import (
	"encoding/json"
	"os"
	"testing"
)

// TestTheGuidesQRVectors holds this reader of QR texts, which shares nothing with the gateway's, to the vectors that the packet
// guide publishes.
func TestTheGuidesQRVectors(t *testing.T) {
	var vectors struct {
		QR  []struct{ Token, Text string }
		Bad []string
	}
	data, err := os.ReadFile("../../api/guide/qr-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors.QR) < 18 || len(vectors.Bad) < 20 {
		t.Fatalf("%d and %d vectors, %v", len(vectors.QR), len(vectors.Bad), err)
	}
	for _, each := range vectors.QR {
		if got, err := scanned(each.Text); err != nil || got != each.Token {
			t.Errorf("%s is read as %q, %v, want %q", each.Text, got, err, each.Token)
		}
		if got := qrText(each.Token); got != each.Text {
			t.Errorf("%s is written as %s, want %s", each.Token, got, each.Text)
		}
	}
	for _, text := range vectors.Bad {
		if token, err := scanned(text); err == nil {
			t.Errorf("%q is read as %q, want an error", text, token)
		}
	}
}
