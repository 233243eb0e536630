package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
)

// Head is the last line of a journal: what a cut at the end is found by.
type Head struct {
	Seq    uint64 // the line's number; 0: the journal is empty
	Hash   string // its hash, 64 hexadecimal digits
	Offset int64  // bytes up to and including the line
}

// String is the head in one line, as the head file holds it.
func (h Head) String() string { return fmt.Sprintf("%020d %020d %s", h.Seq, h.Offset, h.Hash) }

// headSuffix makes the head file's path from the journal's.
const headSuffix = ".head"

// slotSize is one record of the head file: the head, a space, eight digits of its hash, a newline. The file has two such
// slots, written in turn: a crash can spoil only the one that was being written.
const slotSize = 20 + 1 + 20 + 1 + 2*sha256.Size + 1 + 8 + 1

var errHead = errors.New("no readable head")

func (h Head) slot() []byte {
	record := h.String()
	return []byte(record + " " + check(record) + "\n")
}

func check(record string) string {
	sum := sha256.Sum256([]byte(record))
	return hex.EncodeToString(sum[:4])
}

// write puts the head into its slot. The file is not synced on its own account: a head that lags behind the journal after a
// power cut is a case that Open expects, and the journal itself is on the disk before its head is written.
func (h Head) write(file *os.File) error {
	_, err := file.WriteAt(h.slot(), int64(h.Seq%2)*slotSize)
	return err
}

// ParseHead reads what String writes.
func ParseHead(text string) (Head, error) {
	var head Head
	if _, err := fmt.Sscanf(text, "%d %d %s", &head.Seq, &head.Offset, &head.Hash); err != nil || head.String() != text {
		return Head{}, errHead
	}
	return head, nil
}

// ReadHead reads the head file beside the journal at path.
func ReadHead(path string) (Head, error) {
	data, err := os.ReadFile(path + headSuffix)
	if err != nil {
		return Head{}, err
	}
	head, err := parseHead(data)
	if err != nil {
		return Head{}, fmt.Errorf("%s: %w", path+headSuffix, err)
	}
	return head, nil
}

// parseHead gives the later of the readable slots.
func parseHead(data []byte) (Head, error) {
	var (
		latest Head
		found  bool
	)
	for len(data) > 0 {
		slot := data[:min(slotSize, len(data))]
		data = data[len(slot):]
		if head, err := parseSlot(string(slot)); err == nil && (!found || head.Seq > latest.Seq) {
			latest, found = head, true
		}
	}
	if !found {
		return Head{}, errHead
	}
	return latest, nil
}

// parseSlot accepts only what slot writes.
func parseSlot(slot string) (Head, error) {
	var head Head
	if _, err := fmt.Sscanf(slot, "%d %d %s", &head.Seq, &head.Offset, &head.Hash); err != nil || string(head.slot()) != slot {
		return Head{}, errHead
	}
	return head, nil
}
