package jose

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

var (
	errWrongKey = errors.New("the ring gave a key of another name or algorithm")
	errOwn      = errors.New("the ring's signature does not hold under its own public key")
)

// Signer signs drafts with the keys of a ring. It implements exchange.Signer.
type Signer struct{ ring keys.Ring }

var _ exchange.Signer = (*Signer)(nil)

// NewSigner signs with the ring's ES256 keys.
func NewSigner(ring keys.Ring) *Signer { return &Signer{ring: ring} }

// Sign signs a verdict's code, if there is one, and its receipt, which vouches for the code's signing input. With a
// ring that is a network away both are signed at the same time. Its error is a Failure with unavailable.
func (s *Signer) Sign(ctx context.Context, drafts *exchange.Drafts) (signatures exchange.Signatures, err error) {
	defer containOutage(stageSign, &err)
	var code *pending
	var input string
	if draft := drafts.Code(); draft != nil {
		if code, err = s.prepare(draft); err != nil {
			return exchange.Signatures{}, unavailable(stageSign, err)
		}
		input = code.input
	}
	lean, full, err := drafts.Receipt(input)
	if err != nil {
		return exchange.Signatures{}, unavailable(stageSign, err)
	}
	receipt, err := s.prepare(lean)
	if err != nil {
		return exchange.Signatures{}, unavailable(stageSign, err)
	}
	if err := signBoth(ctx, code, receipt); err != nil {
		return exchange.Signatures{}, unavailable(stageSign, err)
	}
	return gather(code, receipt, full), nil
}

func gather(code, receipt *pending, full []byte) exchange.Signatures {
	signatures := exchange.Signatures{Receipt: receipt.token, FullReceipt: full}
	if code != nil {
		signatures.Code = code.token
		signatures.KeyIDs = append(signatures.KeyIDs, code.keyID())
	}
	signatures.KeyIDs = append(signatures.KeyIDs, receipt.keyID())
	return signatures
}

// SignDraft signs one draft: a bundle. It gives the kid that signed as well. Its error is a Failure with unavailable.
func (s *Signer) SignDraft(ctx context.Context, draft *exchange.Draft) (token exchange.Token, keyID string, err error) {
	defer containOutage(stageSign, &err)
	p, err := s.prepare(draft)
	if err == nil {
		err = p.sign(ctx)
	}
	if err != nil {
		return "", "", unavailable(stageSign, err)
	}
	return p.token, p.keyID(), nil
}

// pending is a draft with the key version that will sign it. The kid stands in the header, so the version is chosen
// first and pinned (threat T25).
type pending struct {
	key   keys.Signer
	input string
	token exchange.Token
}

func (p *pending) keyID() string { return p.key.Public().KeyID }

func (s *Signer) prepare(draft *exchange.Draft) (*pending, error) {
	key, err := s.ring.Signer(draft.Key())
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", draft.Key(), err)
	}
	public := key.Public()
	if public.Name != draft.Key() || public.Algorithm != keys.ES256 || !keys.ValidKeyID(public.KeyID) {
		return nil, fmt.Errorf("key %q: %w", draft.Key(), errWrongKey)
	}
	// Key ids and types hold nothing that JSON would escape: the one is checked above, the other is a constant of a Profile.
	protected := `{"alg":"ES256","kid":"` + public.KeyID + `","typ":"` + draft.Type() + `"}`
	encode := base64.RawURLEncoding.EncodeToString
	return &pending{key: key, input: encode([]byte(protected)) + "." + encode(draft.Claims())}, nil
}

// sign has the ring sign, and checks what comes back before anybody sees it: a slip of an index in a batch, a wrong key
// version or a broken device ends here (threats T22, T25).
func (p *pending) sign(ctx context.Context) (err error) {
	defer containOutage(stageSign, &err)
	signature, err := p.key.Sign(ctx, sha256.Sum256([]byte(p.input)))
	if err != nil {
		return err
	}
	own := unverified{input: p.input, alg: keys.ES256, signature: signature}
	if len(signature) != signatureLength || own.verify(keys.ES256, p.key.Public().Key) != nil {
		return errOwn
	}
	p.token = exchange.Token(p.input + "." + base64.RawURLEncoding.EncodeToString(signature))
	return nil
}

// signBoth signs both at the same time, unless the key is in this process: there another goroutine costs more processor
// time than half a signature (BenchmarkSign), and gains none on busy cores. Code is nil for a refusal.
func signBoth(ctx context.Context, code, receipt *pending) error {
	if code == nil {
		return receipt.sign(ctx)
	}
	if _, local := code.key.(keys.Local); local {
		return errors.Join(code.sign(ctx), receipt.sign(ctx))
	}
	done := make(chan error, 1)
	go func() { done <- code.sign(ctx) }() // recovers by itself
	err := receipt.sign(ctx)
	return errors.Join(<-done, err)
}
