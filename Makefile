# make run     install what is needed and start the demo: a server, a simulated fleet, working credentials
# make test    install what the tests need and run every check
.PHONY: run test setup bench docs fmt lock

run:
	@scripts/setup
	@exec .venv/bin/wattline demo $(ARGS)

test:
	@scripts/setup test
	@scripts/clients
	@scripts/check $(ARGS)

# Only the environment, in .venv.
setup:
	@scripts/setup

# Measure on this machine; prints a table and writes JSON.
bench:
	@scripts/setup test
	@scripts/train
	@scripts/need wrk wrk
	@PATH=$$PATH:/usr/sbin scripts/need mosquitto mosquitto
	@.venv/bin/python -m bench $(ARGS)

# Write docs/reference anew from the code.
docs:
	@scripts/setup
	@.venv/bin/python scripts/reference.py

fmt:
	@scripts/setup test
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

# Lock newer versions: make lock ARGS=--upgrade
lock:
	@scripts/setup
	@scripts/lock $(ARGS)
