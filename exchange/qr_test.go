package exchange_test

import (
	"errors"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	zxing "github.com/makiuchi-d/gozxing/qrcode"
	"github.com/skip2/go-qrcode"
	"pgregory.net/rapid"

	"crosscode/exchange"
)

const alphabet = "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

// qrVersion is the version of a level M code for a text, once a real decoder has read it back.
func qrVersion(t *testing.T, text string) int {
	t.Helper()
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		t.Fatal(err)
	}
	if read := scan(t, code); read != text {
		t.Errorf("the decoder reads %q, want %q", read, text)
	}
	return code.VersionNumber
}

// scan reads the code as a camera does, which sees it at more than one angle. Data can look like a finder pattern: the decoder
// misreads two exact pictures in a hundred, and one in a hundred that is tilted, but not the same ones.
func scan(t *testing.T, code *qrcode.QRCode) string {
	t.Helper()
	var faults []error
	for _, degrees := range []float64{0, 3, 8, -5, 12} {
		text, err := readPicture(tilted(code.Image(-4), degrees))
		if err == nil {
			return text
		}
		faults = append(faults, err)
	}
	t.Fatal(errors.Join(faults...))
	return ""
}

// tilted turns a picture about its middle, on a white ground that is large enough for it.
func tilted(picture image.Image, degrees float64) image.Image {
	bounds := picture.Bounds()
	from, side := float64(bounds.Dx())/2, int(1.4*float64(bounds.Dx()))
	sine, cosine := math.Sincos(degrees * math.Pi / 180)
	turned := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			right, down := float64(x)-float64(side)/2, float64(y)-float64(side)/2
			source := image.Pt(int(math.Floor(cosine*right+sine*down+from)), int(math.Floor(cosine*down-sine*right+from)))
			turned.Set(x, y, color.White)
			if source.In(bounds) {
				turned.Set(x, y, picture.At(source.X, source.Y))
			}
		}
	}
	return turned
}

func readPicture(picture image.Image) (string, error) {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		return "", err
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	result, err := zxing.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}

func TestQRTextsAsTheyAreWritten(t *testing.T) {
	for token, want := range map[exchange.Token]string{
		"-":       "xc:/00",
		"z":       "xc:/64",
		"ab":      "xc:/2575",
		"eyJhbG":  "xc:/51023050343",
		"zzzzzz":  "xc:/75418890624",
		"eyJhbGc": "xc:/5102305034341",
		"not ok":  "",
		"é":       "",
	} {
		if got := exchange.QRText(token); got != want {
			t.Errorf("QRText(%q) = %s, want %s", token, got, want)
		}
	}
}

func TestVersion15HoldsMaxQRTokenAndNoMore(t *testing.T) {
	if version := qrVersion(t, exchange.QRText(exchange.Token(strings.Repeat("z", exchange.MaxQRToken)))); version != 15 {
		t.Errorf("%d characters need version %d, want 15", exchange.MaxQRToken, version)
	}
	if version := qrVersion(t, exchange.QRText(exchange.Token(strings.Repeat("z", exchange.MaxQRToken+1)))); version != 16 {
		t.Errorf("%d characters need version %d, want 16", exchange.MaxQRToken+1, version)
	}
}

func TestQRTextsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		token := exchange.Token(rapid.StringOfN(rapid.SampledFrom([]rune(alphabet)), 1, 700, -1).Draw(t, "token"))
		text := exchange.QRText(token)
		if got, err := exchange.ParseQRText(text); err != nil || got != token {
			t.Fatalf("ParseQRText(%s) = %s, %v, want %s", text, got, err, token)
		}
		if digits := len(text) - len(exchange.QRPrefix); 6*digits > 11*len(token)+11 {
			t.Fatalf("%d characters took %d digits", len(token), digits)
		}
	})
}

func TestParseQRTextRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                              "",
		"the prefix alone":                     "xc:/",
		"another prefix":                       "shc:/00",
		"the prefix in capitals":               "XC:/00",
		"an odd number of digits":              "xc:/000",
		"a letter":                             "xc:/0a",
		"a sign":                               "xc:/+1",
		"digits of another script":             "xc:/０１",
		"a value past the alphabet":            "xc:/65",
		"a value past two characters":          "xc:/4225",
		"a value past six characters":          "xc:/75418890625",
		"a web address":                        "https://gateway.example/verify",
		"a 穗康码":                                "https://skmapp.gzonline.gov.cn/1234",
		"more than 4 KiB":                      "xc:/" + strings.Repeat("0", 4<<10),
		"a space behind":                       "xc:/00 ",
		"nine digits where ten would be right": "xc:/000000000",
	} {
		if token, err := exchange.ParseQRText(text); err == nil {
			t.Errorf("%s: ParseQRText = %q, want an error", name, token)
		}
	}
	if _, err := exchange.ParseQRText("xc:/" + strings.Repeat("0", 4092)); err != nil {
		t.Errorf("4 KiB: %v", err)
	}
}

// FuzzParseQRText: whatever is accepted is written the same again, so that no token has two texts.
func FuzzParseQRText(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		token, err := exchange.ParseQRText(text)
		if err == nil && exchange.QRText(token) != text {
			t.Errorf("%q is read as %q, which is written %q", text, token, exchange.QRText(token))
		}
	})
}

// FuzzParseFullReceipt: whatever is accepted is, byte for byte, what the gateway would write.
func FuzzParseFullReceipt(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		full, err := exchange.ParseFullReceipt(data)
		if err != nil {
			return
		}
		if strings.Contains(string(data), "\n") || full.NotGranted == nil && !strings.Contains(string(data), `"not_granted":null`) {
			t.Errorf("%q was accepted as %+v", data, full)
		}
	})
}

// An empty seed set makes a fuzz target that tests nothing, and says so nowhere.
func TestFuzzTargetsHaveSeeds(t *testing.T) {
	for target, least := range map[string]int{"FuzzParseQRText": 6, "FuzzParseFullReceipt": 6} {
		seeds, err := filepath.Glob(filepath.Join("testdata", "fuzz", target, "*"))
		if err != nil || len(seeds) < least {
			t.Errorf("%s has %d seeds, %v, want at least %d", target, len(seeds), err, least)
		}
		for _, seed := range seeds {
			if info, err := os.Stat(seed); err != nil || info.Size() < 20 {
				t.Errorf("%s is no seed: %v", seed, err)
			}
		}
	}
}
