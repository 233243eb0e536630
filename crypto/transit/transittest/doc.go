// Package transittest gives tests a real Vault. Nothing of Vault is simulated here.
//
//	func TestMain(m *testing.M) { transittest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		vault := transittest.Start(t) // a mount of this test's own, on a server that the package's tests share
//		…
//	}
//
// # Which Vault
//
//	VAULT_ADDR and VAULT_TOKEN set    that one, with a token that may mount engines and write policies
//	a vault program on PATH           vault server -dev
//	otherwise                         cmd/devvault, built into .bin/ (≈ 6 min the first time, seconds afterwards)
//	SKIP_VAULT=1                      none: each test that asks is skipped, and the report of package skipped says so
//
// A test that must kill, seal, pause, or read the audit log asks for a server of its own with Controlled, TLS, Audit or
// Standby. That is always devvault, whatever the environment says: such a test is never left out in silence.
package transittest
