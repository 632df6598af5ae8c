"""What a register can have done between two readings. Pure: kWh, us, and limits in kWh a minute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import frexp
from struct import pack, unpack

from wattline.model.clock import MINUTE, SECOND

TOLERANCE = 1e-6
"""kWh by which sums of decimal fractions may be off: the sixth decimal is the last one that is told."""
LARGEST = 1e9
"""kWh that no register of a household shows."""
OUT_LIMIT = 2.0
"""kWh a minute that a household may feed in at most."""
LOWEST_POWER, HIGHEST_POWER = -20_000.0, 40_000.0
"""W that are taken as they are sent."""
SMALLEST_TOP = 1_000.0
"""A register of three digits before the point is the smallest that rolls over."""
NEAR_TOP = 0.01
"""The part of a register's range in which it may be before it rolls over."""
ENOUGH = 3
LONG_ENOUGH = 30 * SECOND
"""So many readings over so long a time that agree with one another, and not with what was taken, are believed."""
JITTER = MINUTE
"""A reading that would have been in its limit so much later was not false, but early."""

HIGH, LOW = "Value too high", "Value too low"


def most(limit: float, elapsed: int) -> float:
    """What can have been used in a time."""
    return limit * elapsed / MINUTE + TOLERANCE


def spacing(value: float) -> float:
    """The step from one 4-byte float to the next one at a value."""
    return 2.0 ** (frexp(value)[1] - 24)


def _is_single(value: float) -> bool:
    """Whether a value can have come as a 4-byte float."""
    try:
        return bool(unpack("f", pack("f", value))[0] == value)
    except OverflowError:
        return False


def rolled(last: float, value: float) -> float | None:
    """The increment through the top of a register of as many digits as `last` has; None where it is not near its top."""
    top = SMALLEST_TOP
    while top <= last:
        top *= 10
    return top - last + value if top - last <= NEAR_TOP * top else None


def increment(last: float, value: float, elapsed: int, limit: float, *, single: bool = False) -> float | None:
    """What was used from one reading to the next, 0 or more; None where no register can have done that.

    `single`: the newer one came as a 4-byte float.
    """
    step, bound = value - last, most(limit, elapsed)
    if single:
        bound += spacing(max(last, value))
    if 0 <= step <= bound:
        return step
    if step < 0:
        # The same reading, sent once as a float and once as a double: no register went back.
        if -step <= spacing(last) and (single or _is_single(last)):
            return 0.0
        around = rolled(last, value)
        if around is not None and around <= bound:
            return around
    return None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Readings that were not taken, one after the other, and agree: the first, the newest, how many, and what they used.

    `false`: they were so much too high that no time that passes makes what follows from them true; only enough of them do.
    `first_out` is the other register, of what was fed in, as it was sent with the first.
    """

    first_time: int
    first: float
    time: int
    value: float
    count: int = 1
    used: float = 0.0
    false: bool = False
    first_out: float | None = None

    def step(self, time: int, value: float, limit: float, *, single: bool = False) -> float | None:
        """What was used since the newest of these, where a reading follows from it."""
        if time <= self.time:
            return None
        return increment(self.value, value, time - self.time, limit, single=single)

    def grown(self, time: int, value: float, step: float) -> Doubt:
        """These and one more that follows."""
        return replace(self, time=time, value=value, count=self.count + 1, used=self.used + step)

    @property
    def enough(self) -> bool:
        """Whether they are believed."""
        return self.count >= ENOUGH and self.time - self.first_time >= LONG_ENOUGH
