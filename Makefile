# Two targets do all the set-up on a machine that has Python and make:
#   make run    runs the scenario suites and says where the report is
#   make test   runs every check
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := devices simulator verifier scenarios
SOURCES := $(shell find $(PACKAGES) -name __pycache__ -prune -o -print)

.PHONY: run test bench system clean

run: $(VENV)/installed
	@mkdir -p report
	$(BIN)/mfalab run scenarios --log report/run.jsonl --junit report/junit.xml --html report/index.html

test: system $(VENV)/installed-for-test
	$(BIN)/python -m pytest -n auto --dist worksteal

bench: $(VENV)/installed-for-test
	$(BIN)/python -m pytest bench --benchmark-only

# What tests need beside Python packages: a browser that opens the report.
system:
	@command -v chromium >/dev/null || { \
	  echo "installing chromium, which the report's test opens"; \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq chromium; \
	  else sudo -n apt-get update -qq && sudo -n apt-get install -y -qq chromium; fi >/dev/null \
	  || echo "chromium could not be installed; install it to run the report's browser test"; }

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Strict editable mode is a tree of links, so a new file needs a new installation.
define install
	@rm -rf build/__editable__.*
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=strict --editable '$(1)'
	@touch $@
endef

$(VENV)/installed: $(BIN)/python pyproject.toml $(SOURCES)
	$(call install,.)

$(VENV)/installed-for-test: $(BIN)/python pyproject.toml $(SOURCES)
	$(call install,.[test])
	@touch $(VENV)/installed

clean:
	rm -rf $(VENV) build report *.egg-info
