# "make" alone lists the targets.

# make bench measures these packages; pick fewer or change the flags from the command line.
BENCH_PACKAGES ?= ./internal/kernels/...
BENCH_FLAGS    ?= -bench . -benchtime 0.2s -count 6
BENCH_BASE     ?= bench/kernels.txt
BENCH_MACHINE  ?= a machine that was not named

.DEFAULT_GOAL := help
.PHONY: help build build-cuda test test-long test-canary test-paths test-processors test-emulated test-driver test-windows dist race lint kernels gpu-bundle bench bench-update generate ci

# What depends on the CPU's instructions, above the kernels, whose own tests try every path that the processor has.
CPU_PACKAGES = ./internal/graph/... ./internal/model/... ./internal/train/...

# What the device runs, and so the emulated device too.
DEVICE_PACKAGES = ./internal/gpu/... ./internal/kernels/cuda ./internal/backend ./internal/bench ./internal/model \
	./internal/optim ./internal/checkpoint ./internal/generate ./internal/train ./internal/doctor

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build build/dmtrain
	go build -o build/dmtrain ./cmd/dmtrain

build-cuda: ## build build/dmtrain with the CUDA backend (scripts/setup-cuda.sh installs what that needs)
	go build -tags cuda -o build/dmtrain ./cmd/dmtrain

test: ## run the tests that every change should pass (minutes)
	go test ./...

test-long: ## run all tests, those that train for long and the canary's whole matrix too
	DMTRAIN_LONG=1 go test -timeout 45m ./...

test-canary: ## hold losses on random text to its entropy, under every kind of mask; a fifth of the matrix (minutes)
	DMTRAIN_CANARY=1 go test -count=1 -timeout 20m -run Canary ./internal/canary

test-paths: ## run the kernels' and steps' tests on every instruction path of the CPU
	DMTRAIN_CPU=avx2 go test -count=1 $(CPU_PACKAGES)
	DMTRAIN_CPU=generic go test -count=1 $(CPU_PACKAGES)
	go test -tags purego ./internal/kernels/cpu/...

test-processors: ## run the kernels', models' and steps' tests and the program as processors that this machine isn't, under qemu-user
	scripts/test-processors.sh

test-emulated: ## run the CUDA kernels and all above them on the emulated device (needs g++)
	CGO_ENABLED=1 go test -tags cudaemu -timeout 20m $(DEVICE_PACKAGES)

test-driver: ## run the CUDA backend through its real driver code on an emulated libcuda (needs g++ and cuda.h)
	scripts/build-emulated-driver.sh build/libcuda-emulated.so
	CGO_ENABLED=1 DMTRAIN_LIBCUDA=$(CURDIR)/build/libcuda-emulated.so go test -tags cuda -timeout 20m ./internal/gpu/... ./internal/backend ./internal/kernels/cuda
	CGO_ENABLED=1 DMTRAIN_LIBCUDA=$(CURDIR)/build/libcuda-emulated.so go test -tags cuda -timeout 20m -run 'OnDevice|Captured' ./internal/train
	CGO_ENABLED=1 DMTRAIN_LIBCUDA=$(CURDIR)/build/libcuda-emulated.so go test -tags cuda -timeout 20m -run 'Scripts/device' ./cmd/dmtrain

test-windows: ## run the Windows program and its tests under Wine (installs what that needs on Debian)
	scripts/test-windows.sh

dist: ## write build/dist: archives of the program for Linux, macOS and Windows, and their checksums
	go run ./internal/dist

race: ## run the tests under the race detector (needs a C compiler)
	go test -race -timeout 30m ./...

lint: ## check formatting, go vet and staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...

kernels: ## compile kernels/*.cu to the PTX that programs embed (needs nvcc 11.8)
	scripts/build-kernels.sh

gpu-bundle: ## gather in build/gpu what a GPU machine without Go needs to test and time the CUDA backend
	scripts/gpu-bundle.sh

bench: ## time the kernels and compare with the committed figures (minutes)
	@mkdir -p build
	go test -run '^$$' $(BENCH_FLAGS) $(BENCH_PACKAGES) > build/bench.txt || { cat build/bench.txt; exit 1; }
	@if [ -f $(BENCH_BASE) ]; then go tool benchstat $(BENCH_BASE) build/bench.txt; else go tool benchstat build/bench.txt; fi

bench-update: bench ## make the figures just measured the committed ones; BENCH_MACHINE says what was measured on
	@mkdir -p $(dir $(BENCH_BASE))
	{ echo "# make bench on $(BENCH_MACHINE), $$(go env GOVERSION), $$(date +%Y-%m-%d)."; cat build/bench.txt; } > $(BENCH_BASE)

generate: ## write generated sources again
	go generate ./...

ci: ## run what continuous integration runs
	.ci/run
