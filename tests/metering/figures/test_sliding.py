"""Demand of any 15 minutes: a slow reader of curves, that looks at every window at a knot, must agree."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.metering.figures.conftest import Works, at
from wattline.metering.figures.kpi import Kpi
from wattline.model.clock import DAY, HOUR, MINUTE

UTC = ZoneInfo("UTC")
MONDAY = at("2026-06-08T00:00:00")
QUARTER = 15 * MINUTE
Curve = tuple[list[int], list[float]]


async def kpi(works: Works, group: int, start: int = MONDAY, end: int = MONDAY + 2 * DAY) -> Kpi:
    return (await works.figures.kpi(works.subject(group_id=group), start, end, UTC, demand="sliding")).now


def slowly(curves: list[Curve], start: int, end: int) -> tuple[float, int]:
    """The largest mean (kW) of the windows that begin or end at a knot of any of the curves of energy (kWh), or at an end."""
    knots = sorted({start, end, *(time for times, _ in curves for time in times)})
    begins = {begin for knot in knots for begin in (knot, knot - QUARTER) if start <= begin and begin + QUARTER <= end}
    best = -np.inf, start
    for begin in sorted(begins):
        energy = 0.0
        for times, values in curves:
            low, high = np.interp([begin, begin + QUARTER], times, values)
            energy += float(high - low)
        if 4 * energy > best[0] + 1e-9:
            best = 4 * energy, begin
    return best


@pytest.mark.parametrize("seed", range(4))
async def test_registers_read_at_any_minute(works: Works, seed: int) -> None:
    choice = np.random.default_rng(seed)
    meters, curves = [], []
    for number in range(3):
        meter = await works.meter(interval_s=(300, 900, 420)[number])
        fields = ("total_energy", "energy_export") if number == 0 else ("total_energy",)
        # No closer than five minutes: of readings that are, only the ends of five minutes on the clock are known.
        times = MONDAY - HOUR + np.cumsum(choice.integers(5, 9 + 12 * number, 50 * 12 // (1 + number))) * MINUTE
        levels = {field: np.round(np.cumsum(choice.gamma(0.4, 1.0, len(times))), 3) for field in fields}
        rows = {int(t): {field: float(levels[field][i]) for field in fields} for i, t in enumerate(times)}
        await works.send(meter, rows)
        for field, sign in zip(fields, (1, -1), strict=False):
            curves.append((times.tolist(), (sign * levels[field]).tolist()))
        meters.append(meter)
    group = await works.group(*meters)
    if seed % 2:
        await works.spine.pipeline.rollup.advance()
    # Also a range that begins and ends between quarters.
    for start, end in ((MONDAY, MONDAY + DAY), (MONDAY + 7 * HOUR + 4 * MINUTE, MONDAY + DAY + 3 * HOUR + MINUTE)):
        found = await kpi(works, group, start, end)
        peak, begin = slowly(curves, start, end)
        assert found.peak_kw == pytest.approx(peak, abs=1e-8)
        assert found.peak_at is not None
        at_found = [np.diff(np.interp([found.peak_at, found.peak_at + QUARTER], *curve))[0] for curve in curves]
        assert 4 * sum(at_found) == pytest.approx(peak, abs=1e-8), begin
        assert found.demand == "sliding"
        assert found.resolution_s == 900


async def test_power_is_integrated_and_midnight_is_no_edge(works: Works) -> None:
    meter = await works.meter(interval_s=60)
    watts = {MONDAY + DAY + i * MINUTE: 9000.0 if -10 <= i <= 5 else 300.0 for i in range(-60, 60)}
    await works.send(meter, {time: {"total_power": value} for time, value in watts.items()})
    group = await works.group(meter)
    found = await kpi(works, group)
    assert found.peak_kw == pytest.approx(9.0)
    assert found.peak_at == MONDAY + DAY - 10 * MINUTE
    assert found.resolution_s == 300
    assert found.load_factor == pytest.approx(found.avg_kw / 9.0)
    block = (await works.figures.kpi(works.subject(group_id=group), MONDAY, MONDAY + 2 * DAY, UTC)).now
    assert block.peak_kw is not None
    assert block.peak_kw < 9.0
    assert (block.demand, block.resolution_s) == ("block", 900)


async def test_what_is_not_known_is_no_window(works: Works) -> None:
    meter = await works.meter(interval_s=60)
    given = [i for i in range(240) if not 60 < i < 180]
    await works.send(meter, {MONDAY + i * MINUTE: {"total_power": -2000.0 - i} for i in given})
    found = await kpi(works, await works.group(meter))
    # All of it is given: the largest mean is that of the quarter in which least was given.
    assert found.peak_kw == pytest.approx(-2.0075)
    assert found.peak_at == MONDAY
    silent = await kpi(works, await works.group(await works.meter()))
    assert (silent.peak_kw, silent.peak_at, silent.demand) == (None, None, "sliding")


async def test_it_never_is_less_than_on_the_clock_and_each_period_has_its_own(works: Works) -> None:
    meter = await works.meter(interval_s=900)
    shown = np.cumsum(np.random.default_rng(4).gamma(1.0, 1.0, 400))
    await works.register(meter, MONDAY - DAY + 4 * MINUTE, QUARTER, shown.tolist())
    subject = works.subject(meter_id=meter)
    ranges = MONDAY, MONDAY + DAY, UTC, "previous"
    block = await works.figures.kpi(subject, *ranges)
    sliding = await works.figures.kpi(subject, *ranges, "sliding")
    for one, other in ((block.now, sliding.now), (block.before, sliding.before)):
        assert one is not None
        assert other is not None
        assert one.peak_kw is not None
        assert other.peak_kw is not None
        assert other.peak_kw > one.peak_kw
        assert other.peak_kw == pytest.approx(
            4 * np.diff(shown)[slice(0, 96) if other is sliding.before else slice(96, 191)].max()
        )
