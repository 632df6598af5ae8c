"""Workers as a test handles them: started, told what to do, waited for, killed."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMEOUT = 60.0


class Hand:
    """One worker process; `begun` and `ended` are the names and slots of its work."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.begun: list[tuple[str, int]] = []
        self.ended: list[tuple[str, int]] = []

    async def until(self, wanted: str) -> None:
        """Read lines until one begins so. A process that ends first is an error."""
        assert self.process.stdout is not None
        while True:
            line = (await asyncio.wait_for(self.process.stdout.readline(), TIMEOUT)).decode().strip()
            assert line, f"the worker ended before it said {wanted!r}"
            word, *rest = line.split()
            if word in ("begin", "end"):
                (self.begun if word == "begin" else self.ended).append((rest[0], int(rest[1])))
            if line.startswith(wanted):
                return

    async def finished(self, works: set[tuple[str, int]]) -> None:
        """Wait until these works have ended."""
        while not works <= set(self.ended):
            await self.until("end")

    async def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()

    async def do(self, line: str) -> None:
        """Tell it something, and wait until that is done."""
        await self.tell(line)
        await self.until("done")

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        assert await asyncio.wait_for(self.process.wait(), TIMEOUT) == -signal.SIGKILL

    async def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert await asyncio.wait_for(self.process.wait(), TIMEOUT) == 0


class Crew:
    """Workers on one state database; each starts at the time (us) that it is given, on a directory that is there."""

    def __init__(self, url: str, port: int) -> None:
        self._url = url
        self._port = port
        self._processes: list[Process] = []

    async def start(self, directory: Path, now: int) -> Hand:
        command = [sys.executable, "-m", "tests.households.worker", self._url, str(directory), str(self._port), str(now)]
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE)
        self._processes.append(process)
        hand = Hand(process)
        await hand.until("ready")
        return hand

    async def dismiss(self) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            # The transport closes its pipes in a later turn of the loop, which may be gone by then.
            process._transport.close()  # type: ignore[attr-defined]


@asynccontextmanager
async def crew(url: str, port: int) -> AsyncIterator[Crew]:
    made = Crew(url, port)
    try:
        yield made
    finally:
        await made.dismiss()
