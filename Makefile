# Every target makes what it needs first. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
# For `make gpu`: options, such as GPU="--without speed", and the Python of the machine that the wheels are for.
GPU :=
GPU_PYTHON := 3.12
# For `make test` and `make benchmarks`: a part of it, such as ONLY=checks.
ONLY :=
BENCHMARKS := $(filter-out benchmark_report kit side_by_side,$(basename $(notdir $(wildcard tests/benchmarks/*.py))))
NOTEBOOK := NetworkVisualization.ipynb
NBCONVERT := $(BIN)/jupyter nbconvert --log-level=ERROR
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

help:
	@echo "make notebook    execute the notebook and leave it as a page to open, build/NetworkVisualization.html"
	@echo "make test        run all tests, the notebook among them; those of files with a word in their names: make test ONLY=checks"
	@echo "make lab         open the notebook in JupyterLab"
	@echo "make data        fetch and verify the weights and the pictures"
	@echo "make lint        check the code's style and types, as CI does"
	@echo "make benchmarks  measure against what others would use; a part: make benchmarks ONLY=saliency"
	@echo "make gpu         prove and measure the kit on a GPU, installing nothing but build/gpu-wheels; make gpu-rehearsal: on the CPU"
	@echo "make gpu-wheels  fetch what a bare GPU machine lacks into build/gpu-wheels, to travel with the kit"
	@echo "make refresh     execute the notebook and store its outputs in it, for those who change the kit"
	@echo "make clean       remove what make made: .venv, build and caches; the data stays"

notebook: executed
	$(BIN)/python -m cs231n.pages build/$(NOTEBOOK) build/NetworkVisualization.html
	@echo "Open $(CURDIR)/build/NetworkVisualization.html in a browser."

# A copy is executed: the notebook itself may hold a student's work. Progress bars are cut down to their last state.
executed: data
	@echo "Executing the notebook: a minute."
	$(NBCONVERT) --to notebook --execute --ExecutePreprocessor.timeout=120 --ExecutePreprocessor.record_timing=False \
		--output-dir build $(NOTEBOOK)
	$(NBCONVERT) --coalesce-streams build/$(NOTEBOOK)

# Several processes with a thread each: a third less time than one process with all cores. tests/conftest.py says which tests
# stay together. ONLY=checks: those of tests/test_checks.py, tests/test_checks_guard.py ...; ONLY=NetworkVisualization: the notebook.
TESTED = $(if $(ONLY),$(or $(wildcard tests/test_*$(ONLY)*.py *$(ONLY)*.ipynb),$(error there is no tests/test_*$(ONLY)*.py)))
test: data .venv/tests-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder $(TESTED)

lab: data
	$(BIN)/jupyter lab $(NOTEBOOK)

data: .venv/installed
	PYTHON=$(BIN)/python ./get_datasets.sh

lint: .venv/tests-installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Each script writes its own part of the table and its own rows of the results.
benchmarks: data .venv/benchmarks-installed
	@for name in $(or $(ONLY),$(BENCHMARKS)); do \
		$(BIN)/python tests/benchmarks/$$name.py --out build/benchmarks/$$name.md --results build/benchmarks/results.json || exit 1; \
	done

# On a GPU machine without a network: any Python for PyTorch will do, and nothing is installed into it.
gpu:
	$(PYTHON) tests/gpu/prove.py $(GPU)

gpu-rehearsal: data .venv/tests-installed
	$(BIN)/python tests/gpu/prove.py --rehearsal --out build/gpu-rehearsal $(GPU)

gpu-wheels:
	$(PYTHON) tests/gpu/wheels.py build/gpu-wheels --python $(GPU_PYTHON)

refresh: executed
	mv build/$(NOTEBOOK) $(NOTEBOOK)
	$(BIN)/python .github/make_overview.py

clean:
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "$(PYTHON) is not Python 3.10 or newer. Name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	@echo "Installing PyTorch, Jupyter and what they need into .venv: some minutes, several GB, once."
	$(PIP) -r requirements.txt
	touch $@

.venv/tests-installed: .venv/installed tests/requirements.txt cs231n/instructor/requirements.txt
	$(PIP) -r tests/requirements.txt
	touch $@

.venv/benchmarks-installed: .venv/tests-installed tests/benchmarks/requirements.txt
	$(PIP) -r tests/benchmarks/requirements.txt
	touch $@

.PHONY: help notebook executed test lab data lint benchmarks gpu gpu-rehearsal gpu-wheels refresh clean
