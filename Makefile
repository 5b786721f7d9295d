# Few verbs: `make example` and `make test` set up everything they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUSYBOX := examples/monorepo/base/rootfs/bin/busybox

NATIVE := $(VENV)/native
.PHONY: example test lint docs benchmark native clean

$(BIN)/stackbuild: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

$(NATIVE): hatch_build.py native/Cargo.toml $(wildcard native/src/*.rs native/src/*/*.rs) | $(BIN)/stackbuild
	$(BIN)/python hatch_build.py
	touch $@

native: $(NATIVE)

$(BUSYBOX):
	sh examples/monorepo/base/get-busybox.sh $@

example: $(BIN)/stackbuild $(BUSYBOX)
	cd examples/monorepo && ../../$(BIN)/stackbuild image //app:img

test: $(BIN)/stackbuild $(NATIVE) $(BUSYBOX)
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(BIN)/stackbuild
	$(BIN)/ruff check .
	$(BIN)/ruff format --check src
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(BIN)/stackbuild
	$(BIN)/python docs/generate.py

benchmark: $(BIN)/stackbuild $(NATIVE)
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) dist examples/monorepo/dist native/target
