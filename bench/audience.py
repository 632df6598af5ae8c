"""A process of WebSocket clients (`bench.listener`), as a scenario sees it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from bench.process import python
from bench.runner import ROOT, Context


class Audience:
    """Begun by `python -m MODULE ARGUMENTS...` and ended with a scenario."""

    def __init__(self, context: Context, module: str, *arguments: object) -> None:
        command = python("-m", module, *map(str, arguments))
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        context.keep.enter_context(process)
        context.keep.callback(process.kill)
        assert process.stdin is not None
        assert process.stdout is not None
        self._said, self._heard = process.stdin, process.stdout
        if self._heard.readline() != "ready\n":
            raise RuntimeError("the clients could not connect")

    def report(self, expected: Mapping[str, int]) -> dict[str, Any]:
        """What came, once each client has what it should: the number of frames by what it follows."""
        self._said.write(json.dumps(expected) + "\n")
        self._said.flush()
        found: dict[str, Any] = json.loads(self._heard.readline())
        return found
