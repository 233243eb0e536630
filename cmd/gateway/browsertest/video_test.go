package browsertest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/makiuchi-d/gozxing"
	reader "github.com/makiuchi-d/gozxing/qrcode"
	"github.com/skip2/go-qrcode"
)

// view is how a code is held before the camera.
type view struct {
	angle float64 // radians in the picture's plane
	lean  float64 // how much smaller one side of the code looks than the other: 0 is straight on
	noise float64 // standard deviation of the brightness, of 255
}

// The camera's picture: what a cheap phone gives a page.
const (
	frameWidth, frameHeight = 1280, 720
	frames                  = 6
)

// photograph is one picture of a QR code on a light table. The seed tells the noise of one picture from that of the next.
func photograph(t *testing.T, text string, as view, seed uint64) *image.Gray {
	t.Helper()
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		t.Fatal(err)
	}
	modules := code.Bitmap() // with its quiet zone
	random := rand.New(rand.NewPCG(seed, 7))
	sin, cos := math.Sincos(as.angle)
	side := 0.82 * frameHeight / (math.Abs(sin) + math.Abs(cos))
	picture := image.NewGray(image.Rect(0, 0, frameWidth, frameHeight))
	for y := range frameHeight {
		for x := range frameWidth {
			dx, dy := float64(x-frameWidth/2), float64(y-frameHeight/2)
			u, v := (dx*cos+dy*sin)/side, (dy*cos-dx*sin)/side
			depth := 1 + as.lean*v // what is farther away is smaller
			light := moduleAt(modules, u*depth+0.5, v*depth+0.5) + random.NormFloat64()*as.noise
			picture.SetGray(x, y, color.Gray{Y: uint8(min(max(light, 0), 255))})
		}
	}
	return picture
}

// moduleAt is how bright the code is at a place of the unit square, or the table around it.
func moduleAt(modules [][]bool, u, v float64) float64 {
	n := float64(len(modules))
	if u < 0 || v < 0 || u >= 1 || v >= 1 {
		return 200
	}
	if modules[int(v*n)][int(u*n)] {
		return 30
	}
	return 235
}

// filmed is a video in the YUV4MPEG2 format that Chromium's simulated camera plays, over and over.
func filmed(t *testing.T, text string, as view) []byte {
	t.Helper()
	var video bytes.Buffer
	fmt.Fprintf(&video, "YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n", frameWidth, frameHeight)
	grey := bytes.Repeat([]byte{128}, frameWidth*frameHeight/2)
	for i := range frames {
		video.WriteString("FRAME\n")
		video.Write(photograph(t, text, as, uint64(i)).Pix)
		video.Write(grey)
	}
	return video.Bytes()
}

func pngOf(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := png.Encode(&data, picture); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// scanned is the text of the QR code in a PNG that is written in base64.
func scanned(t *testing.T, data string) string {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(decoded))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	found, err := reader.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Fatalf("the decoder sees no QR code: %v", err)
	}
	return found.GetText()
}
