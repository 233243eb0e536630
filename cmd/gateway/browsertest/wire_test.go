package browsertest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// wire is the line between the browsers and a gateway. It loses the answers to some exchanges: the gateway has done its
// work, and nobody hears of it.
type wire struct {
	address string
	to      atomic.Value // where the gateway listens
	lose    atomic.Int32 // answers that will be lost
	hold    sync.RWMutex // locked: answers to exchanges wait
}

var exchangeCall = []byte("POST /v1/exchange")

// onWire is a world whose gateway is behind a wire.
func onWire(t *testing.T) (*world, *wire) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	line := &wire{address: listener.Addr().String()}
	w := newWorld(t.TempDir())
	w.gateway = "http://" + line.address
	var running sync.WaitGroup
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
		listener.Close()
		running.Wait()
	})
	if err := w.configure(); err != nil {
		t.Fatal(err)
	}
	line.to.Store(w.behind)
	running.Go(func() {
		for {
			caller, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { line.carry(caller) })
		}
	})
	for _, step := range []func() error{w.makeKeys, w.startSides, w.startGateway} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return w, line
}

func (l *wire) carry(caller net.Conn) {
	defer caller.Close()
	address, _ := l.to.Load().(string)
	gateway, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer gateway.Close()
	var asked atomic.Bool
	go func() {
		defer gateway.Close()
		pump(gateway, caller, func(data []byte) bool {
			if bytes.Contains(data, exchangeCall) {
				asked.Store(true)
			}
			return true
		})
	}()
	pump(caller, gateway, func([]byte) bool {
		if !asked.Swap(false) {
			return true
		}
		l.hold.RLock()
		defer l.hold.RUnlock()
		return l.lose.Add(-1) < 0
	})
}

// pump carries data until one end closes or pass says no.
func pump(to io.Writer, from io.Reader, pass func([]byte) bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !pass(buffer[:n]) {
			return
		}
		if _, failed := to.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}
