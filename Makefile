# `make` without a target lists the commands. Each sets up what it needs by itself: uv if it is not on PATH, a
# Python 3.13 (.python-version), and the locked, hashed requirements.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run serve test test-unit test-browser test-dynamodb test-artifact test-deploy fuzz check docs build \
	build-SigningFunction dynamodb smoke bench mutate sbom lock clean uv

VENV := .venv
# uv from PATH, else the locked version in .uv. The redirection makes old versions of make start a shell, which has the
# command `command`.
UV := $(if $(shell command -v uv 2>/dev/null),uv,.uv/bin/uv)
# One environment: `make run` and the other tools install a part of it, the tests and checks the rest.
TOOLS := $(VENV)/.installed-tools
DEV := $(VENV)/.installed-dev
NODE_INSTALLED := tests/node_modules/.installed
SAM := .venv-sam/bin/sam
# Relocatable: its scripts still start after the folder was moved.
NEW_ENVIRONMENT = @$(UV) venv --quiet --clear --relocatable --python "$$(cat .python-version)" $(@D) || { \
	echo "If uv got no Python 3.13: put python3.13 on PATH, or set UV_PYTHON_INSTALL_MIRROR (README.md)." >&2; exit 1; }
INSTALLING = @echo "Installing the packages of $<. This takes a while, but only the first time."
# Settings of uv, pip, Python and npm that a person has for other work change neither an installation nor a build. Only those
# reach the commands that say where packages and Python come from, and how to get there.
KEPT := %_INDEX %_URL UV_INDEX_% %_FIND_LINKS %_CONFIG_FILE %_KEYRING_PROVIDER UV_CREDENTIALS_DIR UV_PYTHON_% \
	%_CACHE_DIR %_NO_CACHE %_CERT %_CERTS %_TLS %_HOST %_PROXY UV_HTTP_% UV_OFFLINE %_TIMEOUT %_RETRIES
