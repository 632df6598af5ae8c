"""What the meters of a site's nodes measure, as columns: one row a node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from wattline.metering.fields import COLUMN
from wattline.metering.model import Channel, Meter
from wattline.model.clock import SECOND
from wattline.model.errors import NotFound
from wattline.model.record import NEVER, Quality, shown
from wattline.registry.stream import Stream
from wattline.topology.model import Node

Floats = NDArray[np.float64]
FIELDS = (
    "total_power",
    "power_a",
    "power_b",
    "power_c",
    "voltage_a",
    "voltage_b",
    "voltage_c",
    "voltage_ab",
    "voltage_bc",
    "voltage_ca",
    "current_a",
    "current_b",
    "current_c",
    "power_factor",
)
"""In the order of the columns that are gathered."""
POWER, POWERS, VOLTAGES, LINES, CURRENTS, FACTOR = 0, slice(1, 4), slice(4, 7), slice(7, 10), slice(10, 13), 13
STALE_INTERVALS = 3
STALE_LEAST = 60 * SECOND
"""A reading is stale after three of its meter's intervals, but not within a minute."""


class Meters(Protocol):
    """What is asked of `metering`."""

    def find(self, tenant: str, number: int) -> Meter | None:
        """The meter with this id, None where there is none."""
        ...

    def channel(self, meter: Meter, field: str) -> Channel | None:
        """Where a field of a meter is stored; None where it is nowhere."""
        ...


class Term(NamedTuple):
    """One meter that a node's figure is made of. Only of a `plain` one, which is the node's own, more than power is taken."""

    node: int
    sign: float
    plain: bool
    stale_after: int
    channels: tuple[Channel | None, ...]


@dataclass(eq=False)
class Group:
    """Terms whose fields are in the same columns, by the same factors: they are gathered at once."""

    terms: list[int]
    streams: list[Stream]
    pick: Any
    fields: list[int]
    factors: Floats


@dataclass(frozen=True, eq=False)
class Plan:
    """Where to read what, for the nodes of one site. `waiting` says that a meter has no place to read yet."""

    terms: Sequence[Term]
    groups: Sequence[Group]
    node: NDArray[np.int64]
    sign: Floats
    plain: NDArray[np.bool_]
    stale_after: NDArray[np.int64]
    waiting: bool


@dataclass(frozen=True, eq=False)
class Measured:
    """One entry a node, NaN where nothing was measured. `time` (us) is that of the oldest reading taken, NEVER without any.

    Power in W, voltage in V between phase and neutral (the mean of the phases), current in A: `current` the root of the mean
    square over the phases, `highest` that of the phase with most. `stale` says that the reading is too old to count on.
    """

    power: Floats
    voltage: Floats
    current: Floats
    highest: Floats
    factor: Floats
    time: NDArray[np.int64]
    stale: NDArray[np.bool_]


def plan_of(tenant: str, nodes: Sequence[Node], meters: Meters) -> Plan:
    """Where the figures of these nodes are."""
    terms: list[Term] = []
    waiting = False
    for index, node in enumerate(nodes):
        meter = None if node.meter_id is None else meters.find(tenant, node.meter_id)
        if meter is None:
            continue
        for sign, member, plain in _members(tenant, meter, meters):
            stale_after = max(STALE_INTERVALS * member.interval_s * SECOND, STALE_LEAST)
            channels = _channels(member, meters)
            waiting = waiting or not any(channels)
            terms.append(Term(index, sign, plain, stale_after, channels))
    return Plan(
        terms,
        _groups(terms),
        np.array([term.node for term in terms], np.int64),
        np.array([term.sign for term in terms], np.float64),
        np.array([term.plain for term in terms], bool),
        np.array([term.stale_after for term in terms], np.int64),
        waiting,
    )


def _channels(meter: Meter, meters: Meters) -> tuple[Channel | None, ...]:
    """Where each of FIELDS is. A meter with readings of its own has them all in one stream, which saves most look-ups."""
    if not meter.takes_readings:
        return tuple(meters.channel(meter, field) for field in FIELDS)
    own = meters.channel(meter, FIELDS[0])
    return tuple(None if own is None else Channel(own.stream, COLUMN[field], own.factor) for field in FIELDS)


def _members(tenant: str, meter: Meter, meters: Meters) -> Iterable[tuple[float, Meter, bool]]:
    """The meter itself, or those that a virtual one adds up."""
    if meter.kind != "virtual":
        return [(1.0, meter, True)]
    found: list[tuple[float, Meter, bool]] = []
    waiting = [(1.0, meter)]
    while waiting:
        sign, each = waiting.pop()
        for term in each.formula:
            member = meters.find(tenant, term.meter_id)
            if member is None:
                raise NotFound("no such meter")
            if member.kind == "virtual":
                waiting.append((sign * term.sign, member))
            else:
                found.append((sign * term.sign, member, False))
    return found


