package jose

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// TrustedKeys is the other sides' public keys.
type TrustedKeys interface {
	// SigningKey gives the key that is pinned for this issuer and kid. Its error is a Failure: packet-refused if the issuer
	// has no such key, unavailable if that cannot be known now.
	SigningKey(ctx context.Context, issuer exchange.Side, keyID string) (keys.Trusted, error)
	// EncryptionKey gives the side's own key for handoffs: exchange.ErrNoHandoffKey if it publishes none, or a Failure with
	// unavailable.
	EncryptionKey(ctx context.Context, side exchange.Side) (keys.Trusted, error)
}

var (
	errIssuer   = errors.New("iss is missing or not a side's id")
	errAudience = errors.New("aud is not this gateway's URL as one string, byte for byte")
	errPinned   = errors.New("the issuer has no signing key with this kid for this alg")
)

// Verifier checks who made what was in a packet. It implements exchange.Verifier.
type Verifier struct {
	trusted  TrustedKeys
	audience string
}

var _ exchange.Verifier = (*Verifier)(nil)

// NewVerifier trusts these keys, and accepts what is meant for this audience: the gateway's own URL.
func NewVerifier(trusted TrustedKeys, audience string) *Verifier {
	return &Verifier{trusted: trusted, audience: audience}
}

// Verify checks the inner JWS with the key that is pinned for its issuer and kid. The claims it gives are one strict JSON
// object whose iss belongs to that key and whose aud is this gateway. Its error is a Failure with packet-refused, or with
// unavailable when the key cannot be known now.
func (v *Verifier) Verify(ctx context.Context, signed exchange.Signed) (claims exchange.Claims, err error) {
	defer contain(&err)
	claims, fault := v.verify(ctx, signed.Compact, packetKind)
	return claims, fault.failure()
}

func (v *Verifier) verify(ctx context.Context, token string, of kind) (exchange.Claims, *fault) {
	var stop stopped
	claims := v.inspect(ctx, token, of, stop.report)
	if stop.fault != nil {
		return exchange.Claims{}, stop.fault
	}
	return claims, nil
}

// inspect reads issuer and audience before the signature, for there is no other way to find the key. They are those of the
// very bytes that the signature is then checked over, so nothing can come between (RFC 8725 §3.8). The claims that it gives
// are genuine only if every check passed.
func (v *Verifier) inspect(ctx context.Context, token string, of kind, tell report) exchange.Claims {
	u, found := of.inspect(token, tell)
	if !found {
		return exchange.Claims{}
	}
	issuer, identified := v.identify(u.payload, tell)
	if !identified {
		return exchange.Claims{}
	}
	claims := exchange.Claims{Issuer: issuer, KeyID: u.keyID, JSON: u.payload}
	if issuer == "" {
		return claims
	}
	key, fault := v.pinned(ctx, issuer, u)
	if !tell(stagePinned, orNone(fault)...) || fault != nil {
		return claims
	}
	tell(stageSignature, ifWrong(stageSignature, "", u.verify(key.Algorithm, key.Key))...)
	return claims
}

// identify checks the whole payload's form, and gives its issuer; ok tells whether the next check is to be made.
func (v *Verifier) identify(payload []byte, tell report) (side exchange.Side, ok bool) {
	issuer, audience, err := addressed(payload)
	if !tell(stageClaims, ifWrong(stageClaims, "", err)...) || err != nil {
		return "", false
	}
	side, err = exchange.ParseSide(issuer)
	if err != nil {
		side, err = "", errIssuer
	}
	if !tell(stageIssuer, ifWrong(stageIssuer, "iss", err)...) {
		return "", false
	}
	if audience == "" || audience != v.audience {
		return side, tell(stageAudience, refusedMember(stageAudience, "aud", errAudience))
	}
	return side, tell(stageAudience)
}

// addressed reads iss and aud, each "" unless it is a string.
func addressed(payload []byte) (issuer, audience string, err error) {
	err = walk(payload, func(name string, decoder *jsontext.Decoder) (err error) {
		switch {
		case name == "iss" && decoder.PeekKind() == '"':
			issuer, err = text(decoder)
			return err
		case name == "aud" && decoder.PeekKind() == '"':
			audience, err = text(decoder)
			return err
		default:
			return skip(decoder)
		}
	})
	return issuer, audience, err
}

// pinned finds the key by issuer and kid, never by kid alone (threat T15), and holds it against the header.
func (v *Verifier) pinned(ctx context.Context, issuer exchange.Side, u unverified) (keys.Trusted, *fault) {
	key, err := v.trusted.SigningKey(ctx, issuer, u.keyID)
	if err != nil {
		if reason, found := exchange.ReasonOf(err); found && reason == exchange.PacketRefused {
			return keys.Trusted{}, refused(stagePinned, errPinned)
		}
		return keys.Trusted{}, outage(stagePinned, err)
	}
	if key.KeyID != u.keyID || key.Algorithm != u.alg {
		return keys.Trusted{}, refused(stagePinned, errPinned)
	}
	return key, nil
}
