# Two commands matter to a newcomer: `make demo` and `make test`. Everything is set up inside the checkout.
PYTHON ?= python3
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench calls proof pictures dashboards lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

# Asked each time: it ends at once when lock file, place and Python are those of the last set-up.
$(STAMP): FORCE
	@$(PYTHON) scripts/make_venv.py

FORCE:

setup: $(STAMP) ## set-up alone; afterwards .venv/bin/callcenter is there

demo: $(STAMP) ## the main job: real Asterisk, real phones, a live view (DEMO_SECONDS=n)
	@$(BIN)/python -m callcenter.demo

test: $(STAMP) ## all tests, with real peers, WORKERS=3 at a time (ARGS=path or -k name)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(STAMP) ## format, lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(STAMP) ## speed and memory, one JSON object a line (BENCH=name)
	@$(BIN)/python -m callcenter.bench $(BENCH)

calls: $(STAMP) ## every kind of call on the real PBX, each compared with what must come out (ARGS=--help)
	@$(BIN)/python -m callcenter.calls $(ARGS)

proof: $(STAMP) ## the long proofs (PROOF=kills|witnesses|year)
	@$(BIN)/python -m callcenter.proof $(PROOF)

pictures: $(STAMP) ## the README's pictures, from real runs
	@$(BIN)/python -m callcenter.demo.pictures

dashboards: $(STAMP) ## Grafana's dashboards, from callcenter/grafana
	@$(BIN)/python -m callcenter.grafana

lock: ## resolve requirements.lock anew (needs uv), without any registry address
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q --upgrade pyproject.toml --extra dev -o requirements.lock

clean: ## remove what set-up made
	rm -rf $(VENV) .cache .state build dist *.egg-info
