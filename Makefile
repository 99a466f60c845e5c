# Every target installs what it needs first: Python packages into .venv, npm packages into node_modules.
MAKEFLAGS += --jobs=2
PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
PROTOC := $(PY) -m grpc_tools.protoc -I. --plugin=protoc-gen-mypy=.venv/bin/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=.venv/bin/protoc-gen-mypy_grpc
PROTOS := $(wildcard gateway/proto/*.proto)
SOURCES := $(shell find static/src templates -not -path 'static/src/gen*' -type f 2>/dev/null) static/build.mjs static/gen.mjs $(PROTOS)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))
RUN := .venv/.run node_modules/.stamp static/dist/.stamp $(CATALOGUES)
ON_POSTGRESQL := tests/access tests/compliance tests/ledger tests/pki tests/registry tests/traffic tests/gateway/test_threads.py
# What waits for nothing runs two at a time; what starts processes, browsers and traffic has the machine to itself.
TOGETHER := tests/access tests/architecture tests/cli tests/compliance tests/gateway tests/kernel tests/ledger tests/pki tests/registry tests/traffic
TWO := -n 2 --dist loadfile
DEV := $(RUN) .venv/.dev

.PHONY: up build test check bench proto soak debian

up: $(RUN)
	$(PY) manage.py serve --demo

build: $(RUN)

test: debian $(DEV)
	$(PY) -m tests.fixtures.postgres -- $(PY) -m pytest -q $(TWO) $(ON_POSTGRESQL)
	$(PY) -m pytest -q $(TWO) $(TOGETHER)
	$(PY) -m pytest $(TOGETHER:%=--ignore=%)

check: $(DEV)
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports && npm run --silent check && $(PY) -m pytest -q tests/architecture

bench: $(DEV)
	$(PY) -m tests.bench

soak: debian $(DEV)
	$(PY) -m pytest -m soak

proto: .venv/.dev
	$(PROTOC) --python_out=. --grpc_python_out=. --mypy_out=quiet:. --mypy_grpc_out=quiet:. $(PROTOS)

debian:
	.ci/debian

.venv/.run: pyproject.toml
	$(PYTHON) -m venv .venv && $(PIP) -e '.[build,demo]' && touch $@

.venv/.dev: .venv/.run
	$(PIP) -e '.[build,demo,dev]' && touch $@

node_modules/.stamp: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error && touch $@

static/dist/.stamp: node_modules/.stamp .venv/.run $(SOURCES)
	npm run --silent build && touch $@

%.mo: %.po .venv/.run
	.venv/bin/pybabel --quiet compile --input-file=$< --output-file=$@
