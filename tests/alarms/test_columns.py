"""Columns give for every batch what judging its samples one by one gives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from wattline.alarms.columns import Changed, Columns
from wattline.alarms.condition import evaluate, usable
from wattline.alarms.model import EDGE, Condition, Limit, Sample
from wattline.model.record import NEVER

# Few numbers, so that samples hit limits, ends of deadbands and each other's times.
NUMBERS = st.sampled_from([-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0])
READINGS = st.one_of(
    NUMBERS,
    NUMBERS.map(lambda number: float(np.nextafter(number, np.inf))),
    NUMBERS.map(lambda number: float(np.nextafter(number, -np.inf))),
    st.sampled_from([float("nan"), float("inf"), float("-inf")]),
)
DELAYS = st.sampled_from([0, 0, 1, 2, 5])

LIMIT = st.builds(
    Limit,
    name=st.just(""),
    direction=st.sampled_from(["HIGH", "LOW"]),
    value=NUMBERS,
    priority=st.sampled_from(["P0", "P1", "P2", "P3"]),
    on_delay=DELAYS,
    off_delay=DELAYS,
    deadband=st.sampled_from([0.0, 0.0, 5e-324, 0.1, 0.5, 1.0, 4.0]),
    inclusive=st.booleans(),
)


@st.composite
def sets_of_limits(draw: st.DrawFn) -> tuple[Limit, ...]:
    found = draw(st.lists(LIMIT, max_size=4))
    names = draw(st.permutations(["HH", "H", "L", "LL", EDGE]))
    return tuple(
        Limit(name, each.direction, each.value, each.priority, each.on_delay, each.off_delay, each.deadband, each.inclusive)
        for name, each in zip(names, found, strict=False)
    )


@st.composite
def conditions(draw: st.DrawFn, limits: Sequence[Limit]) -> Condition:
    """Any condition, also one that no sequence of samples would give."""
    names = [limit.name for limit in limits]
    if draw(st.booleans()) or not names:
        return Condition()
    active = draw(st.frozensets(st.sampled_from([*names, "gone"])))
    pending = draw(st.dictionaries(st.sampled_from([name for name in names if name != EDGE] or names), st.integers(0, 9)))
    pending.pop(EDGE, None)
    return Condition(active, pending, draw(st.integers(0, 9)), draw(st.none() | NUMBERS))


Row = tuple[int, int, float, int]
"""Index, time, value, quality."""


@st.composite
def histories(
    draw: st.DrawFn,
) -> tuple[list[tuple[Limit, ...]], list[Condition], list[list[Row] | tuple[int, tuple[Limit, ...]]]]:
    sensors = draw(st.integers(1, 4))
    limits = [draw(sets_of_limits()) for _ in range(sensors)]
    begun = [draw(conditions(each)) for each in limits]
    row = st.tuples(st.integers(0, sensors - 1), st.integers(0, 30), READINGS, st.sampled_from([0, 0, 0, 1, 2]))
    steps = st.one_of(st.lists(row, max_size=12), st.tuples(st.integers(0, sensors - 1), sets_of_limits()))
    return limits, begun, draw(st.lists(steps, max_size=6))


def judge(columns: Columns, rows: Sequence[Row]) -> Changed:
    """A batch, as arrays."""
    index, time, value, quality = zip(*rows, strict=True) if rows else ((), (), (), ())
    return columns.evaluate(
        np.array(index, dtype=np.int64),
        np.array(time, dtype=np.int64),
        np.array(value, dtype=np.float64),
        np.array(quality, dtype=np.int8),
    )


def one_by_one(
    limits: Sequence[Limit], condition: Condition, rows: Sequence[Row]
) -> tuple[Condition, list[tuple[Condition, Sample]]]:
    """What the rows of one sensor make of it, and each change of the limits in force."""
    changes = []
    for _, time, value, quality in sorted(rows, key=lambda row: row[1]):
        after = evaluate(limits, condition, time, value, quality)
        if after.active != condition.active:
            changes.append((after, Sample(time, value)))
        condition = after
    return condition, changes


def known(limits: Sequence[Limit], condition: Condition) -> Condition:
    """A condition as a column takes it in: without limits that are not there."""
    names = {limit.name for limit in limits}
    pending = {name: since for name, since in condition.pending.items() if name in names}
    return Condition(condition.active & names, pending, condition.through, condition.value)


@settings(max_examples=250, deadline=None)
@given(histories())
@example(
    ([(Limit("H", "HIGH", 1.0, "P2"),)], [Condition()], [[(0, 5, 0.0, 2), (0, 5, 0.5, 0)], [(0, 6, 2.0, 0), (0, 6, 0.0, 0)]])
)
def test_a_batch_is_judged_as_its_samples_are_one_by_one(
    history: tuple[list[tuple[Limit, ...]], list[Condition], list[list[Row] | tuple[int, tuple[Limit, ...]]]],
) -> None:
    limits, begun, steps = history
    columns = Columns()
    for held, condition in zip(limits, begun, strict=True):
        columns.add(held, condition)
    expected = [known(held, condition) for held, condition in zip(limits, begun, strict=True)]
    for step in steps:
        if isinstance(step, tuple):
            sensor, wanted = step
            limits[sensor] = wanted
            expected[sensor] = columns.set_limits(sensor, wanted)
            continue
        changed = judge(columns, step)
        for sensor, held in enumerate(limits):
            before = expected[sensor]
            after, changes = one_by_one(held, before, [row for row in step if row[0] == sensor])
            expected[sensor] = after
            event(f"changes: {min(len(changes), 3)}")
            assert repr(changed.changes.get(sensor, [])) == repr(changes)
            assert (sensor in changed.pending) == (after.pending != before.pending)
    assert [columns.condition(sensor) for sensor in range(len(limits))] == expected


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), READINGS, st.sampled_from([0, 1, 2])), max_size=10),
        max_size=5,
    )
)
def test_the_newest_sample_is_kept(batches: list[list[Row]]) -> None:
    columns = Columns()
    for _ in range(3):
        columns.add((Limit("H", "HIGH", 1.0, "P2", on_delay=2),))
    newest: dict[int, Row] = {}
    newest_usable: dict[int, Row] = {}
    for rows in batches:
        judge(columns, rows)
        for row in sorted(rows, key=lambda row: row[1]):
            if row[0] not in newest or row[1] > newest[row[0]][1]:
                newest[row[0]] = row
                if usable(row[2], row[3]):
                    newest_usable[row[0]] = row
    for sensor in range(3):
        through, quality = (newest[sensor][1], newest[sensor][3]) if sensor in newest else (NEVER, 0)
        assert (columns.through[sensor], columns.quality[sensor]) == (through, quality)
        if sensor in newest_usable:
            assert (columns.usable[sensor], columns.value[sensor]) == newest_usable[sensor][1:3]
        else:
            assert columns.usable[sensor] == NEVER
            assert np.isnan(columns.value[sensor])


def test_columns_grow() -> None:
    columns = Columns()
    for number in range(500):
        assert columns.add((Limit("H", "HIGH", float(number), "P2"),)) == number
    changed = judge(columns, [(number, 1, 250.0, 0) for number in range(500)])
    assert sorted(changed.changes) == list(range(250))
    assert columns.condition(249).active == {"H"}
    assert columns.condition(250) == Condition(frozenset(), {}, 1, 250.0)


def test_limits_can_be_replaced_between_batches() -> None:
    columns = Columns()
    index = columns.add((Limit("H", "HIGH", 50.0, "P2", deadband=1.0),))
    judge(columns, [(index, 1, 55.0, 0)])
    assert columns.set_limits(index, (Limit("H", "HIGH", 60.0, "P2", deadband=1.0),)).active == frozenset()
    assert not judge(columns, [(index, 2, 59.0, 0)]).changes
    assert columns.set_limits(index, (Limit("HH", "HIGH", 58.0, "P1"),)).active == {"HH"}
    assert columns.limits(index) == (Limit("HH", "HIGH", 58.0, "P1"),)


@pytest.mark.parametrize("index", [-1, 1, 64])
def test_an_unknown_sensor_is_an_error(index: int) -> None:
    columns = Columns()
    columns.add()
    with pytest.raises(IndexError):
        judge(columns, [(index, 1, 1.0, 0)])
