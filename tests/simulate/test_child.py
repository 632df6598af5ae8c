"""The fleet as a process: it delivers, it ends with its parent's block, and it says what became of its messages."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wattline.simulate.child import fleet_process
from wattline.simulate.credentials import Credentials

from .recording_server import RecordingServer


@pytest.fixture
async def server() -> AsyncIterator[RecordingServer]:
    made = RecordingServer()
    made.replies["/api/query/outages/active"] = []
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def credentials(server: RecordingServer, tmp_path: Path) -> Path:
    return Credentials(f"http://127.0.0.1:{server.port}", "the-key").write(tmp_path)


async def test_runs_for_the_length_of_the_block(server: RecordingServer, credentials: Path) -> None:
    async with fleet_process(credentials):
        await server.reached(lambda: len(server.accepted) >= 24)
    assert server.keys == {"the-key"}
    devices = {body["device_id"] for path, body in server.accepted if path == "/api/ingest/telemetry"}
    assert len(devices) == 12


async def test_on_its_own_it_stops_on_sigterm_and_restores_what_is_open(server: RecordingServer, credentials: Path) -> None:
    command = ["-m", "wattline.simulate", "--credentials", str(credentials), "--first-trip", "0.5"]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    try:
        await server.reached(lambda: any(path == "/api/ingest/outage" for path, _ in server.accepted))
        process.send_signal(signal.SIGTERM)
        printed, _ = await asyncio.wait_for(process.communicate(), 10)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    assert f"{len(server.accepted)} delivered, 0 retries, 0 refused, 0 given up" in printed.decode()
    kinds = [body["event_type"] for path, body in server.accepted if path == "/api/ingest/event"]
    assert kinds == ["FEEDER_TRIP", "FEEDER_RESTORE"]


async def test_says_in_one_line_that_there_are_no_credentials(tmp_path: Path) -> None:
    command = ["-m", "wattline.simulate", "--credentials", str(tmp_path / "absent.json")]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=asyncio.subprocess.PIPE)
    _, complaint = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert complaint.decode().strip() == f"no usable credentials in {tmp_path / 'absent.json'}"
