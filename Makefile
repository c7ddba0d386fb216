# The one door. `make` lists what it opens.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:
.DELETE_ON_ERROR:

VENV ?= .venv
export VENV
# Some images set it: hundreds of processes would compile the same files, each for itself.
unexport PYTHONDONTWRITEBYTECODE
PYTHON := $(VENV)/bin/python
SDK := $(VENV)-sdk
FOTOFILA := $(VENV)/bin/fotofila
STAMPS := $(VENV)/stamps
WITH_NODE := $(CURDIR)/scripts/with-node
STATIC := src/fotofila/api/static/index.html
WEB_SOURCES := $(shell find web -name node_modules -prune -o -type f -not -path 'web/tests/*' -print)
PYTEST_ARGS ?=
PYTEST_WORKERS ?= 3
# Fleets wait as much as they work: for leases, and for parts that are gone.
PYTEST_FLEETS ?= 2

.PHONY: help run demo test lint lock web docs bench bench-deps test-deps lint-deps sdk-deps models clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

## Running

run: $(STAMPS)/base models $(STATIC) ## Start the service at http://127.0.0.1:8000, with a first photo
	@FOTOFILA_LOG_FORMAT=$${FOTOFILA_LOG_FORMAT:-console} FOTOFILA_LOG_LEVEL=$${FOTOFILA_LOG_LEVEL:-warning} \
		exec $(FOTOFILA) serve --welcome

demo: $(STAMPS)/base models $(STATIC) ## Show the whole way of a photo, write demo-output/, and end
	@$(FOTOFILA) demo --out demo-output

models: $(STAMPS)/base ## Fetch and verify the models
	@$(FOTOFILA) models fetch

## Checking

test: test-deps sdk-deps models $(STATIC) ## Run every test
	@scripts/find-chromium
	@echo "Testing the web page's parts"
	@cd web && $(WITH_NODE) npm test --silent
	@echo "Testing the program"
	@$(PYTHON) -m pytest -n $(PYTEST_WORKERS) -m "not e2e" $(PYTEST_ARGS)
	@echo "Testing whole fleets of processes"
	@$(PYTHON) -m pytest -n $(PYTEST_FLEETS) --dist loadfile --no-loadscope-reorder -m e2e $(PYTEST_ARGS)

lint: test-deps lint-deps web/node_modules/.stamp ## Check form, types, fence, and known flaws of what we pin
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/lint-imports
	@$(PYTHON) -m scripts.reference --check
	@if [ -x $(VENV)/bin/hadolint ]; then $(VENV)/bin/hadolint deploy/Dockerfile; fi
	@# Types of the program beside those of the page: each is bound to one core.
	@$(VENV)/bin/mypy & types=$$!; \
		(cd web && $(WITH_NODE) npm run --silent lint && $(WITH_NODE) npm run --silent check); page=$$?; \
		wait $$types && exit $$page
	@$(PYTHON) -m scripts.audit

bench: bench-deps models ## Measure every published figure
	@$(PYTHON) -m bench

## Building

web: $(STATIC) ## Build the web page

docs: $(STAMPS)/base ## Write the reference pages anew
	@$(PYTHON) -m scripts.reference

lock: lint-deps ## Pin every dependency anew, with hashes
	@scripts/lock

clean: ## Remove what make made; photos and models stay
	rm -rf $(VENV) $(SDK) web/node_modules src/fotofila/api/static build dist demo-output bench/out
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

test-deps: $(STAMPS)/test ## Complete the environment for tests
lint-deps: $(STAMPS)/lint ## Complete the environment for make lint
bench-deps: $(STAMPS)/bench ## Complete the environment for python -m bench
sdk-deps: $(SDK)/.stamp ## Make the environment of the newest boto3 and AWS command line

$(PYTHON):
	@scripts/make-venv $(VENV)

$(STAMPS)/base: requirements/base.txt pyproject.toml | $(PYTHON)
	@scripts/install $(VENV) base
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test $(STAMPS)/lint $(STAMPS)/bench: $(STAMPS)/%: requirements/%.txt | $(STAMPS)/base
	@scripts/install $(VENV) $*
	@touch $@

# aiobotocore holds botocore back, so the clients that users have live in an environment of their own.
$(SDK)/.stamp: requirements/sdk.txt
	@scripts/make-venv $(SDK)
	@scripts/install $(SDK) sdk
	@touch $@

web/node_modules/.stamp: web/package-lock.json | $(STAMPS)/base
	@echo "Installing what the web page is built with"
	@cd web && $(WITH_NODE) npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STATIC): $(WEB_SOURCES) web/node_modules/.stamp
	@echo "Building the web page"
	@cd web && $(WITH_NODE) npm run --silent build -- --logLevel warn
	@touch $@
