# The two commands a newcomer needs are `make demo` and `make test`. Everything else is for people who change gameday.

GO      ?= go
BIN     := bin
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
LDFLAGS := -ldflags "-s -w -X github.com/gameday-toolkit/gameday/internal/cli.Version=$(VERSION)"

.PHONY: build demo test test-kubernetes test-aws integration integration-deps crash-test race lint-tool lint fuzz bench scenarios examples clean

build: ## gameday and its plugins, in bin/
	$(GO) build $(LDFLAGS) -o $(BIN)/ ./cmd/...

demo: build ## lose a zone of the lab and leave a report
	@.ci/demo

test: ## all tests that need nothing but Go, and a list of those that were skipped
	@GO=$(GO) $(GO) run ./.ci/gotest ./cmd/gameday # by themselves, because they measure time
	@GO=$(GO) $(GO) run ./.ci/gotest $$($(GO) list ./... | grep -v '/cmd/gameday$$')

test-aws: ## all of the AWS plugin's tests, with the conformance suite over every fault; AWS_ENDPOINT_URL=http://... runs them against an emulator or an account instead of our own fake
	GAMEDAY_AWS=1 $(GO) test -count=1 -timeout 60m $(if $(AWS_ENDPOINT_URL),-v -parallel 4,) ./plugins/aws/...

crash-test: ## the whole matrix of docs/crash-safety.md: twenty minutes and a cluster, which is built first; root for the full disk and the network. UPDATE=1 writes that page
	cluster=$$(internal/cluster/build) && cd internal/crash && GAMEDAY_CLUSTER=$$cluster $(GO) test -count=1 -timeout 60m -full $(if $(UPDATE),-update)

test-kubernetes: ## the Kubernetes plugin on a real control plane, which is built first: 7 minutes the first time
	cluster=$$(internal/cluster/build) && export GAMEDAY_CLUSTER=$$cluster GAMEDAY_REQUIRE=1 && \
	$(GO) test -count=1 -timeout 20m ./plugins/kubernetes/... && $(GO) test -count=1 -run TestKubernetes ./internal/crash

integration-deps: ## Debian's packages that `make integration` runs against; root
	.ci/integration-deps

integration: ## the scenarios on real software, and what the report says held against the truth; root
	GAMEDAY_INTEGRATION=1 GAMEDAY_REQUIRE=1 $(GO) test -count=1 -timeout 20m -v ./internal/integration

race: ## the unit tests under the race detector (needs a C compiler)
	.ci/race

lint-tool:
	@$(GO) run $(LINT) version

lint:
	$(GO) vet ./...
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these"; exit 1; }
	$(GO) run $(LINT) run ./...

fuzz: ## some minutes of fuzzing
	.ci/fuzz

bench: build ## the bars of docs/benchmarks.md, next to what they are compared with
	.ci/bench

scenarios: build ## the four scenarios, and their twins that must fail, against the lab
	.ci/scenarios

examples: build ## reports/examples and the README's picture, made again: minutes
	.ci/examples

clean:
	rm -rf $(BIN) .cache
