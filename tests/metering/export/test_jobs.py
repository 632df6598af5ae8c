"""An export on the real service of jobs: made once it is ordered, and by the next process where one died before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.metering.figures.conftest import CALLER, Works, at, works
from tests.stores import RETENTION
from wattline.ingest.edge_series import EdgeSeries
from wattline.jobs.service import Jobs
from wattline.metering.export import tables
from wattline.metering.export.model import Asked, Export
from wattline.metering.export.service import ATTEMPTS, WORKFLOW, Exports
from wattline.model.clock import HOUR, MINUTE

__all__ = ["works"]

MONDAY = at("2026-06-08T00:00:00")
WAIT = 60


class Process:
    """A process on the stores of `works`, with its files in a directory. `held` is how it stands still before it works."""

    def __init__(self, works: Works, directory: Path, held: asyncio.Event | None = None) -> None:
        stores = works.spine
        self.jobs = Jobs(stores.database.url, stores.clock)
        path = stores.pipeline
        edges = EdgeSeries(path.writer, path.rollup, path.engine, stores.clock, RETENTION)
        self.exports = Exports(stores.database, works.figures, path.series, edges, directory, stores.clock, self.jobs.start)
        self.begun = asyncio.Event()
        self.works = 0
        self._held = held
        self.jobs.workflow(WORKFLOW, partial(self.exports.workflow, self._step))

    async def _step(self, name: str, function: object, *args: object, attempts: int) -> object:
        return await self.jobs.step(name, self._work, function, *args, attempts=attempts, backoff=0.001)

    async def _work(self, function: object, *args: object) -> object:
        self.begun.set()
        self.works += 1
        if self._held is not None:
            await self._held.wait()
        return await function(*args)  # type: ignore[operator]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Exports]:
        await self.jobs.launch()
        try:
            yield self.exports
        finally:
            await self.jobs.stop(grace_seconds=0)


async def asked(works: Works) -> Asked:
    """The readings of two hours."""
    meter = await works.meter(interval_s=60)
    await works.send(meter, {MONDAY + i * MINUTE: {"total_power": float(i)} for i in range(120)})
    return Asked("meter", meter, MONDAY, MONDAY + 2 * HOUR, "UTC", "raw", ("total_power",))


async def lines(exports: Exports, made: Export) -> list[bytes]:
    _, pieces = await exports.open(await exports.link(made))
    return b"".join([piece async for piece in pieces]).splitlines()


async def test_what_was_ordered_is_made(works: Works, tmp_path: Path) -> None:
    process = Process(works, tmp_path / "exports")
    async with process.running() as exports:
        made = await exports.order(CALLER, await asked(works))
        await asyncio.wait_for(process.jobs.result(WORKFLOW, made.id), WAIT)
        found = await exports.get(CALLER, made.id)
        assert (found.state, found.rows) == ("done", 120)
        told = await lines(exports, made)
        assert len(told) == 121
        assert told[-1].startswith(b"2026-06-08T01:59:00.000000+00:00,")
        assert sum(len(line) + 2 for line in told) == found.size


async def test_the_next_process_makes_what_one_that_ended_did_not(works: Works, tmp_path: Path) -> None:
    former = Process(works, tmp_path / "exports", asyncio.Event())
    async with former.running() as exports:
        made = await exports.order(CALLER, await asked(works))
        await asyncio.wait_for(former.begun.wait(), WAIT)
    assert (await former.exports.get(CALLER, made.id)).state == "waiting"
    process = Process(works, tmp_path / "exports")
    async with process.running() as exports:
        await asyncio.wait_for(process.jobs.result(WORKFLOW, made.id), WAIT)
        assert (await exports.get(CALLER, made.id)).state == "done"
        assert len(await lines(exports, made)) == 121


async def test_an_export_whose_process_died_before_the_work_was_started_is_made(works: Works, tmp_path: Path) -> None:
    process = Process(works, tmp_path / "exports")
    # The jobs are not launched, so `order` ends where a process would that dies after the commit.
    with pytest.raises(RuntimeError):
        await process.exports.order(CALLER, await asked(works))
    (number,) = await ordered(works)
    async with process.running() as exports:
        assert (await exports.get(CALLER, number)).state == "waiting"
        await exports.resume()
        await asyncio.wait_for(process.jobs.result(WORKFLOW, number), WAIT)
        made = await exports.get(CALLER, number)
        assert (made.state, made.rows) == ("done", 120)
        # What is done is not started again, and neither is what was begun.
        finished = made.finished
        works.clock.advance(5)
        await exports.resume()
        assert (await exports.get(CALLER, number)).finished == finished


async def test_what_is_ordered_twice_by_a_resume_is_made_once(works: Works, tmp_path: Path) -> None:
    hold = asyncio.Event()
    process = Process(works, tmp_path / "exports", hold)
    async with process.running() as exports:
        made = await exports.order(CALLER, await asked(works))
        await exports.resume()
        await asyncio.wait_for(process.begun.wait(), WAIT)
        await exports.resume()
        hold.set()
        await asyncio.wait_for(process.jobs.result(WORKFLOW, made.id), WAIT)
        assert process.works == 1


async def test_what_fails_again_and_again_is_told_as_failed(works: Works, tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("a file where the directory should be")
    process = Process(works, tmp_path / "exports")
    async with process.running() as exports:
        made = await exports.order(CALLER, await asked(works))
        await asyncio.wait_for(process.jobs.result(WORKFLOW, made.id), WAIT)
        assert process.works == ATTEMPTS + 1
        assert (await exports.get(CALLER, made.id)).state == "failed"


async def test_an_export_of_what_is_gone_has_failed(works: Works, tmp_path: Path) -> None:
    process = Process(works, tmp_path / "exports")
    async with process.running() as exports:
        wanted = await asked(works)
        await works.metering.meters.remove("default", wanted.id)
        made = await exports.order(CALLER, wanted)
        await asyncio.wait_for(process.jobs.result(WORKFLOW, made.id), WAIT)
        assert (await exports.get(CALLER, made.id)).state == "failed"


async def ordered(works: Works) -> list[str]:
    async with works.spine.database.read() as connection:
        return await tables.unfinished(connection)
