.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed ## Create .venv from the lock

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	$(BIN)/python -m compileall -q sco sensors indicators catalogs flows
	touch $@

demo: install ## The whole chain on a simulated territory
	$(BIN)/sco demo demo

test: install ## All tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

BENCHMARKS := deep wide latency overview depth increment notebook zones
RESULTS := .bench/results.ndjson

bench: install .bench/installed ## Measure against the peers, and write the README's table (an hour and more)
	rm -f $(RESULTS)
	set -e; for one in $(BENCHMARKS); do $(BIN)/python benchmarks/$$one.py >> $(RESULTS); tail -n 1 $(RESULTS); done
	$(BIN)/python benchmarks/table.py $(RESULTS)

.bench/installed: requirements-bench.lock
	$(PYTHON) -m venv .bench
	.bench/bin/python -m pip install --quiet --require-hashes --no-deps --requirement requirements-bench.lock
	touch $@

check: install ## Style, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: install ## Write the JSON Schema of a project file again
	$(BIN)/python -c 'import json; from sco.project import CONFIGS, schema; \
		(CONFIGS / "project.schema.json").write_text(json.dumps(schema(), indent=2) + "\n")'

lock: ## Resolve the dependencies again (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --python-version 3.11 \
		--no-header --no-emit-index-url --no-annotate --upgrade --output-file requirements.lock

lock-bench: ## Resolve the peers' environment again (needs uv)
	uv pip compile benchmarks/requirements.in --universal --generate-hashes --python-version 3.11 \
		--no-header --no-emit-index-url --no-annotate --upgrade --output-file requirements-bench.lock

clean: ## Remove what the demo and the tests left
	rm -rf demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.PHONY: help install demo test bench check format schema lock lock-bench clean
