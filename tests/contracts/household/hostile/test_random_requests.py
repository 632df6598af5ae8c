"""Requests made up from the OpenAPI document: whatever anybody sends, the answer is one that the document describes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import httpx
import pytest
import schemathesis
from schemathesis import Case

from tests.contracts.household.home import opened
from tests.contracts.random_requests import CHECKS, served_elsewhere, try_out
from wattline.app import create_app
from wattline.contracts.household.routes import PREFIXES
from wattline.model.clock import ManualClock
from wattline.server import Listener, Server

from .town import START, founded

OPERATIONS = 57
EXAMPLES = 4
KEYS = (None, "own", "own", "ml", "cron", "admin", "admin", "admin")
Started = tuple[str, dict[str, str], dict[str, object]]
"""The address of a server, keys by what they open, and what it holds, by the parameter that may name it."""


async def _serve(data: Path, started: Future[Started], stop: Future[None]) -> None:
    clock = ManualClock(START)
    async with opened(data, clock, mqtt=False) as (platform, app), founded(platform, app, clock) as town:
        listener = Listener("127.0.0.1", 0, tls=False)
        async with Server(create_app(platform), listener, platform.settings, platform.begin_stop).serving() as url:
            things = town.things[town.home.user]
            known: dict[str, object] = {
                "user_id": town.home.user,
                "mac": town.home.mac,
                "peak_id": things.peak,
                "device_id": things.device,
                "report_id": things.report,
                "experiment_id": things.experiment,
                "since": "2026-02-01",
            }
            started.set_result((url, town.home.keys, known))
            await asyncio.wrap_future(stop)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with served_elsewhere(partial(_serve, tmp_path_factory.mktemp("random"))) as started:
        yield started


def name(case: Case, known: dict[str, object]) -> None:
    """Let a request ask for what there is."""
    for parameter in case.operation.path_parameters:
        case.path_parameters[parameter.name] = known[parameter.name]
    for parameter in case.operation.query:
        if parameter.name in known:
            case.query[parameter.name] = known[parameter.name]


def test_every_answer_is_as_described(served: Started) -> None:
    url, keys, known = served
    schema = schemathesis.openapi.from_dict(httpx.get(f"{url}/openapi.json", timeout=30).json())
    schema.config.update(base_url=url)
    asked: Counter[str] = Counter()
    statuses: Counter[int] = Counter()

    def ask(case: Case, named: bool, key: str | None) -> None:
        # What takes a household away would leave nothing to try.
        if named and not (case.method == "DELETE" and key == "admin"):
            name(case, known)
        headers = {"Authorization": "" if key is None else f"Bearer {keys[key]}"}
        case.headers.pop("Authorization", None)
        answer = case.call_and_validate(headers=headers, checks=CHECKS)
        asked[case.operation.label] += 1
        statuses[answer.status_code] += 1

    every = (found.ok() for found in schema.get_all_operations())
    try_out((operation for operation in every if operation.path.startswith(PREFIXES)), ask, KEYS, EXAMPLES)
    assert len(asked) >= OPERATIONS, len(asked)
    assert {200, 201, 400, 401, 404} <= statuses.keys(), statuses
