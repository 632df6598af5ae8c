"""Where the registers of a meter stand in one household, and what the usual next reading makes of them."""

from __future__ import annotations

import asyncio

from wattline.households.meters.history import WIDTH, Line
from wattline.households.meters.model import POWER, VALUE_OUT, Measurement
from wattline.households.meters.rules import HIGHEST_POWER, LARGEST, LOWEST_POWER, OUT_LIMIT, TOLERANCE, Doubt, increment
from wattline.model.clock import MINUTE
from wattline.model.record import NEVER, Quality, Row
from wattline.registry.stream import Stream


class Gauge:
    """Stands on the newest row that was taken; `turn` is held from the look at it until the next one is durable.

    `offset` is what a register lacks to its total; it stays the same until the register starts anew. `doubt` and `out_doubt`
    are what was not taken since, of the register and of what was fed in.
    """

    __slots__ = (
        "doubt",
        "increment",
        "offset",
        "out",
        "out_doubt",
        "out_time",
        "out_total",
        "power",
        "row",
        "searched",
        "stream",
        "time",
        "total",
        "turn",
        "value",
    )

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.turn = asyncio.Lock()
        self.row: Row | None = None
        self.searched = False
        """Whether the store was asked for rows, and there was none."""
        self.time = NEVER
        self.value = self.total = self.offset = self.power = 0.0
        self.increment: float | None = None
        """What the newest reading added, if that is known."""
        self.out: float | None = None
        self.out_total: float | None = None
        self.out_time = NEVER
        self.doubt: Doubt | None = None
        self.out_doubt: Doubt | None = None

    @property
    def empty(self) -> bool:
        """Whether there is no row to stand on."""
        return self.time == NEVER

    def stand(self, line: Line, row: Row | None = None) -> None:
        """Stand on a line, which is the stream's newest row where that is given."""
        self.row = row
        self.time, self.value, self.total = line.time, line.value, line.total
        self.offset = line.total - line.value
        self.power = line.power or 0.0
        self.increment = self.doubt = None
        self.out_total = line.total_out
        self.out_time = line.time
        self.out = line.out

    def took(self, row: Row) -> None:
        """A newer row, or the newest one in another form, is durable; its register is not BAD."""
        value, out, power, total, self.out_total = row.values
        assert value is not None
        assert total is not None
        if row.time > self.time:
            self.increment = total - self.total
        if value + self.offset != total:
            self.offset = total - value
        self.row, self.time, self.value, self.total = row, row.time, value, total
        if power is not None:
            self.power = power
        if out is not None and (isinstance(row.quality, int) or row.quality[VALUE_OUT] == Quality.GOOD):
            self.out, self.out_time = out, row.time
        self.doubt = None

    def usual(self, sent: Measurement, time: int, received: int, limit: float) -> Row | None:
        """The row of a reading that is newer, after no doubt, and within its limit; None for every other."""
        elapsed = time - self.time
        if elapsed <= 0 or self.doubt is not None or self.time == NEVER:
            return None
        if sent.analog:
            step = sent.value
            value, total = self.value + step, self.total + step
        else:
            value = sent.value
            if value <= 0:
                return None
            step = value - self.value
            total = value + self.offset
            total = max(total, self.total)
        if not 0 <= step <= limit * elapsed / MINUTE + TOLERANCE:
            return None
        return self.row_of(sent, time, received, value, total)

    def row_of(self, sent: Measurement, time: int, received: int, value: float, total: float) -> Row:
        """The next row, with the register and its total as they are given."""
        power, out, total_out = sent.value_current, sent.value_out, self.out_total
        doubtful_power = doubtful_out = False
        if power is not None:
            if power == out and sent.time_unit == "ns":
                # What a known device sends of its backlog is the other register, in the place of the power.
                power = None
            elif not LOWEST_POWER <= power <= HIGHEST_POWER:
                power, doubtful_power = self.power, True
        if out is not None:
            out, total_out, doubtful_out = self._out(out, time)
        values = (value, out, power, total, total_out)
        if doubtful_power or doubtful_out:
            quality = [int(Quality.GOOD)] * WIDTH
            quality[VALUE_OUT] = int(Quality.UNCERTAIN if doubtful_out else Quality.GOOD)
            quality[POWER] = int(Quality.UNCERTAIN if doubtful_power else Quality.GOOD)
            return Row(self.stream.id, time, received, values, tuple(quality))
        return Row(self.stream.id, time, received, values)

    def _out(self, out: float, time: int) -> tuple[float | None, float | None, bool]:
        """What was fed in: the register as it is kept, its total, and whether the last one was kept in its place."""
        last, total = self.out, self.out_total
        if not 0 <= out < LARGEST:
            return last, total, last is not None
        if last is None or total is None:
            # The first one ever, or the first one of a new register.
            return out, out if total is None else total, False
        step = increment(last, out, time - self.out_time, OUT_LIMIT)
        if step is not None:
            self.out_doubt = None
            return max(out, last) if step == 0 else out, total + step, False
        doubt = self.out_doubt
        on = None if doubt is None else doubt.step(time, out, OUT_LIMIT)
        if doubt is None or on is None:
            self.out_doubt = Doubt(time, out, time, out)
            return last, total, True
        self.out_doubt = doubt = doubt.grown(time, out, on)
        if not doubt.enough:
            return last, total, True
        self.out_doubt = None
        return out, total + doubt.used, False
