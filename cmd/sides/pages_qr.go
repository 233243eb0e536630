package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skip2/go-qrcode"
)

// qrTextOf is the text of the QR code that shows a token: the other direction of scanned.
func qrTextOf(token string) string {
	text := strings.Builder{}
	text.WriteString(qrPrefix)
	for group := range slices.Chunk([]byte(token), groupCharacters) {
		value := 0
		for _, character := range group {
			value = value*len(qrAlphabet) + strings.IndexByte(qrAlphabet, character)
		}
		fmt.Fprintf(&text, "%0*d", min(2*len(group), groupDigits), value)
	}
	return text.String()
}

// qrImage is a QR code as the path of an SVG image of so many modules, the quiet zone included.
type qrImage struct {
	Size int
	Path string
}

func newQRImage(text string) (qrImage, error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return qrImage{}, err
	}
	var path strings.Builder
	modules := code.Bitmap()
	for y, row := range modules {
		for x := 0; x < len(row); {
			width := 0
			for x+width < len(row) && row[x+width] {
				width++
			}
			if width > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x, y, width, width)
			}
			x += width + 1
		}
	}
	return qrImage{Size: len(modules), Path: path.String()}, nil
}
