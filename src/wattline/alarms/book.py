"""What this process holds in memory of every watched sensor: always what the store holds, or a little newer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from wattline.alarms.cascade import CascadeRule, Kinship, signature
from wattline.alarms.columns import Columns
from wattline.alarms.model import Alarm
from wattline.alarms.watch import Watch
from wattline.model.place import Block
from wattline.registry.point import Point


class Places(Protocol):
    """What alarms need of the registry."""

    def point(self, tenant: str, sensor_id: int) -> Point:
        """The tenant's point with this id; NotFound also where it is another's."""
        ...

    def any_point(self, sensor_id: int) -> Point:
        """The point of any tenant."""
        ...

    def block_points(self, block_id: int) -> list[Point]:
        """The points of a block, by id."""
        ...

    def blocks(self, tenant: str, site: str | None = None) -> list[Block]:
        """The blocks of a tenant, or of one of its sites."""
        ...

    @property
    def blocks_by_id(self) -> dict[int, Block]:
        """Every block there is."""
        ...


class Column(NamedTuple):
    """A sensor with limits: its place in the rows of its stream, and its place in the columns."""

    position: int
    place: int


class Book:
    """Every sensor about which something is known, and what is looked up often.

    The columns have the newest sample of each sensor with limits; the rest of its condition is the same here and there.
    """

    def __init__(self, places: Places, rules: Sequence[CascadeRule]) -> None:
        self._places = places
        self._rules = rules
        self._watches: dict[int, Watch] = {}
        self._kin: dict[int, Kinship] = {}
        self._indexes: dict[int, int] = {}
        self.columns = Columns()
        self.sensors: list[int] = []
        """By index in the columns."""
        self.limited: dict[int, tuple[Column, ...]] = {}
        """By stream, the sensors whose samples are evaluated."""
        self.shelved: dict[int, int] = {}
        """By sensor, until when its alarm is shelved."""
        self.suppressed: set[int] = set()
        """Sensors whose alarm another one hides."""
        self.stale: set[int] = set()
        """Sensors whose silence was logged."""
        self.out: set[int] = set()
        """Sensors out of service."""

    def __iter__(self) -> Iterator[Watch]:
        return iter(self._watches.values())

    def __contains__(self, sensor: int) -> bool:
        return sensor in self._watches

    def stored(self, sensor: int) -> Watch | None:
        """A sensor as it was when something was last decided about it, or its delays changed."""
        return self._watches.get(sensor)

    def watch(self, sensor: int) -> Watch:
        """What is known of a sensor; nothing yet, of one that was never watched."""
        found = self._watches.get(sensor)
        if found is None:
            return Watch(self._places.any_point(sensor))
        index = self._indexes.get(sensor)
        return found if index is None else replace(found, condition=self.columns.condition(index))

    def advanced(self) -> list[int]:
        """The sensors of which samples were evaluated that are newer than what is known of them otherwise."""
        through = self.columns.through
        return [
            sensor for sensor, index in self._indexes.items() if self._watches[sensor].condition.through < int(through[index])
        ]

    def alarm(self, sensor: int) -> Alarm | None:
        """The live alarm of a sensor."""
        found = self._watches.get(sensor)
        return None if found is None else found.alarm

    def put(self, watches: Iterable[Watch]) -> None:
        """Take over what was committed or loaded."""
        for watch in watches:
            self._watches[watch.sensor] = watch
            self._follow(watch)
            self._index(watch)

    def _follow(self, watch: Watch) -> None:
        """Give the columns what they do not have yet."""
        index = self._indexes.get(watch.sensor)
        if index is None:
            if watch.limits:
                self._indexes[watch.sensor] = self.columns.add(watch.limits, watch.condition)
                self.sensors.append(watch.sensor)
        elif self.columns.limits(index) != watch.limits or self.columns.condition(index) != watch.condition:
            self.columns.put(index, watch.limits, watch.condition)

    def _index(self, watch: Watch) -> None:
        sensor, alarm = watch.sensor, watch.alarm
        if alarm is not None and alarm.shelved_until is not None:
            self.shelved[sensor] = alarm.shelved_until
        else:
            self.shelved.pop(sensor, None)
        hidden = alarm is not None and alarm.suppressed_by is not None
        (self.suppressed.add if hidden else self.suppressed.discard)(sensor)
        (self.stale.discard if watch.stale is None else self.stale.add)(sensor)
        (self.out.discard if watch.out is None else self.out.add)(sensor)
        stream, index = watch.point.stream.id, self._indexes.get(sensor)
        columns = [column for column in self.limited.get(stream, ()) if column.place != index]
        if watch.limits and index is not None:
            columns.append(Column(watch.point.position, index))
        if columns:
            self.limited[stream] = tuple(sorted(columns))
        else:
            self.limited.pop(stream, None)

    def kin(self, block: int, certain: bool = False) -> Kinship:
        """Who is whose cause in a block. `certain` compares with the registry first, which may have moved on."""
        known = self._kin.get(block)
        if known is None or certain:
            points = self._places.block_points(block)
            if known is None or known.signature != signature(points):
                known = self._kin[block] = Kinship(self._rules, points)
        return known
