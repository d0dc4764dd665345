# Ruiji. Needs Python 3.11 or newer with venv, and make; everything else is installed into .venv.
#   make demo                   try it with 11,000 photos of CIFAR-10 (DIR=~/Pictures: with your own)
#   make test                   every test        make check   format, lint, types
#   make hunt-demo              the demo by mouse and keys: all airplanes, 5,000 on a page (CIFAR=archive, if it is here)
#   make soak                   hours of kills (engines and trainings too), full disks, moved clocks, hostile files; fails if anything is lost
#   make setup | maps | bench | lock | readme | clean
#   make clean-demo             forget the photos and labels of CIFAR-10; those of your own folder stay
.DELETE_ON_ERROR:
.PHONY: help setup maps check test hunt-demo demo bench soak lock readme clean clean-demo

PYTHON ?= python3
BIN := .venv/bin
OURS := bench catalog curate deploy encoder ingest ruiji.py settings.py webui worker
PYTEST := $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder
LEARNING := tests/encoder tests/training tests/deploy/test_train.py
# A machine with an NVIDIA GPU gets torch in the demo too: it embeds there, and can train.
DEMO_INSTALL := $(if $(shell nvidia-smi -L 2>/dev/null),.venv/.train,.venv/.base)
export DEMO_DIR := $(subst ~/,$(HOME)/,$(DIR))

# uv takes a fifth of pip's time; pip steps in where uv does not reach the index that pip is set up for. Compiled here
# as pip does by itself: where Python may not write bytecode, every start of every part would compile its libraries anew.
install = $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps --require-hashes -r $(1) \
	|| $(BIN)/python -m pip install --quiet --no-deps --require-hashes -r $(1)
compile = $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --no-emit-package openvino-telemetry

help:
	@sed -n '2,7s/^# *//p' Makefile

# Each stamp says that what its lock file names is installed; nothing is installed again until that file changes.
.venv/.tools: requirements/tools.lock
	@$(PYTHON) -c 'import sys; sys.exit("Ruiji needs Python 3.11 or newer: say make PYTHON=python3.12, or another that you have" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

.venv/.base: requirements/base.lock pyproject.toml .venv/.tools
	$(call install,$<)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline -e .
	@touch $@

.venv/.train: requirements/train.lock .venv/.base
	$(call install,$<)
	@touch $@

.venv/.maps: requirements/maps.lock .venv/.base
	$(call install,$<)
	@touch $@

.venv/.all: requirements/all.lock .venv/.base
	$(call install,$<)
	@touch $@

setup: .venv/.all

# What draws maps, for the page of a running demo too.
maps: .venv/.maps

check: .venv/.all
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict .

# Each folder of tests goes to one process as a whole; more than four processes would need more memory than they save time.
# Compiled first: where Python may not write bytecode, each of some hundred processes would compile our modules anew.
# Those that train and export come first and alone: a process that has run them all holds some six gigabytes for good.
test: .venv/.all
	@$(BIN)/python -m compileall -q $(OURS)
	@code=0; \
	$(PYTEST) $(LEARNING) || code=$$?; \
	$(PYTEST) $(addprefix --ignore=,$(LEARNING)) || code=$$?; \
	exit $$code

# Fetches CIFAR-10 where CIFAR does not say where it is.
hunt-demo: .venv/.all
	RUIJI_HUNT_DEMO=$(or $(CIFAR),fetch) $(BIN)/pytest tests/demo -s

# The figures of the README but for those of a Milvus server, which take longest: ruiji bench search, bench query_milvus.
bench: .venv/.all
	$(BIN)/ruiji bench embed
	$(BIN)/ruiji bench ingest
	$(BIN)/ruiji bench query
	$(BIN)/ruiji bench precision
	$(BIN)/ruiji bench label
	$(BIN)/ruiji bench hunt
	$(BIN)/ruiji bench review
	$(BIN)/ruiji bench scale
	$(BIN)/ruiji bench clients
	$(BIN)/ruiji bench switch
	$(BIN)/ruiji bench orientation
	$(BIN)/ruiji bench train

# Minutes of each part; what is reached stays in bench/results, and the next call goes on from there (3: not all yet).
# A part whose programs are not installed is left out (4): all others run, and the target fails at its end.
SOAK_MINUTES ?= 60
soak: .venv/.all
	@code=0; $(BIN)/ruiji bench long --minutes $(SOAK_MINUTES) || code=$$?; \
	case $$code in 0|3) code=0 ;; 4) ;; *) exit $$code ;; esac; \
	$(BIN)/ruiji bench soak --minutes 30 && exit $$code

ifdef DIR
demo: $(DEMO_INSTALL)
	RUIJI_HOME=.demo/own $(BIN)/ruiji up "$$DEMO_DIR"
else
demo: $(DEMO_INSTALL)
	$(BIN)/ruiji data demo .demo/photos
	RUIJI_HOME=.demo/home RUIJI_SAMPLES_DIR=.demo/photos/samples \
		$(BIN)/ruiji up --labelled .demo/photos/labelled .demo/photos/unlabelled
endif

lock: .venv/.tools
	$(compile) pyproject.toml --all-extras --group dev -o requirements/all.lock
	$(compile) pyproject.toml --extra train -c requirements/all.lock -o requirements/train.lock
	$(compile) pyproject.toml -c requirements/all.lock -o requirements/base.lock
	$(compile) pyproject.toml --extra maps -c requirements/all.lock -o requirements/maps.lock
	$(compile) pyproject.toml --extra postgresql --extra s3 -c requirements/all.lock -o requirements/server.lock
	$(compile) --group tools -o requirements/tools.lock

readme: .venv/.base
	$(BIN)/python -m deploy.readme

# What `make demo DIR=…` knows of a person's own photos, their labels above all, exists nowhere else: no target takes it.
clean-demo:
	rm -rf .demo/photos .demo/home

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache build *.egg-info
