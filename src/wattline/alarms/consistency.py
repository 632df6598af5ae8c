"""Whether the alarm limits of one sensor can be meant together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from wattline.alarms.model import PRIORITIES, Direction, Limit
from wattline.model.clock import DAY, SECOND
from wattline.model.errors import Invalid

MOST_LIMITS = 16
LONGEST_DELAY = DAY
LONGEST_NAME = 32
FIELD: Final = "alarm_thresholds"

OUTWARD: Final[Mapping[Direction, tuple[tuple[str, ...], ...]]] = {
    "HIGH": (("H", "HH"), ("P3_high", "P2_high", "P1_high", "P0_high")),
    "LOW": (("L", "LL"), ("P3_low", "P2_low", "P1_low", "P0_low")),
}
"""The names of each form, from the innermost to the outermost."""


def check(limits: Sequence[Limit]) -> None:
    """Refuse, with Invalid, limits that cannot be meant: not finite, out of order, twice the same name, too many."""
    if len(limits) > MOST_LIMITS:
        raise Invalid(f"at most {MOST_LIMITS} alarm limits a sensor", FIELD)
    named: dict[str, Limit] = {}
    for limit in limits:
        _check_one(limit)
        if limit.name in named:
            raise Invalid(f"the alarm limit {limit.name} is given twice", FIELD)
        named[limit.name] = limit
    for direction, forms in OUTWARD.items():
        for form in forms:
            _check_order([named[name] for name in form if name in named], direction)
    _check_sides(limits)


def normal_band(limits: Sequence[Limit]) -> tuple[float, float] | None:
    """The normal band: from the innermost low limit to the innermost high one; None where one side has none."""
    lows = [limit.value for limit in limits if limit.direction == "LOW"]
    highs = [limit.value for limit in limits if limit.direction == "HIGH"]
    return (max(lows), min(highs)) if lows and highs else None


def _check_one(limit: Limit) -> None:
    name = limit.name
    if not 0 < len(name) <= LONGEST_NAME:
        raise Invalid(f"the name of an alarm limit has 1 to {LONGEST_NAME} characters", FIELD)
    if limit.direction not in OUTWARD or limit.priority not in PRIORITIES:
        raise Invalid(f"alarm limit {name} has an unknown direction or priority", FIELD)
    if not math.isfinite(limit.value):
        raise Invalid(f"the value of alarm limit {name} must be a finite number", FIELD)
    if not 0 <= limit.deadband < math.inf:
        raise Invalid(f"the deadband of alarm limit {name} must be a finite number of at least 0", FIELD)
    if not (0 <= limit.on_delay <= LONGEST_DELAY and 0 <= limit.off_delay <= LONGEST_DELAY):
        raise Invalid(f"a delay of alarm limit {name} must be from 0 to {LONGEST_DELAY // SECOND} seconds", FIELD)


def _check_order(outward: Sequence[Limit], direction: Direction) -> None:
    for inner, outer in pairwise(outward):
        if not (inner.value < outer.value if direction == "HIGH" else inner.value > outer.value):
            side = "above" if direction == "HIGH" else "below"
            raise Invalid(f"alarm limit {outer.name} ({outer.value:g}) must lie {side} {inner.name} ({inner.value:g})", FIELD)


def _check_sides(limits: Sequence[Limit]) -> None:
    band = normal_band(limits)
    if band is None:
        return _check_boolean(limits)
    low, high = band
    if low >= high:
        raise Invalid(f"the low alarm limits (up to {low:g}) must lie below the high ones (from {high:g})", FIELD)
    for limit in limits:
        ends = limit.value - limit.deadband if limit.direction == "HIGH" else limit.value + limit.deadband
        if limit.deadband and not (ends > low if limit.direction == "HIGH" else ends < high):
            raise Invalid(f"the deadband of alarm limit {limit.name} reaches beyond the limit on the other side", FIELD)
    return _check_boolean(limits)


def _check_boolean(limits: Sequence[Limit]) -> None:
    """A boolean sensor is in alarm at 1 or at 0, not at both."""
    own = [limit for limit in limits if limit.inclusive]
    for limit in own:
        if not (0 < limit.value <= 1 if limit.direction == "HIGH" else 0 <= limit.value < 1):
            raise Invalid(f"alarm limit {limit.name} ({limit.value:g}) would always or never be violated by 0 and 1", FIELD)
    if len({limit.direction for limit in own}) > 1:
        raise Invalid("a boolean sensor cannot be in alarm both at 0 and at 1", FIELD)
