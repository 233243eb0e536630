package config

import (
	"net/netip"
	"time"
)

// Config is all that an operator can set. Every value that Load returns has been checked.
type Config struct {
	// Issuer is the gateway's own URL as the outside knows it, without a slash at the end: the `aud` of every packet and the
	// `iss` of the bundle, compared byte for byte. https, or http on a loopback host. Required.
	Issuer string `koanf:"issuer"`
	// Listen is the address of the public calls, host:port. Port 0 takes any free port. Without tls it must be a loopback
	// address, unless trusted_proxies says who ends TLS in front of it. Absent: 127.0.0.1:8080.
	Listen string `koanf:"listen"`
	// AdminListen is the private address of /metrics and the detail behind /readyz. It has no authentication of its own, so
	// the host must be written out (0.0.0.0 included). Absent: 127.0.0.1:9090; empty: no such listener.
	AdminListen string `koanf:"admin_listen"`
	// TLS is for the public listener. Absent: plain HTTP.
	TLS TLS `koanf:"tls"`
	// Keys says where the gateway's own private keys live.
	Keys Keys `koanf:"keys"`
	// Journal is the record without personal data of what was signed.
	Journal Journal `koanf:"journal"`
	// Rules is about rulebooks that differ from the built-in ones.
	Rules Rules `koanf:"rules"`
	// Trust says where the sides' public keys come from.
	Trust Trust `koanf:"trust"`
	// Origins are the web origins whose pages may call the gateway from a browser (CORS), scheme://host[:port]. No wildcard.
	// Absent: none, so only same-origin pages and servers can.
	Origins []string `koanf:"origins"`
	// Pages is about the gateway's own pages for travellers (/h5/).
	Pages Pages `koanf:"pages"`
	// TrustedProxies are the address ranges of the proxies whose X-Forwarded-For is believed. Absent: none; the peer's own
	// address counts, whatever the header says.
	TrustedProxies []netip.Prefix `koanf:"trusted_proxies"`
	// Limits shields the gateway from more work than it can do.
	Limits Limits `koanf:"limits"`
	// Specimen marks every code, receipt and bundle as not for real use; a production verifier refuses them. Absent: false,
	// so real ones are made.
	Specimen bool `koanf:"specimen"`
}

// TLS is the public listener's certificate.
type TLS struct {
	// Cert is the path of the PEM certificate chain, the leaf first. Goes with key. Absent: no TLS, unless dev.
	Cert string `koanf:"cert" kind:"path"`
	// Key is the path of the PEM private key. Goes with cert.
	Key string `koanf:"key" kind:"path"`
	// Dev makes a certificate at each start, which no browser trusts. Not together with cert. Absent: false.
	Dev bool `koanf:"dev"`
}

// The two kinds of key ring.
const (
	KeysEmbedded = "embedded" // private keys in one file of this machine
	KeysVault    = "vault"    // private keys in the transit engine of a HashiCorp Vault
)

// Keys is the key ring.
type Keys struct {
	// Kind is the kind of key ring, KeysEmbedded or KeysVault. Absent: embedded.
	Kind string `koanf:"kind"`
	// File is the path of the embedded ring's file, made by `gateway keys init`, mode 0600. Required for embedded.
	File string `koanf:"file" kind:"path"`
	// Vault is where the keys are for vault, made by `gateway vault init`.
	Vault Vault `koanf:"vault"`
}

// Vault is a HashiCorp Vault with a transit engine.
type Vault struct {
	// Address is https://host:port, http://… on a loopback host only, or unix:///path of a Vault Agent's socket. Required for
	// keys.kind vault; with embedded nothing of this block is looked at.
	Address string `koanf:"address"`
	// Mount is where the transit engine is. Absent: transit.
	Mount string `koanf:"mount"`
	// Namespace is sent with each request (Vault Enterprise). Absent: the root namespace.
	Namespace string `koanf:"namespace"`
	// CAFile is the path of the PEM certificates of the only authorities whose word counts for address. Required with https.
	CAFile string `koanf:"ca_file" kind:"path"`
	// ServerName is the name that Vault's certificate must carry. Absent: the host of address.
	ServerName string `koanf:"server_name"`
	// Login is how the gateway gets its token.
	Login Login `koanf:"login"`
}

// The methods of Login.
const (
	LoginAppRole    = "approle"
	LoginKubernetes = "kubernetes"
	LoginTokenFile  = "token-file"
	LoginAgent      = "agent"
)

// Login is how the gateway gets its token from Vault.
type Login struct {
	// Method is approle, kubernetes, token-file, or agent (the agent behind a socket adds the token). Absent: approle.
	Method string `koanf:"method"`
	// Mount is where the auth method is. Absent: the method's own name.
	Mount string `koanf:"mount"`
	// RoleID is the AppRole's role id. Required for approle.
	RoleID string `koanf:"role_id"`
	// SecretIDFile is the path of a file with the AppRole's secret id. Absent: the role asks for none.
	SecretIDFile string `koanf:"secret_id_file" kind:"path"`
	// Role is the Kubernetes role. Required for kubernetes.
	Role string `koanf:"role"`
	// TokenFile is the path of the token for token-file (required), or of the pod's service account token for kubernetes
	// (absent: where Kubernetes puts it).
	TokenFile string `koanf:"token_file" kind:"path"`
}

