# What a developer types. Needs Python 3.11 or newer and make; npm, where there is one, brings more tests.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# A path in a .pth file instead of an import hook, which would cost every start ten milliseconds.
EDITABLE := --config-settings editable_mode=compat

.DEFAULT_GOAL := help
.PHONY: help demo test soak bench screenshots lint peers clean

help:
	@echo "make demo         install into $(VENV) and show a session on real traffic, no network needed"
	@echo "make test         the checks and the whole test suite"
	@echo "make soak         the test suite with its properties in full length"
	@echo "make bench        the figures of README, measured now, as ratios"
	@echo "make screenshots  take the pictures of README again"
	@echo "make lint         ruff, mypy and import-linter only"
	@echo "make clean        remove everything that make made"

# The newest pip: the scripts of those before 25 import re, which costs every start ten milliseconds.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mcpscope needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --upgrade-deps $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e . $(EDITABLE)
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[test]' $(EDITABLE)
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed
	@$(BIN)/mcpscope demo

peers: | $(BIN)/python
	@$(BIN)/python tests/peers/install.py

lint: $(VENV)/.installed-test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The checks run beside the installation of the peers, which is mostly waiting for registries. Twice as many
# workers as two cores: much of a test's time is waiting for processes.
test:
	@$(MAKE) --no-print-directory -j 2 lint peers
	@$(PYTEST) -q -n 4 --dist worksteal --reruns 1 -raR

soak: $(VENV)/.installed-test peers
	@MCPSCOPE_SOAK=1 $(PYTEST) --timeout=14400

bench: $(VENV)/.installed
	@$(BIN)/python -m benchmarks.run $(ARGS)

screenshots: $(VENV)/.installed-test
	@$(BIN)/python screenshots/take.py

clean:
	rm -rf $(VENV) .peers benchmarks/bin build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
