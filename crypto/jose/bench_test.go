//go:build unix

package jose

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"strings"
	"syscall"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"crosscode/exchange"
)

// against reports what an operation costs beside the bare standard library's share of it: "of-bare" 1.00 would be no
// overhead at all. The baselines do no parsing, no checks and no JSON.
func against(b *testing.B, ours, bare func()) {
	b.Helper()
	compare(b, ours, bare, "ours-ns/op", "bare-ns/op", "of-bare")
}

// compare measures two operations in turn, in processor time of the whole process, collector and goroutines included: other
// programs on the same cores then disturb it little, and work that is done at the same time is not counted as saved.
func compare(b *testing.B, one, other func(), oneName, otherName, ratio string) {
	b.Helper()
	const block = 8
	var oneTook, otherTook time.Duration
	rounds := 0
	for b.Loop() {
		oneTook += spent(b, block, one)
		otherTook += spent(b, block, other)
		rounds += block
	}
	b.ReportMetric(float64(oneTook.Nanoseconds())/float64(rounds), oneName)
	b.ReportMetric(float64(otherTook.Nanoseconds())/float64(rounds), otherName)
	b.ReportMetric(float64(otherTook)/float64(oneTook), ratio)
	b.ReportMetric(0, "ns/op") // of both together, eight times: it says nothing
}

func spent(b *testing.B, times int, do func()) time.Duration {
	b.Helper()
	before := processorTime(b)
	for range times {
		do()
	}
	return processorTime(b) - before
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkOpen(b *testing.B) {
	w := theWorld()
	inner := signES(b, w.es256["macau"], "sign-es", []byte(claimsOf("macau")))
	for _, bench := range []struct {
		name, key string
		alg       gojose.KeyAlgorithm
	}{
		{"RSA-OAEP-256 2048", "packet-mo", gojose.RSA_OAEP_256}, {"RSA-OAEP-256 3072", "packet-hk", gojose.RSA_OAEP_256},
		{"ECDH-ES", "packet-gd", gojose.ECDH_ES}, {"ECDH-ES+A256KW", "packet-gd", gojose.ECDH_ES_A256KW},
	} {
		b.Run(bench.name, func(b *testing.B) {
			packet := exchange.Packet(sealTo(b, bench.alg, w.packetKey(b, bench.key), []byte(inner)))
			opener := NewOpener(w.ring)
			against(b, func() {
				if _, err := opener.Open(b.Context(), packet); err != nil {
					b.Fatal(err)
				}
			}, bareOpener(b, bench.alg, string(packet)))
		})
	}
}

// bareOpener does the key operation and the GCM of a packet of the same size, with a key of its own.
func bareOpener(b *testing.B, alg gojose.KeyAlgorithm, packet string) func() {
	segments := strings.Split(packet, ".")
	size := len(segments[3]) * 3 / 4
	iv, content := make([]byte, 12), bareGCM(b, make([]byte, 32)).Seal(nil, make([]byte, 12), make([]byte, size), nil)
	finish := func() {
		if _, err := bareGCM(b, make([]byte, 32)).Open(nil, iv, content, nil); err != nil {
			b.Fatal(err)
		}
	}
	if alg != gojose.RSA_OAEP_256 {
		static, _ := ecdh.P256().GenerateKey(rand.Reader)
		ephemeral, _ := ecdh.P256().GenerateKey(rand.Reader)
		point := ephemeral.PublicKey().Bytes()
		return func() {
			key, err := ecdh.P256().NewPublicKey(point)
			if err != nil {
				b.Fatal(err)
			}
			shared, err := static.ECDH(key)
			if err != nil {
				b.Fatal(err)
			}
			bareKDF(shared, "A256GCM")
			finish()
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, len(segments[1])*6/8/128*128*8)
	if err != nil {
		b.Fatal(err)
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &key.PublicKey, make([]byte, 32), nil)
	if err != nil {
		b.Fatal(err)
	}
	return func() {
		if _, err := rsa.DecryptOAEP(sha256.New(), nil, key, wrapped, nil); err != nil {
			b.Fatal(err)
		}
		finish()
	}
}

func BenchmarkVerify(b *testing.B) {
	w := theWorld()
	signed := exchange.Signed{Compact: signES(b, w.es256["macau"], "sign-es", []byte(claimsOf("macau")))}
	verifier := w.verifier()
	against(b, func() {
		if _, err := verifier.Verify(b.Context(), signed); err != nil {
			b.Fatal(err)
		}
	}, bareVerifier(b, w.es256["macau"], 1))
}

func bareVerifier(b *testing.B, key *ecdsa.PrivateKey, times int) func() {
	digest := sha256.Sum256([]byte("input"))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	return func() {
		for range times {
			if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
				b.Fatal("does not hold")
			}
		}
	}
}

// BenchmarkSign signs a code and a receipt and checks both; so does the baseline.
func BenchmarkSign(b *testing.B) {
	w := theWorld()
	signer, verify := NewSigner(w.ring), bareVerifier(b, w.es256["macau"], 2)
	drafts := grantDrafts(b, "macau", "guangdong", 1)
	digest := sha256.Sum256([]byte("input"))
	against(b, func() {
		if _, err := signer.Sign(b.Context(), drafts); err != nil {
			b.Fatal(err)
		}
	}, func() {
		for range 2 {
			if _, err := ecdsa.SignASN1(rand.Reader, w.es256["macau"], digest[:]); err != nil {
				b.Fatal(err)
			}
		}
		verify()
	})
}

func BenchmarkSeal(b *testing.B) {
	w := theWorld()
	handoff := exchange.Handoff{
		Code: exchange.Token(strings.Repeat("c", 480)), Receipt: exchange.Token(strings.Repeat("r", 480)),
		FullReceipt: strings.Repeat("f", 2000), Fields: strings.Repeat("f", 800),
	}
	sealer := NewSealer(w.trusted)
	for _, side := range []exchange.Side{"macau", "hongkong", "guangdong"} {
		b.Run(string(w.trusted[pin{side, "enc"}].Algorithm), func(b *testing.B) {
			against(b, func() {
				if _, err := sealer.Seal(b.Context(), side, handoff); err != nil {
					b.Fatal(err)
				}
			}, bareSealer(b, w.trusted[pin{side, "enc"}].Key))
		})
	}
}

func bareSealer(b *testing.B, key any) func() {
	content := make([]byte, 3800)
	return func() {
		switch key := key.(type) {
		case *rsa.PublicKey:
			if _, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key, make([]byte, 32), nil); err != nil {
				b.Fatal(err)
			}
		case *ecdsa.PublicKey:
			bareAgree(b, key, "A256GCM")
		}
		bareGCM(b, bareRandom(b, 32)).Seal(nil, bareRandom(b, 12), content, nil)
	}
}

