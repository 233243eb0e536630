package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The clock rules of codes, receipts and bundles.
const (
	leeway         = 60 * time.Second
	bundleHardLife = 24 * time.Hour
)

// bundle is the officers' offline bundle: the gateway's signing keys, its recalls and its closed routes. Members that are
// not here are for later versions of the bundle and are ignored.
type bundle struct {
	Issuer   string           `json:"iss"`
	IssuedAt int64            `json:"iat"`
	Soft     int64            `json:"soft"`
	Expires  int64            `json:"exp"`
	Profiles []profile        `json:"profiles"`
	Keys     []jsontext.Value `json:"keys"`
	Recalls  []recall         `json:"recalls"`
	Closings []closing        `json:"closings"`
	Specimen bool             `json:"specimen"`
}

// profile says which key name signs which typ for which side.
type profile struct {
	Side string `json:"side"`
	Key  string `json:"key"`
	Type string `json:"typ"`
	Tag  string `json:"tag"`
}

// recall voids one code, or all codes of a source up to an instant.
type recall struct {
	Code    string `json:"c"`
	Tag     string `json:"s"`
	Before  int64  `json:"b"`
	Expires int64  `json:"exp"`
}

// closing is a time in which a route, "mo-gd", is closed. Codes from before its end are void from its beginning on. Since 0: no
// beginning is known; Until 0: no end is.
type closing struct {
	Route string `json:"r"`
	Since int64  `json:"since"`
	Until int64  `json:"until"`
}

// trust is what tokens of the gateway are checked against.
type trust struct {
	keys     []jose.JSONWebKey
	profiles []profile
	recalls  []recall
	closings []closing
	issuedAt time.Time
	soft     time.Time
}

// What can be wrong with a bundle.
var (
	errBundle           = errors.New("not a bundle signed by the pinned key")
	errBundleClosings   = errors.New("the bundle does not say in a known form which routes are closed")
	errBundleStale      = errors.New("the bundle has expired: fetch a new one")
	errBundleRolledBack = errors.New("the bundle is older than one already seen")
	errBundleFuture     = errors.New("the bundle is from the future: check this clock")
)

// readBundle opens a bundle. Its key is in the bundle itself, and counts only because its thumbprint is pinned.
func readBundle(token string, pins []pin, now, lastSeen time.Time) (trust, error) {
	if len(token) > maxBundle {
		return trust{}, errBundle
	}
	content, err := unsigned(token)
	if err != nil {
		return trust{}, errBundle
	}
	keys, err := parseKeys(content.Keys)
	if err != nil {
		return trust{}, fmt.Errorf("%w: %w", errBundle, err)
	}
	pinned := slices.DeleteFunc(slices.Clone(keys), func(key jose.JSONWebKey) bool {
		sum, err := thumbprint(key)
		return err != nil || !slices.Contains(pins, pin(sum))
	})
	if _, err := verify(token, typeBundle, "bundle", pinned); err != nil {
		return trust{}, fmt.Errorf("%w: %w", errBundle, err)
	}
	if err := content.checkClosings(); err != nil {
		return trust{}, err
	}
	return content.trust(keys), content.check(now, lastSeen)
}

// unsigned reads the payload so that the key can be found. Nothing of it is used before the signature holds.
func unsigned(token string) (bundle, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || !canonical(parts[1]) {
		return bundle{}, errToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return bundle{}, errToken
	}
	var content bundle
	return content, json.Unmarshal(payload, &content)
}

func (b bundle) trust(keys []jose.JSONWebKey) trust {
	return trust{
		keys: keys, profiles: b.Profiles, recalls: b.Recalls, closings: b.Closings,
		issuedAt: time.Unix(b.IssuedAt, 0), soft: time.Unix(b.Soft, 0),
	}
}

// checkClosings refuses a bundle without the list, and one that cannot be understood: whoever made it may know nothing of
// closings, and then the codes of a closed route would be valid.
func (b bundle) checkClosings() error {
	if b.Closings == nil {
		return errBundleClosings
	}
	for _, one := range b.Closings {
		if one.Route == "" || one.Since < 0 || one.Until != 0 && one.Until <= one.Since {
			return errBundleClosings
		}
	}
	return nil
}

func (b bundle) check(now, lastSeen time.Time) error {
	issued, expires := time.Unix(b.IssuedAt, 0), time.Unix(b.Expires, 0)
	switch {
	case issued.After(now.Add(leeway)):
		return errBundleFuture
	case !now.Before(expires), now.Sub(issued) >= bundleHardLife:
		return errBundleStale
	case issued.Before(lastSeen.Truncate(time.Second)):
		return errBundleRolledBack
	}
	return nil
}

// online is the trust that a side takes from the gateway's key set when it has no pinned bundle: the profiles are those
// that this program knows, and there are no recalls and no closings.
func online(keys []jose.JSONWebKey) trust {
	t := trust{keys: keys}
	for _, one := range sides {
		t.profiles = append(t.profiles, profile{Side: one.id, Key: one.codeKey, Type: one.codeType, Tag: one.tag})
	}
	return t
}

func (t trust) recalled(codeID, route string, issuedAt int64) bool {
	source, _, _ := strings.Cut(route, "-")
	return slices.ContainsFunc(t.recalls, func(r recall) bool {
		if r.Code != "" {
			return r.Code == codeID
		}
		return r.Tag == source && issuedAt <= r.Before
	})
}

// closedBy finds the closing that voids a code of the route, which began last if there are more; nil if there is none. To the
// second: what a side announces is no matter of two clocks.
func (t trust) closedBy(route string, issuedAt int64, now time.Time) *closing {
	var last *closing
	for i, one := range t.closings {
		begun, over := !now.Before(time.Unix(one.Since, 0)), one.Until != 0 && one.Until <= issuedAt
		if one.Route == route && begun && !over && (last == nil || one.Since > last.Since) {
			last = &t.closings[i]
		}
	}
	return last
}

// sentence says since when, and until when if it is over.
func (c closing) sentence(now time.Time) string {
	said := "closed"
	if c.Since != 0 {
		said += " since " + inZone(time.Unix(c.Since, 0))
	}
	if end := time.Unix(c.Until, 0); c.Until != 0 && !now.Before(end) {
		said += ", open again since " + inZone(end)
	}
	return said
}
