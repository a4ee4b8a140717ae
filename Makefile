# Two commands: `make run` runs a study and writes its report, `make test` passes the tests. Both set up everything they need.
STUDY ?= studies/quick.yaml
PYTHON ?= python3
SCALE ?=
WORKERS ?=

# Build of torch: cpu, cu130, rocm7.1, ... (a folder of download.pytorch.org/whl), or nothing for that of PyPI, which is for CUDA on Linux.
TORCH ?= cpu

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AT = $(if $(SCALE),--scale $(SCALE))
JOBS = $(if $(WORKERS),--workers $(WORKERS))

# The report of a study whose database is in reports/ goes beside its new database, so that the committed report stays.
NAME = $(basename $(notdir $(STUDY)))$(if $(SCALE),-$(SCALE))
OUTPUT = $(if $(wildcard reports/$(NAME).sqlite),runs,reports)

# Everything in reports/ that is computed from the databases there; `make -j 2 reports` renders two at a time.
FIGURES := reports/audio-large.png
RENDERED := $(patsubst reports/%.sqlite,render-%,$(wildcard reports/*.sqlite))
JOINT := render-audio-large+audio_fsdd-large

.DEFAULT_GOAL := help
.PHONY: help setup run reports $(RENDERED) $(JOINT) $(FIGURES) results docs external-links test pythons check quick format clean

help:
	@echo "make run                           run studies/quick.yaml and write reports/quick.pdf"
	@echo "make run STUDY=studies/audio.yaml  run another study; interrupt it at will, the same command continues it"
	@echo "make reports                       render the reports of the databases in reports/"
	@echo "make results                       write the results in README.md and docs/reference/results.md from the reports"
	@echo "make docs                            build the documentation site in build/site, and check its links"
	@echo "make external-links                  check the links to other sites; needs the network"
	@echo "make test                          set up and run the tests"
	@echo "make pythons                       run the tests on Python 3.11, 3.12 and 3.13, each in a new environment"
	@echo "make setup TORCH=cu130             set up with another build of torch (rocm7.1, ...; default: cpu)"
	@echo "make quick                         format, lint and the fast tests, for the inner loop"
	@echo "make check                         format, lint and types, then the tests: all that CI runs"

setup: $(READY)

# constraints.txt pins every dependency; pyproject.toml keeps the ranges that hpstudy works with.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hpstudy needs Python 3.11 or newer: make run PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH),$(BIN)/python tools/install_torch.py $(TORCH))
	$(BIN)/pip install -qq --constraint constraints.txt --editable '.[dev,docs]'
	@touch $@

run: setup
	$(BIN)/hpstudy run $(STUDY) $(AT) $(JOBS)
	$(BIN)/hpstudy report $(STUDY) $(AT) --output $(OUTPUT)

reports: $(RENDERED) $(JOINT) $(FIGURES)

$(RENDERED): render-%: setup
	$(BIN)/hpstudy report reports/$*.sqlite --output reports

$(JOINT): setup
	$(BIN)/hpstudy report reports/audio-large.sqlite reports/audio_fsdd-large.sqlite --output reports

$(FIGURES): reports/%.png: setup
	$(BIN)/hpstudy plot reports/$*.sqlite confirmed --output $@

results: setup
	$(BIN)/python tools/results.py

# A warning is an error: a linked page or heading that does not exist, a page in no table of contents.
docs: setup
	$(BIN)/python -m sphinx -W --keep-going -q docs build/site
	@echo build/site/index.html

external-links: setup
	$(BIN)/python -m sphinx -q -b linkcheck docs build/external-links

test: setup
	$(BIN)/python -m pytest -n auto

pythons:
	tools/pythons.sh

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto

# Leaves out the type check, and the tests that train networks, run studies, write databases or reports, or read data sets.
QUICK := tests/study tests/loading tests/analysis tests/test_import_contract.py tests/cli/test_consistency.py

quick: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n auto $(QUICK)

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
