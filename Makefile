# Every target sets itself up: a virtual environment in .venv, nothing global.
# uv is used when it is there, else python3 and pip.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: install demo test check bench docs clean

install: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@if command -v uv >/dev/null 2>&1; then \
	    uv venv --quiet --allow-existing --python '>=3.11' .venv && \
	    uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
	    uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	    $(PYTHON) -c 'import sys; sys.exit("Laennec needs Python 3.11 or newer." if sys.version_info < (3, 11) else 0)' && \
	    $(PYTHON) -m venv .venv && \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $(STAMP)

demo: install
	$(BIN)/laennec demo

test: install
	$(BIN)/python -m pytest

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/reference.py --check

bench: install
	$(BIN)/python benchmarks/load.py
	$(BIN)/python benchmarks/sealed_scan.py
	$(BIN)/python benchmarks/kernel.py

docs: install
	$(BIN)/python tools/reference.py

clean:
	rm -rf .venv laennec-demo
