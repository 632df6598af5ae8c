"""What a sample says about the limits of its sensor: hysteresis, on-delay and off-delay, by the time of the samples alone.

A replay of the same samples therefore always gives the same alarms, however fast it runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from wattline.alarms.model import EDGE, Condition, Limit
from wattline.model.record import Quality

_NONE: Final[Mapping[str, int]] = {}


def violated(limit: Limit, value: float) -> bool:
    """Whether a value is beyond a limit (for an `inclusive` one: at it or beyond)."""
    if limit.direction == "HIGH":
        return value >= limit.value if limit.inclusive else value > limit.value
    return value <= limit.value if limit.inclusive else value < limit.value


def returned(limit: Limit, value: float) -> bool:
    """Whether a value has come back past the deadband, so that a violation has ended. Never true of a violating value."""
    if limit.deadband == 0:
        return not violated(limit, value)
    if limit.direction == "HIGH":
        return value < limit.value - limit.deadband
    return value > limit.value + limit.deadband


def usable(value: float | None, quality: int) -> bool:
    """Whether a sample carries a process value: it is finite and its quality is not BAD."""
    return quality < Quality.BAD and value is not None and math.isfinite(value)


def evaluate(limits: Sequence[Limit], condition: Condition, time: int, value: float | None, quality: int) -> Condition:
    """The condition after one more sample.

    A limit comes into force when it has been violated for its on-delay, counted from the first violating sample, and goes out
    of force when the value has stayed past the deadband for its off-delay. A sample between the two does neither, and breaks
    off a delay that runs. A BAD sample says nothing about the process: delays run on across it. A sample that is not newer
    than the newest one evaluated changes nothing: the same object comes back. What a device watches by itself (the limit EDGE)
    is not judged by samples.
    """
    if time <= condition.through:
        return condition
    if value is None or not usable(value, quality):
        known = configured(limits, condition)
        return Condition(known.active, known.pending, time, condition.value)
    return _judged(limits, condition.active, condition.pending, time, value)


def configured(limits: Sequence[Limit], condition: Condition) -> Condition:
    """The condition without what it says of limits that are no longer there; the same object where there is no such."""
    names = {limit.name for limit in limits}
    if condition.active <= names and condition.pending.keys() <= names:
        return condition
    pending = {name: since for name, since in condition.pending.items() if name in names}
    return Condition(condition.active & names, pending, condition.through, condition.value)


def reconfigured(before: Sequence[Limit], after: Sequence[Limit], condition: Condition) -> Condition:
    """The condition under changed limits, judged by the newest usable value, as if it had come with the newest sample.

    A limit whose rule is unchanged keeps its state and its running delay. One whose value, deadband or direction changed loses
    its delay; it stays in force unless the value is past the new deadband. One that is gone is out of force at once.
    """
    old = {limit.name: limit for limit in before}
    kept = [limit for limit in after if limit.name in old and _same_rule(old[limit.name], limit)]
    turned = {limit.name for limit in after if limit.name in old and old[limit.name].direction == limit.direction}
    names = {limit.name for limit in kept}
    value = condition.value
    active = frozenset(
        limit.name
        for limit in after
        if limit.name in condition.active
        and (limit.name in names or (limit.name in turned and not (value is not None and returned(limit, value))))
    )
    pending = {name: since for name, since in condition.pending.items() if name in names}
    if value is None:
        return Condition(active, pending, condition.through, None)
    return _judged(after, active, pending, condition.through, value)


def _judged(limits: Sequence[Limit], active: frozenset[str], pending: Mapping[str, int], time: int, value: float) -> Condition:
    now_active: list[str] = []
    now_pending: dict[str, int] = {}
    for limit in limits:
        name = limit.name
        in_force = name in active
        if name != EDGE and (returned if in_force else violated)(limit, value):
            since = pending.get(name, time)
            if time - since >= (limit.off_delay if in_force else limit.on_delay):
                in_force = not in_force
            else:
                now_pending[name] = since
        if in_force:
            now_active.append(name)
    # The frozen set is kept where it is equal: most samples change nothing, and telling so is then a test of identity.
    after = frozenset(now_active)
    return Condition(active if after == active else after, now_pending or _NONE, time, value)


def _same_rule(one: Limit, other: Limit) -> bool:
    return (one.direction, one.value, one.deadband, one.inclusive) == (
        other.direction,
        other.value,
        other.deadband,
        other.inclusive,
    )
