package benchvault

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"crosscode/crypto/keys"
	"crosscode/crypto/transit"
	"crosscode/crypto/transit/transittest"
)

var (
	lasting = flag.Duration("vault.for", 3*time.Second, "how long each contender works in each round")
	rounds  = flag.Int("vault.rounds", 4, "how often each contender has its turn")
	workers = flag.Int("vault.workers", 64, "how many packets are under way at once; a multiple of vault.batch")
	batch   = flag.Int("vault.batch", 16, "how many packets the bare batching client takes at a time")
)

// connections is how many the bare clients may use: more make (a) slower.
const connections = 8

func TestMain(m *testing.M) {
	flag.Parse()
	transittest.Main(m)
}

// BenchmarkVault prints the tables that doc.go explains. It fails when anything goes wrong, not when anything is slow.
func BenchmarkVault(b *testing.B) {
	for _, bits := range []int{2048, 3072} {
		b.Run(fmt.Sprint("RSA-", bits), func(b *testing.B) {
			for b.Loop() {
				a := newArena(b, bits)
				a.compare()
				a.clock()
				a.pollute()
			}
		})
	}
}

// arena is one Vault with keys, and what is sent.
type arena struct {
	b       *testing.B
	bits    int
	vault   *transittest.Vault
	bare    *bare
	publics []keys.Public
	stock   *stock
	ring    *transit.Ring
	seen    *tally
	best    float64 // what (b) does in a second
}

func newArena(b *testing.B, bits int) *arena {
	vault := transittest.Start(b, transittest.Controlled())
	specs := []keys.Spec{
		{Name: "packet-mo", Algorithm: keys.RSAOAEP256}, {Name: "gd", Algorithm: keys.ES256}, {Name: "receipt", Algorithm: keys.ES256},
	}
	for _, spec := range specs {
		kind := "ecdsa-p256"
		if spec.Algorithm == keys.RSAOAEP256 {
			kind = fmt.Sprint("rsa-", bits)
		}
		vault.Write(b, vault.Mount+"/keys/"+spec.Name, map[string]any{"type": kind})
	}
	a := &arena{b: b, bits: bits, vault: vault, bare: newBare(vault.Address, vault.Mount, vault.Token, connections), seen: &tally{}}
	b.Cleanup(a.bare.client.CloseIdleConnections)
	a.publics = a.bare.publics(b, specs)
	a.stock = newStock(b, a.publics[0], 500)
	a.ring = newRing(b, vault, specs, a.seen)
	return a
}

// contender is what takes its turn. drive runs workers until the end and calls each with a number.
type contender struct {
	name  string
	drive func(end time.Time, measured *sample)
	total sample
}

// sample is what was measured.
type sample struct {
	mu        sync.Mutex
	fault     error // the last one
	latencies []time.Duration
	took      time.Duration
	vault     time.Duration // processor time of Vault's
	own       time.Duration // and of ours
}

func (s *sample) add(latency time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latencies = append(s.latencies, latency)
}

func (s *sample) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = err
}

func (s *sample) rate() float64 { return float64(len(s.latencies)) / s.took.Seconds() }

func (s *sample) percentile(share float64) time.Duration {
	slices.Sort(s.latencies)
	if len(s.latencies) == 0 {
		return 0
	}
	return s.latencies[min(len(s.latencies)-1, int(share*float64(len(s.latencies))))]
}

func (s *sample) each(total time.Duration) float64 {
	return ms(total) / float64(max(1, len(s.latencies)))
}

// include adds another sample.
func (s *sample) include(other *sample) {
	s.latencies = append(s.latencies, other.latencies...)
	s.took, s.vault, s.own = s.took+other.took, s.vault+other.vault, s.own+other.own
}

