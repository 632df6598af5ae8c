"""How often voltages left their range: what the database counts is what counting one event after the other gives."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tests.quality.site import TENANT, opened
from wattline.model.clock import ManualClock
from wattline.quality import store
from wattline.quality.disturbance import TYPES
from wattline.quality.indices import ABOVE, BELOW, GROUPS
from wattline.quality.protection.model import Report
from wattline.quality.protection.store import Which as ProtectionWhich
from wattline.quality.row import QualityEvent
from wattline.quality.store import COUNTED, Which
from wattline.state.database import Database
from wattline.state.migrate import migrate

CATEGORIES = (None, "instantaneous", "momentary", "temporary", "sustained")
UNDER, OVER = (None, 0.0, 0.05, 0.1, 0.5, 0.699999, 0.7, 0.9, 0.95), (None, 1.0, 1.1, 1.100001, 1.2, 1.4, 1.8)


def some_event(dice: random.Random, meter: int, tenant: str) -> QualityEvent:
    body: dict[str, Any] = {
        "category": dice.choice(CATEGORIES),
        "residual_pu": dice.choice(UNDER),
        "max_pu": dice.choice(OVER),
        "phases": ["a"],
    }
    shown_by = 1 if dice.random() < 0.1 else None
    return QualityEvent(0, tenant, meter, dice.choice(TYPES), "meter", dice.randrange(100), None, shown_by, None, body)


def by_hand(events: Sequence[QualityEvent]) -> dict[str, Any]:
    """One meter's events, one after the other."""
    names = [str(percent) for percent in (*BELOW, *ABOVE)]
    found: dict[str, Any] = {name: dict.fromkeys(names, 0) for name in ("sarfi", *GROUPS)} | {"sustained": 0, "events": {}}
    for event in events:
        found["events"][event.type] = found["events"].get(event.type, 0) + 1
        category, low, high = (event.body[name] for name in COUNTED)
        if event.type in ("undervoltage", "overvoltage") or (
            event.type in ("sag", "swell", "interruption") and category == "sustained"
        ):
            found["sustained"] += 1
        elif event.type in ("sag", "swell", "interruption"):
            reached = [str(p) for p in BELOW if low is not None and low < p / 100]
            reached += [str(p) for p in ABOVE if high is not None and high > p / 100]
            for index in ("sarfi", *(name for name, of in GROUPS.items() if of == category)):
                for name in reached:
                    found[index][name] += 1
    return found


async def test_events_are_counted_as_one_after_the_other_would_be(database: Database, clock: ManualClock) -> None:
    site, dice = await opened(database, clock), random.Random(11)
    watched = await site.meter()
    meters = (watched.id, watched.id + 1, watched.id + 2)
    every = [some_event(dice, dice.choice(meters), TENANT) for _ in range(600)]
    async with database.transaction() as connection:
        for event in every:
            await store.insert(connection, event)
            await store.insert(connection, some_event(dice, event.meter, "other"))
    for start, end, some in ((0, 100, None), (20, 70, None), (0, 100, meters[:2]), (99, 100, meters[2:]), (100, 200, None)):
        chosen = [
            event
            for event in every
            if start <= event.start < end and event.superseded_by is None and (some is None or event.meter in some)
        ]
        numbers = {event.meter for event in chosen} | ({watched.id} if some is None or watched.id in some else set())
        expected = {number: by_hand([event for event in chosen if event.meter == number]) for number in numbers}
        assert await site.quality.counts(TENANT, some, start, end) == expected


async def test_a_caller_may_see_more_meters_than_a_database_takes_parameters(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter()
    await site.quality.take([site.volts(meter, 60, 0.85)])
    await site.quality.protection.report(meter, Report("arc_fault", 60_000_000))
    seen = range(meter.id, meter.id + 300_000)
    assert (await site.quality.query(Which(TENANT, seen))).total == 1
    assert (await site.quality.protection.query(ProtectionWhich(TENANT, seen))).total == 1
    assert (await site.quality.counts(TENANT, seen, 0, 10**12))[meter.id]["sarfi"]["90"] == 1
    assert (await site.quality.query(Which(TENANT, seen[1:]))).total == 0
    assert (await site.quality.query(Which(TENANT, ()))).total == 0


async def test_what_becomes_of_an_event_counts(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter()
    await site.quality.take([site.volts(meter, 60, 0.85)])
    assert (await site.quality.counts(TENANT, None, 0, 10**12))[meter.id]["sarfi"]["80"] == 0
    await site.quality.take([site.volts(meter, 120, 0.6), site.volts(meter, 180, 1.0)])
    assert (await site.quality.counts(TENANT, None, 0, 10**12))[meter.id]["sarfi"]["70"] == 1


async def test_events_of_before_have_what_they_are_counted_by(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter()
    await site.quality.take([site.volts(meter, time, level) for time, level in ((60, 1.0), (61, 0.45), (62, 0.6), (63, 1.0))])
    await site.quality.take([site.volts(meter, time, level) for time, level in ((64, 1.25), (65, 1.0))])
    before = await site.quality.counts(TENANT, None, 0, 10**12)
    assert before[meter.id]["sarfi"]["50"] == before[meter.id]["sarfi"]["120"] == 1
    async with database.transaction() as connection:
        await connection.execute(sa.text("DROP INDEX quality_events_counts"))
        for name in COUNTED:
            await connection.execute(sa.text(f"ALTER TABLE quality_events DROP COLUMN {name}"))
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '0018'"))
    await migrate(database)
    assert await site.quality.counts(TENANT, None, 0, 10**12) == before
