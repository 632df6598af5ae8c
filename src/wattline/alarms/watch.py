"""What is known of one sensor, in one value that is replaced as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from wattline.alarms.model import Alarm, Condition, Limit, Standing
from wattline.model.record import NEVER
from wattline.registry.point import Point


@dataclass(frozen=True, slots=True)
class OutOfService:
    """Why alarms of a sensor are not shown until further notice: since when (us), by whom, and the reason given."""

    since: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Watch:
    """A sensor with its limits, its condition and its live alarm.

    `revision` counts what was decided about it and is stored with it. `edge` is what the device annunciates by itself, and
    `reported` the time of its newest report. `stale` is the time of the last reading where silence since then was logged.
    """

    point: Point = field(compare=False)
    limits: tuple[Limit, ...] = ()
    condition: Condition = field(default_factory=Condition)
    alarm: Alarm | None = None
    revision: int = 0
    edge: Standing | None = None
    reported: int = NEVER
    stale: int | None = None
    out: OutOfService | None = None

    @property
    def sensor(self) -> int:
        return self.point.id

    @property
    def showing(self) -> bool:
        """Whether its alarm is one that others may be hidden behind: in force, and itself to be seen."""
        return self.alarm is not None and self.alarm.state in ("ACTIVE", "ACKED")

    def with_alarm(self, alarm: Alarm | None) -> Watch:
        """The same with this alarm; one that has ended leaves none."""
        return replace(self, alarm=None if alarm is None or alarm.ended else alarm)
