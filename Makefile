# Every target makes what it needs first. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
# For `make gpu`: options, such as GPU="--without speed", and the Python of the machine that the wheels are for.
GPU :=
GPU_PYTHON := 3.12
# For `make test`, `make browser` and `make benchmarks`: a part of it, such as ONLY=checks.
ONLY :=
BENCHMARKS := $(filter-out benchmark_report kit map_tables side_by_side tried_ingredients,$(basename $(notdir $(wildcard tests/benchmarks/*.py))))
NOTEBOOK := NetworkVisualization.ipynb
# -I keeps pip and Jupyter from importing files in this folder: your own random.py, say, would break them with a misleading error.
# The kit's modules name such a file.
# Everything runs through python itself: the other commands in .venv/bin contain the folder's path, and break when it is moved.
ISOLATED := $(BIN)/python -I
# pip refuses --user in an environment. It shows its progress in a terminal, and spares a log the hundreds of lines.
PIP := [ -t 1 ] && quiet= || quiet=--quiet; PIP_USER=0 $(ISOLATED) -m pip install $$quiet --disable-pip-version-check -c constraints.txt
# The index that torch and torchvision come from, if it is not pip's own: remembered in .venv/installed.
INSTALLED_FROM := $(shell cat .venv/installed 2>/dev/null)
TORCH_INDEX ?= $(INSTALLED_FROM)
ifneq ($(TORCH_INDEX),$(INSTALLED_FROM))
ANOTHER_INDEX := $(if $(wildcard .venv/installed),another-index)
endif
NBCONVERT := $(ISOLATED) -m nbconvert --log-level=ERROR

help:
	@echo "make notebook    execute the notebook and leave it as a page to open, build/NetworkVisualization.html"
	@echo "make test        run the tests, including the notebook, except the long ones; all of some files: make test ONLY=checks"
	@echo "make test-long   run the long tests: whole classes and hostile submissions graded, clusters, releases, images that climb long"
	@echo "make browser     go a student's way in JupyterLab and Notebook 7, and a marker's, in Chromium; screenshots in build/browser"
	@echo "make lab         open the notebook in JupyterLab"
	@echo "make data        fetch and verify the weights and the pictures"
	@echo "make jury        fetch three more networks, which tests and benchmarks ask about class images"
	@echo "make lint        check the code's style and types, as CI does"
	@echo "make benchmarks  measure against what others would use; a part: make benchmarks ONLY=saliency"
	@echo "make gpu         prove and measure the kit on a GPU, installing nothing but build/gpu-wheels; make gpu-rehearsal: on the CPU"
	@echo "make gpu-wheels  fetch what a bare GPU machine lacks into build/gpu-wheels, to travel with the kit"
	@echo "make refresh     execute the notebook and store its outputs in it, for those who change the kit"
	@echo "make clean       remove what make made: .venv, build and caches; the data stays"
	@echo "Options for all of these: PYTHON=python3.12 and, to download 0.4 GB instead of 3 GB on Linux without an NVIDIA card,"
	@echo "TORCH_INDEX=https://download.pytorch.org/whl/cpu"

notebook: executed
	$(BIN)/python -m cs231n.pages build/$(NOTEBOOK) build/NetworkVisualization.html
	@echo "Open $(CURDIR)/build/NetworkVisualization.html in a browser."

# A copy is executed: the notebook itself may hold a student's work. Progress bars are cut down to their last state. The kernel
# would warn, each time, that it is reached without encryption, which on this machine it need not be.
executed: data
	@echo "Executing the notebook: a minute."
	$(NBCONVERT) --to notebook --execute --ExecutePreprocessor.timeout=120 --ExecutePreprocessor.record_timing=False \
		--ExecutePreprocessor.extra_arguments=--log-level=ERROR --output-dir build $(NOTEBOOK)
	$(NBCONVERT) --coalesce-streams build/$(NOTEBOOK)

# Several processes with a thread each: a third less time than one process with all cores. tests/conftest.py says which tests
# stay together. ONLY=checks: those of tests/test_checks.py, tests/test_checks_guard.py ...; ONLY=NetworkVisualization: the notebook.
# Those marked `long` are few and take most of the time. They run in CI, by `make test-long`, and when ONLY names their file.
TESTED = $(if $(ONLY),$(or $(wildcard tests/test_*$(ONLY)*.py *$(ONLY)*.ipynb),$(error there is no tests/test_*$(ONLY)*.py)))
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder
test: jury .venv/tests-installed
	$(PYTEST) $(if $(ONLY),$(TESTED),-m "not long")
	@$(if $(ONLY),:,echo "The long tests were left out: make test-long runs them, as CI does.")

test-long: jury .venv/tests-installed
	$(PYTEST) -m long

# The browser is the system's Chromium. ONLY=notebook7: tests/browser/test_notebook7.py.
BROWSED = $(if $(ONLY),$(or $(wildcard tests/browser/test_*$(ONLY)*.py),$(error there is no tests/browser/test_*$(ONLY)*.py)),tests/browser)
browser: data .venv/browser-installed
	$(BIN)/python -m pytest $(BROWSED)

lab: data
	$(ISOLATED) -m jupyterlab $(NOTEBOOK)

data: .venv/installed
	$(BIN)/python -m cs231n.download

# The data, and three more networks, which tests and benchmarks ask.
jury: .venv/installed
	$(BIN)/python -m cs231n.download --jury

lint: .venv/tests-installed
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy

# Each script writes its own part of the table and its own rows of the results.
benchmarks: jury .venv/benchmarks-installed
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

.venv/installed: requirements.txt constraints.txt $(ANOTHER_INDEX)
	@$(PYTHON) -I -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' || \
		{ echo "$(PYTHON) is not Python 3.10 to 3.14. Name one that is: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Creating a Python environment in .venv."
	@$(PYTHON) -I -m venv .venv
ifneq ($(TORCH_INDEX),)
	@echo "Installing PyTorch from $(TORCH_INDEX): its CPU wheels are 0.2 GB to download."
	@$(PIP) --force-reinstall --no-deps --index-url "$(TORCH_INDEX)" torch torchvision
	@echo "Installing Jupyter and everything else: 0.2 GB to download."
else
	@echo "Installing PyTorch, Jupyter and what they need, which takes a few minutes. On Linux this is 3 GB to download, because"
	@echo "PyTorch includes CUDA (CPU only: make TORCH_INDEX=https://download.pytorch.org/whl/cpu ...); elsewhere it is 0.3 GB."
endif
	@$(PIP) -r requirements.txt
	@echo "$(TORCH_INDEX)" > $@

# Never two builds of PyTorch in one environment.
another-index:
	@echo "PyTorch is already installed in .venv, from $(or $(INSTALLED_FROM),pip's own index). To replace it, run make clean first;"
	@echo "your work and the data stay."
	@exit 1

.venv/tests-installed: .venv/installed tests/requirements.txt cs231n/instructor/requirements.txt
	@echo "Installing what the tests need: about 0.1 GB to download."
	@$(PIP) -r tests/requirements.txt
	touch $@

.venv/browser-installed: .venv/tests-installed tests/browser/requirements.txt
	@echo "Installing what drives a browser: less than 0.1 GB to download."
	@$(PIP) -r tests/browser/requirements.txt
	touch $@

.venv/benchmarks-installed: .venv/tests-installed tests/benchmarks/requirements.txt
	@echo "Installing what the benchmarks compare with: about 0.1 GB to download."
	@$(PIP) -r tests/benchmarks/requirements.txt
	touch $@

.PHONY: help notebook executed test test-long browser lab data lint benchmarks gpu gpu-rehearsal gpu-wheels jury refresh clean
