"""Jobs on a database of their own, stopped at the end of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from wattline.jobs.service import Jobs
from wattline.model.clock import SystemClock

MakeJobs = Callable[..., Jobs]


@pytest.fixture
async def make_jobs(empty_database_url: sa.URL) -> AsyncIterator[MakeJobs]:
    """Make jobs on this test's database, on SQLite and on PostgreSQL: one launched at a time."""
    made: list[Jobs] = []

    def make(**options: Any) -> Jobs:
        jobs = Jobs(empty_database_url, options.pop("clock", SystemClock()), rescue_seconds=0.2, **options)
        made.append(jobs)
        return jobs

    yield make
    for jobs in made:
        await jobs.stop(0)
