package main

import (
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	encoder "github.com/skip2/go-qrcode"

	"crosscode/exchange"
)

// TestDemo runs the demo as a newcomer does, and then scans what it printed.
func TestDemo(t *testing.T) {
	out := t.TempDir()
	printed, err := exec.Command(filepath.Join(programs, "gateway"), "demo", "--sides", filepath.Join(programs, "sides"), "--out", out).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	for _, route := range demoRoutes {
		if !strings.Contains(string(printed), "\n"+route.from+" → "+route.to) {
			t.Errorf("%s → %s is not shown", route.from, route.to)
		}
	}
	if valid := strings.Count(string(printed), ": valid"); valid != 2*len(demoRoutes) {
		t.Errorf("%d offline checks say valid, want %d", valid, 2*len(demoRoutes))
	}
	pictures := terminalCodes(string(printed))
	if len(pictures) != 2*len(demoRoutes) {
		t.Fatalf("%d QR codes are printed, want %d", len(pictures), 2*len(demoRoutes))
	}
	kept := keptTexts(t, out)
	for _, picture := range pictures {
		text := scan(t, picture)
		if name, known := kept[text]; !known {
			t.Errorf("a printed QR code reads as none of the codes and receipts: %.60s", text)
		} else {
			t.Logf("scanned from the terminal: %s", name)
		}
	}
}

// TestDemoCodesFit holds everything that the demo signs, refusals' receipts included, to version 15 at level M, with a
// real decoder.
func TestDemoCodesFit(t *testing.T) {
	out := t.TempDir()
	printed, err := exec.Command(filepath.Join(programs, "gateway"), "demo", "--no-qr", "--sides", filepath.Join(programs, "sides"), "--out", out).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	kept := keptTexts(t, out)
	if want := 2*len(demoRoutes) + len(demoRefusals); len(kept) != want {
		t.Fatalf("%d codes and receipts are kept, want %d", len(kept), want)
	}
	for text, name := range kept {
		code, err := encoder.New(text, encoder.Medium)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if code.VersionNumber > 15 {
			t.Errorf("%s is version %d, want at most 15", name, code.VersionNumber)
		}
		if read := scan(t, code.Image(-4)); read != text {
			t.Errorf("%s: the decoder read %.40s…, want %.40s…", name, read, text)
		}
		if token, err := exchange.ParseQRText(text); err != nil || strings.Count(string(token), ".") != 2 {
			t.Errorf("%s: %.40s… is no token: %v", name, token, err)
		}
	}
}

func keptTexts(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept[string(data)] = filepath.Base(file)
	}
	return kept
}

func scan(t *testing.T, picture image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Fatalf("the decoder sees no QR code: %v", err)
	}
	return result.GetText()
}

var blockLine = regexp.MustCompile(`^[ █▀▄]{40,}$`)

// terminalCodes finds the QR codes that are drawn in half blocks, light on dark, and makes a picture of each.
func terminalCodes(printed string) []image.Image {
	var pictures []image.Image
	var block []string
	for _, line := range append(strings.Split(printed, "\n"), "") {
		if blockLine.MatchString(line) {
			block = append(block, line)
			continue
		}
		if len(block) > 0 {
			pictures = append(pictures, draw(block))
		}
		block = nil
	}
	return pictures
}

const moduleSize = 4

func draw(block []string) image.Image {
	width := len([]rune(block[0]))
	picture := image.NewGray(image.Rect(0, 0, width*moduleSize, 2*len(block)*moduleSize))
	for row, line := range block {
		for column, character := range []rune(line) {
			fill(picture, column, 2*row, character == '█' || character == '▀')
			fill(picture, column, 2*row+1, character == '█' || character == '▄')
		}
	}
	return picture
}

func fill(picture *image.Gray, column, row int, light bool) {
	if !light {
		return
	}
	for y := range moduleSize {
		for x := range moduleSize {
			picture.SetGray(column*moduleSize+x, row*moduleSize+y, color.Gray{Y: 255})
		}
	}
}
