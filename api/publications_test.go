package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"crosscode/exchange"
)

func TestWhatIsPublishedIsTaggedAndNotSentTwice(t *testing.T) {
	w := newWorld(t)
	for path, age := range map[string]string{
		"/v1/bundle": "20", "/v1/rules": "60", "/v1/rules/macau-guangdong": "60", "/v1/consents/macau-guangdong": "60",
		"/.well-known/jwks.json": "300", "/.well-known/code-exchange": "300", "/problems/replayed": "300",
	} {
		first := w.want(get(path), http.StatusOK)
		tag := first.header.Get("ETag")
		if tag == "" || first.header.Get("Cache-Control") != "public, max-age="+age {
			t.Errorf("%s: %v", path, first.header)
		}
		for _, wanted := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			again := get(path)
			again.Header.Set("If-None-Match", wanted)
			if got := w.want(again, http.StatusNotModified); len(got.body) != 0 || got.header.Get("ETag") != tag {
				t.Errorf("%s with If-None-Match %s: %v %s", path, wanted, got.header, got.body)
			}
		}
		other := get(path)
		other.Header.Set("If-None-Match", `"other"`)
		w.want(other, http.StatusOK)
	}
}

func TestWhatIsForOneCallerIsNeverKept(t *testing.T) {
	w := newWorld(t)
	code := string(w.issue("mine").Code)
	for name, request := range map[string]*http.Request{
		"a code": jose(exchangePath, w.arrive("green")), "a refusal": jose(exchangePath, "nonsense"),
		"a finding": jsonPost("/v1/receipts/verify", shown{Code: code}), "readiness": get("/readyz"), "nothing": get("/none"),
	} {
		if got := w.do(request); got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", name, got.header.Get("Cache-Control"))
		}
	}
}

func TestAnOutageIsNotKept(t *testing.T) {
	w := newWorld(t)
	for part, path := range map[string]string{"bundle": "/v1/bundle", "keys": "/.well-known/jwks.json"} {
		w.outage[part] = true
		got := w.want(get(path), http.StatusServiceUnavailable)
		if got.header.Get("Cache-Control") != "no-store" || got.header.Get("ETag") != "" {
			t.Errorf("%s: %v", path, got.header)
		}
	}
	w.want(get("/.well-known/code-exchange"), http.StatusServiceUnavailable)
}

func TestRulesAreThoseOfBothSidesCurrentAndAnnounced(t *testing.T) {
	w := newWorld(t)
	var told routeRules[exchange.Edition]
	got := w.want(get("/v1/rules/macau-guangdong"), http.StatusOK)
	if err := json.Unmarshal(got.body, &told); err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, edition := range told.Editions {
		listed = append(listed, string(edition.Side)+" "+edition.Part)
	}
	want := []string{"macau green", "macau green", "guangdong entry", "guangdong entry"}
	if !slices.Equal(listed, want) {
		t.Errorf("editions %v, want %v", listed, want)
	}
	if strings.Contains(string(got.body), `Z"`) {
		t.Errorf("a time without its offset: %s", got.body)
	}
}

func TestEveryRouteHasItsRulesAndConsents(t *testing.T) {
	w := newWorld(t)
	var index struct{ Routes []routeRules[editionDates] }
	if err := json.Unmarshal(w.want(get("/v1/rules"), http.StatusOK).body, &index); err != nil || len(index.Routes) != 6 {
		t.Fatalf("%d routes, %v", len(index.Routes), err)
	}
	for _, route := range index.Routes {
		w.want(get("/v1/rules/"+route.Route), http.StatusOK)
		w.want(get("/v1/consents/"+route.Route), http.StatusOK)
	}
	for _, unknown := range []string{"macau", "macau-macau", "macau-shenzhen", "MACAU-guangdong", "macau-guangdong-x", "%2e%2e"} {
		w.want(get("/v1/rules/"+unknown), http.StatusNotFound)
		w.want(get("/v1/consents/"+unknown), http.StatusNotFound)
	}
}

