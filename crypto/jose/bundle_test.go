package jose

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// fakeRecalls is a list that can fail.
type fakeRecalls struct {
	live  []exchange.Recall
	err   error
	asked atomic.Int64
}

func (f *fakeRecalls) Recall(context.Context, exchange.Recall) error { return nil }

func (f *fakeRecalls) Recalled(context.Context, string, exchange.Side, time.Time) (bool, error) {
	return false, nil
}

func (f *fakeRecalls) Live(context.Context) ([]exchange.Recall, error) {
	f.asked.Add(1)
	return f.live, f.err
}

func nothingClosed(time.Time) []exchange.Closing { return nil }

func newPublisher(w *world, recalls exchange.Recalls, clock func() time.Time) *Publisher {
	return NewPublisher(PublisherConfig{
		Ring: w.ring, Recalls: recalls, Closings: nothingClosed, Issuer: gateway, Profiles: profiles, Clock: clock,
	})
}

func bundlePins(t testing.TB, w *world) []string {
	t.Helper()
	thumbprint, err := keys.Thumbprint(w.packetKey(t, "bundle").Key)
	if err != nil {
		t.Fatal(err)
	}
	return []string{thumbprint}
}

func mustBundle(t testing.TB, publisher *Publisher) (exchange.Token, exchange.Bundle) {
	t.Helper()
	token, bundle, err := publisher.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token, bundle
}

func TestABundleIsEnoughToVerifyOffline(t *testing.T) {
	w := theWorld()
	signatures := mustSign(t, w, grantDrafts(t, "macau", "guangdong", 1))
	exhibited, err := w.reader().Exhibit(signatures.Code, signatures.Receipt, nil)
	if err != nil {
		t.Fatal(err)
	}
	recalls := &fakeRecalls{live: []exchange.Recall{
		{Code: exhibited.Code.ID, Until: noon.Add(time.Hour)}, {Side: "hongkong", Before: noon, Until: noon.Add(time.Hour)},
	}}
	token, made := mustBundle(t, newPublisher(w, recalls, func() time.Time { return noon }))
	bundle, reader, err := ReadBundle(token, bundlePins(t, w))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, bundle); diff != "" {
		t.Error(diff)
	}
	if err := bundle.Check(noon, time.Time{}); err != nil {
		t.Error(err)
	}
	exhibit, err := reader.Exhibit(signatures.Code, signatures.Receipt, signatures.FullReceipt)
	if err != nil {
		t.Fatal(err)
	}
	if found := exchange.Examine(exhibit, bundle, noon, false); found.Category != exchange.CategoryRecalled {
		t.Errorf("found %s, want recalled", found.Category)
	}
	for _, raw := range bundle.Keys {
		if key, err := keys.ParsePublic(raw); err != nil || key.Algorithm != keys.ES256 || strings.HasPrefix(key.Name, "packet-") {
			t.Errorf("the bundle holds %s, %v: packet keys are of no use to an officer", key.KeyID, err)
		}
	}
}

