package config

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"
)

// exampleFolder is the absolute folder of example.yaml.
func exampleFolder(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestExampleHoldsTheDefaultsAndWhatIsRequired(t *testing.T) {
	got, err := Load("example.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(filepath.Dir(exampleFolder(t)), ".run")
	side := func(port, page string) Side {
		origin := "http://127.0.0.1:" + port
		return Side{URL: origin + "/.well-known/jwks.json", Landing: Landing{Audience: origin, Page: origin + page}}
	}

	want := Defaults()
	want.Issuer = "http://127.0.0.1:8080"
	want.Keys.File = filepath.Join(run, "keys.json")
	want.Journal.Path = filepath.Join(run, "journal.jsonl")
	want.Trust.CacheDir = filepath.Join(run, "trust")
	want.Trust.Sides = map[string]Side{"guangdong": side("8081", "/h5"), "macau": side("8082", "/arrive"), "hongkong": side("8083", "/arrive")}
	want.Origins = []string{"http://127.0.0.1:8081", "http://127.0.0.1:8082", "http://127.0.0.1:8083"}
	want.Pages.Starts = map[string]Start{
		"guangdong": {Side: "guangdong", URL: "http://127.0.0.1:8081/h5"},
		"macau":     {Side: "macau", URL: "http://127.0.0.1:8082/code"},
		"hongkong":  {Side: "hongkong", URL: "http://127.0.0.1:8083/code"},
	}
	want.Specimen = true
	if diff := cmp.Diff(want, got, cmp.Comparer(samePrefix), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("example.yaml differs from the defaults and what is required (-want +got):\n%s", diff)
	}
}

// The defaults are repeated here by hand, as the comments of Config state them.
func TestDefaultsAreThoseOfTheComments(t *testing.T) {
	want := Config{
		Listen: "127.0.0.1:8080", AdminListen: "127.0.0.1:9090",
		Keys:    Keys{Kind: "embedded", Vault: Vault{Mount: "transit", Login: Login{Method: "approle"}}},
		Journal: Journal{Sync: true}, Rules: Rules{Reload: 10 * time.Second},
		Trust:  Trust{Refresh: 5 * time.Minute, MaxAge: 24 * time.Hour},
		Limits: Limits{PerAddress: PerAddress{Rate: 50, Burst: 250}, InFlight: 512},
	}
	if diff := cmp.Diff(want, Defaults()); diff != "" {
		t.Errorf("Defaults() (-want +got):\n%s", diff)
	}
}

func samePrefix(a, b netip.Prefix) bool { return a == b }

func TestEveryKeyAppearsInTheExample(t *testing.T) {
	data, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	collect("", tree, given)
	for _, leaf := range variables(configType) {
		if !given[leaf.path] {
			t.Errorf("example.yaml does not show %s", leaf.path)
		}
	}
}

func collect(parent string, tree map[string]any, into map[string]bool) {
	for name, value := range tree {
		path := join(parent, name)
		if parent == "trust.sides" || parent == "pages.starts" {
			path = join(parent, anySide)
		}
		into[path] = true
		if members, isMap := value.(map[string]any); isMap {
			collect(path, members, into)
		}
	}
}

func TestEveryLineOfTheExampleIsExplained(t *testing.T) {
	data, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	previous := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if name, _, isKey := strings.Cut(line, ":"); isKey && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "- ") {
			explained[name] = explained[name] || strings.HasPrefix(previous, "#")
		}
		previous = line
	}
	for _, leaf := range variables(configType) {
		if name := leaf.path[strings.LastIndex(leaf.path, ".")+1:]; !explained[name] {
			t.Errorf("example.yaml says nothing about %s", leaf.path)
		}
	}
}

func TestEveryFieldIsDocumented(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	ast.Inspect(parsed, func(node ast.Node) bool {
		structure, isStruct := node.(*ast.StructType)
		if !isStruct {
			return true
		}
		for _, field := range structure.Fields.List {
			fields++
			if field.Doc.Text() == "" {
				t.Errorf("%s has no comment", field.Names[0].Name)
			}
		}
		return true
	})
	if fields < len(variables(configType)) {
		t.Errorf("only %d fields seen", fields)
	}
}

