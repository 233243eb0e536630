# Two commands do it all: `make demo` (needs only Go) and `make test`.
BIN   := .bin
FUZZ  ?= 20s
GO    ?= go
NPM   := cmd/gateway/browsertest/npm

.PHONY: help demo test run build fmt vet lint fuzz bench vault bench-vault clean devvault browser-tools screenshots

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

demo: build ## Take real packets over all six routes, in separate processes on loopback
	@$(BIN)/gateway demo --sides $(BIN)/sides $(DEMO)

test: browser-tools devvault ## All tests, with the race detector; every package's result is printed
	@rm -f $(BIN)/vault-skips
	VAULT_SKIPS=$(abspath $(BIN)/vault-skips) $(GO) test -race -shuffle=on -timeout 30m ./...
	@if [ -s $(BIN)/vault-skips ]; then cat $(BIN)/vault-skips; fi

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
	@if command -v npm >/dev/null; then \
	  cmp -s $(NPM)/package-lock.json $(NPM)/node_modules/.lock || { \
	    npm ci --prefix $(NPM) --ignore-scripts --no-audit --no-fund --silent && cp $(NPM)/package-lock.json $(NPM)/node_modules/.lock; }; \
	else echo "NO npm HERE: the browser tests will be skipped, or fail if CI=true"; fi

screenshots: browser-tools ## Take the screenshots of every page anew
	rm -rf api/web/testdata/screenshots cmd/sides/testdata/screenshots
	$(GO) test -count=1 -run '^TestWalks$$' ./cmd/gateway/browsertest -screenshots
	$(GO) test -count=1 -run '^TestScreenshots' ./cmd/gateway/browsertest

clean: ## Remove what the commands above made
	rm -rf $(BIN) .run
