package exchange_test

import (
	"encoding/json"
	"os"
	"testing"

	"crosscode/exchange"
)

// TestTheGuidesQRVectors holds this package to the vectors that the packet guide publishes. The JavaScript client and the sides' own
// reader are held to the same file.
func TestTheGuidesQRVectors(t *testing.T) {
	var vectors struct {
		QR []struct {
			Token exchange.Token `json:"token"`
			Text  string         `json:"text"`
		} `json:"qr"`
		Bad []string `json:"bad"`
	}
	data, err := os.ReadFile("../api/guide/qr-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors.QR) < 18 || len(vectors.Bad) < 20 {
		t.Fatalf("%d and %d vectors, %v", len(vectors.QR), len(vectors.Bad), err)
	}
	lengths := map[int]bool{}
	for _, each := range vectors.QR {
		lengths[min(len(each.Token), 12)] = true
		if got := exchange.QRText(each.Token); got != each.Text {
			t.Errorf("QRText(%s) = %s, want %s", each.Token, got, each.Text)
		}
		if got, err := exchange.ParseQRText(each.Text); err != nil || got != each.Token {
			t.Errorf("ParseQRText(%s) = %s, %v, want %s", each.Text, got, err, each.Token)
		}
	}
	for length := 1; length <= 7; length++ {
		if !lengths[length] {
			t.Errorf("no token of %d characters", length)
		}
	}
	for _, text := range vectors.Bad {
		if token, err := exchange.ParseQRText(text); err == nil {
			t.Errorf("ParseQRText(%q) = %s, want an error", text, token)
		}
	}
}
