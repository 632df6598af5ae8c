"""What is about to be decided: changes on copies, which become true when they are committed, or never."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from wattline.alarms import lifecycle
from wattline.alarms.book import Book
from wattline.alarms.model import Alarm, ChangeKind, Limit, Sample
from wattline.alarms.watch import Watch
from wattline.registry.point import Point

NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to be told of a transition of an alarm. `sample` is when it happened, and the value of then."""

    kind: ChangeKind
    point: Point
    alarm: Alarm
    sample: Sample
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the log about a sensor that is no transition of an alarm."""

    event_type: str
    point: Point
    time: int
    body: Mapping[str, Any]


class Draft:
    """The state of sensors as it will be. An alarm that is not stored yet bears a negative id.

    `now` is the moment of the decision, in us.
    """

    def __init__(self, book: Book, now: int, identity: str | None = None) -> None:
        self.book = book
        self.now = now
        self.identity = identity
        """Marks what may be sent again: if the log has it, nothing of the draft happens."""
        self.steps: list[Step] = []
        self.notes: list[Note] = []
        self.limits: dict[int, tuple[Limit, ...]] = {}
        self.alarms: dict[int, tuple[Alarm, Point]] = {}
        """By id, every alarm that is new or other than it was, as it will be."""
        self.undo: Callable[[], None] | None = None
        """Takes back what the draft has done to the book already, where it comes to nothing."""
        self._watches: dict[int, Watch] = {}
        self._decided: set[int] = set()
        self._certain: set[int] = set()
        self._made = 0

    @property
    def decided(self) -> list[Watch]:
        """The sensors about which something was decided, which must be stored."""
        return [self.watch(sensor) for sensor in sorted(self._decided)]

    @property
    def watches(self) -> list[Watch]:
        """Every sensor that is other than it was."""
        return list(self._watches.values())

    def watch(self, sensor: int) -> Watch:
        """A sensor as it will be."""
        return self._watches.get(sensor) or self.book.watch(sensor)

    def put(self, watch: Watch, decided: bool = True) -> None:
        """A sensor is as it says. Not `decided`: only samples went by, and the store may learn of it later."""
        self._watches[watch.sensor] = watch
        if decided:
            self._decided.add(watch.sensor)

    def apply(
        self, watch: Watch, outcome: lifecycle.Step | lifecycle.Outcome, sample: Sample, details: Mapping[str, object] = NOTHING
    ) -> Watch:
        """The alarm of a sensor became another, and this is told of it; the sensor as it is now."""
        if outcome.alarm is None:
            raise ValueError("a step without an alarm tells nothing")
        after, alarm = self._keep(watch, outcome.alarm)
        self.steps += [Step(kind, watch.point, alarm, sample, details) for kind in outcome.kinds]
        return after

    def _keep(self, watch: Watch, alarm: Alarm) -> tuple[Watch, Alarm]:
        if alarm.id is None:
            self._made += 1
            alarm = replace(alarm, id=-self._made)
        self.alarms[alarm.id or 0] = (alarm, watch.point)
        after = watch.with_alarm(alarm)
        self.put(after)
        return after, alarm

    def causes(self, point: Point) -> list[Watch]:
        """The sensors whose alarms hide this one's, as they will be, by id."""
        kin = self.book.kin(point.block.id, self._first(point.block.id))
        return [watch for watch in map(self.watch, kin.causes(point.id)) if watch.showing]

    def effects(self, point: Point) -> list[Watch]:
        """The sensors with a live alarm that this one's may hide, by id."""
        kin = self.book.kin(point.block.id, self._first(point.block.id))
        return [watch for watch in map(self.watch, kin.effects(point.id)) if watch.alarm is not None]

    def _first(self, block: int) -> bool:
        """Whether kinship in this block is asked for the first time: the registry may have changed since the last draft."""
        if block in self._certain:
            return False
        self._certain.add(block)
        return True
