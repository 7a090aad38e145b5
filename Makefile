# Everything a bare Debian or Ubuntu machine needs; elsewhere use pip as the README describes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get

RUN_PACKAGES := python3-venv libportaudio2 libasound2-plugins libegl1 libgl1 libdbus-1-3 \
  libfontconfig1 libglib2.0-0 libx11-xcb1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 \
  libxcb-keysyms1 libxcb-randr0 libxcb-shape0 libxcb-sync1 libxcb-xfixes0 fonts-dejavu-core
TEST_PACKAGES := pulseaudio pulseaudio-utils xvfb xauth postgresql chromium chromium-driver

.PHONY: demo app test lint bundle desktop-entry screenshots catalogues docs train-setup clean
.DELETE_ON_ERROR:

demo: $(VENV)/app.stamp  ## Set everything up and run the demo
	$(BIN)/emolive demo

app: $(VENV)/app.stamp  ## Set everything up and open the desktop app
	$(BIN)/emolive

# A test that a machine busy with other things upset is tried once more, and named at the end.
PYTEST := $(BIN)/pytest --reruns 1 -rfER --dist worksteal
.PHONY: test-program test-rest
# Tests of the program and of clusters wait more than they compute, so what computes goes on beside
# them; each says what it found once it is over. What measures the machine comes last, alone.
test: $(VENV)/dev.stamp  ## Set up what the tests need and run all checks
	$(MAKE) --jobs 2 --output-sync=line --keep-going test-program test-rest
	$(PYTEST) -n 0 -m alone tests/bench tests/ui

test-program:
	$(PYTEST) -n 4 -m "not alone" --ignore tests/cluster --ignore tests/training

test-rest: lint
	$(PYTEST) -n 2 tests/cluster
	$(PYTEST) -n 2 tests/training

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/system-run.stamp:
	$(APT) update -q
	$(APT) install -q -y --no-install-recommends $(RUN_PACKAGES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	touch $@

$(VENV)/system-test.stamp: $(VENV)/system-run.stamp
	$(APT) install -q -y --no-install-recommends $(TEST_PACKAGES)
	touch $@

$(VENV)/app.stamp: $(VENV)/system-run.stamp pyproject.toml
	$(BIN)/python -m pip install -q -e .[cues,export,notify]
	touch $@

$(VENV)/dev.stamp: $(VENV)/system-test.stamp pyproject.toml
	$(BIN)/python -m pip install -q -e .[dev,training,export,cues]
	touch $@

GROUPS = adapt alerts baseline call models serve sessions
bundle: $(VENV)/app.stamp  ## Build dist/emolive, a folder that runs without Python, and start it
	$(BIN)/python -m pip install -q -e .[bundle,cues,export,notify]
	$(BIN)/pyinstaller --noconfirm --workpath build/pyinstaller assets/packaging/emolive.spec
	dist/emolive/emolive demo --headless --duration 5
	! dist/emolive/emolive devices 2>&1 | grep "cannot be imported"
	for group in $(GROUPS); do dist/emolive/emolive $$group --help > build/help || exit 1; done
	dist/emolive/emolive analyze --jobs 2 --out build/analysed tests/support_call.flac assets/demo.flac

desktop-entry:  ## Put emolive into the desktop's menu, for this user
	install -D -m 644 assets/packaging/emolive.desktop ~/.local/share/applications/emolive.desktop
	sed -i "s|^Exec=.*|Exec=$(CURDIR)/$(BIN)/emolive|" ~/.local/share/applications/emolive.desktop
	install -D -m 644 assets/icon.svg ~/.local/share/icons/hicolor/scalable/apps/emolive.svg

SHOTS := docs/screenshots
screenshots: $(VENV)/dev.stamp  ## Render every screen, light and dark, at two sizes
	$(BIN)/python -m tests.ui.shots $(SHOTS) running why two_streams guide settings
	$(BIN)/python -m tests.ui.session_shots $(SHOTS) sessions replay annotate compare export_dialog
	$(BIN)/python -m tests.ui.call_shots $(SHOTS) wall call start rules
	$(BIN)/python -m tests.server.web.shots $(SHOTS)

catalogues: $(VENV)/dev.stamp  ## Put new texts into the languages' catalogues
	$(BIN)/python -m tests.catalogues

docs: $(VENV)/dev.stamp  ## Build the guide into site/
	$(BIN)/mkdocs build --strict

train-setup: $(VENV)/system-run.stamp  ## Set up training only
	$(BIN)/python -m pip install -q -e .[training]

clean:
	rm -rf $(VENV)
