package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crosscode/config"
	"crosscode/crypto/keys"
	"crosscode/exchange"
	"crosscode/jurisdictions"
)

// atNoon is an instant of the standing version.
var atNoon = time.Date(2026, 11, 22, 12, 0, 0, 0, exchange.Zone)

// copied is a fourth side made in an afternoon: Macau's folder with another name in it.
type copied struct {
	jurisdiction // Macau's words, forms and code
	rules        *jurisdictions.Shelf
	consents     jurisdictions.Consents
	ports        []exchange.PortText
}

func (c copied) Profile() exchange.Profile {
	return exchange.Profile{Side: "shenzhen", Key: "sz", Type: "sz-code+jwt", Tag: "sz"}
}

func (c copied) Rules() *jurisdictions.Shelf { return c.rules }

func (c copied) Ports(exchange.Route) []exchange.PortText { return c.ports }

func (c copied) Consents(route exchange.Route, now time.Time) []exchange.ConsentText {
	return c.consents.For(route, now)
}

// endowed is a neighbour to whose files something was added.
type endowed struct {
	jurisdiction
	consents jurisdictions.Consents
	ports    []exchange.PortText
}

func (e endowed) Consents(route exchange.Route, now time.Time) []exchange.ConsentText {
	return append(e.jurisdiction.Consents(route, now), e.consents.For(route, now)...)
}

func (e endowed) Ports(route exchange.Route) []exchange.PortText {
	if route.To != "shenzhen" {
		return e.jurisdiction.Ports(route)
	}
	return e.ports
}

// renamed is a file of Macau's folder with the new side's name in it.
func renamed(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "jurisdictions", "macau", file))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.NewReplacer("side: macau", "side: shenzhen", "macau-guangdong", "shenzhen-guangdong",
		"macau-hongkong", "shenzhen-hongkong", "guangdong-macau", "guangdong-shenzhen", "hongkong-macau", "hongkong-shenzhen",
	).Replace(string(data)))
}

// fourSides are the three and the copy.
func fourSides(t *testing.T) (sideSet, copied) {
	t.Helper()
	options := jurisdictions.Options{Log: quiet()}
	set, err := openSides(options)
	if err != nil {
		t.Fatal(err)
	}
	macau, err := set.find("macau")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := jurisdictions.NewShelf("shenzhen", renamed(t, "rulebook.yaml"), options)
	if err != nil {
		t.Fatal(err)
	}
	consents, err := jurisdictions.ParseConsents("shenzhen/consents.yaml", renamed(t, "consents.yaml"), "shenzhen")
	if err != nil {
		t.Fatal(err)
	}
	side := copied{jurisdiction: macau, rules: rules, consents: consents}
	return append(set, side), side
}

// neighbours gives Guangdong and Hong Kong what the new routes need of them; lacking leaves one thing of one of them out.
func neighbours(t *testing.T, set sideSet, lacking string) sideSet {
	t.Helper()
	var made sideSet
	for _, side := range set {
		id := string(side.Profile().Side)
		if id != "guangdong" && id != "hongkong" {
			made = append(made, side)
			continue
		}
		given := endowed{jurisdiction: side}
		text := strings.ReplaceAll(string(renamed(t, "consents.yaml")), "side: shenzhen", "side: "+id)
		text = strings.NewReplacer("shenzhen-guangdong", id+"-shenzhen", "shenzhen-hongkong", id+"-atlantis").Replace(text)
		if lacking != id+" consents" {
			consents, err := jurisdictions.ParseConsents(id+"/consents.yaml", []byte(text), exchange.Side(id))
			if err != nil {
				t.Fatal(err)
			}
			given.consents = consents
		}
		if lacking != id+" ports" {
			given.ports = []exchange.PortText{{ID: "gate"}}
		}
		made = append(made, given)
	}
	return made
}

// A copied side is refused as long as its neighbours lack a text, a port or a key for the routes that it opens, and each
// fault says in which file and what to write.
func TestAFourthSideIsRefusedUntilItsNeighboursAreReadyForIt(t *testing.T) {
	set, side := fourSides(t)
	withKey := builtIn(atNoon)
	withKey.keys = append(withKey.keys, "sz", "packet-sz")
	for _, test := range []struct {
		name, lacking string
		list          checklist
		want          []string // nil: nothing is missing
	}{
		{"the folder alone", "", builtIn(atNoon), nil},
		{"everything but Hong Kong's text", "hongkong consents", withKey, []string{
			`jurisdictions/hongkong/consents.yaml: add a text "hongkong-shenzhen/1" with route: hongkong-shenzhen, in force now, in zh-Hans, zh-Hant, en, pt`,
		}},
		{"everything but Guangdong's text", "guangdong consents", withKey, []string{
			`jurisdictions/guangdong/consents.yaml: add a text "guangdong-shenzhen/1" with route: guangdong-shenzhen`,
		}},
		{"everything but Guangdong's ports", "guangdong ports", withKey, []string{
			"jurisdictions/guangdong/ports.yaml: add a port with cities: {guangdong: …, shenzhen: …}, here or in the folder of shenzhen",
		}},
		{"everything but its key", "nothing", builtIn(atNoon), []string{
			"crypto/keys/spec.go, Defaults: add the key sz: the route guangdong-shenzhen is open without it",
			"crypto/keys/spec.go, Defaults: add the key sz: the route hongkong-shenzhen is open without it",
		}},
		{"everything", "nothing", withKey, nil},
	} {
		here := set
		if test.lacking != "" {
			here = neighbours(t, set, test.lacking)
		} else {
			test.want = []string{
				`jurisdictions/guangdong/consents.yaml: add a text "guangdong-shenzhen/1"`, "jurisdictions/guangdong/ports.yaml: add a port",
				`jurisdictions/hongkong/consents.yaml: add a text "hongkong-shenzhen/1"`, "jurisdictions/hongkong/ports.yaml: add a port",
				"Defaults: add the key sz: the route guangdong-shenzhen", "Defaults: add the key sz: the route hongkong-shenzhen",
			}
		}
		wantFaults(t, test.name+", in a lint", here.unfinished(side.Rules().Current(), test.list), test.want)
		wantFaults(t, test.name+", at start-up", here.complete(test.list), test.want)
	}
}