def _groups(terms: Sequence[Term]) -> list[Group]:
    """Terms by their columns. The fields of a term are in one stream, or in several: each is gathered by itself."""
    found: dict[tuple[Any, ...], Group] = {}
    for index, term in enumerate(terms):
        by_stream: dict[int, list[int]] = {}
        for field, channel in enumerate(term.channels):
            if channel is not None:
                by_stream.setdefault(channel.stream.id, []).append(field)
        for fields in by_stream.values():
            held = [channel for field in fields if (channel := term.channels[field]) is not None]
            columns, factors = [each.column for each in held], [each.factor for each in held]
            key = (*fields, None, *columns, None, *factors)
            group = found.get(key)
            if group is None:
                # One name alone gives no tuple, so the first is named twice.
                pick = itemgetter(columns[0], *columns)
                group = found[key] = Group([], [], pick, fields, np.array(factors))
            group.terms.append(index)
            group.streams.append(held[0].stream)
    return list(found.values())


def newest(plan: Plan, count: int, now: int) -> Measured:
    """What the newest committed reading of each meter says."""
    values = np.full((len(plan.terms), len(FIELDS)), np.nan)
    times = np.full(len(plan.terms), NEVER, np.int64)
    for group in plan.groups:
        rows = [None if (row := stream.latest) is None else row if row.mark is None else shown(row) for stream in group.streams]
        some = [index for index, row in enumerate(rows) if row is not None]
        if not some:
            continue
        held = [row for row in rows if row is not None]
        pick = group.pick
        found = np.array([pick(row.values) for row in held], np.float64)[:, 1:] * group.factors
        if any(row.quality for row in held):
            found[_bad(held, pick)] = np.nan
        terms = np.array(group.terms)[some]
        values[terms[:, None], group.fields] = found
        times[terms] = np.maximum(times[terms], [row.time for row in held])
    return combined(plan, count, values, times, now)


def _bad(rows: Sequence[Any], pick: Any) -> NDArray[np.bool_]:
    """Which of the values are BAD."""
    each = [
        pick(row.quality)[1:] if isinstance(row.quality, tuple) else (row.quality,) * (len(pick(row.values)) - 1)
        for row in rows
    ]
    return np.array(each, np.int64) >= Quality.BAD


def combined(plan: Plan, count: int, values: Floats, times: NDArray[np.int64], now: int) -> Measured:
    """Figures of `count` nodes from values, one row a term and one column a field, and the time of each term's reading (us)."""
    power = values[:, POWER].copy() if len(values) else np.zeros(0)
    phases = values[:, POWERS].sum(axis=1)
    power = np.where(np.isnan(power), phases, power)
    made = Measured(
        np.full(count, np.nan),
        np.full(count, np.nan),
        np.full(count, np.nan),
        np.full(count, np.nan),
        np.full(count, np.nan),
        np.full(count, NEVER, np.int64),
        np.zeros(count, bool),
    )
    made.power[plan.node] = 0.0
    np.add.at(made.power, plan.node, plan.sign * power)
    made.time[plan.node] = np.iinfo(np.int64).max
    np.minimum.at(made.time, plan.node, times)
    old = times < now - plan.stale_after
    made.stale[plan.node[old]] = True
    at, own = plan.node[plan.plain], values[plan.plain]
    voltage = _mean(own[:, VOLTAGES])
    made.voltage[at] = np.where(np.isnan(voltage), _mean(own[:, LINES]) / sqrt(3), voltage)
    made.current[at] = np.sqrt(_mean(own[:, CURRENTS] ** 2))
    made.highest[at] = np.fmax.reduce(np.abs(own[:, CURRENTS]), axis=1)
    made.factor[at] = np.abs(own[:, FACTOR])
    return made


def _mean(values: Floats) -> Floats:
    """The mean of each row over what is known, NaN where nothing is."""
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    return np.where(counts > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(counts, 1), np.nan)


def of_history(plan: Plan, count: int, found: Mapping[int, tuple[int, float]], moment: int) -> Measured:
    """What the newest reading of each sensor said, given as sensor id to (time, value)."""
    values = np.full((len(plan.terms), len(FIELDS)), np.nan)
    times = np.full(len(plan.terms), NEVER, np.int64)
    for index, term in enumerate(plan.terms):
        for field, channel in enumerate(term.channels):
            if channel is None:
                continue
            reading = found.get(channel.stream.sensor_ids[channel.column])
            if reading is not None:
                times[index] = max(times[index], reading[0])
                values[index, field] = reading[1] * channel.factor
    return combined(plan, count, values, times, moment)
