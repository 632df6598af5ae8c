"""The values of a sensor that leave its condition as it is: one interval, so that two comparisons tell a quiet sample.

Every limit in its present state is left alone by the values on one side of one threshold: a high limit that is not in force by
all that do not violate it, one in force by all that are not past its deadband, and so on. What all of them leave alone is an
interval. The ends belong to it: an open end becomes a closed one by going to the next floating-point number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from wattline.alarms.model import EDGE, Condition, Limit

FOREVER = 2**63 - 1


class Region(NamedTuple):
    """A usable sample changes nothing if its value is from `lowest` to `highest` and its time is before `due`.

    `due` (us) is when the first of the delays that run will have passed. The interval may be empty.
    """

    lowest: float
    highest: float
    due: int


class Bounds(NamedTuple):
    """A limit as closed bounds: a high one is not violated up to `calm`, and not past its deadband from `held` on.

    A low one is the mirror image.
    """

    name: str
    high: bool
    calm: float
    held: float
    on_delay: int
    off_delay: int


def bounds(limits: Sequence[Limit]) -> tuple[Bounds, ...]:
    """The bounds of the limits that samples are judged by."""
    return tuple(_bounds(limit) for limit in limits if limit.name != EDGE)


def _bounds(limit: Limit) -> Bounds:
    high = limit.direction == "HIGH"
    outward = math.inf if high else -math.inf
    calm = math.nextafter(limit.value, -outward) if limit.inclusive else limit.value
    if limit.deadband == 0:
        held = math.nextafter(calm, outward)
    else:
        held = limit.value - limit.deadband if high else limit.value + limit.deadband
    return Bounds(limit.name, high, calm, held, limit.on_delay, limit.off_delay)


def region(limits: Sequence[Bounds], condition: Condition) -> Region:
    """What leaves this condition as it is, but for the time of its newest sample and its newest value."""
    lowest, highest, due = -math.inf, math.inf, FOREVER
    active, pending = condition.active, condition.pending
    for name, high, calm, held, on_delay, off_delay in limits:
        in_force = name in active
        edge, outside = (held, True) if in_force else (calm, False)
        if name in pending:
            # About to change: what keeps the delay running is the other side of the same threshold.
            edge = math.nextafter(edge, -math.inf if high == in_force else math.inf)
            outside = not outside
            due = min(due, pending[name] + (off_delay if in_force else on_delay))
        if high == outside:
            lowest = max(lowest, edge)
        else:
            highest = min(highest, edge)
    return Region(lowest, highest, due)
