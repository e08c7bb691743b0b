# Each target works on an empty machine by itself: it makes .venv, installs what it needs once, and runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
endif
INSTALLED := $(VENV)/.installed
JOBS ?= 2
JS_TOOLS := .js-tools
C_FILES := $(wildcard edgecnn/embed/templates/c*/*.[ch]* tests/embed/ort/*.h tools/*.c)

.PHONY: demo test test-slow test-all test-data lint lint-python lint-c lint-js format bench docs site web wheel conformance clean

demo: $(INSTALLED)  ## train, export, quantize, verify, measure and predict on the embedded digits
	rm -rf edgecnn-demo
	$(BIN)/edgecnn demo -o edgecnn-demo

test: $(INSTALLED) lint  ## what takes minutes: every test that is not marked slow
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not slow"

test-slow: $(INSTALLED)  ## the others: whole paths, every block of every page, browsers, compilers, processes that are killed
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m slow

test-all: $(INSTALLED) lint  ## both in one run, which collects and trains what they share once; and which took longest
	$(BIN)/pytest -n $(JOBS) --dist worksteal --durations=25

test-data: $(INSTALLED)  ## the tests on the real data sets: make test-data EDGECNN_REAL_DATA=<data root>
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m realdata

lint: lint-python lint-c  ## every language's formatter, linter and type check, as far as they can be installed
	@if $(MAKE) $(JS_TOOLS)/.installed >/dev/null 2>&1; then $(MAKE) lint-js; \
	else echo "make lint: skipped JavaScript and CSS, whose tools npm cannot install here (make lint-js says why)"; fi

lint-python: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy edgecnn cli
	$(BIN)/lint-imports

lint-c: $(INSTALLED)
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)

lint-js: $(JS_TOOLS)/.installed  ## the page and the JavaScript of embed
	$(JS_TOOLS)/node_modules/.bin/biome check --error-on-warnings .
	$(JS_TOOLS)/node_modules/.bin/tsc -p web

format: $(INSTALLED) $(JS_TOOLS)/.installed  ## put every language into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_FILES)
	$(JS_TOOLS)/node_modules/.bin/biome check --write .

bench: $(INSTALLED)  ## the claims, each with a peer beside it; nothing else may run meanwhile
	$(BIN)/pytest benchmarks -o addopts="--import-mode=importlib" -o python_files="bench_*.py" -p no:xdist --benchmark-columns=median,mean,stddev,rounds --benchmark-sort=fullname

docs: $(INSTALLED)  ## the pages on commands, JSON, recipes, results and the zoo, from what they are about
	$(BIN)/python tools/docs/commands_page.py
	$(BIN)/python tools/docs/json_page.py
	$(BIN)/python tools/docs/recipes_page.py
	$(BIN)/python tools/docs/results_page.py
	$(BIN)/python tools/docs/counts_page.py
	$(BIN)/python tools/docs/reliability_page.py
	$(BIN)/python tools/docs/performance_page.py

site: $(INSTALLED)  ## build/site: the documentation, built without a network; a warning or a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

web:  ## the page of edgecnn web, built by npm; without it the command says so
	rm -rf .web && cp -R web .web
	npm ci --silent --omit=dev --ignore-scripts --no-audit --no-fund --prefix .web
	node .web/build.js edgecnn/web/built

wheel: $(INSTALLED) web  ## what is released: dist/*.whl, with the page and the smallest models of the zoo
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	$(BIN)/python -m zipfile --list dist/*.whl | grep built/index.html

conformance: $(INSTALLED)  ## docs/results/conformance.md: files that it lacks (ANEW=--anew: all) in every runtime that a registry has, installed beside the clone
	$(BIN)/python -m pip install --quiet --no-deps --target .conformance openvino opencv-python-headless tract
	$(BIN)/python -m pip install --quiet --no-deps --target .conformance/openvino-provider onnxruntime-openvino
	npm install --silent --ignore-scripts --prefix .conformance onnxruntime-node onnxruntime-web
	$(BIN)/python -m edgecnn.devices.arm64 || true  # without it those cells say why
	PYTHONPATH=.conformance $(BIN)/python tools/docs/conformance_page.py $(ANEW) --node-modules .conformance/node_modules \
		--openvino-provider .conformance/openvino-provider

clean:
	rm -rf $(VENV) $(JS_TOOLS) .conformance .web edgecnn/web/built build dist *.egg-info edgecnn-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[cpu,train,backbone,timm,loadgen,c99,parquet,s3,scale,webcam-headless,pages]" --group dev
	touch $@

$(JS_TOOLS)/.installed: web/package.json web/package-lock.json web/.npmrc
	mkdir -p $(JS_TOOLS)
	cp $^ $(JS_TOOLS)
	npm ci --silent --ignore-scripts --no-audit --no-fund --fetch-retries=1 --prefix $(JS_TOOLS)
	touch $@
