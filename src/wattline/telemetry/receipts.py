"""Reading rows in the order of their receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattline.telemetry.engine import Engine
from wattline.telemetry.rows import Cells
from wattline.telemetry.tiers import EXISTS

COLUMNS = "stream, toUnixTimestamp64Micro(time) AS micros, toUnixTimestamp64Micro(received) AS got, status"
RECEIVED = """received > fromUnixTimestamp64Micro({after:Int64}, 'UTC')
              AND received <= fromUnixTimestamp64Micro({until:Int64}, 'UTC') AND fate != 1"""


@dataclass(frozen=True, slots=True)
class Received:
    """Rows without their readings: streams, times and times of receipt (us), status texts."""

    stream: NDArray[np.uint32]
    time: NDArray[np.int64]
    received: NDArray[np.int64]
    status: list[str]

    def __len__(self) -> int:
        return len(self.time)


class ReceiptReader:
    """Queries by receipt; times in us since 1970. Raises `Unavailable` where the store is away.

    A row that was sent again with other values is there once, at its last receipt.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def heads(self, streams: Sequence[int], after: int, until: int, most: int, *, newest_first: bool = False) -> Received:
        """The first `most` rows received in (after, until], from the one end or the other."""
        order = "received DESC" if newest_first else "received"
        table = await self._engine.query(
            f"""SELECT {COLUMNS} FROM records FINAL WHERE stream IN {{streams:Array(UInt32)}} AND {RECEIVED}
                ORDER BY {order}, stream, time LIMIT {{most:UInt64}}""",
            {"streams": list(streams), "after": after, "until": until, "most": most},
        )
        stream, time, got = (table.column(name).to_numpy() for name in ("stream", "micros", "got"))
        return Received(stream, time, got, table.column("status").to_pylist())

    async def cells(self, sensors: Sequence[int], times: Sequence[int]) -> Cells:
        """The readings of any of these sensors at any of these times: a superset of the pairs."""
        table = await self._engine.query(
            f"""SELECT sensor, toUnixTimestamp64Micro(time) AS micros, value, quality FROM readings FINAL
                WHERE sensor IN {{sensors:Array(UInt32)}}
                  AND time IN (SELECT fromUnixTimestamp64Micro(arrayJoin({{times:Array(Int64)}}), 'UTC')) AND {EXISTS}""",
            {"sensors": list(sensors), "times": list(times)},
        )
        return Cells(*(table.column(name).to_numpy() for name in ("sensor", "micros", "value", "quality")))
