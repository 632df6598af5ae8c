"""Power that is told every second, or whenever it changes: the trapezoid over the times at which it was told."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.metering.figures.conftest import Works, at
from wattline.metering.energy.lane import Lane
from wattline.metering.energy.reading import doubtful
from wattline.model.clock import HOUR, MINUTE, SECOND
from wattline.telemetry.edges import Edges

MONDAY = at("2026-06-08T00:00:00")
UTC = ZoneInfo("UTC")


def load(seconds: np.ndarray) -> np.ndarray:
    """An uneven load (W): a base, a motor that runs now and then, spikes when it starts."""
    running = (seconds // 97) % 3 == 0
    spike = running & (seconds % 97 < 4)
    return np.round(800.0 + 300.0 * np.sin(seconds / 700.0) + 6000.0 * running + 20_000.0 * spike, 1)


def exact(times: np.ndarray, watts: np.ndarray) -> float:
    """The trapezoid in kWh; times in s."""
    return float(np.trapezoid(watts, times) / 3.6e6)


async def measured(works: Works, times: np.ndarray, watts: np.ndarray, interval_s: int) -> list[float | None]:
    """The energy of the first half hour, as readings tell it and then as tiers do."""
    meter = await works.meter(interval_s=interval_s)
    sent = zip(times.tolist(), watts.tolist(), strict=True)
    await works.send(meter, {MONDAY + round(second * SECOND): {"total_power": value} for second, value in sent})
    subject, found = works.subject(meter_id=meter), []
    for _ in range(2):
        found.append((await works.figures.kpi(subject, MONDAY, MONDAY + HOUR // 2, UTC)).now.import_kwh)
        await works.spine.pipeline.rollup.advance()
        works.figures.energy.forget()
    return found


async def test_an_uneven_load_second_by_second(works: Works) -> None:
    times = np.arange(1801.0)
    assert await measured(works, times, load(times), 1) == pytest.approx([exact(times, load(times))] * 2, rel=1e-9)


@pytest.mark.parametrize("interval_s", [1, 60])
async def test_with_readings_lost_where_the_load_is_high(works: Works, interval_s: int) -> None:
    choice = np.random.default_rng(8)
    times = np.arange(1801.0)
    watts = load(times)
    lost = (choice.random(1801) < 0.6) & (watts > 5000) & (times < 1400)
    lost[[0, -1]] = False
    times, watts = times[~lost], watts[~lost]
    assert await measured(works, times, watts, interval_s) == pytest.approx([exact(times, watts)] * 2, rel=1e-3)


async def test_told_whenever_it_changes(works: Works) -> None:
    choice = np.random.default_rng(9)
    times = np.unique(np.concatenate([[0.0, 1800.0], np.cumsum(choice.exponential(25.0, 60)).round(3)]))
    times = times[times <= 1800]
    watts = choice.gamma(1.0, 3000.0, len(times)).round(1)
    assert await measured(works, times, watts, 10) == pytest.approx([exact(times, watts)] * 2, rel=1e-6)


def test_only_what_is_uneven_is_read_one_by_one() -> None:
    lane = Lane(1, (0,), (0,), 1.0, SECOND, None)
    count = np.array([300, 299, 290, 300, 2, 40])
    first = MONDAY + np.arange(6) * 5 * MINUTE
    last = first + 299 * SECOND
    ones = np.ones(6)
    edges = Edges(np.zeros(6, np.uint32), first, last, ones, ones, ones * [1, 1, 1, -1, -1, 1], ones, ones * count, count)
    assert doubtful(lane, edges).tolist() == [False, False, True, True, False, True]
