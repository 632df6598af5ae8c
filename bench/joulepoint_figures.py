"""Figures of a depot over a year, from a server at rest, and the export of a long series: how long, and in how much memory."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from bench.figure import Figure, percentile
from bench.process import Server, free_port
from bench.product import HEALTH_PATH, PROGRAM
from bench.runner import ROOT, Context

ANALYTICS = "/api/energy/analytics"
METERS, DAYS = 100, 365
ROWS = 5_000_000
KEPT_DAYS = 400
PIECE = 1 << 20
LOOK_SECONDS = 0.02
SAVED_SECONDS = 60
ANSWERS: tuple[tuple[str, dict[str, str]], ...] = (("kpi", {}), ("matrix", {"cols": "halfhour"}))
COLUMNS = "total_power,total_energy,voltage_a"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: seconds to its end, bytes, lines, and by how much the server's memory grew meanwhile."""

    seconds: float
    size: int
    lines: int
    memory_mb: float


def ask(server: Server, key: str, path: str, **query: object) -> Answer:
    """Read a whole answer, while another thread looks at the server's memory."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    size = lines = 0
    most = before = server.memory_mb()["resident"]
    done = threading.Event()

    def look() -> None:
        nonlocal most
        while not done.wait(LOOK_SECONDS):
            most = max(most, server.memory_mb()["resident"])

    looking = threading.Thread(target=look)
    looking.start()
    begun = time.perf_counter()
    connection.request("GET", f"{ANALYTICS}/{path}?{urlencode(query)}", headers={"Authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{path} was answered with {answer.status}: {answer.read(500)!r}")
    while piece := answer.read(PIECE):
        size += len(piece)
        lines += piece.count(b"\n")
    seconds = time.perf_counter() - begun
    done.set()
    looking.join()
    connection.close()
    return Answer(seconds, size, lines, most - before)


def _spelled(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, UTC).isoformat()


def _first(server: Server, data: Path, key: str, path: str, **query: object) -> Answer:
    """Ask a server that was started anew, once the one before has put what it worked out into files."""
    until = time.monotonic() + SAVED_SECONDS
    while len(list((data / "energy").glob("*.cells"))) < METERS:
        if time.monotonic() > until:
            raise RuntimeError("the energy that was worked out was not kept")
        time.sleep(LOOK_SECONDS)
    server.stop()
    server.start()
    return ask(server, key, path, **query)


def figures(context: Context) -> Sequence[Figure]:
    """kpi and matrix of a group, first as the server finds them and then again, and one export."""
    data = context.place("depot")
    sizes = METERS, context.scaled(DAYS, 60), context.scaled(ROWS, ROWS // 20)
    command = [sys.executable, "-m", "bench.joulepoint_year", str(data), *map(str, sizes)]
    made = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    port = free_port()
    kept = {"WATTLINE_RETENTION_RAW_DAYS": str(KEPT_DAYS)}
    server = Server([PROGRAM, "serve", "--data", str(data), "--port", str(port)], port, HEALTH_PATH, data / "bench.log", kept)
    context.keep.callback(server.stop)
    server.start()
    year = {"from": _spelled(made["first"]), "to": _spelled(made["newest"])}
    first = ask(server, made["key"], "kpi", group_id=made["group"], **year)
    name = f"first kpi of {METERS} meters over {sizes[1]} days, from a server at rest"
    found = [Figure(name, first.seconds * 1000, "ms", "less", 1500, detail={"extra_mb": round(first.memory_mb)})]
    for path, more in ANSWERS:
        runs = [ask(server, made["key"], path, group_id=made["group"], **year, **more).seconds for _ in range(9)]
        detail = {"meters": METERS, "days": sizes[1]}
        name = f"{path} of {METERS} meters over {sizes[1]} days of 15 min"
        figure = percentile(runs, 50)
        found.append(Figure(name, figure, "ms", "less", 300, p50=figure, p99=percentile(runs, 99), detail=detail))
    for path, more in ANSWERS:
        answer = _first(server, data, made["key"], path, group_id=made["group"], **year, **more)
        name = f"{path} of {METERS} meters over {sizes[1]} days of 15 min, first after a start"
        found.append(Figure(name, answer.seconds * 1000, "ms", "less", detail={"extra_mb": round(answer.memory_mb)}))
    since = {"from": _spelled(made["newest"] - sizes[2] * 5_000_000 + 1), "to": _spelled(made["newest"] + 1)}
    file = ask(server, made["key"], "export", meter_id=made["dense"], interval="raw", columns=COLUMNS, **since)
    if file.lines != sizes[2] + 1:
        raise RuntimeError(f"{sizes[2]} rows were asked for, {file.lines - 1} came")
    name = f"export of {sizes[2] / 1e6:.2g} M rows as CSV"
    detail = {"rows": sizes[2], "megabytes": round(file.size / 1e6), "rows_per_second": round(sizes[2] / file.seconds)}
    found.append(Figure(name, file.seconds, "s", "less", detail=detail))
    found.append(Figure(f"{name}: extra memory", file.memory_mb, "MB", "less", 200))
    return found
