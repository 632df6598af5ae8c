"""The rows of a household with what was used from one to the next, in slices of bounded size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from wattline.households.energy.register import MICRO, micro_kwh, registers_before
from wattline.ingest.series import RawReadings, Series
from wattline.model.clock import HOUR, SECOND
from wattline.registry.stream import Stream

COLUMNS = ("value", "value_out", "value_current", "total", "total_out")
SLICE = 16_384
"""Rows of a slice, about: a query costs little a row, and of a file of any length a few MB are in memory at a time."""
FIRST_SLICE = 2048
"""Rows of the first one, so that an answer begins soon."""
WIDTHS = (HOUR, SECOND, SECOND // 1000)
"""Slices end on whole hours; an hour with more rows than a slice is cut at seconds, a second at milliseconds."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EnergyRows:
    """Rows ordered by time (us); kWh, W for `value_current`; NaN where nothing was sent.

    `consumption` is the difference of the register to the row before of the same meter, to six decimals, and 0 for its first
    row ever; `inserted` is the same of what was fed in. Rows with a BAD register are left out, and count for nothing.
    """

    time: NDArray[np.int64]
    value: Floats
    consumption: Floats
    value_out: Floats
    inserted: Floats
    value_current: Floats

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Plan:
    """Consecutive ranges [start, end) in us that together hold every row asked for; without any there is no row."""

    streams: Sequence[Stream]
    slices: Sequence[tuple[int, int]]


async def plan(series: Series, streams: Sequence[Stream], start: int, end: int, most: int = SLICE) -> Plan:
    """Cut [start, end) into slices of about `most` rows, by how many there are."""
    if not streams or start >= end:
        return Plan(streams, ())
    return Plan(streams, await _Cut(series, streams, most).pieces(start, end, WIDTHS))


@dataclass(frozen=True, slots=True)
class _Cut:
    series: Series
    streams: Sequence[Stream]
    most: int

    async def pieces(self, start: int, end: int, widths: Sequence[int]) -> list[tuple[int, int]]:
        """[start, end) in pieces that end on multiples of the first width; of the others where a bucket holds too much."""
        times, counts = await self.series.density(self.streams, start, end, widths[0], "total")
        if not len(times):
            return []
        pieces: list[tuple[int, int]] = []
        # Not at `start`: what the register showed before the first row is looked for before the first row.
        low, rows, wanted = max(start, int(times[0])), 0, min(FIRST_SLICE, self.most)
        for time, count in zip(times.tolist(), counts.tolist(), strict=True):
            if rows and rows + count > wanted:
                pieces.append((low, time))
                low, rows, wanted = time, 0, self.most
            if count > self.most and len(widths) > 1:
                until = min(time + widths[0], end)
                pieces += await self.pieces(max(low, time), until, widths[1:])
                low = until
            else:
                rows += count
        if rows:
            pieces.append((low, end))
        return pieces


async def rows(series: Series, planned: Plan) -> AsyncGenerator[EnergyRows, None]:
    """The rows of a plan, slice after slice; the next one is read while the caller works on this one."""
    if not planned.slices:
        return
    before = await registers_before(series, planned.streams, planned.slices[0][0])
    carry = {sensor: shown.micro for sensor, shown in before.items()}
    reading: asyncio.Task[RawReadings] | None = None
    try:
        for at, (start, end) in enumerate(planned.slices):
            raw = await (reading or series.usable(planned.streams, start, end, COLUMNS))
            reading = None
            if at + 1 < len(planned.slices):
                reading = asyncio.create_task(series.usable(planned.streams, *planned.slices[at + 1], COLUMNS))
            found = await asyncio.to_thread(_rows_of, planned.streams, raw, carry)
            if len(found):
                yield found
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def _rows_of(streams: Sequence[Stream], raw: RawReadings, carry: dict[int, int]) -> EnergyRows:
    """The rows of every stream; `carry` holds the registers before them and is moved on to the last ones."""
    parts = [_rows_of_one(stream, raw, carry) for stream in streams]
    if len(parts) == 1:
        return parts[0]
    joined = [np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(EnergyRows)]
    order = np.argsort(joined[0], kind="stable")
    return EnergyRows(*(column[order] for column in joined))


def _rows_of_one(stream: Stream, raw: RawReadings, carry: dict[int, int]) -> EnergyRows:
    total, total_out = stream.sensor_id("total"), stream.sensor_id("total_out")
    mine = raw.of(total)
    time = raw.time[mine]

    def column(name: str) -> Floats:
        return _aligned(time, raw, raw.of(stream.sensor_id(name)))

    used = _increments(raw.value[mine], total, carry)
    out = column("total_out")
    sent = ~np.isnan(out)
    inserted = np.full(len(time), np.nan)
    inserted[sent] = _increments(out[sent], total_out, carry)
    return EnergyRows(time, column("value"), used, column("value_out"), inserted, column("value_current"))


def _increments(register: Floats, sensor: int, carry: dict[int, int]) -> Floats:
    """From each value of a register to the next one, beginning with the one before."""
    if not len(register):
        return np.zeros(0)
    micro = micro_kwh(register)
    steps = np.diff(micro, prepend=carry.get(sensor, micro[0]))
    carry[sensor] = int(micro[-1])
    found: Floats = steps / MICRO
    return found


def _aligned(time: NDArray[np.int64], raw: RawReadings, mine: slice) -> Floats:
    """The readings of one column at these times, NaN where there is none."""
    own = raw.time[mine]
    if len(own) == len(time) and np.array_equal(own, time):
        return raw.value[mine]
    values = np.full(len(time), np.nan)
    if len(own):
        place = np.minimum(np.searchsorted(own, time), len(own) - 1)
        met = own[place] == time
        values[met] = raw.value[mine][place[met]]
    return values
