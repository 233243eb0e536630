package journal

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"crosscode/exchange"
)

// A full disk fails the entries that it fails; when there is room again, the chain goes on.
func TestAFullDiskIsUnavailableUntilThereIsRoom(t *testing.T) {
	path := fresh(t)
	file := reopen(t, path, Sync(false))
	fill(t, file, 2)
	whole := file.data
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	side := file.side
	file.side = full
	err = file.Intend(t.Context(), entry(exchange.EventIntent))
	if reason, _ := exchange.ReasonOf(err); reason != exchange.Unavailable || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Intend on a full disk = %v, want %s", err, exchange.Unavailable)
	}
	file.side = side
	if info, err := whole.Stat(); err != nil || info.Size() != file.head.Offset {
		t.Errorf("the file has %d bytes, want it cut back to %d", info.Size(), file.head.Offset)
	}
	fill(t, file, 2)
	if summary, err := VerifyFile(path); err != nil || summary.Lines != 4 {
		t.Errorf("%+v, %v, want four lines", summary, err)
	}
}
