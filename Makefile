# The two commands a newcomer needs: make quickstart, make test. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --constraint constraints/main.txt
ENVIRONMENT := HF_HUB_OFFLINE=1 LITELLM_LOCAL_MODEL_COST_MAP=True
PYTEST := $(ENVIRONMENT) $(BIN)/python -m pytest

.PHONY: help quickstart distill-demo test test-slow test-cluster test-browser test-serving test-all lint types wheel clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

quickstart: .venv/installed-train ## try it: offline, no model needed, about two minutes after installation
	$(BIN)/openrubrics quickstart --out runs/quickstart --overwrite

distill-demo: .venv/installed-dev ## train two tiny students from nothing on two CPU cores, and measure them: minutes
	$(ENVIRONMENT) $(BIN)/python benchmarks/distill_demo.py --out runs/distill-demo

test: .venv/installed-dev ## the default tests, under two minutes
	$(PYTEST) -n 2 -m "not slow and not serving and not cluster and not browser"

test-slow: .venv/installed-dev ## tests that train, or read whole data files
	$(PYTEST) -m "slow and not serving and not cluster and not browser"

test-cluster: .venv/installed-dev ## tests on a Ray cluster of this machine
	$(PYTEST) -m cluster

test-browser: .venv/installed-dev ## tests that open reports and reviews in a real browser
	scripts/browser-env
	OPENRUBRICS_REQUIRE_BROWSER=1 $(PYTEST) -m browser

test-serving: .venv/installed-dev ## tests against real vLLM, with students trained for them: about ten minutes
	scripts/vllm-env
	OPENRUBRICS_REQUIRE_VLLM=1 OPENRUBRICS_STUDENTS= $(PYTEST) -m serving

test-all: test test-slow test-cluster test-browser test-serving ## every test

lint: .venv/installed-dev ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev ## static types
	$(BIN)/pyright

wheel: .venv/installed-dev ## build the wheel, install it in an empty environment, import it there
	PYTHON=$(PYTHON) scripts/check-wheel

clean: ## remove environments and build products
	rm -rf .venv .venv-vllm build dist *.egg-info

.venv/installed: pyproject.toml constraints/main.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	@touch $@

.venv/installed-train: .venv/installed
	$(PIP) --editable '.[train,report]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --editable '.[train,scale,optimize,report,dev]'
	@touch $@
