package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"crosscode/exchange"
)

// MaxLine is the most bytes of a line, its newline included. The longest entry that the gateway makes is well below; what
// is longer is not written, and not read.
const MaxLine = 8 << 10

// eventRecovered says that Open cut off half a line.
const eventRecovered exchange.Event = "recovered"

// body is what an entry brings; its place in the chain is added when it is written.
type body struct {
	At        string          `json:"at"` // RFC 3339, UTC+8
	Event     exchange.Event  `json:"event"`
	Receipt   string          `json:"receipt,omitempty"`
	Route     string          `json:"route,omitempty"`
	Port      exchange.Port   `json:"port,omitempty"`
	Rulebooks []string        `json:"rulebooks,omitempty"`
	Rules     []string        `json:"rules,omitempty"`
	Reason    exchange.Reason `json:"reason,omitempty"`
	KeyIDs    []string        `json:"kids,omitempty"`
	Bytes     int64           `json:"bytes,omitempty"` // of a recovery: how many were cut off
}

// line is a body in its place. Its hash stands behind it, so that the hashed bytes are those in front.
type line struct {
	Seq uint64 `json:"seq"` // from 1
	body
	Prev string `json:"prev"` // hash of the line before; of line 1: 64 zeros
}

// hashMember stands between the hashed bytes and the 64 hexadecimal digits of their hash.
const hashMember = `,"hash":"`

// tail is how many bytes of a line are not hashed.
const tail = len(hashMember) + 2*sha256.Size + len("\"}\n")

// genesis is what the first line follows.
var genesis = strings.Repeat("0", 2*sha256.Size)

// What can be wrong with a line.
var (
	errLine    = errors.New("not a line of a journal")
	errLong    = errors.New("the entry is too long for a line")
	errChanged = errors.New("the line was changed: its hash does not fit")
)

// wire encodes an entry once, before it is known where in the chain it will stand.
func wire(entry exchange.Entry) ([]byte, error) {
	return body{
		At: entry.At.In(exchange.Zone).Format(time.RFC3339), Event: entry.Event, Receipt: entry.Receipt, Route: entry.Route,
		Port: entry.Port, Rulebooks: entry.Rulebooks, Rules: entry.Rules, Reason: entry.Reason, KeyIDs: entry.KeyIDs,
	}.encode()
}

// maxPlace is the most that a line's place in the chain adds to its body.
const maxPlace = len(`{"seq":18446744073709551615,`) + len(`,"prev":""`) + 2*sha256.Size + tail

func (b body) encode() ([]byte, error) {
	encoded, err := json.Marshal(b)
	if err == nil && len(encoded)+maxPlace > MaxLine {
		err = errLong
	}
	return encoded, err
}

// seal appends the entry as the line behind head, and gives the head that it makes.
func seal(data, entry []byte, head Head) ([]byte, Head) {
	start := len(data)
	data = append(data, `{"seq":`...)
	data = strconv.AppendUint(data, head.Seq+1, 10)
	data = append(data, ',')
	data = append(data, entry[1:len(entry)-1]...)
	data = append(data, `,"prev":"`+head.Hash+`"}`...)
	sum := sha256.Sum256(data[start:])
	hash := hex.EncodeToString(sum[:])
	data = append(data[:len(data)-1], hashMember+hash+"\"}\n"...)
	return data, Head{Seq: head.Seq + 1, Hash: hash, Offset: head.Offset + int64(len(data)-start)}
}

// open reads a line, newline included, and checks that it hashes to what it says. The hash is over the bytes as they
// stand, so no second spelling of a line has it.
func open(sealed []byte) (line, string, error) {
	front, back, found := bytes.Cut(sealed, []byte(hashMember))
	if !found || len(sealed)-len(front) != tail || !bytes.HasSuffix(sealed, []byte("\"}\n")) {
		return line{}, "", errLine
	}
	hashed := append(bytes.Clone(front), '}')
	hash := string(back[:2*sha256.Size])
	if sum := sha256.Sum256(hashed); hash != hex.EncodeToString(sum[:]) {
		return line{}, "", errChanged
	}
	var parsed line
	decoder := json.NewDecoder(bytes.NewReader(hashed))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&parsed); err != nil {
		return line{}, "", errLine
	}
	return parsed, hash, nil
}
