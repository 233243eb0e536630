package jose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"crosscode/exchange"
)

// recall makes a side's recall, issued at noon for ten minutes.
func recall(t testing.TB, w *world, side exchange.Side, reach string) string {
	t.Helper()
	return recallOf(t, w, side, fmt.Sprintf(`{"iss":"%s","aud":"%s","jti":"r","iat":%d,"exp":%d,%s}`,
		side, gateway, noon.Unix(), noon.Add(10*time.Minute).Unix(), reach))
}

func recallOf(t testing.TB, w *world, side exchange.Side, claims string) string {
	t.Helper()
	return bareSign(t, w.es256[side], `{"alg":"ES256","kid":"sign-es","typ":"code-recall+jwt"}`, []byte(claims))
}

func TestReadRecall(t *testing.T) {
	w := theWorld()
	side, got, err := ReadRecall(t.Context(), exchange.Token(recall(t, w, "macau", `"packet":"jti-of-a-packet"`)), w.trusted, gateway, noon)
	if err != nil || side != "macau" || got.Packet != "jti-of-a-packet" || !got.Before.IsZero() || got.ID != "r" {
		t.Errorf("ReadRecall() = %s, %+v, %v", side, got, err)
	}
	before := fmt.Sprintf(`"before":%d`, noon.Unix())
	_, got, err = ReadRecall(t.Context(), exchange.Token(recall(t, w, "macau", before)), w.trusted, gateway, noon)
	if err != nil || got.Packet != "" || !got.Before.Equal(noon) || !got.Expires.Equal(noon.Add(10*time.Minute)) {
		t.Errorf("ReadRecall() = %+v, %v", got, err)
	}
}

func TestRecallsAreRefused(t *testing.T) {
	w := theWorld()
	good := recallClaims()
	change := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	iat, exp := fmt.Sprint(noon.Unix()), fmt.Sprint(noon.Add(10*time.Minute).Unix())
	for name, test := range map[string]struct {
		claims string
		want   exchange.Reason
	}{
		"as it should be":           {good, ""},
		"neither packet nor before": {change(`,"packet":"p"`, ``), exchange.ClaimsInvalid},
		"both":                      {change(`"packet"`, `"before":1,"packet"`), exchange.ClaimsInvalid},
		"an empty packet":           {change(`"p"`, `""`), exchange.ClaimsInvalid},
		"a packet of 257 bytes":     {change(`"p"`, `"`+strings.Repeat("p", 257)+`"`), exchange.ClaimsInvalid},
		"before in the future":      {change(`"packet":"p"`, fmt.Sprintf(`"before":%d`, noon.Unix()+61)), exchange.ClaimsInvalid},
		"before within the leeway":  {change(`"packet":"p"`, fmt.Sprintf(`"before":%d`, noon.Unix()+60)), ""},
		"before negative":           {change(`"packet":"p"`, `"before":-1`), exchange.ClaimsInvalid},
		"before as text":            {change(`"packet":"p"`, `"before":"1"`), exchange.ClaimsInvalid},
		"before as a fraction":      {change(`"packet":"p"`, `"before":1.5`), exchange.ClaimsInvalid},
		"before beyond 2^53":        {change(`"packet":"p"`, `"before":9007199254740992`), exchange.ClaimsInvalid},
		"an unknown member":         {change(`"packet"`, `"x":1,"packet"`), exchange.ClaimsInvalid},
		"a packet's members":        {change(`"packet"`, `"dst":"guangdong","packet"`), exchange.ClaimsInvalid},
		"no jti":                    {change(`"jti":"r",`, ``), exchange.ClaimsInvalid},
		"no iat":                    {change(`"iat":`+iat+`,`, ``), exchange.ClaimsInvalid},
		"no exp":                    {change(`,"exp":`+exp, ``), exchange.ClaimsInvalid},
		"exp 601 s after iat":       {change(exp, fmt.Sprint(noon.Unix()+601)), exchange.ClaimsInvalid},
		"exp at iat":                {change(`"exp":`+exp, `"exp":`+iat), exchange.ClaimsInvalid},
		"another gateway's":         {change(gateway, "https://other.example"), exchange.PacketRefused},
		"another issuer's":          {change("macau", "guangdong"), exchange.PacketRefused},
		"a member twice":            {change(`"packet"`, `"iss":"macau","packet"`), exchange.PacketRefused},
		"something behind":          {good + "{}", exchange.PacketRefused},
	} {
		_, _, err := ReadRecall(t.Context(), exchange.Token(recallOf(t, w, "macau", test.claims)), w.trusted, gateway, noon)
		if reason, _ := exchange.ReasonOf(err); reason != test.want {
			t.Errorf("%s: error = %v, want %q", name, err, test.want)
		}
	}
}

func recallClaims() string {
	return fmt.Sprintf(`{"iss":"macau","aud":"%s","jti":"r","iat":%d,"exp":%d,"packet":"p"}`,
		gateway, noon.Unix(), noon.Add(10*time.Minute).Unix())
}

func TestARecallLivesAsLongAsAPacket(t *testing.T) {
	w := theWorld()
	token := exchange.Token(recallOf(t, w, "macau", recallClaims()))
	for _, test := range []struct {
		at   time.Duration
		want exchange.Reason
	}{
		{-61 * time.Second, exchange.NotYetValid}, {-60 * time.Second, ""}, {0, ""},
		{11 * time.Minute, ""}, {11*time.Minute + time.Second, exchange.PacketExpired},
	} {
		_, _, err := ReadRecall(t.Context(), token, w.trusted, gateway, noon.Add(test.at))
		if reason, _ := exchange.ReasonOf(err); reason != test.want {
			t.Errorf("%v after it was issued: %v, want %q", test.at, err, test.want)
		}
	}
}
