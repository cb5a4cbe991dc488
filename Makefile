.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/installed ## Create .venv from the lock

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	touch $@

demo: install ## The whole chain on a simulated territory
	$(BIN)/sco demo demo

test: install ## All tests
	$(BIN)/python -m pytest

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

clean: ## Remove what the demo and the tests left
	rm -rf demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.PHONY: help install demo test check format schema lock clean
