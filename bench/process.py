"""Servers as processes of their own: started on a free port, awaited until healthy, measured from outside, always stopped."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.runner import ROOT

START_SECONDS = 120.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server process. `command` runs in the checkout, its output goes to `log`, and `health` answers 200 once it is up."""

    def __init__(
        self, command: Sequence[str], port: int, health: str, log: Path, environment: dict[str, str] | None = None
    ) -> None:
        self.port = port
        self.log = log
        self._command = list(command)
        self._health = health
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None
        self.started_seconds = 0.0

    def start(self) -> Server:
        """Start and wait until healthy; `started_seconds` is how long that took from before the process existed."""
        begun = time.perf_counter()
        environment = os.environ | {"PYTHONUNBUFFERED": "1"} | self._environment
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        while not self._healthy():
            if self._process.poll() is not None:
                raise RuntimeError(
                    f"{self._command[:4]} ended with {self._process.returncode}:\n{self.log.read_text()[-4000:]}"
                )
            if time.perf_counter() - begun > START_SECONDS:
                self.stop()
                raise RuntimeError(
                    f"{self._command[:4]} was not healthy after {START_SECONDS:.0f} s:\n{self.log.read_text()[-4000:]}"
                )
            time.sleep(0.01)
        self.started_seconds = time.perf_counter() - begun
        return self

    def stop(self) -> float:
        """Ask the process to stop and wait; how many seconds it took."""
        if self._process is None:
            return 0.0
        begun = time.perf_counter()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        return time.perf_counter() - begun

    def memory_mb(self) -> dict[str, float]:
        """Resident memory of the process and its children now, in MB; `peak` is the server's own high-water mark."""
        assert self._process is not None
        tree = [self._process.pid, *_children(self._process.pid)]
        status = [_status(pid) for pid in tree]
        return {
            "resident": round(sum(s.get("VmRSS", 0) for s in status) / 1000, 1),
            "anonymous": round(sum(s.get("RssAnon", 0) for s in status) / 1000, 1),
            "peak": round(status[0].get("VmHWM", 0) / 1000, 1),
        }

    def cpu_seconds(self) -> float:
        """Processor time the process has used so far."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self._health)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def python(*arguments: str) -> list[str]:
    """A command for this interpreter."""
    return [sys.executable, *arguments]


def _status(pid: int) -> dict[str, float]:
    """The kB figures of /proc/PID/status; empty where the process has gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    parts = [line.split() for line in lines if line.endswith(" kB")]
    return {fields[0].rstrip(":"): float(fields[1]) * 1.024 for fields in parts}


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        own = [int(child) for thread in threads for child in (thread / "children").read_text(encoding="utf-8").split()]
    except OSError:
        return []
    return own + [below for child in own for below in _children(child)]
