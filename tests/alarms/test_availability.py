"""Availability: the union of downtime, maintenance, credits and budgets; and what the log of a plant's alarms makes of it."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.alarms.availability import CLASSES, Maintenance, Span, availability, length, minutes, union, without
from wattline.alarms.downtime import Downtime
from wattline.model.clock import DAY, HOUR, MINUTE, to_micros
from wattline.model.errors import Invalid
from wattline.registry.point import Point

from .plant import ACME, Plant, high

MONTH = to_micros(datetime(2026, 1, 1, tzinfo=UTC))
LATER = MONTH + 400 * DAY
A_DAY = 1440
B, C = CLASSES["B"], CLASSES["C"]


def at(minute: float) -> int:
    return MONTH + round(minute * MINUTE)


def down(*spans: tuple[float, float]) -> list[Span]:
    return [Span(at(a), at(b)) for a, b in spans]


moment = st.integers(-200, A_DAY + 200)
some_spans = st.lists(st.tuples(moment, moment), max_size=12)
windows = st.lists(st.tuples(moment, st.integers(1, 400), st.sampled_from([1.0, 47.9, 48.0, 60.0])), max_size=4)


@given(some_spans, windows, st.integers(-100, A_DAY + 100))
def test_downtime_is_what_a_look_at_every_minute_finds(
    spans: list[tuple[int, int]], planned: list[tuple[int, int, float]], now: int
) -> None:
    told = [Maintenance(at(a), at(a + width), at(a) - round(notice * HOUR)) for a, width, notice in planned]
    found = availability(down(*spans), MONTH, MONTH + DAY, at(now), B, told)

    def is_down(minute: int) -> bool:
        return any(a <= minute < b for a, b in spans)

    def is_excused(minute: int) -> bool:
        return any(notice >= 48 and a <= minute < a + width for a, width, notice in planned)

    passed = range(max(0, min(now, A_DAY)))
    assert found.passed == len(passed) * MINUTE
    assert found.down == sum(is_down(m) and not is_excused(m) for m in passed) * MINUTE
    assert found.excused == sum(is_down(m) and is_excused(m) for m in passed) * MINUTE
    assert length(found.outages) == found.down
    assert all(one.end < other.start for one, other in zip(found.outages, found.outages[1:], strict=False))


@given(some_spans, some_spans)
def test_time_without_holes_is_what_a_look_at_every_minute_finds(
    spans: list[tuple[int, int]], holes: list[tuple[int, int]]
) -> None:
    left = without([Span(*each) for each in spans], [Span(*each) for each in holes])
    covered = {m for a, b in spans for m in range(a, b)} - {m for a, b in holes for m in range(a, b)}
    assert {m for span in left for m in range(span.start, span.end)} == covered
    assert length(left) == len(covered)


def test_incidents_that_overlap_count_once() -> None:
    found = availability(down((0, 60), (30, 90), (45, 50), (200, 210)), MONTH, MONTH + DAY, LATER, B)
    assert found.outages == (Span(at(0), at(90)), Span(at(200), at(210)))
    assert minutes(found.down) == Decimal("100.0000")
    assert found.percent == Decimal("93.0555")


def test_spans_that_touch_are_one_outage() -> None:
    assert union(down((0, 10), (10, 20), (5, 5), (30, 25))) == down((0, 20))


def test_an_open_alarm_ends_now_and_not_with_the_period() -> None:
    found = availability([Span(at(600), LATER)], MONTH, MONTH + DAY, at(720), B)
    assert (found.passed, found.down) == (720 * MINUTE, 120 * MINUTE)
    assert found.percent == Decimal("83.3333")


def test_a_period_that_has_not_begun_has_no_availability() -> None:
    found = availability([Span(0, LATER)], MONTH, MONTH + DAY, MONTH - HOUR, B)
    assert (found.percent, found.down, found.credit, found.warning, found.exhausted) == (None, 0, 0, False, False)


@pytest.mark.parametrize(("days", "budget"), [(31, "44.6400"), (28, "40.3200"), (30, "43.2000")])
def test_the_budget_of_class_b(days: int, budget: str) -> None:
    assert minutes(availability([], MONTH, MONTH + days * DAY, MONTH, B).budget) == Decimal(budget)


@pytest.mark.parametrize(
    ("lost", "percent", "credit"),
    [
        (0, "100.0000", 0),
        (10, "99.9000", 0),
        (10.0001, "99.8999", 5),
        (60, "99.4000", 5),
        (60.0001, "99.3999", 10),
        (110, "98.9000", 10),
        (110.0001, "98.8999", 25),
        (210, "97.9000", 25),
        (210.0001, "97.8999", 50),
        (10_000, "0.0000", 50),
    ],
)
def test_the_credit_grows_with_what_is_missing_and_every_bound_itself_is_kept(lost: float, percent: str, credit: int) -> None:
    # 10,000 minutes, of which class B may lose 10.
    found = availability(down((0, lost)), MONTH, at(10_000), LATER, B)
    assert (found.percent, found.credit) == (Decimal(percent), credit)
    assert (found.percent or 0) < B if credit else (found.percent or 0) >= B


def test_the_letter_c_is_the_strictest() -> None:
    assert list(CLASSES.items()) == [("A", Decimal("99.00")), ("B", Decimal("99.90")), ("C", Decimal("99.99"))]
    lost = down((0, 5))
    assert [availability(lost, MONTH, at(10_000), LATER, target).credit for target in CLASSES.values()] == [0, 0, 5]


@pytest.mark.parametrize(
    ("lost", "warning", "exhausted"), [(0, False, False), (7.5, False, False), (7.6, True, False), (10, True, True)]
)
def test_a_breach_is_announced_at_three_quarters_of_the_whole_periods_budget(
    lost: float, warning: bool, exhausted: bool
) -> None:
    # Only a tenth of the period has passed: its budget is 10 minutes all the same.
    found = availability(down((0, lost)), MONTH, at(10_000), at(1_000), B)
    assert (found.warning, found.exhausted) == (warning, exhausted)
    assert found.used == Decimal(str(lost)) / 10


def test_maintenance_counts_unless_it_was_announced_two_days_before() -> None:
    window = (at(100), at(200))
    early = Maintenance(*window, window[0] - 48 * HOUR)
    late = Maintenance(*window, window[0] - 48 * HOUR + 1)
    assert (early.excused, late.excused) == (True, False)
    lost = down((50, 250))
    assert availability(lost, MONTH, MONTH + DAY, LATER, B, [early]).outages == tuple(down((50, 100), (200, 250)))
    assert availability(lost, MONTH, MONTH + DAY, LATER, B, [early]).excused == 100 * MINUTE
    assert availability(lost, MONTH, MONTH + DAY, LATER, B, [late]).down == 200 * MINUTE


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(Invalid, match="percent"):
        availability([], MONTH, MONTH + DAY, LATER, Decimal("100.01"))
    with pytest.raises(Invalid, match="maintenance"):
        availability([], MONTH, MONTH + DAY, LATER, B, [Maintenance(at(5), at(5), 0)])


async def lost(plant: Plant, point: Point, start: float, end: float) -> list[tuple[float, float]]:
    """The downtime of the point's block between two moments, in seconds from the plant's beginning."""
    begun = plant.begun  # type: ignore[attr-defined]
    query = Downtime(plant.database, plant.log, plant.registry)
    a, b = begun + round(start * 1_000_000), begun + round(end * 1_000_000)
    found = union(await query.of(point.block, a, b, plant.clock.micros()))
    inside = availability(found, a, b, plant.clock.micros(), B).outages
    return [((s.start - begun) / 1_000_000, (s.end - begun) / 1_000_000) for s in inside]


@pytest.fixture
def plant(plant: Plant) -> Plant:
    plant.begun = plant.clock.micros()  # type: ignore[attr-defined]
    return plant


async def until(plant: Plant, second: float) -> None:
    plant.clock.advance(second - (plant.clock.micros() - plant.begun) / 1_000_000)  # type: ignore[attr-defined]


async def send(plant: Plant, point: Point, second: float, value: float) -> None:
    """A reading at a second from the beginning."""
    await until(plant, second)
    await plant.alarms.take([plant.row(point, value)])


async def test_severe_alarms_of_a_block_make_its_downtime(plant: Plant) -> None:
    one, two = await plant.add("A", high(10.0)), await plant.add("B", high(10.0, "P0"))
    mild, elsewhere = await plant.add("C", high(10.0, "P2")), await plant.add("D", high(10.0), block="b2")
    foreign = await plant.add("A", high(10.0), tenant="other")
    for point in (one, mild, elsewhere, foreign):
        await send(plant, point, 100, 11)
    await send(plant, two, 150, 11)
    await send(plant, one, 200, 1)
    await send(plant, two, 300, 1)
    await until(plant, 1000)
    # Nobody has acknowledged them; the block works again all the same.
    assert plant.state(two) == "RTN_UNACK"
    assert await lost(plant, one, 0, 1000) == [(100, 300)]
    assert await lost(plant, one, 120, 220) == [(120, 220)]
    assert await lost(plant, one, 300, 1000) == []
    assert await lost(plant, elsewhere, 0, 1000) == [(100, 1000)]


async def test_a_second_raise_of_the_same_alarm_does_not_hide_the_first(plant: Plant) -> None:
    point = await plant.add("A", high(10.0))
    for second, value in ((100, 11), (200, 1), (300, 11), (400, 1), (500, 11)):
        await send(plant, point, second, value)
    await until(plant, 600)
    (alarm,) = {change.alarm.id for change in plant.told}
    assert alarm is not None
    assert await lost(plant, point, 0, 1000) == [(100, 200), (300, 400), (500, 600)]
    assert await lost(plant, point, 150, 350) == [(150, 200), (300, 350)]
    assert await lost(plant, point, 150, 180) == [(150, 180)]
    assert await lost(plant, point, 210, 290) == []


async def test_an_alarm_counts_while_it_is_severe(plant: Plant) -> None:
    point = await plant.add("A", high(10.0, "P2"), high(20.0, "P1", "HH"))
    for second, value in ((100, 11), (200, 21), (300, 11), (400, 1)):
        await send(plant, point, second, value)
    await until(plant, 600)
    assert await lost(plant, point, 0, 600) == [(200, 300)]
    assert await lost(plant, point, 220, 280) == [(220, 280)]


async def test_a_shelf_does_not_make_the_block_work(plant: Plant) -> None:
    point = await plant.add("A", high(10.0))
    await send(plant, point, 100, 11)
    await until(plant, 150)
    await plant.alarms.shelve(ACME, point.id, "ann", "later", 2 * HOUR)
    await send(plant, point, 500, 1)
    await until(plant, 1000)
    assert await lost(plant, point, 0, 1000) == [(100, 500)]
    await until(plant, 8000)
    await plant.alarms.tick()
    assert plant.state(point) is None
    assert await lost(plant, point, 0, 8000) == [(100, 500)]


async def test_a_sensor_that_is_out_of_service_is_no_witness(plant: Plant) -> None:
    point = await plant.add("A", high(10.0))
    await send(plant, point, 100, 11)
    await until(plant, 200)
    await plant.alarms.take_out_of_service(ACME, point.id, "ann", "calibration")
    await until(plant, 300)
    await plant.alarms.return_to_service(ACME, point.id, "ann")
    await send(plant, point, 400, 1)
    await plant.alarms.acknowledge(ACME, point.id, "ann")
    assert await lost(plant, point, 0, 400) == [(100, 200), (300, 400)]
    await until(plant, 500)
    await plant.alarms.take_out_of_service(ACME, point.id, "ann", "replaced")
    await send(plant, point, 600, 11)
    await until(plant, 700)
    assert plant.state(point) == "SUPPRESSED"
    assert await lost(plant, point, 450, 700) == []


async def test_an_alarm_that_is_hidden_as_a_consequence_counts(plant: Plant) -> None:
    pump = await plant.add("ML-PUMP-A-SPEED", high(10.0, "P2"), subsystem="thermal-l2")
    flow = await plant.add("ML-FLOW", high(10.0), subsystem="thermal-l2")
    await send(plant, pump, 100, 11)
    await send(plant, flow, 110, 11)
    await until(plant, 300)
    assert plant.state(flow) == "SUPPRESSED"
    assert await lost(plant, flow, 0, 300) == [(110, 300)]
    await send(plant, flow, 310, 1)
    await until(plant, 400)
    assert await lost(plant, flow, 0, 400) == [(110, 310)]


async def test_an_alarm_that_ends_because_its_limits_are_gone(plant: Plant) -> None:
    point = await plant.add("A", high(10.0))
    await send(plant, point, 100, 11)
    await send(plant, point, 180, 12)
    await until(plant, 200)
    await plant.alarms.set_limits(ACME, point.id, [])
    await until(plant, 900)
    ((start, end),) = await lost(plant, point, 0, 900)
    assert start == 100
    assert 180 <= end <= 200


async def test_any_history_gives_the_time_in_which_a_value_was_severe(plant: Plant) -> None:
    chance = random.Random(7)
    points = [await plant.add(tag, high(10.0, "P2"), high(20.0, "P1", "HH")) for tag in "AB"]
    severe: list[bool] = []
    values = dict.fromkeys(points, 0.0)
    for second in range(1, 121):
        severe.append(any(value > 20 for value in values.values()))
        point = chance.choice(points)
        alarm = plant.alarms.live(point.id)
        if alarm is not None and alarm.standing and chance.random() < 0.3:
            await until(plant, second)
            await plant.alarms.acknowledge(ACME, point.id, "ann")
        elif chance.random() < 0.5:
            values[point] = chance.choice([1.0, 11.0, 21.0, 22.0])
            await send(plant, point, second, values[point])
    await until(plant, 120)
    for _ in range(40):
        start, end = sorted(chance.sample(range(121), 2))
        found = await lost(plant, points[0], start, end)
        assert {s for a, b in found for s in range(round(a), round(b))} == {s for s in range(start, end) if severe[s]}
    assert 20 < sum(severe) < 100


async def test_an_alarm_that_stood_all_the_time_is_found_without_an_event_in_the_range(plant: Plant) -> None:
    point = await plant.add("A", high(10.0))
    await send(plant, point, 100, 11)
    await send(plant, point, 50_000, 1)
    await send(plant, point, 60_000, 11)
    assert await lost(plant, point, 20_000, 30_000) == [(20_000, 30_000)]
    assert await lost(plant, point, 52_000, 53_000) == []
    assert await lost(plant, point, 70_000, 80_000) == []
