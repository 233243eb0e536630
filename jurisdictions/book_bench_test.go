package jurisdictions

import (
	"os"
	"testing"
	"time"
)

func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile("testdata/books/demonstration.yaml")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("demonstration.yaml", data, "macau"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdmit(b *testing.B) {
	book, record := demonstration(b), passingRecord()
	now := record.IssuedAt.Add(time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		book.Admit(record, record.Route, now)
	}
}

func BenchmarkGreen(b *testing.B) {
	book, record := demonstration(b), passingRecord()
	now := record.IssuedAt.Add(time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		book.Green(record, now)
	}
}
