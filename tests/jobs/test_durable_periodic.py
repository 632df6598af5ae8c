"""Durable periodic jobs over restarts, in virtual time on real databases."""

from __future__ import annotations

import asyncio
import logging

import pytest

from wattline.jobs.periodic import Periodic
from wattline.jobs.service import Jobs
from wattline.model.clock import SECOND

from .conftest import MakeJobs
from .moments import Moments

EVERY = 60


class Life:
    """One launch of a durable job; `seen` receives the slots it runs, counted from the start of the first life."""

    def __init__(self, make_jobs: MakeJobs, moments: Moments, start: int, *, catch_up: bool) -> None:
        self.seen: asyncio.Queue[int] = asyncio.Queue()
        self.moments = moments
        self.start = start
        self.error: Exception | None = None
        self.jobs: Jobs = make_jobs(clock=moments.clock, sleep=moments.sleep)
        self.job: Periodic = self.jobs.periodic("job", EVERY, self._run, durable=True, catch_up=catch_up)

    async def _run(self, slot: int) -> None:
        self.seen.put_nowait((slot - self.start) // (EVERY * SECOND))
        if self.error is not None:
            raise self.error

    async def next(self) -> int:
        return await asyncio.wait_for(self.seen.get(), 20)


@pytest.mark.parametrize(("catch_up", "expected"), [(True, [2, 3, 4, 5]), (False, [5])])
async def test_what_was_missed_while_nothing_ran(make_jobs: MakeJobs, catch_up: bool, expected: list[int]) -> None:
    moments = Moments()
    start = moments.clock.micros()
    first = Life(make_jobs, moments, start, catch_up=catch_up)
    await first.jobs.launch()
    moments.advance(EVERY)
    assert await first.next() == 1
    await first.jobs.stop()
    moments.advance(3 * EVERY)
    second = Life(make_jobs, moments, start, catch_up=catch_up)
    await second.jobs.launch()
    moments.advance(EVERY)
    assert [await second.next() for _ in expected] == expected
    assert second.seen.empty()


async def test_a_slot_that_was_run_is_not_run_again_after_a_restart(make_jobs: MakeJobs) -> None:
    moments = Moments()
    start = moments.clock.micros()
    runs = 0
    for slot in (1, 2):
        life = Life(make_jobs, moments, start, catch_up=False)
        await life.jobs.launch()
        fire = life.jobs._fire_durable(life.job)
        for again in (1, slot, 1, slot):
            await fire(start + again * EVERY * SECOND)
        runs += life.job.runs
        assert runs == slot
        await life.jobs.stop()


async def test_an_error_is_counted_once_and_the_next_slot_comes(make_jobs: MakeJobs, caplog: pytest.LogCaptureFixture) -> None:
    moments = Moments()
    life = Life(make_jobs, moments, moments.clock.micros(), catch_up=False)
    life.error = ValueError("no scores today")
    with caplog.at_level(logging.ERROR):
        await life.jobs.launch()
        moments.advance(EVERY)
        assert await life.next() == 1
        life.error = None
        moments.advance(EVERY)
        assert await life.next() == 2
    assert (life.job.runs, life.job.failures) == (2, 1)
    assert life.job.last_error == "ValueError: no scores today"
    assert "periodic job job failed" in caplog.text
