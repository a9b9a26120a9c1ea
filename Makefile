# Two commands on a bare machine: `make run` and `make test`. Each brings what it needs into .venv and
# h5/node_modules, and does nothing there the second time.
PORT ?= 8000
BIND ?= 127.0.0.1
export PYTHONUNBUFFERED = 1

.PHONY: run test check bench pages constraints clean

run: ## the demo on http://localhost:8000 (PORT=8001 for a copy beside it, BIND=0.0.0.0 for phones)
	@tools/install.sh
	@.venv/bin/python hatch_build.py
	@exec .venv/bin/gameserver demo --port $(PORT) --host $(BIND)

test: ## everything: style, types, import contracts, pages, unit, integration, browser
	@tools/install.sh test
	@tools/pages.sh
	@tools/chromium.sh
	@tools/test.sh

check: ## what can be said without running anything
	@tools/install.sh test
	@tools/pages.sh
	@tools/check.sh

bench: ## the measured promises; writes bench.json
	@tools/install.sh load
	@exec .venv/bin/python -m loadtests.bench

pages: ## build the pages
	@tools/install.sh
	@.venv/bin/python hatch_build.py

constraints: ## the newest versions of everything, written to constraints.txt
	@tools/constraints.sh

clean: ## remove what was installed and built; ./var, where rooms and points are, stays
	rm -rf .venv h5/node_modules gameserver/static/h5 dist .mypy_cache .ruff_cache .pytest_cache \
	  .import_linter_cache .hypothesis
