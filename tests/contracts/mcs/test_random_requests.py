"""Requests made up from the OpenAPI document: whatever a client sends, the answer is one that the document describes."""

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

from tests.contracts.mcs.halls import LIMITS, Hall, building
from tests.contracts.random_requests import CHECKS, served_elsewhere, try_out

Started = tuple[str, str, dict[str, object]]
"""The address of a server, a key, and words that name what it holds, by the parameter that may take them."""


async def _serve(data: Path, started: Future[Started], stop: Future[None]) -> None:
    async with building(data) as made, Hall(made).open() as hall:
        await hall.build(site="elsewhere", block="block-02")
        for number in range(120):
            for tag in hall.points:
                await hall.read(tag, 40.0 + number % 30, -600 + 5 * number, quality=number % 3)
        await hall.limit("CDU-01-T-SUP", LIMITS)
        await hall.judged("CDU-01-T-SUP", 70.0)
        await hall.platform.pipeline.rollup.advance()
        sensor = hall.points["CDU-01-T-SUP"].id
        known = {
            "sensor_id": sensor,
            "sensor_ids": f"{sensor},{hall.points['P-MSB-TOTAL'].id},999999",
            "block_slug": "block-01",
            "slug": "block-01",
            "start": hall.iso(-3 * 86_400),
            "end": hall.iso(),
        }
        started.set_result((made.url, hall.secret, known))
        await asyncio.wrap_future(stop)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with served_elsewhere(partial(_serve, tmp_path_factory.mktemp("random"))) as started:
        yield started


def name(case: Case, known: dict[str, object]) -> None:
    """Let a request ask for what there is; what names something else goes."""
    for parameter in case.operation.query:
        if parameter.name in known:
            case.query[parameter.name] = known[parameter.name]
        elif parameter.name in ("agg", "block_id", "sensor_tag", "tz"):
            case.query.pop(parameter.name, None)
    for parameter in case.operation.path_parameters:
        case.path_parameters[parameter.name] = "baldwinsville" if "/sites/" in case.path else known[parameter.name]


def test_every_answer_is_as_described(served: Started) -> None:
    url, secret, known = served
    schema = schemathesis.openapi.from_dict(httpx.get(f"{url}/openapi.json", timeout=30).json())
    schema.config.update(base_url=url)
    mine = schema.include(path_regex="^(/api/v1/|/health|/stats)").exclude(tag_regex="^Household")
    asked: Counter[str] = Counter()

    def ask(case: Case, named: bool, key: str) -> None:
        if named:
            name(case, known)
        asked[case.operation.label] += 1
        case.call_and_validate(headers={"X-API-Key": key}, checks=CHECKS)

    try_out((found.ok() for found in mine.get_all_operations()), ask, [secret], 16)
    assert len(asked) >= 27
    assert asked.keys() == {operation.ok().label for operation in mine.get_all_operations()}
