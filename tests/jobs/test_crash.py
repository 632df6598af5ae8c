"""Workers that are killed, and workers that work side by side: real processes, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from wattline.jobs.service import Jobs
from wattline.model.clock import SECOND, SystemClock

from .worker import three_steps

ROOT = Path(__file__).parents[2]
TIMEOUT = 30.0
Spawn = Callable[[str], Awaitable[Process]]


async def line_of(worker: Process) -> str:
    assert worker.stdout is not None
    return (await asyncio.wait_for(worker.stdout.readline(), TIMEOUT)).decode().strip()


async def until(worker: Process, expected: str) -> None:
    while (line := await line_of(worker)) != expected:
        assert line


async def kill(worker: Process) -> None:
    worker.send_signal(signal.SIGKILL)
    assert await asyncio.wait_for(worker.wait(), TIMEOUT) == -signal.SIGKILL


async def end(worker: Process) -> None:
    assert worker.stdin is not None
    worker.stdin.close()
    assert await asyncio.wait_for(worker.wait(), TIMEOUT) == 0


@pytest.fixture
def url(empty_database_url: sa.URL) -> str:
    return empty_database_url.render_as_string(hide_password=False)


@pytest.fixture
async def spawn(url: str, tmp_path: Path) -> AsyncIterator[Spawn]:
    workers: list[Process] = []

    async def start(role: str) -> Process:
        command = [sys.executable, "-m", "tests.jobs.worker", url, str(tmp_path), role]
        workers.append(await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE))
        return workers[-1]

    yield start
    for worker in workers:
        with suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()
        # The transport closes its pipes in a later turn of the loop, which may be gone by then.
        worker._transport.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("role", "expected"), [("between", ["first", "second", "third"]), ("within", ["first", "second", "second", "third"])]
)
async def test_a_killed_worker_s_work_is_finished_by_the_next(
    spawn: Spawn, url: str, tmp_path: Path, role: str, expected: list[str]
) -> None:
    await until(worker := await spawn(role), "held")
    await kill(worker)
    jobs = Jobs(url, SystemClock(), rescue_seconds=0.2)
    three_steps(jobs, tmp_path, "whole")
    await jobs.launch()
    await jobs.start("three", "key", "another payload")
    result = await asyncio.wait_for(jobs.result("three", "key"), TIMEOUT)
    await jobs.stop()
    assert result == ["first done", "second done", "third done"]
    assert (tmp_path / "steps").read_text().splitlines() == [f"{name} payload" for name in expected]


async def test_a_live_worker_takes_up_a_dead_one_s_work(spawn: Spawn, url: str, tmp_path: Path) -> None:
    jobs = Jobs(url, SystemClock(), rescue_seconds=0.2)
    three_steps(jobs, tmp_path, "whole")
    await jobs.launch()
    await until(worker := await spawn("between"), "held")
    await kill(worker)
    assert await asyncio.wait_for(jobs.result("three", "key"), TIMEOUT)
    await jobs.stop()
    assert len((tmp_path / "steps").read_text().splitlines()) == 3


async def test_a_live_worker_s_work_is_left_to_it(spawn: Spawn, url: str, tmp_path: Path) -> None:
    await until(worker := await spawn("within"), "held")
    jobs = Jobs(url, SystemClock(), rescue_seconds=0.05)
    three_steps(jobs, tmp_path, "whole")
    await jobs.launch()
    # A second workflow goes through while the rescue looks many times: the first stays where it is.
    for n in range(3):
        await jobs.start("three", f"other {n}", "other")
        await asyncio.wait_for(jobs.result("three", f"other {n}"), TIMEOUT)
    notes = (tmp_path / "steps").read_text().splitlines()
    assert [line for line in notes if line.endswith("payload")] == ["first payload", "second payload"]
    await kill(worker)
    assert await asyncio.wait_for(jobs.result("three", "key"), TIMEOUT)
    await jobs.stop()


async def test_two_workers_run_a_slot_once(spawn: Spawn, tmp_path: Path) -> None:
    first, second = await asyncio.gather(spawn("tick"), spawn("tick"))
    await until(first, "ready")
    await until(second, "ready")
    # Whoever ran a slot says so; the two together go on for eight slots.
    slots = tmp_path / "slots"
    for _ in range(8):
        done, rest = await asyncio.wait(
            [asyncio.ensure_future(line_of(first)), asyncio.ensure_future(line_of(second))], return_when=asyncio.FIRST_COMPLETED
        )
        for task in rest:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert done
    await asyncio.gather(end(first), end(second))
    lines = [line.split() for line in slots.read_text().splitlines()]
    begun = [int(slot) for kind, slot, _ in lines if kind == "begin"]
    assert len(begun) >= 8
    assert len(set(begun)) == len(begun)
    assert begun == sorted(begun)
    assert all(slot % (SECOND // 4) == 0 for slot in begun)
    # Never two at once: every beginning is followed by its own end.
    assert [kind for kind, _, _ in lines] == ["begin", "end"] * len(begun)
    assert all(lines[n][1:] == lines[n + 1][1:] for n in range(0, len(lines), 2))


async def test_a_slot_that_died_with_its_worker_is_run_by_another(spawn: Spawn, tmp_path: Path) -> None:
    await until(doomed := await spawn("tick-held"), "held")
    slot = (tmp_path / "slots").read_text().split()[1]
    survivor = await spawn("tick")
    await until(survivor, "ready")
    await kill(doomed)
    await until(survivor, slot)
    await end(survivor)
