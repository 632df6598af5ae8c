"""A process that dies at any commit, and two that look at the same: no mail is lost, none is written twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.households.anomalies.conftest import START
from tests.households.anomalies.street import Street, also, living
from wattline.households.anomalies.service import Anomalies
from wattline.households.tables import anomalies
from wattline.model.clock import DAY, HOUR, from_micros
from wattline.state.database import Database

NIGHT = START + 5 * DAY + 3 * HOUR
FATAL_STEPS = 4


class Killed(BaseException):
    """What a process that dies does not catch."""


class Mortal(Database):
    """Dies just before or just after a commit."""

    def __init__(self, url: sa.URL, fatal: int) -> None:
        super().__init__(url)
        self._left = fatal

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        async with super().transaction() as connection:
            yield connection
            self._step()
        self._step()


async def homes(town: Street, count: int) -> None:
    """Homes with unusual use that nobody looked at yet, each in a tenant of its own, with a second meter that never sent."""
    for number in range(count):
        town.spine.clock.set(from_micros(START))
        tenant = f"t{number}"
        key = await town.move_in("weber", f"AA:BB:CC:00:01:{number:02X}", tenant, email=f"home-{number}@example.org")
        await town.move_in("silent", f"AA:BB:CC:00:02:{number:02X}", tenant, email=f"silent-{number}@example.org")
        await town.send(key, also(living, (NIGHT, 25, 9000.0)), NIGHT + HOUR, every=60, since=START)
    town.spine.clock.set(from_micros(NIGHT + HOUR))


async def test_wherever_a_process_dies_there_is_one_mail(town: Street) -> None:
    await homes(town, FATAL_STEPS + 1)
    slot = NIGHT + HOUR
    died = 0
    for number in range(FATAL_STEPS + 1):
        mortal = Mortal(town.spine.database.url, number)
        s = town.spine
        first = Anomalies(mortal, town.accounts, town.meters, s.pipeline.series, town.notify, s.clock)
        first._started = 0
        try:
            await first.process_all(slot, f"t{number}")
        except Killed:
            died += 1
        await mortal.close()
    assert died == FATAL_STEPS
    town.restart()
    town.anomalies._started = 0
    for _ in range(2):
        await town.anomalies.process_all(slot)
        await town.notify.tick()
    expected = [f"{name}-{number}@example.org" for name in ("home", "silent") for number in range(FATAL_STEPS + 1)]
    assert sorted(mail.recipient for mail in town.mailbox.mails()) == sorted(expected)
    assert len(town.mailbox.arrived) == len(expected)


async def test_two_processes_find_one_incident(town: Street) -> None:
    await homes(town, 4)
    slot = NIGHT + HOUR
    others = [town.another() for _ in range(3)]
    for each in others:
        each._started = 0
    await asyncio.gather(*(each.process_all(slot) for each in others), others[0].process("t1", "AA:BB:CC:00:01:01"))
    await town.notify.tick()
    recipients = [mail.recipient for mail in town.mailbox.mails()]
    assert sorted(recipients) == sorted(f"{name}-{n}@example.org" for name in ("home", "silent") for n in range(4))
    async with town.spine.database.read() as connection:
        rows = await connection.execute(sa.select(anomalies.c.tenant, anomalies.c.kind))
        assert sorted(tuple(row) for row in rows) == sorted((f"t{n}", kind) for kind in ("silent", "usage") for n in range(4))


async def test_a_meter_that_cannot_be_judged_hinders_no_other(town: Street, caplog: pytest.LogCaptureFixture) -> None:
    await homes(town, 2)
    async with town.spine.database.transaction() as connection:
        row = {"tenant": "t0", "id": "x", "user": "weber", "mac": "AA:BB:CC:00:01:00", "kind": "usage", "start": NIGHT - DAY}
        await connection.execute(sa.insert(anomalies).values(**row, figures={"no": "sense"}, created=1, updated=1))
    await town.anomalies.process_all(NIGHT + HOUR)
    assert [each.kind for each in await town.anomalies.found("t1", "weber", 0, 2**60)] == ["usage"]
    assert "was not judged" in caplog.text
