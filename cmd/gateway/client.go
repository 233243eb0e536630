package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"crosscode/exchange"
)

// client is a traveller's browser as the demo needs it: it carries a packet from a side to the gateway.
type client struct{ http http.Client }

// maxAnswer is the most bytes that any answer in the demo may have; a bundle with all recalls is the largest.
const maxAnswer = 8 << 20

// packetWish is what a simulated side is asked for.
type packetWish struct {
	To   string `json:"to"`
	Case string `json:"case"`
	Port string `json:"port,omitempty"`
}

// answer is what POST /v1/exchange says, issued or refused.
type answer struct {
	Outcome     string `json:"outcome"`
	Code        string `json:"code"`
	Receipt     string `json:"receipt"`
	FullReceipt string `json:"full_receipt"`
	Handoff     string `json:"handoff"`
	ValidUntil  string `json:"valid_until"`
	QR          struct {
		Code    string `json:"code"`
		Receipt string `json:"receipt"`
	} `json:"qr"`
	Reason  exchange.Reason `json:"reason"`
	Title   string          `json:"title"`
	Remedy  string          `json:"remedy"`
	Contact string          `json:"contact"`
}

func (c *client) packet(ctx context.Context, side string, wish packetWish) (exchange.Packet, error) {
	body, err := json.Marshal(wish)
	if err != nil {
		return "", err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	status, reply, err := c.send(ctx, http.MethodPost, side+"/packets", header, body)
	if err != nil {
		return "", err
	}
	var sealed struct {
		Packet exchange.Packet `json:"packet"`
	}
	if status != http.StatusOK || json.Unmarshal(reply, &sealed) != nil || sealed.Packet == "" {
		return "", fmt.Errorf("the side gave no packet: %d %s", status, reply)
	}
	return sealed.Packet, nil
}

func (c *client) exchange(ctx context.Context, gateway string, packet exchange.Packet) (answer, error) {
	return c.exchangeIn(ctx, gateway, packet, "en", "")
}

func (c *client) exchangeIn(ctx context.Context, gateway string, packet exchange.Packet, language, idempotencyKey string) (answer, error) {
	header := http.Header{"Content-Type": {"application/jose"}, "Accept-Language": {language}}
	if idempotencyKey != "" {
		header.Set("Idempotency-Key", idempotencyKey)
	}
	status, reply, err := c.send(ctx, http.MethodPost, gateway+"/v1/exchange", header, []byte(packet))
	if err != nil {
		return answer{}, err
	}
	var parsed answer
	if err := json.Unmarshal(reply, &parsed); err != nil {
		return answer{}, fmt.Errorf("the gateway's answer %d is not JSON: %w", status, err)
	}
	if parsed.Outcome != exchange.Issued && parsed.Outcome != exchange.Refused {
		return answer{}, fmt.Errorf("the gateway answered %d %s: %s", status, parsed.Reason, parsed.Title)
	}
	return parsed, nil
}

func (c *client) get(ctx context.Context, url string) ([]byte, error) {
	status, reply, err := c.send(ctx, http.MethodGet, url, nil, nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s answered %d", url, status)
	}
	return reply, err
}

func (c *client) send(ctx context.Context, method, url string, header http.Header, body []byte) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, reply, err
}
