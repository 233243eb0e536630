package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"crosscode/exchange/exchangetest/skipped"
)

// axeFile is put there by `make browser-tools`, at the version of npm/package-lock.json.
var axeFile = filepath.Join("npm", "node_modules", "axe-core", "axe.min.js")

// equipped tells whether what the tests need is on this machine. It is the one place where they are skipped: on a machine
// of CI, which must have it all, it is a fault.
func equipped(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath(chromiumName()); err != nil {
		skipped.Test(t, "Chromium", "apt-get install chromium fonts-noto-cjk, or set CHROMIUM to its path")
	}
	if _, err := os.Stat(axeFile); err != nil {
		skipped.Test(t, "axe-core", "apt-get install npm, then make browser-tools")
	}
}

func chromiumName() string {
	if named := os.Getenv("CHROMIUM"); named != "" {
		return named
	}
	return "chromium"
}

// common is the browser that most tests share; each tab has a profile of its own in it.
var common struct {
	once  sync.Once
	ctx   context.Context
	fault error
}

func commonBrowser(t *testing.T) context.Context {
	t.Helper()
	equipped(t)
	common.once.Do(func() {
		folder, err := os.MkdirTemp(filepath.Dir(programs), "profile-")
		if err != nil {
			common.fault = err
			return
		}
		common.ctx, _, common.fault = launch(context.Background(), folder)
	})
	if common.fault != nil {
		t.Fatal(common.fault)
	}
	return common.ctx
}

// ownBrowser is a browser with further flags, for one test.
func ownBrowser(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	equipped(t)
	folder, err := os.MkdirTemp(filepath.Dir(programs), "profile-")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop, err := launch(context.Background(), folder, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return ctx
}

// launch starts a Chromium that asks nobody anything.
func launch(parent context.Context, folder string, flags ...chromedp.ExecAllocatorOption) (context.Context, func(), error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromiumName()), chromedp.UserDataDir(folder), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en"), chromedp.WindowSize(1280, 900),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(parent, append(options, flags...)...)
	ctx, stop := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		stop()
		stopAllocator()
		return nil, nil, fmt.Errorf("starting Chromium: %w", err)
	}
	return ctx, func() { stop(); stopAllocator() }, nil
}
