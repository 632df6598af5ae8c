"""Alarms that a device raises and clears by itself, handed to the one authority for alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from wattline.alarms.model import Alarm, Direction, Limit
from wattline.alarms.report import Report
from wattline.contracts.mcs.mqtt.payloads import AlarmEvent, Priority
from wattline.contracts.mcs.mqtt.refusal import Refused

LONGEST_ID = 200


class AlarmDesk(Protocol):
    """What is needed of `alarms.service.Alarms`."""

    async def report(self, tenant: str, sensor_id: int, report: Report) -> Alarm | None:
        """A device annunciates itself."""
        ...

    async def set_limits(self, tenant: str, sensor_id: int, limits: Sequence[Limit]) -> object:
        """Set the limits of a sensor."""
        ...

    def limits(self, sensor_id: int) -> Sequence[Limit]:
        """The limits of a sensor."""
        ...


def report(told: AlarmEvent, of_topic: Priority, time: int) -> Report:
    """The report of a message. Raises `Refused`.

    Adapters give each action an alarm_id of its own and clear under P3 whatever was raised, so neither tells which alarm is
    meant: the sensor does. The id only tells a delivery from its repetition. A boolean condition counts as HIGH.
    """
    if not 0 < len(told.alarm_id) <= LONGEST_ID or not told.alarm_id.isprintable():
        raise Refused("VALUE_ERROR", f"alarm_id has 1 to {LONGEST_ID} printable characters")
    direction: Direction | None = "HIGH" if told.direction == "BOOL" else told.direction
    return Report(
        action=told.action,
        time=time,
        priority=told.priority or of_topic,
        value=_number(told.value),
        threshold=_number(told.threshold),
        direction=direction,
        identity=f"{told.alarm_id}:{told.action}:{time}",
    )


def _number(value: float | bool | None) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refused("VALUE_ERROR", "value and threshold are finite numbers")
    return number
