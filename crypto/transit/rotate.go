package transit

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"

	"crosscode/crypto/keys"
)

// What follows is done with an operator's token. The gateway's own may do none of it.

// bounds is the body of keys/<name>/config. What is zero is left as it is.
type bounds struct {
	Oldest int `json:"min_decryption_version,omitzero"`
	Floor  int `json:"min_encryption_version,omitzero"`
}

type trimRequest struct {
	Oldest int `json:"min_available_version"`
}

// Rotate makes a new version of a key. Every replica publishes it as soon as it reads it, and signs with it from its creation
// plus keys.Overlap.
//
// With now it signs at once, which officers who are offline will not follow: only for a key that may be known to others. This
// is marked by min_encryption_version, which every replica reads, and which keeps Vault from signing with an older version
// from that moment on. A replica that has not read it yet is refused its next signatures and reads it: those requests are
// answered with an outage and succeed when repeated, and no other is touched.
func (r *Ring) Rotate(ctx context.Context, name string, now bool) (keys.Public, error) {
	if _, known := r.specs[name]; !known {
		return keys.Public{}, fmt.Errorf("key %q: %w", name, keys.ErrUnknownKey)
	}
	if err := r.operate(ctx, name, "rotate", struct{}{}); err != nil {
		return keys.Public{}, fmt.Errorf("key %q: %w", name, err)
	}
	held, err := r.read(ctx, name)
	if err != nil {
		return keys.Public{}, err
	}
	if now {
		if err := r.operate(ctx, name, "config", bounds{Floor: held.latest}); err != nil {
			return keys.Public{}, fmt.Errorf("key %q has a version %d, but it does not sign at once: %w", name, held.latest, err)
		}
		if held, err = r.read(ctx, name); err != nil {
			return keys.Public{}, err
		}
	}
	return held.versions[len(held.versions)-1], nil
}

// Trim ends the versions of a key that have retired: Vault opens and signs nothing with them any more. With destroy it also
// erases them, so that what was ever sealed to them cannot be opened by anybody. It gives the oldest version that is left,
// and changes nothing if none has retired.
func (r *Ring) Trim(ctx context.Context, name string, destroy bool) (oldest int, err error) {
	if _, known := r.specs[name]; !known {
		return 0, fmt.Errorf("key %q: %w", name, keys.ErrUnknownKey)
	}
	held, err := r.read(ctx, name)
	if err != nil {
		return 0, err
	}
	oldest = keys.Live(held.versions, r.config.Clock())[0].Version
	if oldest == 1 {
		return oldest, nil
	}
	change := bounds{Oldest: oldest}
	if destroy || held.floor > 0 {
		change.Floor = max(oldest, held.floor) // Vault wants it set, and not below the other; the oldest signs already
	}
	if change.Oldest > held.oldest || change.Floor > held.floor {
		err = r.operate(ctx, name, "config", change)
	}
	if err == nil && destroy {
		err = r.operate(ctx, name, "trim", trimRequest{oldest})
	}
	if err != nil {
		return 0, fmt.Errorf("key %q: %w", name, err)
	}
	_, err = r.read(ctx, name)
	return oldest, err
}

// operate asks once: to try again without being told to could make two versions. The error may have Vault's words in it, for
// InFull.
func (r *Ring) operate(ctx context.Context, name, verb string, request any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	_, err = r.once(ctx, http.MethodPost, "keys/"+name+"/"+verb, body, func(reply Reply) bool { return reply.Status/100 == 2 })
	return err
}
