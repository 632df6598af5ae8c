"""The availability of a block in a period, and what a service level agreement makes of it: pure arithmetic on spans of time.

A block is down while an alarm of P0 or P1 is in force, counted once however many are. Maintenance that was announced 48 hours
before it begins is no downtime. What has not passed yet is neither up nor down; the budget is that of the whole period.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from wattline.model.clock import HOUR, MINUTE
from wattline.model.errors import Invalid

CLASSES: Mapping[str, Decimal] = {"A": Decimal("99.00"), "B": Decimal("99.90"), "C": Decimal("99.99")}
"""The promised availability in percent, by class."""
USUAL_CLASS = "B"
NOTICE = 48 * HOUR
WARNING = Decimal("0.75")
"""A breach is near when so much of the budget is used."""
CREDITS: tuple[tuple[Decimal, int], ...] = (
    (Decimal(2), 50),
    (Decimal(1), 25),
    (Decimal("0.5"), 10),
    (Decimal(0), 5),
)
"""More than so many points below the promise: so many percent of the fee are given back."""


class Span(NamedTuple):
    """[start, end) in us."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A planned interruption, and when it was announced, times in us."""

    start: int
    end: int
    announced: int

    @property
    def excused(self) -> bool:
        """Whether it was announced early enough."""
        return self.announced <= self.start - NOTICE


@dataclass(frozen=True, slots=True)
class Availability:
    """What a period was like. Spans of time in us, `outages` in order and apart from each other.

    `until` is how much of the period has passed. `down` is the downtime that counts, `excused` what planned maintenance took
    out of it. `percent` is of the time that has passed, None where none has; with 4 decimals, rounded down, so that what
    is shown below the promise is below it. `credit` is in percent of the fee. `warning`: over 75 % of the budget are used.
    """

    start: int
    end: int
    until: int
    target: Decimal
    outages: tuple[Span, ...]
    down: int
    excused: int

    @property
    def passed(self) -> int:
        return max(0, self.until - self.start)

    @property
    def percent(self) -> Decimal | None:
        if not self.passed:
            return None
        return Decimal((self.passed - self.down) * 1_000_000 // self.passed).scaleb(-4)

    @property
    def shortfall(self) -> Decimal:
        """How many points the availability is below the promise, not rounded; 0 or less where the promise is kept."""
        if not self.passed:
            return Decimal(0)
        return self.target - Decimal(100 * (self.passed - self.down)) / self.passed

    @property
    def credit(self) -> int:
        return next((credit for points, credit in CREDITS if self.shortfall > points), 0)

    @property
    def budget(self) -> int:
        """The downtime that the promise allows in the whole period."""
        allowed = (self.end - self.start) * (100 - self.target) / 100
        return int(allowed.to_integral_value(ROUND_HALF_UP))

    @property
    def used(self) -> Decimal | None:
        """The share of the budget that is used, None where the promise allows no downtime."""
        return Decimal(self.down) / self.budget if self.budget else None

    @property
    def warning(self) -> bool:
        return self.down > WARNING * self.budget

    @property
    def exhausted(self) -> bool:
        """Whether the whole budget is used: what is down from now on breaks the promise."""
        return bool(self.down) and self.down >= self.budget


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time, in order, each moment of it once. Empty spans and those that run backwards are none."""
    found: list[Span] = []
    for start, end in sorted(span for span in spans if span.start < span.end):
        if found and start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, end))
        else:
            found.append(Span(start, end))
    return found


def without(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """The time of the spans that is in no hole, as `union` gives it."""
    found: list[Span] = []
    cuts = union(holes)
    first = 0
    for start, end in union(spans):
        while first < len(cuts) and cuts[first].end <= start:
            first += 1
        at, cut = start, first
        while cut < len(cuts) and cuts[cut].start < end:
            if at < cuts[cut].start:
                found.append(Span(at, cuts[cut].start))
            at = cuts[cut].end
            cut += 1
        if at < end:
            found.append(Span(at, end))
    return found


def length(spans: Iterable[Span]) -> int:
    """How long they are together."""
    return sum(end - start for start, end in spans)


def availability(
    down: Iterable[Span], start: int, end: int, now: int, target: Decimal, planned: Sequence[Maintenance] = ()
) -> Availability:
    """What `down` makes of the period [start, end), of which only what lies before `now` has passed.

    Raises `Invalid` for a promise outside 0 to 100 percent, and for maintenance that ends before it begins.
    """
    if not 0 <= target <= 100:
        raise Invalid("an availability is promised in percent, 0 to 100", "target")
    if any(window.end <= window.start for window in planned):
        raise Invalid("maintenance must end after it begins", "maintenance")
    until = max(start, min(end, now))
    inside = union(Span(max(span.start, start), min(span.end, until)) for span in down)
    counted = without(inside, (Span(window.start, window.end) for window in planned if window.excused))
    lost = length(counted)
    return Availability(start, end, until, target, tuple(counted), lost, length(inside) - lost)


def minutes(span: int) -> Decimal:
    """A span of us in minutes, to 4 decimals."""
    return (Decimal(span) / MINUTE).quantize(Decimal("0.0001"), ROUND_HALF_UP)
