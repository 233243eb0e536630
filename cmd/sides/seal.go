package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

type sealCommand struct {
	From        string    `required:"" placeholder:"SIDE" help:"The side that signs: guangdong, macau or hongkong."`
	To          string    `placeholder:"SIDE" help:"The side that the holder goes to."`
	Case        string    `default:"green" placeholder:"NAME" help:"What the packet says; sides cases lists them all (${default})."`
	Claims      string    `placeholder:"FILE" help:"Seal these claims instead of a case; - is standard input."`
	Port        string    `placeholder:"PORT" help:"The border crossing, such as gongbei; none: any."`
	Channel     string    `placeholder:"NAME" help:"How the holder logged in: web, app or h5."`
	Lang        string    `default:"zh-Hant" enum:"zh-Hans,zh-Hant,en,pt" help:"In which language the holder read the consent: zh-Hans, zh-Hant, en or pt."`
	Gateway     string    `default:"${gateway}" placeholder:"URL" help:"The gateway (${default}): its packet keys and consent texts, and the packet's aud."`
	Audience    string    `placeholder:"URL" help:"The packet's aud, if the gateway's own URL is not --gateway."`
	JWKS        string    `name:"jwks" placeholder:"FILE" help:"The gateway's key set from a file instead."`
	Consents    string    `placeholder:"FILE" help:"A saved answer of GET /v1/consents/{route} instead."`
	Data        string    `default:"${data}" type:"path" placeholder:"DIR" help:"Where the side's keys are; made if missing (${default})."`
	At          time.Time `placeholder:"RFC3339" help:"The side's clock instead of now."`
	Alg         string    `default:"ES256" enum:"ES256,EdDSA" help:"How the side signs: ES256 or EdDSA."`
	KeyAlg      string    `placeholder:"ALG" help:"The JWE alg, for a packet key that allows more than one: ECDH-ES or ECDH-ES+A256KW."`
	PrintClaims bool      `help:"Print the claims instead of a packet."`
}

// Help is printed under the command's own help.
func (sealCommand) Help() string {
	return `The packet is one line on standard output; what it is, and for whom, is said on standard error.

  sides seal --from macau --to guangdong --port gongbei
  sides seal --from macau --to guangdong --case stale-test
  sides seal --from macau --to guangdong | curl -d @- -H 'Content-Type: application/jose' http://127.0.0.1:8080/v1/exchange
  sides seal --from macau --to guangdong --print-claims | sed s/negative/positive/ | sides seal --from macau --claims -
  sides seal --from macau --to guangdong --print-claims | sed -E 's/"birth_date":"[0-9-]+"/"birth_date":"1990"/' | sides seal --from macau --claims -
  sides seal --from macau --to guangdong --case daily-tests    64 pieces of evidence, the most that a packet may have

Claims that you give are sealed as they are, byte for byte, but that iss, aud, iat, nbf, exp and jti are added where they
are missing. They say everything themselves, so --to, --case, --port and --channel do not go with them. What is longer than a
gateway takes is sealed all the same, and standard error says so. (A gateway takes one line end behind a packet.)`
}

// Run prints the packet, or its claims.
func (c sealCommand) Run(ctx context.Context, std streams) error {
	from, err := sideByID(c.From)
	if err != nil {
		return err
	}
	if err := c.consistent(); err != nil {
		return err
	}
	payload, note, err := c.payload(ctx, from, std.in)
	if err != nil {
		return err
	}
	if c.PrintClaims {
		fmt.Fprintf(std.out, "%s\n", payload)
		fmt.Fprintln(std.err, note)
		return nil
	}
	packet, err := c.seal(ctx, from, payload)
	if err != nil {
		return err
	}
	fmt.Fprintln(std.out, packet)
	fmt.Fprintln(std.err, note)
	warnOfSize(std.err, payload, packet)
	return nil
}

// What a gateway takes of a packet, before it looks at anything else.
const (
	mostClaims = 32 << 10
	mostPacket = 60 << 10
)

// warnOfSize says what a gateway will refuse for its size alone.
func warnOfSize(to io.Writer, payload []byte, packet string) {
	for _, each := range []struct {
		what       string
		size, most int
	}{{"bytes of claims", len(payload), mostClaims}, {"characters of packet", len(packet), mostPacket}} {
		if each.size > each.most {
			fmt.Fprintf(to, "%d %s: a gateway takes at most %d, and will refuse this\n", each.size, each.what, each.most)
		}
	}
}

