# Everything is set up in .venv, by make itself, from a Python of 3.11 or later.

VENV ?= .venv
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 python,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SERVICE := $(VENV)/installed-service
TOOLS := $(VENV)/installed-tools
# Whole files go to as many processes as there are cores, since the tests of one share services.
TEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help serve demo test check format clean

help: ## list what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do \
		printf 'make %-8s %s\n' "$$name" "$$what"; done

serve: $(SERVICE) ## run the service on HAMGATE_PORT (8000)
	@exec $(BIN)/hamgate serve

demo: $(SERVICE) ## show it at work on a made-up newspaper
	@exec $(BIN)/hamgate demo

test: $(TOOLS) ## run the tests
	$(TEST)

check: $(TOOLS) ## check format, style and types, and run the tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(TEST)

format: $(TOOLS) ## format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean: ## remove what make and the tools have made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(SERVICE): pyproject.toml
	@test -n "$(PYTHON)" || { echo 'found no Python of version 3.11 or later; say make PYTHON=/path/to/python' >&2; exit 2; }
	@echo 'Setting up $(VENV): this takes a minute or two, once.' >&2
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --editable .
	@touch $@

$(TOOLS): $(SERVICE)
	@echo 'Installing the tools for development.' >&2
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --group dev
	@touch $@
