"""Launch and stop: nothing is left behind, nothing is left undone, the serving loop is left alone."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from wattline.jobs.service import Jobs

from .conftest import MakeJobs


def with_workflow(jobs: Jobs) -> Jobs:
    async def double(payload: int) -> Any:
        return await jobs.step("double", lambda n: n * 2, payload)

    jobs.workflow("double", double)
    return jobs


async def test_no_thread_is_left_behind_over_many_lives(make_jobs: MakeJobs) -> None:
    for life in range(3):
        before = set(threading.enumerate())
        jobs = with_workflow(make_jobs())
        await jobs.launch()
        await jobs.start("double", str(life), life)
        assert await jobs.result("double", str(life)) == life * 2
        await jobs.stop()
        assert set(threading.enumerate()) <= before
        assert not logging.getLogger("dbos").handlers


async def test_the_serving_loop_keeps_its_own_threads(make_jobs: MakeJobs) -> None:
    jobs = with_workflow(make_jobs())
    await jobs.launch()
    await jobs.start("double", "key", 1)
    assert not (await asyncio.to_thread(threading.current_thread)).name.startswith("dbos")
    await jobs.stop()
    assert await asyncio.to_thread(lambda: "still works") == "still works"


async def test_one_launch_at_a_time(make_jobs: MakeJobs) -> None:
    first, second = with_workflow(make_jobs()), with_workflow(make_jobs())
    await first.launch()
    with pytest.raises(RuntimeError, match="already launched"):
        await second.launch()
    await first.start("double", "key", 2)
    assert await first.result("double", "key") == 4
    await first.stop()
    await second.launch()
    assert await second.result("double", "key") == 4


async def test_without_durable_work_nothing_is_opened(make_jobs: MakeJobs) -> None:
    jobs = make_jobs()
    before = threading.active_count()
    await jobs.launch()
    assert threading.active_count() == before
    await jobs.stop()


async def test_a_failed_launch_leaves_nothing(tmp_path: Any) -> None:
    from wattline.model.clock import SystemClock

    (tmp_path / "jobs.db").write_bytes(b"this is no database" * 100)
    before = set(threading.enumerate())
    jobs = with_workflow(Jobs(f"sqlite+aiosqlite:///{tmp_path}/state.db", SystemClock()))
    with pytest.raises(Exception, match="not a database"):
        await jobs.launch()
    assert set(threading.enumerate()) <= before
    (tmp_path / "jobs.db").unlink()
    await jobs.launch()
    await jobs.start("double", "key", 3)
    assert await jobs.result("double", "key") == 6
    await jobs.stop()


@pytest.mark.parametrize("grace", [0, 30])
async def test_a_stop_lets_work_end_or_leaves_it_for_the_next_launch(make_jobs: MakeJobs, grace: float) -> None:
    begun, release = asyncio.Event(), asyncio.Event()
    runs: list[str] = []

    async def work() -> str:
        runs.append("begun")
        begun.set()
        await release.wait()
        runs.append("ended")
        return "done"

    for life in range(2):
        jobs = make_jobs()

        async def slow(_payload: Any, jobs: Jobs = jobs) -> Any:
            return await jobs.step("work", work)

        jobs.workflow("slow", slow)
        await jobs.launch()
        if life == 0:
            await jobs.start("slow", "key")
            await asyncio.wait_for(begun.wait(), 10)
            stopping = asyncio.ensure_future(jobs.stop(grace))
            if grace:
                release.set()
            await stopping
            assert runs == (["begun", "ended"] if grace else ["begun"])
        release.set()
        if life == 1:
            assert await asyncio.wait_for(jobs.result("slow", "key"), 20) == "done"
    assert runs == (["begun", "ended"] if grace else ["begun", "begun", "ended"])
