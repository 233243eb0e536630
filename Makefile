# Two commands do it all: `make demo` (needs only Go) and `make test`.
BIN   := .bin
FUZZ  ?= 20s
GO    ?= go

.PHONY: help demo test run build fmt vet lint fuzz bench vault bench-vault clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

demo: build ## Take real packets over all six routes, in separate processes on loopback
	@$(BIN)/gateway demo --sides $(BIN)/sides $(DEMO)

test: ## All tests, with the race detector; every package's result is printed
	$(GO) test -race -shuffle=on ./...

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

vault: ## Start a real Vault for development on 127.0.0.1:8200, its data in .run/vault
	@echo "building $(BIN)/devvault (the first build takes about six minutes)"
	@mkdir -p $(BIN) .run && cd cmd/devvault && $(GO) build -o ../../$(BIN)/devvault .
	@$(BIN)/devvault --listen 127.0.0.1:8200 --data .run/vault

bench-vault: ## The gateway against bare clients of the same Vault, as a table with ratios
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./crypto/transit/benchvault

clean: ## Remove what the commands above made
	rm -rf $(BIN) .run
