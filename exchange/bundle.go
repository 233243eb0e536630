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

// What can be wrong with a genuine bundle.
var (
	ErrBundleStale      = errors.New("the bundle has expired: fetch a new one")
	ErrBundleRolledBack = errors.New("the bundle is older than one already seen")
	ErrBundleFuture     = errors.New("the bundle is from the future: check this device's clock")
)

// NewBundle dates a bundle at now. Profiles give the tag of each recall's side; a side without one has no codes to recall.
func NewBundle(issuer string, profiles []Profile, keys []json.RawMessage, recalls []Recall, specimen bool, now time.Time) Bundle {
	bundle := Bundle{
		Issuer: issuer, IssuedAt: now.Unix(), Soft: now.Add(BundleSoftLife).Unix(), Expires: now.Add(BundleHardLife).Unix(),
		Profiles: []BundleProfile{}, Keys: keys, Recalls: []BundleRecall{}, Specimen: specimen,
	}
	tags := make(map[Side]string, len(profiles))
	for _, profile := range profiles {
		tags[profile.Side] = profile.Tag
		bundle.Profiles = append(bundle.Profiles, BundleProfile(profile))
	}
	for _, recall := range recalls {
		tag, known := tags[recall.Side]
		switch {
		case recall.Code != "":
			bundle.Recalls = append(bundle.Recalls, BundleRecall{Code: recall.Code, Expires: recall.Until.Unix()})
		case known:
			bundle.Recalls = append(bundle.Recalls, BundleRecall{Tag: tag, Before: recall.Before.Unix(), Expires: recall.Until.Unix()})
		}
	}
	return bundle
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
