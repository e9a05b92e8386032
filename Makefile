# `make demo` and `make test` do all the set-up on a fresh checkout and then run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FAST := tests/core tests/datasets tests/metrics tests/report tests/test_rooms.py tests/test_docs.py
# Lint and docs side by side.
MAKEFLAGS += --jobs=2

.PHONY: demo test check lowest bench lint docs dist clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "refervid needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs,ui,datasets,cluster,train]'
	touch $@

demo: $(READY)
	$(BIN)/refervid demo

# Processes side by side are faster than threads inside one; each has one thread, so that they do not fight.
# Bytecode is kept, also where the environment says otherwise: every worker would compile all tests anew, in 2 s.
test: $(READY) lint docs
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal

# What to run after every change: a minute and a half.
check: $(READY) lint docs
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto $(FAST)

# The tests with the lowest versions that pyproject.toml allows; some GB, as torch of then comes with CUDA.
lowest:
	$(PYTHON) -m venv build/lowest
	build/lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	build/lowest/bin/uv pip compile --quiet --resolution lowest-direct --all-extras pyproject.toml -o build/lowest.txt
	build/lowest/bin/uv pip install --quiet --python build/lowest/bin/python -r build/lowest.txt -e .
	OMP_NUM_THREADS=1 build/lowest/bin/python -m pytest -n auto --dist worksteal

# The table of speeds in the README; some twenty minutes on a quiet core.
bench: $(READY)
	OMP_NUM_THREADS=1 PYTHONPATH=. $(BIN)/python bench/table.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs out/docs

# The wheel and the source archive, installed into an empty environment and run there.
dist: $(READY)
	rm -rf dist build/empty
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv build/empty
	build/empty/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	cd build && empty/bin/refervid --version && empty/bin/refervid demo -o empty/demo

clean:
	rm -rf $(VENV) out dist build
