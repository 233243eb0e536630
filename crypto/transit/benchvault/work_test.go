package benchvault

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"crypto/rsa"
	"encoding/base64"

	gojose "github.com/go-jose/go-jose/v4"

	"crosscode/crypto/jose"
	"crosscode/crypto/keys"
	"crosscode/exchange"
)

const audience = "https://gateway.example"

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC) // 12:00 UTC+8

// trusted is Macau's signing key, and nothing else.
type trusted struct{ key keys.Trusted }

func (t trusted) SigningKey(_ context.Context, issuer exchange.Side, keyID string) (keys.Trusted, error) {
	if issuer == "macau" && keyID == t.key.KeyID {
		return t.key, nil
	}
	return keys.Trusted{}, exchange.Fail(exchange.PacketRefused, "trust", errors.New("no such key"))
}

func (t trusted) EncryptionKey(context.Context, exchange.Side) (keys.Trusted, error) {
	return keys.Trusted{}, exchange.ErrNoHandoffKey
}

// stock is what is sent: genuine packets from Macau, and as many that look like them until Vault has tried.
type stock struct {
	trusted          trusted
	packets, garbage []exchange.Packet
}

// newStock makes packets as a side's back end does, with an independent library.
func newStock(t testing.TB, sealedTo keys.Public, count int) *stock {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &stock{trusted: trusted{keys.Trusted{KeyID: "sign-1", Algorithm: keys.ES256, Key: &private.PublicKey}}}
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.ES256, Key: gojose.JSONWebKey{Key: private, KeyID: "sign-1"}},
		(&gojose.SignerOptions{}).WithType("consent-packet+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := gojose.NewEncrypter(gojose.A256GCM, gojose.Recipient{Algorithm: gojose.RSA_OAEP_256, Key: sealedTo.Key, KeyID: sealedTo.KeyID},
		(&gojose.EncrypterOptions{}).WithType("consent-packet+jwe").WithContentType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		claims := fmt.Sprintf(`{"iss":"macau","aud":%q,"jti":"packet-%d","filler":%q}`, audience, i, strings.Repeat("x", 1200))
		inner, err := signer.Sign([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		compact, _ := inner.CompactSerialize()
		outer, err := sealer.Encrypt([]byte(compact))
		if err != nil {
			t.Fatal(err)
		}
		packet, _ := outer.CompactSerialize()
		s.packets = append(s.packets, exchange.Packet(packet))
		s.garbage = append(s.garbage, spoil(t, packet, sealedTo.Key.(*rsa.PublicKey)))
	}
	return s
}

// spoil replaces the encrypted_key by a random number below the modulus: nobody but Vault can tell.
func spoil(t testing.TB, packet string, key *rsa.PublicKey) exchange.Packet {
	t.Helper()
	number, err := rand.Int(rand.Reader, new(big.Int).Sub(key.N, big.NewInt(1)))
	if err != nil {
		t.Fatal(err)
	}
	segments := strings.Split(packet, ".")
	segments[1] = base64.RawURLEncoding.EncodeToString(number.FillBytes(make([]byte, key.Size())))
	return exchange.Packet(strings.Join(segments, "."))
}

// gateway is the part of the path that needs keys, with the gateway's own code.
type gateway struct {
	opener   *jose.Opener
	verifier *jose.Verifier
	signer   *jose.Signer
}

func newGateway(ring keys.Ring, trusted trusted) gateway {
	return gateway{jose.NewOpener(ring), jose.NewVerifier(trusted, audience), jose.NewSigner(ring)}
}

// transcode is what one packet costs.
func (g gateway) transcode(ctx context.Context, packet exchange.Packet, number int) error {
	signed, err := g.opener.Open(ctx, packet)
	if err != nil {
		return err
	}
	if _, err := g.verifier.Verify(ctx, signed); err != nil {
		return err
	}
	drafts, err := conclude(number)
	if err != nil {
		return err
	}
	_, err = g.signer.Sign(ctx, drafts)
	return err
}

// conclude makes what is signed for one holder.
func conclude(number int) (*exchange.Drafts, error) {
	document := exchange.Document{Type: "macau-bir", Number: fmt.Sprintf("%08d", number)}
	id := fmt.Sprintf("packet-%d", number)
	record := exchange.Record{
		Issuer: "macau", Audience: audience, Route: exchange.Route{From: "macau", To: "guangdong"}, ID: id,
		IssuedAt: noon, NotBefore: noon, Expires: noon.Add(exchange.MaxPacketLife),
		Holder: exchange.Holder{
			Documents: []exchange.Document{document}, BirthDate: exchange.Date{Year: 1990, Month: 1, Day: 2},
			Name: exchange.Name{Han: "陳大文", Latin: "CHAN TAI MAN"},
		},
	}
	green := exchange.Findings{Outcomes: []exchange.Outcome{{Rule: "green.colour", Status: exchange.Pass}}}
	entry := exchange.Findings{
		Outcomes: []exchange.Outcome{{Rule: "entry.cap", Status: exchange.Pass, Until: noon.Add(24 * time.Hour)}},
		Shows:    exchange.Shows{Document: document},
	}
	return exchange.Conclude(record, green, entry, noon).Drafts(exchange.Terms{
		Key: exchange.NewReplayKey("macau", id), IssuedAt: noon,
		Source:      exchange.Profile{Side: "macau", Key: "mo", Type: "mo-code+jwt", Tag: "mo"},
		Destination: exchange.Profile{Side: "guangdong", Key: "gd", Type: "gd-code+jwt", Tag: "gd"},
	})
}
