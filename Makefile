# Two commands do it all: `make demo` (needs only Go) and `make test`.
BIN   := .bin
FUZZ  ?= 20s
GO    ?= go
NPM   := cmd/gateway/browsertest/npm
NPM_EXAMPLES := api/guide/examples
SKIPS := $(abspath $(BIN)/skips)
# One line for each thing that the machine lacks, with how many tests that cost (exchange/exchangetest/skipped).
REPORT := if [ -s $(SKIPS) ]; then awk -F'\t' '{ n[$$1 "\t" $$2]++ } END { for (l in n) { split(l, a, "\t"); \
  printf "SKIPPED: %d %s, there is no %s here. To run: %s\n", n[l], n[l] == 1 ? "test" : "tests", a[1], a[2] } }' $(SKIPS); fi
# What make test tests: PACKAGES='./api ./exchange/...' for less than everything.
PACKAGES ?= ./...

.PHONY: help demo test test-shifted test-any-day run build fmt vet lint fuzz bench vault bench-vault clean devvault browser-tools example-tools screenshots

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: build ## Take real packets over all six routes, in separate processes on loopback
	@$(BIN)/gateway demo --sides $(BIN)/sides $(DEMO)

test: browser-tools example-tools devvault ## All tests, with the race detector; the last lines say what was skipped and how to get it
	@rm -f $(SKIPS); status=0; \
	SKIP_REPORT=$(SKIPS) $(GO) test -race -shuffle=on -timeout 30m $(PACKAGES) || status=$$?; \
	$(REPORT); exit $$status

# Tests and programs are linked with a clock that is SHIFT off (exchange/clock). Left out: what keeps the machine's clock, which is
# HashiCorp's Vault (crypto/transit, SKIP_VAULT) and Chromium (browsertest).
SHIFT   ?= 960h
SHIFTED  = $$($(GO) list ./... | grep -v -e /crypto/transit -e /browsertest)

test-shifted: ## The tests as on another day: SHIFT=960h is 40 days from now (no Vault, no browser, no race detector)
	@echo "the clock of tests and programs is shifted by $(SHIFT)"
	@CI= SKIP_VAULT=1 $(GO) test -timeout 30m -ldflags "-X crosscode/exchange/clock.shift=$(SHIFT)" $(SHIFTED)

# How far it is to so many seconds before a month begins in UTC+8. From 600 on, real packets are taken in a month's last minutes;
# from 120 on, most packages are tested before its end, and cmd/gateway, which waits for the new day, right behind it.
before_month = $$(( $$(TZ=UTC-8 date -d "$$(TZ=UTC-8 date +%Y-%m-01) + 1 month" +%s) - $$(date +%s) - $(1) ))s

test-any-day: ## The tests as 400 days ago, tomorrow, in 40 and 400 days, and on both sides of a month's end
	@for shift in -9600h 24h 960h 9600h; do $(MAKE) --no-print-directory test-shifted SHIFT=$$shift || exit 1; done
	@$(MAKE) --no-print-directory test-shifted SHIFT=$(call before_month,600)
	@$(MAKE) --no-print-directory test-shifted SHIFT=$(call before_month,120)

devvault: ## Build the real Vault that tests and development use (SKIP_VAULT=1: do without)
	@mkdir -p $(BIN)
	@if [ -z "$$SKIP_VAULT" ]; then echo "building $(BIN)/devvault (the first build takes about six minutes)"; \
	  $(GO) build -C cmd/devvault -v -o ../../$(BIN)/devvault . 2>&1 | awk '{ n++ } n % 100 == 0 { print "  " n " packages compiled" } /error|Error|undefined/ { print }'; \
	  test -x $(BIN)/devvault; fi

run: build ## Serve the gateway on 127.0.0.1:8080 with config/example.yaml, and the three sides beside it
	@$(BIN)/gateway keys init --config config/example.yaml --if-missing
	@$(BIN)/gateway serve --config config/example.yaml --sides $(BIN)/sides

build: ## Build the two programs into .bin
	@mkdir -p $(BIN)
	@echo "building $(BIN)/gateway and $(BIN)/sides (the first build takes a minute or two)"
	@$(GO) build -o $(BIN)/ ./cmd/gateway ./cmd/sides

fmt: ## Format the code
	gofmt -w $(shell git ls-files '*.go')

vet: ## go vet
	$(GO) vet ./...

lint: vet ## gofmt, vet, golangci-lint and the rulebooks' own examples
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run make fmt"; exit 1; }
	$(GO) tool -modfile=.ci/tools/go.mod golangci-lint run
	$(GO) run ./cmd/gateway rules lint

fuzz: ## Each fuzz target for FUZZ (20s)
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) $$package || exit 1; \
	  done; done

bench: ## The benchmarks; ratios within one run are printed beside the times
	$(GO) test -run '^$$' -bench . -benchmem ./...

vault: devvault ## Start a real Vault for development on 127.0.0.1:8200, its data in .run/vault
	@mkdir -p .run
	@$(BIN)/devvault --listen 127.0.0.1:8200 --data .run/vault

bench-vault: ## The gateway against bare clients of the same Vault, as a table with ratios
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./crypto/transit/benchvault

browser-tools: ## What the browser tests load from npm, at its locked version; Chromium itself is the system's
	@$(call npm_ci,$(NPM),the browser tests)

example-tools: ## What the packet guide's example for Node needs, at its locked version
	@$(call npm_ci,$(NPM_EXAMPLES),the guide's example for Node)

# npm_ci FOLDER,WHAT: install what the folder's lock names, once.
npm_ci = if command -v npm >/dev/null; then \
	  cmp -s $(1)/package-lock.json $(1)/node_modules/.lock || { \
	    npm ci --prefix $(1) --ignore-scripts --no-audit --no-fund --silent && cp $(1)/package-lock.json $(1)/node_modules/.lock; }; \
	else echo "there is no npm here: $(2) will be skipped, or fail if CI=true"; fi

screenshots: browser-tools ## Take the screenshots of every page anew
	rm -rf api/web/testdata/screenshots cmd/sides/testdata/screenshots
	$(GO) test -count=1 -run '^TestWalks$$' ./cmd/gateway/browsertest -screenshots
	$(GO) test -count=1 -run '^TestScreenshots' ./cmd/gateway/browsertest

clean: ## Remove what the commands above made
	rm -rf $(BIN) .run
