"""A real server in a process of its own, for tests that kill it, starve it or speak HTTP to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.migrated import lay_out

READY_SECONDS = 60


class ServerProcess:
    """`wattline serve --open` on a directory; the port is free and chosen anew at every start."""

    def __init__(self, data: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.url = ""
        self._options = options
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self.log = data.parent / f"{data.name}.log"

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        if not self._environment.get("WATTLINE_STATE_URL"):
            lay_out(self.data)
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "wattline", "serve", "--data", str(self.data), "--port", "0", *self._options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment,
            )
        assert self._process.stdout is not None
        watchdog = threading.Timer(READY_SECONDS, self._process.kill)
        watchdog.start()
        try:
            for line in self._process.stdout:
                if found := re.match(r"ready (\S+)", line):
                    self.url = found[1]
                    return
        finally:
            watchdog.cancel()
        raise AssertionError(f"the server did not start:\n{self.log.read_text()[-4000:]}")

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        status = self._process.wait(60)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return status

    def __enter__(self) -> ServerProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()
