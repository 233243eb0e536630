package jurisdictions

import (
	"os"
	"testing"

	"crosscode/exchange"
)

// realBook is Macau's own rulebook, for figures that mean something.
func realBook(b *testing.B) (*Book, []byte) {
	b.Helper()
	data, err := os.ReadFile("macau/rulebook.yaml")
	if err != nil {
		b.Fatal(err)
	}
	book, err := Parse("macau/rulebook.yaml", data, "macau")
	if err != nil {
		b.Fatal(err)
	}
	return book, data
}

func BenchmarkParse(b *testing.B) {
	_, data := realBook(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Parse("macau/rulebook.yaml", data, "macau"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdmit(b *testing.B) {
	book, _ := realBook(b)
	record := passingRecord()
	now := record.IssuedAt
	var findings exchange.Findings
	b.ReportAllocs()
	for b.Loop() {
		findings = book.Admit(record, record.Route, now)
	}
	b.ReportMetric(float64(len(findings.Outcomes)), "rules")
}

func BenchmarkGreen(b *testing.B) {
	book, _ := realBook(b)
	record := passingRecord()
	now := record.IssuedAt
	var findings exchange.Findings
	b.ReportAllocs()
	for b.Loop() {
		findings = book.Green(record, now)
	}
	b.ReportMetric(float64(len(findings.Outcomes)), "rules")
}
