# Everything a developer needs: git, make and Python 3.11 or newer. `make help` lists what there is.

PYTHON ?= python3
BIN := .venv/bin
LOWEST := .venv-lowest
PURE := updater/core/*,updater/decoders/*
FLOOR := 90
# One more than there are processors: many tests wait for other processes.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
EXTRAS := --extra github --extra pubsub --extra registry --extra registry-aws --extra registry-azure --extra registry-google --extra serve
SCHEMA := environments/environment.schema.json

# A kustomize that the set-up fetched is found last, after those of the machine.
export PATH := $(PATH):$(CURDIR)/.tools/bin

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test check bench format lock clean lint types imports tests tests-fast tests-lowest venv python

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: venv ## install everything into this folder: .venv, .tools and the schema for editors
	@$(BIN)/python tools/install_tools.py
	@$(BIN)/updater schema > $(SCHEMA).new && mv $(SCHEMA).new $(SCHEMA)

demo: python ## the whole story on a scratch repository made from the sample; leaves nothing running
	@$(PYTHON) tools/make_venv.py .venv requirements/build.txt requirements/runtime.txt
	@$(BIN)/python tools/install_tools.py --needed
	@$(BIN)/updater demo

test: setup lint types imports tests tests-lowest ## everything that has to hold before a change lands

check: setup lint types imports tests-fast ## the quick part of `make test`, in less than a minute

bench: venv ## measure against what git alone needs; with WRITE=1 into bench/README.md, with OPTIONS='--only a,c' a part
	@$(BIN)/python tools/install_tools.py --needed
	@$(BIN)/python -m bench $(if $(WRITE),--write) $(OPTIONS)

format: venv ## let ruff format the code and mend what it can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

lock: venv ## pin the dependencies anew; `make lock LOCK=--upgrade` takes the newest
	$(call compile,dev.txt,pyproject.toml $(EXTRAS) requirements/dev.in)
	$(call compile,runtime.txt,pyproject.toml $(EXTRAS) --constraints requirements/dev.txt)
	$(call compile,build.txt,requirements/build.in --constraints requirements/dev.txt)
	$(call compile,lowest.txt,pyproject.toml $(EXTRAS) requirements/build.in requirements/test.in --resolution lowest-direct)

clean: ## take away all that the other targets made
	rm -rf .venv $(LOWEST) .tools .cache .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf build dist $(SCHEMA)
	find updater tests tools bench -name __pycache__ -prune -exec rm -rf {} +

# --- parts of the above

python:
	@command -v $(PYTHON) > /dev/null || { echo "error: no $(PYTHON); install Python 3.11 or newer" >&2; exit 1; }

venv: python
	@$(PYTHON) tools/make_venv.py .venv requirements/dev.txt

lint:
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

# Tests start hundreds of processes: none of them compiles again what another one has, whatever the machine's settings.
tests tests-fast tests-lowest: export PYTHONDONTWRITEBYTECODE :=
tests tests-fast tests-lowest: export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/compiled

tests:
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=worksteal --cov --cov-report=
	$(BIN)/coverage report --fail-under=100 --include='$(PURE)'
	$(BIN)/coverage report --fail-under=$(FLOOR) --omit='$(PURE)'

tests-fast:
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal --hypothesis-profile=few -m "not slow" tests/unit tests/project

tests-lowest:
	@$(PYTHON) tools/make_venv.py $(LOWEST) requirements/lowest.txt
	$(LOWEST)/bin/python -m pytest --numprocesses=auto --dist=worksteal --hypothesis-profile=few -m "not slow" tests/unit

compile = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' $(LOCK) --output-file requirements/$(1) $(2)
