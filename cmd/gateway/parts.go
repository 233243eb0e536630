package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"crosscode/api"
	"crosscode/config"
	"crosscode/crypto/jose"
	"crosscode/crypto/keys"
	"crosscode/crypto/trust"
	"crosscode/exchange"
	"crosscode/exchange/clock"
	"crosscode/exchange/journal"
	"crosscode/exchange/store"
	"crosscode/jurisdictions"
)

// parts are what a gateway is put together from.
type parts struct {
	settings  config.Config
	log       *slog.Logger
	clock     func() time.Time
	ring      *ring
	sides     sideSet
	trust     *trust.Set
	store     *store.Memory
	journal   *journal.File
	publisher *jose.Publisher
	api       *api.Server
}

// assemble opens and connects all parts. What was opened is closed again when a later part fails.
func assemble(settings config.Config, log *slog.Logger) (*parts, error) {
	p := &parts{settings: settings, log: log, clock: clock.Now}
	for _, open := range []func() error{p.openRing, p.openSides, p.completeRoutes, p.openTrust, p.openJournal, p.openAPI} {
		if err := open(); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

func (p *parts) close() {
	if p.journal != nil {
		if err := p.journal.Close(); err != nil {
			p.log.Error("the journal did not close cleanly", "error", err)
		}
	}
	if p.ring != nil {
		p.ring.close()
	}
}

func (p *parts) openRing() (err error) {
	p.ring, err = openRing(p.settings, p.log)
	return err
}

func (p *parts) openSides() (err error) {
	p.sides, err = openSides(jurisdictions.Options{Overrides: p.settings.Rules.Overrides, Log: p.log})
	if err != nil || p.settings.Rules.Overrides == "" {
		return err
	}
	return p.knownOverrides()
}

// knownOverrides refuses a file in the overrides' directory that no side would read: whoever put it there believes that it
// is in force.
func (p *parts) knownOverrides() error {
	files, err := filepath.Glob(filepath.Join(p.settings.Rules.Overrides, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if _, err := p.sides.find(exchange.Side(name)); err != nil && filepath.Base(file) != jurisdictions.DocumentsFile {
			return fmt.Errorf("rules.overrides: %s: %w", file, err)
		}
	}
	return nil
}

func (p *parts) openTrust() (err error) {
	sources := make(map[exchange.Side]trust.Source, len(p.settings.Trust.Sides))
	for id, side := range p.settings.Trust.Sides {
		known, err := p.sides.find(exchange.Side(id))
		if err != nil {
			return fmt.Errorf("trust.sides: %w", err)
		}
		sources[known.Profile().Side] = trust.Source{
			URL: side.URL, File: side.File, CAFile: side.CAFile, ServerName: side.ServerName,
		}
	}
	p.trust, err = trust.New(trust.Config{
		Sides: sources, CacheDir: p.settings.Trust.CacheDir, Refresh: p.settings.Trust.Refresh, MaxAge: p.settings.Trust.MaxAge,
		Clock: p.clock, Log: p.log,
	})
	return err
}

func (p *parts) openJournal() (err error) {
	if err := os.MkdirAll(filepath.Dir(p.settings.Journal.Path), 0o700); err != nil {
		return err
	}
	p.journal, err = journal.Open(p.settings.Journal.Path, journal.Sync(p.settings.Journal.Sync))
	return err
}

// gateway is the path of a packet, with the real parts in it.
func (p *parts) gateway() *exchange.Gateway {
	landings := make(map[exchange.Side]string)
	for id, side := range p.settings.Trust.Sides {
		if side.Landing.Audience != "" {
			landings[exchange.Side(id)] = side.Landing.Audience
		}
	}
	front := doubting{Opener: jose.NewOpener(p.ring), Verifier: jose.NewVerifier(p.trust, p.settings.Issuer), doubt: p.ring.doubt}
	return &exchange.Gateway{
		Opener:   front,
		Verifier: front,
		Sides:    p.sides.jurisdictions(),
		Replays:  p.store,
		Recalls:  p.store,
		Journal:  p.journal,
		Signer:   jose.NewSigner(p.ring),
		Sealer:   jose.NewSealer(p.trust),
		Landings: landings,
		Specimen: p.settings.Specimen,
		Clock:    p.clock,
	}
}

func (p *parts) openAPI() (err error) {
	p.store = store.New(p.clock)
	if err := p.store.Keep(p.settings.Journal.Path + ".recalls"); err != nil {
		return fmt.Errorf("the recalls: %w", err)
	}
	p.publisher = jose.NewPublisher(jose.PublisherConfig{
		Ring: p.ring, Recalls: p.store, Profiles: p.sides.profiles(), Issuer: p.settings.Issuer,
		Closings: func(at time.Time) []exchange.Closing { return exchange.Closings(p.sides.jurisdictions(), at) },
		Specimen: p.settings.Specimen, Clock: p.clock,
	})
	facts, err := p.openGuide()
	if err != nil {
		return err
	}
	p.api, err = api.New(api.Config{
		Issuer:       p.settings.Issuer,
		Exchanger:    p.gateway(),
		Sides:        p.sides.jurisdictions(),
		Listed:       p.listed,
		Exhibits:     p,
		Recalls:      p.store,
		SourceRecall: p.sourceRecall,
		Bundle:       p.publisher.Bundle,
		KeySet:       func() ([]byte, error) { return keys.MarshalSet(p.ring.Public()) },
		Ready:        p.ready,
		Pages:        p.pages(),
		Guide:        facts,
		Origins:      p.settings.Origins, TrustedProxies: p.settings.TrustedProxies,
		Rate: float64(p.settings.Limits.PerAddress.Rate), Burst: p.settings.Limits.PerAddress.Burst, InFlight: p.settings.Limits.InFlight,
		Specimen: p.settings.Specimen, Clock: p.clock, Log: p.log, Metrics: prometheus.NewRegistry(),
	})
	return err
}

// listed tells whether a route is offered now.
func (p *parts) listed(route exchange.Route) bool {
	destination, err := p.sides.find(route.To)
	return err == nil && p.checklist().listed(route, destination.Rules().Current())
}

// pages is what the travellers' pages need of the configuration.
func (p *parts) pages() api.Pages {
	made := api.Pages{
		Starts: map[string]api.Start{}, Landings: map[exchange.Side]string{},
		Verification: api.Verification(p.settings.Pages.WeChatVerification),
	}
	for id, start := range p.settings.Pages.Starts {
		made.Starts[id] = api.Start{Side: exchange.Side(start.Side), URL: start.URL}
	}
	for id, side := range p.settings.Trust.Sides {
		if side.Landing.Page != "" {
			made.Landings[exchange.Side(id)] = side.Landing.Page
		}
	}
	return made
}

// Exhibit reads a code and a receipt with the keys that the ring has at this moment.
func (p *parts) Exhibit(code, receipt exchange.Token, full []byte) (exchange.Exhibit, error) {
	return jose.NewReader(p.ring.Public(), bundleProfiles(p.sides.profiles())).Exhibit(code, receipt, full)
}

func bundleProfiles(profiles []exchange.Profile) []exchange.BundleProfile {
	listed := make([]exchange.BundleProfile, len(profiles))
	for i, profile := range profiles {
		listed[i] = exchange.BundleProfile(profile)
	}
	return listed
}

// sourceRecall turns a side's signed recall into what the store keeps. The code's id follows from the packet's, so a side
// can recall a code that it has never seen.
func (p *parts) sourceRecall(ctx context.Context, token exchange.Token) (exchange.Recall, error) {
	now := p.clock()
	side, claims, err := jose.ReadRecall(ctx, token, p.trust, p.settings.Issuer, now)
	if err != nil {
		return exchange.Recall{}, err
	}
	recall := exchange.Recall{Until: now.Add(exchange.MaxCodeLife + exchange.MaxPacketLife + 2*exchange.Leeway)}
	if claims.Packet != "" {
		recall.Code = exchange.NewReplayKey(side, claims.Packet).CodeID()
		return recall, nil
	}
	recall.Side, recall.Before = side, claims.Before
	return recall, nil
}

// ready tells whether the gateway can answer packets at all. It does not wait for the sides: their packets are refused
// one by one until their keys are known.
func (p *parts) ready(ctx context.Context) error {
	if err := errors.Join(p.ring.ready(ctx), p.journal.Healthy()); err != nil {
		return err
	}
	_, _, err := p.publisher.Bundle(ctx)
	return err
}

// health is what the private listener shows beside the metrics: how the sides' keys and the rulebooks stand.
func (p *parts) health() ([]byte, error) {
	type rules struct {
		Side    exchange.Side `json:"side"`
		Version string        `json:"version"`
		SHA256  string        `json:"sha256"`
		Source  string        `json:"source"`
		Error   string        `json:"error,omitempty"`
	}
	var books []rules
	for _, side := range p.sides {
		status := side.Rules().Status(p.clock())
		book := rules{Side: status.Side, Version: status.Version, SHA256: status.SHA256, Source: status.Source}
		if status.Err != nil {
			book.Error = status.Err.Error()
		}
		books = append(books, book)
	}
	return json.Marshal(map[string]any{"trust": p.trust.Status(), "rules": books})
}
