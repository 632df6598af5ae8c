"""Requests made up from the OpenAPI document: whatever anybody sends, the answer is one that the document describes.

Every failure is a problem document, but at the endpoints of OAuth.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest
import schemathesis
from schemathesis import Case

from tests.contracts.joulepoint.depot import opened
from tests.contracts.random_requests import CHECKS, served_elsewhere, try_out
from wattline.app import create_app
from wattline.contracts.joulepoint.routes import PREFIXES
from wattline.model.clock import ManualClock
from wattline.model.principal import JOULEPOINT
from wattline.server import Listener, Server

EXAMPLES = 3
OPERATIONS = 50
TENANT = "default"
Started = tuple[str, str, dict[str, object]]
"""The address of a server, a key of every scope, and what is there, by the parameter that may name it."""


async def _serve(data: Path, started: Future[Started], stop: Future[None]) -> None:
    clock = ManualClock(datetime(2026, 6, 11, 14, 32, tzinfo=UTC))
    async with opened(data, clock) as platform:
        _, key = await platform.identity.create(TENANT, "all", JOULEPOINT)
        client, _ = await platform.oauth.create(TENANT, "client", sorted(JOULEPOINT))
        body = {"name": "Main", "nominal_voltage": 230, "phases": 3}
        meter = await platform.metering.meters.create(TENANT, body)
        known: dict[str, object] = {"number": meter.id, "meter_id": meter.id, "client_id": client.id}
        listener = Listener("127.0.0.1", 0, tls=False)
        async with Server(create_app(platform), listener, platform.settings, platform.begin_stop).serving() as url:
            started.set_result((url, key, known))
            await asyncio.wrap_future(stop)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with served_elsewhere(partial(_serve, tmp_path_factory.mktemp("random"))) as started:
        yield started


def test_every_answer_is_as_described(served: Started) -> None:
    url, key, known = served
    document = httpx.get(f"{url}/openapi.json", timeout=30).json()
    # What streams has no end that a test could wait for.
    document["paths"] = {
        path: methods
        for path, methods in document["paths"].items()
        if path.startswith(PREFIXES) and "live" not in path.rpartition("/")[2]
    }
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    asked: Counter[str] = Counter()
    statuses: Counter[int] = Counter()

    def ask(case: Case, named: bool, admitted: bool) -> None:
        # What takes the meter away would leave nothing to try.
        if named and case.method != "DELETE":
            for parameter in case.operation.path_parameters:
                if parameter.name in known:
                    case.path_parameters[parameter.name] = known[parameter.name]
        case.headers.pop("Authorization", None)
        headers = {"Authorization": f"Bearer {key}"} if admitted else {}
        answer = case.call_and_validate(headers=headers, checks=CHECKS)
        asked[case.operation.label] += 1
        statuses[answer.status_code] += 1
        if answer.status_code >= 400 and not case.operation.path.startswith("/oauth"):
            assert answer.headers["content-type"] == ["application/problem+json"]
            assert answer.headers["x-request-id"] == [answer.json()["request_id"]]

    try_out((found.ok() for found in schema.get_all_operations()), ask, [True, True, True, False], EXAMPLES)
    assert len(asked) >= OPERATIONS, len(asked)
    assert {200, 201, 400, 401, 404, 422} <= statuses.keys(), statuses
