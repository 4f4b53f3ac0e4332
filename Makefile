# Every target does its own set-up: Python 3.11 or newer and make are all that is needed.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first interpreter that is new enough; PYTHON=/path/to/python3 chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ARGS ?=
# Tests mostly wait for servers: a few more processes than two cores.
TEST_PROCESSES ?= 3
# A bundle is of one Python: those of Debian 12, Ubuntu 24.04, Debian 13.
PYTHON_VERSIONS ?= 3.11 3.12 3.13

VENV := .venv/.from-lock
LIVE555 := .venv/.live555
IPYCAM := .venv/ipycam
WHEELHOUSE := .venv/wheelhouse/.from-lock
BIN := .venv/bin

.PHONY: help demo test lint fmt bench bundle lock clean debian python

help:  ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(VENV)  ## a synthetic city of 953 eyes, probed live, on http://127.0.0.1:8000 (ARGS="--for 90 --json")
	$(BIN)/camera-registry demo $(ARGS)

test: $(VENV) debian $(LIVE555) $(IPYCAM) $(WHEELHOUSE)  ## all tests, against real servers on loopback (ARGS="-k name")
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)  ## ruff, mypy --strict, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-logo

fmt: $(VENV)  ## format, and repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV) debian  ## what a probe, a sweep, ONVIF, a look at a picture, a page and a report cost, what alerts send in a year; results in docs/benchmarks
	$(BIN)/python -m tests.benchmarks.run $(ARGS)
	$(BIN)/python -m tests.benchmarks.sweep
	$(BIN)/python -m tests.benchmarks.onvif
	$(BIN)/python -m tests.benchmarks.picture
	$(BIN)/python -m tests.benchmarks.false_alarms
	$(BIN)/python -m tests.benchmarks.detection
	$(BIN)/python -m tests.benchmarks.pages
	$(BIN)/python -m tests.benchmarks.alerts_year
	$(BIN)/python -m tests.benchmarks.reports

bundle: $(VENV)  ## archives for servers without Internet, in dist (PYTHON_VERSIONS="3.11")
	$(BIN)/python tools/bundle.py $(PYTHON_VERSIONS:%=--python %)

lock: $(VENV)  ## write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet \
		--output-file requirements.lock

clean:  ## remove .venv, caches and var
	rm -rf .venv var build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

python:
	@if [ -z "$(PYTHON)" ]; then echo "camera-registry needs Python 3.11 or newer; none was found." \
		"Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "camera-registry needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V)." >&2; exit 1; }

debian:
	@tools/debian_packages.sh tests/debian-packages.txt

$(VENV): requirements.lock pyproject.toml tools/venv.sh | python
	@tools/venv.sh "$(PYTHON)"
	@touch $@

# LIVE555 is a server for tests only.
$(LIVE555): tests/peers/requirements.lock tests/peers/build_live555.sh tests/peers/live555.cmake $(VENV) | debian
	@tests/peers/build_live555.sh
	@touch $@

# So is ipycam.
$(IPYCAM): tests/peers/ipycam.lock tests/peers/install_ipycam.sh $(VENV)
	@tests/peers/install_ipycam.sh
	@touch $@

# What a bundle for the system's own Python holds: the tests install one.
$(WHEELHOUSE): requirements.lock deploy/bundle/pip.lock tools/bundle.py $(VENV) | debian
	@echo "Fetching the wheels of a bundle (some 160 MB, once)"
	@$(BIN)/python tools/bundle.py --fetch --python $$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	@touch $@
