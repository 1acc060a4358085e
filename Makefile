# Two targets do all the set-up: `make run` for users, `make test` for developers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find devices simulator verifier scenarios -name '*.py' -o -name '*.yaml' -o -name 'py.typed' -o -path '*/assets/*')

.PHONY: run test lint bench clean

run: $(VENV)/installed
	@mkdir -p report
	$(BIN)/mfalab run scenarios --log report/run.jsonl --html report/index.html --junit report/junit.xml

test: $(VENV)/installed-test
	$(BIN)/python -m pytest -n auto
	
lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(VENV)/installed-test
	$(BIN)/python -m pytest bench --benchmark-only

$(VENV)/python:
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Strict editable mode is a tree of links: a new file needs a new installation.
$(VENV)/installed: $(VENV)/python pyproject.toml $(SOURCES)
	$(BIN)/pip install --quiet --editable . --config-settings editable_mode=strict
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/pip install --quiet --editable '.[test]' --config-settings editable_mode=strict
	@touch $@

clean:
	rm -rf $(VENV) build report *.egg-info
