# Everything a newcomer or a build machine needs: Python 3.11 or newer, make, and a package index that pip can reach.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links

# Tests share two cores with PostgreSQL: two workers were the quickest. `make test WORKERS=0` runs them in one process.
WORKERS ?= 2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo run test check lint format bench lock clean

help: ## What can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

install: .venv/.runtime ## Fetch what a version needs, by pinned versions and hashes; after an upgrade too

demo: .venv/.runtime ## See sales travel into the ledger and invoices out of it, on pretend vendors, in a minute
	$(BIN)/ml-connector demo --story all

run: .venv/.runtime ## Serve webhooks, pages and workers
	$(BIN)/ml-connector serve

test: .venv/.dev ## Every test, on SQLite and on a real PostgreSQL
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

check: lint ## Format, lint, types, who imports whom, and the tests that take no time
	$(BIN)/python -m pytest -m "not slow and not trials"

lint: .venv/.dev ## The part of check that runs no test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev ## Format the code and apply what ruff can repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.dev ## Benchmarks; they print ratios and judge nothing
	$(BIN)/python -m bench

lock: .venv/.dev ## Renew the pinned versions, within pyproject.toml's bounds
	$(COMPILE) --upgrade pyproject.toml --extra dev --group build -o requirements-dev.lock
	$(COMPILE) --upgrade pyproject.toml --constraint requirements-dev.lock -o requirements.lock
	$(COMPILE) --upgrade --group build --constraint requirements-dev.lock -o requirements-build.lock

clean: ## Remove what was made here; an install's own files under data/ stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'ml-connector needs Python 3.11 or newer, and "$(PYTHON)" is not. Try: make PYTHON=python3.12 $(MAKECMDGOALS)'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo 'This Python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv'; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements.lock requirements-build.lock pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements.lock -r requirements-build.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