// turn lets somebody work for a while and measures it.
func (a *arena) turn(work func(end time.Time, measured *sample), total *sample) {
	var measured *sample
	a.alone(func() (time.Duration, usage) {
		measured = &sample{}
		begun := used(a.b, a.vault)
		work(begun.at.Add(*lasting), measured)
		measured.took = time.Since(begun.at)
		done := used(a.b, a.vault).since(begun)
		measured.vault, measured.own = done.vault, done.own
		return measured.took, done
	}, func() error { return measured.fault })
	total.include(measured)
}

func (a *arena) compare() {
	single := newGateway(a.bare.single(a.publics), a.stock.trusted)
	gateway := newGateway(a.ring, a.stock.trusted)
	contenders := []*contender{
		{name: "(a) single", drive: func(end time.Time, s *sample) { a.crowd(single, end, s) }},
		{name: "(b) batching", drive: a.inLockstep},
		{name: "(c) gateway", drive: func(end time.Time, s *sample) { a.crowd(gateway, end, s) }},
	}
	for _, warm := range contenders {
		warm.drive(time.Now().Add(300*time.Millisecond), &sample{})
	}
	a.seen.reset()
	for range *rounds {
		for _, each := range contenders {
			a.turn(each.drive, &each.total)
		}
	}
	a.best = contenders[1].total.rate()
	a.print(contenders)
}

// crowd is many clients who send a packet each, one after another.
func (a *arena) crowd(g gateway, end time.Time, measured *sample) {
	var group sync.WaitGroup
	for worker := range *workers {
		group.Go(func() {
			for number := worker; time.Now().Before(end); number += *workers {
				a.once(g, number, measured)
			}
		})
	}
	group.Wait()
}

func (a *arena) once(g gateway, number int, measured *sample) {
	begun := time.Now()
	ctx := transit.WithPeer(context.Background(), fmt.Sprint("client ", number%997))
	if err := g.transcode(ctx, a.stock.packets[number%len(a.stock.packets)], number); err != nil {
		measured.fail(err)
		return
	}
	measured.add(time.Since(begun))
}

func (a *arena) inLockstep(end time.Time, measured *sample) {
	var group sync.WaitGroup
	for first := 0; first < *workers; first += *batch {
		ring, together := a.bare.lockstep(a.publics, *batch, end)
		g := newGateway(ring, a.stock.trusted)
		for worker := range *batch {
			group.Go(func() {
				for number := first + worker; together.next(); number += *workers {
					a.once(g, number, measured)
				}
			})
		}
	}
	group.Wait()
}

