package exchange_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"crosscode/exchange"
)

// second is an instant of a test: seconds from now.
func second(n int) time.Time { return now.Add(time.Duration(n) * time.Second) }

// span is the window from one second to another one; no end: 0.
func span(from, until int) exchange.Window {
	window := exchange.Window{From: second(from)}
	if until != 0 {
		window.Until = second(until)
	}
	return window
}

func sidesThatShut(atMacau, atGuangdong, atHongKong []exchange.Window) map[exchange.Side]exchange.Jurisdiction {
	return map[exchange.Side]exchange.Jurisdiction{
		"macau": &side{shut: atMacau}, "guangdong": &side{shut: atGuangdong}, "hongkong": &side{shut: atHongKong},
	}
}

var macauToGuangdong = exchange.Route{From: "macau", To: "guangdong"}

func TestAClosingVoidsEveryCodeOfBeforeItsEnd(t *testing.T) {
	bundle := closedFrom(span(100, 200))
	for name, test := range map[string]struct {
		issued, at int
		closed     bool
	}{
		"a second before it begins":               {0, 99, false},
		"as it begins":                            {0, 100, true},
		"during it":                               {0, 150, true},
		"when it is over":                         {0, 200, true},
		"a day later":                             {0, 86_400, true},
		"issued as it begins":                     {100, 100, true},
		"issued in its last second":               {199, 300, true},
		"issued as it ends":                       {200, 300, false},
		"issued after it":                         {201, 300, false},
		"issued in it, by a clock that is behind": {160, 130, true},
		"issued by a clock that is ahead":         {130, 99, false},
	} {
		got, closed := bundle.Closed("mo-gd", second(test.issued), second(test.at))
		if closed != test.closed || closed && (!got.From.Equal(second(100)) || !got.Until.Equal(second(200))) {
			t.Errorf("%s: %v, %t, want %t", name, got, closed, test.closed)
		}
	}
	if _, closed := bundle.Closed("gd-mo", second(150), second(150)); closed {
		t.Error("a closing of one direction closes the other one")
	}
}

func TestTheLatestClosingIsTold(t *testing.T) {
	bundle := exchange.Bundle{Closings: []exchange.BundleClosing{
		{Route: "mo-gd", Until: second(-500).Unix()}, {Route: "mo-gd", Since: second(300).Unix()},
		{Route: "mo-gd", Since: second(100).Unix(), Until: second(200).Unix()},
	}}
	for range 2 {
		for at, since := range map[int]time.Time{100: second(100), 299: second(100), 300: second(300), 9999: second(300)} {
			if got, closed := bundle.Closed("mo-gd", now, second(at)); !closed || !got.From.Equal(since) {
				t.Errorf("after %d s: closed since %v, %t, want %v", at, got.From, closed, since)
			}
		}
		slices.Reverse(bundle.Closings) // whatever order they come in
	}
	if got, closed := bundle.Closed("mo-gd", second(-501), now); !closed || !got.From.IsZero() {
		t.Errorf("a closing without a beginning: since %v, %t, want none, true", got.From, closed)
	}
}

// randomWindows may touch, overlap and lie in any order, as those of two sides do.
func randomWindows(random *rand.Rand) []exchange.Window {
	var windows []exchange.Window
	for range random.IntN(4) {
		from := 1 + random.IntN(20)
		window := span(from, from+1+random.IntN(8))
		switch random.IntN(8) {
		case 0:
			window.From = time.Time{}
		case 1:
			window.Until = time.Time{}
		}
		windows = append(windows, window)
	}
	return windows
}

func in(windows []exchange.Window, at time.Time) bool {
	return slices.ContainsFunc(windows, func(w exchange.Window) bool {
		return !at.Before(w.From) && (w.Until.IsZero() || at.Before(w.Until))
	})
}

// TestClosingsOfTwoSidesSecondBySecond: a code is void when there was a second, since it was issued, in which either side
// had the route closed; who asks the bundle is told the same.
func TestClosingsOfTwoSidesSecondBySecond(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 8))
	for range 2000 {
		mine, theirs := randomWindows(random), randomWindows(random)
		sides := sidesThatShut(mine, theirs, nil)
		closings := exchange.Closings(sides, now)
		var listed []exchange.Window
		for _, closing := range closings {
			if closing.Route == macauToGuangdong {
				listed = append(listed, closing.Window)
			}
		}
		for i := 1; i < len(listed); i++ {
			if listed[i-1].Until.IsZero() || !listed[i-1].Until.Before(listed[i].From) {
				t.Fatalf("%v and %v are listed as %v, of which two touch or are out of order", mine, theirs, listed)
			}
		}
		kept := exchange.NewBundle(exchange.BundleContents{
			Profiles: []exchange.Profile{macau, guangdong, hongkong}, Closings: closings,
		}, now)
		issued, shut := random.IntN(30), false
		for at := issued; at < 32; at++ {
			shut = shut || in(mine, second(at)) || in(theirs, second(at))
			window, closed := exchange.ClosedNow(sides, macauToGuangdong, second(issued), second(at))
			same, also := kept.Closed("mo-gd", second(issued), second(at))
			if closed != shut || also != shut || !same.From.Equal(window.From) || !same.Until.Equal(window.Until) {
				t.Fatalf("%v and %v, issued at %d, at %d: %v %t, by the bundle %v %t; want %t", mine, theirs, issued, at, window, closed, same, also, shut)
			}
		}
	}
}

