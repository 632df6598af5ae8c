"""Periodic jobs of one process, in virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from wattline.jobs.periodic import RETRY_SECONDS, Periodic
from wattline.jobs.service import Jobs
from wattline.model.clock import SECOND
from wattline.model.errors import Invalid

from .moments import Moments

EVERY = 60 * SECOND


class Enough(BaseException):
    """Ends a loop that has no end."""


class Script:
    """What every run does, in turn: a number of seconds that it takes, or an error."""

    def __init__(self, moments: Moments, steps: list[float | Exception]) -> None:
        self.start = moments.clock.micros()
        self.slots: list[float] = []
        self._moments = moments
        self._steps = iter(steps)

    async def __call__(self, slot: int) -> None:
        step = next(self._steps, None)
        if step is None:
            raise Enough
        self.slots.append((slot - self.start) / EVERY)
        if isinstance(step, Exception):
            raise step
        self._moments.advance(step)


async def play(moments: Moments, script: Script, *, catch_up: bool = False, done: int | None = None) -> Periodic:
    """Follow until the script ends; sleeping moves the clock."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        moments.clock.advance(seconds)

    job = Periodic("job", EVERY, script, durable=catch_up, catch_up=catch_up)
    fire: Callable[[int], Awaitable[None]] = job.run if catch_up else job.attempt
    with suppress(Enough):
        await job.follow(moments.clock, sleep, fire, script.start if done is None else done)
    assert all(0 < seconds <= 30 for seconds in slept)
    return job


async def test_slots_are_multiples_of_the_period() -> None:
    moments = Moments()
    moments.clock.advance(13.5)
    script = Script(moments, [0, 1.5, 59])
    script.start -= round(13.5 * SECOND)
    job = await play(moments, script)
    assert script.slots == [1, 2, 3]
    assert (job.runs, job.failures) == (4, 0)


async def test_missed_slots_are_run_as_one() -> None:
    moments = Moments()
    script = Script(moments, [200, 0, 0])
    await play(moments, script)
    # The first run takes until 4.33 periods have gone by: slot 4 is run at once, 2 and 3 never.
    assert script.slots == [1, 4, 5]


async def test_missed_slots_are_caught_up_in_order() -> None:
    moments = Moments()
    script = Script(moments, [200, 0, 0, 0, 0])
    await play(moments, script, catch_up=True, done=script.start - 2 * EVERY)
    assert script.slots == [-1, 0, 1, 2, 3]


async def test_errors_are_counted_and_told_and_the_next_slot_comes(caplog: pytest.LogCaptureFixture) -> None:
    moments = Moments()
    script = Script(moments, [ValueError("no"), 0])
    with caplog.at_level(logging.ERROR):
        job = await play(moments, script)
    assert script.slots == [1, 2]
    assert job.failures == 1
    assert job.last_error == "ValueError: no"
    assert "periodic job job failed" in caplog.text


async def test_a_slot_that_could_not_be_started_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    moments = Moments()
    script = Script(moments, [OSError("database away"), OSError("still"), 0, 0])
    with caplog.at_level(logging.ERROR):
        await play(moments, script, catch_up=True)
    assert script.slots == [1, 1, 1, 2]
    assert f"trying again in {RETRY_SECONDS:g} s" in caplog.text


async def test_a_clock_set_back_does_not_silence_the_job() -> None:
    moments = Moments()
    script = Script(moments, [-86_400, 0])
    await play(moments, script)
    assert script.slots == [1, 2 - 1440]


async def test_jobs_run_side_by_side_and_stop() -> None:
    moments = Moments()
    seen: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    release = asyncio.Event()
    jobs = Jobs("sqlite+aiosqlite:///unused/state.db", moments.clock, sleep=moments.sleep)

    async def quick(slot: int) -> None:
        seen.put_nowait(("quick", slot))

    async def stuck(slot: int) -> None:
        seen.put_nowait(("stuck", slot))
        await release.wait()

    jobs.periodic("quick", 1, quick)
    job = jobs.periodic("stuck", 1, stuck)
    start = moments.clock.micros()
    await jobs.launch()
    got: set[tuple[str, int]] = set()
    for second in (1, 2, 3):
        await asyncio.wait_for(moments.asleep.wait(), 10)
        moments.advance(1)
        for _ in range(2 if second == 1 else 1):
            got.add(await asyncio.wait_for(seen.get(), 10))
    assert got == {("stuck", start + SECOND), *(("quick", start + n * SECOND) for n in (1, 2, 3))}
    assert job.runs == 1
    await jobs.stop()
    assert len(asyncio.all_tasks()) == 1


async def test_what_cannot_be_registered() -> None:
    moments = Moments()
    jobs = Jobs("sqlite+aiosqlite:///unused/state.db", moments.clock, sleep=moments.sleep)

    async def nothing(_slot: int) -> None: ...

    with pytest.raises(Invalid):
        jobs.periodic("zero", 0, nothing)
    with pytest.raises(Invalid):
        jobs.periodic("missed", 1, nothing, catch_up=True)
    jobs.periodic("twice", 1, nothing)
    with pytest.raises(Invalid):
        jobs.periodic("twice", 1, nothing)
    await jobs.launch()
    with pytest.raises(RuntimeError):
        jobs.workflow("late", nothing)
    with pytest.raises(RuntimeError):
        jobs.periodic("late", 1, nothing)
    await jobs.stop()
