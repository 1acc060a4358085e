# Two targets do all the set-up on a machine that has Python and make:
#   make run    runs the scenario suites and says where the report is
#   make test   runs every check
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := devices simulator verifier scenarios
SOURCES := $(shell find $(PACKAGES) -name __pycache__ -prune -o -print)

.PHONY: run test verbs pictures targets-table bench kill system kernel clean

run: $(VENV)/installed
	@mkdir -p report
	$(BIN)/mfalab run scenarios --log report/run.jsonl --junit report/junit.xml --html report/index.html

# A worker more than processors: guests wait as much as they work.
test: system $(VENV)/installed-for-test $(VENV)/plain/installed $(VENV)/strangers/installed $(VENV)/micropython/package/micropython.mjs $(VENV)/npm/installed $(VENV)/fido2-suite/pytest.ini kernel
	$(BIN)/python -m pytest -n $$(($$(nproc) + 1)) --dist loadfile --no-loadscope-reorder

# The verbs of a lab, written from the step models.
verbs: $(VENV)/installed-for-test
	$(BIN)/python tests/simulator/write_verbs.py

# The pictures of docs/: the console, the shelf and a study, each taken from the thing itself.
pictures: $(VENV)/installed-for-test
	@mkdir -p report
	$(BIN)/python tests/simulator/serving/write_pictures.py
	$(BIN)/python tests/simulator/shelf/write_pictures.py
	$(BIN)/mfalab fleet examples/window.fleet.yaml --html report/window.html
	chromium --headless $(if $(filter 0,$(shell id -u)),--no-sandbox) --hide-scrollbars --window-size=1200,1310 \
	  --virtual-time-budget=8000 --screenshot=docs/fleet.png report/window.html

# What moto does otherwise than AWS, from a run against its server.
targets-table: $(VENV)/installed-for-test $(VENV)/strangers/installed
	$(BIN)/python tests/simulator/targets/write_moto_table.py

# COMPARE=FILE fails on a ratio that is worse than in an earlier run's JSON; TARGET=otp:... measures
# a verifier of yours beside the others.
bench: $(VENV)/installed-for-test $(VENV)/strangers/installed $(VENV)/peers/installed
	@mkdir -p report
	$(BIN)/python -m pytest bench --benchmark-only --benchmark-quiet --benchmark-json report/bench.json \
	  $(if $(COMPARE),--compare $(COMPARE)) $(if $(TARGET),--target $(TARGET))

# Ends a verifier by kill -9 as often as wanted: make kill ROUNDS=10000 [DB=postgresql, or a URL].
ROUNDS ?= 1000
DB ?= sqlite
kill: $(VENV)/installed-for-test
	$(BIN)/python tests/verifier/kill.py --rounds $(ROUNDS) --db '$(DB)'

# What tests need beside Python packages: a browser, the guest's machine, the strangers in it, and
# what pyscard is compiled with.
DEBIAN := chromium chromium-driver firefox-esr xdotool xvfb \
  busybox-static file kmod qemu-system-x86 udev \
  cryptsetup-bin fido2-tools libpam-u2f openssh-client openssh-server pamtester pamu2fcfg usbip usbutils \
  pcscd tshark vsmartcard-vpcd \
  liboath0 oathtool postgresql \
  gcc libc6-dev libpcsclite-dev python3-dev swig \
  $(if $(shell command -v npm),,nodejs npm)
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo -n)
APT := $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get -qq

system:
	@command -v dpkg-query >/dev/null || { echo "no Debian: tests that need $(DEBIAN) may be skipped"; exit 0; }; \
	missing=$$(for package in $(DEBIAN); do \
	  dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed || echo $$package; \
	done); \
	[ -z "$$missing" ] || { \
	  echo "installing" $$missing; \
	  $(APT) update && $(APT) install -y --no-install-recommends $$missing >/dev/null \
	  || echo "not all of them could be installed; tests that need them say so"; }

