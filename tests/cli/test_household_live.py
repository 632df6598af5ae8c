"""Homes that are managed while the server runs: it knows them within seconds, and does what only it can do when it is asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

from ..server_process import ServerProcess

MAC = "AA:BB:CC:DD:EE:01"
SECONDS = 20


def wattline(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wattline", *arguments, "--data", str(tmp_path / "data")]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=60, check=False)


def test_a_running_server_takes_over_households_and_begins_registers_anew(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server, httpx.Client(base_url=server.url, timeout=20) as client:
        for arguments in (("user", "add", "--id", "weber"), ("sensor", "add", MAC)):
            assert wattline(tmp_path, "household", *arguments).returncode == 0
        create = ("key", "create", "--contract", "household", "--name", "k", "--scope", "household:admin")
        client.headers["Authorization"] = wattline(tmp_path, *create).stdout.strip()
        path = f"/api/v1/household/sensors/{MAC}"
        end = time.monotonic() + SECONDS
        while client.get(path).status_code == 404 and time.monotonic() < end:
            pass
        assign = ("household", "sensor", "assign", MAC, "weber", "--initial", "45000", "--url", server.url)
        assert wattline(tmp_path, *assign).returncode == 0
        full = client.get(path).json()
        assert (full["user_id"], full["newest"]["value"]) == ("weber", 45_000)

        swap = ("household", "sensor", "swap", MAC, "--url", server.url, "--initial")
        assert wattline(tmp_path, *swap, "3").returncode == 0
        swapped = client.get(path).json()["newest"]
        assert (swapped["value"], swapped["total"]) == (3, full["newest"]["total"])
        refused = wattline(tmp_path, *swap, "-1")
        assert (refused.returncode, refused.stderr.startswith("wattline: a register shows")) == (2, True)
        strange = wattline(tmp_path, *swap, "3", "--tenant", "other")
        assert (strange.returncode, strange.stderr) == (1, "wattline: Sensor not found\n")
