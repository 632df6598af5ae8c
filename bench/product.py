"""The product as a user runs it: `wattline serve` on a fresh data directory, with a key of its own, on a free port."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.process import Server, free_port
from bench.runner import Context

SINGLE_PATH = "/api/ingest/telemetry"
BATCH_PATH = "/api/ingest/telemetry/batch"
LATEST_PATH = "/api/query/telemetry/latest"
SERIES_PATH = "/api/query/telemetry/timeseries?substation_id={}&minutes={}"
RAW_PATH = SERIES_PATH + "&resolution=raw"
STREAM_PATH = "/api/stream"
HEALTH_PATH = "/api/health"

PROGRAM = str(Path(sys.executable).with_name("wattline"))


@dataclass(frozen=True, slots=True)
class Product:
    """A running server, its key and where its data is."""

    server: Server
    key: str
    data: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port


def started(context: Context, name: str, environment: dict[str, str] | None = None) -> Product:
    """A healthy server on an empty store; it is stopped at the end of the bench."""
    data = context.place(name)
    create = [PROGRAM, "key", "create", "--name", "bench", "--data", str(data)]
    key = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
    port = free_port()
    server = Server(
        [PROGRAM, "serve", "--data", str(data), "--port", str(port)], port, HEALTH_PATH, data / "bench.log", environment
    )
    context.keep.callback(server.stop)
    return Product(server.start(), key, data)