# Where packages come and go, apt's lists may be older than the kernel that they name.
kernel: $(VENV)/installed-for-test
	@$(BIN)/mfalab guest kernel >/dev/null 2>&1 \
	  || { $(APT) update; $(BIN)/mfalab guest kernel >/dev/null; } \
	  || echo "no kernel for the guest; tests that need it say so"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Strict editable mode is a tree of links, so a new file needs a new installation.
install = rm -rf build/__editable__.* && $(BIN)/pip install --quiet --disable-pip-version-check \
  --config-settings editable_mode=strict --editable '$(1)'

COMMA := ,

$(VENV)/installed: $(BIN)/python pyproject.toml setup.py $(SOURCES)
	@$(call install,.)
	@touch $@

$(VENV)/installed-for-test: $(BIN)/python pyproject.toml setup.py $(SOURCES)
	@$(call install,.[test$(COMMA)nfc]) || { \
	  echo "pyscard cannot be compiled here; tests with card readers say so"; $(call install,.[test]); }
	@touch $@ $(VENV)/installed

# An environment without extras, in which every command must work or say what to install.
$(VENV)/plain/installed: $(VENV)/installed-for-test
	@$(PYTHON) -m venv $(VENV)/plain
	@$(VENV)/plain/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps .
	@$(VENV)/plain/bin/pip install --quiet --disable-pip-version-check .
	@touch $@

# Programs of others that talk to AWS; they pin another botocore than the aws tool.
$(VENV)/strangers/installed: | $(BIN)/python
	@$(PYTHON) -m venv $(VENV)/strangers
	@$(VENV)/strangers/bin/pip install --quiet --disable-pip-version-check 'c7n>=0.9.53' 'aws-mfa>=0.0.12' 'moto[server]>=5.2' \
	  && touch $@ || echo "no strangers at the AWS endpoint; tests that need them say so"

# A peer of the benchmarks that wants an older fido2.
$(VENV)/peers/installed: | $(BIN)/python
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/pip install --quiet --disable-pip-version-check soft-webauthn==0.1.4 \
	  && touch $@ || echo "no soft-webauthn; its row is left out"

# A MicroPython for the rig's firmware, which runs under node.
MICROPYTHON := micropython-webassembly-pyscript
$(VENV)/micropython/package/micropython.mjs: | $(BIN)/python
	@mkdir -p $(VENV)/micropython
	@npm pack --silent --pack-destination $(VENV)/micropython @micropython/$(MICROPYTHON)@1.27.0 >/dev/null \
	  && tar xzf $(VENV)/micropython/micropython-$(MICROPYTHON)-1.27.0.tgz -C $(VENV)/micropython \
	  && touch $@ || echo "no MicroPython; tests of the rig's firmware say so"

# Strangers in the browser and under node: a relying party's two halves, and a judge of accessibility.
NPM_PACKAGES := @simplewebauthn/browser@14 @simplewebauthn/server@14 axe-core@4
$(VENV)/npm/installed: | $(BIN)/python
	@mkdir -p $(VENV)/npm
	@npm install --silent --no-audit --no-fund --prefix $(VENV)/npm $(NPM_PACKAGES) >/dev/null \
	  && touch $@ || echo "no npm packages; tests that need them say so"

# The device suite of the python-fido2 that is installed; its own pytest.ini keeps ours away from it.
$(VENV)/fido2-suite/pytest.ini: $(VENV)/installed-for-test
	@rm -rf $(VENV)/fido2-suite && mkdir -p $(VENV)/fido2-suite && $(BIN)/pip download --quiet \
	  --disable-pip-version-check --no-deps --no-binary fido2 --dest $(VENV)/fido2-suite \
	  fido2==$$($(BIN)/python -c 'from importlib.metadata import version; print(version("fido2"))') \
	  && tar xzf $(VENV)/fido2-suite/fido2-*.tar.gz -C $(VENV)/fido2-suite --strip-components 1 --wildcards '*/tests' \
	  && touch $@ || echo "no suite of python-fido2; the example that runs it says so"

clean:
	rm -rf $(VENV) build report *.egg-info
