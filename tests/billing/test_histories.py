"""Random histories of meters against the slow evaluation: gaps, BAD placeholders, corrections, late data, resets, any range."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.billing import brute
from tests.billing.brute import BUCKET, Cell
from tests.billing.plant import Plant, plant, spec
from wattline.billing.model import EnergyReport
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock, from_micros, to_micros
from wattline.registry.point import Point

NOW = datetime(2026, 6, 11, 14, 32, 7, tzinfo=UTC)
ORIGIN = to_micros(NOW) - 12 * HOUR
WHOLE = (ORIGIN - HOUR, ORIGIN + 13 * HOUR)
CASES = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))

# How long after the one before a reading comes: regular, on the edge of what holds and of what is bridged, a gap, an outage.
pauses = st.sampled_from([1, 5, 5, 5, 5, 15, 60, 89, 90, 91, 299, 300, 301, 359, 360, 361, 700, 1500, 4500, 9000])
starts = st.sampled_from([0, 1, 7, 150, 299, 300, 3600])
qualities = st.sampled_from([0, 0, 0, 0, 1, 2])
readings = st.tuples(pauses, st.sampled_from([0.0, 100.0, 847.0, -12.5, 333.3]), qualities)
# Ranges that begin or end inside of what is measured, often within a gap.
ranges = st.tuples(st.integers(0, 120), st.integers(0, 60)).map(
    lambda r: (ORIGIN + r[0] * MINUTE, ORIGIN + (r[0] + r[1]) * MINUTE)
)
steps = st.one_of(
    st.sampled_from([0.0, 0.5, 7.5, 9.9, 10.1, 400.0]).map(lambda x: ("rise", x)),
    st.sampled_from(
        [("reset", 0.0), ("reset", 3.0), ("reset", 5000.0), ("over", 1e4), ("over", 1e6), ("over", 65536.0), ("jump", 1e5)]
    ),
)
counts = st.tuples(pauses, st.one_of(steps, st.just(("rise", 1.0))), qualities)


def timeline(start: int, made: list[tuple[int, float, int]]) -> dict[int, tuple[float, int]]:
    """Readings by time; what is BAD is the placeholder 0."""
    found, time = {}, ORIGIN + start * SECOND
    for pause, value, quality in made:
        time += pause * SECOND
        found[time] = (0.0 if quality == 2 else value, quality)
    return found


def registers(start: int, first: float, made: list[tuple[int, tuple[str, float], int]]) -> dict[int, tuple[float, int]]:
    """What a register shows: it rises, is reset, rolls over, jumps."""
    found, value = [], first
    for pause, (what, amount), quality in made:
        match what:
            case "rise":
                value += amount
            case "reset":
                value = amount
            case "over":
                # From just under its size to just over.
                found.append((pause, amount - 2.5, quality))
                value = 1.5
            case _:
                value += amount
        found.append((pause, value, quality))
    return timeline(start, found)


async def deliver(made: Plant, point: Point, truth: dict[int, tuple[float, int]], order: Callable[[list[int]], None]) -> None:
    """Send in some order, in three parts with a move to the store between, some twice and some corrected."""
    times = list(truth)
    order(times)
    wrong = [(time, -99.0, 0) for time in times[::7]]
    await made.send(point, wrong)
    third = max(1, -(-len(times) // 3))
    for part in range(0, len(times), third):
        await made.send(point, [(time, *truth[time]) for time in times[part : part + third]])
        await made.spine.pipeline.writer.flush()
    await made.send(point, [(time, *truth[time]) for time in times[::5]])


def check(report: EnergyReport, expected: dict[int, Cell], truth: dict[int, tuple[float, int]], now: int) -> None:
    """Every row, and no other, is what the slow way finds."""
    first, end = -(-report.start // BUCKET) * BUCKET, min(report.end, now + 1)
    inside = {bucket: cell for bucket, cell in expected.items() if first <= bucket < end and (cell.covered or cell.bridged)}
    heard = {time // BUCKET * BUCKET for time in truth if time <= now}
    rows = report.rows
    assert rows.bucket.tolist() == sorted({*inside, *(bucket for bucket in heard if first <= bucket < end)})
    for i, bucket in enumerate(rows.bucket.tolist()):
        cell = inside.get(bucket, Cell())
        if cell.covered or cell.energy:
            assert rows.energy[i] == pytest.approx(cell.energy, rel=1e-9, abs=1e-6)
        else:
            assert rows.energy[i] != rows.energy[i]
        passed = min(BUCKET, now - bucket)
        assert rows.coverage[i] == pytest.approx(cell.covered / passed if passed else 0.0)
        assert bool(rows.estimated[i]) == (cell.bridged > 0)
        mine = [quality for time, (_, quality) in truth.items() if bucket <= time < bucket + BUCKET and time <= now]
        assert rows.samples[i] == sum(quality < 2 for quality in mine)
        if mine:
            assert rows.good_ratio[i] == pytest.approx(mine.count(0) / len(mine))
    counted = sum(cell.energy for cell in inside.values())
    assert float(report.total) == pytest.approx(counted, rel=1e-9, abs=1e-6)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Plant]:
    async with plant(tmp_path, ManualClock(NOW)) as made:
        yield made


@CASES
@given(
    data=st.data(),
    start=starts,
    made=st.lists(readings, min_size=8, max_size=40),
    poll=st.sampled_from([5, 60, 200, 1800]),
    span=ranges,
)
async def test_power(
    place: Plant, data: st.DataObject, start: int, made: list[tuple[int, float, int]], poll: int, span: tuple[int, int]
) -> None:
    await place.begin()
    (main,) = await place.meters(spec("P", role="facility_main", poll_ms=poll * 1000, factor=2.0))
    truth = timeline(start, made)
    await deliver(place, main, truth, data.draw(st.randoms(use_true_random=False)).shuffle)
    now = place.spine.clock.micros()
    expected = brute.power(truth, poll * SECOND, 2.0, now)
    for begin, end in (WHOLE, span):
        check(await place.energy.electrical(place.block, begin, end), expected, truth, now)


@CASES
@given(
    data=st.data(),
    start=starts,
    first=st.sampled_from([0.0, 50.0, 999.0, 40_000.0, 99_990.0]),
    made=st.lists(counts, min_size=8, max_size=40),
    scale=st.sampled_from([("kWh", 1.0), ("Wh", 0.001), ("MWh", 1000.0)]),
    span=ranges,
)
async def test_registers(
    place: Plant,
    data: st.DataObject,
    start: int,
    first: float,
    made: list[tuple[int, tuple[str, float], int]],
    scale: tuple[str, float],
    span: tuple[int, int],
) -> None:
    await place.begin()
    (main,) = await place.meters(spec("E", scale[0], "facility_main"))
    truth = registers(start, first, made)
    await deliver(place, main, truth, data.draw(st.randoms(use_true_random=False)).shuffle)
    now = place.spine.clock.micros()
    expected = brute.register(truth, scale[1], 1000.0, now)
    for begin, end in (WHOLE, span):
        check(await place.energy.electrical(place.block, begin, end), expected, truth, now)


@CASES
@given(
    start=starts,
    flows=st.lists(st.tuples(pauses, st.sampled_from([0.0, 10.0, 12.8, -1.0]), qualities), min_size=4, max_size=25),
    supplies=st.lists(st.tuples(pauses, st.sampled_from([40.0, 26.6, 26.2, 25.0]), qualities), min_size=4, max_size=25),
    backs=st.lists(st.tuples(pauses, st.just(26.5), qualities), min_size=4, max_size=25),
    span=ranges,
)
async def test_heat(
    place: Plant,
    start: int,
    flows: list[tuple[int, float, int]],
    supplies: list[tuple[int, float, int]],
    backs: list[tuple[int, float, int]],
    span: tuple[int, int],
) -> None:
    await place.begin()
    at = {"equipment": "HX", "subsystem": "thermal-hx"}
    meters = await place.meters(
        spec("F", "m3/h", "flow", **at),
        spec("S", "K", "t_supply", poll_ms=30_000, **at),
        spec("R", "°C", "t_return", poll_ms=60_000, **at),
    )
    truths = [timeline(start, made) for made in (flows, supplies, backs)]
    for meter, truth in zip(meters, truths, strict=True):
        shift = 273.15 if meter.tag == "S" else 0.0
        await place.send(meter, [(time, value + shift, quality) for time, (value, quality) in truth.items()])
    now = place.spine.clock.micros()
    expected = brute.heat(*truths, (5 * SECOND, 30 * SECOND, 60 * SECOND), now)
    for begin, end in (WHOLE, span):
        check_heat(await place.energy.thermal(place.block, begin, end), expected, now)


def check_heat(report: EnergyReport, expected: dict[int, Cell], now: int) -> None:
    """Every interval in which heat is known is what the slow way finds."""
    rows = report.rows
    columns = (rows.bucket, rows.energy, rows.coverage, rows.estimated)
    found = {bucket: rest for bucket, *rest in zip(*(column.tolist() for column in columns), strict=True) if rest[1]}
    first, end = -(-report.start // BUCKET) * BUCKET, min(report.end, now + 1)
    inside = {bucket: cell for bucket, cell in expected.items() if first <= bucket < end and cell.covered}
    assert sorted(found) == sorted(inside)
    for bucket, (energy, cover, estimated) in found.items():
        cell = inside[bucket]
        assert energy == pytest.approx(cell.energy, rel=1e-9, abs=1e-6)
        assert cover == pytest.approx(cell.covered / min(BUCKET, now - bucket))
        assert estimated == (cell.bridged > 0)


@CASES
@given(
    start=starts,
    made=st.lists(readings, min_size=1, max_size=30),
    rise=st.lists(counts, max_size=20),
    cuts=st.lists(st.integers(0, 240), min_size=1, max_size=3),
)
async def test_parts_of_a_range_add_up(
    place: Plant,
    start: int,
    made: list[tuple[int, float, int]],
    rise: list[tuple[int, tuple[str, float], int]],
    cuts: list[int],
) -> None:
    """Whatever the cuts: no energy is lost at them, and none counted twice."""
    await place.begin()
    power, register = await place.meters(
        spec("P", role="facility_main", poll_ms=60_000), spec("E", "kWh", "facility_main", equipment="other")
    )
    await place.send(power, [(time, *rest) for time, rest in timeline(start, made).items()])
    await place.send(register, [(time, *rest) for time, rest in registers(start, 50.0, rise).items()])
    edges = sorted({0, 241, *cuts})
    whole = await place.energy.electrical(place.block, ORIGIN, ORIGIN + 241 * MINUTE)
    parts = [await place.energy.electrical(place.block, ORIGIN + a * MINUTE, ORIGIN + b * MINUTE) for a, b in pairwise(edges)]
    assert sum(float(part.total) for part in parts) == pytest.approx(float(whole.total), abs=1e-6)
    assert sum(len(part.rows) for part in parts) == len(whole.rows)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    zone=st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo"]),
    around=st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-05", "2026-04-24", "2025-11-02", "2025-10-26"]),
    begin=st.integers(0, 30),
    hours=st.integers(1, 80),
)
async def test_days_of_any_zone(place: Plant, zone: str, around: str, begin: int, hours: int) -> None:
    """Days of 23, 24 and 25 hours hold what began in them, and nothing is lost between them."""
    origin = to_micros(datetime.fromisoformat(around).replace(tzinfo=UTC)) - DAY
    await place.begin()
    (main,) = await place.meters(spec("P", role="facility_main", poll_ms=300_000))
    samples = {origin + i * BUCKET: (100.0 + i % 50, 0) for i in range(4 * 288)}
    await place.send(main, [(time, *rest) for time, rest in samples.items()])
    start, end = origin + begin * HOUR, origin + (begin + hours) * HOUR
    expected: dict[str, float] = {}
    for bucket, cell in brute.power(samples, 300 * SECOND, 1.0, place.spine.clock.micros()).items():
        if start <= bucket < end:
            local = from_micros(bucket).astimezone(ZoneInfo(zone)).date().isoformat()
            expected[local] = expected.get(local, 0.0) + cell.energy
    found = await place.energy.daily(place.block, start, end, zone)
    got = {from_micros(day.day).astimezone(ZoneInfo(zone)).date().isoformat(): float(day.electrical_kwh) for day in found}
    assert got == pytest.approx(expected)
    for day in found:
        assert from_micros(day.day).astimezone(ZoneInfo(zone)).hour in (0, 1)
        assert ("partial_day" in day.flags) == (day.start > day.day or (day.end == end and _next_midnight(day.day, zone) > end))


def _next_midnight(day: int, zone: str) -> int:
    local = from_micros(day + 36 * HOUR).astimezone(ZoneInfo(zone))
    return to_micros(datetime(local.year, local.month, local.day, tzinfo=ZoneInfo(zone)))
