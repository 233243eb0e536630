package benchvault

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"crosscode/crypto/transit/transittest"
)

var (
	others = flag.Float64("vault.others", 0.15, "the share of the machine that others may use; a turn with more is repeated")
	tries  = flag.Int("vault.tries", 60, "how often a turn is repeated before it counts anyway")
)

// usage is processor time that was used until a moment.
type usage struct {
	at                  time.Time
	vault, own, machine time.Duration
}

func used(b *testing.B, vault *transittest.Vault) usage {
	return usage{at: time.Now(), vault: vault.CPU(b), own: ownCPU(b), machine: machineCPU(b)}
}

func (u usage) since(earlier usage) usage {
	return usage{vault: u.vault - earlier.vault, own: u.own - earlier.own, machine: u.machine - earlier.machine}
}

// ownCPU is what this process has used.
func ownCPU(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// machineCPU is what all have used: the first line of /proc/stat, in ticks of 10 ms, without idle (4th) and iowait (5th).
func machineCPU(b *testing.B) time.Duration {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatal(err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	total := 0
	for i, field := range strings.Fields(line)[1:9] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		if i != 3 && i != 4 {
			total += ticks
		}
	}
	return time.Duration(total) * 10 * time.Millisecond
}

// alone repeats a turn until nobody else used much of the machine meanwhile, and gives up waiting for that after a while.
// Ratios of throughput mean little otherwise, and on a machine that is busy enough any client's calls time out.
func (a *arena) alone(turn func() (took time.Duration, done usage), fault func() error) {
	for try := 1; ; try++ {
		runtime.GC()
		took, done := turn()
		share := float64(done.machine-done.vault-done.own) / float64(took) / float64(runtime.NumCPU())
		switch err := fault(); {
		case share <= *others && err == nil:
			return
		case try >= *tries && err != nil:
			a.b.Fatal(err)
		case try >= *tries:
			fmt.Printf("others used %.0f %% of the machine\n", 100*share)
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
}
