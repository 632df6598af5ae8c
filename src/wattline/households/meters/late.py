"""A reading that is older than the newest one: stored between its neighbours, so that no sum changes that was right.

Between two rows of one register the total is told by the register alone. Where the register was another one in between,
what a late reading adds was not known before: every later total is raised by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattline.households.meters.gauge import Gauge
from wattline.households.meters.history import WIDTH, Line, after, before, since
from wattline.households.meters.model import POWER, VALUE_OUT, Measurement, Refused
from wattline.households.meters.rules import (
    HIGH,
    HIGHEST_POWER,
    LOW,
    LOWEST_POWER,
    OUT_LIMIT,
    TOLERANCE,
    increment,
    most,
    rolled,
    spacing,
)
from wattline.ingest.series import Series
from wattline.model.clock import DAY
from wattline.model.record import Quality, Row

LONGEST_BACK = 7 * DAY
"""How far back a reading may be that raises what came after it."""
MOST_RAISED = 100_000
"""Rows that one late reading may raise."""
TAKEN = "Duplicate timestamp with another value"
TOO_OLD = "Reading older than seven days, and later ones would change"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a late reading belongs: its register, its total, and by how much every later total is raised."""

    value: float
    total: float
    raised: float = 0.0


async def late(series: Series, gauge: Gauge, sent: Measurement, time: int, now: int, limit: float) -> list[Row]:
    """The rows that a reading makes which is not newer than the gauge; none where it is there. Raises `Refused`."""
    stream = gauge.stream
    found = await before(series, stream, time + 1, 2)
    if found and found[0].time == time:
        total_before = found[1].total if len(found) > 1 else 0.0
        check_same(sent, found[0].total - total_before if sent.analog else found[0].value)
        return []
    earlier = found[0] if found else None
    following = await after(series, stream, time)
    later = following[0] if following else Line(gauge.time, gauge.value, gauge.out, None, gauge.total, gauge.out_total)
    place = _analog(sent, earlier, later, time, limit) if sent.analog else _digital(sent, earlier, later, time, limit)
    raised = await _raised(series, gauge, time, now, place.raised, analog=sent.analog) if place.raised > 0 else []
    return [_row(gauge, sent, place, earlier, later, time, now), *raised]


def check_same(sent: Measurement, held: float) -> None:
    """Raise `Refused` unless a reading is the one that is held of its time."""
    slack = spacing(held) if sent.single and held else TOLERANCE
    if abs(sent.value - held) > slack:
        raise Refused(TAKEN)


def _digital(sent: Measurement, earlier: Line | None, later: Line, time: int, limit: float) -> Place:
    """Where a register belongs that was read between two lines."""
    value = sent.value
    on = increment(value, later.value, later.time - time, limit, single=sent.single)
    if earlier is None:
        if on is None:
            raise Refused(HIGH if value > later.value else LOW)
        total = later.total - on
        # A register that rolled over since: the total begins where it stood.
        return Place(value, total) if total >= 0 else Place(value, value, value - total)
    step = increment(earlier.value, value, time - earlier.time, limit, single=sent.single)
    known = later.total - earlier.total
    if _one_register(earlier, later):
        if step is None or on is None:
            raise Refused(HIGH if value > earlier.value else LOW)
        return Place(max(value, earlier.value) if step == 0 else value, min(earlier.total + step, later.total))
    # The register is another one somewhere between the two: the reading is of the one that it is nearer to.
    if step is not None and (on is None or step <= on):
        return Place(value, earlier.total + step, step)
    if on is None:
        raise Refused(HIGH if value > earlier.value else LOW)
    return Place(value, earlier.total + max(known - on, 0.0), max(on - known, 0.0))


def _one_register(earlier: Line, later: Line) -> bool:
    """Whether two lines are of one register, which may have rolled over between them."""
    used = later.total - earlier.total
    if abs(used - (later.value - earlier.value)) <= TOLERANCE:
        return True
    around = rolled(earlier.value, later.value)
    return around is not None and abs(used - around) <= TOLERANCE


def _analog(sent: Measurement, earlier: Line | None, later: Line, time: int, limit: float) -> Place:
    """Where an increment belongs that was used until between two lines: it was not counted, so all that follows is raised."""
    if earlier is None:
        if not later.sure:
            # A person told where the total began: what was used before is in it.
            return Place(later.value, later.total)
        return Place(sent.value, sent.value, sent.value)
    if sent.value > most(limit, time - earlier.time):
        raise Refused(HIGH)
    return Place(earlier.value + sent.value, earlier.total + sent.value, sent.value)


async def _raised(series: Series, gauge: Gauge, time: int, now: int, raised: float, *, analog: bool) -> list[Row]:
    """Every later row with its total raised. Raises `Refused` where that reaches too far back."""
    if now - time > LONGEST_BACK:
        raise Refused(TOO_OLD)
    if await series.count([gauge.stream], time + 1, gauge.time + 1) > MOST_RAISED:
        raise Refused(TOO_OLD)
    lines = await since(series, gauge.stream, time)
    return [line.row(gauge.stream.id, now, raised=raised, value_too=analog) for line in lines]


def _row(gauge: Gauge, sent: Measurement, place: Place, earlier: Line | None, later: Line, time: int, now: int) -> Row:
    """The row of a late reading; its other columns are held against its neighbours too."""
    quality = [int(Quality.GOOD)] * WIDTH
    power = sent.value_current
    if power is not None:
        if power == sent.value_out and sent.time_unit == "ns":
            power = None
        elif not LOWEST_POWER <= power <= HIGHEST_POWER:
            power = (earlier.power if earlier is not None else None) or 0.0
            quality[POWER] = int(Quality.UNCERTAIN)
    out, total_out, kept = _out(sent.value_out, earlier, later, time)
    if kept:
        quality[VALUE_OUT] = int(Quality.UNCERTAIN)
    return Row(gauge.stream.id, time, now, (place.value, out, power, place.total, total_out), tuple(quality))


def _out(out: float | None, earlier: Line | None, later: Line, time: int) -> tuple[float | None, float | None, bool]:
    """What was fed in until a time between two lines, its total, and whether a neighbour's was kept in its place."""
    total = None if earlier is None else earlier.total_out
    if out is None:
        return None, total, False
    if earlier is not None and earlier.out is not None and total is not None:
        step = increment(earlier.out, out, time - earlier.time, OUT_LIMIT)
        if step is None or (later.total_out is not None and total + step > later.total_out + TOLERANCE):
            return earlier.out, total, True
        return out, total + step, False
    return _out_before(out, total, later, time)


def _out_before(out: float, total: float | None, later: Line, time: int) -> tuple[float | None, float | None, bool]:
    """The same where no earlier row tells of it; `total` is what was fed in by then at least."""
    if later.out is not None and later.total_out is not None:
        on = increment(out, later.out, later.time - time, OUT_LIMIT)
        if on is None or (total is not None and later.total_out - on < total - TOLERANCE):
            return None, total, False
        return out, later.total_out - on, False
    known = later.total_out if total is None else total
    return out, out if known is None else known, False
