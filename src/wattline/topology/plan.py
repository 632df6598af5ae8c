"""Where the figures of a site's nodes are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from wattline.metering.fields import COLUMN
from wattline.metering.model import Channel, Meter
from wattline.model.clock import SECOND
from wattline.model.errors import NotFound
from wattline.model.record import Row
from wattline.registry.stream import Stream
from wattline.topology.last_rows import Kept, LastRows
from wattline.topology.model import Node

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
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
    "reactive_power",
)
"""In the order of the columns that are gathered."""
POWER, POWERS, VOLTAGES, LINES, CURRENTS, FACTOR, REACTIVE = 0, slice(1, 4), slice(4, 7), slice(7, 10), slice(10, 13), 13, 14
OF_POWER = (POWER, *range(POWERS.start, POWERS.stop))
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


class Pick:
    """Which columns of a stream are which of FIELDS, and what their values are multiplied by."""

    def __init__(self, fields: Sequence[int], columns: Sequence[int], factors: Sequence[float]) -> None:
        self.fields = list(fields)
        self.columns = tuple(columns)
        self.factors = np.array(factors, np.float64)
        self.of_power = [place for place, field in enumerate(self.fields) if field in OF_POWER]
        """Which of them are power."""
        # One name alone gives no tuple, so the first is named twice.
        self.get: Any = itemgetter(columns[0], *columns)


class Part(NamedTuple):
    """A stream that has some of a meter's fields."""

    stream: Stream
    pick: Pick


class Term(NamedTuple):
    """One meter that a node's figure is made of. Only of a `plain` one, which is the node's own, more than power is taken."""

    node: int
    sign: float
    plain: bool
    stale_after: int


@dataclass(eq=False)
class Group:
    """Terms whose fields are in the same columns, by the same factors: they are gathered at once."""

    pick: Pick
    terms: list[int]
    kept: list[Kept]
    gathered: tuple[Sequence[tuple[Row, ...]], Floats, Ints] | None = None
    """The rows that were gathered last, and their values and times: replaced as a whole, never written to."""

    @cached_property
    def sensors(self) -> Ints:
        """The sensors of its terms (rows) in the order of the fields of `pick` (columns)."""
        found = [self.pick.get(each.stream.sensor_ids)[1:] for each in self.kept]
        return np.array(found, np.int64).reshape(len(found), len(self.pick.fields))


@dataclass(frozen=True, eq=False)
class Plan:
    """Where to read what, for the nodes of one site: a column each of what a `Term` has.

    `waiting` says that a meter has no place to read yet.
    """

    groups: Sequence[Group]
    node: Ints
    sign: Floats
    plain: NDArray[np.bool_]
    stale_after: Ints
    waiting: bool


OwnStreams = dict[int, tuple[Meter, Stream]]
"""The streams of meters with readings of their own that were looked up before, by the meter's id."""


class Planner:
    """Makes the plan of a site out of its nodes, handed over in order, in as many turns as one likes.

    `last` keeps what is read by the plan, `own` the streams that were looked up.
    """

    def __init__(self, tenant: str, meters: Meters, last: LastRows, own: OwnStreams) -> None:
        self._tenant = tenant
        self._meters = meters
        self._last = last
        self._streams = own
        self._groups: dict[Pick, Group] = {}
        self._count = 0
        self._terms: list[Term] = []
        self._picks: dict[tuple[Any, ...], Pick] = {}
        self._own = Pick(range(len(FIELDS)), [COLUMN[field] for field in FIELDS], [1.0] * len(FIELDS))
        self._waiting = False
        self.meters: list[Meter | None] = []
        """The meter of each node so far."""

    def add(self, nodes: Iterable[Node]) -> None:
        """The next nodes."""
        for node in nodes:
            meter = None if node.meter_id is None else self._meters.find(self._tenant, node.meter_id)
            self.meters.append(meter)
            if meter is not None:
                for sign, member, plain in _members(self._tenant, meter, self._meters):
                    stale_after = max(STALE_INTERVALS * member.interval_s * SECOND, STALE_LEAST)
                    parts = self._parts(member)
                    self._waiting = self._waiting or not parts
                    self._gather(parts)
                    self._terms.append(Term(self._count, sign, plain, stale_after))
            self._count += 1

    def _gather(self, parts: Iterable[Part]) -> None:
        """Let the next term be read with those that have their fields in the same columns."""
        for stream, pick in parts:
            group = self._groups.get(pick)
            if group is None:
                group = self._groups[pick] = Group(pick, [], [])
            group.terms.append(len(self._terms))
            group.kept.append(self._last.of(stream, pick.columns))

    def _parts(self, meter: Meter) -> tuple[Part, ...]:
        """The streams of a meter. One with readings of its own has all fields in one, which saves most look-ups."""
        known = self._streams.get(meter.id)
        if known is not None and known[0] is meter:
            return (Part(known[1], self._own),)
        if meter.takes_readings:
            own = self._meters.channel(meter, FIELDS[0])
            if own is None:
                return ()
            self._streams[meter.id] = meter, own.stream
            return (Part(own.stream, self._own),)
        by_stream: dict[int, list[tuple[int, Channel]]] = {}
        for field, name in enumerate(FIELDS):
            channel = self._meters.channel(meter, name)
            if channel is not None:
                by_stream.setdefault(channel.stream.id, []).append((field, channel))
        return tuple(Part(found[0][1].stream, self._pick(found)) for found in by_stream.values())

    def _pick(self, found: Sequence[tuple[int, Channel]]) -> Pick:
        key = tuple((field, channel.column, channel.factor) for field, channel in found)
        pick = self._picks.get(key)
        if pick is None:
            fields, columns, factors = zip(*key, strict=True)
            pick = self._picks[key] = Pick(fields, columns, factors)
        return pick

    def done(self) -> Plan:
        """The plan of all nodes that were added."""
        terms = self._terms
        return Plan(
            list(self._groups.values()),
            np.array([term.node for term in terms], np.int64),
            np.array([term.sign for term in terms], np.float64),
            np.array([term.plain for term in terms], bool),
            np.array([term.stale_after for term in terms], np.int64),
            self._waiting,
        )


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
