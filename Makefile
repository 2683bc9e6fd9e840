# certbound. `make` alone lists what there is.

CARGO ?= cargo

.DEFAULT_GOAL := help

# Where a command was to name one and failed, nothing else is taken instead.
ifneq ($(origin BINARY),undefined)
  ifeq ($(strip $(BINARY)),)
    $(error BINARY is empty: what was to name it failed)
  endif
endif
.PHONY: help instructions instructions-guided guided soak audit tools quickstart test core check deny deploy bench performance smoke fuzz image sbom deb

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 21

# Pingora builds zlib-ng, whatever its features: that needs cmake and a C compiler.
tools:
	@command -v cc >/dev/null || { echo 'certbound needs a C compiler: install gcc (Debian: apt-get install gcc)'; exit 1; }
	@command -v cmake >/dev/null || { \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    echo 'installing cmake'; apt-get update -qq && apt-get install -y -qq cmake >/dev/null; \
	  else \
	    echo 'certbound needs cmake to build: install the package cmake (Debian: sudo apt-get install cmake)'; exit 1; \
	  fi; }

quickstart: tools ## a throw-away bank behind certbound: what passes, what is refused (ARGS=--serve keeps it up)
	$(CARGO) build --quiet --bin certbound --example quickstart
	$(CARGO) run --quiet --example quickstart -- $(ARGS)

test: tools core ## every test; a real load balancer or authorization server that is not installed is skipped loudly
	$(CARGO) test --lib --bins --tests --examples
	$(CARGO) test --doc

core: ## the gate alone, without Pingora and tokio
	$(CARGO) test --no-default-features --lib

check: tools deny ## format, lints, documentation, supply chain
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy --no-default-features --features proxy --all-targets -- -D warnings
	$(CARGO) clippy --no-default-features --lib --tests -- -D warnings
	$(CARGO) clippy --manifest-path fuzz/Cargo.toml --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --document-private-items

deny:
	cargo deny check licenses bans sources

audit: ## known vulnerabilities of what certbound is built from (fetches the RustSec database)
	cargo deny check advisories

deploy: tools ## Kubernetes, alert rules, dashboard: validated, and taken by certbound
	$(CARGO) build --quiet --bin certbound
	deploy/check $${CARGO_TARGET_DIR:-target}/debug/certbound

bench: tools ## CPU a request beside a bare Pingora proxy, nginx, HAProxy, and Envoy (ARGS=--help tells what else)
	$(CARGO) bench --bench cost -- $(ARGS)

performance: tools ## the same, into table and picture of docs/performance.md: on a quiet machine
	$(CARGO) bench --bench cost -- --page docs/performance.md $(ARGS)

instructions: tools ## how many instructions requests take, held to a budget (needs valgrind)
	$(CARGO) bench --bench cost --profile counted -- instructions

# Without LTO, which would take too long for every change.
instructions-guided: tools ## the same of a guided build (needs llvm-profdata)
	program=$$(PROFILE=counted packaging/guided) && \
	  CERTBOUND_PROGRAM=$$program $(CARGO) bench --bench cost --profile counted -- instructions --guided

soak: tools ## half an hour of mixed load with reloads and rotations (MINUTES=30): nothing fails, is lost, or leaks
	CERTBOUND_SOAK_SECONDS=$$(( $(or $(MINUTES),30) * 60 )) $(CARGO) test --profile counted --test soak -- --nocapture

smoke: tools ## every benchmark once, short and unoptimised: whether they still run
	$(CARGO) test --quiet --bench cost -- --rounds 1 --requests 64
	$(CARGO) test --quiet --bench cost -- --rounds 1 --requests 64 opaque
	$(CARGO) test --quiet --bench cost -- --rounds 1 --requests 64 revocation

# On the stable compiler, with nothing to install.
fuzz: tools ## every fuzz target over its corpus, then for 10 s each (SECONDS=N, TARGETS="gate ocsp")
	@command -v c++ >/dev/null || { echo 'libFuzzer is C++: install g++ (Debian: apt-get install g++)'; exit 1; }
	fuzz/run $(or $(SECONDS),10) $(TARGETS)

guided: tools ## certbound for release, built by a profile of its own work: a quarter less a request (needs llvm-profdata)
	packaging/guided

image: tools ## the container image, made and tried as root with buildah (BINARY=FILE takes a static one that is there)
	docker/build $(BINARY)
	docker/try

# Two tools that cargo has to compile, so for releases alone.
sbom: ## what the release is made of, as CycloneDX: certbound.cdx.json
	@command -v cargo-cyclonedx >/dev/null || { echo 'first: cargo install cargo-cyclonedx --locked'; exit 1; }
	$(CARGO) cyclonedx --format json --spec-version 1.5 --target x86_64-unknown-linux-gnu --override-filename certbound.cdx

deb: tools ## the Debian package, with a hardened systemd unit (BINARY=FILE takes one that is there)
	@command -v cargo-deb >/dev/null || { echo 'first: cargo install cargo-deb --locked'; exit 1; }
	$(if $(BINARY),install -D $(BINARY) $${CARGO_TARGET_DIR:-target}/release/certbound,$(CARGO) build --release --locked --bin certbound)
	packaging/pages $${CARGO_TARGET_DIR:-target}/release
	$(CARGO) deb --locked --no-build
