package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// recallLife is how long a signed recall may travel; ten minutes is the most a gateway takes.
const recallLife = 5 * time.Minute

type recallCommand struct {
	Side     string    `required:"" enum:"guangdong,macau,hongkong" help:"In whose name: guangdong, macau or hongkong."`
	Packet   string    `xor:"what" required:"" placeholder:"JTI" help:"Void what came of the packet with this jti."`
	Before   time.Time `xor:"what" required:"" placeholder:"RFC3339" help:"Void everything that came of this side's packets up to this instant."`
	Gateway  string    `default:"${gateway}" placeholder:"URL" help:"The gateway (${default})."`
	Audience string    `placeholder:"URL" help:"The recall's aud, if the gateway's own URL is not --gateway."`
	Data     string    `default:"${data}" type:"path" placeholder:"DIR" help:"Where the side's keys are (${default})."`
	Alg      string    `default:"ES256" enum:"ES256,EdDSA" help:"ES256 or EdDSA."`
	Print    bool      `help:"Print the signed recall instead of sending it."`
	At       time.Time `placeholder:"RFC3339" help:"The recall's clock instead of now."`
}

// recallClaims is a source's own word that something it signed must no longer count.
type recallClaims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	ID       string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Packet   string `json:"packet,omitempty"`
	Before   int64  `json:"before,omitempty"`
}

// Run signs the recall and sends it to POST /v1/recalls.
func (c recallCommand) Run(ctx context.Context, std streams) error {
	token, err := c.sign()
	if err != nil {
		return err
	}
	if c.Print {
		fmt.Fprintln(std.out, token)
		return nil
	}
	status, body, err := newGateway(c.Gateway).post(ctx, "/v1/recalls", token)
	if err != nil {
		return err
	}
	if status < 200 || status > 299 {
		return fmt.Errorf("the gateway refused the recall: %d %s\n%s", status, http.StatusText(status), body)
	}
	fmt.Fprintf(std.err, "recalled by %s: %s\n", c.Side, c.what())
	return nil
}

func (c recallCommand) sign() (string, error) {
	of, err := sideByID(c.Side)
	if err != nil {
		return "", err
	}
	keys, err := openKeys(c.Data, of)
	if err != nil {
		return "", err
	}
	key, err := keys.signer(c.Alg)
	if err != nil {
		return "", err
	}
	payload, err := marshal(c.claims())
	if err != nil {
		return "", err
	}
	return sign(payload, key, typeRecall)
}

func (c recallCommand) claims() recallClaims {
	at := instant(c.At)
	said := recallClaims{
		Issuer: c.Side, Audience: newGateway(c.Gateway).base, ID: newID(), IssuedAt: at.Unix(),
		Expires: at.Add(recallLife).Unix(), Packet: c.Packet,
	}
	if c.Audience != "" {
		said.Audience = c.Audience
	}
	if !c.Before.IsZero() {
		said.Before = c.Before.Unix()
	}
	return said
}

func (c recallCommand) what() string {
	if c.Packet != "" {
		return "one packet"
	}
	return "everything up to " + inZone(c.Before)
}