// TestClosingsReachAsFarAsABundle: back to the oldest code that can still be good, ahead to the bundle's end.
func TestClosingsReachAsFarAsABundle(t *testing.T) {
	back := -int((exchange.MaxCodeLife + exchange.Leeway).Seconds())
	ahead := int(exchange.BundleHardLife.Seconds())
	for name, test := range map[string]struct {
		window exchange.Window
		listed bool
	}{
		"over before the oldest code":      {span(back-10, back), false},
		"over a second after it":           {span(back-10, back+1), true},
		"at the bundle's end":              {span(ahead, 0), true},
		"after the bundle's end":           {span(ahead+1, 0), false},
		"without beginning and end":        {exchange.Window{}, true},
		"since long ago, with no end":      {span(100*back, 0), true},
		"since long ago until the far day": {span(100*back, 100*ahead), true},
	} {
		got := exchange.Closings(sidesThatShut(nil, []exchange.Window{test.window}, nil), now)
		routes := []exchange.Route{}
		for _, closing := range got {
			routes = append(routes, closing.Route)
			if closing.Window != test.window {
				t.Errorf("%s: %v, want the whole of %v", name, closing.Window, test.window)
			}
		}
		// The side is at one end of four routes.
		want := []exchange.Route{{From: "guangdong", To: "hongkong"}, {From: "guangdong", To: "macau"}, {From: "hongkong", To: "guangdong"}, {From: "macau", To: "guangdong"}}
		if !test.listed {
			want = want[:0]
		}
		if !slices.Equal(routes, want) {
			t.Errorf("%s: closes %v, want %v", name, routes, want)
		}
	}
}

func TestARouteWithTooManyClosingsStaysClosed(t *testing.T) {
	var many []exchange.Window
	for i := range exchange.MaxClosings + 1 {
		many = append(many, span(10*i+1, 10*i+2))
	}
	got := exchange.Closings(sidesThatShut(many[:exchange.MaxClosings], nil, nil), now)
	last := got[len(got)-1]
	if len(got) != 4*exchange.MaxClosings || last.Window != many[exchange.MaxClosings-1] {
		t.Errorf("%d closings, the last %v; want %d, %v", len(got), last, 4*exchange.MaxClosings, many[exchange.MaxClosings-1])
	}
	got = exchange.Closings(sidesThatShut(many, nil, nil), now)
	last = got[len(got)-1]
	if len(got) != 4*exchange.MaxClosings || !last.From.Equal(many[exchange.MaxClosings-1].From) || !last.Until.IsZero() {
		t.Errorf("one more: %d closings, the last %v; want %d, without an end", len(got), last, 4*exchange.MaxClosings)
	}
}

func TestABundleTellsClosingsInTags(t *testing.T) {
	closings := []exchange.Closing{
		{Route: macauToGuangdong, Window: span(-60, 60)}, {Route: macauToGuangdong, Window: span(90, 0)},
		{Route: exchange.Route{From: "hongkong", To: "macau"}},
		{Route: exchange.Route{From: "elsewhere", To: "macau"}, Window: span(0, 0)},
		{Route: exchange.Route{From: "macau", To: "elsewhere"}, Window: span(0, 0)},
	}
	got := exchange.NewBundle(exchange.BundleContents{Profiles: []exchange.Profile{macau, guangdong, hongkong}, Closings: closings}, now)
	want := []exchange.BundleClosing{
		{Route: "mo-gd", Since: now.Unix() - 60, Until: now.Unix() + 60}, {Route: "mo-gd", Since: now.Unix() + 90}, {Route: "hk-mo"},
	}
	if !slices.Equal(got.Closings, want) {
		t.Errorf("%+v, want %+v: a side without a code has no route to close", got.Closings, want)
	}
}

func TestABundleMustSayWhichRoutesAreClosed(t *testing.T) {
	for name, test := range map[string]struct {
		closings []exchange.BundleClosing
		whole    bool
	}{
		"no list":                     {nil, false},
		"an empty list":               {[]exchange.BundleClosing{}, true},
		"a closing":                   {[]exchange.BundleClosing{{Route: "mo-gd", Since: 5, Until: 6}}, true},
		"without an end":              {[]exchange.BundleClosing{{Route: "mo-gd", Since: 5}}, true},
		"without a beginning":         {[]exchange.BundleClosing{{Route: "mo-gd"}}, true},
		"no route":                    {[]exchange.BundleClosing{{Since: 5}}, false},
		"before 1970":                 {[]exchange.BundleClosing{{Route: "mo-gd", Since: -5}}, false},
		"an end with the beginning":   {[]exchange.BundleClosing{{Route: "mo-gd", Since: 5, Until: 5}}, false},
		"an end before the beginning": {[]exchange.BundleClosing{{Route: "mo-gd", Since: 5, Until: 4}}, false},
		"an end before 1970":          {[]exchange.BundleClosing{{Route: "mo-gd", Until: -1}}, false},
		"the second is bad":           {[]exchange.BundleClosing{{Route: "mo-gd"}, {}}, false},
	} {
		if err := (exchange.Bundle{Closings: test.closings}).Whole(); (err == nil) != test.whole {
			t.Errorf("%s: %v, want whole: %t", name, err, test.whole)
		}
	}
}

