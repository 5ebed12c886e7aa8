# Everything a checkout needs. `make run` and `make test` install what is missing (Debian and Ubuntu), and need no network for what is there.

# Built from the committed .sqlx: no database is needed, and a DATABASE_URL meant for running does not matter to the build.
export SQLX_OFFLINE ?= true
CARGO ?= cargo

.PHONY: run build release test bench bench-short alerts grouping fmt lint sqlx-prepare dependencies dependencies-test

## Build and start Bugle on http://localhost:9000, with a private Postgres
run: dependencies
	$(CARGO) run --release --locked -- serve

build:
	$(CARGO) build --locked

release:
	$(CARGO) build --release --locked

## All tests: unit, integration on a real Postgres, end to end with Django and Chromium
test: dependencies-test
	env -u DATABASE_URL $(CARGO) test --locked

## Load on the release binary and on a bare server beside it; see docs/performance.md. The short form takes a minute and a half
bench: dependencies
	$(CARGO) bench --locked --bench load

bench-short: dependencies
	$(CARGO) bench --locked --bench load -- --short

## How well alerts and grouping do on the labelled data in tests/data; needs no database
alerts:
	$(CARGO) test --locked --test it alerts_on_labelled_series_can_be_trusted -- --nocapture

grouping:
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