# npm reads its names in either case.
KEPT += $(addprefix npm_config_,%registry //% %proxy ca% cert key %userconfig %globalconfig strict_ssl fetch_%) \
	$(addprefix NPM_CONFIG_,%REGISTRY %PROXY CA% CERT KEY %USERCONFIG %GLOBALCONFIG STRICT_SSL FETCH_%)
unexport $(filter-out $(KEPT),$(filter UV_% PIP_% PYTHON% VIRTUAL_ENV CONDA_% npm_config_% NPM_CONFIG_%,$(.VARIABLES)))
# uv, npm and SAM need a home that can be written to. A user of a container may have none: then it is in the project.
ifeq ($(shell test -w "$$HOME" && echo writable),)
export HOME := $(CURDIR)/.uv/home
endif
# Programs that a command starts are found here, such as Node. The first word of a recipe's line is not: make 3.81 of
# macOS looks it up on the PATH that make was started with.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# Where the embedded DynamoDB listens. It and the local server take PORT from the environment.
HOST := 127.0.0.1
# How often `make fuzz` asks for each operation, at most; 3000 take five minutes.
EXAMPLES := 3000

# The bundle's Python, and how it compiles what will be at /var/task. Bytecode depends on the release: 3.13.0, for example.
PYTHON := 3.13
BUNDLE_PYTHON = $(UV) run --quiet --no-project --python $(PYTHON) python
COMPILE = $(BUNDLE_PYTHON) -m compileall -q --invalidation-mode unchecked-hash -s "$(ARTIFACTS_DIR)" -p /var/task

COG = $(VENV)/bin/cog -I . -p 'from tools.documents import *'
DOCUMENTS := README.md openapi.yaml tools/docs.html docs/*.md

LOCK = $(UV) pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.13

# Switch off telemetry.
export REDOCLY_SUPPRESS_UPDATE_NOTICE := true
export REDOCLY_TELEMETRY := off
export SAM_CLI_TELEMETRY := 0

help: ## List the commands, as `make` without a target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(TOOLS) ## Replay every sample event through the handler, on an embedded DynamoDB
	@$(VENV)/bin/python -m tools replay

serve: $(TOOLS) ## Serve the sample world on http://127.0.0.1:3000, with a reference to try it in
	@$(VENV)/bin/python -m tools serve

test: $(DEV) $(NODE_INSTALLED) .venv-sam/.installed ## Run the tests, with branch coverage
	$(VENV)/bin/pytest -n 2 --cov --cov-report=term

test-unit: $(DEV) ## Run the tests of the pure functions, in seconds
	$(VENV)/bin/pytest tests/unit

# Playwright uses the locked Node: its own needs libatomic1, which a bare Debian lacks.
test-browser: $(DEV) ## Try the reference of `make serve` in a headless Chromium, Debian's unless there is one
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || \
		{ echo "make test-browser needs Chromium, as the command chromium: on Debian, apt install chromium." >&2; exit 1; }
	@command -v chromium >/dev/null || { apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends chromium; }
	PLAYWRIGHT_NODEJS_PATH="$$($(VENV)/bin/node --print process.execPath)" $(VENV)/bin/pytest tests/e2e/test_browser.py

test-dynamodb: $(DEV) $(NODE_INSTALLED) ## Run the database tests on dynalite, a DynamoDB that shares no code with moto
	$(VENV)/bin/pytest --engine dynalite tests/integration/test_answers.py tests/integration/test_records.py

test-artifact: build $(DEV) .venv-runtime/.installed ## Test the built function under the Lambda runtime, and the package (Linux only)
	$(VENV)/bin/pytest tests/e2e/test_bundle.py tests/e2e/test_package.py tests/e2e/test_prune.py

test-deploy: build $(DEV) .venv-deploy/.installed ## Deploy the stack to an emulator of AWS on this machine, and ask it
	$(VENV)/bin/pytest tests/e2e/test_stack.py

fuzz: $(DEV) ## Fuzz the handler against openapi.yaml by schemathesis, at most EXAMPLES=n for each operation
	@$(VENV)/bin/python -m tests.support.fuzz $(EXAMPLES)

check: $(DEV) $(NODE_INSTALLED) .venv-sam/.installed .venv-checkov/.installed ## Check format, lint, types, security, the template, openapi.yaml and wheels
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy
	.venv-sam/bin/cfn-lint --append-rules cfn_lint_serverless.rules --template template.yaml docs/add-ons/*.yaml
	AWS_DEFAULT_REGION=eu-central-1 .venv-sam/bin/python tests/support/translate.py | .venv-sam/bin/cfn-lint
	.venv-checkov/bin/checkov --file template.yaml docs/add-ons/*.yaml --compact --quiet --skip-download
	$(COG) --check $(DOCUMENTS)
	tests/node_modules/.bin/redocly lint --extends recommended-strict openapi.yaml
	$(VENV)/bin/pytest tests/e2e/test_packages.py

docs: $(DEV) ## Write the documents' tables from the facts in the code
	$(COG) -r $(DOCUMENTS)

build: .venv-sam/.installed ## Build the function for AWS
	$(SAM) build

# `sam build` runs this to fill ARTIFACTS_DIR. docs/decisions.md ("The bundle") says why there is one for both processors,
# and why its bytes never differ. Lambda mounts it read-only, so the bytecode is compiled here, and never checked against
# its source. Of the packages, only the bytecode is shipped, to halve the size.
build-SigningFunction: | $(UV)
	for processor in x86_64 aarch64; do \
		$(UV) pip install --quiet --python-platform $$processor-manylinux2014 --python-version 3.13 \
			--only-binary :all: --require-hashes --link-mode copy --target "$(ARTIFACTS_DIR)/$$processor" -r requirements/function.txt || exit; \
		cp -R "$(ARTIFACTS_DIR)/$$processor/." "$(ARTIFACTS_DIR)" && rm -r "$(ARTIFACTS_DIR)/$$processor" || exit; \
	done
	$(BUNDLE_PYTHON) tools/prune.py "$(ARTIFACTS_DIR)"
	$(COMPILE) -b "$(ARTIFACTS_DIR)"
	cd "$(ARTIFACTS_DIR)" && rm -rf .lock bin && find . -name '*.py' -delete
	cp -R domain handlers "$(ARTIFACTS_DIR)"
	find "$(ARTIFACTS_DIR)" -name __pycache__ -prune -exec rm -rf {} +
	$(COMPILE) "$(ARTIFACTS_DIR)/domain" "$(ARTIFACTS_DIR)/handlers"
	$(BUNDLE_PYTHON) -c 'import platform; print(platform.python_version())' >"$(ARTIFACTS_DIR)/python-release"

dynamodb: $(TOOLS) ## Serve an embedded DynamoDB with the sample state, on HOST and PORT
	@$(VENV)/bin/python -m tools dynamodb --host $(HOST)

smoke: $(TOOLS) ## Replay the sample events over HTTP, to a new stage at URL, without the sample state
	@$(VENV)/bin/python -m tools replay --no-state --url $(or $(URL),$(error Say where: make smoke URL=https://...))

bench: $(TOOLS) ## Compare the function's CPU time with what users would build instead (some minutes, Linux only)
	rm -rf .aws-sam/bench
	$(MAKE) build-SigningFunction ARTIFACTS_DIR="$(CURDIR)/.aws-sam/bench/bundle"
	$(UV) pip install --quiet --python $(VENV) --require-hashes --target .aws-sam/bench/plain -r requirements/bench.txt
	cp -R domain handlers tools .aws-sam/bench/plain
	find .aws-sam/bench/plain -name __pycache__ -prune -exec rm -rf {} +
	cd .aws-sam/bench && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=bench -addext subjectAltName=IP:127.0.0.1 \
		-keyout key.pem -out certificate.pem && cat bundle/botocore/cacert.pem certificate.pem >trusted.pem
	$(VENV)/bin/python -m tools.bench.run

mutate: $(DEV) ## Change the code in hundreds of small ways, and see the tests fail (a quarter of an hour)
	$(VENV)/bin/mutmut run
	@$(VENV)/bin/mutmut results

sbom: $(DEV) ## Write sbom.json, what the function is made of, in CycloneDX
	$(VENV)/bin/cyclonedx-py requirements requirements/function.txt --pyproject pyproject.toml --mc-type application --output-reproducible --output-file sbom.json

lock: $(DEV) ## Lock the newest versions that pyproject.toml allows
	$(LOCK) --extra function pyproject.toml -o requirements/function.txt
	$(LOCK) --extra function --group dev -c requirements/function.txt pyproject.toml -o requirements/dev.txt
	$(LOCK) --extra function --group tools -c requirements/dev.txt pyproject.toml -o requirements/tools.txt
	for group in sam checkov deploy runtime; do $(LOCK) --group $$group -o requirements/$$group.txt; done
	$(LOCK) --extra function --group bench -c requirements/function.txt pyproject.toml -o requirements/bench.txt
	$(VENV)/bin/npm update --prefix tests --silent --package-lock-only

clean: ## Remove everything that these commands made
	rm -rf .venv .venv-* .uv tests/node_modules .aws-sam .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .schemathesis mutants sbom.json
	find . -name __pycache__ -prune -exec rm -rf {} +

$(TOOLS): requirements/tools.txt .python-version $(VENV)/bin/python | $(UV)
	$(INSTALLING)
	$(NEW_ENVIRONMENT)
	$(UV) pip install --quiet --python $(VENV) --require-hashes --compile-bytecode -r $<
	@touch $@

$(DEV): requirements/dev.txt $(TOOLS) | $(UV)
	$(INSTALLING)
	$(UV) pip sync --quiet --python $(VENV) --require-hashes --compile-bytecode $<
	@touch $@

$(NODE_INSTALLED): tests/package-lock.json | $(DEV)
	$(VENV)/bin/npm ci --prefix tests --loglevel error
	@touch $@

.venv-%/.installed: requirements/%.txt .python-version .venv-%/bin/python | $(UV)
	$(INSTALLING)
	$(NEW_ENVIRONMENT)
	$(UV) pip install --quiet --python $(@D) --require-hashes --compile-bytecode -r $<
	@touch $@

# Each is a link. Make runs a rule without a recipe when the link's target is gone, and so installs the environment again.
$(VENV)/bin/python $(foreach name,sam checkov deploy runtime,.venv-$(name)/bin/python):

.uv/bin/uv:
	@echo "Installing uv. This takes a while, but only the first time."
	@python3 -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "To install uv, python3 needs its module venv: apt install python3-venv, on Debian and Ubuntu." >&2; exit 1; }
	python3 -m venv .uv
	sed -n '/^uv==/,/[^\\]$$/p' requirements/dev.txt >.uv/requirements.txt
	.uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r .uv/requirements.txt
