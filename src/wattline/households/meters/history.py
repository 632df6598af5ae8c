"""The rows of a meter that the store holds, found around an instant. Rows that were found false (BAD) do not count."""

from __future__ import annotations

from dataclasses import dataclass

from wattline.households.meters.model import LAYOUT, POWER, TOTAL, TOTAL_OUT, VALUE, VALUE_OUT
from wattline.ingest.series import RawReadings, Series
from wattline.model.clock import DAY, HOUR
from wattline.model.record import Quality, Row
from wattline.registry.stream import Stream

WIDTH = len(LAYOUT.quantities)
WINDOWS = (HOUR, 2 * DAY)
"""How far around an instant is looked first: a meter that sends is found there, and little has to be read."""
EVER = 2**52
"""The year 2112: no reading is newer."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row as it is stored, `quality` by column."""

    time: int
    value: float
    out: float | None
    power: float | None
    total: float
    total_out: float | None
    quality: tuple[int, ...] = (Quality.GOOD,) * WIDTH

    @property
    def sure(self) -> bool:
        """Whether the meter said what its register shows, and not a person."""
        return self.quality[VALUE] == Quality.GOOD

    def row(self, stream: int, received: int, *, raised: float = 0.0, value_too: bool = False) -> Row:
        """The row with its total raised, and its value too."""
        value = self.value + raised if value_too else self.value
        return Row(
            stream, self.time, received, (value, self.out, self.power, self.total + raised, self.total_out), self.quality
        )


def line_of(row: Row) -> Line | None:
    """A row of a stream; None where its register is BAD or missing."""
    quality = tuple(row.quality) if isinstance(row.quality, tuple) else (row.quality,) * WIDTH
    value, total = row.values[VALUE], row.values[TOTAL]
    if value is None or total is None or max(quality[VALUE], quality[TOTAL]) >= Quality.BAD:
        return None
    return Line(row.time, value, row.values[VALUE_OUT], row.values[POWER], total, row.values[TOTAL_OUT], quality)


def lines_of(stream: Stream, raw: RawReadings) -> list[Line]:
    """Readings as rows, ordered by time."""
    columns = {sensor: at for at, sensor in enumerate(stream.sensor_ids)}
    rows: dict[int, list[tuple[float, int] | None]] = {}
    parts = (raw.sensor.tolist(), raw.time.tolist(), raw.value.tolist(), raw.quality.tolist())
    for sensor, time, value, quality in zip(*parts, strict=True):
        rows.setdefault(time, [None] * WIDTH)[columns[sensor]] = (value, quality)
    found = []
    for time, cells in sorted(rows.items()):
        values = tuple(None if cell is None else cell[0] for cell in cells)
        qualities = tuple(0 if cell is None else cell[1] for cell in cells)
        line = line_of(Row(stream.id, time, time, values, qualities))
        if line is not None:
            found.append(line)
    return found


async def before(series: Series, stream: Stream, time: int, most: int = 1) -> list[Line]:
    """The newest rows before an instant, the newest first. Raises `Unavailable`."""
    for window in (*WINDOWS, EVER):
        start = max(0, time - window)
        lines = await _nearest(series, stream, start, time, most, newest=True)
        if len(lines) >= most or start == 0:
            break
    return lines


async def after(series: Series, stream: Stream, time: int, most: int = 1) -> list[Line]:
    """The oldest rows after an instant, the oldest first. Raises `Unavailable`."""
    for window in (*WINDOWS, EVER):
        lines = await _nearest(series, stream, time + 1, time + 1 + window, most, newest=False)
        if len(lines) >= most:
            break
    return lines


async def _nearest(series: Series, stream: Stream, start: int, end: int, most: int, *, newest: bool) -> list[Line]:
    if start >= end:
        return []
    raw = await series.nearest(stream, start, min(end, EVER), (most + 1) * WIDTH, newest=newest)
    lines = lines_of(stream, raw)
    # The last instant may have been cut in the middle.
    return (lines[::-1] if newest else lines)[:most]


async def since(series: Series, stream: Stream, time: int) -> list[Line]:
    """Every row after an instant, oldest first. Raises `Unavailable`."""
    names = [quantity.name for quantity in LAYOUT.quantities]
    return lines_of(stream, await series.usable([stream], time + 1, EVER, names))


async def condensed(series: Series, stream: Stream) -> Line | None:
    """The newest row that the tiers tell of, where readings are no longer kept one by one. Raises `Unavailable`."""
    sensors = stream.sensor_ids
    found = await series.buckets([stream], sensors, 0, EVER // DAY * DAY, DAY)
    used = found.count > 0
    newest: dict[int, tuple[int, float]] = {}
    parts = (found.group[used].tolist(), found.last_time[used].tolist(), found.last[used].tolist())
    for sensor, time, value in zip(*parts, strict=True):
        newest[sensor] = (time, value)
    at = [newest.get(sensor) for sensor in sensors]
    value, total, out, total_out = at[VALUE], at[TOTAL], at[VALUE_OUT], at[TOTAL_OUT]
    if value is None or total is None:
        return None
    return Line(
        total[0],
        value[1],
        None if out is None else out[1],
        None,
        total[1],
        None if total_out is None else total_out[1],
    )
