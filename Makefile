# The habits of this repository. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
export SEKISHO_PYTHON

BIN := .venv/bin
ARGS ?=

.PHONY: help
help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target what; do printf '  make %-14s %s\n' "$$target" "$$what"; done

.PHONY: setup
setup: ## Install what is missing; leaves the command at .venv/bin/sekisho (again: at once)
	@sh ops/setup/setup.sh

.PHONY: demo
demo: setup ## Run Sekisho with a sample city on 127.0.0.1 (ARGS="--port-internet 9080 …" is passed on)
	@$(BIN)/sekisho demo $(ARGS)

.PHONY: test
test: export SEKISHO_FOR_TESTS := 1
test: setup ## Run the whole test suite (ARGS="-k receipt" is passed on to pytest)
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: check
check: setup ## Ruff, mypy, layers, the client's types, the documents
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python ops/build_client.py --check
	$(BIN)/python -m pytest -q tests/project

.PHONY: client
client: setup ## Build the web client into server/client
	$(BIN)/python ops/build_client.py

.PHONY: wheel
wheel: setup ## Build the wheel and the source distribution into dist/
	$(BIN)/uv build --no-build-isolation --python $(BIN)/python

.PHONY: bench
bench: setup ## Measure this machine: the product, writer, fan-out, memory, answers, a city hall (ARGS=idle for one)
	@$(BIN)/sekisho bench $(ARGS)

.PHONY: bench-report
bench-report: setup ## Write docs/performance.md from what measures printed (ARGS="town.json answers.json")
	@$(BIN)/sekisho bench report $(ARGS)

.PHONY: bench-sanitizer
bench-sanitizer: setup ## Measure the sanitizer beside qpdf and Ghostscript (ARGS="FOLDER" or ARGS="--soak 10000")
	@$(BIN)/sekisho bench sanitizer $(ARGS)

.PHONY: bench-peers
bench-peers: setup ## Measure beside Prosody and ejabberd with PostgreSQL archives, which it installs (ARGS="--runs 5")
	@sh ops/bench/peers/install.sh
	@$(BIN)/python -m ops.bench.peers $(ARGS)

CAMPAIGNS ?= campaigns
.PHONY: fuzz
fuzz: setup ## Fuzz the sanitizer and what the trusting side reads (resumable; ARGS="trusting --count 100000")
	PYTHONPATH=tests $(BIN)/python -m fuzz.campaign --folder $(CAMPAIGNS)/fuzz $(ARGS)

.PHONY: campaign-kill
campaign-kill: setup ## Kill whole servers, side by side, again and again under load (resumable; CYCLES=2000, LANES=3)
	PYTHONPATH=tests $(BIN)/python -m campaigns.kill_server --cycles $(or $(CYCLES),2000) --side-by-side $(or $(LANES),3) --folder $(CAMPAIGNS)/kill

.PHONY: campaign-writer
campaign-writer: setup ## Kill the storage writer again and again (resumable; CYCLES=10000)
	PYTHONPATH=tests $(BIN)/python -m campaigns.kill_writer --cycles $(or $(CYCLES),10000) --folder $(CAMPAIGNS)/writer

.PHONY: campaign-power
campaign-power: setup ## Cut the power under the storage writer, on a disk that forgets (resumable; CUTS=5000)
	PYTHONPATH=tests $(BIN)/python -m campaigns.cut_power --cuts $(or $(CUTS),5000) --folder $(CAMPAIGNS)/power

.PHONY: campaign-io-errors
campaign-io-errors: setup ## Let the n-th operation of the disk fail, for every n (resumable; ARGS="--step 10")
	PYTHONPATH=tests $(BIN)/python -m campaigns.fail_disk --folder $(CAMPAIGNS)/io-errors $(ARGS)

.PHONY: campaign-disk-full
campaign-disk-full: setup ## Fill the disk at random points, then give it space again (resumable; POINTS=500)
	PYTHONPATH=tests $(BIN)/python -m campaigns.fill_disk --points $(or $(POINTS),500) --folder $(CAMPAIGNS)/disk-full

