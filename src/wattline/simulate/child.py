"""The fleet as a child process, so that it does not take the server's core: started, watched, and stopped with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

RESTART_SECONDS = 2.0
STOP_SECONDS = 10.0

_logger = structlog.get_logger(__name__)


async def _start(credentials: Path, certificate: Path | None) -> Process:
    command = [sys.executable, "-m", "wattline.simulate", "--attached", "--credentials", str(credentials)]
    if certificate is not None:
        command += ["--cacert", str(certificate)]
    # Its own session: a Ctrl-C on the terminal reaches the server alone, which then ends the fleet while it still answers.
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=DEVNULL, start_new_session=True)


async def _stop(process: Process) -> None:
    """Close its standard input, which asks it to restore what is open and to end; kill it where it does not."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def fleet_process(credentials: Path, certificate: Path | None = None) -> AsyncIterator[None]:
    """Run the fleet of a credentials file for the length of the block; started again where it ends by itself.

    The pipe to its standard input is the leash: it closes however this process ends, and the fleet with it.
    """

    current: Process | None = None

    async def watch() -> None:
        nonlocal current
        while True:
            current = await _start(credentials, certificate)
            code = await current.wait()
            _logger.warning("the simulated fleet ended and is started again", code=code)
            await asyncio.sleep(RESTART_SECONDS)

    watcher = asyncio.create_task(watch(), name="fleet")
    try:
        yield
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
        if current is not None and current.returncode is None:
            await _stop(current)