func TestReadBundleRefuses(t *testing.T) {
	w := theWorld()
	token, bundle := mustBundle(t, newPublisher(w, &fakeRecalls{}, func() time.Time { return noon }))
	payload, err := json.Marshal(bundle)
	if err != nil {
		t.Fatal(err)
	}
	pins := bundlePins(t, w)
	codePin, err := keys.Thumbprint(w.packetKey(t, "gd").Key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(token)
	unsigned := text[:strings.LastIndexByte(text, '.')]
	for name, test := range map[string]struct {
		token string
		pins  []string
	}{
		"no pins":                {text, nil},
		"another pin":            {text, []string{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}},
		"no signature":           {unsigned + ".", pins},
		"two segments":           {unsigned, pins},
		"alg none":               {b64([]byte(`{"alg":"none"}`)) + unsigned[strings.IndexByte(unsigned, '.'):] + ".", pins},
		"a changed signature":    {edit{Op: "flip", Segment: 2}.apply(t, text), pins},
		"another payload":        {edit{Op: "replace", Segment: 1, Text: b64([]byte(strings.Replace(string(payload), "mo-code", "xx-code", 1)))}.apply(t, text), pins},
		"signed by a code's key": {forge(t, w, "gd", exchange.BundleType, string(payload)), pins},
		"signed by a code's key that somebody pinned": {
			forge(t, w, "gd", exchange.BundleType, string(payload)), []string{codePin},
		},
		"signed by the receipt's key": {forge(t, w, "receipt", exchange.BundleType, string(payload)), pins},
		"another typ":                 {forge(t, w, "bundle", exchange.ReceiptType, string(payload)), pins},
		"an unknown member":           {forge(t, w, "bundle", exchange.BundleType, strings.Replace(string(payload), `{`, `{"x":1,`, 1)), pins},
		"a member twice":              {forge(t, w, "bundle", exchange.BundleType, strings.Replace(string(payload), `{`, `{"iat":1,`, 1)), pins},
		"no keys":                     {forge(t, w, "bundle", exchange.BundleType, `{"iss":"x","iat":1,"soft":2,"exp":3,"profiles":[],"keys":[],"recalls":[],"closings":[]}`), pins},
		"no word on closed routes":    {forge(t, w, "bundle", exchange.BundleType, strings.Replace(string(payload), `,"closings":[]`, "", 1)), pins},
		"a closing of no route":       {forge(t, w, "bundle", exchange.BundleType, strings.Replace(string(payload), `"closings":[]`, `"closings":[{"since":1}]`, 1)), pins},
		"nothing":                     {"", pins},
	} {
		got, reader, err := ReadBundle(exchange.Token(test.token), test.pins)
		if !errors.Is(err, ErrUnreadable) || reader != nil {
			t.Errorf("%s: ReadBundle() = %v, %v, want ErrUnreadable", name, got.Issuer, err)
		}
	}
}

// TestAnOldKeyAnnouncesANewOne follows an officer through a rotation of the bundle's key: who saw a bundle in between
// follows, who did not has to be given a new pin.
func TestAnOldKeyAnnouncesANewOne(t *testing.T) {
	now := noon
	clock := func() time.Time { return now }
	ring, err := keys.InitEmbedded(filepath.Join(t.TempDir(), "keys.json"), []keys.Spec{{Name: "bundle", Algorithm: keys.ES256}}, clock)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{ring: ring}
	installed := bundlePins(t, w)
	publisher := newPublisher(w, &fakeRecalls{}, clock)
	if _, err := ring.Rotate("bundle", false); err != nil {
		t.Fatal(err)
	}
	token, _ := mustBundle(t, publisher)
	announced, _, err := ReadBundle(token, installed)
	if err != nil {
		t.Fatal(err)
	}
	if len(Pins(announced)) != 2 {
		t.Fatalf("%d pins announced, want the old key's and the new one's", len(Pins(announced)))
	}
	now = now.Add(keys.Overlap)
	token, _ = mustBundle(t, publisher)
	if _, _, err := ReadBundle(token, Pins(announced)); err != nil {
		t.Errorf("an officer who saw the announcement: %v", err)
	}
	if _, _, err := ReadBundle(token, installed); !errors.Is(err, ErrUnreadable) {
		t.Errorf("an officer who did not: %v, want ErrUnreadable", err)
	}
}

func TestStaleRolledBackAndFutureBundles(t *testing.T) {
	w := theWorld()
	token, _ := mustBundle(t, newPublisher(w, &fakeRecalls{}, func() time.Time { return noon }))
	bundle, _, err := ReadBundle(token, bundlePins(t, w))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name          string
		now, lastSeen time.Time
		want          error
	}{
		{"a second before its end", noon.Add(exchange.BundleHardLife - time.Second), time.Time{}, nil},
		{"at its end", noon.Add(exchange.BundleHardLife), time.Time{}, exchange.ErrBundleStale},
		{"after a newer one", noon, noon.Add(time.Second), exchange.ErrBundleRolledBack},
		{"the same again", noon, noon, nil},
		{"more than a minute early", noon.Add(-61 * time.Second), time.Time{}, exchange.ErrBundleFuture},
	} {
		if err := bundle.Check(test.now, test.lastSeen); !errors.Is(err, test.want) {
			t.Errorf("%s: Check() = %v, want %v", test.name, err, test.want)
		}
	}
}

