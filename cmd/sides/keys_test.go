package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestTwoProcessesThatStartAtOnceHaveTheSameKeys(t *testing.T) {
	dir := t.TempDir()
	kids := make([]string, 8)
	var group sync.WaitGroup
	for i := range kids {
		group.Go(func() {
			keys, err := openKeys(dir, sides[0])
			if err != nil {
				t.Error(err)
				return
			}
			key, err := keys.signer("ES256")
			if err != nil {
				t.Error(err)
			}
			kids[i] = key.KeyID
		})
	}
	group.Wait()
	if slices.Sort(kids); kids[0] != kids[len(kids)-1] || kids[0] == "" {
		t.Errorf("they sign with %v", kids)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".keys-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRotationSignsWithTheNewKeyAndKeepsTheOldUntilItIsRemoved(t *testing.T) {
	keys := mustKeys(t, t.TempDir(), "macau")
	old, _ := keys.signer("ES256")
	kid, err := keys.rotate(keySign)
	if err != nil {
		t.Fatal(err)
	}
	if now, _ := keys.signer("ES256"); now.KeyID != kid || kid == old.KeyID || !strings.HasPrefix(kid, "macau-sign.2.") {
		t.Errorf("it signs with %s, after %s", now.KeyID, old.KeyID)
	}
	if set, _ := keys.published(); len(set.Key(old.KeyID)) != 1 || len(set.Key(kid)) != 1 {
		t.Error("not both keys are published")
	}
	if err := keys.remove(kid); err != nil {
		t.Fatal(err)
	}
	if now, _ := keys.signer("ES256"); now.KeyID != old.KeyID {
		t.Errorf("it signs with %s", now.KeyID)
	}
	if err := keys.remove(old.KeyID); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.signer("ES256"); !errors.Is(err, errNoKey) {
		t.Errorf("without a key: %v", err)
	}
	if err := keys.remove(old.KeyID); !errors.Is(err, errUnknown) {
		t.Errorf("removed twice: %v", err)
	}
	if info, err := os.Stat(keys.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
}

func TestKeysThatOthersCanReadAreNotUsed(t *testing.T) {
	dir := t.TempDir()
	keys := mustKeys(t, dir, "macau")
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o660, 0o644} {
		if err := os.Chmod(keys.path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := openKeys(dir, sides[1]); err == nil || !strings.Contains(err.Error(), "others can read") {
			t.Errorf("with mode %o: %v", mode, err)
		}
	}
}

func TestABrokenKeyFileIsNamedAndNotQuoted(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "macau.keys.json"), []byte(`{"keys":[{"d":"secret"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openKeys(dir, sides[1]); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "macau.keys.json") {
		t.Errorf("openKeys = %v", err)
	}
}

func TestAGatewaysKeySetIsRefusedWhole(t *testing.T) {
	good := standInKeys()
	receipt, packet := good["receipt"], good["packet-mo"]
	public, packetPublic := receipt.Public(), packet.Public()
	renamed := func(kid string) jose.JSONWebKey { key := public; key.KeyID = kid; return key }
	used := func(use string) jose.JSONWebKey { key := public; key.Use = use; return key }
	for name, keys := range map[string][]jose.JSONWebKey{
		"with a private key":         {receipt},
		"with the same kid twice":    {public, public},
		"with a kid of another key":  {renamed("receipt.1.AAAAAA")},
		"with a kid without version": {renamed("receipt")},
		"with a kid that climbs":     {renamed("../receipt.1." + public.KeyID[len(public.KeyID)-6:])},
		"with a key of no use":       {used("")},
		"with a key of another use":  {used("both")},
		"with a symmetric key":       {{Key: []byte("0123456789abcdef"), KeyID: "x.1.AAAAAA", Use: "sig"}},
		"with more than 32 keys":     slices.Repeat([]jose.JSONWebKey{packetPublic}, 33),
	} {
		data, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseKeySet(data); !errors.Is(err, errKeySet) {
			t.Errorf("a set %s is read: %v", name, err)
		}
	}
	for name, data := range map[string]string{
		"that is no JSON": `keys`, "with a name twice": `{"keys":[],"keys":[]}`, "that is too long": strings.Repeat(" ", maxSet) + `{"keys":[]}`,
	} {
		if _, err := parseKeySet([]byte(data)); !errors.Is(err, errKeySet) {
			t.Errorf("a set %s is read: %v", name, err)
		}
	}
}

func TestAPacketIsSealedToTheNewestKeyOfItsOwnSide(t *testing.T) {
	good := standInKeys()
	private, _ := generate(keyHandoff)
	newer, tenth := named("packet-mo", 9, private, "enc", "ECDH-ES"), named("packet-mo", 10, private, "enc", "ECDH-ES")
	keys := []jose.JSONWebKey{good["packet-gd"], tenth, good["packet-mo"], newer, good["mo"]}
	for i := range keys {
		keys[i] = keys[i].Public()
	}
	if key, err := packetKey(keys, sides[1]); err != nil || key.KeyID != tenth.KeyID {
		t.Errorf("packetKey = %s, %v; want version 10", key.KeyID, err)
	}
	if _, err := packetKey(keys, sides[2]); err == nil {
		t.Error("a packet of Hong Kong's has a key to be sealed to")
	}
}
