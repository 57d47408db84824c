# `make` alone lists the commands. Each sets up what it needs by itself: uv if it is not on PATH, a
# Python 3.13 (.python-version), and the locked, hashed requirements.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check mutate sbom lock clean

VENV := .venv
# uv from PATH, or else the locked version of it, in the project.
UV := $(shell command -v uv || echo .uv/bin/uv)
INSTALLED := $(VENV)/.installed

help: ## List the commands, as `make` alone does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED) ## Replay every sample event through the handler, on an embedded DynamoDB
	@$(VENV)/bin/python -m tools replay

test: $(INSTALLED) ## Run the tests, with branch coverage
	$(VENV)/bin/pytest --cov --cov-report=term

check: $(INSTALLED) ## Check format, lint, types, security and the template
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy
	$(VENV)/bin/bandit --quiet --recursive domain handlers tools
	$(VENV)/bin/cfn-lint template.yaml

mutate: $(INSTALLED) ## Change the code in hundreds of small ways, and see the tests fail (minutes)
	$(VENV)/bin/mutmut run
	@$(VENV)/bin/mutmut results

sbom: $(INSTALLED) ## Write sbom.json, what the function is made of, in CycloneDX
	$(VENV)/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --mc-type application --output-reproducible --output-file sbom.json

lock: $(UV) ## Lock the newest versions that pyproject.toml allows
	$(UV) pip compile --quiet --upgrade --generate-hashes --universal pyproject.toml -o requirements.txt
	$(UV) pip compile --quiet --upgrade --generate-hashes --universal --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean: ## Remove everything that these commands made
	rm -rf $(VENV) .uv .aws-sam .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache mutants sbom.json
	find . -name __pycache__ -prune -exec rm -rf {} +

$(INSTALLED): requirements-dev.txt .python-version | $(UV)
	$(UV) venv --quiet --clear --python "$$(cat .python-version)" $(VENV)
	$(UV) pip install --quiet --python $(VENV) --require-hashes --compile-bytecode -r requirements-dev.txt
	@touch $@

.uv/bin/uv:
	python3 -m venv .uv
	sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt >.uv/requirements.txt
	.uv/bin/pip install --quiet --require-hashes -r .uv/requirements.txt