.PHONY: campaign-memory
campaign-memory: setup ## Take the storage writer's memory away, then kill it (resumable; RUNS=500)
	PYTHONPATH=tests $(BIN)/python -m campaigns.starve_writer --runs $(or $(RUNS),500) --folder $(CAMPAIGNS)/memory

.PHONY: campaign-corrupt
campaign-corrupt: setup ## Let single places of a store rot, and see what finds it (resumable; PLACES=1000)
	PYTHONPATH=tests $(BIN)/python -m campaigns.corrupt --places $(or $(PLACES),1000) --folder $(CAMPAIGNS)/corrupt

.PHONY: campaign-cancel
campaign-cancel: setup ## Cancel callers, handlers and sockets at random moments (resumable; CANCELLATIONS=10000)
	PYTHONPATH=tests $(BIN)/python -m campaigns.cancel --cancellations $(or $(CANCELLATIONS),10000) --folder $(CAMPAIGNS)/cancel

.PHONY: campaign-acks
campaign-acks: setup ## Lose acknowledgements, send again, show each message once (resumable; SENDS=100000)
	PYTHONPATH=tests $(BIN)/python -m campaigns.lose_acks --sends $(or $(SENDS),100000) --folder $(CAMPAIGNS)/acks

.PHONY: campaign-simulate
campaign-simulate: setup ## Sessions, sockets, fan-out and writer in virtual time (resumable; SEEDS=10000, ARGS="--seed N" for one again)
	PYTHONHASHSEED=0 PYTHONPATH=tests $(BIN)/python -m campaigns.simulate --seeds $(or $(SEEDS),10000) --folder $(CAMPAIGNS)/simulate $(ARGS)

.PHONY: campaign-cut
campaign-cut: setup ## Cut clients off at random points and let them come back (resumable; CUTS=10000)
	PYTHONPATH=tests $(BIN)/python -m campaigns.cut_client --cuts $(or $(CUTS),10000) --folder $(CAMPAIGNS)/cut

.PHONY: campaign-clock
campaign-clock: setup ## Set a server's clock by hours, years and leap seconds while people post (resumable; ROUNDS=20)
	PYTHONPATH=tests $(BIN)/python -m campaigns.set_clock --rounds $(or $(ROUNDS),20) --folder $(CAMPAIGNS)/clock

.PHONY: campaign-restore
campaign-restore: setup ## Back up under load, lose the server, restore, go on (resumable; CYCLES=100)
	PYTHONPATH=tests $(BIN)/python -m campaigns.restore_backup --cycles $(or $(CYCLES),100) --folder $(CAMPAIGNS)/restore

.PHONY: campaign-order
campaign-order: setup ## Readers that poll every millisecond while 64 writers commit (resumable; ROWS=1000000)
	PYTHONPATH=tests $(BIN)/python -m campaigns.commit_order --rows $(or $(ROWS),1000000) --folder $(CAMPAIGNS)/order

.PHONY: campaign-overload
campaign-overload: setup ## More posts than the server can do: what it gives up, and that it takes it back (SECONDS=60)
	PYTHONPATH=tests $(BIN)/python -m campaigns.overload --seconds $(or $(SECONDS),60) --folder $(CAMPAIGNS)/overload

.PHONY: campaign-autobahn
campaign-autobahn: setup ## The Autobahn Testsuite against the protocol class (WSTEST=a Python 2.7's wstest)
	PYTHONPATH=tests $(BIN)/python -m campaigns.autobahn --wstest $(WSTEST) --folder $(CAMPAIGNS)/autobahn

.PHONY: campaign-mutants
campaign-mutants: setup ## Change the code that numbers, records and lets in; the tests must notice (resumable; COUNT=0 is all)
	PYTHONPATH=tests $(BIN)/python -m campaigns.mutants --count $(or $(COUNT),0) --folder $(CAMPAIGNS)/mutants $(ARGS)

.PHONY: campaign-peek
campaign-peek: setup ## Ask for a file in every way while its verdict is pending (TRIES=10000)
	PYTHONPATH=tests $(BIN)/python -m campaigns.peek --tries $(or $(TRIES),10000) --folder $(CAMPAIGNS)/peek
