# What people and CI call; `make` alone lists it.

CARGO ?= cargo
SHELL := bash
.DEFAULT_GOAL := help

# The engine is needed by the tests in tests/engine, tests/bad_days, tests/clients and tests/schema and in no other; everything
# else is fast.
FAST_TESTS := $(filter-out engine bad_days clients schema,$(notdir $(basename $(wildcard tests/*.rs crates/*/tests/*.rs)) \
	$(patsubst %/main.rs,%,$(wildcard tests/*/main.rs crates/*/tests/*/main.rs))))

# How long each target is fuzzed.
FUZZ_SECONDS ?= 60

# In the order that is written, and one after the other: each needs what was before it.
.NOTPARALLEL:

.PHONY: help run test check fmt-check clippy docs test-fast test-images test-engine test-bad-days test-schema test-clients test-runsc \
	test-clients-reference screenshots \
	images engine bench soak fuzz fuzz-schema service-image service-image-prebuilt clean-sandboxes

help: ## List these targets
	@sed -n 's/^\([a-z%-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 24

run: ## Build everything, start the service on 127.0.0.1:8080 and show a first result
	@scripts/run

test: engine images test-fast test-images test-schema test-clients test-bad-days test-engine ## Run the tests (a Docker engine is started if there is none)

check: fmt-check clippy docs test-fast ## Format, lints, docs and the tests that need no engine

fmt-check:
	$(CARGO) fmt --all -- --check

clippy:
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	# As it is delivered: without the features that the tests add.
	$(CARGO) clippy --workspace -- -D warnings

docs:
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --quiet

test-fast: ## The tests that need no engine
	@if $(CARGO) nextest --version >/dev/null 2>&1; then set -x; \
		$(CARGO) nextest run --workspace -E 'not (package(cellblock) & (binary(=engine) | binary(=bad_days) | binary(=clients) | binary(=schema)))'; \
	else set -x; \
		$(CARGO) test --workspace --lib --bins $(FAST_TESTS:%=--test %); \
	fi

test-images: ## The images' own tests, in a sandbox's conditions
	scripts/test-images

test-engine: ## The tests on the real engine; they need the images
	$(CARGO) test --test engine

test-bad-days: images ## Everything around the service fails: engines of the tests' own, full disks, clocks; as root
	scripts/test-bad-days

test-schema: images ## Schemathesis, from PyPI, against /openapi.json: the same requests each time
	$(CARGO) test --test schema

test-clients: images ## Jupyter's own clients, from PyPI, JupyterLab in a browser among them
	$(CARGO) test --test clients

test-runsc: ## What environments promise, and the attacks, with gVisor as the sandboxes' runtime
	@scripts/ensure-runsc
	# One test at a time: gVisor takes several times the processor, and deadlines are part of what is tested.
	CELLBLOCK_ENGINE_RUNTIME=runsc $(CARGO) test --test engine -- --test-threads=1 conformance:: attacks::

test-clients-reference: ## Jupyter's clients against a plain Jupyter Server: what passes there has to pass on the service
	scripts/test-clients --reference

screenshots: ## Pictures of JupyterLab with the service that runs at CELLBLOCK_URL, into docs/screenshots
	CELLBLOCK_SCREENSHOTS=$(CURDIR)/docs/screenshots scripts/test-clients test_jupyterlab.py

images: ## Build the images of all environments
	@scripts/build-images

image-%: ## Build the image of one environment: make image-python
	@scripts/build-images $*

engine: ## Make sure that a Docker engine answers
	@scripts/ensure-engine

bench: images ## Measure, beside floors measured in the same run
	$(CARGO) bench --bench cellblock -- $(BENCH)

soak: images ## Everything at once for half an hour, or as long as SOAK says: what grows, what is left, what goes wrong
	$(CARGO) bench --bench soak

fuzz: fuzz-schema ## Fuzz what reads strangers' bytes, a minute a target (needs cargo-fuzz; CARGO='cargo +nightly')
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { echo 'cargo-fuzz is missing: cargo install cargo-fuzz' >&2; exit 1; }
	for folder in crates/*/fuzz tests/fuzz; do \
		for target in $$($(CARGO) fuzz list --fuzz-dir $$folder); do \
			$(CARGO) fuzz run --fuzz-dir $$folder $$target -- -max_total_time=$(FUZZ_SECONDS) || exit 1; \
		done; \
	done

fuzz-schema: images ## The API alone: requests made of /openapi.json, other ones each time
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(CARGO) test --test schema

service-image: engine ## Build the service's own image, cellblock/service
	docker build --network host --tag cellblock/service .

service-image-prebuilt: engine ## The same around target/release/cellblock, where no compiler image can be pulled
	@scripts/build-service-image

clean-sandboxes: ## Remove every sandbox on the engine, of whichever service
	@docker ps --all --quiet --filter label=cellblock.instance | xargs --no-run-if-empty docker rm --force
