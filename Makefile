# Two commands do all the set-up on a machine with Python 3.11+, git and make: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
ORACLE := .venv-3.11.3
ALPHA := .venv-4.0.0a6
BIN := $(VENV)/bin
PYTEST_ARGS ?=
ROUNDS ?= 3
BENCH ?=

.PHONY: help demo test bench bench-full check docs format servers clean

help:
	@echo "make demo    run real jobs on SQLite for 15 seconds and print what became of them"
	@echo "make test    install what the tests need, and run them"
	@echo "make bench   compare the speed with APScheduler 3.11.3, in under five minutes"
	@echo "make bench-full  measure all that docs/explanation/speed.md shows, and write it; about 20 minutes"
	@echo "make check   ruff, format check, mypy"
	@echo "make docs    build the documentation, into docs/_build/html; warnings are errors"
	@echo "make format  let ruff mend what it can"
	@echo "make clean   remove the environment and everything that was built"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[sqlalchemy]'
	touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --group test --group check --group docs --editable '.[all]'
	touch $@

# The release that this project is compatible with, in an environment of its own: tests ask it how it behaves.
$(ORACLE)/.done: Makefile
	$(PYTHON) -m venv $(ORACLE)
	$(ORACLE)/bin/python -m pip install --quiet apscheduler==3.11.3 sqlalchemy pytz redis 'psycopg[binary]' kazoo pymongo rethinkdb etcd3 'protobuf<3.21'
	touch $@

# Another design of the same project, to compare the speed with.
$(ALPHA)/.done: Makefile
	$(PYTHON) -m venv $(ALPHA)
	$(ALPHA)/bin/python -m pip install --quiet apscheduler==4.0.0a6 'sqlalchemy[asyncio]' aiosqlite sniffio 'psycopg[binary]'
	touch $@

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group bench
	touch $@

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

# Where Debian's packages can be installed, the tests' database servers are; elsewhere tests without them skip.
servers:
	sh tests/install-servers.sh

test: $(VENV)/.test $(ORACLE)/.done servers
	APSCHEDULER_ORACLE_PYTHON=$(CURDIR)/$(ORACLE)/bin/python $(BIN)/python -m pytest $(PYTEST_ARGS)

# Ratios against 3.11.3, measured in turn in the same run: make bench BENCH="cron dispatch_sqlite" ROUNDS=5
bench: $(VENV)/.test $(ORACLE)/.done
	$(BIN)/python benchmarks/compare.py --peer $(ORACLE)/bin/python --rounds $(ROUNDS) $(BENCH)

# Goes on where it was cut off; all parts anew with AGAIN=1, some of them with BENCH="scaling idle_cost".
bench-full: $(VENV)/.bench $(ORACLE)/.done $(ALPHA)/.done servers
	$(BIN)/python benchmarks/full.py --peer $(ORACLE)/bin/python --peer4 $(ALPHA)/bin/python $(if $(AGAIN),--again) $(BENCH)

check: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# The tests build it too, so a page that does not build fails `make test`.
docs: $(VENV)/.test
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

format: $(VENV)/.test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) $(ORACLE) $(ALPHA) benchmarks/results/new demo-data docs/_build docs/reference/api build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
