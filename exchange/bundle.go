package exchange

import (
	"encoding/json"
	"errors"
	"time"
)

// BundleType is the typ of the officers' offline bundle, BundleKey the name of its key in the ring.
const (
	BundleType = "trust-bundle+jwt"
	BundleKey  = "bundle"
)

// A bundle should be renewed after BundleSoftLife and must not be used after BundleHardLife. A new signing key waits
// BundleHardLife before it signs, so that every officer whose bundle is still good knows it.
const (
	BundleSoftLife = 6 * time.Hour
	BundleHardLife = 24 * time.Hour
)

// Bundle is all that an officer needs to check codes and receipts without a network. It is the payload of a JWS.
type Bundle struct {
	Issuer   string            `json:"iss"` // the gateway's own URL, as in a packet's aud
	IssuedAt int64             `json:"iat"`
	Soft     int64             `json:"soft"` // renew from here on
	Expires  int64             `json:"exp"`  // refuse from here on
	Profiles []BundleProfile   `json:"profiles"`
	Keys     []json.RawMessage `json:"keys"` // public JWKs, kid = name.version.thumbprint
	Recalls  []BundleRecall    `json:"recalls"`
	Closings []BundleClosing   `json:"closings"` // required, like all but specimen: see Whole
	Specimen bool              `json:"specimen,omitempty"`
}

// BundleProfile tells which key name may sign which typ for which side.
type BundleProfile struct {
	Side Side   `json:"side"`
	Key  string `json:"key"`
	Type string `json:"typ"`
	Tag  string `json:"tag"`
}

// BundleRecall is one recall: a code id, or a source's tag and an instant up to which its codes are void.
type BundleRecall struct {
	Code    string `json:"c,omitempty"`
	Tag     string `json:"s,omitempty"`
	Before  int64  `json:"b,omitempty"`
	Expires int64  `json:"exp"`
}

// BundleClosing is one closing: a route by its tags, "mo-gd", and its beginning and end in seconds. Since 0: no beginning
// is known. No Until: no end is known.
type BundleClosing struct {
	Route string `json:"r"`
	Since int64  `json:"since"`
	Until int64  `json:"until,omitempty"`
}

// What can be wrong with a genuine bundle.
var (
	ErrBundleMalformed  = errors.New("the bundle does not say in a known form which routes are closed")
	ErrBundleStale      = errors.New("the bundle has expired: fetch a new one")
	ErrBundleRolledBack = errors.New("the bundle is older than one already seen")
	ErrBundleFuture     = errors.New("the bundle is from the future: check this device's clock")
)

// BundleContents is what a bundle tells, beside its dates.
type BundleContents struct {
	Issuer   string
	Profiles []Profile
	Keys     []json.RawMessage
	Recalls  []Recall
	Closings []Closing // of Closings, at the bundle's date
	Specimen bool
}

// NewBundle dates a bundle at now. Profiles give the tag of each side; a side without one has no codes to recall and no
// route to close.
func NewBundle(contents BundleContents, now time.Time) Bundle {
	bundle := Bundle{
		Issuer: contents.Issuer, IssuedAt: now.Unix(), Soft: now.Add(BundleSoftLife).Unix(), Expires: now.Add(BundleHardLife).Unix(),
		Profiles: []BundleProfile{}, Keys: contents.Keys, Recalls: []BundleRecall{}, Closings: []BundleClosing{},
		Specimen: contents.Specimen,
	}
	tags := make(map[Side]string, len(contents.Profiles))
	for _, profile := range contents.Profiles {
		tags[profile.Side] = profile.Tag
		bundle.Profiles = append(bundle.Profiles, BundleProfile(profile))
	}
	for _, recall := range contents.Recalls {
		tag, known := tags[recall.Side]
		switch {
		case recall.Code != "":
			bundle.Recalls = append(bundle.Recalls, BundleRecall{Code: recall.Code, Expires: recall.Until.Unix()})
		case known:
			bundle.Recalls = append(bundle.Recalls, BundleRecall{Tag: tag, Before: recall.Before.Unix(), Expires: recall.Until.Unix()})
		}
	}
	for _, closing := range contents.Closings {
		if from, to := tags[closing.Route.From], tags[closing.Route.To]; from != "" && to != "" {
			bundle.Closings = append(bundle.Closings, BundleClosing{
				Route: from + "-" + to, Since: secondsOf(closing.From), Until: secondsOf(closing.Until),
			})
		}
	}
	return bundle
}

// Whole is ErrBundleMalformed unless the bundle says which routes are closed. A bundle without the member is not one in
// which nothing is closed: whoever made it knew nothing of closings, and would call the codes of a closed route valid. So
// a list is required, and an empty one says that no route is closed.
func (b Bundle) Whole() error {
	if b.Closings == nil {
		return ErrBundleMalformed
	}
	for _, closing := range b.Closings {
		if closing.Route == "" || closing.Since < 0 || closing.Until != 0 && closing.Until <= closing.Since {
			return ErrBundleMalformed
		}
	}
	return nil
}

// Draft is the bundle's draft.
func (b Bundle) Draft() (*Draft, error) {
	payload, err := marshalClaims(b)
	if err != nil {
		return nil, err
	}
	return &Draft{key: BundleKey, typ: BundleType, claims: payload}, nil
}

// Check tells whether the bundle may be used at now by somebody who has already seen one issued at lastSeen (zero: none).
// Its own exp may shorten BundleHardLife but not lengthen it.
func (b Bundle) Check(now, lastSeen time.Time) error {
	switch issued := time.Unix(b.IssuedAt, 0); {
	case issued.After(now.Add(Leeway)):
		return ErrBundleFuture
	case !now.Before(time.Unix(b.Expires, 0)), now.Sub(issued) >= BundleHardLife:
		return ErrBundleStale
	case issued.Before(lastSeen.Truncate(time.Second)):
		return ErrBundleRolledBack
	}
	return nil
}

// Recalled tells whether a recall of the bundle voids the code. A recall's own end is not looked at: what it voids has
// expired by then, and an officer's slow clock must not bring it back.
func (b Bundle) Recalled(codeID, tag string, issuedAt time.Time) bool {
	for _, recall := range b.Recalls {
		if recall.Code != "" && recall.Code == codeID || recall.Code == "" && recall.Tag == tag && issuedAt.Unix() <= recall.Before {
			return true
		}
	}
	return false
}

// Closed gives the latest closing of the route ("mo-gd") that voids a code of issuedAt at now.
func (b Bundle) Closed(route string, issuedAt, now time.Time) (Window, bool) {
	var windows []Window
	for _, closing := range b.Closings {
		if closing.Route == route {
			windows = append(windows, Window{From: instantOf(closing.Since), Until: instantOf(closing.Until)})
		}
	}
	return latest(windows, issuedAt, now)
}

// secondsOf writes an instant, or that there is none, which is also what an instant before 1970 is.
func secondsOf(instant time.Time) int64 { return max(0, instant.Unix()) }

func instantOf(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}
