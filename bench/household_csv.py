"""A year of one household as CSV, from a server at rest: how long it takes, and what it takes beyond the memory at rest."""

from __future__ import annotations

import hashlib
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.figure import Figure, median_run
from bench.process import Server, free_port
from bench.product import HEALTH_PATH, PROGRAM
from bench.runner import ROOT, Context

YEAR = 2_103_840
"""Rows of 365.25 days, one every 15 s."""
NAME = "a year of one household as CSV, {:.1f} M rows"
KEPT_DAYS = 400
PIECE = 1 << 20
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Download:
    """One download: seconds to the first byte and to the last, and the file."""

    first: float
    seconds: float
    size: int
    rows: int
    digest: str
    memory_mb: float


def download(server: Server, token: str) -> Download:
    """Read the whole file as fast as it comes, while another thread looks at the server's memory."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    digest, size, lines, most = hashlib.sha256(), 0, 0, 0.0
    before = server.memory_mb()["resident"]
    done = threading.Event()

    def look() -> None:
        nonlocal most
        while not done.wait(LOOK_SECONDS):
            most = max(most, server.memory_mb()["resident"])

    looking = threading.Thread(target=look)
    looking.start()
    begun = time.perf_counter()
    connection.request("GET", "/csv_energy", headers={"Authorization": token})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"the download was answered with {answer.status}: {answer.read(500)!r}")
    first = 0.0
    while piece := answer.read(PIECE):
        first = first or time.perf_counter() - begun
        size += len(piece)
        lines += piece.count(b"\n")
        digest.update(piece)
    seconds = time.perf_counter() - begun
    done.set()
    looking.join()
    connection.close()
    return Download(first, seconds, size, lines - 1, digest.hexdigest(), max(most - before, 0.0))


def export(context: Context) -> Sequence[Figure]:
    """The whole year, several times; the first download also opens what the store keeps open afterwards."""
    data, count = context.place("csv"), context.scaled(YEAR, YEAR // 10)
    command = [sys.executable, "-m", "bench.household_year", str(data), str(count)]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    token = json.loads(made.stdout.splitlines()[-1])["token"]
    port = free_port()
    serve = [PROGRAM, "serve", "--data", str(data), "--port", str(port)]
    kept = {"WATTLINE_RETENTION_RAW_DAYS": str(KEPT_DAYS)}
    server = Server(serve, port, HEALTH_PATH, data / "bench.log", kept)
    context.keep.callback(server.stop)
    server.start()
    runs = [download(server, token) for _ in range(context.scaled(5, 2))]
    if {run.rows for run in runs} != {count} or len({run.digest for run in runs}) != 1:
        raise RuntimeError(f"{count} rows were not downloaded alike: {[run.rows for run in runs]}")
    middle = median_run(runs, lambda run: run.seconds)
    detail = {
        "rows": count,
        "megabytes": round(middle.size / 1e6, 1),
        "seconds": [round(run.seconds, 3) for run in runs],
        "first_byte_ms": [round(run.first * 1000, 1) for run in runs],
        "extra_mb": [round(run.memory_mb, 1) for run in runs],
    }
    name = NAME.format(count / 1e6)
    return [
        Figure(name, middle.seconds, "s", "less", target=3, detail=detail),
        Figure(f"{name}: extra memory", max(run.memory_mb for run in runs), "MB", "less", target=100),
    ]
