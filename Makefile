# Two commands do everything on a machine with Python ≥ 3.11 and make:
#   make demo    set up, run the main jobs on invented data, say where to look
#   make test    set up, run every test
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
  --generate-hashes --no-header --no-annotate --no-strip-extras

.PHONY: help setup demo test lint format dev bench lock snapshot-update clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(INSTALLED) ## Make .venv and install the locked dependencies

# uv installs in seconds what pip takes minutes for; pip, which honours a site's own
# configuration, takes over where uv cannot reach the packages. Modules are compiled now:
# a run is several processes, and each would compile Dagster and dbt again (5 s).
$(INSTALLED): requirements/bootstrap.lock requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 to 3.13 is needed; set PYTHON=" \
	  if not (3, 11) <= sys.version_info[:2] <= (3, 13) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked dependencies into $(VENV)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r requirements/bootstrap.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes \
	  --compile-bytecode -r requirements/dev.lock \
	  || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index \
	  --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q lrtzc_pipelines
	@touch $@

demo: setup ## Run everything once on invented data, over real protocols
	@$(BIN)/lrtzc demo

test: setup ## Run every test
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup ## Check style, types, SQL and definitions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar dbt_project
	$(BIN)/lrtzc sources check
	DAGSTER_HOME=$$($(BIN)/lrtzc prepare) $(BIN)/dg check defs

format: setup ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --disable-progress-bar dbt_project

dev: setup ## Open the Dagster UI, with schedules and sensors
	DAGSTER_HOME=$$($(BIN)/lrtzc prepare) $(BIN)/dg dev

bench: setup ## Run the benchmarks that need nothing from outside
	$(BIN)/python benchmarks/demo_line.py

lock: setup ## Resolve the dependencies again
	$(COMPILE) --group build pyproject.toml -o requirements/runtime.lock
	$(COMPILE) --all-extras --group dev pyproject.toml -o requirements/dev.lock
	echo 'uv>=0.9' | $(COMPILE) - -o requirements/bootstrap.lock

snapshot-update: setup ## Accept a change of the asset graph
	$(BIN)/python -m pytest tests/definitions --snapshot-update

clean: ## Remove .venv and the caches; data stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
