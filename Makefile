# Everything runs from a virtual environment in .venv, installed from the lock files with hashes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test test-long fuzz lint format bench scale pictures lock clean

demo: $(VENV)/.runtime
	@$(BIN)/imagebot demo

test: $(VENV)/.dev
	@tests/install_programs.sh
	$(BIN)/pytest

test-long: $(VENV)/.dev
	@tests/install_programs.sh
	$(BIN)/pytest -m "" --timeout=3600

fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz $(FUZZ)

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.scale

# How much `imagebot run` can look after; SCALE="--targets 100 --interval 300" is what docs/scale.md tells of.
scale: $(VENV)/.dev
	$(BIN)/python -m tests.bench.scale $(SCALE)

# Merge requests as reviewers see them, below build/pictures; with Chromium as PNG.
pictures: $(VENV)/.dev
	$(BIN)/python -m tests.pictures

# The locks hold for Python 3.11 to 3.14 on every platform; `make lock` renews them.
lock: $(VENV)/bin/python
	$(PIP) install -q uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --upgrade \
	    --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --upgrade \
	    --all-extras -c requirements.lock pyproject.toml -o requirements-clouds.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --upgrade \
	    --all-extras --group dev -c requirements.lock -c requirements-clouds.lock pyproject.toml -o requirements-dev.lock

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "imagebot needs Python 3.11 or newer; name one with make PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing imagebot into $(VENV) ..."
	@$(PIP) install -q --require-hashes -r requirements.lock
	@$(PIP) install -q --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing the development tools into $(VENV) ..."
	@$(PIP) install -q --require-hashes -r requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
