"""A disk without room: readings are refused with 507 or 503, nothing is torn, and all goes on when there is room again."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from tests.faults import inspect_data
from tests.server_process import ServerProcess
from wattline.model.clock import SystemClock, to_micros

MEBIBYTE = 1 << 20


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of its own of 96 MiB."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def batch(start: int) -> dict[str, object]:
    """A thousand readings that do not compress to nothing."""
    base = SystemClock().now() - timedelta(hours=2)
    return {
        "records": [
            {
                "substation_id": "SUB1",
                "feeder_id": f"F{n % 7}",
                "voltage_kv": 230 + (n * 7919 % 1_000) / 997,
                "current_a": 100 + (n * 104_729 % 1_000) / 991,
                "power_mw": 10.5,
                "frequency_hz": 60 + (n * 15_485_863 % 1_000) / 99_991,
                "status_code": f"S{n * 2_654_435_761 % 2**32:032x}",
                "timestamp": (base + timedelta(milliseconds=n)).isoformat(),
            }
            for n in range(start, start + 1_000)
        ]
    }


async def until_ok(http: httpx.AsyncClient, body: dict[str, object]) -> None:
    """The server takes this body again within half a minute."""
    async with asyncio.timeout(30):
        answer = await http.post("/api/ingest/telemetry/batch", json=body)
        while answer.status_code != 200:
            answer = await http.post("/api/ingest/telemetry/batch", json=body)


async def test_a_full_disk_refuses_readings_and_recovers(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        with small_disk(tmp_path / "disk") as disk:
            await refuse_and_recover(disk)
        return
    # Who may not mount may do so as root of a name space of their own.
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-m", "pytest", "-q", __file__]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def refuse_and_recover(small_disk: Path) -> None:
    server = ServerProcess(small_disk / "data", "--open", environment={"WATTLINE_LOG_LEVEL": "error"})
    server.log = small_disk.parent / "server.log"
    acknowledged: list[int] = []
    with server:
        ballast = small_disk / "ballast"
        room = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        ballast.write_bytes(b"\0" * (room - 6 * MEBIBYTE))
        async with httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as http:
            refused: httpx.Response | None = None
            for start in range(0, 400_000, 1_000):
                body = batch(start)
                answer = await http.post("/api/ingest/telemetry/batch", json=body)
                if answer.status_code != 200:
                    refused = answer
                    break
                stamps = [record["timestamp"] for record in body["records"]]  # type: ignore[attr-defined]
                acknowledged += [to_micros(SystemClock().now().fromisoformat(stamp)) for stamp in stamps]
            assert refused is not None
            assert refused.status_code in {503, 507}
            assert isinstance(refused.json()["detail"], str)
            ballast.unlink()
            await until_ok(http, batch(500_000))
        server.kill()
    command = [sys.executable, inspect_data.__file__, str(small_disk / "data")]
    inspected = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert inspected.returncode == 0, inspected.stderr[-4000:]
    found = json.loads(inspected.stdout)
    assert {time for _, _, time, _ in found["rows"]} >= set(acknowledged)
    assert found["doubled"] == 0
    assert set(found["tier_differences"].values()) == {0}
