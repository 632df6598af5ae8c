"""A server that is killed while readings come in: what it acknowledged is there, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contracts.joulepoint.ingestion.conftest import BULK, PATH
from tests.server_process import ServerProcess

SENDERS = 6
ENOUGH = 60
"""Acknowledged readings after which the server is killed."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that asks for no token."""
    with ServerProcess(tmp_path / "data", "--open") as made:
        yield made


def call(client: httpx.Client, path: str, body: Any) -> dict[str, Any]:
    answer = client.post(path, json=body)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def test_what_was_acknowledged_survives_a_kill(server: ServerProcess) -> None:
    with httpx.Client(base_url=server.url) as client:
        meter = call(client, "/api/energy/meters", {"name": "Main", "nominal_voltage": 230, "phases": 3})["id"]
        key = call(client, f"/api/energy/meters/{meter}/keys", {})["key"]
    first = datetime.now(UTC) - timedelta(hours=1)
    headers = {"X-Device-Key": key}
    told: list[tuple[dict[str, Any], str]] = []
    enough = threading.Event()

    def send(number: int) -> None:
        with httpx.Client(base_url=server.url, headers=headers) as client:
            for step in range(100_000):
                # Forward and back, so that some are new and others are looked up.
                at = first + timedelta(seconds=step * 617 % 1000, microseconds=number)
                body = {"total_power": float(step), "seq": step, "timestamp": at.isoformat()}
                try:
                    answer = client.post(PATH, json=body)
                except httpx.TransportError:
                    return
                told.append((body, answer.json()["id"]))
                if len(told) >= ENOUGH:
                    enough.set()

    senders = [threading.Thread(target=send, args=(number,)) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    assert enough.wait(60)
    server.kill()
    for sender in senders:
        sender.join(60)
    server.start()
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
        again = call(client, BULK, {"readings": [body for body, _ in told]})
        assert again == {"accepted": 0, "duplicates": len(told), "replaced": 0, "rejected": []}
        body, name = told[-1]
        assert call(client, PATH, body)["id"] == name
