package jose

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

var errSealKey = errors.New("the destination's key is for no algorithm that can be sealed to")

// Sealer encrypts handoffs to the destinations' own keys. It implements exchange.Sealer.
type Sealer struct{ trusted TrustedKeys }

var _ exchange.Sealer = (*Sealer)(nil)

// NewSealer seals to these keys.
func NewSealer(trusted TrustedKeys) *Sealer { return &Sealer{trusted: trusted} }

// Seal makes a compact JWE of the handoff's JSON with A256GCM and the alg of the destination's key; its header has alg,
// enc, kid and typ "handoff+jwe", and epk for ECDH. Its error is exchange.ErrNoHandoffKey or a Failure with unavailable.
func (s *Sealer) Seal(ctx context.Context, destination exchange.Side, handoff exchange.Handoff) (token exchange.Token, err error) {
	defer containOutage(stageSeal, &err)
	key, err := s.trusted.EncryptionKey(ctx, destination)
	if errors.Is(err, exchange.ErrNoHandoffKey) {
		return "", err
	}
	if err != nil {
		return "", unavailable(stageSeal, err)
	}
	sealed, err := seal(key, handoff)
	if err != nil {
		return "", unavailable(stageSeal, fmt.Errorf("handoff to %s: %w", destination, err))
	}
	return exchange.Token(sealed), nil
}

func seal(key keys.Trusted, handoff exchange.Handoff) ([]byte, error) {
	switch key.Algorithm {
	case keys.RSAOAEP256, keys.ECDHES, keys.ECDHESA256KW:
	default:
		return nil, errSealKey
	}
	payload, err := json.Marshal(handoff)
	if err != nil {
		return nil, err
	}
	protected := jwe.NewHeaders()
	if err := errors.Join(protected.Set(jwe.KeyIDKey, key.KeyID), protected.Set(jwe.TypeKey, handoffType)); err != nil {
		return nil, err
	}
	return jwe.Encrypt(payload, jwe.WithKey(jwa.KeyEncryptionAlgorithm(key.Algorithm), key.Key),
		jwe.WithContentEncryption(jwa.A256GCM), jwe.WithProtectedHeaders(protected))
}
