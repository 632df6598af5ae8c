"""Every timeline again with `kill -9` at every step: nothing is lost, nothing is told twice."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from .mailbox import Mailbox
from .timelines import TIMELINES

ROOT = Path(__file__).parents[2]
#: The storm has hundreds of steps of the same few sorts; a stride that shares no factor with their number meets every sort.
STRIDE = {"12 storm": 17}


async def drive(job: dict[str, object]) -> dict[str, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.notify.driver", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    async with asyncio.timeout(300):
        out, _ = await process.communicate(json.dumps(job).encode())
    assert process.returncode == 0
    return json.loads(out)  # type: ignore[no-any-return]


def told(mailbox: Mailbox, run: str) -> list[tuple[str, str]]:
    """What this run's operator has read in the end, whatever the order."""
    return sorted((mail.title, mail.text) for mail in mailbox.mails(f"{run}@crash.example"))


@pytest.mark.parametrize("name", TIMELINES)
async def test_killed_at_every_step(
    name: str, database_url: sa.URL, mailbox: Mailbox, refusing: int, tmp_path: Path
) -> None:
    stride = STRIDE.get(name, 1)
    job = {
        "timeline": name,
        "url": database_url.render_as_string(hide_password=False),
        "port": mailbox.port,
        "refusing": refusing,
        "directory": str(tmp_path),
        "first": 0,
        "stride": stride,
    }
    done = await drive(job)
    points = range(0, done["steps"], stride)
    assert done["killed"] == len(points) > 0
    assert sorted(title for title, _ in told(mailbox, "whole")) == sorted(TIMELINES[name].mails)
    for fatal in points:
        assert told(mailbox, f"run-{fatal}") == told(mailbox, "whole"), f"killed at step {fatal}"
