# `make` alone lists the commands. Each sets up what it needs by itself: uv if it is not on PATH, a
# Python 3.13 (.python-version), and the locked, hashed requirements.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run serve test test-browser fuzz check openapi bench lock clean

VENV := .venv
# uv from PATH, or else the locked version of it, in the project.
UV := $(shell command -v uv || echo .uv/bin/uv)
INSTALLED := $(VENV)/.installed
NODE_INSTALLED := node_modules/.installed
# The locked tools come first, Node and npm among them.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# How often `make fuzz` asks for each operation, at most; 3000 take five minutes.
EXAMPLES := 3000

# Redocly's linter asks no other host about anything.
export REDOCLY_TELEMETRY := off
export REDOCLY_SUPPRESS_UPDATE_NOTICE := true

help: ## List the commands, as `make` alone does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED) ## Replay every sample event through the handler, on an embedded DynamoDB
	@$(VENV)/bin/python -m tools replay

serve: $(INSTALLED) $(NODE_INSTALLED) ## Serve the sample world on http://127.0.0.1:3000, with a reference to try it in
	@$(VENV)/bin/python -m tools serve

test: $(INSTALLED) $(NODE_INSTALLED) ## Run the tests, with branch coverage
	$(VENV)/bin/pytest --cov --cov-report=term

test-browser: $(INSTALLED) $(NODE_INSTALLED) ## Try the reference of `make serve` in a headless Chromium, Debian's unless there is one
	@command -v chromium >/dev/null || { apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends chromium; }
	$(VENV)/bin/pytest tests/browser.py

fuzz: $(INSTALLED) ## Send the handler what openapi.yaml allows and forbids, by schemathesis; EXAMPLES=n at most
	@$(VENV)/bin/python -m tools fuzz --examples $(EXAMPLES)

check: $(INSTALLED) $(NODE_INSTALLED) ## Check format, lint, types, the template and openapi.yaml
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy
	$(VENV)/bin/cfn-lint template.yaml
	$(VENV)/bin/openapi-spec-validator openapi.yaml
	node_modules/.bin/redocly lint --extends recommended-strict --skip-rule info-license openapi.yaml

openapi: $(INSTALLED) ## Write openapi.yaml from the code
	@$(VENV)/bin/python -m tools openapi

bench: $(INSTALLED) ## Compare the speed to a bare handler's, and show what the time goes to
	@$(VENV)/bin/python -m tools bench

lock: $(INSTALLED) ## Lock the newest versions that pyproject.toml allows
	$(UV) pip compile --quiet --upgrade --generate-hashes --universal pyproject.toml -o requirements.txt
	$(UV) pip compile --quiet --upgrade --generate-hashes --universal --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	npm update --silent --package-lock-only

clean: ## Remove everything that these commands made
	rm -rf $(VENV) .uv node_modules .aws-sam .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(INSTALLED): requirements-dev.txt .python-version | $(UV)
	$(UV) venv --quiet --clear --python "$$(cat .python-version)" $(VENV)
	$(UV) pip install --quiet --python $(VENV) --require-hashes --compile-bytecode -r requirements-dev.txt
	@touch $@

$(NODE_INSTALLED): package-lock.json | $(INSTALLED)
	npm ci --silent
	@touch $@

.uv/bin/uv:
	python3 -m venv .uv
	sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt >.uv/requirements.txt
	.uv/bin/pip install --quiet --require-hashes -r .uv/requirements.txt
