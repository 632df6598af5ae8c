"""What a device says of an alarm that it watches over by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wattline.alarms.model import Direction, Priority

Action = Literal["RAISED", "CLEARED", "ESCALATED"]


@dataclass(frozen=True, slots=True)
class Report:
    """One annunciation of a device about one of its points; `time` in us.

    `identity` is the same for every delivery of the same report, and different for any other of the tenant; None where it
    cannot be told. Of CLEARED only the time and the value count.
    """

    action: Action
    time: int
    priority: Priority
    value: float | None = None
    threshold: float | None = None
    direction: Direction | None = None
    identity: str | None = None
