# Every target but `lock` does its own set-up on a machine with git, make and Python 3.11 with venv (Debian 12:
# `apt-get install git make python3.11-venv`). Nothing is installed outside .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.11
TORCH ?= auto# auto, cpu or cuda: see envs/install.sh
PIP_ARGS ?=# further options for pip
CORES ?= all
PYTEST_ARGS ?= -n auto --dist loadfile
CONFIG ?= config/config.yaml# of verify, expected and crate
KILLS ?= 20# of crash
SEED ?= 0# of crash: which moments

BIN := .venv/bin
SNAKEMAKE = PYTHONPATH=workflow/logger $(BIN)/snakemake --cores $(CORES) --logger progress

# One thread a process, so that no number depends on how many cores a machine has.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export PYTHONNOUSERSITE := 1
export MPLBACKEND := agg

.PHONY: help install lint test conda-test slurm-test smoke reproduce figures identical verify expected crate crash mutants weights card audit bench lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

.venv/installed: envs/requirements.lock envs/torch-cpu.lock envs/torch-cuda.lock envs/install.sh pyproject.toml
	envs/install.sh $(PYTHON) $(TORCH) $(PIP_ARGS)
	touch $@

install: .venv/installed ## Build .venv from the locks, once

lint: .venv/installed ## Style, import layers and workflow rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check --line-length 120 workflow
	$(BIN)/snakemake --lint

test: .venv/installed ## The tests; those that need data skip and say so
	$(BIN)/python -m pytest $(PYTEST_ARGS)

conda-test: .venv/installed ## The smoke study by --use-conda, with a real conda; minutes
	$(BIN)/python -m pytest -rs tests/conda

slurm-test: .venv/installed ## The smoke study on a real Slurm of one node; needs root and apt; minutes
	$(BIN)/python -m pytest -rs tests/slurm

smoke: .venv/installed ## The whole workflow on a tiny simulated study
	$(SNAKEMAKE) --configfile config/smoke.yaml

reproduce: .venv/installed ## Every table and figure of the default study
	$(SNAKEMAKE)

figures: .venv/installed ## The figures of the default study
	$(SNAKEMAKE) draw_figures

identical: .venv/installed ## The smoke study twice from nothing, compared byte by byte
	$(BIN)/python -m workflow.identical config/smoke.yaml --cores $(CORES)

verify: .venv/installed ## A finished run against the committed numbers; CONFIG=config/smoke.yaml for another study
	$(SNAKEMAKE) --configfile $(CONFIG)
	$(BIN)/python -m workflow.scripts.verification --configfile $(CONFIG)

expected: .venv/installed ## Commit to the numbers of a finished run of CONFIG
	$(BIN)/python -m workflow.scripts.verification --configfile $(CONFIG) --update

crate: .venv/installed ## The run of CONFIG as a Workflow Run RO-Crate
	$(SNAKEMAKE) export_crate --configfile $(CONFIG)

crash: smoke ## Kill the smoke study at KILLS random moments (20), resume, compare byte by byte
	$(BIN)/python tools/crash.py --kills $(KILLS) --seed $(SEED)

mutants: .venv/installed ## Break the code in many places; each time a test must fail
	$(BIN)/python tools/mutants.py

SEEDS := $(foreach seed,0 1 2,results/flagship-final/flagship/$(seed)/packed.safetensors)
TABLES := surfaces/{points,market_features,split}.parquet
# $(call course,NAME,FILES,PRODUCT): what each seed comes to under the files of config/weights that are named
course = $(SNAKEMAKE) --configfile config/flagship.yaml $(2:%=config/weights/%.yaml) -- results/flagship-$(1)/flagship/{0,1,2}/$(3).safetensors

weights: .venv/installed ## Train the packaged weights anew; needs the data that config/weights/mixed.yaml names, and hours
	$(SNAKEMAKE) --configfile config/flagship.yaml -- results/flagship/flagship/0/packed.safetensors
	cp results/flagship/flagship/0/packed.safetensors ivyspt/weights/panel.safetensors
	$(SNAKEMAKE) results/$(TABLES)
	$(SNAKEMAKE) --configfile config/megacaps.yaml -- results/megacaps/$(TABLES)
	$(SNAKEMAKE) --configfile config/spx.yaml -- results/spx/$(TABLES)
	$(SNAKEMAKE) --configfile config/spy.yaml -- results/spy/$(TABLES)
	$(call course,mixed,mixed,weights)
	$(call course,bounds,mixed bounds,weights)
	$(call course,clean,mixed bounds clean,weights)
	$(call course,final,mixed bounds clean final,packed)
	cp $$($(BIN)/python tools/best_weights.py $(SEEDS)) ivyspt/weights/base.safetensors

PEERS := thin_plate gaussian_process svi ssvi essvi kernel_regression polynomial
PEERS_OF_QMOMS := thin_plate gaussian_process ssvi essvi cubic_spline polynomial
ROWS := packaged packaged_seed_0 packaged_seed_1 packaged_seed_2 packaged_no_market packaged_other_market packaged_no_kind packaged_neither packaged_panel
# $(call benchmark,NAME,FILES,ROWS): errors of rows under the files of config/benchmarks that are named
benchmark = $(SNAKEMAKE) --configfile config/benchmark-panel.yaml $(2:%=config/benchmarks/%.yaml) -- \
	$(3:%=results/benchmark-$(1)/evaluation/errors/%/0.parquet)

card: .venv/installed ## The model card anew, from six benchmarks: an hour, with their data, once `make weights` has been run
	$(call benchmark,panel,variants seeds,$(PEERS) $(ROWS) packaged_recalibrated)
	$(call benchmark,held-out,held-out variants seeds,$(PEERS) $(ROWS))
	for name in megacaps spx spy; do \
	  $(call benchmark,$$name,$$name variants variants-mids seeds seeds-mids,$(PEERS) $(ROWS) packaged_bid_ask) || exit; \
	done
	$(SNAKEMAKE) --configfile config/config.yaml config/benchmarks/qmoms.yaml -- \
	  $(patsubst %,results/benchmark-qmoms/evaluation/errors/%/0.parquet,$(PEERS_OF_QMOMS) packaged packaged_mixed) \
	  results/benchmark-qmoms/evaluation/errors/packaged_fine_tuned/{0,1,2}.parquet
	$(BIN)/python tools/model_card.py --weights ivyspt/weights/base.safetensors --text tools/model_card.md --card ivyspt/weights/base.md \
	  --study "The panel's test days, 10 to 21 July 2026" results/benchmark-panel packaged 1 \
	  --study "Names held out of training, the same days" results/benchmark-held-out packaged 1 \
	  --study "Megacaps from bid and ask, 14 to 21 July 2026" results/benchmark-megacaps packaged 1 \
	  --study "SPX, nearest expiries, 22 June to 21 July 2026" results/benchmark-spx packaged 1 \
	  --study "SPY, twenty options a day, last fifth of 2021" results/benchmark-spy packaged 5 \
	  --study "Five smoothed stocks (qmoms), test days of 2023" results/benchmark-qmoms packaged_mixed 1

audit: .venv/installed ## Known vulnerabilities of the locked packages, where the network lets one look
	tools/audit.sh

bench: .venv/installed ## Timings: inner loops; with IVYSPT_DATA the panel too (20 min)
	$(BIN)/python -m pytest benchmarks --benchmark-only

lock: ## Resolve the locks anew; needs uv on the PATH
	$(PYTHON) envs/lock.py

clean: ## Remove .venv and caches; results and figures stay
	rm -rf .venv *.egg-info .pytest_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