// wantFaults wants each of the faults and no other.
func wantFaults(t *testing.T, what string, err error, want []string) {
	t.Helper()
	said := ""
	if err != nil {
		said = err.Error()
	}
	for _, fault := range want {
		if !strings.Contains(said, fault) {
			t.Errorf("%s: %q is not said in:\n%s", what, fault, said)
		}
	}
	if lines := len(strings.Split(said, "\n")); err != nil && lines != len(want) || err == nil && len(want) > 0 {
		t.Errorf("%s: %d faults, want %d:\n%s", what, lines, len(want), said)
	}
}

// keysOf is a ring that has keys of these names.
type keysOf struct {
	keys.Ring
	names []string
}

func (k keysOf) Public() []keys.Public {
	var list []keys.Public
	for _, name := range k.names {
		list = append(list, keys.Public{Name: name})
	}
	return list
}

// started is a gateway as far as start-up checks its routes.
func started(set sideSet, names []string, trusted ...string) (*parts, *bytes.Buffer) {
	log := &bytes.Buffer{}
	settings := config.Config{Keys: config.Keys{File: "keys.json"}, Trust: config.Trust{Sides: map[string]config.Side{}}}
	for _, id := range trusted {
		settings.Trust.Sides[id] = config.Side{URL: "https://" + id + ".example/jwks.json"}
	}
	return &parts{
		settings: settings, log: slog.New(slog.NewTextHandler(log, nil)), clock: func() time.Time { return atNoon },
		ring: &ring{Ring: keysOf{names: names}}, sides: set,
	}, log
}

// Start-up asks the key file and the configuration: a key that is missing is named with its file, and the routes of a side that
// nobody trusts are not listed, which is said.
func TestStartUpHoldsTheRoutesToTheKeyFileAndTheTrust(t *testing.T) {
	set, err := openSides(jurisdictions.Options{Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	all := builtIn(atNoon).keys
	p, log := started(set, all, "guangdong", "macau", "hongkong")
	if err := p.completeRoutes(); err != nil || log.Len() > 0 {
		t.Errorf("a whole gateway: %v %s", err, log)
	}
	for _, name := range []string{"packet-gd", "packet-mo", "packet-hk", "gd", "mo", "hk"} {
		var some []string
		for _, other := range all {
			if other != name {
				some = append(some, other)
			}
		}
		p, _ := started(set, some, "guangdong", "macau", "hongkong")
		if err := p.completeRoutes(); err == nil || !strings.Contains(err.Error(), "keys.json: add the key "+name+": the route ") {
			t.Errorf("without the key %s: %v", name, err)
		}
	}
	p, log = started(set, all, "guangdong", "macau")
	if err := p.completeRoutes(); err != nil || !strings.Contains(log.String(), "trust.sides") || !strings.Contains(log.String(), "side=hongkong") {
		t.Errorf("without Hong Kong's keys: %v %s", err, log)
	}
	for id, want := range map[string]bool{"guangdong-macau": true, "macau-hongkong": true, "hongkong-macau": false} {
		route, _ := exchange.ParseRoute(id)
		if p.listed(route) != want {
			t.Errorf("%s is listed: %v", id, !want)
		}
	}
}

// The check stays in force: an override that opens a route which is not ready is not taken while the gateway runs.
func TestAReloadCannotOpenARouteThatIsNotReady(t *testing.T) {
	dir := t.TempDir()
	set, err := openSides(jurisdictions.Options{Overrides: dir, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	for i, side := range set { // Hong Kong publishes no text any more
		if side.Profile().Side == "hongkong" {
			set[i] = silent{side}
		}
	}
	p, _ := started(set, builtIn(atNoon).keys, "guangdong", "macau")
	if err := p.completeRoutes(); err != nil {
		t.Fatal(err)
	}
	p.settings.Trust.Sides["hongkong"] = config.Side{URL: "https://hongkong.example/jwks.json"}
	macau, err := set.find("macau")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join("..", "..", "jurisdictions", "macau", "rulebook.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "macau.yaml"), append(data, "\n# another file\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	before := macau.Rules().Current()
	var faults jurisdictions.Faults
	if err := macau.Rules().Reload(); !errors.As(err, &faults) || !strings.Contains(err.Error(), "hongkong/consents.yaml: add a text") {
		t.Errorf("the reload says %v", err)
	}
	if macau.Rules().Current() != before {
		t.Error("the rulebook was taken")
	}
}

// silent publishes no consent text.
type silent struct{ jurisdiction }

func (silent) Consents(exchange.Route, time.Time) []exchange.ConsentText { return nil }
