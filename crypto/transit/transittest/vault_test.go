package transittest_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"crosscode/crypto/transit/transittest"
)

func TestMain(m *testing.M) { transittest.Main(m) }

func TestTestsShareAServerButNotAMount(t *testing.T) {
	first, second := transittest.Start(t), transittest.Start(t)
	if first.Address != second.Address {
		t.Errorf("two servers: %s and %s", first.Address, second.Address)
	}
	if first.Mount == second.Mount {
		t.Errorf("both tests have the mount %s", first.Mount)
	}
	first.Write(t, first.Mount+"/keys/k", map[string]any{"type": "ecdsa-p256"})
	if found, err := second.Admin(t).Logical().Read(second.Mount + "/keys/k"); err != nil || found != nil {
		t.Errorf("the other test sees the key: %v, %v", found, err)
	}
}

func TestKilledServerComesBackWithItsData(t *testing.T) {
	v := transittest.Start(t, transittest.Controlled())
	v.Write(t, v.Mount+"/keys/k", map[string]any{"type": "ecdsa-p256"})
	v.Kill(t)
	if _, err := v.Admin(t).Sys().SealStatus(); err == nil {
		t.Fatal("a killed server answers")
	}
	v.Restart(t, false)
	if found, err := v.Admin(t).Logical().Read(v.Mount + "/keys/k"); err != nil || found == nil {
		t.Fatalf("the key is gone: %v, %v", found, err)
	}
	v.Kill(t)
	v.Restart(t, true)
	if status, err := v.Admin(t).Sys().SealStatus(); err != nil || !status.Sealed {
		t.Fatalf("not sealed: %v, %v", status, err)
	}
	v.Unseal(t)
	v.Seal(t)
	v.Unseal(t)
	if found, err := v.Admin(t).Logical().Read(v.Mount + "/keys/k"); err != nil || found == nil {
		t.Fatalf("the key is gone: %v, %v", found, err)
	}
}

func TestPausedServerSaysNothing(t *testing.T) {
	v := transittest.Start(t, transittest.Controlled())
	client := http.Client{Timeout: 200 * time.Millisecond}
	defer client.CloseIdleConnections()
	v.Pause(t)
	if answer, err := client.Get(v.Address + "/v1/sys/health"); err == nil {
		answer.Body.Close()
		t.Error("a paused server answers")
	}
	v.Resume(t)
	client.Timeout = 5 * time.Second
	answer, err := client.Get(v.Address + "/v1/sys/health")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
}

func TestAuditLogIsInTheClear(t *testing.T) {
	v := transittest.Start(t, transittest.Audit())
	v.Write(t, v.Mount+"/keys/k", map[string]any{"type": "ecdsa-p256"})
	v.Write(t, v.Mount+"/sign/k", map[string]any{"input": "cGxhbnRlZA=="})
	if !bytes.Contains(v.AuditLog(t), []byte("cGxhbnRlZA==")) {
		t.Error("what was sent is not in the audit log")
	}
	v.Kill(t)
	v.Restart(t, false)
	v.Write(t, v.Mount+"/sign/k", map[string]any{"input": "YWZ0ZXI="})
	if !bytes.Contains(v.AuditLog(t), []byte("YWZ0ZXI=")) {
		t.Error("after a restart, what is sent is not in the audit log")
	}
	if used := v.CPU(t); used <= 0 || used > time.Minute {
		t.Errorf("CPU = %s", used)
	}
}

func TestStandbyRedirects(t *testing.T) {
	v := transittest.Start(t, transittest.Standby(), transittest.TLS())
	client := *v
	client.Address = v.Standby
	status, err := client.Admin(t).Sys().Health()
	if err != nil || !status.Standby {
		t.Errorf("not a standby: %v, %v", status, err)
	}
}

func TestRevokedTokenIsRefused(t *testing.T) {
	v := transittest.Start(t)
	token := v.NewToken(t, time.Minute, "default")
	client := v.Admin(t)
	client.SetToken(token)
	if _, err := client.Auth().Token().LookupSelf(); err != nil {
		t.Fatal(err)
	}
	v.Revoke(t, token)
	if _, err := client.Auth().Token().LookupSelf(); err == nil {
		t.Error("a revoked token is accepted")
	}
}
