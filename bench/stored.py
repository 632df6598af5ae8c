"""What readings take on disk once merged: asked of the store itself, by a process of its own, with the server stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import clickhouse_connect

from bench.process import python
from bench.runner import ROOT

PARTS = """
    SELECT sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts FROM system.parts
    WHERE active AND database = 'wattline' AND table = 'readings'"""


def bytes_per_value(data: Path) -> tuple[float, dict[str, Any]]:
    """Bytes on disk for each value of the raw tier after merging, everything counted (indexes, marks), and the parts of it."""
    ran = subprocess.run(python("-m", "bench.stored", str(data)), cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found["bytes"] / found["rows"], found


def main() -> None:
    """Merge the raw table of a data directory and print its sizes."""
    client = clickhouse_connect.get_client(interface="chdb", path=str(Path(sys.argv[1]) / "telemetry"), database="wattline")
    client.command("OPTIMIZE TABLE readings FINAL")
    rows, size, parts = client.query(PARTS).result_rows[0]
    sys.stdout.write(json.dumps({"rows": int(rows), "bytes": int(size), "parts": int(parts)}))
    client.close()


if __name__ == "__main__":
    main()
