"""Every timeline again with `kill -9` at every step: nothing is lost, nothing is told twice."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from wattline.events.service import EventLog
from wattline.state.database import Database

from .mailbox import Mailbox
from .timelines import TIMELINES

ROOT = Path(__file__).parents[2]
#: The storm has hundreds of steps of the same few sorts: every 17th of them, which is never twice at the same place of a mail.
STRIDE = {"12 storm": 17}
#: Timeline 9 has the steps of timeline 1. On PostgreSQL those that meet every sort of row are enough.
RUNS = [("sqlite", name) for name in TIMELINES if not name.startswith("9")] + [
    ("postgresql", name) for name in TIMELINES if name.split()[0] in ("1", "5", "7", "12")
]


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


def restores_come_after_their_trips(mailbox: Mailbox, run: str) -> bool:
    """Whether no operator read that a feeder was restored before reading that it had tripped."""
    titles = mailbox.titles(f"{run}@crash.example")
    return all(
        title.split(" restored")[0] + " tripped" in titles[:index] for index, title in enumerate(titles) if " restored" in title
    )


@pytest.mark.parametrize(("database_url", "name"), RUNS, indirect=["database_url"])
async def test_killed_at_every_step(name: str, database_url: sa.URL, mailbox: Mailbox, refusing: int, tmp_path: Path) -> None:
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
    log = EventLog(database := Database(database_url))
    whole = await log.query("whole", limit=500)
    for fatal in points:
        run = f"run-{fatal}"
        assert told(mailbox, run) == told(mailbox, "whole"), f"killed at step {fatal}"
        assert restores_come_after_their_trips(mailbox, run), f"killed at step {fatal}"
        assert len((await log.query(run, limit=500)).events) == len(whole.events), f"killed at step {fatal}"
    await database.close()
