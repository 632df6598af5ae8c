"""A worker process, to be killed: `python -m tests.jobs.worker URL DIRECTORY ROLE`.

What it does it appends to files in DIRECTORY; when it is where it should be killed it prints a line and waits.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from wattline.jobs.service import Jobs
from wattline.model.clock import SystemClock


def note(path: Path, line: str) -> None:
    """Append one line, durably and at once."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{line}\n".encode())
    os.fsync(descriptor)
    os.close(descriptor)


async def held() -> None:
    """Say that this is the place, and wait for the end."""
    print("held", flush=True)
    await asyncio.Event().wait()


async def end_of_input() -> None:
    """Until the test closes our standard input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def three_steps(jobs: Jobs, directory: Path, role: str) -> None:
    """A workflow of three steps, each noting itself. `between` is held after the first, `within` inside the second."""

    async def step(name: str, payload: Any) -> str:
        note(directory / "steps", f"{name} {payload}")
        if role == "within" and name == "second":
            await held()
        return f"{name} done"

    async def run(payload: Any) -> list[str]:
        results = [await jobs.step("first", step, "first", payload)]
        if role == "between":
            await held()
        results.append(await jobs.step("second", step, "second", payload))
        results.append(await jobs.step("third", step, "third", payload))
        return results

    jobs.workflow("three", run)


async def main(url: str, directory: Path, role: str) -> None:
    jobs = Jobs(url, SystemClock(), rescue_seconds=0.2)
    three_steps(jobs, directory, role)

    async def tick(slot: int) -> None:
        note(directory / "slots", f"begin {slot} {os.getpid()}")
        if role == "tick-held":
            await held()
        await asyncio.sleep(0)
        note(directory / "slots", f"end {slot} {os.getpid()}")
        print(slot, flush=True)

    if role.startswith("tick"):
        jobs.periodic("tick", 0.25, tick, durable=True)
    await jobs.launch()
    if role in ("between", "within"):
        await jobs.start("three", "key", "payload")
    print("ready", flush=True)
    await end_of_input()
    await jobs.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
