package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
)

// MaxFullReceipt is the most bytes that a full receipt may have.
const MaxFullReceipt = 16 << 10

var errFullReceipt = errors.New("not a full receipt")

// ParseFullReceipt reads the bytes of a full receipt, of at most MaxFullReceipt. It accepts only what the gateway would
// write, byte for byte: no unknown, repeated or differently cased member, no other spelling of a value, nothing behind the
// object. So two readers can never disagree on what one receipt says.
func ParseFullReceipt(data []byte) (FullReceipt, error) {
	if len(data) > MaxFullReceipt {
		return FullReceipt{}, errFullReceipt
	}
	var full FullReceipt
	if err := json.Unmarshal(data, &full); err != nil {
		return FullReceipt{}, errFullReceipt
	}
	if again, err := marshalClaims(full); err != nil || !bytes.Equal(again, data) {
		return FullReceipt{}, errFullReceipt
	}
	return full, nil
}
