package main

import (
	"image"
	"image/color"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

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
		if read := scan(t, code.Bitmap()); read != text {
			t.Errorf("%s: the decoder read %.40s…, want %.40s…", name, read, text)
		}
		if token, err := exchange.ParseQRText(text); err != nil || strings.Count(string(token), ".") != 2 {
			t.Errorf("%s: %.40s… is no token: %v", name, token, err)
		}
	}
}

// TestTheLastMinutesOfADayAreSatOut: a Hong Kong code made in them would be over, or nearly.
func TestTheLastMinutesOfADayAreSatOut(t *testing.T) {
	for at, want := range map[string]time.Duration{
		"2026-11-30T12:00:00+08:00": 0, "2026-11-30T23:56:59+08:00": 0, "2026-11-30T23:57:00+08:00": 3 * time.Minute,
		"2026-11-30T23:59:59+08:00": time.Second, "2026-12-01T00:00:00+08:00": 0, "2026-11-30T15:58:00Z": 2 * time.Minute, "2026-11-30T23:58:00Z": 0,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := untilNewDay(now); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
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

// scan reads a QR code, given as rows of dark and light modules with their quiet zone. Like a camera in a hand, it looks
// more than once, from other distances and angles: one picture in seventy the decoder misses at any one of them.
func scan(t *testing.T, modules [][]bool) string {
	t.Helper()
	var err error
	for _, tilt := range []float64{0, 2, -3, 5, 45} {
		for size := 3; size <= 6; size++ {
			var text string
			if text, err = decode(photograph(modules, size, tilt)); err == nil {
				return text
			}
		}
	}
	t.Fatalf("the decoder sees no QR code: %v", err)
	return ""
}

func decode(picture image.Image) (string, error) {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		return "", err
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}

// photograph draws each module size pixels wide, turned about its middle by so many degrees on a light ground.
func photograph(modules [][]bool, size int, degrees float64) image.Image {
	half := float64(len(modules)) / 2
	side := int(2 * half * float64(size) * math.Sqrt2)
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	picture := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			dx, dy := (float64(x)-float64(side)/2)/float64(size), (float64(y)-float64(side)/2)/float64(size)
			column, row := int(math.Floor(cos*dx+sin*dy+half)), int(math.Floor(cos*dy-sin*dx+half))
			inside := row >= 0 && row < len(modules) && column >= 0 && column < len(modules[row])
			if !inside || !modules[row][column] {
				picture.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	return picture
}

var blockLine = regexp.MustCompile(`^[ █▀▄]{40,}$`)

// terminalCodes finds the QR codes that are drawn in half blocks, light on dark.
func terminalCodes(printed string) [][][]bool {
	var codes [][][]bool
	var block []string
	for _, line := range append(strings.Split(printed, "\n"), "") {
		if blockLine.MatchString(line) {
			block = append(block, line)
			continue
		}
		if len(block) > 0 {
			codes = append(codes, modules(block))
		}
		block = nil
	}
	return codes
}

// modules gives each half block's two modules; true is dark.
func modules(block []string) [][]bool {
	var rows [][]bool
	for _, line := range block {
		var upper, lower []bool
		for _, character := range line {
			upper = append(upper, character != '█' && character != '▀')
			lower = append(lower, character != '█' && character != '▄')
		}
		rows = append(rows, upper, lower)
	}
	return rows
}