// closedFrom is a bundle in which the route of the papers is closed.
func closedFrom(window exchange.Window, recalls ...exchange.Recall) exchange.Bundle {
	return exchange.NewBundle(exchange.BundleContents{
		Profiles: []exchange.Profile{macau, guangdong, hongkong}, Recalls: recalls,
		Closings: []exchange.Closing{{Route: macauToGuangdong, Window: window}},
	}, now)
}

func TestWhatIsToldOfACodeWhoseRouteIsClosed(t *testing.T) {
	specimenTerms := terms()
	specimenTerms.Specimen = true
	specimen := sign(t, draft(t, exchange.Conclude(green(), leaves(), enters(), now), specimenTerms), "1")
	refused := sign(t, draft(t, exchange.Conclude(green(), leaves(fail("macau.green.colour", exchange.NotGreen)), enters(), now), terms()), "1")
	everything := exchange.Recall{Side: "macau", Before: now, Until: now.Add(time.Hour)}
	for name, test := range map[string]struct {
		exhibit func() exchange.Exhibit
		bundle  exchange.Bundle
		at      int
		want    exchange.Category
	}{
		"a second before":             {granted(t).exhibit, closedFrom(span(60, 0)), 59, exchange.CategoryValid},
		"then":                        {granted(t).exhibit, closedFrom(span(60, 0)), 60, exchange.CategoryRouteClosed},
		"the code alone":              {edited(granted(t), func(e *exchange.Exhibit) { e.Receipt, e.FullReceipt = nil, nil }), closedFrom(span(60, 0)), 60, exchange.CategoryRouteClosed},
		"the receipt alone":           {edited(granted(t), func(e *exchange.Exhibit) { e.Code, e.FullReceipt = nil, nil }), closedFrom(span(60, 0)), 60, exchange.CategoryRouteClosed},
		"and it has expired as well":  {granted(t).exhibit, closedFrom(span(60, 0)), 90_000, exchange.CategoryRouteClosed},
		"and it is of the future":     {granted(t).exhibit, closedFrom(exchange.Window{}), -61, exchange.CategoryRouteClosed},
		"and it is a specimen":        {specimen.exhibit, closedFrom(span(60, 0)), 60, exchange.CategoryRouteClosed},
		"and it is recalled":          {granted(t).exhibit, closedFrom(span(60, 0), everything), 60, exchange.CategoryRecalled},
		"and it is a refusal":         {refused.exhibit, closedFrom(span(60, 0)), 60, exchange.CategoryRefusal},
		"and it is somebody else's":   {edited(granted(t), func(e *exchange.Exhibit) { e.Code.ID = "another" }), closedFrom(span(60, 0)), 60, exchange.CategoryMismatch},
		"and nothing is shown":        {func() exchange.Exhibit { return exchange.Exhibit{} }, closedFrom(span(60, 0)), 60, exchange.CategoryUnreadable},
		"but it was issued afterward": {granted(t).exhibit, closedFrom(span(-60, -30)), 60, exchange.CategoryValid},
	} {
		if got := exchange.Examine(test.exhibit(), test.bundle, second(test.at), false); got.Category != test.want {
			t.Errorf("the route is closed, %s: %s, want %s", name, got.Category, test.want)
		}
	}
}

func TestTheOfficerIsToldSinceWhenAndUntilWhen(t *testing.T) {
	for name, test := range map[string]struct {
		window          exchange.Window
		at              int
		since, reopened time.Time
	}{
		"while it is closed":         {span(60, 120), 119, second(60), time.Time{}},
		"when it has opened again":   {span(60, 120), 120, second(60), second(120)},
		"without an end":             {span(60, 0), 9999, second(60), time.Time{}},
		"without a beginning":        {exchange.Window{}, 0, time.Time{}, time.Time{}},
		"before it: nothing is told": {span(60, 120), 59, time.Time{}, time.Time{}},
	} {
		got := exchange.Examine(granted(t).exhibit(), closedFrom(test.window), second(test.at), false)
		if !got.Since.Equal(test.since) || !got.Reopened.Equal(test.reopened) {
			t.Errorf("%s: since %v, open again %v; want %v, %v", name, got.Since, got.Reopened, test.since, test.reopened)
		}
	}
}
