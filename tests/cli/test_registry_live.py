"""A schedule that is imported while the server runs: it knows the points and their limits within seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from ..server_process import ServerProcess

TO = ("--site", "baldwinsville", "--block", "block-02")
HEADER = "tag,subsystem,equipment_parent,unit,range_min,range_max,alarm_P2_high\n"
ASKED_SECONDS = 20


def put(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "points.csv"
    path.write_text(f"{HEADER}MET-01-kW,electrical,MET-01,kW,0,1500,{limit}\n")
    command = [sys.executable, "-m", "wattline", "registry", "import", str(path), *TO, "--data", str(tmp_path / "data")]
    subprocess.run(command, check=True, capture_output=True, env=dict(os.environ), timeout=60)


def limits(client: httpx.Client) -> list[float]:
    """The limits of the block's points, as the server knows them."""
    found: list[dict[str, Any]] = client.get("/api/v1/sensors/block-02").json()
    return [sensor["alarm_thresholds"]["P2_high"]["value"] for sensor in found if sensor["alarm_thresholds"]]


def reached(client: httpx.Client, wanted: list[float]) -> bool:
    """Whether the limits get to be so; the server is asked over and over meanwhile."""
    end = time.monotonic() + ASKED_SECONDS
    while time.monotonic() < end:
        if limits(client) == wanted:
            return True
    return False


def test_a_running_server_takes_over_points_and_limits(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", "--open") as server, httpx.Client(base_url=server.url, timeout=20) as client:
        assert client.get("/api/v1/sensors/block-02").json() == []
        for limit in (1200, 1100):
            put(tmp_path, limit)
            assert reached(client, [limit])
