package keys_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosscode/crypto/keys"
	"crosscode/crypto/keys/keystest"
	"crosscode/exchange/clock"
)

func TestEmbeddedIsARing(t *testing.T) {
	keystest.Run(t, func(t *testing.T, specs []keys.Spec, clock func() time.Time) keystest.Subject {
		ring, err := keys.InitEmbedded(filepath.Join(t.TempDir(), "keys.json"), specs, clock)
		if err != nil {
			t.Fatal(err)
		}
		return keystest.Subject{Ring: ring, Agrees: true, Rotate: func(name string, now bool) error {
			_, err := ring.Rotate(name, now)
			return err
		}}
	})
}

// small is made in no time: it has no RSA key.
func small() []keys.Spec {
	return []keys.Spec{{Name: "mo", Algorithm: keys.ES256}, {Name: "packet-mo", Algorithm: keys.ECDHES}}
}

func initSmall(t *testing.T) (path string, ring *keys.Embedded, clock *keystest.Clock) {
	t.Helper()
	path, clock = filepath.Join(t.TempDir(), "keys.json"), keystest.NewClock()
	ring, err := keys.InitEmbedded(path, small(), clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	return path, ring, clock
}

func TestTheFileIsItsOwnersAlone(t *testing.T) {
	path, _, clock := initSmall(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("made with mode %v, %v, want 0600", info.Mode().Perm(), err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o666, 0o601, 0o610} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := keys.OpenEmbedded(path, clock.Now)
		if !errors.Is(err, keys.ErrFileMode) || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %04o: error = %v, want ErrFileMode that says what to run", mode, err)
		}
	}
	for _, mode := range []os.FileMode{0o600, 0o400} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.OpenEmbedded(path, clock.Now); err != nil {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func TestInitNeverOverwrites(t *testing.T) {
	path, ring, clock := initSmall(t)
	if _, err := keys.InitEmbedded(path, small(), clock.Now); !errors.Is(err, keys.ErrFileExists) {
		t.Errorf("error = %v, want ErrFileExists", err)
	}
	again, err := keys.OpenEmbedded(path, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids(ring), ids(again)); diff != "" {
		t.Errorf("the keys changed: %s", diff)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnotherProcessSeesARotationWhenItReloads(t *testing.T) {
	path, ring, clock := initSmall(t)
	other, err := keys.OpenEmbedded(path, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Rotate("mo", false); err != nil {
		t.Fatal(err)
	}
	if err := other.Reload(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids(ring), ids(other)); diff != "" || len(ids(other)) != 3 {
		t.Errorf("the two differ, or there are not three keys: %s", diff)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := other.Reload(); !errors.Is(err, keys.ErrFileInvalid) {
		t.Errorf("Reload() of a broken file: %v, want ErrFileInvalid", err)
	}
	if len(ids(other)) != 3 {
		t.Error("a broken file cost the ring its keys")
	}
}

func TestOneRotationAtATime(t *testing.T) {
	path, ring, _ := initSmall(t)
	if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Rotate("mo", false); !errors.Is(err, keys.ErrFileBusy) {
		t.Errorf("error = %v, want ErrFileBusy", err)
	}
}

func TestRotateErasesWhatHasRetired(t *testing.T) {
	path, ring, clock := initSmall(t)
	if _, err := ring.Rotate("mo", false); err != nil {
		t.Fatal(err)
	}
	clock.Advance(keys.Overlap + keys.SignedLife)
	if _, err := ring.Rotate("packet-mo", false); err != nil {
		t.Fatal(err)
	}
	var file struct {
		Notice string
		Keys   []struct {
			Name     string
			Versions []struct{ Version int }
		}
	}
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &file) != nil {
		t.Fatal("the key file cannot be read", err)
	}
	if len(file.Keys[0].Versions) != 1 || file.Keys[0].Versions[0].Version != 2 {
		t.Errorf("the file still holds %+v", file.Keys[0])
	}
	if file.Notice != keys.Notice || !strings.Contains(ring.Notice(), "development or a single machine") {
		t.Error("the file and the ring do not say what they are for")
	}
	if _, err := ring.Rotate("zz", false); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("Rotate(unknown) error = %v, want ErrUnknownKey", err)
	}
}

func TestInitRefusesSpecsItCannotMake(t *testing.T) {
	for name, specs := range map[string][]keys.Spec{
		"RSA of 1024 bits":       {{Name: "packet-gd", Algorithm: keys.RSAOAEP256, Bits: 1024}},
		"RSA of 8192 bits":       {{Name: "packet-gd", Algorithm: keys.RSAOAEP256, Bits: 8192}},
		"a name with a dot":      {{Name: "mo.1", Algorithm: keys.ES256}},
		"a name with a path":     {{Name: "../mo", Algorithm: keys.ES256}},
		"an algorithm of others": {{Name: "mo", Algorithm: keys.EdDSA}},
		"one name twice":         {{Name: "mo", Algorithm: keys.ES256}, {Name: "mo", Algorithm: keys.ES256}},
	} {
		path := filepath.Join(t.TempDir(), "keys.json")
		if _, err := keys.InitEmbedded(path, specs, clock.Now); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a file was made", name)
		}
	}
}

func TestOpenRefusesAFileThatIsNotWhatItSays(t *testing.T) {
	path, _, clock := initSmall(t)
	genuine, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(string) string{
		"cut short":           func(s string) string { return s[:len(s)/2] },
		"trailing data":       func(s string) string { return s + "{}" },
		"an unknown member":   func(s string) string { return strings.Replace(s, `"notice"`, `"x": 1, "notice"`, 1) },
		"a repeated member":   func(s string) string { return strings.Replace(s, `"notice"`, `"notice": "", "notice"`, 1) },
		"the wrong algorithm": func(s string) string { return strings.Replace(s, `"ES256"`, `"RSA-OAEP-256"`, 1) },
		"version nought":      func(s string) string { return strings.Replace(s, `"version": 1`, `"version": 0`, 1) },
		"one name twice":      func(s string) string { return strings.Replace(s, `"packet-mo"`, `"mo"`, 1) },
		"a damaged key":       func(s string) string { return strings.Replace(s, `"private": "MI`, `"private": "AA`, 1) },
	} {
		if err := os.WriteFile(path, []byte(change(string(genuine))), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.OpenEmbedded(path, clock.Now); !errors.Is(err, keys.ErrFileInvalid) {
			t.Errorf("%s: error = %v, want ErrFileInvalid", name, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	specs := keys.Defaults()
	for i, name := range []string{"packet-gd", "packet-mo", "packet-hk", "gd", "mo", "hk", "receipt", "bundle"} {
		if specs[i].Name != name {
			t.Errorf("Defaults()[%d] = %s, want %s", i, specs[i].Name, name)
		}
	}
	if specs[0].Bits != 3072 || specs[0].Algorithm != keys.RSAOAEP256 || specs[3].Algorithm != keys.ES256 {
		t.Errorf("packet keys are RSA-OAEP-256 of 3072 bits and the others ES256, not %+v", specs)
	}
}

func ids(ring keys.Ring) []string {
	list := []string{}
	for _, public := range ring.Public() {
		if key, isECDSA := public.Key.(*ecdsa.PublicKey); isECDSA && key != nil {
			list = append(list, public.KeyID)
		}
	}
	return list
}
