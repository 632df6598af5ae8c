"""What the figures were measured on: processor, memory, kernel, versions, and how long the disk takes to sync."""

from __future__ import annotations

import os
import platform
import statistics
import time
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("wattline", "chdb", "clickhouse-connect", "fastapi", "msgspec", "numpy", "pyarrow", "uvicorn", "uvloop")


def describe(directory: Path) -> dict[str, Any]:
    """The machine and the file system below `directory`."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "file_system": _file_system(directory),
        "fsync_ms": fsync_ms(directory),
        "load_average_before": round(os.getloadavg()[0], 2),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def fsync_ms(directory: Path, writes: int = 200) -> dict[str, float]:
    """Median and 99th percentile of appending 4 KiB and syncing it, in milliseconds: the floor of any durable commit."""
    path, seconds = directory / "fsync-probe", []
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for _ in range(writes):
            os.write(handle, b"\0" * 4096)
            begun = time.perf_counter()
            os.fdatasync(handle)
            seconds.append(time.perf_counter() - begun)
    finally:
        os.close(handle)
        path.unlink()
    ordered = sorted(seconds)
    return {"p50": round(statistics.median(ordered) * 1000, 6), "p99": round(ordered[int(writes * 0.99) - 1] * 1000, 6)}


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _file_system(directory: Path) -> str:
    """The type of the mount that holds a directory: a figure from tmpfs says nothing about a disk."""
    best, kind = "", "unknown"
    target = str(directory.resolve())
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, name, *_ = line.split()
        inside = target == mount or target.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, name
    return kind


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
