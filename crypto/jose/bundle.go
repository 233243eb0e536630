package jose

import (
	"errors"
	"slices"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

var (
	errUnpinned  = errors.New("signed by a key that is neither pinned nor announced by an earlier bundle")
	errBundleKey = errors.New("a key in the bundle is not one of the gateway's signing keys")
)

// ReadBundle verifies a bundle: it must be signed by one of its own bundle keys, and that key's RFC 7638 thumbprint must be
// among the pins. The first pin comes with the installation; later ones are the Pins of each bundle that was accepted, which
// is how an old key announces a new one. The Reader verifies codes and receipts with the bundle's keys. Whether the bundle
// is stale or rolled back is for (exchange.Bundle).Check, which must be asked before anything is believed.
func ReadBundle(token exchange.Token, pins []string) (bundle exchange.Bundle, reader *Reader, err error) {
	defer containUnreadable(&err)
	u, fault := ours(MaxBundle, exchange.BundleType).parse(string(token))
	if fault != nil {
		return exchange.Bundle{}, nil, unreadable(fault.cause)
	}
	if err := decodeClaims(u.payload, &bundle); err != nil {
		return exchange.Bundle{}, nil, unreadable(err)
	}
	if err := bundle.Whole(); err != nil {
		return exchange.Bundle{}, nil, unreadable(err)
	}
	public, err := bundleKeys(bundle)
	if err != nil {
		return exchange.Bundle{}, nil, unreadable(err)
	}
	if err := verifyBundle(u, public, pins); err != nil {
		return exchange.Bundle{}, nil, unreadable(err)
	}
	return bundle, NewReader(public, bundle.Profiles), nil
}

func verifyBundle(u unverified, public []keys.Public, pins []string) error {
	signer := slices.IndexFunc(public, func(key keys.Public) bool {
		return key.KeyID == u.keyID && key.Name == exchange.BundleKey
	})
	if signer < 0 {
		return errNotOurKey
	}
	thumbprint, err := keys.Thumbprint(public[signer].Key)
	if err != nil || !slices.Contains(pins, thumbprint) {
		return errUnpinned
	}
	return u.verify(public[signer].Algorithm, public[signer].Key)
}

// Pins gives the thumbprints of the bundle keys that an accepted bundle holds. They replace the pins that it was read with:
// a key that the gateway has retired is in it no more.
func Pins(bundle exchange.Bundle) []string {
	pins := []string{}
	public, err := bundleKeys(bundle)
	if err != nil {
		return pins
	}
	for _, key := range public {
		if thumbprint, err := keys.Thumbprint(key.Key); err == nil && key.Name == exchange.BundleKey {
			pins = append(pins, thumbprint)
		}
	}
	return pins
}

func bundleKeys(bundle exchange.Bundle) ([]keys.Public, error) {
	public := make([]keys.Public, 0, len(bundle.Keys))
	for _, raw := range bundle.Keys {
		key, err := keys.ParsePublic(raw)
		if err != nil || key.Algorithm != keys.ES256 {
			return nil, errBundleKey
		}
		public = append(public, key)
	}
	return public, nil
}
