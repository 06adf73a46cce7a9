# Two commands on a fresh machine: `make demo` and `make test`. Each does its own set-up in .venv.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
BIN := .venv/bin
AREA ?= dispatch
JOBS ?= 2
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check lab bench soak screenshots deps-test clean

demo: .venv/installed  ## A whole campaign, headless: no key, no GPU, no network
	$(BIN)/alphalab-nb demo runs/demo

test: .venv/dev deps-test  ## Every test
	$(BIN)/python -m pytest -m "not gpu" -n $(JOBS) --dist loadfile --durations=15

check: .venv/dev  ## Style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

lab: .venv/installed  ## JupyterLab on the notebook that drives the same campaign cell by cell
	$(BIN)/jupyter lab notebooks/campaign.ipynb

bench: .venv/dev  ## Measure; writes build/bench/$(AREA).json
	$(BIN)/python -m tests.bench.$(AREA)

soak: .venv/dev  ## Kill a campaign at random moments, again and again
	ALPHALAB_SOAK_ROUNDS=100 $(BIN)/python -m pytest -m "not gpu" --timeout=7200 tests/faults

screenshots: .venv/dev deps-test  ## The pictures of the README, from a real campaign in JupyterLab: docs/images
	$(BIN)/python -m tests.browser.screenshots

deps-test:  ## System packages that some tests use, where this machine allows it
	@sh tests/deps.sh

.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -e .
	@touch $@

.venv/dev: .venv/installed
	$(PIP) -e ".[dev,torch]"
	@touch $@

clean:
	rm -rf .venv build runs .pytest_cache .ruff_cache
