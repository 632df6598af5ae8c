"""The history of meters: from registers and power, of groups and accounts, and never from what came later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from tests.metering.figures.conftest import Works, at, works_on
from tests.stores import spine
from wattline.forecasting.metered import MeteredHistory
from wattline.forecasting.model import Floats, Target
from wattline.model.clock import DAY, HOUR, MINUTE, ManualClock

START = at("2026-05-01T00:00")
NOW = datetime(2026, 6, 11, tzinfo=UTC)
QUARTER = 15 * MINUTE


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def works(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Works]:
    """Stores that the tests share, on 2026-06-11; each makes meters of its own."""
    async with spine(tmp_path_factory.mktemp("works"), ManualClock(NOW)) as stores:
        yield await works_on(stores)


async def power(works: Works, until: int, target: Target = "demand", as_of: int | None = None, **named: int) -> Floats:
    moment = works.clock.micros() if as_of is None else as_of
    history = MeteredHistory(works.figures)
    return (await history.power(works.subject(**named), target, START, until, as_of=moment, live=as_of is None)).power


async def test_registers_and_power_tell_the_same(works: Works) -> None:
    counted, measured = await works.meter(), await works.meter()
    await works.register(counted, START, QUARTER, [1000 + 1.5 * n for n in range(97)])
    await works.send(measured, {START + n * QUARTER: {"total_power": 6000.0} for n in range(97)})
    for number in (counted, measured):
        assert await power(works, START + DAY, meter_id=number) == pytest.approx(6.0)


async def test_a_gap_whose_profile_is_not_known_is_not_known(works: Works) -> None:
    number = await works.meter()
    shown = {START + n * QUARTER: {"total_energy": 100.0 + n} for n in range(49) if not 10 < n < 20}
    await works.send(number, shown)
    found = await power(works, START + DAY // 2, meter_id=number)
    assert np.isnan(found[10:20]).all()
    assert found[:10] == pytest.approx(4.0)
    assert found[20:] == pytest.approx(4.0)


async def test_members_count_with_their_signs_and_a_gap_of_one_is_a_gap(works: Works) -> None:
    main, solar = await works.meter(), await works.meter()
    virtual = await works.meter(kind="virtual", formula=[{"meter_id": main, "sign": 1}, {"meter_id": solar, "sign": -1}])
    await works.send(main, {START + n * QUARTER: {"total_power": 5000.0} for n in range(97)})
    await works.send(solar, {START + n * QUARTER: {"total_power": 2000.0} for n in range(97) if not 40 <= n < 60})
    found = await power(works, START + DAY, meter_id=virtual)
    assert np.isnan(found[41:58]).all()
    assert found[:38] == pytest.approx(3.0)


async def test_generation_is_what_meters_of_generation_count_or_what_is_given(works: Works) -> None:
    grid, roof, given = await works.meter(kind="grid"), await works.meter(kind="generation"), await works.meter()
    site = await works.group(grid, roof)
    await works.send(grid, {START + n * QUARTER: {"total_power": -1000.0} for n in range(97)})
    await works.register(roof, START, QUARTER, [500 + 0.75 * n for n in range(97)])
    await works.send(given, {START + n * QUARTER: {"total_power": 4000.0 if n < 48 else -4000.0} for n in range(97)})
    assert await power(works, START + DAY, "generation", group_id=site) == pytest.approx(3.0)
    assert await power(works, START + DAY, "demand", group_id=site) == pytest.approx(-1.0)
    found = await power(works, START + DAY, "generation", meter_id=given)
    assert found[:46] == pytest.approx(0.0)
    assert found[49:] == pytest.approx(4.0)


async def test_a_silent_member_is_left_out_and_named(works: Works) -> None:
    known, silent = await works.meter(), await works.meter()
    both = await works.group(known, silent)
    await works.send(known, {START + n * QUARTER: {"total_power": 1000.0} for n in range(97)})
    history = MeteredHistory(works.figures)
    now = works.clock.micros()
    found = await history.power(works.subject(group_id=both), "demand", START, START + DAY, as_of=now, live=True)
    assert found.silent == (silent,)
    assert found.power == pytest.approx(1.0)


async def test_an_account_has_the_meters_of_the_moment_with_all_their_past(works: Works) -> None:
    former, present = await works.meter(), await works.meter()
    moved = "2026-05-01T12:00:00Z"
    made = await works.metering.accounts.create(
        "default",
        {"name": "a", "currency": "EUR", "meters": [{"meter_id": former, "to": moved}, {"meter_id": present, "from": moved}]},
    )
    await works.send(former, {START + n * QUARTER: {"total_power": 1000.0} for n in range(97)})
    await works.send(present, {START + n * QUARTER: {"total_power": 3000.0} for n in range(97)})
    assert await power(works, START + DAY, account_id=made.id) == pytest.approx(3.0)
    then = START + 6 * HOUR
    early = await power(works, then, as_of=then, account_id=made.id)
    assert early[:20] == pytest.approx(1.0)


def _readings(rng: np.random.Generator, field: str) -> dict[int, dict[str, float]]:
    """A day and a half of readings: gaps, resets, now and then a value that is wrong."""
    shown, told = 1000.0, {}
    time = START
    while time < START + 36 * HOUR:
        shown += float(rng.uniform(0, 2))
        if rng.random() < 0.03:
            shown = 0.0
        wrong = len(told) % 20 == 19
        value = float(rng.uniform(-3000, 3000)) if field == "total_power" else 5.0 if wrong else shown
        told[time] = {field: value}
        time += int(rng.choice([1, 1, 1, 1, 2, 9])) * QUARTER + int(rng.integers(0, 3)) * MINUTE
    return told


@pytest.mark.parametrize("field", ["total_energy", "total_power"])
async def test_nothing_later_changes_what_was_known(works: Works, field: str) -> None:
    rng = np.random.default_rng(4)
    differed = 0
    for _ in range(6):
        one, other = await works.meter(), await works.meter()
        same = _readings(rng, field)
        as_of = START + int(rng.integers(12 * 60, 30 * 60)) * MINUTE
        changed: dict[int, dict[str, Any]] = {time: read for time, read in same.items() if time < as_of}
        other_level = float(rng.uniform(0, 3000))
        for number, time in enumerate(range(as_of + MINUTE, START + 36 * HOUR, 50 * MINUTE)):
            changed[time] = {field: other_level + 3 * number}
        await works.send(one, same)
        await works.send(other, changed)
        until = as_of // QUARTER * QUARTER
        found = [await power(works, until, as_of=as_of, meter_id=number) for number in (one, other)]
        np.testing.assert_array_equal(*found)
        assert np.isfinite(found[0]).any()
        live = [await power(works, START + 36 * HOUR, meter_id=number) for number in (one, other)]
        differed += not np.array_equal(*live, equal_nan=True)
    assert differed == 6


async def test_the_last_readings_are_known_to_who_asks_now_alone(works: Works) -> None:
    number = await works.meter()
    await works.send(number, {START + n * QUARTER: {"total_power": 1000.0 * n} for n in range(9)})
    works.clock.advance(1)
    until = START + 2 * HOUR
    assert np.isfinite(await power(works, until, meter_id=number)).all()
    assert np.isnan((await power(works, until, as_of=until, meter_id=number))[-2:]).all()