// BenchmarkPath is all the cryptography of one packet: open by ECDH-ES, verify, sign code and receipt and check both, seal.
// The baseline does the same with the standard library alone: the budget over HTTP is a share of this.
func BenchmarkPath(b *testing.B) {
	w := theWorld()
	inner := signES(b, w.es256["macau"], "sign-es", []byte(claimsOf("macau")))
	packet := exchange.Packet(sealTo(b, gojose.ECDH_ES, w.packetKey(b, "packet-gd"), []byte(inner)))
	opener, verifier, signer, sealer := NewOpener(w.ring), w.verifier(), NewSigner(w.ring), NewSealer(w.trusted)
	made := grantDrafts(b, "macau", "guangdong", 1)
	open, verify, seal := bareOpener(b, gojose.ECDH_ES, string(packet)), bareVerifier(b, w.es256["macau"], 3), bareSealer(b, w.trusted[pin{"macau", "enc"}].Key)
	digest := sha256.Sum256([]byte("input"))
	against(b, func() {
		signed, err := opener.Open(b.Context(), packet)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := verifier.Verify(b.Context(), signed); err != nil {
			b.Fatal(err)
		}
		signatures, err := signer.Sign(b.Context(), made)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := sealer.Seal(b.Context(), "macau", exchange.Handoff{
			Code: signatures.Code, Receipt: signatures.Receipt, FullReceipt: string(signatures.FullReceipt), Fields: "{}",
		}); err != nil {
			b.Fatal(err)
		}
	}, func() {
		open()
		verify()
		for range 2 {
			if _, err := ecdsa.SignASN1(rand.Reader, w.es256["macau"], digest[:]); err != nil {
				b.Fatal(err)
			}
		}
		seal()
	})
}

// BenchmarkRefuse is what one hostile packet costs that never reaches a key.
func BenchmarkRefuse(b *testing.B) {
	w := theWorld()
	genuine := sealTo(b, gojose.RSA_OAEP_256, w.packetKey(b, "packet-mo"), []byte("content"))
	for name, packet := range map[string]string{
		"60 KiB of dots": strings.Repeat(".", MaxPacket), "header": "e30" + genuine[strings.IndexByte(genuine, '.'):],
	} {
		b.Run(name, func(b *testing.B) {
			refuse := refuser(b, w, packet)
			for b.Loop() {
				refuse()
			}
		})
	}
}

// BenchmarkOracle compares a packet whose key does not unwrap with one whose content does not authenticate: "key/content"
// must be 1 within noise (threat T20, RFC 7516 §11.5).
func BenchmarkOracle(b *testing.B) {
	w := theWorld()
	for name, key := range map[gojose.KeyAlgorithm]string{gojose.RSA_OAEP_256: "packet-mo", gojose.ECDH_ES_A256KW: "packet-gd"} {
		b.Run(string(name), func(b *testing.B) {
			genuine := sealTo(b, name, w.packetKey(b, key), []byte("content"))
			compare(b, refuser(b, w, edit{Op: "flip", Segment: 4}.apply(b, genuine)),
				refuser(b, w, edit{Op: "flip", Segment: 1, At: 20}.apply(b, genuine)), "content-ns/op", "key-ns/op", "key/content")
		})
	}
}

func refuser(b *testing.B, w *world, packet string) func() {
	opener := NewOpener(w.ring)
	return func() {
		if _, err := opener.Open(b.Context(), exchange.Packet(packet)); err == nil {
			b.Fatal("opened")
		}
	}
}
