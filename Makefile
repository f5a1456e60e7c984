# The commands of custody: demo, test, prove, check, bench. A fresh clone needs Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet --no-input
# As root in a container pip warns that it is root; in a virtual environment of our own that says nothing.
export PIP_ROOT_USER_ACTION := ignore
# Tests in a browser wait as much as they work, so one more of them than there are cores.
WORKERS = $(shell $(BIN)/python -c 'import os; print((os.cpu_count() or 1) + 1)')
# Stores of tests lie in memory where a gigabyte is free and programs may be started there (the wheel's are): nobody waits for a disk.
# What a test no longer needs goes at once.
MEMORY := /dev/shm
FREE_KB = $(shell grep -q ' $(MEMORY) .*noexec' /proc/mounts || df -k --output=avail $(MEMORY) 2>/dev/null | tail -1 | tr -d ' ')
IN_MEMORY = $(shell [ "0$(FREE_KB)" -gt 1000000 ] 2>/dev/null && echo PYTEST_DEBUG_TEMPROOT=$(MEMORY))
PYTEST = $(IN_MEMORY) $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder -o tmp_path_retention_policy=failed

.DEFAULT_GOAL := help
.PHONY: help demo test prove check bench lint clean

help:
	@echo "make demo    start a demonstration on 127.0.0.1 (DEMO='--port 8000 --store FOLDER' to choose)"
	@echo "make test    all tests at reduced counts, in minutes (TESTS='tests/gates -k expiry' to choose)"
	@echo "make prove   the same tests at full counts"
	@echo "make check   format, lint, types, layers, tests, wheel"
	@echo "make bench   measure a bedside scan and the ledger"

demo: $(VENV)/.installed
	@$(BIN)/custody demo $(DEMO)

test: $(VENV)/.installed-test
	@CUSTODY_TEST_PROFILE=test $(PYTEST) $(TESTS) || $(REPORT)

prove: $(VENV)/.installed-test
	@CUSTODY_TEST_PROFILE=prove $(PYTEST) $(TESTS) || $(REPORT)

check: lint test

lint: $(VENV)/.installed-check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-test
	@$(BIN)/python -m bench $(BENCH)

# pytest answers 5 when it found no test at all: nothing ran, so nothing is proven.
REPORT = { code=$$?; if [ $$code -eq 5 ]; then echo "No test was collected, so nothing was proven." >&2; fi; exit $$code; }

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "custody needs Python 3.11 or newer; say which with: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Creating $(VENV) …"
	@$(PYTHON) -m venv $(VENV) || { echo "Python has no venv module here (on Debian: apt-get install python3-venv)" >&2; rm -rf $(VENV); exit 1; }

# A stamp per set of libraries: a second run installs nothing until pyproject.toml changes.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing custody and its libraries (a minute or two, once) …"
	@$(PIP) install -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	@echo "Installing custody with its test tools (a minute or two, once) …"
	@$(PIP) install -e '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-check: pyproject.toml | $(BIN)/python
	@echo "Installing custody with its test and check tools (a minute or two, once) …"
	@$(PIP) install -e '.[test,check]'
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test

clean:
	rm -rf $(VENV) dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
