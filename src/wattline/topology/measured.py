"""What the meters of a site's nodes measure, as columns: one row a node.

Every field has the value that was told last, whichever row told it, so long as that is fresh: no older than three intervals of
its meter, or a minute. Where even the power is older, it is shown, as stale, with what was told no earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattline.model.record import NEVER, Quality, Row
from wattline.topology.found import Found
from wattline.topology.plan import (
    CURRENTS,
    FACTOR,
    FIELDS,
    LINES,
    POWER,
    POWERS,
    REACTIVE,
    VOLTAGES,
    Floats,
    Group,
    Ints,
    Pick,
    Plan,
)

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Measured:
    """One entry a node, NaN where nothing was measured. `time` (us) is that of the reading of power, of the oldest where it is
    a sum; where there is none that of the newest reading; NEVER without any.

    Power in W, reactive power in var, voltage in V between phase and neutral (the mean of the phases), current in A: `current`
    the root of the mean square over the phases, `highest` that of the phase with most. `stale` says that the reading is too old
    to count on.
    """

    power: Floats
    reactive: Floats
    voltage: Floats
    current: Floats
    highest: Floats
    factor: Floats
    time: Ints
    stale: Bools


Rows = Sequence[Sequence[tuple[Row, ...]]]
"""The rows of every stream of every group of a plan, newest first."""


def rows_of(plan: Plan) -> Rows:
    """What is kept in memory now."""
    return [[each.newest() for each in group.kept] for group in plan.groups]


def newest(plan: Plan, rows: Rows, count: int, now: int) -> Measured:
    """What rows say of `count` nodes."""
    values, times = _unknown(plan)
    for group, of_streams in zip(plan.groups, rows, strict=True):
        at = np.array(group.terms, np.int64)[:, None], group.pick.fields
        values[at], times[at] = _gathered(group, of_streams)
    return combined(plan, count, values, times, now)


def _gathered(group: Group, rows: Sequence[tuple[Row, ...]]) -> tuple[Floats, Ints]:
    """The newest value of each field (columns) of the terms of a group (rows), and its time (us).

    What was gathered before is kept: only streams that told something since are looked at again.
    """
    former = group.gathered
    if former is None:
        shape = len(rows), len(group.pick.fields)
        values, times = np.full(shape, np.nan), np.full(shape, NEVER, np.int64)
        changed = list(range(len(rows)))
    else:
        changed = [n for n, (mine, before) in enumerate(zip(rows, former[0], strict=True)) if mine is not before]
        if not changed:
            return former[1], former[2]
        values, times = former[1].copy(), former[2].copy()
        values[changed], times[changed] = np.nan, NEVER
    for depth in range(max(len(rows[n]) for n in changed) if changed else 0):
        some = [n for n in changed if len(rows[n]) > depth]
        _fill(values, times, group.pick, np.array(some, np.int64), [rows[n][depth] for n in some])
    # Two threads may gather at once: each keeps something whole.
    group.gathered = rows, values, times
    return values, times


def _fill(values: Floats, times: Ints, pick: Pick, places: Ints, rows: Sequence[Row]) -> None:
    """Take over what rows, one a place, say of fields that no newer row told."""
    found = np.array([pick.get(row.values) for row in rows], np.float64)[:, 1:] * pick.factors
    taken = (times[places] == NEVER) & ~np.isnan(found)
    if any(row.quality for row in rows):
        found[_bad(rows, pick.get)] = np.nan
    values[places] = np.where(taken, found, values[places])
    times[places] = np.where(taken, np.array([row.time for row in rows], np.int64)[:, None], times[places])


def _bad(rows: Sequence[Row], pick: Any) -> Bools:
    """Which of the values are BAD."""
    each = [
        pick(row.quality)[1:] if isinstance(row.quality, tuple) else (row.quality,) * (len(pick(row.values)) - 1)
        for row in rows
    ]
    return np.array(each, np.int64) >= Quality.BAD


def combined(plan: Plan, count: int, values: Floats, times: Ints, now: int) -> Measured:
    """Figures of `count` nodes from the newest values and their times (us), one row a term and one column a field."""
    oldest = now - plan.stale_after
    power, since = _power(values, times, oldest)
    told = since > NEVER
    limit = np.where(told, np.minimum(oldest, since), oldest)
    time = np.where(told, since, times.max(axis=1, initial=NEVER))
    values = np.where(times < limit[:, None], np.nan, values)
    made = _nothing(count)
    for total, each in ((made.power, power), (made.reactive, values[:, REACTIVE])):
        total[plan.node] = 0.0
        np.add.at(total, plan.node, plan.sign * each)
    made.time[plan.node] = np.iinfo(np.int64).max
    np.minimum.at(made.time, plan.node, time)
    made.stale[plan.node[time < oldest]] = True
    at, own = plan.node[plan.plain], values[plan.plain]
    voltage = _mean(own[:, VOLTAGES])
    made.voltage[at] = np.where(np.isnan(voltage), _mean(own[:, LINES]) / sqrt(3), voltage)
    made.current[at] = np.sqrt(_mean(own[:, CURRENTS] ** 2))
    made.highest[at] = np.fmax.reduce(np.abs(own[:, CURRENTS]), axis=1)
    made.factor[at] = np.abs(own[:, FACTOR])
    return made


def _nothing(count: int) -> Measured:
    power, reactive, voltage, current, highest, factor = np.full((6, count), np.nan)
    time, stale = np.full(count, NEVER, np.int64), np.zeros(count, bool)
    return Measured(power, reactive, voltage, current, highest, factor, time, stale)


def _power(values: Floats, times: Ints, oldest: Ints) -> tuple[Floats, Ints]:
    """The power of each term and when it was told: the total, or the sum of the phases where only that is there, or fresh."""
    total, phases = values[:, POWER], values[:, POWERS].sum(axis=1)
    since, of_phases = times[:, POWER], times[:, POWERS].min(axis=1)
    fresher = (since < oldest) & (of_phases > since)
    by_phase = ~np.isnan(phases) & (np.isnan(total) | fresher)
    return np.where(by_phase, phases, total), np.where(by_phase, of_phases, since)


def _mean(values: Floats) -> Floats:
    """The mean of each row over what is known, NaN where nothing is."""
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    return np.where(counts > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(counts, 1), np.nan)


def of_history(plan: Plan, count: int, found: Found, moment: int) -> Measured:
    """What the newest readings of sensors say of `count` nodes."""
    values, times = _unknown(plan)
    for group in plan.groups:
        at = np.array(group.terms, np.int64)[:, None], group.pick.fields
        place = found.places(group.sensors)
        there = place >= 0
        if there.any():
            times[at] = np.where(there, found.time[place], NEVER)
            values[at] = np.where(there, found.value[place] * group.pick.factors, np.nan)
    return combined(plan, count, values, times, moment)


def _unknown(plan: Plan) -> tuple[Floats, Ints]:
    """Values and times of every field of each term, before anything is known."""
    shape = len(plan.node), len(FIELDS)
    return np.full(shape, np.nan), np.full(shape, NEVER, np.int64)
