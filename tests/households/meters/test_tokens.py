"""Tokens of meters, on SQLite and PostgreSQL: their form, their life, their grace, their limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.meters.model import Kind, TooMany
from wattline.households.meters.service import Meters
from wattline.households.tables import tokens
from wattline.model.clock import ManualClock
from wattline.model.errors import Unauthenticated
from wattline.state.database import Database

from .desk import MAC, TENANT, Asked, desk


@pytest.fixture
async def meters(database: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Meters]:
    async with desk(database, tmp_path, clock) as made:
        await made.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY)
        await made.assign(TENANT, MAC, "u1")
        yield made


async def stored(database: Database) -> list[sa.Row]:  # type: ignore[type-arg]
    async with database.read() as connection:
        return list(await connection.execute(sa.select(tokens).order_by(tokens.c.issued)))


async def holds(meters: Meters, token: str) -> bool:
    try:
        meter = await meters.authenticate(token)
    except Unauthenticated:
        assert meters.known(token) is None
        return False
    assert meter.mac == MAC
    return True


@pytest.mark.parametrize(
    "written", ["AA:BB:CC:DD:EE:01", "aa:bb:cc:dd:ee:01", "aa-bb-cc-dd-ee-01", "aabbccddee01", " AA-BB-CC-DD-EE-01 "]
)
async def test_an_address_is_one_however_it_is_written(meters: Meters, written: str) -> None:
    grant = await meters.issue(written)
    assert grant.expires_in == 3600
    assert len(grant.token) == 30
    assert grant.token.isascii()
    assert grant.token.isalnum()
    assert meters.known(grant.token) is meters.meter(TENANT, MAC)


async def test_only_a_digest_is_stored(meters: Meters, database: Database) -> None:
    grant = await meters.issue(MAC)
    (row,) = await stored(database)
    assert grant.token not in str(row)
    assert len(row.digest) == 64


async def test_a_token_ends_with_its_time(meters: Meters, clock: ManualClock) -> None:
    grant = await meters.issue(MAC)
    clock.advance(3599)
    assert await holds(meters, grant.token)
    clock.advance(1)
    assert not await holds(meters, grant.token)


async def test_a_newer_token_leaves_the_former_one_a_grace(meters: Meters, clock: ManualClock) -> None:
    first = await meters.issue(MAC)
    clock.advance(600)
    second = await meters.issue(MAC)
    clock.advance(299)
    assert await holds(meters, first.token)
    clock.advance(1)
    assert not await holds(meters, first.token)
    assert await holds(meters, second.token)


async def test_a_short_grace_ends_a_token_that_is_known(database: Database, tmp_path: Path, clock: ManualClock) -> None:
    async with desk(database, tmp_path, clock, grace=10) as meters:
        await meters.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY)
        await meters.assign(TENANT, MAC, "u1")
        first = await meters.issue(MAC)
        await meters.issue(MAC)
        clock.advance(9)
        assert await holds(meters, first.token)
        clock.advance(1)
        assert not await holds(meters, first.token)


async def test_a_grace_does_not_lengthen_a_life(meters: Meters, clock: ManualClock) -> None:
    first = await meters.issue(MAC)
    clock.advance(3500)
    await meters.issue(MAC)
    clock.advance(100)
    assert not await holds(meters, first.token)


async def test_ended_tokens_are_forgotten_with_the_next(meters: Meters, database: Database, clock: ManualClock) -> None:
    for _ in range(4):
        await meters.issue(MAC)
        clock.advance(100)
    assert len(await stored(database)) == 4
    clock.advance(400)
    await meters.issue(MAC)
    assert len(await stored(database)) == 2


async def test_tokens_survive_a_restart_and_hold_in_other_processes(
    meters: Meters, database: Database, tmp_path: Path, clock: ManualClock
) -> None:
    grant = await meters.issue(MAC)
    async with desk(database, tmp_path, clock, "other") as other:
        assert other.known(grant.token) is None
        assert await holds(other, grant.token)
        assert other.known(grant.token) is not None
        newer = await other.issue(MAC)
        clock.advance(301)
        # The process that issued the first one asks again before long.
        assert not await holds(meters, grant.token)
        assert await holds(meters, newer.token)


async def test_texts_that_are_no_token_cost_no_question(meters: Meters, database: Database) -> None:
    asked = Asked(database)
    for text in ("", "x", "A" * 29, "A" * 31, "Ä" * 30, "\ud800" * 30, "A" * 100_000):
        assert not await holds(meters, text)
    assert asked.count == 0


async def test_a_flood_of_made_up_tokens_is_answered_together(meters: Meters, database: Database, clock: ManualClock) -> None:
    grant = await meters.issue(MAC)
    made_up = [f"{number:030d}" for number in range(1000)]
    asked = Asked(database)
    answers = await asyncio.gather(*(meters.authenticate(token) for token in made_up), return_exceptions=True)
    assert all(isinstance(answer, Unauthenticated) for answer in answers)
    assert asked.count < 10
    before = asked.count
    assert not await holds(meters, made_up[0])
    assert asked.count == before
    clock.advance(3)
    assert not await holds(meters, made_up[0])
    assert asked.count > before
    assert await holds(meters, grant.token)


async def test_a_meter_may_ask_every_ten_seconds_for_ever_and_not_much_more_often(meters: Meters, clock: ManualClock) -> None:
    for _ in range(200):
        await meters.issue(MAC)
        clock.advance(10)
    for _ in range(12):
        await meters.issue(MAC)
    # All ways of writing an address are one meter.
    with pytest.raises(TooMany) as refused:
        await meters.issue(MAC.lower().replace(":", "-"))
    assert refused.value.retry_after == 5
    clock.advance(5)
    await meters.issue(MAC)


async def test_unknown_and_unassigned_meters_and_wrong_secrets_are_told_the_same(meters: Meters) -> None:
    await meters.set_secret(TENANT, MAC, "ein Geheimnis")
    await meters.add(TENANT, "AA:BB:CC:DD:EE:02", Kind.DIGITAL_ELECTRICITY)
    told = set()
    for client, secret in (
        (MAC, None),
        (MAC, ""),
        (MAC, "ein geheimnis"),
        (MAC, "\ud800"),
        ("AA:BB:CC:DD:EE:02", None),
        ("AA:BB:CC:DD:EE:99", None),
        ("no address", None),
    ):
        with pytest.raises(Unauthenticated) as refused:
            await meters.issue(client, secret=secret)
        told.add(str(refused.value))
    assert told == {"Sensor not found"}
    assert (await meters.issue(MAC, secret="ein Geheimnis")).token
    assert "Geheimnis" not in repr(meters.meter(TENANT, MAC))
    await meters.set_secret(TENANT, MAC, None)
    assert (await meters.issue(MAC)).token


async def test_the_tokens_of_a_removed_meter_end(
    meters: Meters, database: Database, tmp_path: Path, clock: ManualClock
) -> None:
    grant = await meters.issue(MAC)
    async with desk(database, tmp_path, clock, "other") as other:
        assert await holds(other, grant.token)
        await meters.remove(TENANT, MAC)
        assert not await holds(meters, grant.token)
        await other.refresh()
        assert other.known(grant.token) is None
        await meters.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY)
        assert not await holds(meters, grant.token)
    assert await stored(database) == []


class Held(Database):
    """Answers of a database that are on their way until `gate` is open."""

    gate: asyncio.Event
    asked: asyncio.Event

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with super().read() as connection:
            yield connection
        self.asked.set()
        await self.gate.wait()


async def test_an_answer_from_before_a_removal_is_not_used_after_it(
    meters: Meters, database: Database, tmp_path: Path, clock: ManualClock
) -> None:
    grant = await meters.issue(MAC)
    held = Held(database.url)
    held.gate, held.asked = asyncio.Event(), asyncio.Event()
    held.gate.set()
    async with desk(held, tmp_path, clock, "other") as other:
        held.gate.clear()
        held.asked.clear()
        asking = asyncio.create_task(holds(other, grant.token))
        await held.asked.wait()
        await other.remove(TENANT, MAC)
        await other.add(TENANT, MAC, Kind.DIGITAL_ELECTRICITY)
        held.gate.set()
        await asking
        assert other.known(grant.token) is None
        assert not await holds(other, grant.token)
    await held.close()


async def test_a_token_is_the_devices_whoever_has_it(meters: Meters) -> None:
    grant = await meters.issue(MAC)
    await meters.assign(TENANT, MAC, "u2")
    assert (await meters.authenticate(grant.token)).user == "u2"
