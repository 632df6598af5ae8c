"""Readings followed on real stores: open events and windows survive a restart, failures leave nothing half done."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from tests.quality.site import TENANT, Site, opened
from wattline.events.chain import verify
from wattline.metering.model import Meter
from wattline.model.clock import MINUTE, ManualClock
from wattline.model.errors import Unavailable
from wattline.model.record import Row
from wattline.quality.disturbance import PHASES
from wattline.quality.protection.model import Report
from wattline.state.database import Database


def comparable(events: Any) -> list[Any]:
    return [(e.type, e.start, e.end, e.body) for e in events]


async def test_an_open_event_goes_on_after_a_restart(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter()
    await site.quality.take([site.volts(meter, t, level) for t, level in ((60, 1.0), (120, 0.85), (180, 0.7))])
    await site.quality.settle()
    again = await opened(database, clock)
    await again.quality.take([again.volts(meter, t, level) for t, level in ((120, 0.85), (180, 0.7), (240, 0.8), (300, 1.0))])
    (event,) = await again.events(meter)
    assert (event.start, event.end, event.body["residual_pu"]) == (120_000_000, 300_000_000, 0.7)
    assert event.body["duration_range_s"] == [60.0, 240.0]
    assert again.phases == [("end", event.id)]
    assert (await verify(database, TENANT)).sound


async def test_rows_that_are_seen_again_after_a_crash_change_nothing(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter()
    rows = [site.volts(meter, 60 * n, level) for n, level in enumerate((1.0, 0.85, 1.0, 1.2, 1.0, 0.85), 1)]
    await site.quality.take(rows)
    before = comparable(await site.events(meter))
    # Nothing was settled: the journal gives every row again.
    again = await opened(database, clock)
    await again.quality.take(rows)
    assert comparable(await again.events(meter)) == before
    assert again.phases == []


async def test_what_is_shown_of_an_open_event_follows_it(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter()
    await site.quality.take([site.volts(meter, 60, 0.85)])
    await site.quality.take([site.volts(meter, 120, 0.6)])
    await site.quality.settle()
    (event,) = await site.events(meter)
    assert (event.end, event.body["residual_pu"]) == (None, 0.6)
    assert site.phases == [("start", event.id)]


class Sick:
    """A database that fails a number of transactions at their end."""

    def __init__(self, database: Database, failures: int) -> None:
        self._database = database
        self.failures = failures
        self.is_sqlite = database.is_sqlite

    @asynccontextmanager
    async def transaction(self) -> Any:
        async with self._database.transaction() as connection:
            yield connection
            if self.failures:
                self.failures -= 1
                raise Unavailable("the store went away")

    def read(self) -> Any:
        return self._database.read()


async def test_a_failure_leaves_everything_as_it_was(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter()
    site.quality._database = Sick(database, 2)  # type: ignore[assignment]
    await site.quality.take([site.volts(meter, 60, 1.0)])
    rows = [site.volts(meter, 120, 0.85), site.volts(meter, 180, 1.0)]
    for _ in range(2):
        with pytest.raises(Unavailable):
            await site.quality.take(rows)
        assert await site.events(meter) == []
        assert site.told == []
    await site.quality.take(rows)
    (event,) = await site.events(meter)
    assert site.phases == [("start", event.id), ("end", event.id)]


async def test_thresholds_of_before_judge_what_came_before(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter()
    await site.quality.take([site.volts(meter, 60, 1.0)])
    # This one waits, for it can change nothing.
    await site.quality.take([site.volts(meter, 120, 0.95)])
    await site.quality.configs.put(TENANT, {"meter_id": meter.id, "sag_v_threshold": 0.97})
    await site.quality.take([site.volts(meter, 180, 1.0)])
    assert await site.events(meter) == []
    await site.quality.take([site.volts(meter, 240, 0.95)])
    assert [event.start for event in await site.events(meter)] == [240_000_000]


def random_rows(site: Site, meter: Meter, dice: random.Random, count: int) -> list[Row]:
    """Readings of which most are calm, some hot, some late."""
    rows, time, thd, unevenness = [], 0.0, 3.0, 1.0
    for _ in range(count):
        time += dice.choice((1, 5, 20, 60, 60, 60, 400))
        if dice.random() < 0.1:
            thd = dice.choice((1.0, 3.0, 4.9, 5.0, 5.5, 12.0))
        if dice.random() < 0.1:
            unevenness = dice.choice((1.0, 1.0, 1.01, 1.05, 1.1))
        level = dice.choice((0.85, 0.91, 0.93, 1.09, 1.12, 0.02)) if dice.random() < 0.06 else dice.uniform(0.94, 1.06)
        values = {"voltage_a": 230 * level * unevenness, "voltage_b": 230 * level, "voltage_c": 230 * level}
        values |= {"thd_v_a": thd, "thd_v_b": dice.uniform(1, 4)}
        if dice.random() < 0.5:
            values["frequency"] = dice.choice((49.4, 49.52)) if dice.random() < 0.05 else dice.uniform(49.9, 50.1)
        if dice.random() < 0.1:
            values = {"thd_v_a": thd}
        rows.append(site.row(meter, time if dice.random() > 0.05 else time - 300, **values))
    return rows


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_how_readings_are_batched_changes_nothing(database: Database, clock: ManualClock, seed: int) -> None:
    dice = random.Random(seed)
    site = await opened(database, clock)
    one, other, third = [await site.meter(thresholds={"thd_window_s": 900}) for _ in range(3)]
    rows = random_rows(site, one, dice, 300)
    stream = {meter.id: site.volts(meter, 0, 1.0).stream for meter in (one, other, third)}

    def of(meter: Meter, some: list[Row]) -> list[Row]:
        return [Row(stream[meter.id], row.time, row.received, row.values) for row in some]

    await site.quality.take(of(one, rows))
    for row in rows:
        await site.quality.take(of(other, [row]))
    place = 0
    while place < len(rows):
        size = dice.choice((1, 2, 3, 5, 40))
        await site.quality.take(of(third, rows[place : place + size]))
        place += size
    await site.quality.settle()
    expected = comparable(await site.events(one))
    assert len({event[0] for event in expected}) >= 3
    assert comparable(await site.events(other)) == expected
    assert comparable(await site.events(third)) == expected


async def test_a_quiet_meter_is_written_once_a_minute(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter()
    await site.quality.take([site.row(meter, 60, thd_v_a=4.0)])
    await site.quality.settle()
    assert (await opened(database, clock)).quality._lanes == {}
    clock.advance(MINUTE / 1_000_000)
    await site.quality.settle()
    lane = (await opened(database, clock)).quality._lanes[meter.id, "readings"]
    assert lane.window.sums[0][0] == 4.0


async def test_a_rapid_change_goes_on_after_a_restart(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter()
    start, step = clock.micros() - MINUTE, 10_000

    async def feed(site: Site, first: int, levels: list[float]) -> list[Any]:
        times = start + (first + np.arange(len(levels), dtype=np.int64)) * step
        volts = 230 * np.repeat(np.array(levels)[:, None], 3, axis=1)
        return list(
            (await site.quality.take_rms(meter, times, volts, names=PHASES, method="half_cycle_rms", resolution=step)).events
        )

    assert await feed(site, 0, [1.0] * 100 + [0.94] * 20) == []
    await site.quality.settle()
    assert await site.events(meter) == []
    again = await opened(database, clock)
    (event,) = await feed(again, 120, [0.94] * 100)
    assert (event.type, event.start, event.end) == ("rvc", start + 100 * step, start + 100 * step)
    assert again.phases == [("start", event.id), ("end", event.id)]


async def test_breakers_survive_a_restart_and_rows_seen_again(database: Database, clock: ManualClock) -> None:
    site = await opened(database, clock)
    meter = await site.meter(watched=False)
    closed = '{"breaker_state":"closed"}'
    rows = [
        site.row(meter, 60, closed, total_power=1),
        site.row(meter, 120, '{"breaker_state":"tripped"}', total_power=1),
    ]
    await site.quality.take(rows)
    await site.quality.settle()
    again = await opened(database, clock)
    await again.quality.take([*rows, again.row(meter, 180, closed, total_power=1)])
    assert [(b.state, b.since) for b in again.quality.protection.breakers(TENANT)] == [("closed", 180_000_000)]
    assert len(site.told) == len(again.told) == 1
    late, _ = await again.quality.protection.report(meter, Report("breaker_state", 150_000_000, state="open"))
    assert late.late
    assert (await verify(database, TENANT)).sound
