"""One request of a device, by the published messages, and its answer read by Google's protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.contracts.household.wire.oracle import message, parsed

from .served import Served

RESPONSES = {"/token": "TokenResponse", "/sensor_input": "SensorDataResponse", "/script_accepted": "SensorDataResponse"}


@dataclass
class Answer:
    """`status` is that of HTTP; in the message there is the same."""

    status: int
    text: str
    found: Any
    headers: httpx.Headers


async def ask(
    served: Served, path: str, content: bytes, headers: Mapping[str, str] | None = None, method: str = "POST"
) -> Answer:
    """Send a body and read the answer in the form of its Content-Type."""
    got = await served.running.client.request(method, path, content=content, headers=dict(headers or {}))
    if got.headers["content-type"] == "application/json":
        found = got.json()
        assert found["status"] == got.status_code
        assert content.startswith(b"{")
        return Answer(got.status_code, found.get("status_message", ""), found, got.headers)
    assert got.headers["content-type"] == "application/x-protobuf"
    read = parsed(RESPONSES[path.removeprefix("/api/v1")], got.content)
    assert read.status == got.status_code
    return Answer(got.status_code, read.status_message, read, got.headers)


def reading(token: str, value: float, **fields: Any) -> bytes:
    """SensorDataRequestV2."""
    data: bytes = message("SensorDataRequestV2", access_token=token, value=value, **fields).SerializeToString()
    return data


async def token_of(served: Served, mac: str) -> str:
    """A token of a meter."""
    sent = message("TokenRequest", client_id=mac).SerializeToString()
    token: str = (await ask(served, "/token", sent)).found.access_token
    return token
