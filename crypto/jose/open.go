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
	var stop stopped
	signed, _ = o.open(ctx, packet, stop.report)
	if stop.fault != nil {
		return exchange.Signed{}, stop.failure()
	}
	return signed, nil
}

// open makes every check up to decryption. What it gives is worth something only if all of them passed; found tells
// whether there is anything at all.
func (o *Opener) open(ctx context.Context, packet exchange.Packet, tell report) (signed exchange.Signed, found bool) {
	s, ok := parseSealed(packet.Compact(), tell)
	if !ok {
		return exchange.Signed{}, false
	}
	key, fault := o.find(s)
	if !tell(stageKey, orNone(fault)...) || fault != nil {
		return exchange.Signed{}, false
	}
	plaintext, fault := s.decrypt(ctx, key)
	if !tell(stageDecrypt, orNone(fault)...) || fault != nil {
		return exchange.Signed{}, false
	}
	return exchange.Signed{Compact: string(plaintext), PacketKey: key.Public().Name}, true
}

func orNone(fault *fault) []*fault {
	if fault == nil {
		return nil
	}
	return one(fault)
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

// parseSealed takes a packet apart and holds each part to what it must be; found tells whether there is enough to go on.
func parseSealed(packet string, tell report) (s sealed, found bool) {
	p, err := split(packet, 5, MaxPacket)
	if !tell(stageCompact, ifWrong(stageCompact, "", err)...) || err != nil {
		return sealed{}, false
	}
	h, faults := parseHeader(stageHeader, p.segments[0], outerNames...)
	if !tell(stageHeader, faults...) || h == nil {
		return sealed{}, false
	}
	s = sealed{token: packet, encryptedKey: p.segments[1]}
	if !tell(stageAlgorithms, s.choose(h)...) || s.alg.name == "" || s.keyID == "" {
		return sealed{}, false
	}
	if !tell(stageAgreement, s.agreement(h)...) || s.alg.agrees && s.ephemeral == nil {
		return sealed{}, false
	}
	if !s.lengths(p) {
		tell(stageLengths, refused(stageLengths, errLengths))
		return sealed{}, false
	}
	s.content = content{
		protected: []byte(p.text[0]), iv: p.segments[2], encrypted: slices.Concat(p.segments[3], p.segments[4]),
	}
	return s, tell(stageLengths)
}

// choose compares byte by byte: header values are case-sensitive (RFC 7515 §4.1.1).
func (s *sealed) choose(h *header) []*fault {
	for _, known := range outerAlgorithms {
		if h.text["alg"] == known.name {
			s.alg = known
		}
	}
	keyID, err := h.keyID()
	s.keyID = keyID
	return h.wrong(stageAlgorithms,
		doubt{s.alg.name == "", "alg", errAlgorithm},
		doubt{h.text["enc"] != contentEncryption, "enc", errEncryption},
		doubt{h.text["typ"] != packetType, "typ", errType},
		doubt{h.text["cty"] != packetContent, "cty", errContent},
		doubt{err != nil, "kid", errKeyID},
	)
}

func (s *sealed) agreement(h *header) []*fault {
	if !s.alg.agrees {
		return h.wrong(stageAgreement,
			doubt{h.has("epk"), "epk", errEphemeral}, doubt{h.has("apu"), "apu", errParty}, doubt{h.has("apv"), "apv", errParty})
	}
	var errs [3]error
	s.ephemeral, errs[0] = h.point()
	s.apu, errs[1] = h.party("apu")
	s.apv, errs[2] = h.party("apv")
	return h.wrong(stageAgreement,
		doubt{errs[0] != nil, "epk", errs[0]}, doubt{errs[1] != nil, "apu", errs[1]}, doubt{errs[2] != nil, "apv", errs[2]})
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