func TestPublisherSignsOnceInAWindow(t *testing.T) {
	w := theWorld()
	ring, recalls, now := counting(w.ring), &fakeRecalls{}, noon.Add(10*time.Second)
	var closings []time.Time // when they were asked for
	publisher := NewPublisher(PublisherConfig{
		Ring: ring, Recalls: recalls, Issuer: gateway, Profiles: profiles, Clock: func() time.Time { return now },
		Closings: func(at time.Time) []exchange.Closing {
			closings = append(closings, at)
			return nil
		},
	})
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			if _, _, err := publisher.Bundle(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if signed := ring.calls.Load(); signed != 1 {
		t.Errorf("100 callers made %d signatures, want 1", signed)
	}
	recalls.live = []exchange.Recall{{Code: "c", Until: noon.Add(time.Hour)}}
	now = noon.Add(PublishEvery - time.Millisecond)
	if _, bundle := mustBundle(t, publisher); len(bundle.Recalls) != 0 || bundle.IssuedAt != noon.Unix() {
		t.Errorf("in the same window: %d recalls, issued at %d", len(bundle.Recalls), bundle.IssuedAt)
	}
	now = noon.Add(PublishEvery)
	if _, bundle := mustBundle(t, publisher); len(bundle.Recalls) != 1 || bundle.IssuedAt != now.Unix() {
		t.Errorf("in the next window: %d recalls, issued at %d", len(bundle.Recalls), bundle.IssuedAt)
	}
	if want := []time.Time{noon, noon.Add(PublishEvery)}; !slices.EqualFunc(closings, want, time.Time.Equal) {
		t.Errorf("closings were asked for at %v, want each bundle's date %v", closings, want)
	}
	now = noon
	if _, bundle := mustBundle(t, publisher); bundle.IssuedAt != noon.Add(PublishEvery).Unix() {
		t.Error("a clock that goes back makes a bundle that looks rolled back")
	}
}

// TestReplicasDateTheirBundlesAlike: an officer may be answered by either.
func TestReplicasDateTheirBundlesAlike(t *testing.T) {
	w := theWorld()
	_, one := mustBundle(t, newPublisher(w, &fakeRecalls{}, func() time.Time { return noon.Add(2 * time.Second) }))
	_, other := mustBundle(t, newPublisher(w, &fakeRecalls{}, func() time.Time { return noon.Add(29 * time.Second) }))
	if one.IssuedAt != other.IssuedAt {
		t.Errorf("issued at %d and %d", one.IssuedAt, other.IssuedAt)
	}
}

func TestPublisherInAnOutage(t *testing.T) {
	w := theWorld()
	recalls, now := &fakeRecalls{err: errors.New("store")}, noon
	publisher := newPublisher(w, recalls, func() time.Time { return now })
	for range 10 {
		_, _, err := publisher.Bundle(t.Context())
		if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable {
			t.Fatalf("nothing good yet: error = %v, want unavailable", err)
		}
	}
	if recalls.asked.Load() != 1 {
		t.Errorf("asked %d times within a second, want once", recalls.asked.Load())
	}
	recalls.err, now = nil, now.Add(time.Second)
	good, _ := mustBundle(t, publisher)
	recalls.err, now = errors.New("store"), noon.Add(exchange.BundleSoftLife-time.Second)
	if token, _ := mustBundle(t, publisher); token != good {
		t.Error("while the last good one is fresh, it is given")
	}
	now = noon.Add(exchange.BundleSoftLife)
	if _, _, err := publisher.Bundle(t.Context()); err == nil {
		t.Error("when it is no longer fresh, it is not")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	<-publisher.turn // somebody else has the turn
	if _, _, err := publisher.Bundle(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has left: %v", err)
	}
}

// TestTheLargestBundle has all recalls that there can be, and each route among twenty sides closed as often as counts. The
// officer's page reads it with the same limit.
func TestTheLargestBundle(t *testing.T) {
	w := theWorld()
	live := make([]exchange.Recall, exchange.MaxRecalls)
	for i := range live {
		live[i] = exchange.Recall{Code: exchange.NewReplayKey("macau", string(rune(i))).CodeID(), Until: noon}
	}
	sides, closings := manySides(20), []exchange.Closing{}
	for _, from := range sides {
		for _, to := range sides {
			for i := range exchange.MaxClosings {
				begin := noon.Add(time.Duration(i) * time.Hour)
				closings = append(closings, exchange.Closing{
					Route: exchange.Route{From: from.Side, To: to.Side}, Window: exchange.Window{From: begin, Until: begin.Add(time.Minute)},
				})
			}
		}
	}
	publisher := NewPublisher(PublisherConfig{
		Ring: w.ring, Recalls: &fakeRecalls{live: live}, Closings: func(time.Time) []exchange.Closing { return closings },
		Issuer: gateway, Profiles: sides, Clock: func() time.Time { return noon },
	})
	token, _ := mustBundle(t, publisher)
	bundle, _, err := ReadBundle(token, bundlePins(t, w))
	if err != nil || len(bundle.Recalls) != exchange.MaxRecalls || len(bundle.Closings) != len(closings) {
		t.Errorf("%d bytes: %d recalls, %d closings, %v", len(token), len(bundle.Recalls), len(bundle.Closings), err)
	}
}

func manySides(count int) []exchange.Profile {
	profiles := make([]exchange.Profile, count)
	for i := range profiles {
		tag := "t" + string(rune('a'+i))
		profiles[i] = exchange.Profile{Side: exchange.Side("side" + tag), Key: tag, Type: tag + "-code+jwt", Tag: tag}
	}
	return profiles
}