func (a *arena) print(contenders []*contender) {
	fmt.Printf("\nRSA-%d, %d packets under way, %d cores, %d rounds of %v each\n", a.bits, *workers, runtime.NumCPU(), *rounds, *lasting)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\ttranscodes/s\tof (b)\tp50 ms\tp99 ms\tVault CPU ms each\tof (b)\tour CPU ms each\tboth of (b)\t")
	best := &contenders[1].total
	for _, each := range contenders {
		s := &each.total
		fmt.Fprintf(table, "%s\t%.0f\t%.2f\t%.1f\t%.1f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", each.name, s.rate(), s.rate()/best.rate(),
			ms(s.percentile(0.5)), ms(s.percentile(0.99)), s.each(s.vault), s.each(s.vault)/best.each(best.vault),
			s.each(s.own), s.each(s.vault+s.own)/best.each(best.vault+best.own))
	}
	table.Flush()
	fmt.Println("operations in a call of (c):", a.seen)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// clock opens good packets and garbage in turn, one at a time: how long it takes must not tell which it was (threat T20).
func (a *arena) clock() {
	g := newGateway(a.ring, a.stock.trusted)
	var good, bad sample
	for number := range len(a.stock.packets) {
		begun := time.Now()
		if _, err := g.opener.Open(context.Background(), a.stock.packets[number]); err != nil {
			a.b.Error(err)
		}
		good.add(time.Since(begun))
		a.garble(g, "", number, &bad)
	}
	fmt.Printf("\nopening one packet alone: %.2f ms, garbage: %.2f ms (medians of %d, in turn)\n",
		ms(good.percentile(0.5)), ms(bad.percentile(0.5)), len(a.stock.packets))
}

// pollute sends good packets at a quarter of (b), without and with garbage, in turns.
func (a *arena) pollute() {
	g := newGateway(a.ring, a.stock.trusted)
	kinds := []struct {
		name string
		peer func(number int) string
	}{
		{"none", nil},
		{"as much, from 8 addresses", func(number int) string { return fmt.Sprint("attacker ", number%8) }},
		{"as much, each from a new address", func(number int) string { return fmt.Sprint("bot ", number) }},
	}
	good, bad := make([]sample, len(kinds)), make([]sample, len(kinds))
	for range *rounds {
		for i, kind := range kinds {
			var garbage *sample
			a.turn(func(end time.Time, measured *sample) {
				garbage = &sample{}
				var group sync.WaitGroup
				if kind.peer != nil {
					group.Go(func() { a.stream(a.best/4, end, func(number int) { a.garble(g, kind.peer(number), number, garbage) }) })
				}
				group.Go(func() { a.stream(a.best/4, end, func(number int) { a.once(g, number, measured) }) })
				group.Wait()
			}, &good[i])
			bad[i].include(garbage)
		}
	}
	fmt.Printf("\nRSA-%d, good packets at 25 %% of (b) = %.0f/s, and garbage:\n", a.bits, a.best/4)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "garbage\tgood\tp50 ms\tp99 ms\tp99 of none\tbad\ttheir p99 ms\t")
	for i, kind := range kinds {
		fmt.Fprintf(table, "%s\t%d\t%.1f\t%.1f\t%.2f\t%d\t%.1f\t\n", kind.name, len(good[i].latencies), ms(good[i].percentile(0.5)),
			ms(good[i].percentile(0.99)), ms(good[i].percentile(0.99))/ms(good[0].percentile(0.99)), len(bad[i].latencies), ms(bad[i].percentile(0.99)))
	}
	table.Flush()
}

// stream starts one piece of work after another, at random moments, whether the earlier ones are done or not.
func (a *arena) stream(rate float64, end time.Time, work func(number int)) {
	var group sync.WaitGroup
	next := time.Now()
	for number := 0; ; number++ {
		next = next.Add(time.Duration(rand.ExpFloat64() / rate * float64(time.Second)))
		if next.After(end) {
			break
		}
		time.Sleep(time.Until(next))
		group.Go(func() { work(number) })
	}
	group.Wait()
}

func (a *arena) garble(g gateway, peer string, number int, measured *sample) {
	begun := time.Now()
	_, err := g.opener.Open(transit.WithPeer(context.Background(), peer), a.stock.garbage[number%len(a.stock.garbage)])
	if err == nil {
		a.b.Error("garbage opens")
	}
	measured.add(time.Since(begun))
}

// tally counts what the ring tells of its calls.
type tally struct {
	mu    sync.Mutex
	calls map[transit.Operation][2]int
}

func (t *tally) observe(seen transit.Observation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls == nil {
		t.calls = map[transit.Operation][2]int{}
	}
	sum := t.calls[seen.Operation]
	t.calls[seen.Operation] = [2]int{sum[0] + 1, sum[1] + seen.Items}
}

func (t *tally) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = nil
}

func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var text strings.Builder
	for _, operation := range []transit.Operation{transit.Decrypting, transit.Signing} {
		sum := t.calls[operation]
		fmt.Fprintf(&text, "%s %.1f, ", operation, float64(sum[1])/float64(max(1, sum[0])))
	}
	return strings.TrimSuffix(text.String(), ", ")
}

func newRing(b *testing.B, vault *transittest.Vault, specs []keys.Spec, seen *tally) *transit.Ring {
	client, err := transit.NewClient(transit.ClientConfig{Address: vault.Address, Login: transit.Token(vault.Token)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	ring, err := transit.New(transit.Config{Vault: client, Mount: vault.Mount, Keys: specs, Observe: seen.observe})
	if err != nil {
		b.Fatal(err)
	}
	if err := ring.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	return ring
}
