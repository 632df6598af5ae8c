"""What the store holds of given streams at given instants: readings, and the part of each row that is not a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattline.telemetry.engine import Engine
from wattline.telemetry.rows import Cells
from wattline.telemetry.tiers import EXISTS

SPAN = """time >= fromUnixTimestamp64Micro({first:Int64}, 'UTC') AND time <= fromUnixTimestamp64Micro({last:Int64}, 'UTC')
          AND toUnixTimestamp64Micro(time) IN {times:Array(Int64)}"""


@dataclass(frozen=True, slots=True)
class Statuses:
    """Records: stream ids, times and when each was made (us), status texts."""

    stream: list[int]
    time: list[int]
    created: list[int]
    status: list[str]


class HeldReader:
    """Queries of rows by their instants, in us since 1970; supersets of the pairs. `Unavailable` where the store is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def cells(self, sensors: Sequence[int], times: Sequence[int]) -> Cells:
        """The readings of any of the sensors at any of the times, every quality."""
        table = await self._engine.query(
            f"""SELECT sensor, toUnixTimestamp64Micro(time) AS micros, value, quality FROM readings FINAL
                WHERE sensor IN {{sensors:Array(UInt32)}} AND {SPAN} AND {EXISTS}""",
            {"sensors": list(sensors), **_bound(times)},
        )
        return Cells(*(table.column(name).to_numpy() for name in ("sensor", "micros", "value", "quality")))

    async def statuses(self, streams: Sequence[int], times: Sequence[int]) -> Statuses:
        """The records of any of the streams at any of the times."""
        table = await self._engine.query(
            f"""SELECT stream, toUnixTimestamp64Micro(time) AS micros, toUnixTimestamp64Micro(created) AS made, status
                FROM records FINAL WHERE stream IN {{streams:Array(UInt32)}} AND {SPAN} AND fate != 1""",
            {"streams": list(streams), **_bound(times)},
        )
        return Statuses(*(table.column(name).to_pylist() for name in ("stream", "micros", "made", "status")))


def _bound(times: Sequence[int]) -> dict[str, object]:
    return {"times": list(times), "first": min(times), "last": max(times)}