// minimal is the least that loads; tests add to it or break it.
const minimal = `issuer: https://gateway.example
keys: {file: k.json}
journal: {path: j.jsonl}
trust:
  sides:
    macau: {url: "https://mo.example/jwks.json", ca_file: mo.pem}
    guangdong: {file: gd.json}
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMinimalFileGetsTheDefaults(t *testing.T) {
	path := write(t, minimal)
	got, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(path)
	want := Defaults()
	want.Issuer = "https://gateway.example"
	want.Keys.File = filepath.Join(folder, "k.json")
	want.Journal.Path = filepath.Join(folder, "j.jsonl")
	want.Trust.Sides = map[string]Side{
		"macau":     {URL: "https://mo.example/jwks.json", CAFile: filepath.Join(folder, "mo.pem")},
		"guangdong": {File: filepath.Join(folder, "gd.json")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPathsAreRelativeToTheFileWhereverTheProcessStarts(t *testing.T) {
	path := write(t, minimal)
	t.Chdir(t.TempDir())
	got, err := Load(path, []string{"CROSSCODE_TRUST_CACHE_DIR=../cache", "CROSSCODE_RULES_OVERRIDES=/etc/rules"})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(path)
	if want := filepath.Join(filepath.Dir(folder), "cache"); got.Trust.CacheDir != want {
		t.Errorf("trust.cache_dir = %s, want %s", got.Trust.CacheDir, want)
	}
	if got.Rules.Overrides != "/etc/rules" || got.Journal.Path != filepath.Join(folder, "j.jsonl") {
		t.Errorf("rules.overrides = %s, journal.path = %s", got.Rules.Overrides, got.Journal.Path)
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	got, err := Load("example.yaml", []string{
		"PATH=/bin", "crosscode_listen=ignored", "CROSSCODE_CONFIG=some/path.yaml",
		"CROSSCODE_LISTEN=127.0.0.1:0",
		"CROSSCODE_ADMIN_LISTEN=",
		"CROSSCODE_TRUST_REFRESH=30s",
		"CROSSCODE_TRUST_MAX_AGE=48h",
		"CROSSCODE_TRUST_SIDES_MACAU_URL=https://mo.example/keys?",
		"CROSSCODE_TRUST_SIDES_MACAU_URL=https://mo.example/keys",
		"CROSSCODE_TRUST_SIDES_MACAU_CA_FILE=/etc/mo.pem",
		"CROSSCODE_TRUST_SIDES_MACAU_SERVER_NAME=keys.mo.example",
		"CROSSCODE_TRUST_SIDES_MACAU_LANDING_AUDIENCE=",
		"CROSSCODE_TRUST_SIDES_MACAU_LANDING_PAGE=",
		"CROSSCODE_PAGES_STARTS_MACAU_URL=https://mo.example/code",
		"CROSSCODE_PAGES_WECHAT_VERIFICATION_NAME=MP_verify_a1B2c3.txt",
		"CROSSCODE_PAGES_WECHAT_VERIFICATION_CONTENT=a1B2c3",
		"CROSSCODE_ORIGINS=https://a.example, https://b.example",
		"CROSSCODE_TRUSTED_PROXIES=10.0.0.0/8,fd00::/8",
		"CROSSCODE_LIMITS_IN_FLIGHT=7",
		"CROSSCODE_JOURNAL_SYNC=false",
	})
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load("example.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	want.Listen, want.AdminListen = "127.0.0.1:0", ""
	want.Trust.Refresh, want.Trust.MaxAge = 30*time.Second, 48*time.Hour
	want.Trust.Sides["macau"] = Side{URL: "https://mo.example/keys", CAFile: "/etc/mo.pem", ServerName: "keys.mo.example"}
	want.Origins = []string{"https://a.example", "https://b.example"}
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	want.Pages.Starts["macau"] = Start{Side: "macau", URL: "https://mo.example/code"}
	want.Pages.WeChatVerification = Verification{Name: "MP_verify_a1B2c3.txt", Content: "a1B2c3"}
	want.Limits.InFlight, want.Journal.Sync = 7, false
	if diff := cmp.Diff(want, got, cmp.Comparer(samePrefix)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Each key is set by its own variable and by no other one's: the names are unambiguous though _ stands for two things.
func TestEveryKeyHasItsOwnVariable(t *testing.T) {
	names := variables(configType)
	for _, leaf := range names {
		want := strings.Replace(leaf.path, anySide, "macau", 1)
		key, typ, found := names.find(variableName(want))
		if !found || key != want || typ != leaf.typ {
			t.Errorf("find(%s) = %s, %t", variableName(want), key, found)
		}
	}
	for _, unknown := range []string{"CROSSCODE_", "CROSSCODE_TRUST", "CROSSCODE_TRUST_SIDES__URL", "CROSSCODE_TRUST_SIDES_A_B_URL"} {
		if key, _, found := names.find(unknown); found {
			t.Errorf("find(%s) = %s, want nothing", unknown, key)
		}
	}
}

// vault is a good Vault on loopback, with what a test changes.
func vault(changes ...string) []string {
	env := []string{"CROSSCODE_KEYS_KIND=vault", "CROSSCODE_KEYS_VAULT_ADDRESS=http://127.0.0.1:8200", "CROSSCODE_KEYS_VAULT_LOGIN_ROLE_ID=role"}
	for _, change := range changes {
		env = append(env, "CROSSCODE_KEYS_VAULT_"+change)
	}
	return env
}

func TestFaultsNameTheKeyPath(t *testing.T) {
	for _, test := range []struct {
		name string
		yaml string // added to minimal
		env  []string
		key  string
		says string
	}{
		{name: "unknown key", yaml: "lisen: x", key: "lisen", says: "unknown key"},
		{name: "a bundle's life cannot be set", yaml: "bundle: {hard: 48h}", key: "bundle", says: "unknown key"},
		{name: "unknown key inside a block", yaml: "limits: {per_adress: {rate: 1}}", key: "limits.per_adress", says: "unknown key"},
		{name: "unknown variable", env: []string{"CROSSCODE_TRUST_CACHEDIR=x"}, key: "CROSSCODE_TRUST_CACHEDIR", says: "no key"},
		{name: "text for a boolean", yaml: `specimen: "no"`, key: "specimen", says: "true or false"},
		{name: "text for a boolean from the environment", env: []string{"CROSSCODE_SPECIMEN=yes"}, key: "specimen", says: "CROSSCODE_SPECIMEN: must be true or false"},
		{name: "text for a number", yaml: `limits: {in_flight: "9"}`, key: "limits.in_flight", says: "whole number"},
		{name: "no whole number from the environment", env: []string{"CROSSCODE_LIMITS_IN_FLIGHT=1e3"}, key: "limits.in_flight", says: "whole number"},
		{name: "number for a text", yaml: "listen: 8080", key: "listen", says: "a text"},
		{name: "number for a duration", yaml: "rules: {reload: 10}", key: "rules.reload", says: "with its unit"},
		{name: "single value for a list", yaml: "origins: https://a.example", key: "origins", says: "a list"},
		{name: "value for a block", yaml: "tls: true", key: "tls", says: "block of keys"},
		{name: "key without a value", yaml: "admin_listen:", key: "admin_listen", says: "no value"},
		{name: "bits after the prefix", yaml: "trusted_proxies: [10.1.0.0/8]", key: "trusted_proxies[0]", says: "address range"},
		{name: "a single address is no range", yaml: "trusted_proxies: [10.1.0.1]", key: "trusted_proxies[0]", says: "address range"},
		{name: "unknown kind of key ring", env: []string{"CROSSCODE_KEYS_KIND=hsm"}, key: "keys.kind", says: "embedded or vault"},
		{name: "vault without an address", env: vault("ADDRESS="), key: "keys.vault.address", says: "required"},
		{name: "vault over plain http", env: vault("ADDRESS=http://vault.example:8200"), key: "keys.vault.address", says: "must be https"},
		{name: "vault without an authority", env: vault("ADDRESS=https://vault.example:8200"), key: "keys.vault.ca_file", says: "required"},
		{name: "authority for a socket", env: vault("ADDRESS=unix:///run/agent.sock", "CA_FILE=ca.pem"), key: "keys.vault.ca_file", says: "https address only"},
		{name: "vault without a mount", env: vault("MOUNT="), key: "keys.vault.mount", says: "required"},
		{name: "approle without its role", env: vault("LOGIN_ROLE_ID="), key: "keys.vault.login.role_id", says: "required"},
		{name: "kubernetes without its role", env: vault("LOGIN_METHOD=kubernetes"), key: "keys.vault.login.role", says: "required"},
		{name: "token file without a file", env: vault("LOGIN_METHOD=token-file"), key: "keys.vault.login.token_file", says: "required"},
		{name: "agent without its socket", env: vault("LOGIN_METHOD=agent"), key: "keys.vault.login.method", says: "unix:///"},
		{name: "unknown login", env: vault("LOGIN_METHOD=root"), key: "keys.vault.login.method", says: "approle, kubernetes"},
		{name: "issuer missing", env: []string{"CROSSCODE_ISSUER="}, key: "issuer", says: "required"},
		{name: "issuer over plain http", env: []string{"CROSSCODE_ISSUER=http://gateway.example"}, key: "issuer", says: "must be https"},
		{name: "issuer with a slash", env: []string{"CROSSCODE_ISSUER=https://gateway.example/"}, key: "issuer", says: "slash"},
		{name: "key file missing", env: []string{"CROSSCODE_KEYS_FILE="}, key: "keys.file", says: "required"},
		{name: "journal missing", env: []string{"CROSSCODE_JOURNAL_PATH="}, key: "journal.path", says: "required"},
		{name: "no port", yaml: "listen: 127.0.0.1", key: "listen", says: "host:port"},
		{name: "port out of range", yaml: "listen: 127.0.0.1:65536", key: "listen", says: "host:port"},
		{name: "plain HTTP for everybody", yaml: `listen: "0.0.0.0:80"`, key: "listen", says: "needs tls"},
		{name: "plain HTTP on every interface by omission", yaml: `listen: ":80"`, key: "listen", says: "needs tls"},
		{name: "metrics on every interface by omission", yaml: `admin_listen: ":9090"`, key: "admin_listen", says: "written out"},
		{name: "metrics at the public address", yaml: "admin_listen: 127.0.0.1:8080", key: "admin_listen", says: "public address"},
		{name: "certificate without its key", yaml: "tls: {cert: c.pem}", key: "tls", says: "go together"},
		{name: "two certificates", yaml: "tls: {cert: c.pem, key: k.pem, dev: true}", key: "tls.dev", says: "not both"},
		{name: "reload too often", yaml: "rules: {reload: 999ms}", key: "rules.reload", says: "from 1s"},
		{name: "refresh too often", env: []string{"CROSSCODE_TRUST_REFRESH=9s"}, key: "trust.refresh", says: "from 10s"},
		{name: "refresh too seldom", env: []string{"CROSSCODE_TRUST_REFRESH=61m"}, key: "trust.refresh", says: "to 1h"},
		{name: "removed keys for weeks", env: []string{"CROSSCODE_TRUST_MAX_AGE=169h"}, key: "trust.max_age", says: "to 168h"},
		{name: "good for less than a refresh", env: []string{"CROSSCODE_TRUST_MAX_AGE=4m"}, key: "trust.max_age", says: "from 5m"},
		{name: "wrong side id", yaml: "", env: []string{"CROSSCODE_TRUST_SIDES_X_FILE=x.json"}, key: "trust.sides.x", says: "2 to 16 letters"},
		{name: "neither url nor file", env: []string{"CROSSCODE_TRUST_SIDES_GUANGDONG_FILE="}, key: "trust.sides.guangdong", says: "either url or file"},
		{name: "both url and file", env: []string{"CROSSCODE_TRUST_SIDES_MACAU_FILE=x"}, key: "trust.sides.macau", says: "either url or file"},
		{name: "keys over plain http", env: []string{"CROSSCODE_TRUST_SIDES_MACAU_CA_FILE=", "CROSSCODE_TRUST_SIDES_MACAU_URL=http://10.0.0.1/jwks"}, key: "trust.sides.macau.url", says: "must be https"},
		{name: "keys from a file URL", env: []string{"CROSSCODE_TRUST_SIDES_MACAU_CA_FILE=", "CROSSCODE_TRUST_SIDES_MACAU_URL=file:///etc/passwd"}, key: "trust.sides.macau.url", says: "absolute URL"},
		{name: "url with a password", env: []string{"CROSSCODE_TRUST_SIDES_MACAU_URL=https://u:p@mo.example/"}, key: "trust.sides.macau.url", says: "no user"},
		{name: "https without an authority", env: []string{"CROSSCODE_TRUST_SIDES_MACAU_CA_FILE="}, key: "trust.sides.macau.ca_file", says: "required"},
		{name: "authority for a file", env: []string{"CROSSCODE_TRUST_SIDES_GUANGDONG_CA_FILE=x"}, key: "trust.sides.guangdong.ca_file", says: "https url only"},
		{name: "server name for a file", env: []string{"CROSSCODE_TRUST_SIDES_GUANGDONG_SERVER_NAME=x"}, key: "trust.sides.guangdong.server_name", says: "https url only"},
		{name: "landing that is no URL", env: []string{"CROSSCODE_TRUST_SIDES_MACAU_LANDING_AUDIENCE=macau"}, key: "trust.sides.macau.landing.audience", says: "absolute URL"},
		{name: "landing page over plain http", env: []string{"CROSSCODE_TRUST_SIDES_MACAU_LANDING_AUDIENCE=https://mo.example", "CROSSCODE_TRUST_SIDES_MACAU_LANDING_PAGE=http://mo.example/h5"}, key: "trust.sides.macau.landing.page", says: "must be https"},
		{name: "landing page without a handoff to post", env: []string{"CROSSCODE_TRUST_SIDES_MACAU_LANDING_PAGE=https://mo.example/h5"}, key: "trust.sides.macau.landing.page", says: "goes with audience"},
		{name: "start of a side that is not there", yaml: "pages: {starts: {taipa: {side: taipa, url: https://t.example}}}", key: "pages.starts.taipa.side", says: "one of trust.sides"},
		{name: "start under a wrong id", yaml: "pages: {starts: {macau-web: {side: macau, url: https://mo.example}}}", key: "pages.starts.macau-web", says: "2 to 16 letters"},
		{name: "start that is a script", yaml: `pages: {starts: {macau: {side: macau, url: "javascript:alert(1)"}}}`, key: "pages.starts.macau.url", says: "absolute URL"},
		{name: "start with a query", yaml: `pages: {starts: {macau: {side: macau, url: "https://mo.example/?next=x"}}}`, key: "pages.starts.macau.url", says: "no user, query"},
		{name: "start over plain http", yaml: `pages: {starts: {macau: {side: macau, url: "http://mo.example/"}}}`, key: "pages.starts.macau.url", says: "must be https"},
		{name: "verification file in a folder", yaml: "pages: {wechat_verification: {name: a/b.txt, content: x}}", key: "pages.wechat_verification.name", says: "file name"},
		{name: "verification file that is a page", yaml: "pages: {wechat_verification: {name: a.html, content: x}}", key: "pages.wechat_verification.name", says: "file name"},
		{name: "verification file without content", yaml: "pages: {wechat_verification: {name: a.txt}}", key: "pages.wechat_verification.content", says: "1 to 128"},
		{name: "verification content without a file", yaml: "pages: {wechat_verification: {content: x}}", key: "pages.wechat_verification.name", says: "file name"},
		{name: "verification content of two lines", yaml: `pages: {wechat_verification: {name: a.txt, content: "a\nb"}}`, key: "pages.wechat_verification.content", says: "visible ASCII"},
		{name: "any origin", yaml: `origins: ["*"]`, key: "origins[0]", says: "absolute URL"},
		{name: "origin with a path", yaml: "origins: [https://a.example/x]", key: "origins[0]", says: "without a path"},
		{name: "origin in capitals never matches", yaml: "origins: [https://A.example]", key: "origins[0]", says: "small letters"},
		{name: "no rate", yaml: "limits: {per_address: {rate: 0}}", key: "limits.per_address.rate", says: "from 1"},
		{name: "burst below the rate", yaml: "limits: {per_address: {rate: 9, burst: 8}}", key: "limits.per_address.burst", says: "from 9"},
		{name: "nothing in flight", yaml: "limits: {in_flight: 0}", key: "limits.in_flight", says: "from 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(write(t, minimal+test.yaml), test.env)
			var faults Faults
			if !errors.As(err, &faults) || len(faults) != 1 {
				t.Fatalf("Load = %v, want one fault", err)
			}
			if faults[0].Key != test.key || !strings.Contains(faults[0].Message, test.says) {
				t.Errorf("fault %q: %q, want %q: …%s…", faults[0].Key, faults[0].Message, test.key, test.says)
			}
		})
	}
}

func TestWhatIsAllowed(t *testing.T) {
	for name, extra := range map[string]string{
		"TLS off loopback":                   `{listen: "0.0.0.0:443", tls: {cert: c, key: k}}`,
		"throw-away TLS":                     `{listen: "0.0.0.0:443", tls: {dev: true}}`,
		"plain HTTP behind a proxy":          `{listen: "0.0.0.0:80", trusted_proxies: [10.0.0.0/8]}`,
		"IPv6 loopback":                      `{listen: "[::1]:80"}`,
		"metrics for all, written out":       `{admin_listen: "0.0.0.0:9090"}`,
		"two free ports":                     `{listen: "127.0.0.1:0", admin_listen: "127.0.0.1:0"}`,
		"the bounds themselves, low":         `{rules: {reload: 1s}, limits: {per_address: {rate: 1, burst: 1}, in_flight: 1}}`,
		"the bounds themselves, high":        `{rules: {reload: 1h}, limits: {per_address: {rate: 100000, burst: 100000}, in_flight: 65536}}`,
		"a start with a path on loopback":    `{pages: {starts: {macau: {side: macau, url: "http://127.0.0.1:8082/code"}}}}`,
		"a verification file at its limits":  `{pages: {wechat_verification: {name: "` + strings.Repeat("a", 64) + `.txt", content: "` + strings.Repeat("x", 128) + `"}}}`,
		"an origin with a port on localhost": `{origins: ["http://localhost:3000"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			block := strings.TrimSuffix(strings.TrimPrefix(extra, "{"), "}")
			var added map[string]any
			if err := yaml.Unmarshal([]byte("{"+block+"}"), &added); err != nil {
				t.Fatal(err)
			}
			rest, err := yaml.Marshal(added)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Load(write(t, minimal+string(rest)), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	_, err := Load(write(t, "isuer: x\nlisten: 80\nkeys: {kind: hsm}\ntrust: {refresh: soon, sides: {macau: {url: x, lan: {}}}}\n"),
		[]string{"CROSSCODE_NOTHING=1"})
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("Load = %v, want faults", err)
	}
	var keys []string
	for _, fault := range faults {
		keys = append(keys, fault.Key)
	}
	want := []string{
		"CROSSCODE_NOTHING", "listen", "trust.refresh", "trust.sides.macau.lan", "isuer",
		"issuer", "keys.kind", "journal.path", "trust.sides", "trust.sides.macau.url",
	}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("faults (-want +got):\n%s\n%v", diff, err)
	}
}

func TestWhatIsNoConfigurationAtAll(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v, want fs.ErrNotExist", err)
	}
	for name, text := range map[string]string{
		"no YAML":           "{",
		"a list":            "- issuer",
		"a key given twice": minimal + "issuer: https://other.example\n",
	} {
		if _, err := Load(write(t, text), nil); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
