"""kill -9 at any moment while peaks, anomalies and reports of homes are looked for: nothing twice, nothing missed."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import sqlalchemy as sa

from tests.conftest import sqlite_url
from tests.households.anomalies.street import HALF_HOUR, at
from tests.households.crew import Crew, Hand, crew
from tests.households.worker import DAYS, NIGHT, SENT, WORKS
from tests.notify.mailbox import mail_server
from wattline.households.tables import anomalies, peaks, progress, reports
from wattline.model.clock import MINUTE, SECOND
from wattline.state.database import Database

KILLS = 3
HOMES = 6
START = at("2026-09-01 00:00")
FIRST = START + SENT // HALF_HOUR * HALF_HOUR
"""The half hour that closed last before the readings end; the next one closes with them."""


async def lived(crew: Crew, directory: Path) -> None:
    worker = await crew.start(directory, START)
    await worker.do(f"fill {HOMES}")
    await worker.end()


async def killed(worker: Hand, slot: int, choice: random.Random) -> None:
    """Let it begin what is due at a slot, and kill it after a while, or when it has done one of them."""
    await worker.tell(f"at {slot + 2 * SECOND}")
    await worker.until("begin")
    if choice.random() < 0.3:
        await worker.until("end")
    # Not waiting for anything: the moment of the kill is what is tried.
    await asyncio.sleep(choice.uniform(0, 0.6))
    await worker.kill()


async def test_kills_during_the_work_of_homes_double_nothing_and_miss_nothing(tmp_path: Path, migrated_sqlite: Path) -> None:
    choice = random.Random(11)
    shutil.copyfile(migrated_sqlite, tmp_path / "state.db")
    url = sqlite_url(tmp_path / "state.db")
    slot = FIRST
    with mail_server() as mailbox:
        async with crew(url.render_as_string(hide_password=False), mailbox.port) as hands:
            await lived(hands, tmp_path)
            unfinished = 0
            for _ in range(KILLS):
                # What was begun is taken up at the start, beside what is due at the next half hour.
                worker = await hands.start(tmp_path, slot - MINUTE)
                await killed(worker, slot, choice)
                unfinished += len(set(worker.begun) - set(worker.ended))
                slot += HALF_HOUR
            worker = await hands.start(tmp_path, slot - MINUTE)
            await worker.tell(f"at {slot + 2 * SECOND}")
            await worker.finished({(name, slot) for name in WORKS if name != "reports" or slot % (2 * HALF_HOUR) == 0})
            if slot % (2 * HALF_HOUR):
                await worker.tell(f"at {slot + HALF_HOUR + 2 * SECOND}")
                await worker.finished({(name, slot + HALF_HOUR) for name in WORKS})
            # No mail goes out at night, and by noon the meters would have fallen silent.
            await worker.do(f"at {START + (DAYS * 24 + 8) * 60 * MINUTE + MINUTE}")
            await worker.do("mail")
            await worker.end()
        assert unfinished > 0, "no work was cut off, so nothing was tried"
        mails = Counter((mail.recipient, mail.kind) for mail in mailbox.mails())
    homes = [f"home-{number}" for number in range(HOMES)]
    assert mails == {(f"{home}@example.org", kind): 1 for home in homes for kind in ("usage", "report")}
    database = Database(url)
    async with database.read() as connection:
        found = {
            table.name: [row._mapping for row in await connection.execute(sa.select(table))]
            for table in (peaks, anomalies, reports, progress)
        }
    await database.close()
    for home in homes:
        mine = sorted((row["start"], row["end"]) for row in found["household_peaks"] if row["user"] == home)
        # At noon and in the evening of every day, and at night.
        assert [end - start > 20 * MINUTE for start, end in mine] == [True] * (2 * DAYS + 1)
        assert all(end <= start for (_, end), (start, _) in pairwise(mine))
        assert abs(mine[-1][0] - START - NIGHT) <= 2 * MINUTE
        assert [row["kind"] for row in found["household_anomalies"] if row["user"] == home] == ["usage"]
        assert len([row for row in found["household_reports"] if row["user"] == home]) == 1
    # Told of, all of them, although processes died between the two.
    assert all(row["suggested"] is not None for row in found["household_peaks"])
    upto = {(row["user"], row["work"]): row["upto"] for row in found["household_progress"]}
    for home in homes:
        assert upto[home, "peaks"] >= START + SENT // HALF_HOUR * HALF_HOUR
