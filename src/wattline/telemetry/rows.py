"""Reading whole rows: what a device sent at one instant, with the id it bears in its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wattline.telemetry.engine import Engine
from wattline.telemetry.tiers import EXISTS

SPAN = "time >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND time < fromUnixTimestamp64Micro({end:Int64}, 'UTC')"
COLUMNS = """stream, toUnixTimestamp64Micro(time) AS micros, id, toUnixTimestamp64Micro(created) AS made,
             toUnixTimestamp64Micro(received) AS got, fate"""


@dataclass(frozen=True, slots=True)
class Heads:
    """Rows without their readings: streams, times (us), ids (16 bytes each), when they were made and came in (us).

    `fate` is the `Fate` of each.
    """

    stream: NDArray[np.uint32]
    time: NDArray[np.int64]
    id: pa.FixedSizeBinaryArray
    created: NDArray[np.int64]
    received: NDArray[np.int64]
    fate: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.time)

    def ids(self) -> NDArray[np.void]:
        """The ids as NumPy holds 16 bytes."""
        return np.frombuffer(self.id.buffers()[1] or b"", "V16", len(self), self.id.offset * 16)

    def take(self, chosen: NDArray[np.int64]) -> Heads:
        """The rows at these places, in their order."""
        return Heads(
            self.stream[chosen],
            self.time[chosen],
            self.id.take(pa.array(chosen)),
            self.created[chosen],
            self.received[chosen],
            self.fate[chosen],
        )


@dataclass(frozen=True, slots=True)
class Cells:
    """Readings in no order: sensor ids, times (us), values, qualities."""

    sensor: NDArray[np.uint32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]


class RowReader:
    """Queries of rows by stream; times in us since 1970, ranges half-open. Raises `Unavailable` where the store is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def heads(self, streams: Sequence[int], start: int, end: int, most: int, *, newest_first: bool) -> Heads:
        """The first `most` rows in [start, end), from the one end or the other."""
        order = "time DESC" if newest_first else "time"
        return await self._heads(f"{SPAN} AND fate != 1 ORDER BY {order} LIMIT {{most:UInt64}}", streams, start, end, most=most)

    async def heads_at(self, streams: Sequence[int], times: Sequence[int]) -> Heads:
        """The rows of any of these streams at any of these times: a superset of the pairs."""
        where = f"{SPAN} AND toUnixTimestamp64Micro(time) IN {{times:Array(Int64)}} AND fate != 1"
        return await self._heads(where, streams, min(times), max(times) + 1, times=list(times))

    async def heads_since(self, streams: Sequence[int], since: int, most: int) -> Heads:
        """The rows that came in, were changed or taken back after `since` (us, of receipt), by receipt: the first `most`."""
        where = """received > fromUnixTimestamp64Micro({since:Int64}, 'UTC') ORDER BY received, time LIMIT {most:UInt64}"""
        return await self._heads(where, streams, 0, 0, since=since, most=most)

    async def _heads(self, where: str, streams: Sequence[int], start: int, end: int, **bound: object) -> Heads:
        one = len(streams) == 1
        mine = "stream = {stream:UInt32}" if one else "stream IN {streams:Array(UInt32)}"
        known = {"start": start, "end": end, **bound}
        known |= {"stream": streams[0]} if one else {"streams": list(streams)}
        table = await self._engine.query(f"SELECT {COLUMNS} FROM records FINAL WHERE {mine} AND {where}", known)
        stream, time, ids, made, got, fate = (column.combine_chunks() for column in table.columns)
        plain = (each.to_numpy(zero_copy_only=False) for each in (made, got, fate))
        return Heads(stream.to_numpy(), time.to_numpy(), ids.cast(pa.binary(16)), *plain)

    async def bounds(self, streams: Sequence[int]) -> tuple[int, int, int] | None:
        """The times of the oldest and the newest row of the streams, and how many there are, at most.

        Rows that were taken back and former states of rows are among them. None where there is none.
        """
        table = await self._engine.query(
            """SELECT toUnixTimestamp64Micro(min(time)), toUnixTimestamp64Micro(max(time)), count() FROM records
               WHERE stream IN {streams:Array(UInt32)}""",
            {"streams": list(streams)},
        )
        oldest, newest, count = (column[0].as_py() for column in table.columns)
        return (int(oldest), int(newest), int(count)) if count else None

    async def cells(self, sensors: NDArray[np.int64], start: int, end: int) -> Cells:
        """The readings of the sensors in [start, end), every quality."""
        table = await self._engine.query(
            f"""SELECT sensor, toUnixTimestamp64Micro(time) AS micros, value, quality FROM readings FINAL
                WHERE sensor IN {{sensors:Array(UInt32)}} AND {SPAN} AND {EXISTS}""",
            {"sensors": sensors.tolist(), "start": start, "end": end},
        )
        return Cells(*(column.to_numpy() for column in table.columns))
