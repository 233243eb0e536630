package main

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// captcha is the question that keeps programs from having text messages sent: digits in a picture, or for those who do not
// see it (WCAG 1.1.1) a sum in words. Either is for one try.
type captcha struct {
	answer string
	a, b   int // of the sum; 0: it is a picture
	wrong  int
	paused time.Time // until then
}

func random(below int64) int {
	number, _ := rand.Int(rand.Reader, big.NewInt(below)) // does not fail (Go 1.24 and later)
	return int(number.Int64())
}

// renew asks another question of one of the two kinds.
func (c *captcha) renew(inWords bool) {
	c.a, c.b = 0, 0
	if inWords {
		c.a, c.b = 1+random(9), 1+random(9)
		c.answer = strconv.Itoa(c.a + c.b)
		return
	}
	var digits strings.Builder
	for range captchaDigits {
		digits.WriteByte("23456789"[random(8)]) // 0 and 1 look like letters
	}
	c.answer = digits.String()
}

// take tells whether this is the answer, and asks another question in any case.
func (c *captcha) take(given string, now time.Time) (wrong string) {
	if now.Before(c.paused) {
		return "fault.captcha-pause"
	}
	right := c.answer != "" && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(given)), []byte(c.answer)) == 1
	c.renew(c.a > 0)
	if right {
		c.wrong = 0
		return ""
	}
	if c.wrong++; c.wrong >= maxCaptchas {
		c.wrong, c.paused = 0, now.Add(captchaPause)
	}
	return "fault.captcha"
}

// question is the sum in words of a language; empty for a picture.
func (c *captcha) question(lang string) string {
	if c.a == 0 {
		return ""
	}
	numbers := strings.Fields(textIn(lang, "numbers"))
	return textIn(lang, "captcha.sum", "{a}", numbers[c.a-1], "{b}", numbers[c.b-1])
}

// captchaImage draws the question of this session, if it is a picture.
func (v *visit) captchaImage() (reply, error) {
	digits := v.session.captcha.answer
	if v.session.captcha.a > 0 {
		digits = ""
	}
	var buffer bytes.Buffer
	err := png.Encode(&buffer, drawDigits(digits))
	return reply{media: "image/png", bytes: buffer.Bytes()}, err
}

// The picture's size, and the strokes of its digits: five by seven dots each, from the top.
const (
	captchaWidth, captchaHeight = 220, 72
	captchaDot                  = 6
)

var glyphs = map[rune][7]uint8{
	'2': {0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111},
	'3': {0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110},
	'4': {0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010},
	'5': {0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110},
	'6': {0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110},
	'7': {0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000},
	'8': {0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110},
	'9': {0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100},
}

var captchaInk = color.Palette{color.White, color.RGBA{R: 23, G: 36, B: 46, A: 255}, color.RGBA{R: 150, G: 164, B: 174, A: 255}}

// drawDigits draws each digit leaning its own way, on a baseline that waves, behind specks.
func drawDigits(digits string) image.Image {
	picture := image.NewPaletted(image.Rect(0, 0, captchaWidth, captchaHeight), captchaInk)
	for range 220 {
		speck(picture, random(captchaWidth), random(captchaHeight), 2, 2)
	}
	phase := float64(random(628)) / 100
	for i, digit := range digits {
		angle := float64(random(50)-25) / 100
		centreX := 28 + float64(i)*41 + float64(random(7)-3)
		centreY := captchaHeight/2 + 6*math.Sin(phase+float64(i))
		drawDigit(picture, glyphs[digit], centreX, centreY, angle)
	}
	return picture
}

func drawDigit(picture *image.Paletted, rows [7]uint8, centreX, centreY, angle float64) {
	sin, cos := math.Sincos(angle)
	for y, row := range rows {
		for x := range 5 {
			if row>>(4-x)&1 == 0 {
				continue
			}
			dx, dy := (float64(x)-2)*captchaDot, (float64(y)-3)*captchaDot
			speck(picture, int(centreX+dx*cos-dy*sin), int(centreY+dx*sin+dy*cos), captchaDot+1, 1)
		}
	}
}

// speck colours a square; what lies outside the picture is left out.
func speck(picture *image.Paletted, x, y, size int, ink uint8) {
	for dy := range size {
		for dx := range size {
			if at := image.Pt(x+dx, y+dy); at.In(picture.Rect) {
				picture.SetColorIndex(at.X, at.Y, ink)
			}
		}
	}
}
