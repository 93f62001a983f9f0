# Everything runs from .venv, which any target makes when it is absent or older than the lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
PIP := --quiet --disable-pip-version-check

.PHONY: audit run-audit test check format bench demo lock clean

# GNU make ends with 2 whenever a recipe fails, but an audit's 1 (a target was missed) and 2 (usage)
# mean different things to scripts. In question mode make itself ends with 1 when a goal has text
# left in its recipe, which here is so exactly when the audit ended with 1; `+` runs a line all the
# same. Anything but 0 and 1 fails as usual.
ifeq ($(MAKECMDGOALS),audit)
MAKEFLAGS += --question
endif

audit: run-audit
	$(if $(filter 1,$(file <$(VENV)/.audit)),a target was missed)

run-audit: $(STAMP)
	+@$(BIN)/ava-perf audit $(ARGS); code=$$?; echo $$code > $(VENV)/.audit; \
	test $$code -le 1 || exit $$code

# The whole suite runs as two processes side by side: these tests in one, all others in the other,
# whose output is shown when both have ended. With ARGS it is one process.
ONE_SIDE := $(addprefix tests/,engine gate history lab load report serving signals telemetry) \
	$(wildcard tests/test_*.py)
OTHER_SIDE := $(VENV)/.other-side

test: $(STAMP)
ifeq ($(strip $(ARGS)),)
	@$(BIN)/python -m pytest $(ONE_SIDE:%=--ignore=%) > $(OTHER_SIDE) 2>&1 & other=$$!; \
	trap "kill $$other" INT TERM; \
	$(BIN)/python -m pytest $(ONE_SIDE); one=$$?; \
	wait $$other; code=$$?; cat $(OTHER_SIDE); \
	exit $$((one ? one : code))
else
	@$(BIN)/python -m pytest $(ARGS)
endif

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	@$(BIN)/ava-perf bench $(ARGS)

demo: $(STAMP)
	@$(BIN)/ava-perf demo $(ARGS)

$(STAMP): requirements.lock pyproject.toml
	+@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	+@echo "installing into $(VENV) from requirements.lock" >&2
	+@$(PYTHON) -m venv $(VENV)
	+@$(BIN)/python -m pip install $(PIP) --require-hashes -r requirements.lock
	+@$(BIN)/python -m pip install $(PIP) --no-build-isolation --no-deps -e .
	+@touch $(STAMP)

# The resolver lives in a throw-away environment: nobody needs it to use the project.
lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet uv
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --extra dev pyproject.toml -o requirements.lock
	rm -rf .venv-lock

clean:
	rm -rf $(VENV) .venv-lock build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
