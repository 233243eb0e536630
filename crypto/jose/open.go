package jose

import (
	"context"
	"crypto/ecdh"
	"crypto/rsa"
	"errors"
	"slices"

	"crosscode/crypto/keys"
	"crosscode/exchange"
)

// The exact lengths of an A256GCM token (RFC 7518 §5.3) and of a key wrapped with A256KW (RFC 3394: 32 bytes and 8).
const (
	ivLength      = 12
	tagLength     = 16
	contentKey    = 32
	wrappedLength = contentKey + 8
)

var (
	errUnknownKey = errors.New("no packet key here has this kid: it was never published, or it has retired")
	errBinding    = errors.New("the key with this kid is for another alg")
	errLengths    = errors.New("iv is not 12 bytes, tag not 16, the ciphertext is empty, or encrypted_key has not the exact length that alg asks for")
	errDecrypt    = errors.New("the packet does not open")
)

// Opener decrypts packets with the keys of a ring. It implements exchange.Opener.
type Opener struct{ ring keys.Ring }

var _ exchange.Opener = (*Opener)(nil)

// NewOpener opens with the ring's packet keys.
func NewOpener(ring keys.Ring) *Opener { return &Opener{ring: ring} }

// Open parses a packet strictly and decrypts it. Nothing that the parser refuses reaches the ring. Its error is a Failure
// with packet-refused for anything wrong with the packet, or with unavailable when the ring's key could not be used.
func (o *Opener) Open(ctx context.Context, packet exchange.Packet) (signed exchange.Signed, err error) {
	defer contain(&err)
	signed, fault := o.open(ctx, string(packet))
	if fault != nil {
		return exchange.Signed{}, fault.failure()
	}
	return signed, nil
}

func (o *Opener) open(ctx context.Context, packet string) (exchange.Signed, *fault) {
	s, fault := parseSealed(packet)
	if fault != nil {
		return exchange.Signed{}, fault
	}
	key, fault := o.find(s)
	if fault != nil {
		return exchange.Signed{}, fault
	}
	plaintext, fault := s.decrypt(ctx, key)
	if fault != nil {
		return exchange.Signed{}, fault
	}
	return exchange.Signed{Compact: string(plaintext), PacketKey: key.Public().Name}, nil
}

// find looks the kid up and holds the key against the packet: its algorithm, and for RSA the length of its modulus.
func (o *Opener) find(s sealed) (keys.Decrypter, *fault) {
	key, err := o.ring.Decrypter(s.keyID)
	if errors.Is(err, keys.ErrUnknownKey) {
		return nil, refused(stageKey, errUnknownKey)
	}
	if err != nil {
		return nil, outage(stageKey, err)
	}
	public := key.Public()
	if public.Algorithm != s.alg.key {
		return nil, refused(stageKey, errBinding)
	}
	if modulus, isRSA := public.Key.(*rsa.PublicKey); isRSA && len(s.encryptedKey) != modulus.Size() {
		return nil, refused(stageKey, errLengths)
	}
	return key, nil
}

// outerAlgorithm is one of the key management algorithms that a packet may have.
type outerAlgorithm struct {
	name    string
	key     keys.Algorithm // what the key is for
	agrees  bool           // with epk
	kdf     string         // AlgorithmID of RFC 7518 §4.6.2
	wrapped int            // exact length of encrypted_key; -1: the modulus of the key
}

// outerAlgorithms is the whole list. RSA1_5, RSA-OAEP with SHA-1, dir and every symmetric or password algorithm are not in
// it and cannot be switched on (threats T2–T4).
var outerAlgorithms = []outerAlgorithm{
	{name: "RSA-OAEP-256", key: keys.RSAOAEP256, wrapped: -1},
	{name: "ECDH-ES", key: keys.ECDHES, agrees: true, kdf: "A256GCM", wrapped: 0},
	{name: "ECDH-ES+A256KW", key: keys.ECDHES, agrees: true, kdf: "ECDH-ES+A256KW", wrapped: wrappedLength},
}

// sealed is a packet that the parser accepted.
type sealed struct {
	token        string
	keyID        string
	alg          outerAlgorithm
	ephemeral    *ecdh.PublicKey // for the algorithms that agree
	apu, apv     []byte
	encryptedKey []byte
	content      content
}

func parseSealed(packet string) (sealed, *fault) {
	p, err := split(packet, 5, MaxPacket)
	if err != nil {
		return sealed{}, refused(stageCompact, err)
	}
	h, err := parseHeader(p.segments[0], "alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv")
	if err != nil {
		return sealed{}, refused(stageHeader, err)
	}
	s := sealed{token: packet, encryptedKey: p.segments[1]}
	if err := s.choose(h); err != nil {
		return sealed{}, refused(stageAlgorithms, err)
	}
	if err := s.agreement(h); err != nil {
		return sealed{}, refused(stageAgreement, err)
	}
	if !s.lengths(p) {
		return sealed{}, refused(stageLengths, errLengths)
	}
	s.content = content{
		protected: []byte(p.text[0]), iv: p.segments[2], encrypted: slices.Concat(p.segments[3], p.segments[4]),
	}
	return s, nil
}

// choose compares byte by byte: header values are case-sensitive (RFC 7515 §4.1.1).
func (s *sealed) choose(h header) (err error) {
	for _, known := range outerAlgorithms {
		if h.text["alg"] == known.name {
			s.alg = known
		}
	}
	if s.alg.name == "" {
		return errAlgorithm
	}
	if h.text["enc"] != "A256GCM" {
		return errEncryption
	}
	if h.text["typ"] != packetType {
		return errType
	}
	if h.text["cty"] != "JWT" { // RFC 7519 §5.2: what is inside is a JWT
		return errContent
	}
	s.keyID, err = h.keyID()
	return err
}

func (s *sealed) agreement(h header) (err error) {
	if !s.alg.agrees {
		switch {
		case h.ephemeral != nil:
			return errEphemeral
		case h.has("apu"), h.has("apv"):
			return errParty
		}
		return nil
	}
	if s.ephemeral, err = h.point(); err != nil {
		return err
	}
	if s.apu, err = h.party("apu"); err != nil {
		return err
	}
	s.apv, err = h.party("apv")
	return err
}

// lengths is what keeps an empty encrypted_key from jwx, which panics over it (GHSA-78h2-9frx-2jm8 in another library).
// An RSA encrypted_key is held against its key later; until then it may be as long as the largest modulus.
func (s *sealed) lengths(p parts) bool {
	wrapped := len(s.encryptedKey) == s.alg.wrapped
	if s.alg.wrapped < 0 {
		wrapped = len(s.encryptedKey) >= keys.MinBits/8 && len(s.encryptedKey) <= keys.MaxBits/8
	}
	return wrapped && len(p.segments[2]) == ivLength && len(p.segments[3]) > 0 && len(p.segments[4]) == tagLength
}
