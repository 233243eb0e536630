package config

import (
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of what can be set. They are wide on purpose: each stops a slip (a missing digit, a wrong unit) and the two
// ages keep a removed key from living on for weeks.
const (
	minReload, maxReload   = time.Second, time.Hour
	minRefresh, maxRefresh = 10 * time.Second, time.Hour
	maxMaxAge              = 7 * 24 * time.Hour
	maxRate                = 100_000
	maxInFlight            = 65_536
	minSides               = 2
)

// sideID is the shape of a side's id, as exchange.ParseSide has it.
var sideID = regexp.MustCompile(`^[a-z]{2,16}$`)

// What a verification file may be called and hold. Nothing else fits into a path of one segment, or could be a page.
var (
	verificationName    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}\.txt$`)
	verificationContent = regexp.MustCompile(`^[!-~]{1,128}$`)
)

// checks go through the Config in its own order, so that faults come in the order of the file.
var checks = []func(*Config, *Faults){
	checkIssuer, checkListeners, checkTLS, checkKeys, checkJournal, checkRules, checkTrust, checkOrigins, checkPages, checkLimits,
}

func check(config Config) Faults {
	var faults Faults
	for _, one := range checks {
		one(&config, &faults)
	}
	return faults
}

func checkIssuer(c *Config, faults *Faults) {
	if message := badURL(c.Issuer); message != "" {
		faults.add("issuer", "%s", message)
	} else if strings.HasSuffix(c.Issuer, "/") {
		faults.add("issuer", "must not end in a slash: it is compared byte for byte")
	}
}

func checkListeners(c *Config, faults *Faults) {
	host, ok := splitAddress(c.Listen)
	switch {
	case !ok:
		faults.add("listen", "must be host:port, such as 127.0.0.1:8080")
	case !loopback(host) && c.TLS == (TLS{}) && len(c.TrustedProxies) == 0:
		faults.add("listen", "plain HTTP off loopback needs tls here, or trusted_proxies that end TLS in front")
	}
	if c.AdminListen == "" {
		return
	}
	if host, ok := splitAddress(c.AdminListen); !ok || host == "" {
		faults.add("admin_listen", "must be host:port with the host written out, such as 127.0.0.1:9090, or empty")
	} else if c.AdminListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		faults.add("admin_listen", "must not be the public address")
	}
}

func checkTLS(c *Config, faults *Faults) {
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		faults.add("tls", "cert and key go together")
	}
	if c.TLS.Dev && c.TLS.Cert != "" {
		faults.add("tls.dev", "either a certificate or one made at each start, not both")
	}
}

func checkKeys(c *Config, faults *Faults) {
	switch c.Keys.Kind {
	case KeysEmbedded:
		required(faults, "keys.file", c.Keys.File)
	case KeysVault:
		checkVault(c.Keys.Vault, faults)
	default:
		faults.add("keys.kind", "must be embedded or vault, not %q", c.Keys.Kind)
	}
}

func checkVault(vault Vault, faults *Faults) {
	const key = "keys.vault"
	required(faults, key+".mount", vault.Mount)
	secure := strings.HasPrefix(vault.Address, "https://")
	switch message := badURL(vault.Address); {
	case strings.HasPrefix(vault.Address, "unix:///"):
	case message != "":
		faults.add(key+".address", "%s", message)
	case secure:
		required(faults, key+".ca_file", vault.CAFile)
	}
	if !secure && vault.CAFile+vault.ServerName != "" {
		faults.add(key+".ca_file", "is for an https address only, and so is server_name")
	}
	checkLogin(key+".login", vault, faults)
}

func checkLogin(key string, vault Vault, faults *Faults) {
	switch login := vault.Login; login.Method {
	case LoginAppRole:
		required(faults, key+".role_id", login.RoleID)
	case LoginKubernetes:
		required(faults, key+".role", login.Role)
	case LoginTokenFile:
		required(faults, key+".token_file", login.TokenFile)
	case LoginAgent:
		if !strings.HasPrefix(vault.Address, "unix:///") {
			faults.add(key+".method", "an agent is asked through its socket: keys.vault.address must be unix:///…")
		}
	default:
		faults.add(key+".method", "must be approle, kubernetes, token-file or agent, not %q", login.Method)
	}
}

func checkJournal(c *Config, faults *Faults) { required(faults, "journal.path", c.Journal.Path) }

func checkRules(c *Config, faults *Faults) {
	within(faults, "rules.reload", c.Rules.Reload, minReload, maxReload)
}

func checkTrust(c *Config, faults *Faults) {
	within(faults, "trust.refresh", c.Trust.Refresh, minRefresh, maxRefresh)
	within(faults, "trust.max_age", c.Trust.MaxAge, c.Trust.Refresh, maxMaxAge)
	if len(c.Trust.Sides) < minSides {
		faults.add("trust.sides", "needs at least %d sides", minSides)
	}
	for _, id := range slices.Sorted(maps.Keys(c.Trust.Sides)) {
		key := "trust.sides." + id
		if !sideID.MatchString(id) {
			faults.add(key, "a side's id has 2 to 16 letters a–z")
		}
		checkSide(key, c.Trust.Sides[id], faults)
	}
}

func checkSide(key string, side Side, faults *Faults) {
	secure := strings.HasPrefix(side.URL, "https://")
	if (side.URL == "") == (side.File == "") {
		faults.add(key, "needs either url or file")
	}
	if side.URL != "" {
		if message := badURL(side.URL); message != "" {
			faults.add(key+".url", "%s", message)
		}
	}
	switch {
	case secure && side.CAFile == "":
		faults.add(key+".ca_file", "is required with an https url")
	case !secure && side.CAFile != "":
		faults.add(key+".ca_file", "goes with an https url only")
	}
	if !secure && side.ServerName != "" {
		faults.add(key+".server_name", "goes with an https url only")
	}
	checkLanding(key+".landing", side.Landing, faults)
}

func checkLanding(key string, landing Landing, faults *Faults) {
	if landing.Audience != "" {
		if message := badURL(landing.Audience); message != "" {
			faults.add(key+".audience", "%s", message)
		}
	}
	if landing.Page == "" {
		return
	}
	if message := badURL(landing.Page); message != "" {
		faults.add(key+".page", "%s", message)
	} else if landing.Audience == "" {
		faults.add(key+".page", "goes with audience only: without one there is no handoff to post")
	}
}

func checkOrigins(c *Config, faults *Faults) {
	for i, origin := range c.Origins {
		key := "origins[" + strconv.Itoa(i) + "]"
		if message := badURL(origin); message != "" {
			faults.add(key, "%s", message)
		} else if u, _ := url.Parse(origin); u.Path != "" || origin != strings.ToLower(origin) {
			faults.add(key, "must be scheme://host[:port] in small letters, without a path")
		}
	}
}

func checkPages(c *Config, faults *Faults) {
	for _, id := range slices.Sorted(maps.Keys(c.Pages.Starts)) {
		key, start := "pages.starts."+id, c.Pages.Starts[id]
		if !sideID.MatchString(id) {
			faults.add(key, "the id of a page has 2 to 16 letters a–z")
		}
		if _, known := c.Trust.Sides[start.Side]; !known {
			faults.add(key+".side", "must be one of trust.sides")
		}
		if message := badURL(start.URL); message != "" {
			faults.add(key+".url", "%s", message)
		}
	}
	checkVerification(c.Pages.WeChatVerification, faults)
}

func checkVerification(file Verification, faults *Faults) {
	switch {
	case file == Verification{}:
	case !verificationName.MatchString(file.Name):
		faults.add("pages.wechat_verification.name", "must be a file name such as MP_verify_a1B2c3.txt")
	case !verificationContent.MatchString(file.Content):
		faults.add("pages.wechat_verification.content", "must be 1 to 128 visible ASCII characters")
	}
}

func checkLimits(c *Config, faults *Faults) {
	per := c.Limits.PerAddress
	within(faults, "limits.per_address.rate", per.Rate, 1, maxRate)
	within(faults, "limits.per_address.burst", per.Burst, max(per.Rate, 1), maxRate)
	within(faults, "limits.in_flight", c.Limits.InFlight, 1, maxInFlight)
}

func required(faults *Faults, key, value string) {
	if value == "" {
		faults.add(key, "is required")
	}
}

func within[T int | time.Duration](faults *Faults, key string, value, low, high T) {
	if value < low || value > high {
		faults.add(key, "must be from %v to %v", low, high)
	}
}

// badURL says what is wrong with a URL that other programs will compare or call; empty: nothing. Plain http is for
// loopback alone: everywhere else, whoever stands between could put in keys or codes of their own.
func badURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "is required"
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return "must be an absolute URL"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return "must have no user, query or fragment"
	case u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()):
		return ""
	}
	return "must be https, or http on a loopback host"
}

// loopback is true for what cannot leave this machine: localhost or a loopback address.
func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

func splitAddress(address string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return host, err == nil
}