// The ports of a route, with their names, are in the metadata and in its rules, and its page calls them by those names.
func TestPortsArePublishedWithTheirNames(t *testing.T) {
	w := newWorld(t)
	var about struct {
		Ports map[string][]struct {
			ID   string        `json:"id"`
			Name exchange.Text `json:"name"`
		} `json:"ports"`
	}
	answer := w.want(get("/.well-known/code-exchange"), http.StatusOK)
	if err := json.Unmarshal(answer.body, &about); err != nil {
		t.Fatal(err)
	}
	for _, route := range w.server.routes {
		listed := about.Ports[route.String()]
		if len(listed) != 1 || listed[0].ID != "gongbei" || len(listed[0].Name.Missing()) > 0 {
			t.Errorf("the metadata lists %v for %s", listed, route)
		}
		var rules struct {
			Ports []exchange.PortText `json:"ports"`
		}
		if err := json.Unmarshal(w.want(get("/v1/rules/"+route.String()), http.StatusOK).body, &rules); err != nil {
			t.Fatal(err)
		}
		if want := w.server.config.Sides[route.From].Ports(route); !reflect.DeepEqual(rules.Ports, want) {
			t.Errorf("the rules of %s list the ports %v, want %v", route, rules.Ports, want)
		}
		for language, name := range map[string]string{"zh-Hant": "拱北／關閘", "pt": "Gongbei / Portas do Cerco"} {
			page := w.want(get("/h5/"+route.String()+"?lang="+language), http.StatusOK)
			if !strings.Contains(string(page.body), `<span data-port="gongbei">`+name+`</span>`) {
				t.Errorf("the page of %s in %s does not call Gongbei %s", route, language, name)
			}
		}
	}
}

// A route that is not offered is in no list, and its rules can still be read.
func TestARouteThatIsNotOfferedIsNotListed(t *testing.T) {
	w := newWorld(t)
	w.server.config.Listed = func(route exchange.Route) bool { return route != macauToGuangdong }
	about := string(w.want(get("/.well-known/code-exchange"), http.StatusOK).body)
	if strings.Contains(about, `"macau-guangdong"`) || !strings.Contains(about, `"guangdong-macau"`) {
		t.Errorf("the metadata lists %s", about)
	}
	page := string(w.want(get("/h5/guangdong-macau"), http.StatusOK).body)
	if strings.Contains(page, "/h5/macau-guangdong") {
		t.Error("the page of another route leads to it")
	}
	w.want(get("/v1/rules/macau-guangdong"), http.StatusOK)
}

func TestConsentsComeInFourLanguagesWithTheirHashes(t *testing.T) {
	w := newWorld(t)
	var told struct {
		Purpose  string
		Consents []consentText
	}
	if err := json.Unmarshal(w.want(get("/v1/consents/hongkong-macau"), http.StatusOK).body, &told); err != nil {
		t.Fatal(err)
	}
	if len(told.Consents) != 2 || told.Consents[0].ID != "hongkong-macau/1" || told.Purpose != exchange.Purpose {
		t.Fatalf("%+v", told)
	}
	for _, consent := range told.Consents {
		for _, language := range exchange.Languages() {
			if each := consent.Texts[language]; each.Text == "" || each.SHA256 != hash(each.Text) {
				t.Errorf("%s in %s: %+v", consent.ID, language, each)
			}
		}
	}
}

func TestTheMetadataNamesTheKeysForEachSidesPackets(t *testing.T) {
	w := newWorld(t)
	var told metadata
	if err := json.Unmarshal(w.want(get("/.well-known/code-exchange"), http.StatusOK).body, &told); err != nil {
		t.Fatal(err)
	}
	if got := told.PacketKeys["macau"]; !slices.Equal(got, []string{"packet-mo.10.bbbbbb", "packet-mo.1.aaaaaa"}) {
		t.Errorf("Macau's packet keys %v: the newest must be first", got)
	}
	if got := told.Packet.Algorithms; !slices.Equal(got, []string{"ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256"}) {
		t.Errorf("packet algorithms %v", got)
	}
	if len(told.Routes) != 6 || told.Issuer != issuer || told.Limits.PacketBytes != 61440 || told.Limits.BodyBytes != 65536 {
		t.Errorf("%+v", told)
	}
}

func TestAKeySetThatIsNoneIsAnOutageForTheMetadata(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.KeySet = func() ([]byte, error) { return []byte("{"), nil } })
	w.want(get("/.well-known/code-exchange"), http.StatusServiceUnavailable)
}
