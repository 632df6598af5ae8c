"""What a door makes of headers and of bodies that do not come."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import ASGIApp, Message

from tests.contracts.joulepoint.ingestion.conftest import BULK, PATH, Meter
from wattline.contracts.joulepoint.device_door import media_type
from wattline.contracts.joulepoint.problem import Problem


@pytest.mark.parametrize(
    "header",
    [b"", b"application/json", b'Application/JSON; Charset="UTF-8"', b"application/vnd.depot.v1+json", b"application/json;q=1"],
)
def test_what_is_json(header: bytes) -> None:
    assert media_type(header, ("application/json",)) == "application/json"


@pytest.mark.parametrize(
    "header", [b"text/json", b"application/x-www-form-urlencoded", b"\xff", b"application/json; charset=latin-1"]
)
def test_what_is_not(header: bytes) -> None:
    with pytest.raises(Problem) as refused:
        media_type(header, ("application/json",))
    assert refused.value.status_code == 415


@pytest.mark.parametrize("media", ["application/x-ndjson", "application/ndjson", "application/jsonl; charset=utf-8"])
async def test_lines_have_several_names(meter: Meter, media: str) -> None:
    told = await meter.told(b'{"total_power":1}', 200, BULK, headers={"Content-Type": media})
    assert told["accepted"] == 1


async def test_the_key_of_a_device_counts_before_a_token(meter: Meter) -> None:
    answer = await meter.post({"total_power": 1}, headers={"Authorization": "Bearer nobody"})
    assert answer.status_code == 201


@pytest.mark.parametrize("path", [PATH, BULK])
async def test_a_body_of_which_a_part_comes_is_no_body(meter: Meter, hot: dict[str, ASGIApp], path: str) -> None:
    told: list[Message] = []
    coming = iter(
        [
            {"type": "http.request", "body": b'{"total_power":1}', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> Any:
        return next(coming)

    async def send(message: Message) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"x-device-key", meter.key.encode())],
    }
    await hot[path](scope, receive, send)
    assert told[0]["status"] == 400
    assert await meter.stored() == {}
