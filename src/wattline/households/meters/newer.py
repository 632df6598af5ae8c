"""A newer reading that is not as usual: the first one, a register that rolled over, a swapped meter, and what is not believed.

Everything is judged by the time between readings, never by the present. A reading that was far too high stays false however
much time passes; what follows from it is false too, until enough of them agree. Then either the row that they contradict
was false, where they follow from an earlier one, or the register is another one.
"""

from __future__ import annotations

from wattline.households.meters.gauge import Gauge
from wattline.households.meters.history import Line, before
from wattline.households.meters.model import Measurement, Refused
from wattline.households.meters.rules import HIGH, JITTER, LARGEST, LOW, OUT_LIMIT, Doubt, increment, most, spacing
from wattline.ingest.series import Series
from wattline.model.clock import HOUR
from wattline.model.record import Quality, Row

MOST_FALSE = 240
"""Rows that are found false at once: an hour of them."""
FIRST_SPAN = HOUR
"""An increment that has no reading before it is held against so much time."""


def first(gauge: Gauge, sent: Measurement, time: int, now: int, limit: float) -> Row:
    """The first row of a stream. Raises `Refused`."""
    if sent.value >= LARGEST or (sent.analog and sent.value > most(limit, FIRST_SPAN)):
        raise Refused(HIGH)
    return gauge.row_of(sent, time, now, sent.value, sent.value)


async def unusual(series: Series, gauge: Gauge, sent: Measurement, time: int, now: int, limit: float) -> list[Row]:
    """The rows that a reading makes which is newer than the gauge; raises `Refused` where it is not taken, now or at all."""
    if sent.analog or sent.value >= LARGEST:
        raise Refused(HIGH)
    value, elapsed, doubt = sent.value, time - gauge.time, gauge.doubt
    step = increment(gauge.value, value, elapsed, limit, single=sent.single)
    on = None if doubt is None else doubt.step(time, value, limit, single=sent.single)
    if step is not None and (on is None or doubt is None or not doubt.false):
        return [_stepped(gauge, sent, time, now, step)]
    reason = HIGH if value > gauge.value else LOW
    if doubt is None or (on is None and time > doubt.time):
        false = value - gauge.value > most(limit, elapsed + JITTER)
        gauge.doubt = Doubt(time, value, time, value, false=false, first_out=sent.value_out)
    elif on is not None:
        grown = doubt.grown(time, value, on)
        if grown.enough:
            return await _believed(series, gauge, grown, sent, now, limit)
        gauge.doubt = grown
    raise Refused(reason)


def _stepped(gauge: Gauge, sent: Measurement, time: int, now: int, step: float) -> Row:
    """The row of a reading so much above the gauge, which may have rolled over."""
    value = gauge.value if step == 0 else sent.value
    total = value + gauge.offset if value >= gauge.value else gauge.total + step
    return gauge.row_of(sent, time, now, value, max(total, gauge.total))


async def _believed(series: Series, gauge: Gauge, doubt: Doubt, sent: Measurement, now: int, limit: float) -> list[Row]:
    """The rows that enough readings make which agree with one another, the newest of them being `sent`."""
    lines = await before(series, gauge.stream, doubt.time, MOST_FALSE + 1)
    if lines and lines[0].time > gauge.time:
        # Another process took rows of this meter.
        gauge.stand(lines[0])
        step = increment(gauge.value, sent.value, doubt.time - gauge.time, limit, single=sent.single)
        if step is not None:
            return [_stepped(gauge, sent, doubt.time, now, step)]
    for at, line in enumerate(lines[1:], 1):
        if _explained(doubt, line, lines[:at], limit, single=sent.single):
            return _restored(gauge, line, lines[:at], doubt.first - line.value + doubt.used, sent, doubt.time, now)
    return [_begun(gauge, doubt, sent, now)]


def _explained(doubt: Doubt, line: Line, false: list[Line], limit: float, *, single: bool) -> bool:
    """Whether what is doubted follows from a line, and none of the rows since then fits between the two."""
    step, bound = doubt.first - line.value, most(limit, doubt.first_time - line.time)
    if single:
        bound += spacing(doubt.first)
    return 0 <= step <= bound and all(not line.value <= each.value <= doubt.first for each in false)


def _restored(gauge: Gauge, line: Line, false: list[Line], used: float, sent: Measurement, time: int, now: int) -> list[Row]:
    """The rows since a line were false: the reading follows from the line."""
    gauge.stand(line)
    stream = gauge.stream.id
    taken_back = [
        Row(stream, each.time, now, (each.value, each.out, each.power, line.total, line.total_out), int(Quality.BAD))
        for each in reversed(false)
    ]
    return [*taken_back, gauge.row_of(sent, time, now, sent.value, line.total + used)]


def _begun(gauge: Gauge, doubt: Doubt, sent: Measurement, now: int) -> Row:
    """The register is another one: its total goes on from where the former one stood when the new one was first read."""
    gauge.row = None
    out, first_out = sent.value_out, doubt.first_out
    if out is not None and first_out is not None and gauge.out is not None:
        goes_on = increment(gauge.out, out, doubt.time - gauge.out_time, OUT_LIMIT)
        if goes_on is None and increment(first_out, out, doubt.time - doubt.first_time, OUT_LIMIT) is not None:
            gauge.out, gauge.out_time = first_out, doubt.first_time
    return gauge.row_of(sent, doubt.time, now, sent.value, gauge.total + doubt.used)
