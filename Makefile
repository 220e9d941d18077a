# Universal eBPF Tracer. `make help` lists the targets; CONTRIBUTING.md says what is where.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules
export PATH := $(PATH):/usr/sbin:/sbin:/usr/local/go/bin:$(HOME)/.cargo/bin

TOOLS := helper/test/tools
NODE ?= node
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
# Objects are for this machine's architecture; cross-compiling is BPF_ARCH=arm64.
BPF_ARCH ?= $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
# Where the distribution keeps asm/types.h for its own architecture (Debian's multiarch folders).
BPF_INCLUDES := -Ibpf $(patsubst %,-idirafter %,$(wildcard /usr/include/$(shell uname -m)-linux-gnu))
BPF_CFLAGS := -g -O2 -target bpf -Wall -Werror -D__TARGET_ARCH_$(BPF_ARCH) $(BPF_INCLUDES)
CC := $(shell command -v gcc || command -v clang || echo cc)
CXX := $(shell command -v g++ || command -v clang++ || echo c++)
# Recordings walk the samples' stacks by frame pointer.
WORKLOAD_CFLAGS := -g -O2 -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -Wall -Werror -pthread

BPF_NAMES := $(patsubst bpf/%.bpf.c,%,$(wildcard bpf/*.bpf.c))
OBJECTS := $(addsuffix .o,$(BPF_NAMES))
SOURCES = $(shell find helper extension webview -name '*.ts' -not -path '*/node_modules/*') $(wildcard webview/src/*.css)
WORKLOADS := $(addprefix out/workloads/,hot-c hot-cpp hot-rust hot-go threads server demo)

.PHONY: all help ebpf check-system install-system-deps dev-setup rebuild clean test-all test-unit test-ebpf test-full \
  benchmark benchmark-performance vsix demo test test-matrix test-vm test-fresh lint format check-abi abi workloads build-deps \
  print-bpf-cflags

all: ebpf dist/.built ## Build the eBPF objects and the bundles in dist/ (default)

help: ## List these targets
	@awk -F':.*## ' '/^[a-z_.-]+:.*## /{printf "  %-24s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# ---- eBPF objects ----------------------------------------------------------------------------------------------

ebpf: $(OBJECTS) $(addprefix dist/bpf/,$(OBJECTS)) ## Compile bpf/*.bpf.c into NAME.o

http_tracer.o: ## The HTTP tracer's object
xdp_tracer.o: ## The XDP tracer's object
stack_tracer.o: ## The stack tracer's object

# The debug information goes, the BTF that libbpf needs stays. Without llvm-strip the object is only larger.
$(OBJECTS): %.o: bpf/%.bpf.c $(wildcard bpf/*.h bpf/lib/*.h)
	@command -v $(CLANG) >/dev/null || { echo "clang is missing: run make install-system-deps" >&2; exit 1; }
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@
	@if command -v $(LLVM_STRIP) >/dev/null; then $(LLVM_STRIP) -g $@; fi

dist/bpf/%.o: %.o
	@mkdir -p dist/bpf && cp $< $@

# A variable of every type that the kernel and the helper share, compiled as the objects are: its BTF has all layouts.
GENERATE_ABI := $(NODE) helper/src/abi/generate.mjs
out/bpf/layouts.c: helper/src/abi/generate.mjs $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	@$(GENERATE_ABI) --declarations >$@

abi: ebpf out/bpf/layouts.c ## Regenerate helper/src/abi/*.gen.ts from the headers of bpf/ as the compiler lays them out
	$(CLANG) $(BPF_CFLAGS) -c out/bpf/layouts.c -o out/bpf/layouts.o
	$(GENERATE_ABI) out/bpf/layouts.o $(OBJECTS)

# For both architectures: code of the one that this machine is not would otherwise be compiled by users first.
check-abi: ebpf out/bpf/layouts.c ## Fail when helper/src/abi/*.gen.ts differ from the headers of bpf/
	@for arch in x86 arm64; do \
	  flags="$(patsubst -D__TARGET_ARCH_%,-D__TARGET_ARCH_$$arch,$(BPF_CFLAGS))"; \
	  for name in $(BPF_NAMES); do $(CLANG) $$flags -c bpf/$$name.bpf.c -o out/bpf/$$name.$$arch.o; done; \
	  $(CLANG) $$flags -c out/bpf/layouts.c -o out/bpf/layouts.$$arch.o; \
	  $(GENERATE_ABI) --check out/bpf/layouts.$$arch.o $(BPF_NAMES:%=out/bpf/%.$$arch.o); \
	done

# ---- bundles and packages --------------------------------------------------------------------------------------

# `npm ci` only when what the lock file names is not what is installed (git and npm both touch its time for nothing).
node_modules/.package-lock.json: package-lock.json
	@if $(NODE) $(TOOLS)/isInstalled.mjs; then touch $@; else npm ci --no-audit --no-fund; fi

dist/.built: esbuild.mjs package.json $(SOURCES) | node_modules/.package-lock.json
	$(NODE) esbuild.mjs
	@touch $@

out/js/.built: esbuild.mjs $(SOURCES) | node_modules/.package-lock.json
	$(NODE) esbuild.mjs --tests
	@touch $@

vsix: build-deps ## Make the VSIX for this architecture (out/*.vsix)
	@$(MAKE) all
	$(NODE) extension/packaging/makeVsix.mjs

# ---- sample programs -------------------------------------------------------------------------------------------

workloads: $(WORKLOADS) ## Build the programs of known shares that tests and the demo record

W := helper/test/workloads
out/workloads/%: $(W)/%.c
	@mkdir -p $(@D)
	$(CC) $(WORKLOAD_CFLAGS) -o $@ $<
out/workloads/%: $(W)/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(WORKLOAD_CFLAGS) -std=c++17 -o $@ $<
out/workloads/hot-c: $(W)/hot.c
	@mkdir -p $(@D)
	$(CC) $(WORKLOAD_CFLAGS) -o $@ $<
out/workloads/hot-cpp: $(W)/hot.cpp
	@mkdir -p $(@D)
	$(CXX) $(WORKLOAD_CFLAGS) -std=c++17 -o $@ $<
out/workloads/shop.js: $(W)/demo/shop.ts
	@mkdir -p $(@D)
	node_modules/.bin/esbuild $< --log-level=warning --platform=node --format=cjs --sourcemap --outfile=$@
# Compilers that a C programmer's machine may lack: the tests that need these skip and say so.
out/workloads/hot-rust: $(W)/hot.rs
	@mkdir -p $(@D)
	@if command -v rustc >/dev/null; then set -x; rustc -g -O -C force-frame-pointers=yes -o $@ $<; \
	  else echo "no rustc: $@ is not built"; fi
out/workloads/hot-go: $(W)/hot.go
	@mkdir -p $(@D)
	@if command -v go >/dev/null; then set -x; GOFLAGS= GO111MODULE=off go build -o $@ $<; \
	  else echo "no go: $@ is not built"; fi

# ---- the machine -----------------------------------------------------------------------------------------------

build-deps:
	@$(TOOLS)/installSystemDeps.sh build

check-system: build-deps ## Say what works on this machine and what to do about the rest
	@$(MAKE) all
	@$(NODE) dist/cli.js check

install-system-deps: ## Install what the build and the helper need (apt, dnf, zypper, pacman, apk)
	@$(TOOLS)/installSystemDeps.sh build
	@echo "All there."

dev-setup: ## Install everything to work on this project, and build it
	@$(TOOLS)/installSystemDeps.sh build test bench
	@$(MAKE) all workloads

rebuild: ## Build everything anew
	@$(MAKE) clean
	@$(MAKE) all

clean: ## Remove what was built (not node_modules, not caches)
	rm -rf dist out *.o *.vsix *.speedscope.json

# ---- demo and tests --------------------------------------------------------------------------------------------

demo: build-deps ## Record sample programs in TypeScript, Python and C++ for some seconds and print their hottest functions
	@$(MAKE) all out/workloads/demo out/workloads/shop.js
	@$(TOOLS)/demo.sh

test: ## Run everything that CI runs: lint, types, ABI, unit, golden, root, webview, extension, e2e
	@$(TOOLS)/test.sh

test-unit: ## Run the tests that need no root
	@$(TOOLS)/test.sh unit golden webview extension

test-ebpf: ## Run the tests with real eBPF (root, or sudo)
	@$(TOOLS)/test.sh abi root

test-all: ## Run all tests but the browser's
	@$(TOOLS)/test.sh lint types abi unit golden webview extension root

test-full: test test-matrix test-vm ## Run everything, other compilers and kernels included

test-matrix: ## Compile with clang 11 and the newest one; golden and root tests on their larger corpora
	@$(TOOLS)/installSystemDeps.sh build test matrix
	@$(TOOLS)/compilerMatrix.sh
	@MATRIX=1 $(TOOLS)/test.sh golden root

test-vm: ## Run a fixed choice of root tests on kernels 5.10, 6.1, 6.12 and 7.x in QEMU
	@$(TOOLS)/installSystemDeps.sh build test vm
	@$(MAKE) all workloads out/js/.built
	@$(TOOLS)/kernelMatrix.sh

test-fresh: ## Run the README's two commands, as committed, on bare Debian 12 and 13 (root; FRESH=12|13|all AS=root|sudo)
	@$(TOOLS)/testFresh.sh

lint: | node_modules/.package-lock.json ## Check style, and types
	npx biome check .
	npx tsc -b

format: | node_modules/.package-lock.json ## Rewrite the sources in the project's style
	npx biome check --write .

# ---- measuring -------------------------------------------------------------------------------------------------

benchmark: ## Measure everything the README's table quotes (some 40 minutes; BLOCKS=100: some 20)
	@$(TOOLS)/installSystemDeps.sh build test bench
	@$(MAKE) all workloads out/js/.built vsix
	@$(NODE) out/js/helper/bench/main.js all

benchmark-performance: ## Measure only what one recording costs (some 3 minutes)
	@$(TOOLS)/installSystemDeps.sh build bench
	@$(MAKE) all workloads out/js/.built
	@$(NODE) out/js/helper/bench/main.js performance

# For helper/test/tools/compilerMatrix.sh: the flags, in one place.
print-bpf-cflags:
	@echo '$(BPF_CFLAGS)'
