// Command devvault is HashiCorp's own Vault server, cut down to what Crosscode is developed and tested against: the core,
// the HTTP handler, the transit engine, and the AppRole and Kubernetes logins. Nothing in it is simulated.
//
// It is for development and tests only and is never shipped: it unseals itself with a key that lies beside its data, and
// Vault's code is under the Business Source Licence 1.1 (BUSL-1.1), unlike everything else here. For that reason, and because
// it needs 300 modules that the gateway does not, it is a module of its own. The version that runs in production should be
// newer: see the CVEs that name 1.21.4 as their last affected version.
//
// # Use
//
//	go build -o devvault . && ./devvault --data .run/vault       (the first build takes about six minutes)
//	export VAULT_ADDR=http://127.0.0.1:8200 VAULT_TOKEN=$(cat .run/vault/root-token)
//
// # What it does at a start
//
//	first start     initialises itself with one unseal key and keeps key and root token in the data folder (mode 0600)
//	every start     unseals itself, unless --sealed
//	--audit FILE    logs every request and answer to FILE, in the clear, so that a test can look for what must not be there
//	--tls           makes an authority and a certificate for localhost, 127.0.0.1 and ::1 in the data folder, once
//	--standby ADDR  runs a second node on the same storage, which cannot forward and so redirects (307), as standbys do
//
// It can be sealed and unsealed over its API (sys/seal, sys/unseal), stopped with SIGTERM, killed with SIGKILL, and started
// again on the same data. The files in the data folder:
//
//	root-token  unseal-key  ca.pem  server.pem  server-key.pem  storage/
//
// Package transittest, in the main module, builds and runs it for tests.
package main
