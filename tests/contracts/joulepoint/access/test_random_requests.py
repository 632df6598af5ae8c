"""Requests made up from the OpenAPI document: whatever anybody sends, the answer is one that the document describes.

Every failure is a problem document, but at the endpoints of OAuth.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests.contracts.joulepoint.depot import opened
from wattline.app import create_app
from wattline.contracts.joulepoint.routes import PREFIXES
from wattline.model.clock import ManualClock
from wattline.model.principal import JOULEPOINT
from wattline.server import Listener, Server

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
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
    """A server that runs in a thread of its own: its clients here block."""
    started: Future[Started] = Future()
    stop: Future[None] = Future()

    def run() -> None:
        try:
            asyncio.run(_serve(tmp_path_factory.mktemp("random"), started, stop))
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    yield started.result(60)
    stop.set_result(None)
    thread.join(60)
    assert not thread.is_alive()


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
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(
                max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
            )
            @given(
                case=operation.as_strategy(generation_mode=mode),
                named=st.booleans(),
                admitted=st.sampled_from([True, True, True, False]),
            )
            def holds(case: Case, named: bool, admitted: bool) -> None:
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

            # What takes no parameters cannot be asked wrongly.
            with contextlib.suppress(Unsatisfiable):
                holds()
    assert len(asked) >= OPERATIONS, len(asked)
    assert {200, 201, 400, 401, 404, 422} <= statuses.keys(), statuses
