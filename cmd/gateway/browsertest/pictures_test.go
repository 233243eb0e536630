package browsertest

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// refresh is what `make screenshots` asks for.
var refresh = flag.Bool("screenshots", false, "take the screenshots of every page anew instead of auditing the pages")

// pictureFolders are where the screenshots of each owner's pages are kept.
var pictureFolders = map[string]string{
	"gateway": filepath.Join("..", "..", "..", "api", "web", "testdata", "screenshots"),
	"sides":   filepath.Join("..", "..", "sides", "testdata", "screenshots"),
}

var (
	pictureLanguages = []string{"zh-Hant", "en"}
	pictureScreens   = []screen{phone, desktop}
)

// maxPicture is the most bytes of a screenshot.
const maxPicture = 60 << 10

// pictureFile is where the screenshot of a page is: "gateway.h5-pass" is owner and page.
func pictureFile(page, language string, on screen) string {
	owner, name, _ := strings.Cut(page, ".")
	return filepath.Join(pictureFolders[owner], fmt.Sprintf("%s.%s.%s.png", name, language, on.name))
}

func (b *tab) photograph(page, language string) {
	b.Helper()
	for _, on := range pictureScreens {
		b.size(on)
		b.script("document.activeElement && document.activeElement.blur(); scrollTo(0, 0)")
		taken, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			b.Fatal(err)
		}
		data := b.reduced(taken)
		file := pictureFile(page, language, on)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.size(phone)
}

// reduced is a picture in so few colours that it is small enough: the pages have few.
func (b *tab) reduced(taken []byte) []byte {
	b.Helper()
	picture, err := png.Decode(bytes.NewReader(taken))
	if err != nil {
		b.Fatal(err)
	}
	var data bytes.Buffer
	for _, colours := range []int{32, 16, 12, 8} {
		data.Reset()
		encoder := png.Encoder{CompressionLevel: png.BestCompression}
		if err := encoder.Encode(&data, inFewColours(picture, colours)); err != nil {
			b.Fatal(err)
		}
		if data.Len() <= maxPicture {
			return data.Bytes()
		}
	}
	b.Errorf("a picture of %v has %d bytes in 8 colours", picture.Bounds(), data.Len())
	return data.Bytes()
}

// inFewColours gives every pixel the nearest of the palette's colours.
func inFewColours(picture image.Image, most int) *image.Paletted {
	bounds := picture.Bounds()
	count := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA {
		c, _ := color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)
		return c
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	palette := frequent(count, most)
	nearest := map[color.RGBA]uint8{}
	reduced := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := at(x, y)
			index, known := nearest[c]
			if !known {
				index = uint8(palette.Index(c))
				nearest[c] = index
			}
			reduced.SetColorIndex(x, y, index)
		}
	}
	return reduced
}

// frequent takes the colours that there is most of, leaving out those that look like one taken already.
func frequent(count map[color.RGBA]int, most int) color.Palette {
	var all []color.RGBA
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return int(a.R)<<16 + int(a.G)<<8 + int(a.B) - int(b.R)<<16 - int(b.G)<<8 - int(b.B)
	})
	var palette color.Palette
	pixels := 0
	for _, n := range count {
		pixels += n
	}
	// Large faint areas come first, each with its own colour; then what differs most, which are the edges of letters.
	for _, pass := range []struct{ least, apart int }{{pixels / 300, 8}, {0, 1200}, {0, 400}, {0, 0}} {
		for _, c := range all {
			near := slices.ContainsFunc(palette, func(p color.Color) bool { return distance(p, c) <= pass.apart })
			if len(palette) < most && count[c] > pass.least && !near {
				palette = append(palette, c)
			}
		}
	}
	return palette
}

// distance is the square of how far two colours are apart.
func distance(a color.Color, b color.RGBA) int {
	c, _ := a.(color.RGBA)
	red, green, blue := int(c.R)-int(b.R), int(c.G)-int(b.G), int(c.B)-int(b.B)
	return red*red + green*green + blue*blue
}

// TestScreenshotsAreOfThePages holds the kept screenshots to the list of pages: each page in two languages on two screens,
// each small, and no other file.
func TestScreenshotsAreOfThePages(t *testing.T) {
	wanted := map[string]bool{}
	for _, page := range pages() {
		for _, language := range pictureLanguages {
			for _, on := range pictureScreens {
				wanted[pictureFile(page, language, on)] = true
			}
		}
	}
	for file := range wanted {
		info, err := os.Stat(file)
		if err != nil {
			t.Errorf("%v: make screenshots", err)
		} else if info.Size() > maxPicture {
			t.Errorf("%s has %d bytes, want at most %d", file, info.Size(), maxPicture)
		}
	}
	for _, folder := range pictureFolders {
		found, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			if !wanted[file] {
				t.Errorf("%s is of no page", file)
			}
		}
	}
}
