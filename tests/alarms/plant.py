"""A small plant with its own registry, event log and alarms, which can crash and be opened again on the same database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wattline.alarms.cascade import CascadeRule
from wattline.alarms.model import Alarm, Change, Direction, Limit, Priority
from wattline.alarms.service import Alarms
from wattline.events.model import Event
from wattline.events.service import EventLog
from wattline.model.clock import MINUTE, SECOND, ManualClock
from wattline.model.record import Row
from wattline.registry.point import Point, PointSpec
from wattline.registry.service import Registry
from wattline.state.database import Database

ACME = "acme"


def high(value: float, priority: Priority = "P1", name: str = "H", **rest: float) -> Limit:
    """A high limit."""
    return limit(name, "HIGH", value, priority, **rest)


def low(value: float, priority: Priority = "P1", name: str = "L", **rest: float) -> Limit:
    """A low limit."""
    return limit(name, "LOW", value, priority, **rest)


def limit(name: str, direction: Direction, value: float, priority: Priority, **rest: float) -> Limit:
    delays = {key: round(rest[key] * SECOND) for key in ("on_delay", "off_delay") if key in rest}
    return Limit(name, direction, value, priority, **delays, deadband=rest.get("deadband", 0.0))


@dataclass
class Plant:
    """Points by (site/block, tag); rows go to `alarms.take` as the pipeline would give them."""

    database: Database
    clock: ManualClock
    rules: Sequence[CascadeRule] | None = None
    shared: bool | None = None
    note_every: int = MINUTE
    told: list[Change] = field(default_factory=list)

    async def open(self) -> Plant:
        self.registry = Registry(self.database, clock=self.clock)
        await self.registry.load()
        self.log = EventLog(self.database)
        self.alarms = Alarms(
            self.database,
            self.log,
            self.registry,
            self.clock,
            self._publish,
            rules=self.rules,
            shared=self.shared,
            note_every=self.note_every,
        )
        await self.alarms.load()
        return self

    def _publish(self, topic: str, message: object) -> None:
        assert topic == "alarm"
        assert isinstance(message, Change)
        self.told.append(message)

    async def add(
        self, tag: str, *limits: Limit, subsystem: str = "thermal-l1", block: str = "b1", site: str = "s1", tenant: str = ACME
    ) -> Point:
        """One more point, with these limits."""
        (point,) = await self.points([tag], subsystem, block=block, site=site, tenant=tenant)
        if limits:
            await self.alarms.set_limits(tenant, point.id, limits)
        return point

    async def points(
        self, tags: Sequence[str], subsystem: str = "thermal-l1", *, block: str = "b1", site: str = "s1", tenant: str = ACME
    ) -> list[Point]:
        await self.registry.put_block(tenant, site, block)
        specs = [PointSpec(tag, f"EQ-{tag}", subsystem, "C", poll_ms=5000) for tag in tags]
        return await self.registry.put_points(tenant, site, block, specs)

    def row(self, point: Point, value: float, at: float = 0, quality: int = 0) -> Row:
        """A reading `at` seconds from now, committed: it is the newest of its stream if none is newer."""
        time = self.clock.micros() + round(at * SECOND)
        row = Row(point.stream.id, time, self.clock.micros(), (value,), quality)
        if point.stream.latest is None or point.stream.latest.time < time:
            point.stream.latest = row
        return row

    async def send(self, point: Point, value: float, quality: int = 0) -> Alarm | None:
        """A reading of now; a second passes before it, so that each is newer than the one before. The live alarm."""
        self.clock.advance(1)
        await self.alarms.take([self.row(point, value, quality=quality)])
        return self.alarms.live(point.id)

    async def events(self, tenant: str = ACME) -> list[Event]:
        """Everything logged, in the order of the log."""
        page = await self.log.query(tenant, limit=1000)
        return sorted(page.events, key=lambda event: event.sequence)

    async def words(self, tenant: str = ACME) -> list[str | None]:
        """The types of the events, in the order of the log."""
        return [event.event_type for event in await self.events(tenant)]

    @property
    def kinds(self) -> list[str]:
        """What was published, in order."""
        return [change.kind for change in self.told]

    def state(self, point: Point) -> str | None:
        """What is shown of a sensor's live alarm."""
        alarm = self.alarms.live(point.id)
        return None if alarm is None else alarm.state