// consistent refuses flags that would be silently passed over: claims of one's own say where they lead and what they hold.
func (c sealCommand) consistent() error {
	if c.Claims == "" {
		return nil
	}
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"--print-claims", c.PrintClaims}, {"--to", c.To != ""}, {"--case", c.Case != "green"}, {"--port", c.Port != ""},
		{"--channel", c.Channel != ""},
	} {
		if flag.given {
			return usagef("--claims and %s do not go together: the claims that you give are sealed as they are", flag.name)
		}
	}
	return nil
}

func (c sealCommand) payload(ctx context.Context, from side, stdin io.Reader) (payload []byte, note string, err error) {
	if c.Claims != "" {
		return c.given(from, stdin)
	}
	asked, err := c.wish()
	if err != nil {
		return nil, "", err
	}
	texts, err := c.texts(ctx, asked.consentRoute())
	if err != nil {
		return nil, "", err
	}
	made, err := asked.claims(texts)
	if err != nil {
		return nil, "", err
	}
	payload, err = marshal(made)
	return payload, asked.note(made), err
}

func (c sealCommand) wish() (wish, error) {
	if c.To == "" {
		return wish{}, usagef("--to: where does the holder go?")
	}
	return newWish(c.From, c.To, c.Case, terms{
		port: c.Port, channel: c.Channel, language: c.Lang, audience: c.audience(), at: instant(c.At),
	})
}

// given reads somebody's claims and leaves them as they are.
func (c sealCommand) given(from side, stdin io.Reader) ([]byte, string, error) {
	var data []byte
	var err error
	if c.Claims == "-" {
		data, err = readAll(stdin, maxAnswer)
	} else {
		data, err = readFile(c.Claims, maxAnswer)
	}
	if err != nil {
		return nil, "", usagef("--claims: %w", err)
	}
	completed, added := complete(data, from, c.audience(), instant(c.At))
	note := fmt.Sprintf("your claims, signed by %s; unchanged", from.id)
	if len(added) > 0 {
		note = fmt.Sprintf("your claims, signed by %s; added: %s", from.id, strings.Join(added, ", "))
	}
	return completed, note, nil
}

func (c sealCommand) audience() string {
	if c.Audience != "" {
		return c.Audience
	}
	return newGateway(c.Gateway).base
}

func (c sealCommand) texts(ctx context.Context, over route) (publishedConsents, error) {
	if c.Consents == "" {
		return newGateway(c.Gateway).consents(ctx, over)
	}
	data, err := readFile(c.Consents, maxAnswer)
	if err != nil {
		return publishedConsents{}, usagef("--consents: %w", err)
	}
	return parseConsents(data, over)
}

func (c sealCommand) keys(ctx context.Context) ([]jose.JSONWebKey, error) {
	if c.JWKS == "" {
		return newGateway(c.Gateway).keys(ctx)
	}
	data, err := readFile(c.JWKS, maxSet)
	if err != nil {
		return nil, usagef("--jwks: %w", err)
	}
	return parseKeySet(data)
}

func (c sealCommand) seal(ctx context.Context, from side, payload []byte) (string, error) {
	own, err := openKeys(c.Data, from)
	if err != nil {
		return "", err
	}
	keys, err := c.keys(ctx)
	if err != nil {
		return "", err
	}
	return sealPacket(payload, from, own, keys, algorithms{sign: c.Alg, seal: c.KeyAlg})
}

// algorithms are what a packet is signed and sealed with; no seal: what the gateway's key is for.
type algorithms struct{ sign, seal string }

// sealPacket signs the payload with the side's own key and seals the signature to the gateway's key for this side.
func sealPacket(payload []byte, from side, own *keyStore, keys []jose.JSONWebKey, by algorithms) (string, error) {
	signer, err := own.signer(by.sign)
	if err != nil {
		return "", err
	}
	recipient, err := packetKey(keys, from)
	if err != nil {
		return "", err
	}
	algorithm, err := sealAlgorithm(recipient, by.seal)
	if err != nil {
		return "", err
	}
	signed, err := sign(payload, signer, typePacketInner)
	if err != nil {
		return "", err
	}
	return seal(signed, recipient, algorithm, typePacketOuter, "JWT")
}
