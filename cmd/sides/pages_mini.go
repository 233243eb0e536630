package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// clientPath is where the gateway serves its JavaScript client.
const clientPath = "/client/crosscode.js"

var errClient = errors.New("the gateway's client is not the one whose hash it publishes")

// serveClient serves the gateway's own client from this side's origin, as a mini-program has it in its package: the pages
// load no script from elsewhere. It is fetched when a page wants it, since a side starts before its gateway.
func (p *pages) serveClient(w http.ResponseWriter, r *http.Request) {
	script, err := p.client(r.Context())
	if err != nil {
		p.server.log.Error("fault", "error", err.Error())
		http.Error(w, "the gateway's client cannot be had now", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, _ = w.Write(script)
}

// client is the gateway's client, if it has the SHA-256 that the gateway's metadata publish.
func (p *pages) client(ctx context.Context) ([]byte, error) {
	base := p.server.gateway.base
	data, err := p.server.gateway.published(ctx, base+"/.well-known/code-exchange", maxAnswer)
	if err != nil {
		return nil, err
	}
	var metadata struct {
		Client struct {
			SHA256 string `json:"sha256"`
		} `json:"client"`
	}
	if err := json.Unmarshal(data, &metadata); err != nil {
		return nil, errClient
	}
	script, err := p.server.gateway.published(ctx, base+clientPath, maxAnswer)
	if err != nil {
		return nil, err
	}
	if hexSum(script) != metadata.Client.SHA256 {
		return nil, errClient
	}
	return script, nil
}

// resultBody is the page from which the client calls the gateway.
type resultBody struct {
	Route       way
	Packet, Key string
	Pins        string
}

func (v *visit) result() (reply, error) {
	if v.session.trip.packet == "" || !v.at.direct {
		return v.goTo("")
	}
	over, err := newRoute(v.server.side.id, v.session.trip.to)
	pins := make([]string, len(v.server.pins))
	for i, one := range v.server.pins {
		pins[i] = string(one)
	}
	return reply{page: "result", here: v.on("/result"), calls: true, body: resultBody{
		Route: wayOf(over), Packet: v.session.trip.packet, Key: v.session.trip.key, Pins: strings.Join(pins, " "),
	}}, err
}

// wordPattern is that of the gateway's reasons and ids: nothing else that a page tells is kept.
var wordPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)

// record is the page telling what became of the packet, for the holder's history.
func (v *visit) record() (reply, error) {
	outcome, reason, receipt := v.form.Get("outcome"), v.form.Get("reason"), v.form.Get("receipt_id")
	proper := slices.Contains([]string{"issued", "refused"}, outcome) && wordPattern.MatchString(reason) && wordPattern.MatchString(receipt)
	if !proper || v.session.holder == nil || v.session.trip.packet == "" {
		return reply{}, refused{status: http.StatusBadRequest, reason: "bad-request"}
	}
	if !v.session.trip.told {
		v.session.trip.told = true
		v.people.note(*v.session.holder, event{
			At: v.now, What: outcome, Who: v.session.subject.Name.Shown(), Route: v.server.side.id + "-" + v.session.trip.to,
			Failed: outcome == "refused", Reason: reason, Receipt: receipt,
		})
	}
	return reply{status: http.StatusNoContent}, nil
}
