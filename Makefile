# vosedu in one word each. `make help` lists them; README.md names the plain commands behind them.

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
JOBS ?= 2

RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help venv tour lab test bench notebooks

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "JOBS=8                 run that many tests side by side (each needs a core and 2 GB)"
	@echo "PYTHON=python3.12      build .venv with another Python (3.11 or newer)"
	@echo "TORCH_INDEX=https://download.pytorch.org/whl/cpu    torch without CUDA: a much smaller download"

venv: $(READY) ## build .venv from requirements.txt

tour: $(READY) ## run the tour notebook: a table, a video, a contact sheet in runs/tour/
	$(RUN) -m vosedu tour

lab: $(READY) ## open JupyterLab on the tour
	$(RUN) -m jupyterlab notebooks/00_tour.ipynb

test: $(READY) ## run every test; what is skipped is listed with its reason
	$(RUN) -m pytest -n $(JOBS) --dist worksteal

bench: $(READY) ## measure speed and memory beside their budgets
	$(RUN) -m vosedu bench

notebooks: $(READY) ## execute every notebook again, in place, and check them
	$(RUN) tools/notebooks.py

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "vosedu needs Python 3.11 or newer as $(PYTHON); name one: make venv PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot build virtual environments; first: sudo apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r requirements.txt
	$(RUN) -m pip install --no-deps -e .
	@touch $@
