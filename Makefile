# Every target sets up what it needs, into .venv and node_modules, on a machine that has
# only make and Python 3.11+ with venv.
PYTHON ?= python3
BOOTSTRAP = $(PYTHON) scripts/bootstrap.py
# What must hold on older SQLAlchemy and SQLModel too.
DATABASE_TESTS = tests/schema tests/rows/test_paths.py tests/rows/test_isolate.py
RUN = PATH="$(CURDIR)/.venv/bin:$$PATH" VIRTUAL_ENV="$(CURDIR)/.venv"

.DEFAULT_GOAL := help
.PHONY: help demo demo-check demo-cluster demo-cluster-check attack test test-windows examples docs check format fuzz bench lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

demo: ## run the demo: Better Auth, FastAPI and PostgreSQL together, until Ctrl-C
	@$(BOOTSTRAP) demo node
	@$(RUN) python -m demo

demo-check: ## run the demo unattended in a real browser; fails when a step fails
	@$(BOOTSTRAP) dev node browser
	@$(RUN) python -m demo check

demo-cluster: ## run the demo with two back ends behind HAProxy, PgBouncer and Redis, until Ctrl-C
	@$(BOOTSTRAP) dev node pgbouncer redis haproxy
	@$(RUN) python -m demo cluster

demo-cluster-check: ## cause faults in it while load runs; fails when something gets through
	@$(BOOTSTRAP) dev node pgbouncer redis haproxy network
	@$(RUN) python -m demo cluster-check

attack: ## attack the demo as two people who signed up; fails when something is open
	@$(BOOTSTRAP) dev node
	@$(RUN) python -m demo attack

test: ## run the tests
	@$(BOOTSTRAP) dev node browser pgbouncer redis haproxy network
	@$(RUN) pytest -n auto --dist loadfile
	@$(RUN) python scripts/versions.py --quiet -n auto $(DATABASE_TESTS)

test-windows: ## run the tests that fit there on Windows Python, under Wine
	@$(BOOTSTRAP) dev
	@$(RUN) python -m scripts.windows

examples: ## build the example applications and drive them in a real browser
	@$(BOOTSTRAP) dev node examples browser
	@$(RUN) pytest examples

check: ## lint, format, types and architecture
	@$(BOOTSTRAP) dev
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy
	@$(RUN) pyright
	@$(RUN) lint-imports
	@$(RUN) betterguard audit src demo examples --fail-on low

docs: ## build the documentation's site into .build/site and check its links
	@$(BOOTSTRAP) dev docs
	@$(RUN) python scripts/rule_pages.py
	@$(RUN) python scripts/reference.py
	@$(RUN) zensical build --clean --strict
	@$(RUN) python scripts/links.py .build/site

format: ## put the code into the project's format
	@$(BOOTSTRAP) dev
	@$(RUN) ruff check --fix
	@$(RUN) ruff format

fuzz: ## try new inputs on the verifier, the guard and all that has properties for SECONDS (300)
	@$(BOOTSTRAP) dev
	@$(RUN) python scripts/fuzz.py $(or $(SECONDS),300)

bench: ## measure the overhead against a bare route and against other packages
	@$(BOOTSTRAP) dev
	@$(RUN) python -m bench

lock: ## pin the requirement files anew, with hashes
	@$(BOOTSTRAP) dev
	@$(RUN) sh scripts/lock.sh

clean: ## remove everything that the other targets made
	rm -rf .venv .build .cache .data demo/auth/node_modules tests/better_auth/node_modules
	rm -rf examples/nextjs-railway/web/node_modules examples/nextjs-railway/web/.next
