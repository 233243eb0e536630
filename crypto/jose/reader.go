package jose

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// ErrUnreadable is wrapped by every error of a Reader and of ReadBundle: the token is not one of this gateway's, or its
// signature does not hold. The text around it names the check that failed and holds nothing of the token.
var ErrUnreadable = errors.New("not a genuine token of this gateway")

var (
	errNotOurKey = errors.New("no key with this kid may sign this kind of token")
	errMembers   = errors.New("the claims are not exactly those of this kind of token")
	errProfile   = errors.New("the code's issuer or route is not that of its profile")
)

// Reader verifies codes and receipts with the gateway's public keys. It has no clock: whether something has expired or was
// recalled is for exchange.Examine.
type Reader struct {
	keys     map[string]keys.Public
	profiles map[string]exchange.BundleProfile // by typ
}

// NewReader reads with these keys. The profiles say which key may sign which typ for which side.
func NewReader(public []keys.Public, profiles []exchange.BundleProfile) *Reader {
	r := &Reader{keys: map[string]keys.Public{}, profiles: map[string]exchange.BundleProfile{}}
	for _, key := range public {
		if key.Algorithm == keys.ES256 {
			r.keys[key.KeyID] = key
		}
	}
	for _, profile := range profiles {
		r.profiles[profile.Type] = profile
	}
	return r
}

// Code verifies a code. It gives its claims, and its signing input, for which the receipt vouches.
func (r *Reader) Code(token exchange.Token) (claims exchange.CodeClaims, signingInput string, err error) {
	defer containUnreadable(&err)
	types := make([]string, 0, len(r.profiles))
	for typ := range r.profiles {
		types = append(types, typ)
	}
	u, fault := ours(MaxPayload, types...).parse(string(token))
	if fault != nil {
		return claims, "", unreadable(fault.cause)
	}
	profile := r.profiles[u.typ]
	if err := r.verify(u, profile.Key); err != nil {
		return claims, "", unreadable(err)
	}
	if err := decodeClaims(u.payload, &claims); err != nil {
		return exchange.CodeClaims{}, "", unreadable(err)
	}
	if claims.Issuer != profile.Side || !r.leadsTo(claims.Route, profile.Tag) {
		return exchange.CodeClaims{}, "", unreadable(errProfile)
	}
	return claims, u.input, nil
}

// leadsTo tells whether a code's route begins at another known side and ends at the one whose key signs it: a side's key
// must not make codes for somebody else's border.
func (r *Reader) leadsTo(route, tag string) bool {
	from, to, _ := strings.Cut(route, "-")
	if to != tag || from == to {
		return false
	}
	for _, profile := range r.profiles {
		if profile.Tag == from {
			return true
		}
	}
	return false
}

// Receipt verifies a lean receipt.
func (r *Reader) Receipt(token exchange.Token) (claims exchange.ReceiptClaims, err error) {
	defer containUnreadable(&err)
	u, fault := ours(MaxPayload, exchange.ReceiptType).parse(string(token))
	if fault != nil {
		return claims, unreadable(fault.cause)
	}
	if err := r.verify(u, exchange.ReceiptKey); err != nil {
		return claims, unreadable(err)
	}
	if err := decodeClaims(u.payload, &claims); err != nil {
		return exchange.ReceiptClaims{}, unreadable(err)
	}
	return claims, nil
}

// Exhibit verifies what somebody shows: a code, a receipt or both (an empty token is one that is not shown), and puts them
// together for exchange.Examine, which also holds the full receipt, if there is one, against the lean one.
func (r *Reader) Exhibit(code, receipt exchange.Token, full []byte) (exchange.Exhibit, error) {
	exhibit := exchange.Exhibit{FullReceipt: full}
	if code == "" && receipt == "" {
		return exchange.Exhibit{}, unreadable(errNoToken)
	}
	if code != "" {
		claims, input, err := r.Code(code)
		if err != nil {
			return exchange.Exhibit{}, err
		}
		exhibit.Code, exhibit.CodeSigningInput = &claims, input
	}
	if receipt != "" {
		claims, err := r.Receipt(receipt)
		if err != nil {
			return exchange.Exhibit{}, err
		}
		exhibit.Receipt = &claims
	}
	return exhibit, nil
}

// verify wants the kid's own name to be that of the one key that may sign this typ: the keys of two sides differ in
// nothing else.
func (r *Reader) verify(u unverified, name string) error {
	key, found := r.keys[u.keyID]
	if !found || key.Name != name {
		return errNotOurKey
	}
	return u.verify(key.Algorithm, key.Key)
}

// decodeClaims is strict, although the claims are our own: a name that this version does not know may change what the
// others mean.
func decodeClaims(payload []byte, claims any) error {
	if depth(payload) > MaxDepth {
		return errDepth
	}
	if err := json.Unmarshal(payload, claims, json.RejectUnknownMembers(true)); err != nil {
		return errMembers
	}
	return nil
}

func unreadable(cause error) error { return errors.Join(ErrUnreadable, cause) }

// containUnreadable is contain for tokens that an officer scans.
func containUnreadable(err *error) {
	if recover() != nil {
		*err = ErrUnreadable
	}
}
