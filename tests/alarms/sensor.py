"""One sensor, its samples a second apart, with its live alarm and all that was told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from wattline.alarms import lifecycle
from wattline.alarms.condition import evaluate
from wattline.alarms.lifecycle import Outcome
from wattline.alarms.model import Alarm, ChangeKind, Condition, Limit, Sample, Standing
from wattline.model.clock import HOUR, SECOND

NOW = 1_700_000_000 * SECOND
"""Where a sample's time or a command's is not the matter."""
SENSOR = 1234


class Sensor:
    """A sensor whose samples come a second apart, with its live alarm and all that was told of it."""

    def __init__(self, limits: Sequence[Limit], suppressor: int | None = None, out_of_service: bool = False) -> None:
        self.limits = limits
        self.suppressor = suppressor
        self.out_of_service = out_of_service
        self.edge: Standing | None = None
        self.condition = Condition()
        self.alarm: Alarm | None = None
        self.now = NOW
        self.told: list[ChangeKind] = []
        self.alarms = 0

    def reads(self, *values: float) -> Sensor:
        for value in values:
            self.now += SECOND
            self.condition = evaluate(self.limits, self.condition, self.now, value, 0)
            self._judge(value)
        return self

    def annunciates(self, edge: Standing | None) -> Sensor:
        self.edge = edge
        self._judge(None)
        return self

    def _judge(self, value: float | None) -> None:
        step = lifecycle.on_condition(
            self.alarm,
            self.limits,
            self.condition,
            Sample(self.now, value),
            self.now,
            tenant="dc",
            sensor=SENSOR,
            suppressor=self.suppressor,
            out_of_service=self.out_of_service,
            edge=self.edge,
        )
        self._take(step.alarm, step.kinds)

    def does(self, command: Callable[[Alarm], Outcome]) -> Sensor:
        self.now += SECOND
        assert self.alarm is not None
        self._take(*command(self.alarm))
        return self

    def _take(self, alarm: Alarm | None, kinds: tuple[ChangeKind, ...]) -> None:
        if alarm is not None and alarm.id is None:
            self.alarms += 1
            alarm = replace(alarm, id=self.alarms)
        self.alarm = alarm
        self.told += kinds

    @property
    def it(self) -> Alarm:
        assert self.alarm is not None
        return self.alarm

    # What may happen to an alarm, now.
    def acked(self) -> Sensor:
        return self.does(lambda alarm: lifecycle.acknowledge(alarm, "nick", self.now, sensor=SENSOR))

    def shelved(self, duration: int = HOUR) -> Sensor:
        return self.does(lambda alarm: lifecycle.shelve(alarm, "nick", "calibration", duration, self.now, sensor=SENSOR))

    def unshelved(self) -> Sensor:
        return self.does(lambda alarm: lifecycle.unshelve(alarm, self.now, sensor=SENSOR))

    def expired(self) -> Sensor:
        self.now += 24 * HOUR
        return self.does(lambda alarm: lifecycle.expire(alarm, self.now))

    def suppressed(self, cause: int = 77) -> Sensor:
        return self.does(lambda alarm: lifecycle.suppress(alarm, cause))

    def released(self) -> Sensor:
        return self.does(lambda alarm: lifecycle.release(alarm, self.now))

    def out(self) -> Sensor:
        self.out_of_service = True
        return self.does(lifecycle.take_out_of_service)

    def back(self) -> Sensor:
        self.out_of_service = False
        return self.does(lambda alarm: lifecycle.return_to_service(alarm, self.now))
