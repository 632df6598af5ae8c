"""`python -m wattline.simulate --credentials FILE`: the simulated fleets as a process of their own.

Any server will do. The keys are read from the file, so that they show in no process list. Stops on SIGTERM, SIGINT, and
(`--attached`) when its standard input closes, so that it never outlives the server that started it. Prints what became of
its messages.
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
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from wattline.model.clock import HOUR, SystemClock
from wattline.simulate.credentials import Credentials
from wattline.simulate.depot import gateway
from wattline.simulate.drive import drive, leftovers
from wattline.simulate.fleet import Fleet, Weather
from wattline.simulate.homes import reader
from wattline.simulate.microgrid import controller
from wattline.simulate.plant import process
from wattline.simulate.plant.instruments import Instruments
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
    parser.add_argument(
        "--backfill-hours",
        type=float,
        default=24.0,
        help="how much of the past a fresh server hears",
    )
    parser.add_argument("--attached", action="store_true", help="stop when standard input closes")
    return parser.parse_args(given)


def _stop_on_end_of_input(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    def readable() -> None:
        if not os.read(0, 1024):
            loop.remove_reader(0)
            stop.set()

    loop.add_reader(0, readable)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the fleet's messages, and how many of the others arrived (None: none were sent)."""

    fleet: Tally
    plant: int | None
    microgrids: int | None
    homes: int | None = None
    depot: int | None = None

    def __str__(self) -> str:
        told = self.fleet
        sent = f"{told.delivered} delivered, {told.retries} retries, {told.refused} refused, {told.given_up} given up"
        line = f"fleet stopped: {sent}"
        if self.plant is not None:
            line += f"\nplant stopped: {self.plant} messages acknowledged"
        if self.microgrids is not None:
            line += f"\nmicrogrids stopped: {self.microgrids} rows delivered"
        if self.homes is not None:
            line += f"\nhomes stopped: {self.homes} readings stored"
        return line if self.depot is None else f"{line}\ndepot stopped: {self.depot} readings stored"


async def run(arguments: argparse.Namespace) -> Outcome:
    """Run the fleet and the plant until a signal, or the end of standard input, and say what became of their messages."""
    credentials = Credentials.read(arguments.credentials)
    if credentials is None:
        raise SystemExit(f"no usable credentials in {arguments.credentials}")
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.attached:
        _stop_on_end_of_input(stop, loop)
    async with asyncio.TaskGroup() as group:
        fleet = group.create_task(_fleet(arguments, credentials, stop))
        plant = group.create_task(_plant(arguments, credentials, stop))
        microgrids = group.create_task(_microgrids(arguments, credentials, stop))
        homes = group.create_task(_homes(arguments, credentials, stop))
        depot = group.create_task(_depot(arguments, credentials, stop))
    return Outcome(fleet.result(), plant.result(), microgrids.result(), homes.result(), depot.result())


def _client(arguments: argparse.Namespace, base_url: str, key: str, header: str = "X-API-Key") -> httpx.AsyncClient:
    trust = True if arguments.cacert is None else ssl.create_default_context(cafile=str(arguments.cacert))
    return httpx.AsyncClient(base_url=base_url, headers={header: key}, timeout=TIMEOUT_SECONDS, verify=trust)


async def _fleet(arguments: argparse.Namespace, credentials: Credentials, stop: asyncio.Event) -> Tally:
    clock = SystemClock()
    weather = Weather(arguments.trips_per_hour, arguments.faults_per_hour, arguments.first_trip)
    physics, network = np.random.SeedSequence(arguments.seed).spawn(2)
    fleet = Fleet(physics, weather=weather)
    async with _client(arguments, f"{credentials.base_url}/api", credentials.hop_api_key) as client:
        sender = Sender(client, np.random.default_rng(network), capacity=arguments.capacity)
        # A server that is not up yet has no outages of ours that anybody can see; the next start tries again.
        with suppress(httpx.HTTPError):
            sender.offer(await leftovers(client, fleet, clock.micros()))
        await drive(fleet, sender, clock, stop)
    return sender.tally


async def _plant(arguments: argparse.Namespace, credentials: Credentials, stop: asyncio.Event) -> int | None:
    if credentials.mqtt is None or credentials.mcs_api_key is None:
        return None
    backfill = round(arguments.backfill_hours * HOUR)
    async with _client(arguments, f"{credentials.base_url}/api/v1", credentials.mcs_api_key) as client:
        instruments, clock = Instruments(arguments.seed), SystemClock()
        return await process.run(
            instruments, client, credentials.mqtt, clock, stop, certificate=arguments.cacert, backfill=backfill
        )


async def _microgrids(arguments: argparse.Namespace, credentials: Credentials, stop: asyncio.Event) -> int | None:
    if credentials.flux is None:
        return None
    key = credentials.flux.authenticated_key
    async with _client(arguments, f"{credentials.base_url}/rest/v1", key, "apikey") as client:
        return await controller.run(client, SystemClock(), stop)


async def _homes(arguments: argparse.Namespace, credentials: Credentials, stop: asyncio.Event) -> int | None:
    if credentials.household is None:
        return None
    backfill = round(arguments.backfill_hours * HOUR)
    # A device shows no key: its token is in its messages.
    async with _client(arguments, f"{credentials.base_url}/api/v1", "homes", "User-Agent") as client:
        return await reader.run(client, credentials.household.admin_token, SystemClock(), stop, backfill=backfill)


async def _depot(arguments: argparse.Namespace, credentials: Credentials, stop: asyncio.Event) -> int | None:
    if credentials.depot is None:
        return None
    held, backfill = credentials.depot, round(arguments.backfill_hours * HOUR)
    async with _client(arguments, credentials.base_url, held.key, "X-Device-Key") as client:
        sender = gateway.Gateway(client, held.key, held.secret, held.meters)
        return await gateway.run(sender, SystemClock(), stop, backfill=backfill)


def main(given: list[str] | None = None) -> None:
    """Entry point."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    outcome = asyncio.run(run(_arguments(given)))
    sys.stdout.write(f"{outcome}\n")


if __name__ == "__main__":
    main()
