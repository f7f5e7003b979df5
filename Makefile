# Every command sets up .venv by itself from requirements.lock; a second call does nothing.
# Needs: make and Python 3.11 or newer. `make help` lists the commands.

CORES ?= 4
BIN := .venv/bin
READY := .venv/.ready
# Bytecode is kept even where the environment says not to: a run starts many processes.
RUN = PYTHONDONTWRITEBYTECODE= PATH="$(CURDIR)/$(BIN):$$PATH"
SNAKEFILES = Snakefile workflow/Snakefile $(wildcard workflow/rules/*.smk)

.DEFAULT_GOAL := help
.PHONY: help setup results test check format lock bench test-slurm test-kill clean
.SUFFIXES:

help: ## list the commands
	@awk -F ': .*## ' '/^[a-z-]+: .*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## create .venv (the other commands do it when needed)

# A fresh clone holds results but no memory of how they were made: the first run makes them all.
FIRST = $(if $(wildcard .snakemake/metadata/*),,--forceall)

results: $(READY) ## run the review: data/raw and config to results/
	@$(RUN) snakemake --cores $(CORES) $(FIRST)

test: $(READY) ## run the tests; the slowest twenty are listed
	@$(RUN) pytest -q -n auto --dist worksteal --durations 20

check: $(READY) ## lint, formatting, types
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) snakefmt --check $(SNAKEFILES)
	@$(RUN) mypy
	@$(RUN) snakemake --lint

format: $(READY) ## format Python files and Snakefiles
	@$(RUN) ruff check --fix-only --quiet .
	@$(RUN) ruff format .
	@$(RUN) snakefmt $(SNAKEFILES)

lock: ## make the lock files anew from pyproject.toml
	@set -e; tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; \
	$(find_python); "$$python" -m venv "$$tmp"; "$$tmp/bin/pip" install -q uv; \
	compile() { "$$tmp/bin/uv" pip compile pyproject.toml --universal --python-version 3.11 \
	  --fork-strategy fewest --generate-hashes --no-header --no-emit-index-url \
	  --no-emit-find-links --no-annotate --quiet "$$@"; }; \
	compile --extra workflow --extra dev --upgrade -o requirements.lock; \
	compile --all-extras -c requirements.lock -o "$$tmp/all.lock"; \
	grep -vxFf requirements.lock "$$tmp/all.lock" >tests/slurm/requirements.lock

bench: $(READY) ## measure speed and memory beside other libraries (about ten minutes)
	@$(RUN) python -m benchmarks.run

# Snakemake imports every executor it finds, half a second a run: this one is there for its test alone.
test-slurm: results ## run the review on a one-node Slurm cluster and compare (root, Debian)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r tests/slurm/requirements.lock
	@$(RUN) tests/slurm/run.sh

test-kill: $(READY) ## kill runs at random and fill their disk; they must go on to the same bytes
	@$(RUN) python tests/kill/run.py

clean: ## remove logs, caches and the untracked figures; keeps .venv and tracked results
	@rm -rf .snakemake logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find src tests workflow benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
	@if [ -d results ]; then find results -type f \( -name '*.png' -o -name '*.pdf' \) -delete; fi

# python3 if it is new enough, else the first of python3.11 to python3.14; PYTHON=... overrides.
define find_python
	python=; for candidate in $(or $(PYTHON),python3 python3.11 python3.12 python3.13 python3.14); do \
	  if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	    >/dev/null 2>&1; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 or newer with its venv module found (on Debian: apt-get install python3-venv)." >&2; \
	  echo "Name one with: make PYTHON=..." >&2; exit 1; \
	fi
endef

# The stamps are written last, so a set-up that fails half-way is started again.
# A new lock file makes a new environment; a change of pyproject.toml installs the package again.
.venv/.locked: requirements.lock
	@$(find_python); echo "Setting up .venv with $$("$$python" --version)" && \
	rm -rf .venv && "$$python" -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

$(READY): .venv/.locked pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