// Journal is the hash-chained file.
type Journal struct {
	// Path is the path of the journal's file; it is appended to. Required.
	Path string `koanf:"path" kind:"path"`
	// Sync waits for the disk with each line, before anything is signed. False is faster, and can lose the last lines when
	// the machine loses power. Absent: true.
	Sync bool `koanf:"sync"`
}

// Rules is about rulebooks from a directory.
type Rules struct {
	// Overrides is the path of a directory with <side>.yaml files, each of which replaces a built-in rulebook. Absent: the
	// built-in ones alone.
	Overrides string `koanf:"overrides" kind:"path"`
	// Reload is how often that directory is looked at for changes, 1s to 1h. Absent: 10s. Without overrides it means nothing.
	Reload time.Duration `koanf:"reload"`
}

// Trust is about the sides' published key sets (JWKS).
type Trust struct {
	// CacheDir is the path of the directory in which the last good set of each side outlives a restart; made if missing,
	// mode 0700. Absent: sets are kept in memory only.
	CacheDir string `koanf:"cache_dir" kind:"path"`
	// Refresh is the longest time between two looks at a side's set, and so the time after which a removed key has stopped
	// working, 10s to 1h. Absent: 5m.
	Refresh time.Duration `koanf:"refresh"`
	// MaxAge is how long the last good set is used while a side cannot be reached, from refresh to 168h. Absent: 24h.
	MaxAge time.Duration `koanf:"max_age"`
	// Sides are the sides by id (2 to 16 letters a–z). Required: at least two, since a route leads from one side to another.
	Sides map[string]Side `koanf:"sides"`
}

// Side is where one side publishes its keys and, if it wants handoffs, who opens them.
type Side struct {
	// URL is the URL of the side's JWKS: https with ca_file, or http on a loopback host. Redirects are never followed. Either
	// url or file is required.
	URL string `koanf:"url"`
	// File is the path of a JWKS file that somebody else keeps up to date, instead of url. Absent: url is used.
	File string `koanf:"file" kind:"path"`
	// CAFile is the path of the PEM certificates of the only authorities whose word counts for url. Required with https; not
	// with anything else.
	CAFile string `koanf:"ca_file" kind:"path"`
	// ServerName is the name that the side's certificate must carry, and the name asked for. Absent: the host of url.
	ServerName string `koanf:"server_name"`
	// Landing is the side's landing page for travellers who arrive with a code.
	Landing Landing `koanf:"landing"`
}

// Landing is a destination's page that takes handoffs.
type Landing struct {
	// Audience is written into every handoff for this side, which must compare it: an absolute URL. Absent: this side gets
	// codes and receipts without a handoff.
	Audience string `koanf:"audience"`
	// Page is the URL to which the traveller's browser posts the handoff (form field handoff). Its origin is the one place
	// beside the gateway itself that a page of the gateway may send a form to. Goes with audience. Absent: the gateway's page
	// shows the code and leads nowhere.
	Page string `koanf:"page"`
}

// Pages is about the gateway's own pages for travellers.
type Pages struct {
	// Starts are the sides' pages that travellers come from, by an id (2 to 16 letters a–z): their origins alone may post a
	// packet to /h5/, and they are where a traveller is led back to, chosen by id and never by a URL. Absent: none, so nobody
	// can come.
	Starts map[string]Start `koanf:"starts"`
	// WeChatVerification is the file by which WeChat checks that the gateway's domain is its operator's.
	WeChatVerification Verification `koanf:"wechat_verification"`
}

// Start is a page of a side from which travellers come with a packet.
type Start struct {
	// Side is the id of the side whose page it is, one of trust.sides: it may send travellers over that side's routes only.
	// Required.
	Side string `koanf:"side"`
	// URL is the page's URL, without query. Required.
	URL string `koanf:"url"`
}

// Verification is one small file at the root of the gateway's domain.
type Verification struct {
	// Name is the file's name, such as MP_verify_a1B2c3.txt: letters, digits, _ and -, at most 64, then .txt. Goes with
	// content. Absent: no file.
	Name string `koanf:"name"`
	// Content is the file's one line, as WeChat gives it: 1 to 128 visible ASCII characters.
	Content string `koanf:"content"`
}

// Limits is what one gateway process takes on. Each replica counts for itself.
type Limits struct {
	// PerAddress is for one client address.
	PerAddress PerAddress `koanf:"per_address"`
	// InFlight is how many exchanges may be under way at a time, 1 to 65536; the next one is answered 503 at once. Absent: 512.
	InFlight int `koanf:"in_flight"`
}

// PerAddress is a token bucket. Whole carriers and border halls share one address, so it must not be small.
type PerAddress struct {
	// Rate is how many calls a second one address may make on average, 1 to 100000. Absent: 50.
	Rate int `koanf:"rate"`
	// Burst is how many it may make at once, from rate to 100000. Absent: 250.
	Burst int `koanf:"burst"`
}

// Defaults is what holds for whatever neither the file nor the environment says. What is required is empty here.
func Defaults() Config {
	return Config{
		Listen:      "127.0.0.1:8080",
		AdminListen: "127.0.0.1:9090",
		Keys:        Keys{Kind: KeysEmbedded, Vault: Vault{Mount: "transit", Login: Login{Method: LoginAppRole}}},
		Journal:     Journal{Sync: true},
		Rules:       Rules{Reload: 10 * time.Second},
		Trust:       Trust{Refresh: 5 * time.Minute, MaxAge: 24 * time.Hour},
		Limits:      Limits{PerAddress: PerAddress{Rate: 50, Burst: 250}, InFlight: 512},
	}
}
