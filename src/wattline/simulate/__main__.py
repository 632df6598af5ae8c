"""`python -m wattline.simulate --credentials FILE`: the simulated fleet as a process of its own, against any server.

The key is read from the file, so that it shows in no process list. Stops on SIGTERM, SIGINT, and (`--attached`) when its
standard input closes, so that it never outlives the server that started it. Prints what became of its messages.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import ssl
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np

from wattline.model.clock import SystemClock
from wattline.simulate.credentials import Credentials
from wattline.simulate.drive import drive, leftovers
from wattline.simulate.fleet import Fleet, Weather
from wattline.simulate.sender import CAPACITY, Sender, Tally

TIMEOUT_SECONDS = 10.0


def _arguments(given: list[str] | None) -> argparse.Namespace:
    usual = Weather()
    parser = argparse.ArgumentParser(prog="python -m wattline.simulate", description=__doc__.partition("\n")[0])
    parser.add_argument("--credentials", type=Path, required=True, help="the file that `wattline demo` writes")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same grid (default 1)")
    parser.add_argument("--cacert", type=Path, help="certificate to trust where the server uses TLS")
    parser.add_argument("--trips-per-hour", type=float, default=usual.trips_per_hour, help="over the whole fleet")
    parser.add_argument("--faults-per-hour", type=float, default=usual.faults_per_hour, help="over the whole fleet")
    parser.add_argument("--first-trip", type=float, default=60.0, help="seconds until the first trip (default 60)")
    parser.add_argument("--capacity", type=int, default=CAPACITY, help="messages kept while the server is away")
    parser.add_argument("--attached", action="store_true", help="stop when standard input closes")
    return parser.parse_args(given)


def _stop_on_end_of_input(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    def readable() -> None:
        if not os.read(0, 1024):
            loop.remove_reader(0)
            stop.set()

    loop.add_reader(0, readable)


async def run(arguments: argparse.Namespace) -> Tally:
    """Run the fleet until a signal, or the end of standard input, and say what became of its messages."""
    credentials = Credentials.read(arguments.credentials)
    if credentials is None:
        raise SystemExit(f"no usable credentials in {arguments.credentials}")
    loop, stop, clock = asyncio.get_running_loop(), asyncio.Event(), SystemClock()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.attached:
        _stop_on_end_of_input(stop, loop)
    weather = Weather(arguments.trips_per_hour, arguments.faults_per_hour, arguments.first_trip)
    physics, network = np.random.SeedSequence(arguments.seed).spawn(2)
    fleet = Fleet(physics, weather=weather)
    trust = True if arguments.cacert is None else ssl.create_default_context(cafile=str(arguments.cacert))
    headers = {"X-API-Key": credentials.hop_api_key}
    base_url = f"{credentials.base_url}/api"
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=TIMEOUT_SECONDS, verify=trust) as client:
        sender = Sender(client, np.random.default_rng(network), capacity=arguments.capacity)
        # A server that is not up yet has no outages of ours that anybody can see; the next start tries again.
        with suppress(httpx.HTTPError):
            sender.offer(await leftovers(client, fleet, clock.micros()))
        await drive(fleet, sender, clock, stop)
    return sender.tally


def main(given: list[str] | None = None) -> None:
    """Entry point."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    tally = asyncio.run(run(_arguments(given)))
    sys.stdout.write(
        f"fleet stopped: {tally.delivered} delivered, {tally.retries} retries, "
        f"{tally.refused} refused, {tally.given_up} given up\n"
    )


if __name__ == "__main__":
    main()
