package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestConsentTextsAreHeldAgainstRouteAndHash(t *testing.T) {
	over := mustRoute(t, "macau-guangdong")
	good := string(consentsAnswer(over.id()))
	texts, err := parseConsents([]byte(good), over)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"of another route":     strings.ReplaceAll(good, "macau-guangdong", "macau-hongkong"),
		"with another text":    strings.Replace(good, "I agree", "I Agree", 1),
		"that are no JSON":     good[1:],
		"with a name twice":    `{"route":"x",` + good[1:],
		"of an error's answer": `{"type":"about:blank","title":"not found"}`,
	} {
		if _, err := parseConsents([]byte(data), over); !errors.Is(err, errConsents) {
			t.Errorf("texts %s are read: %v", name, err)
		}
	}
	change := time.Date(2080, 1, 1, 0, 0, 0, 0, zone)
	for at, id := range map[time.Time]string{
		change.Add(-time.Second): "macau-guangdong/1", change: "macau-guangdong/2",
		time.Date(2020, 5, 10, 10, 0, 0, 0, zone): "macau-guangdong/1",
	} {
		if text, err := texts.in("pt", at); err != nil || text.ID != id {
			t.Errorf("at %s the text is %s, %v; want %s", inZone(at), text.ID, err, id)
		}
	}
	for name, ask := range map[string]struct {
		language string
		at       time.Time
	}{
		"a second before the first": {"pt", time.Date(2020, 5, 10, 9, 59, 59, 0, zone)},
		"in another language":       {"fr", noon},
	} {
		if text, err := texts.in(ask.language, ask.at); err == nil {
			t.Errorf("%s there is %s", name, text.ID)
		}
	}
}

func TestTheGatewaysPagesAreKeptForAMomentOnly(t *testing.T) {
	stand := newStandIn(t)
	g := newGateway(stand.server.URL)
	over := mustRoute(t, "macau-guangdong")
	if _, err := g.consents(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	stand.server.Close()
	if _, err := g.consents(t.Context(), over); err != nil {
		t.Errorf("a moment later: %v", err)
	}
	for url, known := range g.kept.pages {
		known.fetched = known.fetched.Add(-keepFor)
		g.kept.pages[url] = known
	}
	if _, err := g.consents(t.Context(), over); err == nil {
		t.Error("an old page was used for a gateway that is gone")
	}
}

func TestAnAnswerThatIsTooLongOrRedirectsIsRefused(t *testing.T) {
	stand := newStandIn(t)
	g := newGateway(stand.server.URL)
	if _, err := g.get(t.Context(), stand.server.URL+"/.well-known/jwks.json", 100); err == nil || !strings.Contains(err.Error(), "more than 100 bytes") {
		t.Errorf("a long answer: %v", err)
	}
	if _, err := g.get(t.Context(), stand.server.URL+"/moved", maxAnswer); err == nil || !strings.Contains(err.Error(), "never does") {
		t.Errorf("a redirect: %v", err)
	}
}
