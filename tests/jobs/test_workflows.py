"""Workflows on real databases: once per key, steps recorded, errors and retries, results."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from wattline.jobs.model import JobFailed
from wattline.model.clock import ManualClock
from wattline.model.errors import Invalid, NotFound

from .conftest import MakeJobs
from .moments import Moments


async def test_steps_run_in_turn_and_give_the_result(make_jobs: MakeJobs) -> None:
    jobs = make_jobs()
    calls: list[object] = []
    home = asyncio.get_running_loop()

    async def load(n: int) -> list[int]:
        assert asyncio.get_running_loop() is home
        calls.append(("load", n))
        return [n, n + 1]

    def add(numbers: list[int]) -> dict[str, int]:
        calls.append(("add", numbers))
        return {"sum": sum(numbers)}

    async def total(payload: dict[str, int]) -> Any:
        numbers = await jobs.step("load", load, payload["n"])
        return await jobs.step("add", add, numbers)

    jobs.workflow("total", total)
    await jobs.launch()
    await jobs.start("total", "one", {"n": 4})
    assert await jobs.result("total", "one") == {"sum": 9}
    assert calls == [("load", 4), ("add", [4, 5])]


async def test_a_key_is_run_once(make_jobs: MakeJobs) -> None:
    calls: list[Any] = []

    async def note(payload: Any) -> int:
        calls.append(payload)
        return len(calls)

    for life in range(2):
        jobs = make_jobs()

        async def once(payload: Any, jobs: Any = jobs) -> Any:
            return await jobs.step("note", note, payload)

        jobs.workflow("once", once)
        jobs.workflow("other", once)
        await jobs.launch()
        await asyncio.gather(*(jobs.start("once", "key", f"life {life}") for _ in range(10)))
        assert await jobs.result("once", "key") == 1
        await jobs.stop()
    assert calls == ["life 0"]


async def test_the_same_key_of_another_workflow_is_another(make_jobs: MakeJobs) -> None:
    jobs = make_jobs()

    async def first(_payload: Any) -> str:
        return "first"

    async def second(_payload: Any) -> str:
        return "second"

    jobs.workflow("first", first)
    jobs.workflow("second", second)
    await jobs.launch()
    await jobs.start("first", "key")
    await jobs.start("second", "key")
    assert [await jobs.result("first", "key"), await jobs.result("second", "key")] == ["first", "second"]


async def test_a_step_is_tried_again_after_a_growing_wait(make_jobs: MakeJobs) -> None:
    jobs = make_jobs()
    at: list[float] = []

    async def flaky() -> str:
        at.append(asyncio.get_running_loop().time())
        if len(at) < 4:
            raise ConnectionError("mail server away")
        return "sent"

    async def deliver(_payload: Any) -> Any:
        return await jobs.step("send", flaky, attempts=5, backoff=0.05)

    jobs.workflow("deliver", deliver)
    await jobs.launch()
    await jobs.start("deliver", "mail")
    assert await jobs.result("deliver", "mail") == "sent"
    waits = [later - earlier for earlier, later in pairwise(at)]
    assert all(wait >= least for wait, least in zip(waits, [0.05, 0.1, 0.2], strict=True))


@pytest.mark.parametrize("attempts", [1, 3])
async def test_the_last_failure_is_the_workflow_s(make_jobs: MakeJobs, attempts: int) -> None:
    jobs = make_jobs()
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise ValueError(f"failure {len(calls)}")

    async def doomed(_payload: Any) -> None:
        await jobs.step("fail", fail, attempts=attempts, backoff=0.01)

    jobs.workflow("doomed", doomed)
    await jobs.launch()
    for _ in range(2):
        await jobs.start("doomed", "key")
        with pytest.raises(JobFailed, match=f"step fail: ValueError: failure {attempts}"):
            await jobs.result("doomed", "key")
    assert len(calls) == attempts


async def test_a_failed_step_may_be_survived(make_jobs: MakeJobs) -> None:
    jobs = make_jobs()

    def fail() -> None:
        raise ValueError("no")

    async def brave(_payload: Any) -> str:
        try:
            await jobs.step("fail", fail)
        except JobFailed as error:
            return str(error)
        return "not reached"

    jobs.workflow("brave", brave)
    await jobs.launch()
    await jobs.start("brave", "key")
    assert await jobs.result("brave", "key") == "step fail: ValueError: no"


async def test_an_error_between_steps_fails_the_workflow(make_jobs: MakeJobs) -> None:
    jobs = make_jobs()

    async def broken(payload: dict[str, int]) -> int:
        return payload["missing"]

    jobs.workflow("broken", broken)
    await jobs.launch()
    await jobs.start("broken", "key", {})
    with pytest.raises(JobFailed, match="KeyError"):
        await jobs.result("broken", "key")


async def test_what_cannot_be_asked(make_jobs: MakeJobs) -> None:
    jobs = make_jobs()

    async def nothing(_payload: Any) -> None: ...

    jobs.workflow("known", nothing)
    with pytest.raises(RuntimeError, match="not launched"):
        await jobs.start("known", "key")
    await jobs.launch()
    with pytest.raises(NotFound):
        await jobs.result("known", "never started")
    with pytest.raises(Invalid):
        await jobs.start("unknown", "key")
    with pytest.raises(Invalid):
        await jobs.start("known", " ")
    with pytest.raises(TypeError):
        await jobs.start("known", "key", object())
    with pytest.raises(RuntimeError, match="belongs in a workflow"):
        await jobs.step("alone", nothing)


async def test_a_step_s_result_is_json(make_jobs: MakeJobs) -> None:
    jobs = make_jobs()

    async def plain(_payload: Any) -> Any:
        return await jobs.step("plain", lambda: (Decimal("1.10"), datetime(2026, 1, 1, tzinfo=UTC), (1, 2)))

    jobs.workflow("plain", plain)
    await jobs.launch()
    await jobs.start("plain", "key")
    assert await jobs.result("plain", "key") == ["1.10", "2026-01-01T00:00:00Z", [1, 2]]


async def test_a_step_may_start_another_workflow(make_jobs: MakeJobs) -> None:
    jobs = make_jobs()

    async def child(payload: int) -> int:
        return payload * 2

    async def parent(payload: int) -> int:
        await jobs.step("start", jobs.start, "child", "of parent", payload)
        return int(await jobs.step("wait", jobs.result, "child", "of parent")) + 1

    jobs.workflow("child", child)
    jobs.workflow("parent", parent)
    await jobs.launch()
    await jobs.start("parent", "key", 5)
    assert await jobs.result("parent", "key") == 11


async def test_old_records_are_forgotten_and_running_ones_kept(make_jobs: MakeJobs) -> None:
    moments = Moments()
    moments.clock = ManualClock(datetime.now(UTC))
    jobs = make_jobs(clock=moments.clock, sleep=moments.sleep, keep_days=1)
    release, begun = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        await release.wait()

    async def quick(payload: Any) -> Any:
        return payload

    async def slow(_payload: Any) -> None:
        await jobs.step("wait", wait)

    jobs.workflow("quick", quick)
    jobs.workflow("slow", slow)
    await jobs.launch()
    await jobs.start("quick", "old", 1)
    await jobs.start("slow", "old")
    await jobs.result("quick", "old")
    await asyncio.wait_for(begun.wait(), 10)
    moments.advance(timedelta(days=2).total_seconds())
    # Looked up and not waited for: a result that is deleted while one waits for it never comes.
    async with asyncio.timeout(20):
        with suppress(NotFound):
            while await jobs._durable.find("quick", "old"):
                pass
    release.set()
    assert await jobs.result("slow", "old") is None
