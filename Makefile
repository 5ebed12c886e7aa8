# Everything a checkout needs. `make run` and `make test` install what is missing (Debian and Ubuntu), and need no network for what is there.

# Built from the committed .sqlx: no database is needed, and a DATABASE_URL meant for running does not matter to the build.
export SQLX_OFFLINE ?= true
CARGO ?= cargo

.PHONY: run build release test e2e compatibility bench bench-short bench-pipeline bench-growth chaos fuzz fuzz-short alerts grouping fmt lint sqlx-prepare dependencies dependencies-test

## Build and start Bugle on http://localhost:9000, with a private Postgres
run: dependencies
	$(CARGO) run --release --locked -- serve

build:
	$(CARGO) build --locked

release:
	$(CARGO) build --release --locked

## All tests: unit, integration on a real Postgres, end to end with real clients and Chromium
test: dependencies-test
	env -u DATABASE_URL $(CARGO) test --locked

## Only the tests with real clients (tests/clients) and Chromium
e2e: dependencies-test
	env -u DATABASE_URL $(CARGO) test --locked --test it e2e::

## Write the tables of docs/compatibility.md anew, from what the tests find
compatibility: dependencies-test
	env -u DATABASE_URL BUGLE_BLESS=1 $(CARGO) test --locked --test it -- e2e::clients captured_outcomes

## Load on the release binary and on a bare server beside it; see docs/performance.md. The short form takes a minute and a half
bench: dependencies
	$(CARGO) bench --locked --bench load

bench-short: dependencies
	$(CARGO) bench --locked --bench load -- --short

## What understanding one event costs on one core
bench-pipeline:
	$(CARGO) bench --locked --bench pipeline

## Load, and kill -9 of Bugle, Postgres or both at random; CHAOS_SEED repeats a plan. See docs/durability.md. `make test` does 6 kills
CHAOS_KILLS ?= 200
CHAOS_SEED ?= 20261120
chaos: dependencies
	env -u DATABASE_URL BUGLE_CHAOS_KILLS=$(CHAOS_KILLS) BUGLE_CHAOS_SEED=$(CHAOS_SEED) \
		$(CARGO) test --locked --test it chaos -- --nocapture --test-threads 1

## Coverage-guided fuzzing, FUZZ_SECONDS for each target; needs `cargo install cargo-fuzz`. The short form needs nothing and is in `make test`
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= envelope credentials event client_report spool
fuzz:
	for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/corpus/$$target && \
		RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=32768 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 || exit 1; \
	done

fuzz-short:
	$(CARGO) test --locked --test it fuzzing -- --nocapture

## Cost of events, pages and jobs from 10 thousand to 5 million stored events; takes up to 25 minutes and 17 GB, which are free again afterwards
bench-growth: dependencies
	$(CARGO) bench --locked --bench load -- --growth

## How well alerts and grouping do on the labelled data in tests/data; grouping through the real digest, in several orders
alerts:
	$(CARGO) test --locked --test it alerts_on_labelled_series_can_be_trusted -- --nocapture

grouping: dependencies
	$(CARGO) test --locked --test it labelled_events_are_grouped_as_people_would -- --nocapture

fmt:
	$(CARGO) fmt

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

## Write .sqlx after a change of SQL or schema; starts a Postgres of its own for it
sqlx-prepare: dependencies
	scripts/sqlx-prepare

dependencies:
	scripts/install-dependencies

dependencies-test:
	scripts/install-dependencies test
