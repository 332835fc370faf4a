# `make demo` and `make test` are all that a newcomer needs; both begin with `make setup`.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help setup demo test clean

help:
	@echo "make setup   create .venv and install everything, pinned in constraints.txt (only when something changed)"
	@echo "make demo    from an empty machine to recommendations by agents, on real data"
	@echo "make test    ruff, mypy, import-linter, pytest"
	@echo "make clean   remove .venv and caches; run folders stay"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=26"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[torch,llm,als,index,tune,policies,adapters,mcp,embed,synthesis,ray,skyrl,dev]"
	$(BIN)/python -m pip install --quiet --no-deps "bfcl-eval==2026.3.23"
	@touch $(STAMP)

demo: setup
	@$(BIN)/tastemaker demo

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
