"""The nouns of alarm management, by ANSI/ISA-18.2 (IEC 62682): limits, the condition of a sensor, the alarm of an occurrence.

Times are microseconds since 1970 UTC, spans microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from wattline.model.clock import HOUR

Priority = Literal["P0", "P1", "P2", "P3"]
Direction = Literal["HIGH", "LOW"]
State = Literal["ACTIVE", "ACKED", "RTN_UNACK", "CLEARED", "SHELVED", "SUPPRESSED"]
ChangeKind = Literal[
    "alarm_raised",
    "alarm_acked",
    "alarm_cleared",
    "alarm_rtn_unack",
    "alarm_shelved",
    "alarm_unshelved",
    "alarm_suppressed",
    "alarm_unsuppressed",
    "alarm_escalated",
    "alarm_deescalated",
    "alarm_out_of_service",
    "alarm_in_service",
]

PRIORITIES: tuple[Priority, ...] = ("P0", "P1", "P2", "P3")
"""Most severe first."""
STATES: tuple[State, ...] = ("ACTIVE", "ACKED", "RTN_UNACK", "CLEARED", "SHELVED", "SUPPRESSED")

EDGE = "EDGE"
"""The name of the limit of what a device annunciates itself."""

SHORTEST_SHELF = HOUR // 2
LONGEST_SHELF = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Limit:
    """One alarm limit of a sensor.

    `name` is unique for the sensor: HH, H, L, LL, or P0_high ... P3_low in a point schedule, or EDGE for what a device
    annunciates itself. A HIGH limit is violated by a value over it, a LOW one by a value under it; `inclusive` (a boolean
    point) also by the limit itself. `on_delay` and `off_delay` are spans of sample time that a violation, or its end, must
    last. `deadband` is how far, in the sensor's unit, a value must come back before the violation has ended.
    """

    name: str
    direction: Direction
    value: float
    priority: Priority
    on_delay: int = 0
    off_delay: int = 0
    deadband: float = 0.0
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What the samples of one sensor say, limit by limit, up to the newest one evaluated.

    `active` names the limits in force. `pending` holds limits that are about to change (a violation whose on-delay runs, or a
    return whose off-delay runs) with the sample time at which that began. `through` is the time of the newest sample evaluated;
    an older one changes nothing.
    """

    active: frozenset[str] = frozenset()
    pending: Mapping[str, int] = field(default_factory=dict)
    through: int = -(2**63)
    value: float | None = None
    """The newest usable value."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an alarm stands for: the most severe limit in force, or what a device annunciates itself (which may not name a
    threshold or a direction)."""

    limit: str
    priority: Priority
    threshold: float | None
    direction: Direction | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One occurrence on one sensor, from its raise until it is cleared; immutable, each transition makes the next.

    The state is what is shown. Beneath it lie facts that do not depend on one another: whether the condition is in force,
    whether it was acknowledged, whether it is shelved (`shelved_until`), suppressed by another alarm (`suppressed_by`: that
    alarm's id) or out of service. SUPPRESSED shows before SHELVED, SHELVED before the rest.
    """

    id: int | None
    tenant: str
    sensor: int
    priority: Priority
    in_force: bool
    acknowledged: bool
    limit: str
    """The name of the most severe limit in force, or the last that was."""
    threshold_value: float | None
    threshold_direction: Direction | None
    value_at_raise: float | None
    value_at_clear: float | None
    raised: int
    """The time of the sample that raised it; when it was raised again before it was acknowledged, of the newest raise."""
    asked: int
    """Since when it asks for an operator without a pause: its raise, or the escalation or release that made an acknowledged or
    hidden alarm ask again. The response time counts from here."""
    acked: int | None = None
    """When it was acknowledged; None again as soon as it asks again."""
    acked_by: str | None = None
    cleared: int | None = None
    shelved: int | None = None
    shelved_by: str | None = None
    shelved_until: int | None = None
    shelve_reason: str | None = None
    shelved_priority: Priority | None = None
    """Its priority when it was shelved: a shelf laid on a lesser one does not hold a P0."""
    suppressed_by: int | None = None
    out_of_service: bool = False
    transitions: int = 0
    """How many transitions it has made; the first, the raise, is 1."""
    ended: bool = False
    """Nothing more can happen to it."""

    @property
    def state(self) -> State:
        """What an operator is shown."""
        if self.ended:
            return "CLEARED"
        if self.out_of_service or self.suppressed_by is not None:
            return "SUPPRESSED"
        if self.shelved_until is not None:
            return "SHELVED"
        if self.in_force:
            return "ACKED" if self.acknowledged else "ACTIVE"
        return "CLEARED" if self.acknowledged else "RTN_UNACK"

    @property
    def standing(self) -> bool:
        """Whether it asks for an operator's attention: ACTIVE or RTN_UNACK."""
        return self.state in ("ACTIVE", "RTN_UNACK")

    @property
    def response_time(self) -> int | None:
        """From asking for an operator (the raise, as a rule) to acknowledgement, or None before that; never negative."""
        return None if self.acked is None else max(0, self.acked - self.asked)


@dataclass(frozen=True, slots=True)
class Sample:
    """What made a transition, where a sample did."""

    time: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """One transition of one alarm, as events and feeds tell it.

    `time` is when the platform made the transition, `sequence` its place in the tenant's event log: what a feed resumes after.
    """

    kind: ChangeKind
    alarm: Alarm
    time: int
    sequence: int
    details: Mapping[str, object] = field(default_factory=dict)


def most_severe(priorities: set[Priority]) -> Priority:
    """The one that counts among several; they must not be empty."""
    return min(priorities)
